//! The records of a class, as they lie on disk: CBOR maps with numbered fields. Numbers are for ever.
//!
//! Guards: a record is read whole or not at all, and nothing of it is used before the batch in it has the right checksum.

use aisle_protocol::{Batch, Epoch, Point, PolicyId, batch::BatchError};
use minicbor::{Decode, Encode, bytes::ByteVec};

/// A batch and the state that goes with it.
pub(crate) const SEALED: u16 = 1;
/// The journal was gone through and nothing of it left.
pub(crate) const QUIET: u16 = 2;
/// Everything: the begin of an epoch, and before records are trimmed.
pub(crate) const STATE: u16 = 3;
/// The hub has everything up to a place.
pub(crate) const ACKED: u16 = 4;

/// A sealed batch.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Sealed<'a> {
    /// The last record of the store's journal that was gone through.
    #[n(1)]
    pub(crate) cursor: u64,
    /// The record of each event, each as the difference to the one before.
    #[n(2)]
    pub(crate) places: Vec<u64>,
    /// The receipt by itself: the next one is drawn up after it.
    #[b(3)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) receipt: &'a [u8],
    /// The batch, as it travels.
    #[b(4)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) batch: &'a [u8],
}

/// A cursor without a batch.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Quiet {
    /// The last record that was gone through.
    #[n(1)]
    pub(crate) cursor: u64,
    /// What was withheld since the last receipt.
    #[n(2)]
    pub(crate) draft: ByteVec,
}

/// The hub's acknowledgement.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Acked {
    /// Of which epoch.
    #[n(1)]
    pub(crate) epoch: Epoch,
    /// Up to where.
    #[n(2)]
    pub(crate) through: Point,
}

/// Where an event came from: everything up to the number came from records up to the place, everything after it from later ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Stone {
    #[n(0)]
    pub(crate) seq: u64,
    #[n(1)]
    pub(crate) place: u64,
}

/// An epoch that ended.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Past {
    #[n(1)]
    pub(crate) epoch: Epoch,
    /// The last place that the hub has of it.
    #[n(2)]
    pub(crate) end: Point,
    /// The record that it begins after.
    #[n(3)]
    pub(crate) begun: u64,
    #[n(4)]
    pub(crate) stones: Vec<Stone>,
}

/// What was counted for aggregates, and up to where.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Counted {
    #[n(1)]
    pub(crate) aggregator: ByteVec,
    #[n(2)]
    pub(crate) budget: ByteVec,
    /// The last record that was counted.
    #[n(3)]
    pub(crate) through: u64,
}

/// Everything that is known of a class but its batches.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct State {
    /// The running epoch.
    #[n(1)]
    pub(crate) epoch: Epoch,
    /// The id of the store's journal.
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) journal: [u8; 16],
    /// The record that the epoch begins after.
    #[n(3)]
    pub(crate) begun: u64,
    /// The end of the last batch.
    #[n(4)]
    pub(crate) last: Point,
    /// The last record that was gone through.
    #[n(5)]
    pub(crate) cursor: u64,
    /// The last receipt.
    #[n(6)]
    pub(crate) receipt: Option<ByteVec>,
    /// What was withheld since.
    #[n(7)]
    pub(crate) draft: Option<ByteVec>,
    /// The policy of both.
    #[n(8)]
    pub(crate) policy: PolicyId,
    /// What the hub is known to have.
    #[n(9)]
    pub(crate) acked: Point,
    /// Epochs that ended, the youngest last.
    #[n(10)]
    pub(crate) past: Vec<Past>,
    /// Where events came from whose batches are no longer kept.
    #[n(11)]
    pub(crate) stones: Vec<Stone>,
    /// What was counted; only where aggregates go.
    #[n(12)]
    pub(crate) counted: Option<Counted>,
}

/// Why a record is none of ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FormError {
    #[error("it does not decode: {0}")]
    Cbor(#[from] minicbor::decode::Error),
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error("it names {places} places for {events} events")]
    Places { places: usize, events: u32 },
}

/// Encodes a record; writing to a `Vec` has no way to fail.
pub(crate) fn encode<T: Encode<()>>(record: &T) -> Vec<u8> {
    minicbor::to_vec(record).unwrap_or_default()
}

/// A sealed batch, read back.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) cursor: u64,
    /// The record of each event.
    pub(crate) places: Vec<u64>,
    pub(crate) receipt: bytes::Bytes,
    pub(crate) batch: Batch,
}

impl Kept {
    pub(crate) fn parse(payload: &bytes::Bytes) -> Result<Self, FormError> {
        let sealed: Sealed<'_> = minicbor::decode(payload)?;
        let batch = Batch::parse(payload.slice_ref(sealed.batch))?;
        let events = batch.header().count;
        if u32::try_from(sealed.places.len()) != Ok(events) {
            return Err(FormError::Places { places: sealed.places.len(), events });
        }
        let places = sealed.places.iter().scan(0_u64, |at, step| {
            *at = at.saturating_add(*step);
            Some(*at)
        });
        let places = places.collect();
        Ok(Self { cursor: sealed.cursor, places, receipt: payload.slice_ref(sealed.receipt), batch })
    }
}

/// Places as differences.
pub(crate) fn steps(places: &[u64]) -> Vec<u64> {
    let before = std::iter::once(0).chain(places.iter().copied());
    places.iter().zip(before).map(|(place, before)| place.saturating_sub(before)).collect()
}
