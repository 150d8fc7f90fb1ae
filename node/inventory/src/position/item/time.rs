//! What time does to a belief: losses, silence, fillings that nobody enters, and amounts in wait that have waited too long.

use super::{Item, PIECES_PER_SALE, WRONG_SCAN};
use crate::position::{clock::Clock, store::Store};

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

impl Item {
    /// Time passes up to now: what is lost, what sells although nobody says so, what is filled. `now` moves the belief even when
    /// little time has passed. False when it was not moved.
    pub(in crate::position) fn advance(&mut self, store: &mut Store, clock: &Clock, now: bool) -> bool {
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
            self.deliveries.lose(lost as f64);
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
        // Sold under the number of something else: as often as something else is sold under this number.
        let (from_shelf, found) = if watched {
            (0.0, 0.0)
        } else {
            ((lost + WRONG_SCAN * PIECES_PER_SALE * self.demand.mean() * hours).min(0.45), 0.15 * lost)
        };
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
            self.deliveries.lose(from_shelf * some);
            self.uncounted_hours = (self.uncounted_hours + hours as f32).min(1e6);
            self.expected_loss = (self.expected_loss + ((from_shelf + 0.15 * lost) * some) as f32).min(1e4);
        }
    }
}
