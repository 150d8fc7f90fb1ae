//! What became of one release of settings over many nodes: how many devices stand how, and why not, grouped by reason.
//!
//! Nodes are added one by one, so that nobody holds the results of ten thousand stores at once. Reasons that differ in numbers alone are one. Not here: which
//! nodes are asked (who keeps what they say). Guards invariant 6: reasons come from devices, and only so many kinds of them are told apart.

use super::result::{DeviceStatus, SlotDevices, TEXT_CHARS_MAX};
use crate::text::{numberless, shown};
use aisle_event::{DeviceId, StoreId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most kinds of reasons that are told of in all.
pub const REASONS_MAX: usize = 64;
/// The most devices that are named of a reason.
pub const EXAMPLES_MAX: usize = 5;
/// The most kinds of reasons that are told apart while nodes are added.
const APART_MAX: usize = 4096;

/// One reason in all stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeviceReason {
    /// What became of the settings.
    pub status: DeviceStatus,
    /// The field.
    pub path: Option<String>,
    /// Why, in the words of the first of them.
    pub reason: String,
    /// At how many devices.
    pub devices: u64,
    /// In how many stores.
    pub stores: u64,
    /// The first few, by name.
    #[cfg_attr(feature = "schema", schema(value_type = Vec<Vec<String>>))]
    pub examples: Vec<(StoreId, DeviceId)>,
}

/// Devices by what became of their settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeviceTally {
    /// How many nodes have told of them.
    pub stores: u64,
    /// Those of them at which every device has them.
    pub stores_whole: u64,
    /// How many devices there are in each state.
    #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<String, u64>))]
    pub devices: BTreeMap<DeviceStatus, u64>,
    /// Why not, at most devices first, at most [`REASONS_MAX`].
    pub reasons: Vec<DeviceReason>,
    /// How many reasons are left out.
    pub left_out: u64,
    /// Devices that do not have them and of which no reason is told: the node had no room for it, or its reason is left out.
    pub untold: u64,
}

impl DeviceTally {
    /// How many devices there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.devices.values().fold(0, |sum, many| sum.saturating_add(*many))
    }

    /// How many are in one state.
    #[must_use]
    pub fn of(&self, status: DeviceStatus) -> u64 {
        self.devices.get(&status).copied().unwrap_or_default()
    }
}

type Key = (DeviceStatus, Option<String>, String);

/// A tally while nodes are added to it.
#[derive(Debug, Clone, Default)]
pub struct Tallying {
    all: DeviceTally,
    /// Each with the store that was added to it last.
    reasons: BTreeMap<Key, (DeviceReason, StoreId)>,
}

impl Tallying {
    /// Adds what one node told. The nodes of a store are added one after the other.
    pub fn add(&mut self, store: &StoreId, said: &SlotDevices) {
        let all = &mut self.all;
        all.stores += 1;
        all.stores_whole += u64::from(said.is_whole());
        let mut missing = 0_u64;
        for (status, many) in &said.counts {
            let count = all.devices.entry(*status).or_default();
            *count = count.saturating_add(*many);
            if *status != DeviceStatus::Applied {
                missing = missing.saturating_add(*many);
            }
        }
        let told = said.results.iter().filter(|result| result.status != DeviceStatus::Applied);
        for result in told {
            let reason = shown(result.reason.as_deref().unwrap_or_default(), TEXT_CHARS_MAX);
            let path = result.path.as_deref().map(|path| shown(path, TEXT_CHARS_MAX));
            let key = (result.status, path.clone(), numberless(&reason));
            if !self.reasons.contains_key(&key) && self.reasons.len() >= APART_MAX {
                continue;
            }
            missing = missing.saturating_sub(1);
            let (of, last) = self.reasons.entry(key).or_insert_with(|| {
                let status = result.status;
                let new = DeviceReason { status, path, reason, devices: 0, stores: 0, examples: Vec::new() };
                (new, store.clone())
            });
            if of.devices == 0 || last != store {
                of.stores += 1;
                last.clone_from(store);
            }
            of.devices += 1;
            if of.examples.len() < EXAMPLES_MAX {
                of.examples.push((store.clone(), result.device.clone()));
            }
        }
        self.all.untold = self.all.untold.saturating_add(missing);
    }

    /// What it comes to.
    #[must_use]
    pub fn done(self) -> DeviceTally {
        let Self { mut all, reasons } = self;
        all.reasons = reasons.into_values().map(|(reason, _)| reason).collect();
        all.reasons.sort_by_key(|reason| std::cmp::Reverse(reason.devices));
        let rest = all.reasons.split_off(all.reasons.len().min(REASONS_MAX));
        all.left_out = rest.len() as u64;
        all.untold = rest.iter().fold(all.untold, |sum, reason| sum.saturating_add(reason.devices));
        all
    }
}
