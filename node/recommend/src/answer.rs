//! What is asked and what is answered: request, shelf, item, reason.
//!
//! Not here: words. A reason is data; the kiosk says it in the shopper's language.

use crate::experiment::Arm;
use aisle_event::{
    Sku, Timestamp,
    shopper::{Rung, Slot},
};
use std::sync::Arc;

/// The most items of one answer.
pub const COUNT_MAX: usize = 50;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Where the items will stand.
    pub slot: Slot,
    /// What the session viewed, oldest first.
    pub viewed: &'a [Sku],
    /// The product whose page is open.
    pub product: Option<&'a Sku>,
    /// What the basket holds, oldest first.
    pub basket: &'a [Sku],
    /// How many items are wanted, 1 to [`COUNT_MAX`]; other numbers are moved to the nearer end.
    pub count: usize,
    /// Now.
    pub at: Timestamp,
    /// The arm of the running experiment that the session is in.
    pub arm: Option<&'a Arm>,
}

/// What the shop offers at this moment. The caller implements it over its own snapshot.
pub trait Shelf {
    /// True when the product may be shown: it is listed and not known to be out of stock.
    fn offered(&self, sku: &Sku) -> bool;

    /// Changes whenever any answer of [`Shelf::offered`] may have changed: equal versions spare a second look.
    fn version(&self) -> u64;

    /// The products of the catalogue, the newest first.
    fn newest(&self) -> impl Iterator<Item = &Sku>;

    /// The category of a product, for diversity; `None` when it has none.
    fn category(&self, sku: &Sku) -> Option<&str> {
        let _ = sku;
        None
    }
}

/// Why an item is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Headquarters put it at this place.
    Pinned,
    /// Sessions that were like this one held it.
    ViewedNext {
        /// The product of this session that most of those sessions share.
        after: Sku,
        /// How many sessions.
        sessions: u32,
    },
    /// It is bought together with something in hand.
    GoesWith {
        /// The product that speaks loudest for it.
        with: Sku,
    },
    /// It sells at this time of day.
    PopularNow {
        /// The local hour, 0 to 23.
        hour: u8,
    },
    /// It is on headquarters' list.
    Chosen,
    /// It is new in the catalogue.
    New,
}

/// One recommended product.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The product.
    pub sku: Sku,
    /// What gave it. A pinned item is of [`Rung::Rules`].
    pub rung: Rung,
    /// Why.
    pub reason: Reason,
    /// Its score, comparable only within its rung; 0 where the rung has none.
    pub score: f64,
}

/// What to show.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The products, best first, without repetition.
    pub items: Arc<[Item]>,
    /// What gave the first item that is not pinned.
    pub rung: Rung,
    /// True when there is no model, or only one older than `model_age_max_ms`.
    pub degraded: bool,
    /// The time up to which the knowledge behind the answer is complete.
    pub as_of: Timestamp,
    /// The number of the model, counted from 1 in this process; 0 when there is none.
    pub model: u64,
    /// The version of the rules.
    pub rules: u64,
    /// True when the cache had it.
    pub cached: bool,
}
