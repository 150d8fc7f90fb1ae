//! What became of the device settings of a rollout at the devices of its stores, added up.
//!
//! Not here: adding ([`Tallying`]), what one node said of one device (`GET /v1/device-results`). Guards: never more than some nodes' results are held at once.

use crate::database::{Database, DatabaseError};
use aisle_event::StoreId;
use aisle_fleet::{
    ContentHash, Kind, NodeId, Rollout, Serial, Slot,
    device::{DeviceTally, Tallying},
};
use serde::Serialize;

/// How many nodes' results are read at once: each may have hundreds.
pub(crate) const ROWS_AT_ONCE: u32 = 64;

/// What became of one release of device settings in a rollout.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SlotTally {
    /// The slot.
    #[schema(value_type = String)]
    pub slot: Slot,
    /// The version.
    pub version: String,
    /// How many nodes the rollout has.
    pub nodes: u64,
    /// What those of them said that run this version. Who has not told is not among its stores.
    pub tally: DeviceTally,
}

/// The releases of device settings that a rollout brings.
fn settings(rollout: &Rollout) -> impl Iterator<Item = (&Slot, String, ContentHash)> {
    let of_devices = rollout.spec().set.iter().filter(|(slot, _)| slot.kind() == Kind::DeviceSettings);
    of_devices.filter_map(|(slot, want)| {
        want.release().map(|release| (slot, release.version.to_string(), release.hash))
    })
}

/// Slot by slot; nothing where the rollout brings no settings of devices.
pub(crate) async fn tallies(database: &Database, rollout: &Rollout) -> Result<Vec<SlotTally>, DatabaseError> {
    let mut all = Vec::new();
    for (slot, version, hash) in settings(rollout) {
        let (mut tally, mut after) = (Tallying::default(), (String::new(), String::new()));
        loop {
            let place = (slot.to_string(), hash);
            let page = database.devices_of((&place.0, place.1), (&after.0, &after.1), ROWS_AT_ONCE).await?;
            let is_last = page.len() < ROWS_AT_ONCE as usize;
            for row in page {
                let id = StoreId::new(&row.store).ok().zip(Serial::new(&row.node).ok());
                if let Some((store, serial)) = id {
                    let node = NodeId { store, serial };
                    if rollout.nodes().contains_key(&node) {
                        tally.add(&node.store, &row.said);
                    }
                }
                after = (row.store, row.node);
            }
            if is_last {
                break;
            }
        }
        let nodes = rollout.nodes().len() as u64;
        all.push(SlotTally { slot: slot.clone(), version, nodes, tally: tally.done() });
    }
    Ok(all)
}
