//! A hand in a running simulation: look at it, open a door, empty a shelf.

use super::{
    Shared,
    count::Progress,
    scenario::{DevicePlan, Model},
};
use crate::floor::{Floor, Happening, Place};
use std::{io, sync::Arc};
use tokio::sync::broadcast;

/// Looks at a simulation and interferes with it. Clones are the same.
#[derive(Clone)]
pub struct SimHandle {
    shared: Arc<Shared>,
}

/// A device of the simulation, with what whoever sets up the node has to know of it.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedDevice {
    /// Its id.
    pub id: String,
    /// What it is.
    pub model: Model,
    /// The names of its streams, as the device itself says them.
    pub streams: Vec<&'static str>,
    /// What it looks at; nothing when that is no part of the shop.
    pub watches: Option<Watched>,
}

/// What a device looks at.
#[derive(Debug, Clone, PartialEq)]
pub enum Watched {
    /// A fridge or the like.
    Unit {
        /// Its name.
        name: String,
    },
    /// The shelf of a product.
    Item {
        /// Which.
        sku: String,
        /// What a piece weighs, in grams.
        unit_weight_g: f64,
    },
    /// A part of the shop.
    Place(Place),
}

impl SimHandle {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Holds the door of a unit open for so many simulated milliseconds from now; false when there is no such unit.
    #[must_use]
    pub fn open_door(&self, unit: &str, for_ms: u64) -> bool {
        self.shared.world().open_door(unit, for_ms)
    }

    /// A shopper takes all that is on the shelf of a product, and will pay for it; the number of pieces.
    #[must_use]
    pub fn empty_shelf(&self, sku: &str) -> i64 {
        self.shared.world().empty_shelf(sku)
    }

    /// Breaks the compressor of a unit, or mends it; false when there is no such unit.
    #[must_use]
    pub fn break_unit(&self, unit: &str, broken: bool) -> bool {
        self.shared.world().break_unit(unit, broken)
    }

    /// All that happens on the floor from now on. Who is more than 4096 happenings behind loses the oldest and is told so.
    #[must_use]
    pub fn happenings(&self) -> broadcast::Receiver<Happening> {
        self.shared.world().happenings.subscribe()
    }

    /// All devices, in the order of the scenario.
    #[must_use]
    pub fn devices(&self) -> Vec<SimulatedDevice> {
        let world = self.shared.world();
        let devices = world.devices();
        devices.iter().map(|plan| describe(plan, world.floor.as_ref())).collect()
    }

    /// Looks at the floor as it is now; nothing when the scenario has none. The simulation waits meanwhile.
    pub fn with_floor<T>(&self, look: impl FnOnce(&Floor) -> T) -> Option<T> {
        self.shared.world().floor.as_ref().map(look)
    }

    /// How it stands.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.shared.progress()
    }

    /// Brings what was written of the truth into its file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flush_truth(&self) -> io::Result<()> {
        self.shared.world().flush()
    }
}

fn describe(plan: &DevicePlan, floor: Option<&Floor>) -> SimulatedDevice {
    let streams = match plan.model {
        Model::RfidReader => vec!["tags"],
        Model::BarcodeScale => vec!["code"],
        model => model.numbers().iter().map(|(name, _)| *name).collect(),
    };
    let watches = plan.watches.as_deref().map(|name| match name {
        "shelf" => Watched::Place(Place::Shelf),
        "backroom" => Watched::Place(Place::Backroom),
        _ => match floor.and_then(|floor| floor.config().items.iter().find(|item| item.sku == name)) {
            Some(item) => Watched::Item { sku: item.sku.clone(), unit_weight_g: item.unit_weight_g },
            None => Watched::Unit { name: name.to_owned() },
        },
    });
    SimulatedDevice { id: plan.id.clone(), model: plan.model, streams, watches }
}
