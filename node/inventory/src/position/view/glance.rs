//! Positions at a glance: what was concluded when the belief last changed, so that a look at all products costs little.
//!
//! Not here: where it is known from and why, which is made for one product when somebody asks ([`View::position`]).

use super::{Estimate, Item, View, estimate};
use crate::position::grid::Grid;
use aisle_event::{Quantity, Sku, Timestamp, device::Place};

/// One product of a view.
#[derive(Debug, Clone, Copy)]
pub struct Glance<'a> {
    view: &'a View,
    sku: &'a Sku,
    item: &'a Item,
    grid: &'a Grid,
}

impl View {
    /// All positions, by SKU. None of them is computed.
    pub fn glances(&self) -> impl Iterator<Item = Glance<'_>> {
        self.items.iter().filter_map(|(sku, item)| {
            Some(Glance { view: self, sku, item: item.as_ref(), grid: item.grid.as_ref()? })
        })
    }
}

impl<'a> Glance<'a> {
    /// Which product.
    #[must_use]
    pub const fn sku(&self) -> &'a Sku {
        self.sku
    }

    /// The shop no longer sells it: nobody is asked to do anything about it.
    #[must_use]
    pub const fn is_delisted(&self) -> bool {
        self.item.delisted
    }

    /// The chance that the shelf is a gap while the backroom has some.
    #[must_use]
    pub fn gap(&self) -> f64 {
        self.item.outlook.gap.into()
    }

    /// The chance that the book has goods that are not there.
    #[must_use]
    pub fn phantom(&self) -> f64 {
        self.item.outlook.phantom.into()
    }

    /// How far off the store may be: the standard deviation of what it believes to have in all, in pieces.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        self.item.outlook.deviation.into()
    }

    /// So many pieces of the belief as an amount of this product.
    #[must_use]
    pub fn quantity(&self, pieces: i64) -> Quantity {
        self.item.quantity(pieces)
    }

    /// What is in a place. This is computed.
    #[must_use]
    pub fn estimate(&self, place: Place) -> Estimate {
        match place {
            Place::Shelf => estimate(&self.grid.shelf()),
            Place::Backroom => estimate(&self.grid.back()),
        }
    }

    /// The time of the newest thing that is known of a place.
    #[must_use]
    pub fn as_of(&self, place: Place) -> Timestamp {
        let sources = self.view.sources(self.item);
        let of_place = sources.iter().filter(|source| source.place == place);
        of_place.map(|source| source.at).max().unwrap_or(self.view.now)
    }
}

#[cfg(test)]
mod tests {
    use crate::position::{Config, Positions};
    use aisle_event::{Event, Quantity, Sku, Timestamp, Unknown, device::Place, inventory::PlaceCounted};

    fn counted(sku: &str, place: Place, pieces: i64, at: i64) -> Event {
        let (sku, at, on_hand) = (Sku::new(sku).unwrap(), Timestamp(at), Quantity::each(pieces));
        PlaceCounted { sku, place, on_hand, at, by: None, unknown: Unknown::default() }.into()
    }

    #[test]
    fn a_glance_says_what_the_position_says() {
        let mut positions = Positions::new(Config::default());
        let start = 1_760_000_000_000;
        let shelf = Place::Shelf;
        let counts = [("TEA", shelf, 5), ("TEA", shelf, 0), ("TEA", Place::Backroom, 7), ("CUP", shelf, 12)];
        for (seq, (sku, place, pieces)) in (1..).zip(counts) {
            positions.apply(seq, &counted(sku, place, pieces, start + seq.cast_signed() * 60_000));
        }
        let view = positions.view();
        assert_eq!(view.glances().count(), 2);
        for glance in view.glances() {
            let position = view.position(glance.sku()).unwrap();
            assert_eq!((glance.gap(), glance.phantom()), (position.gap, position.phantom));
            assert_eq!(glance.estimate(Place::Shelf), position.shelf);
            assert_eq!(glance.estimate(Place::Backroom), position.backroom);
            for place in [Place::Shelf, Place::Backroom] {
                let of_place = position.sources.iter().filter(|source| source.place == place);
                let newest = of_place.map(|source| source.at).max();
                assert_eq!(glance.as_of(place), newest.unwrap_or(position.as_of));
            }
            assert!(!glance.is_delisted());
        }
        let tea = view.glances().find(|glance| glance.sku().as_str() == "TEA").unwrap();
        assert!(tea.gap() > 0.5, "{}", tea.gap());
    }
}
