//! All that is known of one product: the belief, what is learned of it, and what its sources last said.
//!
//! Lives here: how the belief changes by time (`time`) and by each kind of event. Why it changes so is derived in the documentation of
//! [`super`]. Guards: whatever comes, the belief stays a distribution; evidence that it holds to be impossible replaces it.

mod count;
mod delivery;
mod filling;
mod scan;
mod till;
mod time;
mod weight;

use super::{
    book::Book,
    clock::Clock,
    grid::{Grid, Marginal},
    learned::Rate,
    ledger::Ledger,
    scale::Scales,
    tags::Tags,
};
use aisle_event::{Timestamp, Unit};
use delivery::Deliveries;
use minicbor::{Decode, Encode};

/// Pieces per event at most; more is a mistake of whoever wrote it.
pub(super) const PIECES_EVENT_MAX: i64 = 100_000;
/// Pieces that a sale takes, about.
pub(super) const PIECES_PER_SALE: f64 = 1.3;
/// The part of sales in which another product goes over the till.
const WRONG_SCAN: f64 = 0.01;
/// For so long do shoppers carry what they will pay for, on average, in milliseconds; a long average, because a queue is not seen.
const CARRY_MS: f64 = 15.0 * 60_000.0;
/// What a shelf is taken to hold before anything is known of it, in pieces.
const CAPACITY: f32 = 10.0;

/// When a source last spoke, and what it said in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
#[cbor(array)]
pub(super) struct Heard {
    #[n(0)]
    pub(super) pieces: i64,
    #[n(1)]
    pub(super) at: Timestamp,
    #[n(2)]
    pub(super) passed_ms: i64,
}

/// What the node last told others.
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
#[cbor(array)]
pub(super) struct Published {
    #[n(0)]
    pub(super) on_hand: i64,
    #[n(1)]
    pub(super) sellable: bool,
    #[n(2)]
    pub(super) at: Timestamp,
}

/// What follows from the belief, kept because it is asked for after every change.
#[derive(Debug, Clone, Copy, PartialEq, Default, Encode, Decode)]
#[cbor(array)]
pub(super) struct Outlook {
    #[n(0)]
    pub(super) gap: f32,
    #[n(1)]
    pub(super) phantom: f32,
    #[n(2)]
    pub(super) none: f32,
    #[n(3)]
    pub(super) total: f32,
    #[n(4)]
    pub(super) deviation: f32,
    /// Somebody should fill the shelf: from the threshold on, until the chance is half of it.
    #[n(5)]
    pub(super) is_gap: bool,
    /// Somebody should look for what only the book has: from a while after the threshold on, until the chance is well below it.
    #[n(6)]
    pub(super) is_phantom: bool,
    /// From when on it is so, unless the chance falls below its threshold before; in milliseconds that have passed.
    #[n(7)]
    pub(super) phantom_from_ms: Option<i64>,
}

impl Outlook {
    /// Somebody should look for what only the book has, when so many milliseconds have passed.
    pub(super) fn wants_search(&self, passed_ms: i64) -> bool {
        self.is_phantom || self.phantom_from_ms.is_some_and(|from| passed_ms >= from)
    }
}

/// One product.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(array)]
pub(super) struct Item {
    #[n(0)]
    pub(super) unit: Option<Unit>,
    #[n(1)]
    pub(super) grid: Option<Grid>,
    #[n(2)]
    pub(super) book: Book,
    /// Sales (not pieces) per busy hour in which there was something to sell.
    #[n(3)]
    pub(super) demand: Rate,
    /// Pieces that go without a sale, per busy hour.
    #[n(4)]
    pub(super) loss: Rate,
    /// What the shelf holds when it is full, in pieces; 0 while nothing says so.
    #[n(5)]
    full: f32,
    #[n(6)]
    passed_ms: i64,
    /// Busy hours that the belief has not been moved on by.
    #[n(7)]
    idle_hours: f32,
    /// Busy hours since the last sale.
    #[n(8)]
    pub(super) quiet_hours: f32,
    /// Pieces off a weighed shelf that are not paid (positive), or paid and still on it by the scales.
    #[n(9)]
    pub(super) unpaid: Ledger,
    /// Pieces seen to come onto a weighed shelf (positive), or entered and not yet seen there.
    #[n(10)]
    filled: Ledger,
    #[n(11)]
    pub(super) scales: Scales,
    #[n(12)]
    pub(super) tags: Tags,
    #[n(13)]
    pub(super) sold: Option<Heard>,
    #[n(14)]
    pub(super) received: Option<Heard>,
    #[n(15)]
    pub(super) moved: Option<Heard>,
    #[n(16)]
    pub(super) counted_shelf: Option<Heard>,
    #[n(17)]
    pub(super) counted_back: Option<Heard>,
    /// Time and losses since the last count, which will say whether they were so.
    #[n(18)]
    uncounted_hours: f32,
    #[n(19)]
    expected_loss: f32,
    /// Pieces that were seen to go without being paid, lately.
    #[n(20)]
    pub(super) unpaid_lost: Option<Heard>,
    #[n(21)]
    pub(super) published: Option<Published>,
    #[n(22)]
    pub(super) outlook: Outlook,
    #[n(23)]
    pub(super) delisted: bool,
    /// When the shelf was last seen to be filled.
    #[n(24)]
    filled_ms: Option<i64>,
    /// Pieces that are thought to lie on the shelf of something else: gone from their own, and still in the store.
    #[n(25)]
    strayed: f32,
    #[n(26)]
    deliveries: Deliveries,
}

impl Default for Item {
    fn default() -> Self {
        Self {
            unit: None,
            grid: None,
            book: Book::default(),
            // A sale in ten busy hours, as if half of one had been seen.
            demand: Rate::prior(0.5, 5.0),
            // A piece in two hundred busy hours: eight days.
            loss: Rate::prior(0.5, 100.0),
            full: 0.0,
            passed_ms: 0,
            idle_hours: 0.0,
            quiet_hours: 0.0,
            unpaid: Ledger::default(),
            filled: Ledger::default(),
            scales: Scales::default(),
            tags: Tags::default(),
            sold: None,
            received: None,
            moved: None,
            counted_shelf: None,
            counted_back: None,
            uncounted_hours: 0.0,
            expected_loss: 0.0,
            unpaid_lost: None,
            published: None,
            outlook: Outlook::default(),
            delisted: false,
            filled_ms: None,
            strayed: 0.0,
            deliveries: Deliveries::default(),
        }
    }
}

impl Item {
    pub(super) fn new(clock: &Clock) -> Self {
        Self { passed_ms: clock.passed_ms(), ..Self::default() }
    }

    pub(super) fn is_sound(&self, tags_max: usize) -> bool {
        let count = |count: f32| (0.0..=1e9).contains(&count);
        self.grid.as_ref().is_none_or(Grid::is_sound)
            && self.book.is_sound()
            && self.demand.is_sound()
            && self.loss.is_sound()
            && count(self.full)
            && count(self.strayed)
            && count(self.idle_hours)
            && count(self.quiet_hours)
            && count(self.uncounted_hours)
            && self.expected_loss.abs() <= 1e9
            && self.unpaid.is_sound()
            && self.filled.is_sound()
            && self.scales.is_sound()
            && self.deliveries.is_sound()
            && self.tags.is_sound(tags_max)
            && [self.outlook.gap, self.outlook.phantom, self.outlook.none]
                .iter()
                .all(|chance| (0.0..=1.01).contains(chance))
            && count(self.outlook.total)
            && count(self.outlook.deviation)
    }

    pub(super) fn heard(pieces: i64, at: Timestamp, clock: &Clock) -> Heard {
        Heard { pieces, at, passed_ms: clock.passed_ms() }
    }

    /// What is in the store, with what shoppers carry and what lies on the shelf of something else.
    pub(super) fn total(&self, grid: &Grid) -> Marginal {
        // Readers of tags see strayed pieces as any others.
        let strayed = if self.tags.is_used() { 0.0 } else { f64::from(self.strayed) };
        self.unless_lost(grid, true).and_some(strayed)
    }

    /// What can be sold: on the shelf, in the backroom, and in the hands of shoppers.
    pub(super) fn sellable(&self, grid: &Grid) -> Marginal {
        self.unless_lost(grid, false)
    }

    /// What left a weighed shelf and has not been paid for is still there with a chance that falls with time: a shopper who pays does so within
    /// an exponential time, a thief never, and of those who take pieces as many are thieves as the product's rates of loss and sale say.
    /// With `strayed`, what is lost may lie somewhere else in the store, as it will be taken to once its time is over.
    fn unless_lost(&self, grid: &Grid, strayed: bool) -> Marginal {
        let total = grid.total().plus(self.unpaid.sum());
        let thieves = self.loss.mean() / (self.loss.mean() + self.demand.mean() * PIECES_PER_SALE);
        self.unpaid.waits(self.passed_ms).fold(total, |total, (pieces, waits_ms)| {
            let carried = (-(waits_ms as f64) / CARRY_MS).exp();
            let lost = thieves / (thieves + (1.0 - thieves) * carried);
            let gone = match (strayed, pieces) {
                (false, _) => 1.0,
                (true, 1) => 0.5,
                (true, _) => 0.9,
            };
            total.or_less(pieces, lost * gone)
        })
    }

    /// Pieces went from their shelf: one alone is as often misplaced as stolen, an armful is stolen.
    fn stray(&mut self, pieces: f64) {
        let strayed = if pieces > 1.5 { 0.1 } else { 0.5 * pieces };
        self.strayed = (self.strayed + strayed as f32).min(2.0);
    }

    /// What the shelf holds when it is full, in pieces, as far as is known.
    pub(super) fn capacity(&self) -> f32 {
        if self.full >= 1.0 { self.full } else { CAPACITY }
    }

    /// Something was ever said of the shelf by itself: a count of it, a move to it, a scale, tags. Of goods that were only counted as a
    /// whole nobody knows how they are divided.
    pub(super) fn knows_shelf(&self) -> bool {
        self.full >= 1.0 || !self.scales.all.is_empty() || self.tags.is_used()
    }

    /// What lies on the shelf is weighed, finely and now.
    pub(super) fn is_watched(&self, clock: &Clock) -> bool {
        self.scales.weighed(clock.passed_ms()).is_some_and(|weighed| weighed.is_sharp())
    }

    /// Time enough has passed to look at it although nothing happened.
    pub(super) fn is_behind(&self, clock: &Clock) -> bool {
        const BEHIND_MS: i64 = 5 * 60_000;
        clock.passed_ms() - self.passed_ms >= BEHIND_MS
    }
}
