//! The floor of a shop as it really is: goods on shelves and in the backroom, shoppers, thieves, staff, fridges.
//!
//! A [`Floor`] is advanced by its caller and draws everything random from one seed: the same configuration, seed and calls
//! give the same shop, event for event. It knows the truth ([`Floor::truth`]), and it says what happened
//! ([`Happening`]); a store's node may be told only of what [`Happening::told`] gives, which is what a till, a delivery note, a
//! move list or a count would say, with their errors. [`sensor`] has what scales and RFID readers make of the truth.
//!
//! Not here: devices and MQTT (the simulator), and any conclusion about stock (`aisle-inventory`, which must not read this
//! configuration). Guards: goods are never made or lost by the simulation itself; every piece is in exactly one place
//! until it is sold, stolen or spoiled.

mod act;
mod cold;
mod config;
mod draw;
mod epc;
mod goods;
mod happening;
pub mod sensor;
#[cfg(test)]
mod tests;

pub use config::{ErrorsConfig, FloorConfig, InvalidFloor, ItemConfig, StaffConfig, UnitConfig};
pub use epc::sgtin96;
pub use happening::{Happening, Place, Told, What};

use act::Agenda;
use cold::Unit;
use draw::Draw;
use goods::Goods;

/// Milliseconds in an hour.
const HOUR_MS: i64 = 3_600_000;
/// Milliseconds in a day.
const DAY_MS: i64 = 24 * HOUR_MS;

/// A shop in which time passes when it is told to.
#[derive(Debug)]
pub struct Floor {
    config: FloorConfig,
    now_ms: i64,
    draw: Draw,
    agenda: Agenda,
    goods: Vec<Goods>,
    units: Vec<Unit>,
    entered: u64,
    documents: u64,
}

impl Floor {
    /// A shop as it is at the start of the configuration. What [`FloorConfig::validate`] refuses is not repaired here:
    /// a rate that is no number makes nothing happen.
    #[must_use]
    pub fn new(config: &FloorConfig, seed: u64) -> Self {
        let mut floor = Self {
            now_ms: config.start_ms,
            draw: Draw::new(seed),
            agenda: Agenda::default(),
            goods: config.items.iter().map(Goods::new).collect(),
            units: config.units.iter().map(|unit| Unit::new(unit, config.start_ms)).collect(),
            entered: 0,
            documents: 0,
            config: config.clone(),
        };
        floor.plan_the_first();
        floor
    }

    /// Lets time pass, and says what happened meanwhile, oldest first.
    pub fn advance(&mut self, ms: u64) -> Vec<Happening> {
        let until = self.now_ms.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX));
        let mut happened = Vec::new();
        while let Some((at, act)) = self.agenda.next_until(until) {
            self.now_ms = at;
            self.act(act, &mut happened);
        }
        self.now_ms = until;
        happened
    }

    /// The time of the shop, in milliseconds since 1970.
    #[must_use]
    pub const fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// What the shop is made of.
    #[must_use]
    pub const fn config(&self) -> &FloorConfig {
        &self.config
    }

    /// How many pieces are where they belong. Zero for what the shop does not have.
    #[must_use]
    pub fn truth(&self, sku: &str, place: Place) -> i64 {
        self.find(sku).map_or(0, |goods| count(goods.at(place)))
    }

    /// How many pieces shoppers carry and have not paid yet.
    #[must_use]
    pub fn carried(&self, sku: &str) -> i64 {
        self.find(sku).map_or(0, |goods| i64::from(goods.carried))
    }

    /// How many pieces lie on the shelf of something else.
    #[must_use]
    pub fn misplaced(&self, sku: &str) -> i64 {
        self.find(sku).map_or(0, |goods| count(&goods.misplaced))
    }

    /// What the shop's own records say that it has: it orders by this.
    #[must_use]
    pub fn book(&self, sku: &str) -> i64 {
        self.find(sku).map_or(0, |goods| goods.book)
    }

    /// What lies on the shelf of a product, in grams, with pieces of others that were put there.
    #[must_use]
    pub fn shelf_weight_g(&self, sku: &str) -> f64 {
        let Some(index) = self.index(sku) else { return 0.0 };
        let own = self.goods.get(index).map_or(0.0, |goods| goods.weight_g(&goods.shelf));
        let others = self.goods.iter().flat_map(|goods| {
            goods.misplaced.iter().filter(move |piece| piece.onto == index).map(|piece| goods.piece_g(*piece))
        });
        own + others.sum::<f64>()
    }

    /// The tags of all tagged pieces in a part of the shop, as 24 hexadecimal digits. Misplaced pieces are among
    /// those of the shelves; what shoppers carry is nowhere.
    pub fn tags(&self, place: Place) -> impl Iterator<Item = String> + '_ {
        self.goods.iter().filter(|goods| goods.config.tagged).flat_map(move |goods| {
            let stray: &[_] = if place == Place::Shelf { &goods.misplaced } else { &[] };
            goods
                .at(place)
                .iter()
                .chain(stray)
                .filter_map(|piece| sgtin96(goods.config.gtin.as_deref()?, u64::from(piece.serial)))
        })
    }

    /// The temperature in a unit, in degrees Celsius; nothing when there is no such unit.
    #[must_use]
    pub fn unit_celsius(&self, unit: &str) -> Option<f64> {
        self.units.iter().find(|known| known.config.name == unit).map(|known| known.celsius(self.now_ms))
    }

    /// True while somebody holds the door of a unit open.
    #[must_use]
    pub fn door_is_open(&self, unit: &str) -> bool {
        self.units.iter().any(|known| known.config.name == unit && known.is_open(self.now_ms))
    }

    /// How many people have come in since the start.
    #[must_use]
    pub const fn entered(&self) -> u64 {
        self.entered
    }

    /// Holds the door of a unit open for so many milliseconds from now; false when there is no such unit.
    pub fn open_door(&mut self, unit: &str, ms: u64) -> bool {
        let now = self.now_ms;
        let found = self.units.iter_mut().find(|known| known.config.name == unit);
        found.map(|known| known.open(now, i64::try_from(ms).unwrap_or(i64::MAX))).is_some()
    }

    /// Closes the door of a unit, whoever holds it open; false when there is no such unit.
    pub fn close_door(&mut self, unit: &str) -> bool {
        let now = self.now_ms;
        let found = self.units.iter_mut().find(|known| known.config.name == unit);
        found.map(|known| known.close(now)).is_some()
    }

    /// Breaks the compressor of a unit, or mends it; false when there is no such unit.
    pub fn break_unit(&mut self, unit: &str, broken: bool) -> bool {
        let now = self.now_ms;
        let found = self.units.iter_mut().find(|known| known.config.name == unit);
        found.map(|known| known.set_broken(now, broken)).is_some()
    }

    /// One shopper takes all that is on a shelf, and will pay for it. Says how many pieces that were.
    pub fn empty_shelf(&mut self, sku: &str) -> i64 {
        self.index(sku).map_or(0, |index| self.take_all(index))
    }

    /// Staff bring to a shelf what it has room for, as far as the backroom has it. Says how many pieces that were.
    pub fn fill_shelf(&mut self, sku: &str) -> i64 {
        self.index(sku).map_or(0, |index| self.bring_all(index))
    }

    fn index(&self, sku: &str) -> Option<usize> {
        self.goods.iter().position(|goods| goods.config.sku == sku)
    }

    fn find(&self, sku: &str) -> Option<&Goods> {
        self.goods.iter().find(|goods| goods.config.sku == sku)
    }
}

/// A number of pieces.
fn count(pieces: &[goods::Piece]) -> i64 {
    i64::try_from(pieces.len()).unwrap_or(i64::MAX)
}
