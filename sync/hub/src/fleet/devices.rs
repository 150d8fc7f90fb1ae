//! What became of the device settings of a rollout at the devices of its stores, added up.
//!
//! Counts are of all of its nodes and come from columns; what devices said is read of those nodes alone where something is not applied, and of so many at most. Not here: adding up
//! reasons ([`Tallying`]), what one node said of one device (`GET /v1/device-results`). Guards: never more than some nodes' results are held at once, and whoever looks at a rollout
//! costs the hub no more for a larger fleet than its rows of counts.

use super::world;
use crate::database::{
    Database, DatabaseError,
    fleet::{DeviceCounts, DevicesRow},
    read::ROWS_MAX,
};
use aisle_fleet::{
    ContentHash, Kind, NodeId, Rollout, Slot,
    device::{DeviceStatus, DeviceTally, Tallying},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// How many nodes' results are read at once: each may have hundreds.
pub(crate) const ROWS_AT_ONCE: u32 = 64;
/// Of how many nodes at most reasons are read, those first by name.
pub(crate) const REASONS_OF_MAX: usize = 1_000;

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
    /// Nodes at which a device does not have them and whose reasons are not in `tally`: reasons are of the first 1000 by name.
    pub reasons_unread: u64,
}

/// The releases of device settings that a rollout brings.
fn settings(rollout: &Rollout) -> impl Iterator<Item = (&Slot, String, ContentHash)> {
    let of_devices = rollout.spec().set.iter().filter(|(slot, _)| slot.kind() == Kind::DeviceSettings);
    of_devices.filter_map(|(slot, want)| {
        want.release().map(|release| (slot, release.version.to_string(), release.hash))
    })
}

/// The node of a row, where the rollout has it.
fn node_of(rollout: &Rollout, store: &str, serial: &str) -> Option<NodeId> {
    world::id(store, serial).filter(|node| rollout.nodes().contains_key(node))
}

/// What is counted at every node of a rollout, and why not at some of them.
#[derive(Debug, Default)]
struct Adding {
    stores: u64,
    stores_whole: u64,
    devices: BTreeMap<DeviceStatus, u64>,
    reasons: Tallying,
}

impl Adding {
    fn count(&mut self, row: &DeviceCounts) {
        self.stores += 1;
        self.stores_whole += u64::from(row.missing() == 0);
        for (status, many) in row.counts.iter().filter(|(_, many)| *many > 0) {
            // A node may say any number.
            let count = self.devices.entry(*status).or_default();
            *count = count.saturating_add(*many);
        }
    }

    fn reasons(&mut self, node: &NodeId, row: &DevicesRow) {
        self.reasons.add(&node.store, &row.said);
    }

    /// The tally, and of how many nodes reasons are missing.
    fn done(self) -> (DeviceTally, u64) {
        let Self { stores, stores_whole, devices, reasons } = self;
        let told = reasons.done();
        let missing = |tally: &DeviceTally| tally.count().saturating_sub(tally.of(DeviceStatus::Applied));
        let unread = stores.saturating_sub(stores_whole);
        let unread = unread.saturating_sub(told.stores.saturating_sub(told.stores_whole));
        let heard_of = missing(&told);
        let mut tally = DeviceTally { stores, stores_whole, devices, ..told };
        let silent = missing(&tally).saturating_sub(heard_of);
        tally.untold = tally.untold.saturating_add(silent);
        (tally, unread)
    }
}

/// Slot by slot; nothing where the rollout brings no settings of devices.
pub(crate) async fn tallies(database: &Database, rollout: &Rollout) -> Result<Vec<SlotTally>, DatabaseError> {
    let mut all = Vec::new();
    for (slot, version, hash) in settings(rollout) {
        let place = (slot.to_string(), hash);
        let mut adding = Adding::default();
        count(database, rollout, (&place.0, place.1), &mut adding).await?;
        if adding.stores_whole < adding.stores {
            reasons(database, rollout, (&place.0, place.1), &mut adding).await?;
        }
        let (tally, reasons_unread) = adding.done();
        let nodes = rollout.nodes().len() as u64;
        all.push(SlotTally { slot: slot.clone(), version, nodes, tally, reasons_unread });
    }
    Ok(all)
}

async fn count(
    database: &Database,
    rollout: &Rollout,
    of: (&str, ContentHash),
    adding: &mut Adding,
) -> Result<(), DatabaseError> {
    let mut after = (String::new(), String::new());
    loop {
        let page = database.device_counts_of(of, (&after.0, &after.1), ROWS_MAX).await?;
        let is_last = page.len() < ROWS_MAX as usize;
        for row in page {
            if node_of(rollout, &row.store, &row.node).is_some() {
                adding.count(&row);
            }
            after = (row.store, row.node);
        }
        if is_last {
            return Ok(());
        }
    }
}

async fn reasons(
    database: &Database,
    rollout: &Rollout,
    of: (&str, ContentHash),
    adding: &mut Adding,
) -> Result<(), DatabaseError> {
    let (mut left, mut after) = (REASONS_OF_MAX, (String::new(), String::new()));
    while left > 0 {
        let wanted = ROWS_AT_ONCE.min(u32::try_from(left).unwrap_or(ROWS_AT_ONCE));
        let page = database.devices_missing_of(of, (&after.0, &after.1), wanted).await?;
        let is_last = page.len() < wanted as usize;
        left = left.saturating_sub(page.len());
        for row in page {
            if let Some(node) = node_of(rollout, &row.store, &row.node) {
                adding.reasons(&node, &row);
            }
            after = (row.store, row.node);
        }
        if is_last {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_event::{DeviceId, StoreId, Timestamp};
    use aisle_fleet::{
        Needs, Release, Serial,
        device::{DeviceResult, SlotDevices},
    };

    fn said(results: &[(&str, DeviceStatus)]) -> SlotDevices {
        let release = Release {
            version: "1.0.0".parse().unwrap(),
            hash: ContentHash([7; 32]),
            bytes: 1,
            needs: Needs::default(),
        };
        let result = |(device, status): &(&str, DeviceStatus)| DeviceResult {
            device: DeviceId::new(*device).unwrap(),
            status: *status,
            path: None,
            reason: (*status == DeviceStatus::Refused).then(|| "too low".into()),
            since: Timestamp(1),
        };
        SlotDevices::of((&release).into(), results.iter().map(result))
    }

    #[test]
    fn what_is_counted_of_all_nodes_stays_whole_where_reasons_are_read_of_some() {
        let of_store = [
            said(&[("a", DeviceStatus::Applied)]),
            said(&[("a", DeviceStatus::Refused), ("b", DeviceStatus::Applied)]),
            said(&[("a", DeviceStatus::Refused), ("b", DeviceStatus::Pending)]),
        ];
        let mut adding = Adding::default();
        for (number, said) in of_store.iter().enumerate() {
            let counts = DeviceStatus::ALL.map(|status| (status, said.count(status)));
            adding.count(&DeviceCounts { store: format!("store-{number}"), node: "node-1".into(), counts });
        }
        let node = NodeId { store: StoreId::new("store-1").unwrap(), serial: Serial::new("node-1").unwrap() };
        let row = DevicesRow {
            store: "store-1".into(),
            node: "node-1".into(),
            slot: "device-settings/fridges".into(),
            said: of_store[1].clone(),
        };
        adding.reasons(&node, &row);
        let (tally, unread) = adding.done();
        assert_eq!((tally.stores, tally.stores_whole, unread), (3, 1, 1));
        let devices = [(DeviceStatus::Applied, 2), (DeviceStatus::Pending, 1), (DeviceStatus::Refused, 2)];
        assert_eq!(tally.devices, BTreeMap::from(devices));
        assert_eq!((tally.reasons.len(), tally.reasons[0].devices), (1, 1));
        assert_eq!(tally.untold, 2, "those of the store that was not read");
    }
}
