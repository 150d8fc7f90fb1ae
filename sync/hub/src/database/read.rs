//! What the database says to people and programs: stores, nodes, cursors, events, receipts. Every list has a bound and goes on after
//! a place. Nothing here writes.

use super::{
    Database, DatabaseError,
    failure::while_doing,
    reading,
    rows::{class, class_of, damaged, epoch, now_ms, signed, unsigned},
};
use crate::people::role::Traits;
use aisle_event::{Event, StoreId};
use aisle_fleet::Labels;
use aisle_protocol::{Epoch, LogClass};
use data_encoding::HEXLOWER;
use serde::Serialize;
use utoipa::ToSchema;

/// The most rows of one answer.
pub const ROWS_MAX: u32 = 1_000;

/// A store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StoreRow {
    /// Its name.
    #[schema(example = "store-1")]
    pub store: String,
    /// The region that it says it lies in.
    #[schema(example = "eu")]
    pub region: String,
    /// When it came first, in milliseconds since 1970 by the hub's clock.
    pub first_seen_ms: i64,
    /// When it came last.
    pub last_seen_ms: i64,
    /// Nodes that may come for it.
    pub nodes: i64,
    /// Nodes that are connected to any hub.
    pub connected: i64,
    /// Logs that are in quarantine.
    pub quarantined: i64,
    /// The time of its latest event, in milliseconds since 1970 by the store's clock; 0 when there is none.
    pub last_event_ms: i64,
    /// What people call it by.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub labels: Labels,
}

/// A node of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NodeRow {
    /// Its store.
    pub store: String,
    /// Its serial.
    pub node: String,
    /// `active`, `suspended`, `banned`, or where it stands in enrolment.
    #[schema(example = "active")]
    pub state: String,
    /// The program that it runs.
    pub software: String,
    /// Its line: `metered`, `lte`, `fibre`.
    pub link: String,
    /// How it came last: `quic` or `tls`.
    pub path: String,
    /// Where from.
    pub address: String,
    /// The version of the policy that its gate applied when it came last.
    pub policy_version: i64,
    /// The generation of the desired state that it reported last.
    pub generation: i64,
    /// True while it is connected.
    pub is_connected: bool,
    /// The hub that it came to last.
    pub hub: String,
    /// When it came last, in milliseconds since 1970.
    pub connected_at_ms: i64,
    /// When it was heard of last.
    pub last_seen_ms: i64,
}

/// How far a log is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CursorRow {
    /// Its store.
    pub store: String,
    /// `sales`, `stock`, `telemetry`, `bulk`.
    #[schema(example = "sales")]
    pub class: &'static str,
    /// The epoch, in hexadecimal digits.
    pub epoch: String,
    /// The last event that is here.
    pub through: u64,
    /// The head after it, in hexadecimal digits.
    pub head: String,
    /// True when nothing more of it is taken.
    pub quarantined: bool,
    /// The time of the last event, in milliseconds since 1970 by the store's clock.
    pub last_event_ms: i64,
    /// How long ago that was by the hub's clock, in milliseconds.
    pub lag_ms: i64,
    /// How many events the store had more when it came last.
    pub backlog_at_contact: u64,
    /// When something of it came last, in milliseconds since 1970.
    pub moved_at_ms: i64,
}

/// A log with what stands for it in rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// Its store.
    pub store: StoreId,
    /// Its class.
    pub class: LogClass,
    /// Its epoch.
    pub epoch: Epoch,
    /// The number that stands for the epoch.
    pub log: i32,
    /// The last event that is here.
    pub through_seq: u64,
    /// The head after it.
    pub through_head: Vec<u8>,
    /// What the gate gave with the last batch.
    pub mark: Vec<u8>,
    /// True when nothing more of it is taken.
    pub quarantined: bool,
    last_hlc: i64,
    node_last_seq: i64,
    moved_at_ms: i64,
}

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Its class.
    pub class: LogClass,
    /// The number that stands for its epoch.
    pub log: i32,
    /// Its number in its log.
    pub seq: u64,
    /// Its hybrid time.
    pub hlc: u64,
    /// Its type.
    pub kind: u16,
    /// The CBOR map of what left the store.
    pub payload: Vec<u8>,
}

/// A batch that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptRow {
    /// The first event of it that was new.
    pub first_seq: u64,
    /// Its last event.
    pub last_seq: u64,
    /// The head before the first that was new.
    pub head_before: Vec<u8>,
    /// The head after the last.
    pub head_after: Vec<u8>,
    /// The first event of the batch.
    pub batch_first_seq: u64,
    /// The head before it.
    pub batch_before: Vec<u8>,
    /// The policy that let it out.
    pub policy_version: u32,
    /// The hash of that policy.
    pub policy_hash: Vec<u8>,
    /// The receipt as it came with the batch.
    pub receipt: Vec<u8>,
    /// When it was taken, in milliseconds since 1970.
    pub received_at_ms: i64,
}

/// An erasure that a store was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErasureRow {
    /// Its store.
    pub store: String,
    /// Its number, in hexadecimal digits.
    pub id: String,
    /// When it was asked for, in milliseconds since 1970.
    pub requested_at_ms: i64,
    /// When the store's receipt came; absent while it has not.
    pub done_at_ms: Option<i64>,
    /// The store's receipt in hexadecimal digits, once it is there.
    pub receipt: Option<String>,
    /// How many events this hub has taken the person out of.
    pub events: u64,
    /// This hub's own receipt of that in hexadecimal digits.
    pub hub_receipt: Option<String>,
}

/// A policy that batches may name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PolicyRow {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: i64,
    /// BLAKE3 of its bytes, in hexadecimal digits.
    pub hash: String,
    /// When this hub first accepted it, in milliseconds since 1970.
    pub accepted_at_ms: i64,
}

/// What a node reports of something that it was to apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReportRow {
    /// The node.
    pub node: String,
    /// What: a plugin, a model, a catalogue.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its content, in hexadecimal digits.
    pub hash: String,
    /// True when it runs.
    pub ok: bool,
    /// Why not; empty when it does.
    pub reason: String,
    /// The generation of the desired state that this answers.
    pub generation: i64,
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Totals {
    /// Stores that ever came.
    pub stores: i64,
    /// Nodes that may come.
    pub nodes: i64,
    /// Nodes that are connected.
    pub connected: i64,
    /// Logs.
    pub logs: i64,
    /// Logs in quarantine.
    pub quarantined: i64,
    /// Events that were taken in.
    pub events: i64,
}

/// A place in the events of a store by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    /// The hybrid time.
    pub hlc: u64,
    /// The class.
    pub class: i16,
    /// The number that stands for the epoch.
    pub log: i32,
    /// The number in the log.
    pub seq: u64,
}

impl After {
    /// Before all events of a time.
    #[must_use]
    pub const fn time(ms: u64) -> Self {
        Self { hlc: ms << 16, class: -1, log: -1, seq: 0 }
    }

    /// The place of an event.
    #[must_use]
    pub fn event(row: &EventRow) -> Self {
        Self { hlc: row.hlc, class: class_of(row.class), log: row.log, seq: row.seq }
    }
}

type LogColumns = (String, i16, i32, Vec<u8>, i64, Vec<u8>, Vec<u8>, bool, i64, i64, i64);

const LOGS: &str = "SELECT store, class, log, epoch, through_seq, through_head, mark, is_quarantined, last_hlc, node_last_seq, \
    moved_at_ms FROM logs WHERE store = $1 ORDER BY class, log";
const LOGS_AFTER: &str = "SELECT store, class, log, epoch, through_seq, through_head, mark, is_quarantined, last_hlc, \
    node_last_seq, moved_at_ms FROM logs WHERE (store, class, log) > ($1, $2, $3) ORDER BY store, class, log LIMIT $4";

fn log_row(columns: LogColumns) -> Result<LogRow, DatabaseError> {
    let (
        store,
        of,
        log,
        bytes,
        through_seq,
        through_head,
        mark,
        quarantined,
        last_hlc,
        node_last_seq,
        moved_at_ms,
    ) = columns;
    Ok(LogRow {
        class: class(of, &store)?,
        epoch: epoch(&bytes, &store)?,
        store: StoreId::new(store.as_str()).map_err(|_| damaged("logs", "store", &store))?,
        log,
        through_seq: unsigned(through_seq),
        through_head,
        mark,
        quarantined,
        last_hlc,
        node_last_seq,
        moved_at_ms,
    })
}

impl StoreRow {
    /// What it is as the scopes of roles look at it.
    #[must_use]
    pub fn traits(&self) -> Traits {
        let labels = self.labels.iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
        Traits { region: self.region.clone(), labels: labels.collect() }
    }
}

impl LogRow {
    /// The same for people.
    #[must_use]
    pub fn cursor(&self) -> CursorRow {
        let last_event_ms = signed(unsigned(self.last_hlc) >> 16);
        CursorRow {
            store: self.store.to_string(),
            class: self.class.as_str(),
            epoch: self.epoch.to_string(),
            through: self.through_seq,
            head: HEXLOWER.encode(&self.through_head),
            quarantined: self.quarantined,
            last_event_ms,
            lag_ms: if last_event_ms == 0 { 0 } else { now_ms().saturating_sub(last_event_ms).max(0) },
            backlog_at_contact: unsigned(self.node_last_seq).saturating_sub(self.through_seq),
            moved_at_ms: self.moved_at_ms,
        }
    }

    /// Its name on the wire.
    #[must_use]
    pub fn id(&self) -> aisle_protocol::LogId {
        aisle_protocol::LogId { store: self.store.clone(), class: self.class, epoch: self.epoch }
    }
}

impl ReceiptRow {
    /// True when the batch was taken whole; else a part of it was there before.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.first_seq == self.batch_first_seq
    }
}

type ReceiptColumns = (i64, i64, Vec<u8>, Vec<u8>, i64, Vec<u8>, i64, Vec<u8>, Vec<u8>, i64);

fn receipt_row(
    log: &LogRow,
    (first, last, before, after, batch_first, batch_before, version, hash, receipt, at): ReceiptColumns,
) -> Result<ReceiptRow, DatabaseError> {
    Ok(ReceiptRow {
        first_seq: unsigned(first),
        last_seq: unsigned(last),
        head_before: before,
        head_after: after,
        batch_first_seq: unsigned(batch_first),
        batch_before,
        policy_version: u32::try_from(version)
            .map_err(|_| damaged("receipts", "policy_version", &log.id()))?,
        policy_hash: hash,
        receipt,
        received_at_ms: at,
    })
}

pub(super) type EventColumns = (i16, i32, i64, i64, i32, Vec<u8>);

pub(super) fn event_row(
    store: &str,
    (of, log, seq, hlc, kind, payload): EventColumns,
) -> Result<EventRow, DatabaseError> {
    Ok(EventRow {
        class: class(of, store)?,
        log,
        seq: unsigned(seq),
        hlc: unsigned(hlc),
        kind: u16::try_from(kind).map_err(|_| damaged("events", "kind", &store))?,
        payload,
    })
}

/// The name of an event type that this build knows.
#[must_use]
pub fn kind_name(kind: u16) -> Option<&'static str> {
    Event::TYPES.iter().find(|(known, ..)| known.0 == kind).map(|(_, name, _)| *name)
}

pub(super) fn bounded(rows_max: u32) -> i64 {
    i64::from(rows_max.clamp(1, ROWS_MAX))
}

impl Database {
    /// Stores by name, after one, in a region where one is given.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn stores(
        &self,
        region: Option<&str>,
        after: &str,
        rows_max: u32,
    ) -> Result<Vec<StoreRow>, DatabaseError> {
        type Columns = (String, String, i64, i64, i64, i64, i64, i64, String);
        let rows: Vec<Columns> = reading!(self, pool => {
            sqlx::query_as("SELECT s.store, s.region, s.first_seen_ms, s.last_seen_ms, \
                (SELECT COUNT(*) FROM nodes n WHERE n.store = s.store), \
                (SELECT COUNT(*) FROM nodes n WHERE n.store = s.store AND n.is_connected = $1), \
                (SELECT COUNT(*) FROM logs l WHERE l.store = s.store AND l.is_quarantined = $1), \
                (SELECT COALESCE(MAX(l.last_hlc), 0) FROM logs l WHERE l.store = s.store), \
                COALESCE((SELECT b.labels FROM store_labels b WHERE b.store = s.store), '') \
                FROM stores s WHERE s.store > $2 AND ($3 = '' OR s.region = $3) ORDER BY s.store LIMIT $4")
                .bind(true).bind(after).bind(region.unwrap_or_default()).bind(bounded(rows_max))
                .fetch_all(pool).await.map_err(while_doing("list stores"))
        })?;
        let row = |(
            store,
            region,
            first_seen_ms,
            last_seen_ms,
            nodes,
            connected,
            quarantined,
            hlc,
            labels,
        ): Columns| {
            StoreRow {
                store,
                region,
                first_seen_ms,
                last_seen_ms,
                nodes,
                connected,
                quarantined,
                last_event_ms: signed(unsigned(hlc) >> 16),
                // What does not read was refused when it was written.
                labels: serde_json::from_str(&labels).unwrap_or_default(),
            }
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// What a store is as the scopes of roles look at it; `None` when it is not known.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn traits(&self, store: &StoreId) -> Result<Option<Traits>, DatabaseError> {
        Ok(self.store(store).await?.map(|row| row.traits()))
    }

    /// One store.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn store(&self, store: &StoreId) -> Result<Option<StoreRow>, DatabaseError> {
        // The name right before it, so that one statement serves both.
        let name = store.as_str();
        let known: Option<String> = reading!(self, pool => {
            sqlx::query_scalar("SELECT store FROM stores WHERE store < $1 ORDER BY store DESC LIMIT 1")
                .bind(name).fetch_optional(pool).await.map_err(while_doing("find a store"))
        })?;
        let rows = self.stores(None, known.as_deref().unwrap_or_default(), 1).await?;
        Ok(rows.into_iter().find(|row| row.store == name))
    }

    /// The logs of a store.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn logs(&self, store: &StoreId) -> Result<Vec<LogRow>, DatabaseError> {
        let rows: Vec<LogColumns> = reading!(self, pool => {
            sqlx::query_as(LOGS).bind(store.as_str()).fetch_all(pool).await.map_err(while_doing("list logs"))
        })?;
        rows.into_iter().map(log_row).collect()
    }

    /// All logs, after one.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn logs_after(
        &self,
        after: Option<&LogRow>,
        rows_max: u32,
    ) -> Result<Vec<LogRow>, DatabaseError> {
        let (store, class, log) =
            after.map_or(("", -1, -1), |row| (row.store.as_str(), class_of(row.class), row.log));
        let rows: Vec<LogColumns> = reading!(self, pool => {
            sqlx::query_as(LOGS_AFTER).bind(store).bind(class).bind(log).bind(bounded(rows_max))
                .fetch_all(pool).await.map_err(while_doing("list logs"))
        })?;
        rows.into_iter().map(log_row).collect()
    }

    /// Events of a store by time, after a place and before a time in milliseconds. What two epochs hold is shown once.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn events_by_time(
        &self,
        store: &StoreId,
        after: After,
        before_ms: u64,
        rows_max: u32,
    ) -> Result<Vec<EventRow>, DatabaseError> {
        let before = signed(before_ms.min(u64::MAX >> 17) << 16);
        let rows: Vec<EventColumns> = reading!(self, pool => {
            sqlx::query_as("SELECT class, log, seq, hlc, kind, payload FROM events \
                WHERE store = $1 AND (hlc, class, log, seq) > ($2, $3, $4, $5) AND hlc < $6 AND is_again = $7 \
                ORDER BY hlc, class, log, seq LIMIT $8")
                .bind(store.as_str()).bind(signed(after.hlc)).bind(after.class).bind(after.log).bind(signed(after.seq))
                .bind(before).bind(false).bind(bounded(rows_max))
                .fetch_all(pool).await.map_err(while_doing("read events by time"))
        })?;
        rows.into_iter().map(|row| event_row(store.as_str(), row)).collect()
    }

    /// Events of a log by number, from one to another.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn events_of(&self, log: &LogRow, from: u64, to: u64) -> Result<Vec<EventRow>, DatabaseError> {
        let rows: Vec<EventColumns> = reading!(self, pool => {
            sqlx::query_as("SELECT class, log, seq, hlc, kind, payload FROM events \
                WHERE store = $1 AND class = $2 AND log = $3 AND seq >= $4 AND seq <= $5 ORDER BY seq")
                .bind(log.store.as_str()).bind(class_of(log.class)).bind(log.log).bind(signed(from)).bind(signed(to))
                .fetch_all(pool).await.map_err(while_doing("read the events of a log"))
        })?;
        rows.into_iter().map(|row| event_row(log.store.as_str(), row)).collect()
    }

    /// Batches of a log, after a number.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn receipts(
        &self,
        log: &LogRow,
        after: u64,
        rows_max: u32,
    ) -> Result<Vec<ReceiptRow>, DatabaseError> {
        let rows: Vec<ReceiptColumns> = reading!(self, pool => {
            sqlx::query_as("SELECT first_seq, last_seq, head_before, head_after, batch_first_seq, batch_before, policy_version, \
                policy_hash, receipt, received_at_ms FROM receipts \
                WHERE store = $1 AND class = $2 AND log = $3 AND last_seq > $4 ORDER BY last_seq LIMIT $5")
                .bind(log.store.as_str()).bind(class_of(log.class)).bind(log.log).bind(signed(after)).bind(bounded(rows_max))
                .fetch_all(pool).await.map_err(while_doing("read receipts"))
        })?;
        rows.into_iter().map(|columns| receipt_row(log, columns)).collect()
    }

    /// The latest batches of a log that end before a number, the last one first.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn receipts_before(
        &self,
        log: &LogRow,
        before: Option<u64>,
        rows_max: u32,
    ) -> Result<Vec<ReceiptRow>, DatabaseError> {
        let before = before.map_or(i64::MAX, |before| signed(before.min(u64::MAX >> 1)));
        let rows: Vec<ReceiptColumns> = reading!(self, pool => {
            sqlx::query_as("SELECT first_seq, last_seq, head_before, head_after, batch_first_seq, batch_before, policy_version, \
                policy_hash, receipt, received_at_ms FROM receipts \
                WHERE store = $1 AND class = $2 AND log = $3 AND last_seq < $4 ORDER BY last_seq DESC LIMIT $5")
                .bind(log.store.as_str()).bind(class_of(log.class)).bind(log.log).bind(before).bind(bounded(rows_max))
                .fetch_all(pool).await.map_err(while_doing("read the latest receipts"))
        })?;
        rows.into_iter().map(|columns| receipt_row(log, columns)).collect()
    }

    /// How many bytes a content has, if it is there.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn content_bytes(&self, hash: &aisle_protocol::Hash) -> Result<Option<u64>, DatabaseError> {
        let bytes: Option<i64> = reading!(self, pool => {
            sqlx::query_scalar("SELECT bytes FROM chunks WHERE hash = $1")
                .bind(hash.0.as_slice()).fetch_optional(pool).await.map_err(while_doing("find a content"))
        })?;
        Ok(bytes.map(unsigned))
    }

    /// How much there is. Events are told by the cursors: nothing is counted row by row.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn totals(&self) -> Result<Totals, DatabaseError> {
        let (stores, nodes, connected, logs, quarantined, events): (i64, i64, i64, i64, i64, i64) = reading!(self, pool => {
            sqlx::query_as("SELECT (SELECT COUNT(*) FROM stores), (SELECT COUNT(*) FROM nodes), \
                (SELECT COUNT(*) FROM nodes WHERE is_connected = $1), (SELECT COUNT(*) FROM logs), \
                (SELECT COUNT(*) FROM logs WHERE is_quarantined = $1), \
                (SELECT CAST(COALESCE(SUM(through_seq), 0) AS BIGINT) FROM logs)")
                .bind(true).fetch_one(pool).await.map_err(while_doing("count what there is"))
        })?;
        Ok(Totals { stores, nodes, connected, logs, quarantined, events })
    }
}
