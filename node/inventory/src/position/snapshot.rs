//! The fold as bytes, exactly: what is decoded goes on as if it had never been away.

use super::{Item, Placement, Positions, clock::Clock, config::Config, store::Store};
use aisle_event::{DeviceId, Gtin, Name, Sku};
use minicbor::{Decode, Encode};
use std::sync::Arc;

/// The form of these bytes. Another one is refused, and the journal is read again.
const FORM: u8 = 3;

/// Why bytes are not a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSnapshot {
    /// They do not decode.
    #[error("the snapshot does not decode: {0}")]
    Malformed(String),
    /// They are of another form.
    #[error("the snapshot has form {0}, this node reads form 3")]
    Form(u8),
    /// They decode to what cannot be.
    #[error("the snapshot holds what cannot be: `{0}`")]
    Impossible(&'static str),
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct Snapshot {
    #[n(0)]
    form: u8,
    #[n(1)]
    applied: u64,
    #[n(2)]
    clock: Clock,
    #[n(3)]
    store: Store,
    #[n(4)]
    items: Vec<(Sku, Item)>,
    #[n(5)]
    placements: Vec<(DeviceId, Name, Placement)>,
    #[n(6)]
    gtins: Vec<(Gtin, Sku)>,
    #[n(7)]
    swept: Option<Sku>,
    #[n(8)]
    ignored: u64,
    #[n(9)]
    readers_ever: u32,
}

impl Positions {
    /// The fold as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let placements = self.placements.iter();
        let snapshot = Snapshot {
            form: FORM,
            applied: self.applied,
            clock: self.clock.clone(),
            store: self.store.clone(),
            items: self.items.iter().map(|(sku, item)| (sku.clone(), Item::clone(item))).collect(),
            placements: placements
                .map(|((device, stream), placement)| (device.clone(), stream.clone(), placement.clone()))
                .collect(),
            gtins: self.gtins.iter().map(|(gtin, sku)| (*gtin, sku.clone())).collect(),
            swept: self.swept.clone(),
            ignored: self.ignored,
            readers_ever: self.readers_ever,
        };
        // Writing to a `Vec` has no way to fail.
        minicbor::to_vec(snapshot).unwrap_or_default()
    }

    /// Reads bytes.
    ///
    /// # Errors
    /// When they are not what [`Positions::encode`] gives. Nothing of them is used then.
    pub fn decode(config: Config, bytes: &[u8]) -> Result<Self, InvalidSnapshot> {
        let form = minicbor::Decoder::new(bytes).array_iter::<u8>().ok().and_then(|mut fields| fields.next());
        match form {
            Some(Ok(FORM)) => {}
            Some(Ok(form)) => return Err(InvalidSnapshot::Form(form)),
            _ => return Err(InvalidSnapshot::Malformed("there is no form".into())),
        }
        let snapshot: Snapshot =
            minicbor::decode(bytes).map_err(|error| InvalidSnapshot::Malformed(error.to_string()))?;
        if !snapshot.items.iter().all(|(_, item)| item.is_sound(config.tags_per_sku_max)) {
            return Err(InvalidSnapshot::Impossible("items"));
        }
        if !snapshot.store.is_sound() || !snapshot.clock.is_sound() {
            return Err(InvalidSnapshot::Impossible("store"));
        }
        if snapshot.items.len() > config.skus_max || snapshot.placements.len() > config.placements_max {
            return Err(InvalidSnapshot::Impossible("more than the configuration allows"));
        }
        let placements = snapshot.placements.into_iter();
        Ok(Self {
            config: Arc::new(config),
            items: snapshot.items.into_iter().map(|(sku, item)| (sku, Arc::new(item))).collect(),
            placements: placements.map(|(device, stream, placement)| ((device, stream), placement)).collect(),
            gtins: snapshot.gtins.into_iter().collect(),
            store: snapshot.store,
            clock: snapshot.clock,
            applied: snapshot.applied,
            swept: snapshot.swept,
            ignored: snapshot.ignored,
            readers_ever: snapshot.readers_ever,
        })
    }
}
