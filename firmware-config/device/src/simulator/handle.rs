//! A hand in a running simulation: look at it, open a door, empty a shelf.

use super::{
    Shared,
    count::Progress,
    scenario::{DevicePlan, Model},
};
use crate::floor::{Floor, Happening, Place};
use std::{collections::BTreeSet, io, sync::Arc};
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

    /// Closes the door of a unit; false when there is no such unit.
    #[must_use]
    pub fn close_door(&self, unit: &str) -> bool {
        self.shared.world().close_door(unit)
    }

    /// Staff bring to the shelf of a product what it has room for, as far as the backroom has it, and enter the move or not; the
    /// number of pieces.
    #[must_use]
    pub fn fill_shelf(&self, sku: &str, noted: bool) -> i64 {
        self.shared.world().fill_shelf(sku, noted)
    }

    /// Takes a device off its network without a word, or lets it back; false when there is no such device. It goes on measuring
    /// meanwhile.
    #[must_use]
    pub fn plug(&self, device: &str, plugged: bool) -> bool {
        let mut world = self.shared.world();
        let Some(index) = world.devices().iter().position(|plan| plan.id == device) else { return false };
        let changed = self.shared.unplugged.send_if_modified(|unplugged| {
            if plugged { unplugged.remove(&index) } else { unplugged.insert(index) }
        });
        if changed {
            world.write_plugged(device, plugged);
        }
        true
    }

    /// The devices that somebody took off their network.
    #[must_use]
    pub fn unplugged(&self) -> BTreeSet<String> {
        let devices = self.shared.world().devices();
        let unplugged = self.shared.unplugged.borrow();
        unplugged.iter().filter_map(|index| devices.get(*index)).map(|plan| plan.id.clone()).collect()
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
