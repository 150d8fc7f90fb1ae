//! [`Board`]: what needs staff now, as one immutable value. It is what the pages show and what the API gives.
//!
//! The lists are short, most urgent first; [`Totals`] says how many there are in all. Not here: what one device, unit or product has
//! to say ([`super::detail`]), and where it all comes from ([`super::Floor`]).

use super::number::{Estimate, EstimateView, Reading, as_quantity, as_time_or_null};
use crate::api::views::as_time;
use aisle_event::{
    DeviceId, Name, Quantity, Sku, Timestamp, cold_chain::ColdGroup, device::Place, inventory::TaskKind,
};
use serde::Serialize;
use utoipa::ToSchema;

/// What the store knows about itself, for those who work in it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = StaffBoard)]
pub struct Board {
    /// When it was made.
    #[serde(serialize_with = "as_time")]
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    /// The last record of the journal that is in it.
    pub seq: u64,
    /// How many there are in all; the lists hold the first of them.
    pub totals: Totals,
    /// What staff are asked to do, most urgent first.
    pub tasks: Vec<TaskRow>,
    /// What is not as it should be, worst first.
    pub alerts: Vec<AlertRow>,
    /// Shelves that are probably empty, and stock that is probably not there, most probable first.
    pub gaps: Vec<GapRow>,
    /// Every cold chain unit, those in trouble first.
    pub units: Vec<UnitRow>,
    /// Devices, those that need somebody first.
    pub devices: Vec<DeviceRow>,
    /// Products of which the least is known, or which were asked about last.
    pub positions: Vec<PositionRow>,
}

/// How many there are of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[schema(as = StaffTotals)]
pub struct Totals {
    /// Open tasks.
    pub tasks: u32,
    /// Alerts.
    pub alerts: u32,
    /// Shelf gaps and phantom stock.
    pub gaps: u32,
    /// Cold chain units.
    pub units: u32,
    /// Devices that are not retired.
    pub devices: u32,
    /// Products with a position.
    pub positions: u32,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StaffTask)]
pub struct TaskRow {
    /// Its name, unique in the store.
    #[schema(value_type = String)]
    pub task: Name,
    /// What is to be done.
    #[schema(value_type = String, example = "fill_shelf")]
    pub kind: TaskKind,
    /// The product that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub sku: Option<Sku>,
    /// That product's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub product: Option<Name>,
    /// The cold chain unit that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub unit: Option<Name>,
    /// The device that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub device: Option<DeviceId>,
    /// How much to bring, where that is known, with its unit.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_quantity")]
    #[schema(value_type = Option<String>, nullable = false, example = "6")]
    pub quantity: Option<Quantity>,
    /// How sure the store is that it is needed, from 0 to 1000.
    #[schema(minimum = 0, maximum = 1000)]
    pub confidence_permille: u16,
    /// Why, in English.
    pub why: String,
    /// Since when it is open.
    #[serde(serialize_with = "as_time")]
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
}

/// How much an alert matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[schema(as = StaffSeverity)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Food or sales are at stake now.
    Critical,
    /// It will be if nobody looks.
    Warning,
    /// Good to know.
    Notice,
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StaffAlertKind)]
#[serde(rename_all = "kebab-case")]
pub enum AlertKind {
    /// A cold chain unit is not as it must be.
    Excursion,
    /// A stream of numbers is odd.
    Anomaly,
    /// What a device sends is wrong.
    DeviceProblem,
    /// A device is gone.
    Offline,
    /// A device waits for approval.
    Approval,
    /// Settings were refused, or are not what was wanted.
    Settings,
    /// A plugin tells staff something, or fails.
    Plugin,
    /// Something about the box itself: who it is to its chain, what runs out.
    Node,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StaffAlert)]
pub struct AlertRow {
    /// What about.
    pub kind: AlertKind,
    /// How much it matters.
    pub severity: Severity,
    /// The device.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub device: Option<DeviceId>,
    /// The cold chain unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub unit: Option<Name>,
    /// What is the matter, with the numbers that say so and what to do, in English.
    pub detail: String,
    /// How sure the store is, from 0 to 1000.
    #[schema(minimum = 0, maximum = 1000)]
    pub confidence_permille: u16,
    /// Since when.
    #[serde(serialize_with = "as_time")]
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// A shelf that is probably empty, or stock that the book has and the shop probably has not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StaffGap)]
pub struct GapRow {
    /// Which product.
    #[schema(value_type = String)]
    pub sku: Sku,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub product: Option<Name>,
    /// What is on the shelf.
    #[schema(value_type = EstimateView)]
    pub shelf: Estimate,
    /// What could be brought.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<EstimateView>, nullable = false)]
    pub backroom: Option<Estimate>,
    /// The chance that the shelf is empty, from 0 to 1000.
    #[schema(minimum = 0, maximum = 1000)]
    pub empty_permille: u16,
    /// The chance that the book has goods which are not there, from 0 to 1000.
    #[schema(minimum = 0, maximum = 1000)]
    pub phantom_permille: u16,
    /// Since when it looks like that.
    #[serde(serialize_with = "as_time")]
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// How a cold chain unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StaffUnitState)]
#[serde(rename_all = "kebab-case")]
pub enum UnitState {
    /// Within its limit.
    Fine,
    /// Outside, but not for long enough to be an excursion.
    Outside,
    /// In an excursion.
    Excursion,
    /// Nothing is known: its sensor is silent.
    Unknown,
}

/// What a contact says of a door. Of several the one that is open counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StaffDoor)]
pub struct Door {
    /// It is open.
    pub open: bool,
    /// When the contact said so last.
    #[serde(serialize_with = "as_time")]
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
}

/// A cold chain unit.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = StaffUnit)]
pub struct UnitRow {
    /// Its name.
    #[schema(value_type = String)]
    pub unit: Name,
    /// How food in it is kept.
    #[schema(value_type = String, example = "chilled")]
    pub group: ColdGroup,
    /// Its limit, in °C.
    pub limit: f64,
    /// How it is.
    pub state: UnitState,
    /// The last temperature.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reading: Option<Reading>,
    /// Its door, where a contact watches one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub door: Option<Door>,
    /// The excursion that it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub excursion: Option<Name>,
    /// Somebody has seen that excursion.
    pub acknowledged: bool,
    /// Since when it is in this state.
    #[serde(serialize_with = "as_time")]
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// Where a device is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StaffDeviceState)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceState {
    /// Heard, but nobody has approved it: its readings do not count.
    Pending,
    /// Approved and there.
    Online,
    /// Approved and not there.
    Offline,
    /// Sent away for good.
    Retired,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StaffDevice)]
pub struct DeviceRow {
    /// Which.
    #[schema(value_type = String)]
    pub device: DeviceId,
    /// What it is.
    #[schema(value_type = String)]
    pub model: Name,
    /// Where it is in its life.
    pub state: DeviceState,
    /// When it was last heard.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_time_or_null")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub heard_at: Option<Timestamp>,
    /// It is set to what it is to be set to; true when nothing was asked of it.
    pub in_sync: bool,
    /// How many problems and anomalies are open.
    pub problems: u32,
    /// How far its readings are believed, from 0 to 1000.
    #[schema(minimum = 0, maximum = 1000)]
    pub confidence_permille: u16,
}

/// What is known of a product's stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StaffPosition)]
pub struct PositionRow {
    /// Which product.
    #[schema(value_type = String)]
    pub sku: Sku,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub product: Option<Name>,
    /// What is on the shelf.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<EstimateView>, nullable = false)]
    pub shelf: Option<Estimate>,
    /// What is in the backroom.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<EstimateView>, nullable = false)]
    pub backroom: Option<Estimate>,
    /// It can be sold.
    pub sellable: bool,
}

impl PositionRow {
    /// What is in one place.
    #[must_use]
    pub const fn at(&self, place: Place) -> Option<Estimate> {
        match place {
            Place::Shelf => self.shelf,
            Place::Backroom => self.backroom,
        }
    }
}
