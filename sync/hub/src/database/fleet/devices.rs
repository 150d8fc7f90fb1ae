//! What became of ordered settings at devices, a row for each slot of a node.
//!
//! Written with the node's report and only there. Not here: what a result means (`aisle_fleet::device`), adding up ([`crate::fleet::devices`]).

use super::super::{
    Database, DatabaseError, Tx,
    failure::while_doing,
    over,
    read::bounded,
    reading,
    rows::{damaged, signed},
};
use aisle_fleet::{
    ContentHash, Slot,
    device::{DeviceStatus, SlotDevices},
};
use std::collections::BTreeMap;

/// What became of one slot at the devices of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevicesRow {
    /// The store.
    pub store: String,
    /// The serial of the node.
    pub node: String,
    /// The slot, as text.
    pub slot: String,
    /// What the node said.
    pub said: SlotDevices,
}

/// How many devices of a node stand how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCounts {
    /// The store.
    pub store: String,
    /// The serial of the node.
    pub node: String,
    /// How many in each state.
    pub counts: [(DeviceStatus, u64); 6],
}

impl DeviceCounts {
    /// How many do not have what is wanted.
    #[must_use]
    pub fn missing(&self) -> u64 {
        let others = self.counts.iter().filter(|(status, _)| *status != DeviceStatus::Applied);
        others.fold(0, |sum, (_, many)| sum.saturating_add(*many))
    }
}

/// Which rows are asked for. What is empty asks for all.
#[derive(Debug, Clone, Copy, Default)]
pub struct DevicesAsked<'a> {
    /// Those of a store.
    pub store: &'a str,
    /// Those of a slot.
    pub slot: &'a str,
    /// Those with a device in this state.
    pub status: Option<DeviceStatus>,
}

type Columns = (String, String, String, String);

fn row((store, node, slot, said): Columns) -> Result<DevicesRow, DatabaseError> {
    let said = serde_json::from_str(&said).map_err(|_| damaged("device_results", "said", &store))?;
    Ok(DevicesRow { store, node, slot, said })
}

/// Keeps what a node said of its devices, in the transaction of its report.
pub(super) async fn keep(
    tx: &mut Tx,
    (store, node): (&str, &str),
    devices: &BTreeMap<Slot, SlotDevices>,
    now_ms: i64,
) -> Result<(), DatabaseError> {
    let failed = while_doing("keep what became of settings at devices");
    over!(&mut tx.connection(), on => {
        sqlx::query("DELETE FROM device_results WHERE store = $1 AND node = $2")
            .bind(store).bind(node).execute(on).await.map(drop).map_err(failed)
    })?;
    for (slot, said) in devices {
        let count = |status| signed(said.count(status));
        // Counts and texts; JSON has a form for all of them, in which no sign stands that PostgreSQL keeps in no text.
        let json = serde_json::to_string(said).unwrap_or_default();
        over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO device_results (store, node, slot, hash, at_ms, applied, pending, refused, unreachable, went_back, other, said) \
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
                .bind(store).bind(node).bind(slot.to_string()).bind(said.of.hash.0.as_slice()).bind(now_ms)
                .bind(count(DeviceStatus::Applied)).bind(count(DeviceStatus::Pending)).bind(count(DeviceStatus::Refused))
                .bind(count(DeviceStatus::Unreachable)).bind(count(DeviceStatus::WentBack)).bind(count(DeviceStatus::Other))
                .bind(json.as_str()).execute(on).await.map(drop).map_err(failed)
        })?;
    }
    Ok(())
}

impl Database {
    /// What nodes that may come said of their devices, from a place on (which belongs to it), by store, serial and slot.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn devices(
        &self,
        asked: DevicesAsked<'_>,
        from: (&str, &str, &str),
        rows_max: u32,
    ) -> Result<Vec<DevicesRow>, DatabaseError> {
        let status = asked.status.map_or("", DeviceStatus::as_str);
        let rows: Vec<Columns> = reading!(self, pool => {
            sqlx::query_as("SELECT d.store, d.node, d.slot, d.said FROM device_results d \
                JOIN nodes n ON n.store = d.store AND n.node = d.node AND n.state = 'active' \
                WHERE (d.store, d.node, d.slot) >= ($1, $2, $3) AND ($4 = '' OR d.store = $4) AND ($5 = '' OR d.slot = $5) \
                AND CASE $6 WHEN 'applied' THEN d.applied WHEN 'pending' THEN d.pending WHEN 'refused' THEN d.refused \
                WHEN 'unreachable' THEN d.unreachable WHEN 'went-back' THEN d.went_back WHEN 'other' THEN d.other ELSE 1 END > 0 \
                ORDER BY d.store, d.node, d.slot LIMIT $7")
                .bind(from.0).bind(from.1).bind(from.2).bind(asked.store).bind(asked.slot).bind(status).bind(bounded(rows_max))
                .fetch_all(pool).await.map_err(while_doing("list what became of settings at devices"))
        })?;
        rows.into_iter().map(row).collect()
    }

    /// How many devices of nodes behind a place stand how with one release of settings, by store and serial.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn device_counts_of(
        &self,
        (slot, hash): (&str, ContentHash),
        after: (&str, &str),
        rows_max: u32,
    ) -> Result<Vec<DeviceCounts>, DatabaseError> {
        type Row = (String, String, i64, i64, i64, i64, i64, i64);
        let rows: Vec<Row> = reading!(self, pool => {
            sqlx::query_as("SELECT d.store, d.node, d.applied, d.pending, d.refused, d.unreachable, d.went_back, d.other FROM device_results d \
                JOIN nodes n ON n.store = d.store AND n.node = d.node AND n.state = 'active' \
                WHERE d.slot = $1 AND d.hash = $2 AND (d.store, d.node) > ($3, $4) ORDER BY d.store, d.node LIMIT $5")
                .bind(slot).bind(hash.0.as_slice()).bind(after.0).bind(after.1).bind(bounded(rows_max))
                .fetch_all(pool).await.map_err(while_doing("count what became of settings at devices"))
        })?;
        let row = |(store, node, applied, pending, refused, unreachable, went_back, other): Row| {
            let counts = [
                (DeviceStatus::Applied, applied),
                (DeviceStatus::Pending, pending),
                (DeviceStatus::Refused, refused),
                (DeviceStatus::Unreachable, unreachable),
                (DeviceStatus::WentBack, went_back),
                (DeviceStatus::Other, other),
            ];
            let counts = counts.map(|(status, many)| (status, u64::try_from(many).unwrap_or(0)));
            DeviceCounts { store, node, counts }
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// What nodes behind a place said of the devices of one release of settings where one does not have them, by store and serial.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn devices_missing_of(
        &self,
        (slot, hash): (&str, ContentHash),
        after: (&str, &str),
        rows_max: u32,
    ) -> Result<Vec<DevicesRow>, DatabaseError> {
        let rows: Vec<Columns> = reading!(self, pool => {
            sqlx::query_as("SELECT d.store, d.node, d.slot, d.said FROM device_results d \
                JOIN nodes n ON n.store = d.store AND n.node = d.node AND n.state = 'active' \
                WHERE d.slot = $1 AND d.hash = $2 AND (d.store, d.node) > ($3, $4) \
                AND (d.pending > 0 OR d.refused > 0 OR d.unreachable > 0 OR d.went_back > 0 OR d.other > 0) ORDER BY d.store, d.node LIMIT $5")
                .bind(slot).bind(hash.0.as_slice()).bind(after.0).bind(after.1).bind(bounded(rows_max))
                .fetch_all(pool).await.map_err(while_doing("read what became of settings at devices"))
        })?;
        rows.into_iter().map(row).collect()
    }
}
