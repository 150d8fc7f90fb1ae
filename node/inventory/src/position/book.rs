//! What the store's records alone say: sales, returns, receipts, moves, adjustments and counts, taken at their word.

use aisle_event::device::Place;
use minicbor::{Decode, Encode};

/// The book of one product, in pieces. A place may go below zero: then the book is wrong, and says so.
#[derive(Debug, Clone, Copy, PartialEq, Default, Encode, Decode)]
#[cbor(array)]
pub(super) struct Book {
    #[n(0)]
    shelf: i64,
    #[n(1)]
    back: i64,
    /// Somebody counted or received; before that the book says nothing.
    #[n(2)]
    pub(super) is_open: bool,
}

impl Book {
    pub(super) fn is_sound(&self) -> bool {
        self.shelf.abs() <= i64::MAX / 4 && self.back.abs() <= i64::MAX / 4
    }

    pub(super) fn add(&mut self, place: Place, pieces: i64) {
        const MOST: i64 = 1 << 50;
        let entry = match place {
            Place::Shelf => &mut self.shelf,
            Place::Backroom => &mut self.back,
        };
        *entry = entry.saturating_add(pieces).clamp(-MOST, MOST);
    }

    pub(super) fn set(&mut self, place: Place, pieces: i64) {
        match place {
            Place::Shelf => self.shelf = pieces,
            Place::Backroom => self.back = pieces,
        }
        self.is_open = true;
    }

    /// The whole store was counted: what the shelf was thought to have it keeps, as far as there is so much.
    pub(super) fn set_total(&mut self, pieces: i64) {
        self.shelf = self.shelf.clamp(0, pieces.max(0));
        self.back = pieces.saturating_sub(self.shelf);
        self.is_open = true;
    }

    pub(super) const fn total(&self) -> i64 {
        self.shelf.saturating_add(self.back)
    }

    pub(super) const fn at(&self, place: Place) -> i64 {
        match place {
            Place::Shelf => self.shelf,
            Place::Backroom => self.back,
        }
    }
}
