//! The scenario of the floor, made part of the store: its items get numbers and barcodes of their own and are known by name.
//!
//! Guards: no item of the floor has the number or the barcode of a generated product.

use super::goods::{BRAND, GOODS};
use crate::shop;
use aisle_device::{
    floor::ItemConfig,
    simulator::{Model, Scenario, ScenarioError, builtin},
};
use aisle_event::{
    Currency, Event, Gtin, Money, Name, Quantity, Sku, Timestamp, Unit, Unknown,
    device::Place,
    id::InvalidId,
    inventory::PlaceCounted,
    stock::{ProductListed, StockCounted},
};
use std::collections::BTreeMap;

/// The scenario that it is made from.
const SCENARIO: &str = "shop-floor-60";
/// The device that nobody approves beforehand: it waits for whoever looks at the board.
pub const WAITING: &str = "counter-2";
/// Numbers of the floor's products begin here, far beyond those of any generated shop.
const FIRST: usize = 900_000;

/// What the node's configuration has to say for the floor, beside where its broker listens: a broker for this machine only, where
/// devices of the contract and those of others say what they have to say and everybody may look, and food that follows the air so quickly
/// that an excursion is seen by whoever waits a minute or two.
pub const CONFIG: &str = r##"
[mqtt.anonymous]
publish = [
    "aisle/v1/%store%/+/#", "tele/+/+", "stat/+/+", "zigbee2mqtt/+", "zigbee2mqtt/+/availability",
    "+/sensor/+/state", "+/status",
]
subscribe = ["#"]
[cold_chain]
product_time_constant_s = 60
grace_s = 60
hysteresis_s = 60
"##;

/// The scenario, with goods that the store sells.
#[derive(Debug, Clone)]
pub struct Scene {
    scenario: Scenario,
    names: BTreeMap<String, Name>,
}

/// Why there is no scene.
#[derive(Debug, thiserror::Error)]
pub enum SceneError {
    /// The scenario cannot be used.
    #[error("the scenario `{SCENARIO}` cannot be used")]
    Scenario(#[from] ScenarioError),
    /// The scenario has another number of items than there are names.
    #[error("the scenario `{SCENARIO}` has {items} items; there are names for {}", GOODS.len())]
    Items {
        /// How many it has.
        items: usize,
    },
    /// Something of it is no id.
    #[error("`{text}` is no id")]
    Id {
        /// What.
        text: String,
        /// Why.
        source: InvalidId,
    },
}

impl Scene {
    /// The scene of the demo.
    ///
    /// # Errors
    /// When the scenario does not have what the scene is made of.
    pub fn new() -> Result<Self, SceneError> {
        let mut scenario = builtin(SCENARIO)?;
        let mut names = BTreeMap::new();
        let mut numbers = BTreeMap::new();
        if let Some(floor) = &mut scenario.floor {
            if floor.items.len() != GOODS.len() {
                return Err(SceneError::Items { items: floor.items.len() });
            }
            for (place, (item, good)) in floor.items.iter_mut().zip(&GOODS).enumerate() {
                let number = FIRST + place;
                numbers.insert(item.sku.clone(), number.to_string());
                item.sku = number.to_string();
                item.gtin = shop::gtin(number).map(|gtin| gtin.to_string());
                // A message has room for 64 tags, so that only two products can be read whole.
                item.tagged = place < 2;
                names.insert(item.sku.clone(), name(format!("{BRAND} {}", good.name))?);
            }
            for unit in &mut floor.units {
                // Whoever stands in front of a page waits less than one who stands in front of a fridge.
                unit.open_s /= 6.0;
                unit.recover_s /= 4.0;
                unit.door_s = 3.0;
                unit.doors_per_hour /= 2.0;
            }
        }
        for group in &mut scenario.devices {
            for watched in &mut group.watch {
                if let Some(number) = numbers.get(watched) {
                    watched.clone_from(number);
                }
            }
            match group.model {
                Model::RfidReader => group.watch = ["shelf", "backroom"].map(Into::into).into(),
                // What is done by hand shows within a second.
                Model::FridgeTemperature | Model::ShelfScale | Model::DoorContact => group.interval_s = 1,
                _ => {}
            }
        }
        // Devices that look once a second look twice.
        scenario.simulation.speed = 2.0;
        scenario.validate()?;
        Ok(Self { scenario, names })
    }

    /// The scenario.
    #[must_use]
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The name of one of its products; its number when it is none of them.
    #[must_use]
    pub fn name<'a>(&'a self, sku: &'a str) -> &'a str {
        self.names.get(sku).map_or(sku, Name::as_str)
    }

    /// Its products.
    pub fn items(&self) -> impl Iterator<Item = &ItemConfig> {
        self.scenario.floor.iter().flat_map(|floor| &floor.items)
    }

    /// Its cold chain units, each with how food is kept in it and what is in it.
    pub fn units(&self) -> impl Iterator<Item = (&str, &'static str, Vec<&str>)> {
        let units = self.scenario.floor.iter().flat_map(|floor| &floor.units);
        units.map(|unit| {
            let group = match unit.set_celsius {
                ..-10.0 => "frozen",
                40.0.. => "hot",
                _ => "chilled",
            };
            let goods = self.items().zip(&GOODS);
            let kept = goods.filter(|(_, good)| good.unit == Some(&unit.name));
            (unit.name.as_str(), group, kept.map(|(item, _)| item.sku.as_str()).collect())
        })
    }

    /// What the store's records say at the start: what is offered, and counts that are right.
    ///
    /// # Errors
    /// When a number of the scenario is no id.
    pub fn records(&self, at: Timestamp) -> Result<Vec<Event>, SceneError> {
        let mut events = Vec::new();
        for (item, good) in self.items().zip(&GOODS) {
            let sku =
                Sku::new(&item.sku).map_err(|source| SceneError::Id { text: item.sku.clone(), source })?;
            let gtin: Option<Gtin> = item.gtin.as_deref().and_then(|gtin| gtin.parse().ok());
            let pieces = |pieces: u32| Quantity { thousandths: i64::from(pieces) * 1000, unit: Unit::Each };
            events.push(
                ProductListed {
                    sku: sku.clone(),
                    name: name(self.name(&item.sku).to_owned())?,
                    price: Money::new(good.pence, Currency::GBP),
                    unit: Unit::Each,
                    gtin,
                    category: Some(name(good.category.to_owned())?),
                    at,
                    unknown: Unknown::default(),
                }
                .into(),
            );
            let on_hand = pieces(item.shelf_start + item.backroom_start);
            events.push(StockCounted { sku: sku.clone(), on_hand, at, unknown: Unknown::default() }.into());
            for (place, on_hand) in
                [(Place::Shelf, pieces(item.shelf_start)), (Place::Backroom, pieces(item.backroom_start))]
            {
                let (sku, unknown) = (sku.clone(), Unknown::default());
                events.push(PlaceCounted { sku, place, on_hand, at, by: None, unknown }.into());
            }
        }
        Ok(events)
    }
}

fn name(text: String) -> Result<Name, SceneError> {
    Name::new(&text).map_err(|source| SceneError::Id { text, source })
}
