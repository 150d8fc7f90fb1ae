//! What deliveries do to a belief, and what is learned of them when the truth comes to light.
//!
//! A delivery may differ from its note, and may never have been entered. How often, and by how much, is a store's habit:
//! it is learned at each *moment of truth* — a count of the whole product, or a weighed shelf that staff fill with all that
//! the backroom has — from how far the book has gone off since the one before (an expectation step over three explanations:
//! nothing was wrong, a delivery differed, one was never entered).
//!
//! Shops order by their book (Kang and Gershwin 2005), so a delivery comes when the book has fallen to a certain level. One that
//! comes although the book is lower by a day's sales or more was probably preceded by one that nobody entered.

use super::{Item, PIECES_PER_SALE};
use crate::position::{clock::Clock, grid::Grid, store::Store};
use aisle_event::{Timestamp, device::Place};
use minicbor::{Decode, Encode};

/// Pieces by which a note is believed to be wrong at most.
const WRONG_PIECES_MAX: i64 = 40;
/// The part of wrong deliveries that are short.
const SHORT: f64 = 2.0 / 3.0;
/// How strongly the level of the book at a delivery may speak for another one before: a supplier may also have had none.
const MISSED_ODDS_MAX: f64 = 300.0;

/// What deliveries of a product are like.
#[derive(Debug, Clone, Copy, PartialEq, Default, Encode, Decode)]
#[cbor(array)]
pub(in crate::position) struct Deliveries {
    /// So many were heard of.
    #[n(0)]
    heard: u32,
    /// Pieces of one, usually.
    #[n(1)]
    pieces: f32,
    /// What the book has when one comes, usually, and how far it is off that, on average.
    #[n(2)]
    level: f32,
    #[n(3)]
    off_level: f32,
    /// The book was corrected since the last one.
    #[n(4)]
    corrected: bool,
    /// So many came since the last moment of truth.
    #[n(5)]
    since: u32,
    /// Pieces that went without being paid since then, as far as is known.
    #[n(6)]
    gone: f32,
    /// What the truth was above the book then.
    #[n(7)]
    above_book: i64,
    /// What the shelf was above the book at its last count, which the count of the backroom goes with, and when that was.
    #[n(8)]
    shelf_above_book: i64,
    #[n(9)]
    shelf_counted_ms: Option<i64>,
}

impl Deliveries {
    pub(super) fn is_sound(&self) -> bool {
        let most = i64::MAX / 4;
        (0.0..=1e9).contains(&self.pieces)
            && self.level.abs() <= 1e15
            && (0.0..=1e15).contains(&self.off_level)
            && (-1e9..=1e9).contains(&self.gone)
            && self.above_book.abs() <= most
            && self.shelf_above_book.abs() <= most
    }

    /// Pieces went, or are thought to have gone, that nobody paid for.
    pub(super) fn lose(&mut self, pieces: f64) {
        self.gone = (self.gone + pieces as f32).clamp(-1e6, 1e6);
    }

    /// Pieces of a delivery that nobody entered; nothing before it is known what deliveries are like.
    pub(super) fn usual(&self) -> Option<i64> {
        (self.heard >= 2).then(|| self.pieces.round().clamp(1.0, 1e5) as i64)
    }

    /// A delivery comes while the book has so much. The chance that another one came before, which nobody entered.
    fn hear(&mut self, pieces: i64, level: i64, sold_a_day: f64, unnoted: f64) -> f64 {
        let (size, level) = (pieces as f64, level.clamp(-1_000_000_000, 1_000_000_000) as f64);
        let usual = f64::from(self.level);
        let mut missed = 0.0;
        if self.heard >= 3 {
            let spread = (1.25 * f64::from(self.off_level)).max(0.3 * sold_a_day).max(1.0);
            let fit = |about: f64| -0.5 * ((level - about) / spread).powi(2);
            let odds = if self.corrected || sold_a_day < 1.0 {
                1.0
            } else {
                (fit(usual - sold_a_day) - fit(usual)).exp().clamp(0.1, MISSED_ODDS_MAX)
            };
            missed = unnoted * odds / (1.0 - unnoted + unnoted * odds);
        }
        let learn = if self.heard == 0 { 1.0 } else { (1.0 - missed) / f64::from(self.heard.min(8) + 1) };
        let off = (level - usual).abs();
        if self.heard > 0 {
            let learn = if self.heard == 1 { 1.0 } else { learn };
            self.off_level += (learn * (off - f64::from(self.off_level))) as f32;
        }
        self.level += (learn * (level - usual)) as f32;
        self.pieces += (learn * (size - f64::from(self.pieces))) as f32;
        self.heard = self.heard.saturating_add(1);
        self.since = self.since.saturating_add(1).min(1000);
        self.corrected = false;
        missed
    }

    /// The truth is so many pieces above the book (negative: below). `restarts` says that the book was set to it.
    fn learn(&mut self, store: &mut Store, above_book: i64, restarts: bool) {
        let count = f64::from(self.since);
        let size = f64::from(self.pieces).max(1.0);
        let above = above_book.saturating_sub(self.above_book) as f64 + f64::from(self.gone);
        if self.since > 0 && above.is_finite() {
            let spread = 1.5 + f64::from(self.gone.abs()).sqrt();
            let normal =
                |about: f64, spread: f64| (-0.5 * ((above - about) / spread).powi(2)).exp() / spread / 2.507;
            let (wrong, unnoted) = (store.note_wrong.mean(), store.unnoted.mean());
            let any = |share: f64| 1.0 - (1.0 - share).powf(count);
            let reach = (2.0 * store.note_wrong_by.mean() * size).max(1.0);
            let within = if above.abs() <= reach + spread { 0.5 / (reach + spread) } else { 1e-6 };
            let right = (1.0 - any(wrong)) * (1.0 - any(unnoted)) * normal(0.0, spread) + 1e-9;
            let differs = any(wrong) * within;
            let missed = any(unnoted) * normal(size, spread + 0.2 * size);
            let all = right + differs + missed;
            let (differs, missed) = (differs / all, missed / all);
            let number = differs * (wrong * count / any(wrong).max(1e-9));
            store.note_wrong.learn(number, count - number);
            store.note_wrong_by.learn(differs * (above.abs() / size).min(1.0), differs);
            store.unnoted.learn(missed, count);
        }
        self.above_book = if restarts { 0 } else { above_book.clamp(-1_000_000_000, 1_000_000_000) };
        (self.since, self.gone) = (0, 0.0);
        self.corrected |= restarts;
    }
}

impl Item {
    /// A delivery of so many pieces was entered.
    pub(in crate::position) fn receive(
        &mut self,
        store: &mut Store,
        clock: &Clock,
        pieces: i64,
        at: Timestamp,
    ) {
        self.advance(store, clock, true);
        let usual = self.deliveries.usual();
        let sold_a_day = self.demand.mean() * 24.0 * PIECES_PER_SALE;
        let level = self.book.total();
        let missed = self.deliveries.hear(pieces, level, sold_a_day, store.unnoted.mean());
        self.book.add(Place::Backroom, pieces);
        self.book.is_open = true;
        self.received = Some(Self::heard(pieces, at, clock));
        let wrong = store.note_wrong.mean();
        let reach =
            (2.0 * store.note_wrong_by.mean() * pieces as f64).round().clamp(1.0, WRONG_PIECES_MAX as f64);
        let share = wrong / reach;
        let off = (1..=(reach as i64).min(pieces.max(1)))
            .flat_map(|by| [(0, pieces - by, share * SHORT), (0, pieces + by, share * (1.0 - SHORT))]);
        let shifts: Vec<_> = off.chain([(0, pieces, 1.0 - wrong)]).collect();
        let grid = self.grid.get_or_insert_with(|| Grid::point(0, 0));
        grid.shift(&shifts);
        if let Some(usual) = usual.filter(|_| missed > 1e-3) {
            grid.shift(&unnoted(usual, missed));
        }
    }

    /// All places were counted, with so many pieces more than the book had.
    pub(super) fn learn_by_count(
        &mut self,
        store: &mut Store,
        clock: &Clock,
        place: Option<Place>,
        pieces: i64,
    ) {
        const TOGETHER_MS: i64 = 3_600_000;
        let deliveries = &mut self.deliveries;
        match place {
            None => deliveries.learn(store, pieces.saturating_sub(self.book.total()), true),
            Some(Place::Shelf) => {
                deliveries.shelf_above_book =
                    pieces.saturating_sub(self.book.at(Place::Shelf)).clamp(-1_000_000_000, 1_000_000_000);
                deliveries.shelf_counted_ms = Some(clock.passed_ms());
                deliveries.corrected = true;
            }
            Some(Place::Backroom) => {
                let counted = deliveries.shelf_counted_ms.take();
                if counted.is_some_and(|counted| clock.passed_ms() - counted <= TOGETHER_MS) {
                    let above = pieces.saturating_sub(self.book.at(Place::Backroom));
                    deliveries.learn(store, above.saturating_add(deliveries.shelf_above_book), true);
                } else {
                    (deliveries.since, deliveries.gone, deliveries.corrected) = (0, 0.0, true);
                    deliveries.above_book = 0;
                }
            }
        }
    }

    /// A weighed shelf was filled with all that the backroom had: what is on it is all there is.
    pub(super) fn learn_by_empty_backroom(&mut self, store: &mut Store) {
        let Some(grid) = &self.grid else { return };
        let (shelf, back) = (grid.shelf(), grid.back());
        if self.book.is_open && back.up_to(0) > 0.8 {
            let there = shelf.quantile(0.5).saturating_add(self.unpaid.sum());
            self.deliveries.learn(store, there.saturating_sub(self.book.total()), false);
        }
    }
}

/// The belief in a delivery of about so many pieces that nobody entered.
fn unnoted(pieces: i64, chance: f64) -> Vec<(i64, i64, f64)> {
    let step = (pieces / 12).max(1);
    let around = (-3 * step..=3 * step).map(|by| (0, (pieces + by).max(1), chance / (6 * step + 1) as f64));
    around.chain([(0, 0, 1.0 - chance)]).collect()
}
