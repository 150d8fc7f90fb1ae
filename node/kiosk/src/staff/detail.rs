//! What one device, one cold chain unit or one product has to say.
//!
//! Not here: the board itself ([`super::board`]), how these look (`pages`).

use super::{
    board::{DeviceRow, UnitRow},
    number::{Estimate, Reading},
};
use aisle_event::{
    DeviceId, LotId, Name, Quantity, Sku, Timestamp,
    cold_chain::{ColdRule, ColdVerdict},
    device::{AnomalyKind, CommandEnd, DeviceProblem, Measured, Place, StreamKind},
};
use jiff::civil::Date;

/// A device in full.
#[derive(Debug, Clone, PartialEq)]
pub struct DevicePage {
    /// What the board says of it.
    pub row: DeviceRow,
    /// The version of its software.
    pub firmware: Option<Name>,
    /// The profile that understands it; nothing when it speaks the contract.
    pub profile: Option<Name>,
    /// Its serial number.
    pub serial: Option<Name>,
    /// How often it has started.
    pub boots: Option<u32>,
    /// What it measures.
    pub streams: Vec<StreamRow>,
    /// What it is and should be set to; nothing when it has no settings.
    pub twin: Option<Twin>,
    /// What it can be asked to do.
    pub offers: Vec<Offer>,
    /// What it was asked to do, newest first.
    pub commands: Vec<CommandRow>,
    /// What was wrong with what it sent, newest first.
    pub problems: Vec<ProblemRow>,
}

/// A stream of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamRow {
    /// Its name.
    pub stream: Name,
    /// What comes by it.
    pub kind: StreamKind,
    /// What its numbers count.
    pub measured: Option<Measured>,
    /// How often it speaks when all is well, in seconds.
    pub interval_s: Option<u32>,
    /// The last number.
    pub last: Option<Reading>,
    /// What is odd about it, and since when.
    pub anomaly: Option<(AnomalyKind, Timestamp)>,
    /// It can be drawn.
    pub chart: bool,
    /// What it watches: goods in a place.
    pub goods: Option<(Place, Sku)>,
    /// What it watches: a cold chain unit.
    pub unit: Option<Name>,
}

/// What a device is set to, and is to be set to.
#[derive(Debug, Clone, PartialEq)]
pub struct Twin {
    /// The version that is wanted; 0 when nothing was asked of it.
    pub desired_version: u64,
    /// The version that it reports.
    pub reported_version: Option<u64>,
    /// When it reported that.
    pub reported_at: Option<Timestamp>,
    /// It fell back to settings with which it had started before.
    pub last_known_good: bool,
    /// The version that it refused, the field, and why.
    pub refused: Option<(u64, String, String)>,
    /// Its settings, in the order of its schema.
    pub settings: Vec<SettingRow>,
}

impl Twin {
    /// It is set to what was wanted last.
    #[must_use]
    pub fn in_sync(&self) -> bool {
        self.desired_version == 0 || self.reported_version == Some(self.desired_version)
    }
}

/// One setting.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingRow {
    /// What it may be.
    pub field: Field,
    /// What it is to be.
    pub desired: Option<SettingValue>,
    /// What it is, by what the device says.
    pub reported: Option<SettingValue>,
}

/// What a setting, or what goes with a command, may be.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type with its bounds.
    pub kind: FieldKind,
    /// What its numbers count.
    pub unit: Option<String>,
    /// What it is when nobody said anything.
    pub default: SettingValue,
}

/// The type of a setting.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldKind {
    /// Yes or no.
    Bool,
    /// A whole number.
    Integer {
        /// At least.
        min: i64,
        /// At most.
        max: i64,
    },
    /// A number.
    Number {
        /// At least.
        min: f64,
        /// At most.
        max: f64,
    },
    /// Text.
    Text {
        /// The most bytes of UTF-8.
        len_max: usize,
    },
    /// One of a few.
    Choice {
        /// Which.
        of: Vec<String>,
    },
}

/// The value of a setting.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub enum SettingValue {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Number(f64),
    /// Text, or a choice.
    Text(String),
}

/// Something that a device can be asked to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// What.
    pub command: Name,
    /// What goes with it.
    pub fields: Vec<Field>,
}

/// Something that a device was asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRow {
    /// What.
    pub command: Name,
    /// Who asked.
    pub by: Option<Name>,
    /// When.
    pub at: Timestamp,
    /// How it ended, when it has, and when.
    pub end: Option<(CommandEnd, Timestamp)>,
    /// What came back.
    pub answer: Option<String>,
}

/// Something that was wrong with what a device sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemRow {
    /// What.
    pub problem: DeviceProblem,
    /// Where in the payload or the settings.
    pub path: Option<Name>,
    /// In words, with what to do, in English.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

/// A cold chain unit in full.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitPage {
    /// What the board says of it.
    pub row: UnitRow,
    /// What is kept in it.
    pub goods: Vec<Product>,
    /// The streams that watch it.
    pub sensors: Vec<(DeviceId, Name)>,
    /// When it was not as it must be, newest first.
    pub excursions: Vec<ExcursionRow>,
    /// Days that there is a report of, newest first, in the store's zone.
    pub days: Vec<Date>,
}

/// A product that a page leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its number.
    pub sku: Sku,
    /// Its name.
    pub name: Option<Name>,
}

/// A time in which a unit was not as it must be.
#[derive(Debug, Clone, PartialEq)]
pub struct ExcursionRow {
    /// Its name.
    pub excursion: Name,
    /// Which rule was broken.
    pub rule: ColdRule,
    /// The value furthest outside so far, in °C.
    pub peak: Option<f64>,
    /// Since when.
    pub since: Timestamp,
    /// Until when, and what became of the food; nothing while it lasts.
    pub closed: Option<(Timestamp, ColdVerdict)>,
    /// How long it was outside in all, in seconds.
    pub outside_s: u64,
    /// Who has seen it, what they did, and when.
    pub acknowledged: Option<(Name, Option<Name>, Timestamp)>,
    /// The lots that it touched, as far as receipts say.
    pub lots: Vec<LotId>,
}

/// What is known of a product's stock, in full.
#[derive(Debug, Clone, PartialEq)]
pub struct PositionPage {
    /// Which product, and its name.
    pub product: Product,
    /// It can be sold.
    pub sellable: bool,
    /// The chance that the shelf is empty, from 0 to 1000.
    pub empty_permille: u16,
    /// The chance that the book has goods which are not there, from 0 to 1000.
    pub phantom_permille: u16,
    /// When these chances were worked out.
    pub as_of: Timestamp,
    /// Each place that it can be in.
    pub places: Vec<PlaceRow>,
}

/// What is known of a product in one place.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceRow {
    /// Where.
    pub place: Place,
    /// How much.
    pub estimate: Estimate,
    /// What that rests on, weightiest first.
    pub sources: Vec<SourceRow>,
    /// Why, in English: one sentence each.
    pub why: Vec<String>,
}

/// What an estimate rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Tills, deliveries and moves, added up.
    Book,
    /// What somebody counted.
    Count,
    /// What a scale under the shelf weighs.
    Weight,
    /// What an RFID reader sees.
    Tags,
}

/// One source of an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceRow {
    /// Which.
    pub source: Source,
    /// How much there is by this source alone, where it says so.
    pub says: Option<Quantity>,
    /// Its part in the estimate, from 0 to 1000; all sources of a place together make 1000.
    pub weight_permille: u16,
    /// When it last said something.
    pub as_of: Timestamp,
}
