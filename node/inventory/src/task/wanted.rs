//! What parts of the store would have staff do, before anybody is asked.

use aisle_event::{DeviceId, Name, Quantity, Sku, inventory::TaskKind};
use serde::{Deserialize, Serialize};

/// Something that a part of the store wants done. Two that are about the same are one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What.
    pub kind: TaskKind,
    /// What it is about.
    pub about: About,
    /// How much, where that is known.
    pub quantity: Option<Quantity>,
    /// How sure it is that it is needed, in thousandths.
    pub confidence_permille: u16,
    /// Why, in words.
    pub why: Name,
}

/// What a task is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// A product.
    Sku(Sku),
    /// A cold chain unit.
    Unit(Name),
    /// A device.
    Device(DeviceId),
}

impl About {
    /// The name of the thing.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sku(sku) => sku.as_str(),
            Self::Unit(unit) => unit.as_str(),
            Self::Device(device) => device.as_str(),
        }
    }
}
