//! What counts do to a belief.

use super::Item;
use crate::position::{
    clock::Clock,
    grid::{Grid, Marginal},
    store::Store,
};
use aisle_event::{Timestamp, device::Place};

impl Item {
    /// Somebody counted a place, or the whole store when none is named.
    pub(in crate::position) fn count(
        &mut self,
        store: &mut Store,
        clock: &Clock,
        place: Option<Place>,
        pieces: i64,
        at: Timestamp,
    ) {
        self.advance(store, clock, true);
        let counted = Some(Self::heard(pieces, at, clock));
        if self.book.is_open {
            self.learn_by_count(store, clock, place, pieces);
        }
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
        // What the first counts of a store put right was never there: nothing was lost in no time.
        if self.uncounted_hours > 0.0 {
            self.loss.learn(lost, self.uncounted_hours.into());
        }
        (self.uncounted_hours, self.expected_loss) = (0.0, 0.0);
        if place == Some(Place::Shelf) {
            let mean = grid.shelf().mean();
            self.full = self.full.max(mean as f32).min(1e5);
            if let Some(weighed) = self.scales.weighed(clock.passed_ms()) {
                self.scales.follow_zero(weighed, mean, clock.passed_ms(), true);
            }
        }
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
pub(super) fn replaced(grid: &Grid, place: Option<Place>, pieces: u32) -> Grid {
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
