//! Answers kept for shoppers in the same situation: bounded in bytes, each good for a while.
//!
//! Holds SKUs and never prices, so that a price change shows at once. A new model or new rules change the key, and
//! what was under the old one is pushed out by use. Time is the caller's: an entry made in the future by a clock
//! that was set back is not served.
//! Guards: an entry is served only while every item in it is offered.

use crate::{
    answer::{Item, Shelf},
    experiment::Policy,
    settings::CacheSettings,
};
use aisle_event::{
    Sku, Timestamp,
    shopper::{Rung, Slot},
};
use moka::sync::Cache as Moka;
use std::{
    mem::size_of,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Everything that an answer depends on, but for the shelf and what is left out for one shopper.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) slot: Slot,
    pub(crate) policy: Policy,
    pub(crate) count: usize,
    pub(crate) hour: u8,
    pub(crate) model: u64,
    /// Counts the rules installed in this process.
    pub(crate) rules: u64,
    pub(crate) context: Box<[Sku]>,
}

/// An answer's items and what belongs to them.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) items: Arc<[Item]>,
    pub(crate) rung: Rung,
    pub(crate) as_of: Timestamp,
    pub(crate) made_at: Timestamp,
    /// The shelf that was last found to offer every item.
    pub(crate) shelf: AtomicU64,
}

/// What a look-up found.
#[derive(Debug)]
pub(crate) enum Found {
    /// An entry that may be served.
    Hit(Arc<Entry>),
    /// Nothing.
    Miss,
    /// An entry whose time is over.
    Expired,
    /// An entry with an item that is no longer offered.
    SoldOut,
}

/// The entries.
#[derive(Debug)]
pub(crate) struct Cache {
    settings: CacheSettings,
    entries: Moka<Arc<Key>, Arc<Entry>>,
}

impl Cache {
    pub(crate) fn new(settings: &CacheSettings) -> Self {
        let entries = Moka::builder()
            .max_capacity(settings.bytes_max)
            .weigher(|key: &Arc<Key>, entry: &Arc<Entry>| weight(key, entry))
            .build();
        Self { settings: settings.clone(), entries }
    }

    pub(crate) fn get(&self, key: &Arc<Key>, at: Timestamp, shelf: &impl Shelf) -> Found {
        let Some(entry) = self.entries.get(key) else { return Found::Miss };
        let ttl_ms = match entry.rung {
            Rung::SessionNeighbours | Rung::ItemToItem => self.settings.recommendations_ttl_ms,
            Rung::Popular | Rung::Rules | Rung::Catalogue => self.settings.popular_ttl_ms,
        };
        if at < entry.made_at || at.ms_since(entry.made_at) >= ttl_ms {
            return Found::Expired;
        }
        let version = shelf.version();
        if entry.shelf.load(Ordering::Relaxed) != version {
            if !entry.items.iter().all(|item| shelf.offered(&item.sku)) {
                return Found::SoldOut;
            }
            entry.shelf.store(version, Ordering::Relaxed);
        }
        Found::Hit(entry)
    }

    pub(crate) fn put(&self, key: Arc<Key>, entry: Arc<Entry>) {
        if self.settings.bytes_max > 0 {
            self.entries.insert(key, entry);
        }
    }
}

/// Bytes, about: texts of up to 24 bytes lie within their `Sku`, longer ones beside it.
fn weight(key: &Key, entry: &Entry) -> u32 {
    let beside = |sku: &Sku| sku.as_str().len().saturating_sub(size_of::<Sku>());
    let context: usize = key.context.iter().map(|sku| size_of::<Sku>() + beside(sku)).sum();
    let items: usize = entry.items.iter().map(|item| size_of::<Item>() + 2 * beside(&item.sku)).sum();
    u32::try_from(size_of::<Key>() + size_of::<Entry>() + context + items).unwrap_or(u32::MAX)
}
