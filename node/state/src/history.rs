//! What shoppers looked at and bought together: the material that recommendations are made of.

use aisle_event::{Sku, Timestamp};
use minicbor::{Decode, Encode};

/// The most items that one visit keeps; a longer document (a wholesale order) keeps its first.
pub(crate) const ITEMS_MAX: usize = 500;

/// What kind of visit it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum VisitKind {
    /// Somebody looked at products.
    #[n(0)]
    Browse,
    /// Somebody bought them.
    #[n(1)]
    Sale,
}

/// Products that belong together because one shopper chose them in one visit.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Visit {
    /// The record that completed it.
    #[n(0)]
    pub seq: u64,
    /// When it began, or when the sale was made.
    #[n(1)]
    pub at: Timestamp,
    /// Of which kind.
    #[n(2)]
    pub kind: VisitKind,
    /// The products, oldest first, each once, at most [`ITEMS_MAX`].
    #[n(3)]
    pub items: Vec<Sku>,
}

impl Visit {
    pub(crate) fn new<'a>(
        seq: u64,
        at: Timestamp,
        kind: VisitKind,
        items: impl Iterator<Item = &'a Sku>,
    ) -> Option<Self> {
        let mut seen = std::collections::HashSet::new();
        let items: Vec<Sku> = items.filter(|sku| seen.insert(*sku)).take(ITEMS_MAX).cloned().collect();
        (!items.is_empty()).then_some(Self { seq, at, kind, items })
    }

    /// The row's key: by time, then by sequence number.
    pub(crate) fn key(&self) -> [u8; 16] {
        let mut key = [0; 16];
        let (time, seq) = key.split_at_mut(8);
        // The sign bit is flipped so that times before 1970 sort first.
        time.copy_from_slice(&((self.at.0 as u64) ^ (1 << 63)).to_be_bytes());
        seq.copy_from_slice(&self.seq.to_be_bytes());
        key
    }
}
