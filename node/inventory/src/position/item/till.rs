//! What the till and staff's corrections do to a belief.

use super::{Item, PIECES_EVENT_MAX, WRONG_SCAN};
use crate::position::{clock::Clock, store::Store};
use aisle_event::{Timestamp, device::Place};

impl Item {
    /// The till sold so many pieces.
    pub(in crate::position) fn sell(&mut self, store: &mut Store, clock: &Clock, pieces: i64, at: Timestamp) {
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
        let capacity = i64::from(self.capacity().round().max(1.0) as u32).max(pieces);
        let Some(grid) = &mut self.grid else { return };
        let unseen = (1.0 - store.entered()).max(0.1);
        let (down, up) = (pieces.min(300) as u32, capacity.min(300) as u32);
        grid.step(((down, up), (up, 0)), |shelf, back, chance, to| {
            let (s, b) = (i64::from(shelf), i64::from(back));
            if s >= pieces {
                to(s - pieces, b, chance * (1.0 - WRONG_SCAN));
                to(s, b, chance * WRONG_SCAN);
                return;
            }
            // It was filled and nobody entered it, there was more than we thought, or it was another product.
            let brought = (capacity - s).min(b);
            if s + brought >= pieces {
                to(s + brought - pieces, b - brought, chance * unseen);
            }
            to(0, b, chance * 0.004);
            to(s, b, chance * WRONG_SCAN);
        });
    }

    /// So many pieces came back, and are on the shelf again unless they are damaged.
    pub(in crate::position) fn give_back(&mut self, store: &mut Store, clock: &Clock, pieces: i64) {
        self.advance(store, clock, true);
        self.book.add(Place::Shelf, pieces);
        if self.is_watched(clock) && self.grid.is_some() {
            self.unpaid.add(pieces, clock.passed_ms());
        } else if let Some(grid) = &mut self.grid {
            grid.shift(&[(pieces, 0, 0.92), (0, 0, 0.08)]);
        }
    }

    /// Staff entered a correction.
    pub(in crate::position) fn adjust(&mut self, store: &mut Store, clock: &Clock, pieces: i64) {
        self.advance(store, clock, true);
        self.book.add(Place::Shelf, pieces);
        if self.is_watched(clock) && self.grid.is_some() {
            self.unpaid.add(pieces, clock.passed_ms());
        } else if let Some(grid) = &mut self.grid {
            grid.shift(&[(pieces, 0, 0.9), (0, pieces, 0.1)]);
        }
        self.tags.leave(Place::Shelf, (-pieces).clamp(0, PIECES_EVENT_MAX) as u32);
    }
}
