//! What fillings do to a belief: moves that staff entered, and shelves that were seen to be filled.

use super::Item;
use crate::position::{clock::Clock, store::Store};
use aisle_event::{Timestamp, device::Place};

impl Item {
    /// Staff entered a move of so many pieces: onto the shelf, or off it.
    pub(in crate::position) fn carry(
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
            let there = bringing(i64::from(back), pieces);
            let over = (f64::from(shelf) + pieces as f64 - capacity - 0.5).max(0.0);
            let fits = (-0.5 * over * over).exp().max(0.01);
            // Short of a full shelf, the backroom has no more.
            let short = f64::from(shelf) + (pieces as f64) < 0.7 * capacity && i64::from(back) > pieces;
            let all = if short { 0.4 } else { 1.0 };
            to(i64::from(shelf) + pieces, i64::from(back) - pieces, chance * there * fits * all);
        });
    }

    /// A shelf was seen to be filled. Whoever stops short of a full shelf has nothing left to bring.
    pub(super) fn after_filling(&mut self, store: &mut Store) {
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
            self.learn_by_empty_backroom(store);
        }
    }
}

/// How likely staff bring so many pieces when the backroom has so many: one or two are soon miscounted, more are not.
pub(super) const fn bringing(back: i64, pieces: i64) -> f64 {
    match pieces - back {
        ..=0 => 1.0,
        1 | 2 => 0.2,
        _ => 0.12,
    }
}
