//! One call: what it is given, what came of it, and what it used.
//!
//! How it is made lies in `plugin`; here are the plain records of it. Guards invariant 4: a call has one of the outcomes listed
//! here, whatever the plugin does.

mod asked;
mod bytes;
mod failure;

pub use asked::{Asked, KvWrite, Level, LogLine};
pub(crate) use asked::{position_bytes, product_bytes};
pub use bytes::Bytes;
pub use failure::Failure;

use crate::{
    kv::KvStore,
    plain,
    types::{Output, Position, Product},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What `catalog` and `stock` answer from: the shop as it was at one moment. Must answer quickly and never wait.
pub trait Shop: Send + Sync {
    /// A product; nothing when it is not on offer.
    fn product(&self, sku: &str) -> Option<Product>;
    /// Products of a group in the order of their numbers, at most `limit` of them. `limit` is at most 100.
    fn of_category(&self, category: &str, limit: u32) -> Vec<Product>;
    /// How much there is; nothing when nothing is known.
    fn stock(&self, sku: &str) -> Option<Position>;
}

/// A shop with nothing in it.
#[derive(Debug, Clone, Copy, Default)]
pub struct EmptyShop;

impl Shop for EmptyShop {
    fn product(&self, _: &str) -> Option<Product> {
        None
    }

    fn of_category(&self, _: &str, _: u32) -> Vec<Product> {
        Vec::new()
    }

    fn stock(&self, _: &str) -> Option<Position> {
        None
    }
}

/// What a call takes place in.
#[derive(Clone)]
pub struct Scene {
    /// What `clock` says, in milliseconds since 1970.
    pub now: i64,
    /// What the numbers of `random` follow from.
    pub seed: u64,
    /// What `catalog` and `stock` answer from.
    pub shop: Arc<dyn Shop>,
    /// What `kv` reads. The call's writes come back in [`Call::writes`] and are nobody's until they are applied.
    pub kv: Arc<KvStore>,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The answer, checked against the input, or why there is none.
    pub outcome: Result<Output, Failure>,
    /// What was used of the fuel.
    pub fuel: u64,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// All memories and tables at their largest, in bytes.
    pub memory_bytes: u64,
    /// What was asked of catalogue, stock and kv, in order, with the answers: a replay gives the same.
    pub host_calls: Vec<Asked>,
    /// What it wants kept, in order. Empty when it failed.
    pub writes: Vec<KvWrite>,
    /// What it wrote.
    pub log: Vec<LogLine>,
    /// How many lines of it were dropped or cut.
    pub log_lines_cut: u32,
}

impl Call {
    /// About how many bytes it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let outcome = match &self.outcome {
            Ok(output) => plain::bytes(output),
            Err(failure) => plain::bytes(failure),
        };
        let asked: usize = self.host_calls.iter().map(Asked::bytes).sum();
        let writes: usize = self.writes.iter().map(plain::bytes).sum();
        let log: usize = self.log.iter().map(|line| size_of::<LogLine>() + line.text.len()).sum();
        size_of::<Self>() + outcome + asked + writes + log
    }
}

/// A plugin and its version, as it stands on receipts and in records.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// The plugin.
    pub id: String,
    /// Its version.
    pub version: semver::Version,
}

/// Which component was asked: what a record of a call says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The plugin and its version.
    pub stamp: Stamp,
    /// BLAKE3 of the component, in hex.
    pub hash: String,
}

impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.id, self.version)
    }
}
