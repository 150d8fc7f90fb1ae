//! Groups of like devices, and the single device that comes out of one.

use crate::floor::FloorConfig;
use serde::{Deserialize, Serialize};

/// So many devices of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceGroup {
    /// How many.
    pub count: u32,
    /// Of which kind.
    pub model: Model,
    /// What their ids begin with; a number from 1 follows.
    pub prefix: String,
    /// How often they measure, in simulated seconds. Those of the contract say only what is new.
    pub interval_s: u32,
    /// How those that speak the contract write.
    #[serde(default)]
    pub encoding: Encoding,
    /// What they look at: names of units, SKUs of items, or, for readers,
    /// `shelf`, `backroom` or the SKU of a tagged item. One after the other, from the
    /// beginning again when there are more devices. Without names: all that the shop has.
    #[serde(default)]
    pub watch: Vec<String>,
}

/// A kind of device. Those of the contract run the firmware; the others send what such devices send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// A thermometer in a unit.
    FridgeTemperature,
    /// A scale under a shelf.
    ShelfScale,
    /// An RFID reader of a part of the shop.
    RfidReader,
    /// Counts who comes in.
    PeopleCounter,
    /// Says whether the door of a unit is open.
    DoorContact,
    /// An electronic shelf label.
    ShelfLabel,
    /// A scale of the counter that scans as well.
    BarcodeScale,
    /// A plug that meters what a unit takes.
    Plug,
    /// A plug with Tasmota.
    TasmotaPlug,
    /// A thermometer and hygrometer with ESPHome.
    EsphomeClimate,
    /// A door contact behind Zigbee2MQTT.
    Zigbee2mqttContact,
}

/// How a device writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// As JSON.
    #[default]
    Json,
    /// As CBOR.
    Cbor,
}

impl Model {
    /// True for what does not speak the contract.
    #[must_use]
    pub const fn is_foreign(self) -> bool {
        matches!(self, Self::TasmotaPlug | Self::EsphomeClimate | Self::Zigbee2mqttContact)
    }

    /// Its name, as in the scenario and in what the device announces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FridgeTemperature => "fridge-temperature",
            Self::ShelfScale => "shelf-scale",
            Self::RfidReader => "rfid-reader",
            Self::PeopleCounter => "people-counter",
            Self::DoorContact => "door-contact",
            Self::ShelfLabel => "shelf-label",
            Self::BarcodeScale => "barcode-scale",
            Self::Plug => "plug",
            Self::TasmotaPlug => "tasmota-plug",
            Self::EsphomeClimate => "esphome-climate",
            Self::Zigbee2mqttContact => "zigbee2mqtt-contact",
        }
    }

    /// What of the shop it looks at.
    pub(in super::super) const fn looks_at(self) -> LooksAt {
        match self {
            Self::FridgeTemperature
            | Self::DoorContact
            | Self::Plug
            | Self::TasmotaPlug
            | Self::EsphomeClimate
            | Self::Zigbee2mqttContact => LooksAt::Unit,
            Self::ShelfScale | Self::ShelfLabel | Self::BarcodeScale => LooksAt::Item,
            Self::RfidReader => LooksAt::Place,
            Self::PeopleCounter => LooksAt::Door,
        }
    }
}

/// What of the shop a device looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum LooksAt {
    /// A fridge or the like.
    Unit,
    /// The shelf of a product.
    Item,
    /// A part of the shop.
    Place,
    /// The way in.
    Door,
}

/// One device.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct DevicePlan {
    /// Its number in the scenario, from 0.
    pub(in super::super) index: usize,
    pub(in super::super) id: String,
    pub(in super::super) model: Model,
    pub(in super::super) interval_s: u32,
    pub(in super::super) encoding: Encoding,
    /// The name of what it looks at; nothing when the shop has no such thing.
    pub(in super::super) watches: Option<String>,
}

impl DeviceGroup {
    pub(super) fn plan(&self, index: usize, number: u32, floor: Option<&FloorConfig>) -> DevicePlan {
        let place = (number - 1) as usize;
        let watches = if self.watch.is_empty() {
            floor.and_then(|floor| nth_of_the_shop(floor, self.model.looks_at(), place))
        } else {
            self.watch.get(place % self.watch.len()).cloned()
        };
        DevicePlan {
            index,
            id: format!("{}{number}", self.prefix),
            model: self.model,
            interval_s: self.interval_s,
            encoding: self.encoding,
            watches,
        }
    }
}

fn nth_of_the_shop(floor: &FloorConfig, what: LooksAt, place: usize) -> Option<String> {
    let nth = |length: usize| (length > 0).then(|| place % length.max(1));
    match what {
        LooksAt::Unit => floor.units.get(nth(floor.units.len())?).map(|unit| unit.name.clone()),
        LooksAt::Item => floor.items.get(nth(floor.items.len())?).map(|item| item.sku.clone()),
        LooksAt::Place => Some(if place.is_multiple_of(2) { "shelf" } else { "backroom" }.to_owned()),
        LooksAt::Door => None,
    }
}
