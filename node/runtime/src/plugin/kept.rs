//! What one plugin keeps, as the journal adds it up and a snapshot holds it.
//!
//! Not here: its bounds and form (`aisle-plugin-host`).

use aisle_event::{ERASED, plugin::PluginWrite};
use aisle_plugin_host::{Bytes, KvLimits, KvStore, KvWrite};
use minicbor::{
    Decoder, Encoder,
    decode::Error as DecodeError,
    encode::{Error as EncodeError, Write},
};
use std::sync::Arc;

/// What one plugin keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept(pub(crate) Arc<KvStore>);

impl Default for Kept {
    fn default() -> Self {
        Self(Arc::new(KvStore::new(KvLimits::default())))
    }
}

impl Kept {
    /// After what one call wrote. A write that does not fit changes nothing; it was the same when it was checked first.
    pub(super) fn apply(&mut self, writes: &[PluginWrite]) {
        let store = Arc::make_mut(&mut self.0);
        // What was kept of a person who was erased has no key any more.
        for write in writes.iter().filter(|write| write.key.as_str() != ERASED) {
            let value = write.value.as_ref().map(|value| Bytes(value.0.to_vec()));
            store.apply(&KvWrite { key: write.key.to_string(), value });
        }
    }
}

/// Writes it into a snapshot.
pub(super) fn encode<C, W: Write>(
    kept: &Kept,
    encoder: &mut Encoder<W>,
    _: &mut C,
) -> Result<(), EncodeError<W::Error>> {
    encoder.bytes(&kept.0.encode()).map(drop)
}

/// Reads it from a snapshot.
pub(super) fn decode<C>(decoder: &mut Decoder<'_>, _: &mut C) -> Result<Kept, DecodeError> {
    let store = KvStore::decode(KvLimits::default(), decoder.bytes()?);
    store.map(|store| Kept(Arc::new(store))).map_err(|error| DecodeError::message(error.to_string()))
}
