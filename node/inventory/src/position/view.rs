//! What others read: the position of a product with its sources and reasons, made from the belief when somebody asks.

mod glance;

pub use glance::Glance;

use super::{
    config::Config,
    decide, grain,
    grid::Marginal,
    item::{Heard, Item},
    reason::{Because, reasons},
};
use aisle_event::{Quantity, Sku, Timestamp, Unit, device::Place};
use serde::Serialize;
use std::sync::Arc;

/// All positions at one moment. Cheap to clone; it never changes.
#[derive(Debug, Clone)]
pub struct View {
    pub(super) items: imbl::OrdMap<Sku, Arc<Item>>,
    pub(super) config: Arc<Config>,
    pub(super) now: Timestamp,
    pub(super) passed_ms: i64,
    pub(super) entered: f64,
    pub(super) ignored: u64,
}

/// How many pieces are somewhere, as far as is known. Weighed goods count in tenths of a kilogram, litre or metre.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean of the belief.
    pub mean: f64,
    /// The median.
    pub pieces: i64,
    /// With chances 95 in 100 there is at least this.
    pub low: i64,
    /// With chances 95 in 100 there is at most this.
    pub high: i64,
    /// How sure the store is that it is from `low` to `high`: at least 0.9, more where whole pieces leave no closer bounds.
    pub chance: f64,
}

/// Where something is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Tills, deliveries and moves, added up.
    Book,
    /// A count.
    Count,
    /// Scales under the shelf.
    Weight,
    /// RFID.
    Tags,
}

/// What one source says of a place.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Source {
    /// Which.
    pub kind: SourceKind,
    /// Of which place.
    pub place: Place,
    /// How many pieces it says.
    pub pieces: f64,
    /// When it last spoke.
    pub at: Timestamp,
    /// How long ago that is, in seconds of the store's own time.
    pub age_s: u64,
    /// How much it contributes, in percent of the precision (one over the variance) of all sources of this place.
    pub weight_percent: f64,
}

/// How much of a product is where.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Position {
    /// Which product.
    pub sku: Sku,
    /// What it is sold by.
    pub unit: Unit,
    /// On the shelf.
    pub shelf: Estimate,
    /// In the backroom.
    pub backroom: Estimate,
    /// In the store, with what shoppers carry and have not paid.
    pub total: Estimate,
    /// What is off the shelf and not paid yet.
    pub unpaid: i64,
    /// What the records alone say; nothing before the first count or delivery.
    pub book: Option<i64>,
    /// The chance that the shelf is a gap while the backroom has some.
    pub gap: f64,
    /// The chance that the book has goods that are not there.
    pub phantom: f64,
    /// The chance that there is none to sell.
    pub none: f64,
    /// What a count would be worth beyond its cost; below zero it is not worth it. In the unit of the configured costs.
    pub recount_value: f64,
    /// What is known from where.
    pub sources: Vec<Source>,
    /// Why, the weightiest first.
    pub because: Vec<Because>,
    /// The time of the last event that was taken in.
    pub as_of: Timestamp,
}

impl Position {
    /// So many pieces of the belief as an amount of this product: pieces, or tenths of what it is weighed or measured by.
    #[must_use]
    pub const fn quantity(&self, pieces: i64) -> Quantity {
        Quantity { thousandths: pieces.saturating_mul(grain(self.unit)), unit: self.unit }
    }

    /// Why, in words.
    #[must_use]
    pub fn why(&self) -> String {
        let words: Vec<String> = self.because.iter().map(ToString::to_string).collect();
        words.join("; ")
    }
}

impl View {
    /// The position of a product; nothing when nothing was ever counted, delivered, weighed or read of it.
    #[must_use]
    pub fn position(&self, sku: &Sku) -> Option<Position> {
        self.items.get_key_value(sku).and_then(|(sku, item)| self.make(sku, item))
    }

    /// All positions, by SKU.
    pub fn positions(&self) -> impl Iterator<Item = Position> + '_ {
        self.items.iter().filter_map(|(sku, item)| self.make(sku, item))
    }

    /// How many products are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// True when no product is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Events that were left out: of another unit, absurd, or beyond a bound.
    #[must_use]
    pub const fn ignored(&self) -> u64 {
        self.ignored
    }

    /// The part of fillings that staff enter, as far as scales can tell; zero when none ever was entered.
    #[must_use]
    pub const fn fillings_entered(&self) -> f64 {
        self.entered
    }

    fn make(&self, sku: &Sku, item: &Item) -> Option<Position> {
        let grid = item.grid.as_ref()?;
        let unpaid = item.unpaid.sum();
        let (shelf, back) = (grid.shelf(), grid.back());
        let total = item.total(grid);
        let sources = self.sources(item);
        Some(Position {
            sku: sku.clone(),
            unit: item.unit.unwrap_or(Unit::Each),
            shelf: estimate(&shelf),
            backroom: estimate(&back),
            total: estimate(&total),
            unpaid,
            book: item.book.is_open.then(|| item.book.total()),
            gap: item.outlook.gap.into(),
            phantom: item.outlook.phantom.into(),
            none: item.outlook.none.into(),
            recount_value: decide::recount_value(item, &self.config),
            because: reasons(item, &sources),
            sources,
            as_of: self.now,
        })
    }

    /// Each source's own variance, had it to speak alone: of a count what may have happened since; of the book what may be
    /// wrong with it; of sensors their noise.
    fn sources(&self, item: &Item) -> Vec<Source> {
        let mut found = Vec::new();
        let age = |heard: &Heard| (self.passed_ms - heard.passed_ms).max(0);
        let hours = |ms: i64| ms as f64 / 3_600_000.0;
        for (place, counted) in [(Place::Shelf, item.counted_shelf), (Place::Backroom, item.counted_back)] {
            let turnover = item.demand.mean() * 1.3 + item.loss.mean();
            let mut add = |kind, pieces: f64, at: Timestamp, age_ms: i64, variance: f64| {
                let (age_s, weight_percent) = (age_ms.unsigned_abs() / 1000, 1.0 / variance.max(1e-3));
                found.push(Source { kind, place, pieces, at, age_s, weight_percent });
            };
            let since_count = counted.map_or(24.0 * 90.0, |heard| hours(age(&heard)));
            if let Some(heard) = counted {
                // Alone, a count knows nothing of what was sold since.
                let sold = turnover * since_count;
                add(
                    SourceKind::Count,
                    heard.pieces as f64,
                    heard.at,
                    age(&heard),
                    0.15 + sold + sold * sold / 12.0,
                );
            }
            let last = [item.sold, item.received, item.moved].into_iter().flatten().min_by_key(age);
            if let Some(heard) = last.filter(|_| item.book.is_open) {
                let lost = item.loss.mean() * since_count;
                let unsure =
                    if place == Place::Shelf { 1.0 - self.entered } else { 0.4 * (1.0 - self.entered) };
                let moved = unsure * f64::from(item.capacity());
                let received = if item.received.is_some() { 0.5 } else { 0.0 };
                let variance = 0.2 + lost + lost * lost + moved * moved + received;
                add(SourceKind::Book, item.book.at(place) as f64, heard.at, age(&heard), variance);
            }
            if let Some(pieces) = item.scales.shown().filter(|_| place == Place::Shelf) {
                let at = item.scales.all.iter().map(|scale| scale.at).max().unwrap_or_default();
                let weighed = item.scales.weighed(self.passed_ms);
                let variance = weighed.map_or(1e9, |weighed| weighed.variance + 0.01);
                add(SourceKind::Weight, pieces, at, self.now.ms_since(at).min(1 << 50) as i64, variance);
            }
            if let Some(zone) = item.tags.zone(place) {
                let missed = 0.03 * f64::from(zone.pieces) + 0.2;
                let old = hours((self.passed_ms - zone.passed_ms).max(0)) * turnover;
                let age_ms = (self.passed_ms - zone.passed_ms).max(0);
                add(SourceKind::Tags, zone.pieces.into(), zone.at, age_ms, missed + old + old * old);
            }
        }
        for place in [Place::Shelf, Place::Backroom] {
            let all: f64 =
                found.iter().filter(|source| source.place == place).map(|source| source.weight_percent).sum();
            for source in found.iter_mut().filter(|source| source.place == place) {
                source.weight_percent *= 100.0 / all;
            }
        }
        found
    }
}

fn estimate(belief: &Marginal) -> Estimate {
    let (low, high) = belief.interval();
    let chance = (belief.up_to(high) - belief.up_to(low - 1)).clamp(0.0, 1.0);
    Estimate { mean: belief.mean().max(0.0), pieces: belief.quantile(0.5), low, high, chance }
}
