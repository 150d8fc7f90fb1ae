//! The snapshot that readers use: immutable, complete, cheap to copy.

use crate::{
    experiments::ArmCounters,
    history::Visit,
    product::{Product, Suppressed},
    sessions::Session,
};
use aisle_event::{Hlc, Name, SessionId, Sku, Timestamp};
use imbl::{HashMap, OrdMap, OrdSet, Vector};
use std::sync::Arc;

/// The most recent visits that a snapshot carries; the oldest goes first.
pub const RECENT_MAX: usize = 4096;

/// The shop at one moment. The maps share structure, so a snapshot costs no copy.
#[derive(Debug, Clone, Default)]
pub struct Shop {
    /// The last sequence number that is in here.
    pub applied: u64,
    /// The time of that record.
    pub as_of: Hlc,
    /// The latest time at which any price was set; `None` without products.
    pub prices_as_of: Option<Timestamp>,
    /// Changes with every listing, delisting and price.
    pub catalogue_version: u64,
    /// Changes whenever a product runs out or comes back.
    pub stock_version: u64,
    /// What is offered, by number.
    pub products: OrdMap<Sku, Arc<Product>>,
    /// Who is shopping now.
    pub sessions: HashMap<SessionId, Arc<Session>>,
    /// The latest completed visits, oldest first, at most [`RECENT_MAX`].
    pub recent: Vector<Arc<Visit>>,
    /// What each arm of an experiment led to, by `experiment/arm`.
    pub experiments: OrdMap<Name, ArmCounters>,
    /// What plugins keep from being sold, on offer or not. Products on offer say it themselves.
    pub(crate) suppressed: OrdMap<Sku, Suppressed>,
    /// Open sessions by when they were last touched.
    pub(crate) by_touch: OrdSet<(u64, SessionId)>,
    pub(crate) counts: Counts,
}

/// Numbers that are kept beside the rows because sled counts slowly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub(crate) struct Counts {
    /// Rows of history.
    #[n(0)]
    pub history: u64,
    /// Rows of receipts.
    #[n(1)]
    pub receipts: u64,
    /// Records whose bytes did not decode. They stay in the journal.
    #[n(2)]
    pub undecodable: u64,
    /// Effects that could not be applied: an unknown product, another unit, an overflow.
    #[n(3)]
    pub without_effect: u64,
    /// Records that the journal could not give because they were damaged.
    #[n(4)]
    pub lost: u64,
}

impl Shop {
    /// A product by its number.
    #[must_use]
    pub fn product(&self, sku: &str) -> Option<&Arc<Product>> {
        self.products.get(sku)
    }

    /// An open session by its id.
    #[must_use]
    pub fn session(&self, id: &str) -> Option<&Arc<Session>> {
        self.sessions.get(id)
    }
}
