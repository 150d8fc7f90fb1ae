//! What scales do to a belief: a shelf that became lighter or heavier, and one that stays as it is.

use super::{Item, filling::bringing};
use crate::position::{clock::Clock, grid::Grid, scale::Weighed, store::Store};

impl Item {
    /// A reading of a scale counts. False when it says nothing new.
    pub(in crate::position) fn weigh(&mut self, store: &mut Store, clock: &Clock) -> bool {
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
    fn fall(&mut self, store: &mut Store, clock: &Clock, weighed: Weighed, by: i64) {
        self.advance(store, clock, true);
        let Some(grid) = &mut self.grid else { return };
        let before = grid.shelf().mean();
        grid.shift(&[(by - 1, 0, 0.1), (by, 0, 0.5), (by + 1, 0, 0.1), (0, 0, 0.3)]);
        grid.weigh_shelf(|pieces| weighed.likelihood(pieces));
        let taken = (before - grid.shelf().mean()).round() as i64;
        self.unpaid.add(taken, clock.passed_ms());
    }

    /// The shelf became heavier: it was filled, or a shopper put back what they took.
    fn rise(&mut self, store: &mut Store, clock: &Clock, weighed: Weighed, by: i64) {
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
        // More was brought than is believed to be there: perhaps nobody entered a delivery.
        let unnoted = if there < 0.5 { self.deliveries.usual() } else { None }.filter(|usual| *usual <= 120);
        let missed = store.unnoted.mean();
        let come = unnoted.unwrap_or(0) as u32;
        grid.step(((0, reach), (reach, come)), |shelf, back, chance, to| {
            let (s, b) = (i64::from(shelf), i64::from(back));
            for (pieces, share) in [(by - 1, 0.1), (by, 0.5), (by + 1, 0.1)] {
                let brought = (pieces - entered).max(0);
                let fits = bringing(b, brought);
                to(s + pieces, b - brought, chance * share * fill * fits);
                if let Some(unnoted) = unnoted.filter(|_| b < brought) {
                    to(s + pieces, b + unnoted - brought, chance * share * fill * missed);
                }
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
            self.after_filling(store);
        } else {
            // What was neither brought nor taken just before has found its way back.
            self.strayed = (self.strayed - (rest - put_back).max(0) as f32).max(0.0);
            self.unpaid.add(-rest, now);
            if entered > 0 {
                store.filling.learn(1.0, 0.0);
                self.after_filling(store);
            }
        }
    }
}
