//! Units that foreign devices use, and how they become Aisle's.
//!
//! Not here: what a number of a unit can be ([`crate::heard`]).

use crate::unit::Unit;

/// A unit's name in a profile, what it becomes, and by which factor and addend.
const UNITS: &[(&str, Unit, f64, f64)] = &[
    ("celsius", Unit::Celsius, 1.0, 0.0),
    // From the freezing point of water: 32 °F.
    ("fahrenheit", Unit::Celsius, 5.0 / 9.0, -160.0 / 9.0),
    ("kelvin", Unit::Celsius, 1.0, -273.15),
    ("humidity_percent", Unit::HumidityPercent, 1.0, 0.0),
    ("gram", Unit::Gram, 1.0, 0.0),
    ("kilogram", Unit::Gram, 1e3, 0.0),
    ("milligram", Unit::Gram, 1e-3, 0.0),
    // International avoirdupois, 1959.
    ("pound", Unit::Gram, 453.592_37, 0.0),
    ("ounce", Unit::Gram, 28.349_523_125, 0.0),
    ("watt", Unit::Watt, 1.0, 0.0),
    ("kilowatt", Unit::Watt, 1e3, 0.0),
    ("kilowatt_hour", Unit::KilowattHour, 1.0, 0.0),
    ("watt_hour", Unit::KilowattHour, 1e-3, 0.0),
    ("volt", Unit::Volt, 1.0, 0.0),
    ("millivolt", Unit::Volt, 1e-3, 0.0),
    ("open", Unit::Open, 1.0, 0.0),
    ("on", Unit::On, 1.0, 0.0),
    ("count", Unit::Count, 1.0, 0.0),
    ("percent", Unit::Percent, 1.0, 0.0),
    ("dbm", Unit::Dbm, 1.0, 0.0),
    ("second", Unit::Second, 1.0, 0.0),
    ("millisecond", Unit::Second, 1e-3, 0.0),
    ("minute", Unit::Second, 60.0, 0.0),
];

/// A unit that a profile names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Foreign {
    pub(super) name: &'static str,
    pub(super) unit: Unit,
    factor: f64,
    addend: f64,
}

impl Foreign {
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (name, unit, factor, addend) = UNITS.iter().find(|(it, ..)| *it == name).copied()?;
        Some(Self { name, unit, factor, addend })
    }

    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        UNITS.iter().map(|(name, ..)| *name)
    }

    pub(super) fn convert(&self, value: f64) -> f64 {
        value * self.factor + self.addend
    }
}
