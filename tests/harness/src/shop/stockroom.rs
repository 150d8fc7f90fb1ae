//! What is really on the shelves: deliveries, counts, waste, and what goes missing unseen.
//!
//! The room knows the truth; the events only tell what a shop would note down. Theft is not noted, so the book drifts
//! above the truth until the weekly count: it can be too high, never below zero.

use super::{
    article::{Article, ArticleId, Catalogue},
    calendar::{Day, HOUR_MS, MINUTE_MS},
    plan::Plan,
};
use aisle_event::{
    Day as Date, Event, LotId, Quantity, Timestamp, Unit,
    stock::{AdjustReason, StockAdjusted, StockCounted, StockReceived},
};
use rand::{Rng, RngExt};

/// Lines that an average visit ends with; sets the level that the shelves are filled to.
const LINES_PER_VISIT: f64 = 5.0;
/// The shop is counted in so many parts, one part a day.
const COUNT_PARTS: usize = 7;
const DELIVERIES_MS: i64 = 5 * HOUR_MS;
const COUNTS_MS: i64 = 6 * HOUR_MS;

#[derive(Debug, Clone, Copy)]
struct Bin {
    /// Thousandths of the article's unit.
    on_hand: i64,
    /// The level that a delivery fills up to.
    full: i64,
    /// Ordered when no more than this is left.
    low: i64,
    /// The supplier has none until this day.
    dry_until: u32,
}

/// The stock of every article, by its id.
#[derive(Debug)]
pub(crate) struct Stockroom {
    bins: Vec<Bin>,
}

impl Stockroom {
    pub(crate) fn new(catalogue: &Catalogue, plan: &Plan) -> Self {
        let lines_per_day = LINES_PER_VISIT * f64::from(plan.visits_per_day);
        let bin = |article: &Article| {
            let daily =
                article.demand * lines_per_day * if article.category.unit == Unit::Each { 1.4 } else { 0.8 };
            let days = f64::from(article.category.shelf_life_days.clamp(3, 14));
            let full = (daily * days + 2.0 * (daily * days).sqrt()).ceil().max(4.0);
            let low = (daily * 2.0 + daily.sqrt()).ceil().max(1.0);
            Bin { on_hand: 0, full: full as i64 * 1000, low: low as i64 * 1000, dry_until: 0 }
        };
        Self { bins: catalogue.ids().map(|id| bin(catalogue.article(id))).collect() }
    }

    /// Takes up to `wanted` thousandths; returns what there was.
    pub(crate) fn take(&mut self, id: ArticleId, wanted: i64) -> i64 {
        let Some(bin) = self.bins.get_mut(id.index()) else { return 0 };
        let taken = wanted.min(bin.on_hand);
        bin.on_hand -= taken;
        taken
    }

    /// Puts back what a customer returned.
    pub(crate) fn put(&mut self, id: ArticleId, thousandths: i64) {
        if let Some(bin) = self.bins.get_mut(id.index()) {
            bin.on_hand += thousandths;
        }
    }

    pub(crate) fn on_hand(&self, id: ArticleId) -> i64 {
        self.bins.get(id.index()).map_or(0, |bin| bin.on_hand)
    }

    /// The hours before the doors open: what the day's lorry brings, what is thrown away, what is counted.
    pub(crate) fn morning(
        &mut self,
        day: &Day,
        catalogue: &Catalogue,
        rng: &mut impl Rng,
    ) -> Vec<(Timestamp, Event)> {
        let mut events = Vec::new();
        for (id, bin) in catalogue.ids().zip(&mut self.bins) {
            let article = catalogue.article(id);
            if article.is_listed(day.index) {
                bin.shrink(article, day, rng, &mut events);
                bin.deliver(article, day, rng, &mut events);
                bin.count(article, day, id.index(), &mut events);
            }
        }
        events
    }
}

impl Bin {
    fn shrink(
        &mut self,
        article: &Article,
        day: &Day,
        rng: &mut impl Rng,
        events: &mut Vec<(Timestamp, Event)>,
    ) {
        let piece = self.on_hand.min(1000);
        if piece > 0 && rng.random_bool(0.002) {
            self.on_hand -= piece;
        }
        let spoils = article.category.shelf_life_days <= 6 && rng.random_bool(0.03);
        let spoilt = if spoils { (self.on_hand / 8).min(5_000) / 1000 * 1000 } else { 0 };
        if spoilt > 0 {
            self.on_hand -= spoilt;
            let at = day.at(DELIVERIES_MS - rng.random_range(1..20) * MINUTE_MS);
            let delta = Quantity { thousandths: -spoilt, unit: article.category.unit };
            let reason = AdjustReason::Damaged;
            let adjusted =
                StockAdjusted { sku: article.sku.clone(), delta, reason, at, unknown: Default::default() };
            events.push((at, adjusted.into()));
        }
    }

    fn deliver(
        &mut self,
        article: &Article,
        day: &Day,
        rng: &mut impl Rng,
        events: &mut Vec<(Timestamp, Event)>,
    ) {
        let is_new = article.listed_day == day.index;
        // Once in a while a supplier runs dry, for one to ten days.
        if !is_new && self.dry_until <= day.index && rng.random_bool(0.003) {
            self.dry_until = day.index + rng.random_range(1..=10);
        }
        if self.on_hand > self.low || self.dry_until > day.index {
            return;
        }
        let thousandths = (self.full - self.on_hand + 999) / 1000 * 1000;
        self.on_hand += thousandths;
        let at = day.at(DELIVERIES_MS + rng.random_range(0..50) * MINUTE_MS);
        let quantity = Quantity { thousandths, unit: article.category.unit };
        let keeps = article.category.shelf_life_days > 30;
        let lot = if keeps { None } else { LotId::new(format!("L{}-{:03}", article.sku, day.index)).ok() };
        let sold_for = i32::try_from(article.category.shelf_life_days).unwrap_or(i32::MAX);
        let received = StockReceived {
            sku: article.sku.clone(),
            quantity,
            lot,
            at,
            expires: (!keeps).then(|| Date(at.day().0.saturating_add(sold_for))),
            unknown: Default::default(),
        };
        events.push((at, received.into()));
    }

    fn count(&self, article: &Article, day: &Day, index: usize, events: &mut Vec<(Timestamp, Event)>) {
        let due = article.listed_day == day.index || index % COUNT_PARTS == day.weekday.turn(COUNT_PARTS);
        if due {
            let at = day.at(COUNTS_MS + (index as i64 % 45) * MINUTE_MS);
            let on_hand = Quantity { thousandths: self.on_hand, unit: article.category.unit };
            let counted = StockCounted { sku: article.sku.clone(), on_hand, at, unknown: Default::default() };
            events.push((at, counted.into()));
        }
    }
}
