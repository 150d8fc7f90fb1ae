//! All that is known of one product: the belief, what is learned of it, and what its sources last said.
//!
//! Lives here: how the belief changes by time and by each kind of event. Why it changes so is derived in the documentation of
//! [`super`]. Guards: whatever comes, the belief stays a distribution; evidence that it holds to be impossible replaces it.

use super::{
    book::Book,
    clock::Clock,
    grid::{Grid, Marginal},
    learned::Rate,
    ledger::Ledger,
    scale::Scales,
    store::Store,
    tags::Tags,
};
use aisle_event::{Timestamp, Unit, device::Place};
use minicbor::{Decode, Encode};

/// Pieces per event at most; more is a mistake of whoever wrote it.
pub(super) const PIECES_EVENT_MAX: i64 = 100_000;
/// The belief is moved on when so many busy hours have passed, or when there is news.
const STEP_HOURS: f64 = 0.2;
/// One step of time covers so many busy hours at most.
const STEP_HOURS_MAX: f64 = 6.0;
/// What was taken from a weighed shelf and not paid for so long is lost.
const UNPAID_MS: i64 = 2 * 3_600_000;
/// What was paid and has not left a weighed shelf for so long was something else.
const UNSEEN_MS: i64 = 45 * 60_000;
/// A filling that was not entered for so long will not be.
const UNENTERED_MS: i64 = 2 * 3_600_000;
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
    /// Somebody should look for what only the book has.
    #[n(6)]
    pub(super) is_phantom: bool,
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
        grid.total().plus(self.unpaid.sum()).and_some(strayed)
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

    /// What lies on the shelf is weighed, finely and now.
    pub(super) fn is_watched(&self, clock: &Clock) -> bool {
        self.scales.weighed(clock.passed_ms()).is_some_and(|weighed| weighed.is_sharp())
    }

    /// Time enough has passed to look at it although nothing happened.
    pub(super) fn is_behind(&self, clock: &Clock) -> bool {
        const BEHIND_MS: i64 = 5 * 60_000;
        clock.passed_ms() - self.passed_ms >= BEHIND_MS
    }

    /// Time passes up to now: what is lost, what sells although nobody says so, what is filled. `now` moves the belief even when
    /// little time has passed. False when it was not moved.
    pub(super) fn advance(&mut self, store: &mut Store, clock: &Clock, now: bool) -> bool {
        let ms = clock.passed_ms() - self.passed_ms;
        self.passed_ms = clock.passed_ms();
        if ms > 0 {
            let busy = store.rhythm.busy_hours(clock.now(), ms);
            self.idle_hours += busy as f32;
            self.quiet_hours = (self.quiet_hours + busy as f32).min(10_000.0);
            // Misplaced pieces are found within a day or two.
            self.strayed *= (-busy / 36.0).exp() as f32;
            self.expire(store, clock);
        }
        let mut left = f64::from(self.idle_hours);
        if left < if now { 1e-3 } else { STEP_HOURS } {
            return false;
        }
        self.idle_hours = 0.0;
        let watched = self.is_watched(clock);
        while left > 0.0 {
            let step = left.min(STEP_HOURS_MAX);
            self.pass(store, step, watched);
            left -= step;
        }
        true
    }

    fn expire(&mut self, store: &mut Store, clock: &Clock) {
        let (lost, unseen) = self.unpaid.expire(clock.passed_ms(), UNPAID_MS, UNSEEN_MS);
        // Paid under this number and still there: something else went over the till, and nothing is missing. Or it was taken while the
        // shelf was filled, and more was brought than was seen.
        let near_filling = self
            .filled_ms
            .is_some_and(|filled| (0..UNSEEN_MS + 25 * 60_000).contains(&(clock.passed_ms() - filled)));
        if unseen > 0
            && near_filling
            && let Some(grid) = &mut self.grid
        {
            grid.shift(&[(0, -unseen, 0.85), (0, 0, 0.15)]);
        }
        if lost > 0 {
            self.loss.learn(lost as f64, 0.0);
            self.stray(lost as f64);
            self.unpaid_lost = Some(Self::heard(lost, clock.now(), clock));
        }
        let (not_entered, _) = self.filled.expire(clock.passed_ms(), UNENTERED_MS, UNENTERED_MS);
        if not_entered > 0 {
            store.fill_not_entered();
        }
    }

    fn pass(&mut self, store: &mut Store, hours: f64, watched: bool) {
        let capacity = self.capacity().round().max(1.0) as u32;
        let Some(grid) = &mut self.grid else { return };
        let low = capacity / 4;
        let wants_filling = |shelf: u32, back: u32| shelf <= low && back > 0;
        let some = grid.chance(|shelf, _| shelf > 0);
        // Silence speaks against there being something: less than a Poisson process would have it, because demand comes and goes.
        const SILENCE: f64 = 0.75;
        let silence =
            if store.rhythm.is_known() { (-SILENCE * self.demand.mean() * hours).exp() } else { 1.0 };
        let fill = 1.0 - (-store.filling.mean() * hours).exp();
        // A filling that nobody entered; of a weighed shelf it would have been seen.
        let unseen = if watched { 0.0 } else { fill * (1.0 - store.entered()) };
        let fill = if watched || self.tags.shelf.is_some() || store.entered() > 0.0 { fill } else { unseen };
        let lost = (self.loss.mean() * hours).min(0.4);
        let (from_shelf, found) = if watched { (0.0, 0.0) } else { (lost, 0.15 * lost) };
        let from_back = 0.1 * lost;
        let wanting = grid.chance(wants_filling);
        let up = if wanting * unseen > 1e-9 { capacity } else { 1 };
        grid.step(((3, up), (if up > 1 { capacity } else { 1 }, 0)), |shelf, back, chance, to| {
            let (s, b) = (i64::from(shelf), i64::from(back));
            let mut rest = if shelf > 0 { chance * silence } else { chance };
            if wants_filling(shelf, back) {
                let brought = i64::from((capacity - shelf.min(capacity)).min(back));
                to(s + brought, b - brought, rest * unseen);
                rest *= 1.0 - fill;
            }
            let (taken, put) =
                if shelf > 0 { (rest * from_shelf, rest * found) } else { (0.0, rest * found) };
            to(s - 1, b, taken * 0.85);
            to(s - 3, b, taken * 0.15);
            to(s + 1, b, put);
            let gone = if back > 0 { rest * from_back } else { 0.0 };
            to(s, b - 1, gone);
            to(s, b, rest - taken - put - gone);
        });
        self.demand.learn(0.0, hours * some);
        if watched {
            self.loss.learn(0.0, hours);
            // Only where a filling is seen does its absence say how rare fillings are.
            store.filling.learn(0.0, hours * wanting);
        } else {
            self.stray((lost * some).min(1.0));
            self.uncounted_hours = (self.uncounted_hours + hours as f32).min(1e6);
            self.expected_loss = (self.expected_loss + (lost * some * 1.15) as f32).min(1e4);
        }
    }

    /// The till sold so many pieces.
    pub(super) fn sell(&mut self, store: &mut Store, clock: &Clock, pieces: i64, at: Timestamp) {
        self.advance(store, clock, true);
        self.book.add(Place::Shelf, -pieces);
        self.demand.learn(1.0, 0.0);
        self.quiet_hours = 0.0;
        self.sold = Some(Self::heard(pieces, at, clock));
        self.tags.leave(Place::Shelf, pieces as u32);
        if self.is_watched(clock) && self.grid.is_some() {
            self.unpaid.add(-pieces, clock.passed_ms());
            return;
        }
        // Another product went over the till.
        const WRONG: f64 = 0.01;
        let capacity = i64::from(self.capacity().round().max(1.0) as u32).max(pieces);
        let Some(grid) = &mut self.grid else { return };
        let unseen = (1.0 - store.entered()).max(0.1);
        let (down, up) = (pieces.min(300) as u32, capacity.min(300) as u32);
        grid.step(((down, up), (up, 0)), |shelf, back, chance, to| {
            let (s, b) = (i64::from(shelf), i64::from(back));
            if s >= pieces {
                to(s - pieces, b, chance * (1.0 - WRONG));
                to(s, b, chance * WRONG);
                return;
            }
            // It was filled and nobody entered it, there was more than we thought, or it was another product.
            let brought = (capacity - s).min(b);
            if s + brought >= pieces {
                to(s + brought - pieces, b - brought, chance * unseen);
            }
            to(0, b, chance * 0.004);
            to(s, b, chance * WRONG);
        });
    }

    /// So many pieces came back, and are on the shelf again unless they are damaged.
    pub(super) fn give_back(&mut self, store: &mut Store, clock: &Clock, pieces: i64) {
        self.advance(store, clock, true);
        self.book.add(Place::Shelf, pieces);
        if self.is_watched(clock) && self.grid.is_some() {
            self.unpaid.add(pieces, clock.passed_ms());
        } else if let Some(grid) = &mut self.grid {
            grid.shift(&[(pieces, 0, 0.92), (0, 0, 0.08)]);
        }
    }

    /// A delivery of so many pieces was entered. Notes are mostly right, and more often too high than too low.
    pub(super) fn receive(&mut self, store: &mut Store, clock: &Clock, pieces: i64, at: Timestamp) {
        self.advance(store, clock, true);
        self.book.add(Place::Backroom, pieces);
        self.book.is_open = true;
        self.received = Some(Self::heard(pieces, at, clock));
        // Short by up to a third, twice as often as over by as much; six deliveries in a hundred in all.
        const SHORT: f64 = 0.005;
        const OVER: f64 = 0.0025;
        let by = |part: i64| (pieces * part / 24).clamp(part.min(pieces), 40);
        let wrong = (1..=8).flat_map(|part| [(0, pieces - by(part), SHORT), (0, pieces + by(part), OVER)]);
        let shifts: Vec<_> = wrong.chain([(0, pieces, 1.0 - 8.0 * (SHORT + OVER))]).collect();
        self.grid.get_or_insert_with(|| Grid::point(0, 0)).shift(&shifts);
    }

    /// Staff entered a correction.
    pub(super) fn adjust(&mut self, store: &mut Store, clock: &Clock, pieces: i64) {
        self.advance(store, clock, true);
        self.book.add(Place::Shelf, pieces);
        if self.is_watched(clock) && self.grid.is_some() {
            self.unpaid.add(pieces, clock.passed_ms());
        } else if let Some(grid) = &mut self.grid {
            grid.shift(&[(pieces, 0, 0.9), (0, pieces, 0.1)]);
        }
        self.tags.leave(Place::Shelf, (-pieces).clamp(0, PIECES_EVENT_MAX) as u32);
    }

    /// Staff entered a move of so many pieces: onto the shelf, or off it.
    pub(super) fn carry(
        &mut self,
        store: &mut Store,
        clock: &Clock,
        onto_shelf: bool,
        pieces: i64,
        at: Timestamp,
    ) {
        self.advance(store, clock, true);
        self.moved = Some(Self::heard(pieces, at, clock));
        let (from, to) =
            if onto_shelf { (Place::Backroom, Place::Shelf) } else { (Place::Shelf, Place::Backroom) };
        self.book.add(from, -pieces);
        self.book.add(to, pieces);
        self.tags.leave(from, pieces as u32);
        let watched = self.is_watched(clock);
        let Some(grid) = &mut self.grid else { return };
        let signed = if onto_shelf { pieces } else { -pieces };
        if onto_shelf {
            store.fill_entered(watched);
        }
        if watched {
            let seen = self.filled.add(-signed, clock.passed_ms());
            let ahead = (pieces - seen) * signed.signum();
            grid.shift(&[(0, -ahead, 1.0)]);
            // On its way to the scale, or off it, it is in neither place.
            self.unpaid.add(ahead, clock.passed_ms());
            return;
        }
        if !onto_shelf {
            grid.shift(&[(-pieces, pieces, 1.0)]);
            return;
        }
        // As much as was brought did fit, and the backroom had it.
        self.full = self.full.max(pieces as f32).min(1e5);
        let capacity = f64::from(self.full);
        let reach = pieces.min(200) as u32;
        grid.step(((0, reach), (reach, 0)), |shelf, back, chance, to| {
            let there = if i64::from(back) >= pieces { 1.0 } else { 0.2 };
            let over = (f64::from(shelf) + pieces as f64 - capacity - 0.5).max(0.0);
            let fits = (-0.5 * over * over).exp().max(0.01);
            // Short of a full shelf, the backroom has no more.
            let short = f64::from(shelf) + (pieces as f64) < 0.7 * capacity && i64::from(back) > pieces;
            let all = if short { 0.4 } else { 1.0 };
            to(i64::from(shelf) + pieces, i64::from(back) - pieces, chance * there * fits * all);
        });
    }

    /// A shelf was seen to be filled. Whoever stops short of a full shelf has nothing left to bring.
    fn after_filling(&mut self) {
        let capacity = self.capacity();
        let Some(grid) = &mut self.grid else { return };
        let level = grid.shelf().mean() as f32;
        if self.full < 1.0 {
            self.full = level.clamp(1.0, 1e5);
        } else if level > 0.8 * capacity {
            // Slowly: one level may be wrong.
            self.full += if level > capacity { 0.3 } else { 0.1 } * (level.min(2.0 * capacity) - capacity);
        } else {
            grid.weigh_back(|back| if back == 0 { 1.0 } else { 0.25 });
        }
    }

    /// Somebody counted a place, or the whole store when none is named.
    pub(super) fn count(
        &mut self,
        store: &mut Store,
        clock: &Clock,
        place: Option<Place>,
        pieces: i64,
        at: Timestamp,
    ) {
        self.advance(store, clock, true);
        let counted = Some(Self::heard(pieces, at, clock));
        match place {
            Some(place) => self.book.set(place, pieces),
            None => self.book.set_total(pieces),
        }
        if place != Some(Place::Backroom) {
            self.counted_shelf = counted;
        }
        if place != Some(Place::Shelf) {
            self.counted_back = counted;
        }
        let Some(grid) = &mut self.grid else {
            let capacity = self.capacity().round() as u32;
            if place == Some(Place::Shelf) {
                self.full = self.full.max(pieces as f32).min(1e5);
            }
            self.grid = Some(first_belief(place, pieces as u32, capacity));
            return;
        };
        let before = grid.total().mean();
        let off = |held: u32| (i64::from(held) - pieces).unsigned_abs();
        let near = match place {
            Some(Place::Shelf) => grid.chance(|shelf, _| off(shelf) <= 1),
            Some(Place::Backroom) => grid.chance(|_, back| off(back) <= 1),
            None => grid.chance(|shelf, back| off(shelf + back) <= 1),
        };
        if near < 1e-3 {
            *grid = replaced(grid, place, pieces as u32);
        } else {
            match place {
                Some(Place::Shelf) => grid.weigh_shelf(|shelf| counting(off(shelf))),
                Some(Place::Backroom) => grid.weigh_back(|back| counting(off(back))),
                None => grid.weigh(|shelf, back| counting(off(shelf + back))),
            };
        }
        let gone = before - grid.total().mean();
        let lost = (f64::from(self.expected_loss) + gone).clamp(-2.0, 12.0);
        self.loss.learn(lost, self.uncounted_hours.into());
        (self.uncounted_hours, self.expected_loss) = (0.0, 0.0);
        if place == Some(Place::Shelf) {
            let mean = grid.shelf().mean();
            self.full = self.full.max(mean as f32).min(1e5);
            if let Some(weighed) = self.scales.weighed(clock.passed_ms()) {
                self.scales.follow_zero(weighed, mean, clock.passed_ms(), true);
            }
        }
    }

    /// A reading of a scale counts. False when it says nothing new.
    pub(super) fn weigh(&mut self, store: &mut Store, clock: &Clock) -> bool {
        let moved = self.advance(store, clock, false);
        let Some(weighed) = self.scales.weighed(clock.passed_ms()) else { return moved };
        let expected = self.filled.sum() < 0 || self.unpaid.sum() >= 2;
        let most = if self.full >= 1.0 { f64::from(self.full) * 1.3 + 2.0 } else { f64::INFINITY };
        let weighed = self.scales.without_foreign(weighed, expected, most);
        let shown = weighed.pieces.clamp(0.0, 1e5);
        let grid = self.grid.get_or_insert_with(|| Grid::point(shown.round() as u32, 0));
        let shelf = grid.shelf();
        let before = shelf.mean();
        let jump = weighed.pieces - before;
        let changed = jump.abs() > 0.55;
        if changed {
            let by = (shown.round() - before.round()) as i64;
            if by > 0 {
                self.rise(store, clock, weighed, by);
            } else if by < 0 {
                self.fall(store, clock, weighed, by);
            }
        }
        let news = self.scales.news(clock.passed_ms(), changed);
        let Some(grid) = &mut self.grid else { return moved };
        if news > 0.0 {
            grid.weigh_shelf(|pieces| weighed.likelihood(pieces).powf(news));
        }
        let shelf = grid.shelf();
        let mode = (shelf.first..).zip(&shelf.chances).max_by(|a, b| a.1.total_cmp(b.1));
        if let Some((pieces, _)) = mode.filter(|(_, chance)| **chance > 0.9) {
            self.scales.follow_zero(weighed, pieces as f64, clock.passed_ms(), false);
        }
        moved || changed || news > 0.0
    }

    /// The shelf became lighter: shoppers took pieces, which are not paid yet.
    fn fall(&mut self, store: &mut Store, clock: &Clock, weighed: super::scale::Weighed, by: i64) {
        self.advance(store, clock, true);
        let Some(grid) = &mut self.grid else { return };
        let before = grid.shelf().mean();
        grid.shift(&[(by - 1, 0, 0.1), (by, 0, 0.5), (by + 1, 0, 0.1), (0, 0, 0.3)]);
        grid.weigh_shelf(|pieces| weighed.likelihood(pieces));
        let taken = (before - grid.shelf().mean()).round() as i64;
        self.unpaid.add(taken, clock.passed_ms());
    }

    /// The shelf became heavier: it was filled, or a shopper put back what they took.
    fn rise(&mut self, store: &mut Store, clock: &Clock, weighed: super::scale::Weighed, by: i64) {
        self.advance(store, clock, true);
        // What staff entered already left the backroom then.
        let entered = (-self.filled.sum()).clamp(0, by);
        let put_back = self.unpaid.sum().clamp(0, by);
        let low = self.capacity() / 4.0;
        let Some(grid) = &mut self.grid else { return };
        let before = grid.shelf().mean();
        let rest = by - entered;
        // Fillings are large and come to shelves that want them; what is put back was taken just before.
        let fill = match () {
            () if rest <= 0 => 0.0,
            () if put_back >= rest && rest <= 3 => 0.06,
            () if put_back >= rest => 0.6,
            () if rest >= 3 && before <= f64::from(low) + 2.0 => 0.97,
            () if rest >= 3 => 0.85,
            () if before > f64::from(low) + 1.0 => 0.08,
            () => 0.5,
        };
        let there = grid.chance(|_, back| i64::from(back) >= rest);
        let fill_chance = fill * (there + 0.25 * (1.0 - there));
        let fill_chance = fill_chance / (fill_chance + (1.0 - fill)).max(1e-9);
        let reach = (by + 1).min(250) as u32;
        grid.step(((0, reach), (reach, 0)), |shelf, back, chance, to| {
            let (s, b) = (i64::from(shelf), i64::from(back));
            for (pieces, share) in [(by - 1, 0.1), (by, 0.5), (by + 1, 0.1)] {
                let brought = (pieces - entered).max(0);
                let fits = if b >= brought { 1.0 } else { 0.25 };
                to(s + pieces, b - brought, chance * share * fill * fits);
                to(s + pieces, b, chance * share * (1.0 - fill));
            }
            to(s, b, chance * 0.1);
        });
        grid.weigh_shelf(|pieces| weighed.likelihood(pieces));
        let come = (grid.shelf().mean() - before).round().max(0.0) as i64;
        let now = clock.passed_ms();
        if come == 0 {
            return;
        }
        if entered > 0 || fill_chance > 0.5 {
            self.filled_ms = Some(now);
        }
        self.filled.add(entered.min(come), now);
        self.unpaid.add(-entered.min(come), now);
        let rest = come - entered.min(come);
        if fill_chance > 0.5 && rest > 0 {
            self.filled.add(rest, now);
            store.filling.learn(1.0, 0.0);
            self.after_filling();
        } else {
            // What was neither brought nor taken just before has found its way back.
            self.strayed = (self.strayed - (rest - put_back).max(0) as f32).max(0.0);
            self.unpaid.add(-rest, now);
            if entered > 0 {
                store.filling.learn(1.0, 0.0);
                self.after_filling();
            }
        }
    }

    /// A reader scanned a place and saw these tags of the product.
    pub(super) fn scan(
        &mut self,
        store: &mut Store,
        clock: &Clock,
        place: Place,
        serials: &[u32],
        at: Timestamp,
        tags_max: usize,
    ) {
        self.advance(store, clock, false);
        let scanned = self.tags.scan(place, serials, at, clock.passed_ms(), tags_max);
        store.detection.learn(f64::from(scanned.seen), f64::from(scanned.missed));
        // Seen in one of several scans: the chance to miss it twice, because misses go together.
        let miss = (1.0 - store.detection.mean()).clamp(0.005, 0.6);
        let detection = 1.0 - miss * miss.max(0.15);
        let pieces = scanned.pieces;
        let first = self.grid.is_none();
        let grid = self.grid.get_or_insert_with(|| match place {
            Place::Shelf => Grid::point(pieces, 0),
            Place::Backroom => Grid::point(0, pieces),
        });
        // Pieces come and go in ways that nobody tells: what is believed impossible must stay possible for the reader to find.
        let hours = (scanned.since_ms as f64 / 3_600_000.0).min(1.0);
        let unsure = if first { 0.2 } else { 0.01 * hours };
        let around = |by: i64| if place == Place::Shelf { (by, 0, unsure) } else { (0, by, unsure) };
        grid.shift(&[around(-1), (0, 0, 1.0 - 2.0 * unsure), around(1)]);
        // Scans of some hours miss the same tags and see the same strays, so all of them together count once.
        const OWN_MS: f64 = 3_600_000.0;
        let news = (scanned.since_ms as f64 / OWN_MS).clamp(if scanned.changed { 0.4 } else { 0.0 }, 1.0);
        let near = |held: u32| held.abs_diff(pieces) <= 2;
        let expected = grid.chance(|shelf, back| near(if place == Place::Shelf { shelf } else { back }));
        if expected < 1e-4 {
            *grid = replaced(grid, Some(place), pieces);
            return;
        }
        let likelihood = |held: u32| seeing(pieces, held, detection).powf(news);
        match place {
            Place::Shelf => grid.weigh_shelf(likelihood),
            Place::Backroom => grid.weigh_back(likelihood),
        };
    }
}

/// The chance that somebody who counts is off by so many.
fn counting(off: u64) -> f64 {
    match off {
        0 => 0.92,
        1 => 0.032,
        2 => 0.004,
        off => 0.02 / (off * off) as f64,
    }
}

/// The chance to see so many tags (of the last few scans) when so many pieces are there: binomial, with some strays, some that
/// just left and some on the shelf of something else, and a remainder for what nobody thought of.
fn seeing(seen: u32, there: u32, detection: f64) -> f64 {
    const OTHER: f64 = 1e-4;
    const EXTRA: [f64; 4] = [0.76, 0.18, 0.045, 0.015];
    let miss = 1.0 - detection;
    let chance = |seen: u32| -> f64 {
        if seen > there {
            return 0.0;
        }
        let missed = there - seen;
        if missed > 60 {
            return 0.0;
        }
        // Choose the missed ones: a product of few factors.
        let ways: f64 = (0..missed).map(|k| f64::from(there - k) / f64::from(k + 1)).product();
        ways * miss.powi(missed as i32) * detection.powi(seen.min(1_000_000) as i32)
    };
    let seen_own = EXTRA.iter().zip(0_u32..).filter(|(_, extra)| *extra <= seen);
    OTHER + seen_own.map(|(share, extra)| share * chance(seen - extra)).sum::<f64>()
}

/// What is believed after the first count.
fn first_belief(place: Option<Place>, pieces: u32, capacity: u32) -> Grid {
    match place {
        Some(Place::Shelf) => Grid::point(pieces, 0),
        Some(Place::Backroom) => Grid::point(0, pieces),
        None => {
            // Nobody said where: shelves are filled first, as far as is known.
            let shelf = pieces.min(capacity);
            let mut grid = Grid::point(shelf, pieces - shelf);
            let spread = i64::from(shelf.min(20));
            let share = 0.5 / (spread + 1) as f64;
            let shifts: Vec<_> = (0..=spread).map(|by| (-by, by, share)).chain([(0, 0, 0.5)]).collect();
            grid.shift(&shifts);
            grid
        }
    }
}

/// The belief with one place, or all, replaced by what was found there. The other place is believed as before.
fn replaced(grid: &Grid, place: Option<Place>, pieces: u32) -> Grid {
    const FOUND: [(i64, f64); 3] = [(0, 0.9), (-1, 0.05), (1, 0.05)];
    let (shelf, back) = (grid.shelf(), grid.back());
    let held = |marginal: &Marginal| u32::try_from(marginal.quantile(0.5)).unwrap_or(0);
    let (on_shelf, in_back) = (held(&shelf), held(&back));
    match place {
        Some(Place::Shelf) => {
            let mut next = Grid::point(pieces, in_back);
            next.shift(&FOUND.map(|(off, share)| (off, 0, share)));
            spread_like(&mut next, &back, in_back, false);
            next
        }
        Some(Place::Backroom) => {
            let mut next = Grid::point(on_shelf, pieces);
            next.shift(&FOUND.map(|(off, share)| (0, off, share)));
            spread_like(&mut next, &shelf, on_shelf, true);
            next
        }
        None => {
            let on_shelf = on_shelf.min(pieces);
            let mut next = Grid::point(on_shelf, pieces - on_shelf);
            next.shift(&FOUND.map(|(off, share)| (0, off, share)));
            next
        }
    }
}

/// Gives a place the spread of a marginal about a value.
fn spread_like(grid: &mut Grid, marginal: &Marginal, about: u32, shelf_side: bool) {
    let about = i64::from(about);
    let shifts: Vec<_> = (marginal.first..)
        .zip(&marginal.chances)
        .filter(|(_, chance)| **chance > 1e-5)
        .map(
            |(pieces, chance)| {
                if shelf_side { (pieces - about, 0, *chance) } else { (0, pieces - about, *chance) }
            },
        )
        .collect();
    grid.shift(&shifts);
}
