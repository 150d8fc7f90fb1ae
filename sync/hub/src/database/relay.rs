//! What the database keeps of the relay: who may speak for stores here, and how far this hub's own relay to the hub above is.
//!
//! Every change of a store's relay is one transaction that first confirms the lease: a hub that was taken for dead and comes back
//! changes nothing. Times of leases are the database's. Not here: what is sealed ([`crate::relay`]).

use super::{
    Database, DatabaseError, Pool, Tx,
    failure::while_doing,
    over, reading,
    rows::{class_of, damaged, epoch, now_ms, signed, unsigned},
};
use aisle_event::StoreId;
use aisle_protocol::{Batch, Epoch, Head, LogClass, Point};
use aisle_residency::{Region, signing::VerifyingKey};
use serde::Serialize;
use sqlx::AssertSqlSafe;
use std::collections::HashMap;
use utoipa::ToSchema;

/// So many times its own length a lease may seem to run; beyond that the clock of the database has gone back, and it is over.
const LEASES_AHEAD_MAX: u64 = 10;
const ACTIVE: &str = "active";
const BANNED: &str = "banned";
/// The most events of a log that are read at once.
pub(crate) const EVENTS_TOGETHER_MAX: u32 = 1_000;
const SQLITE_NOW: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";
const POSTGRES_NOW: &str = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

/// A hub that may speak for stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredRelay {
    /// Its name, as its certificate has it.
    pub relay: String,
    /// The regions whose stores it may speak for.
    pub regions: Vec<Region>,
    /// The key that its receipts are signed with.
    pub receipt_key: VerifyingKey,
    /// True when it may not come any more. Its receipts stay good.
    pub is_banned: bool,
}

/// How the relay of a store stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RelayRow {
    /// The store.
    #[schema(example = "store-1")]
    pub store: String,
    /// The hub that relays it, or did last; empty when none has.
    pub holder: String,
    /// True while that hub's lease runs.
    pub is_held: bool,
    /// Events that were not gone through yet.
    pub waiting: i64,
    /// Events that were sealed and not acknowledged by the hub above.
    pub unacknowledged: i64,
    /// When the hub above last acknowledged something, in milliseconds since 1970; 0 when it never has.
    pub acknowledged_at_ms: i64,
    /// What keeps it from going on; empty when nothing does.
    pub problem: String,
}

/// The right to relay a store, until another hub takes it.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    pub(crate) store: StoreId,
    pub(crate) holder: String,
    pub(crate) term: i64,
}

/// The log of a class as it was left.
#[derive(Debug, Clone)]
pub(crate) struct LaneRow {
    pub(crate) class: LogClass,
    pub(crate) epoch: Epoch,
    /// The number of the last batch.
    pub(crate) number: i64,
    pub(crate) last: Point,
    pub(crate) acked: Point,
    pub(crate) receipt: Option<Vec<u8>>,
    pub(crate) draft: Option<Vec<u8>>,
    /// Epochs that ended, with the last place that the hub above had, the youngest last.
    pub(crate) ended: Vec<(Epoch, Point)>,
    /// How far each log was gone through.
    pub(crate) cursors: HashMap<i32, u64>,
    /// What the hub above is not known to have, by number.
    pub(crate) pending: Vec<(i64, Batch)>,
}

/// An event on its way on.
#[derive(Debug, Clone)]
pub(crate) struct Passing {
    pub(crate) seq: u64,
    pub(crate) hlc: u64,
    pub(crate) kind: u16,
    /// True when another epoch holds it too, and was first.
    pub(crate) is_again: bool,
    pub(crate) payload: Vec<u8>,
}

/// What a step of a class did.
#[derive(Debug)]
pub(crate) struct Stepped<'a> {
    pub(crate) class: LogClass,
    /// The log that was gone through, and how far.
    pub(crate) log: i32,
    pub(crate) through: u64,
    /// What is withheld since the last batch.
    pub(crate) draft: Option<Vec<u8>>,
    /// The batch, its number and its receipt, where something leaves.
    pub(crate) sealed: Option<(&'a Batch, i64, Vec<u8>)>,
}

impl Lease {
    /// Confirms the lease for some more time. False when another hub has it.
    async fn confirm(&self, tx: &mut Tx, ttl_ms: u64) -> Result<bool, DatabaseError> {
        let now = tx.now();
        let sql = format!(
            "UPDATE relay_leases SET expires_at_ms = {now} + $4 WHERE store = $1 AND holder = $2 AND term = $3"
        );
        let held = over!(&mut tx.connection(), on => {
            sqlx::query(AssertSqlSafe(sql)).bind(self.store.as_str()).bind(self.holder.as_str()).bind(self.term)
                .bind(signed(ttl_ms)).execute(on).await.map(|done| done.rows_affected())
                .map_err(while_doing("confirm a lease"))
        })?;
        Ok(held == 1)
    }
}

impl Tx {
    /// The database's time in milliseconds since 1970, as it says it in a statement.
    const fn now(&self) -> &'static str {
        match self {
            Self::Sqlite(..) => SQLITE_NOW,
            Self::Postgres(_) => POSTGRES_NOW,
        }
    }
}

/// A hub below, of its columns.
pub(super) fn registered(
    (relay, regions, state, key): (String, String, String, Vec<u8>),
) -> Result<RegisteredRelay, DatabaseError> {
    let key = key.as_slice().try_into().map(VerifyingKey);
    let receipt_key = key.map_err(|_| damaged("relays", "receipt_key", &relay))?;
    let regions = regions.split(',').filter(|region| !region.is_empty()).map(Region::new);
    let regions = regions.collect::<Result<_, _>>().map_err(|_| damaged("relays", "regions", &relay))?;
    Ok(RegisteredRelay { relay, regions, receipt_key, is_banned: state != ACTIVE })
}

impl Database {
    const fn now(&self) -> &'static str {
        match self.pool {
            Pool::Sqlite { .. } => SQLITE_NOW,
            Pool::Postgres(_) => POSTGRES_NOW,
        }
    }

    /// Lets a hub speak for the stores of some regions, or changes what is known of it.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn register_relay(&self, relay: &RegisteredRelay) -> Result<(), DatabaseError> {
        let state = if relay.is_banned { BANNED } else { ACTIVE };
        let regions: Vec<String> = relay.regions.iter().map(ToString::to_string).collect();
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO relays (relay, regions, state, receipt_key) VALUES ($1, $2, $3, $4) ON CONFLICT (relay) \
                DO UPDATE SET regions = excluded.regions, state = excluded.state, receipt_key = excluded.receipt_key")
                .bind(relay.relay.as_str()).bind(regions.join(",")).bind(state).bind(relay.receipt_key.0.as_slice())
                .execute(on).await.map(drop).map_err(while_doing("register a relay"))
        })?;
        tx.commit().await
    }

    /// The hubs that may speak for stores, by name.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn relays(&self) -> Result<Vec<RegisteredRelay>, DatabaseError> {
        self.relays_after("", super::read::ROWS_MAX).await
    }

    /// The key that relayed batches are signed with: this one, where none was used before.
    ///
    /// # Errors
    /// When the database cannot say.
    pub(crate) async fn relay_key(&self, key: &VerifyingKey) -> Result<VerifyingKey, DatabaseError> {
        let failed = while_doing("keep the relay's key");
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO relay_keys (one, receipt_key) VALUES (1, $1) ON CONFLICT DO NOTHING")
                .bind(key.0.as_slice()).execute(on).await.map(drop).map_err(failed)
        })?;
        let kept: Vec<u8> = over!(&mut tx.connection(), on => {
            sqlx::query_scalar("SELECT receipt_key FROM relay_keys WHERE one = 1").fetch_one(on).await.map_err(failed)
        })?;
        tx.commit().await?;
        let kept = kept.as_slice().try_into().map(VerifyingKey);
        kept.map_err(|_| damaged("relay_keys", "receipt_key", &"the relay"))
    }

    /// Stores that have something to relay and that nobody relays, those first that were relayed longest ago.
    pub(crate) async fn relay_waiting(
        &self,
        holder: &str,
        ttl_ms: u64,
        rows_max: u32,
    ) -> Result<Vec<(StoreId, String)>, DatabaseError> {
        let now = self.now();
        let ahead = ttl_ms.saturating_mul(LEASES_AHEAD_MAX);
        let sql = format!(
            "SELECT s.store, s.region FROM stores s LEFT JOIN relay_leases h ON h.store = s.store \
             WHERE (h.store IS NULL OR h.expires_at_ms < {now} OR h.expires_at_ms > {now} + {ahead} OR h.holder = $1) AND (EXISTS (SELECT 1 FROM logs l \
                 LEFT JOIN relay_cursors c ON c.store = l.store AND c.class = l.class AND c.log = l.log \
                 WHERE l.store = s.store AND l.through_seq > COALESCE(c.seq, 0)) \
             OR EXISTS (SELECT 1 FROM relay_lanes r WHERE r.store = s.store AND r.acked_seq < r.last_seq)) \
             ORDER BY COALESCE(h.expires_at_ms, 0), s.store LIMIT $2"
        );
        let rows: Vec<(String, String)> = reading!(self, pool => {
            sqlx::query_as(AssertSqlSafe(sql)).bind(holder).bind(i64::from(rows_max)).fetch_all(pool).await
                .map_err(while_doing("find what is to be relayed"))
        })?;
        let store = |(store, region): (String, String)| {
            let id = StoreId::new(store.as_str()).map_err(|_| damaged("stores", "store", &store))?;
            Ok((id, region))
        };
        rows.into_iter().map(store).collect()
    }

    /// Takes the right to relay a store; `None` while another hub has it.
    pub(crate) async fn relay_lease(
        &self,
        store: &StoreId,
        holder: &str,
        ttl_ms: u64,
    ) -> Result<Option<Lease>, DatabaseError> {
        let mut tx = self.begin().await?;
        let now = tx.now();
        let ahead = ttl_ms.saturating_mul(LEASES_AHEAD_MAX);
        let sql = format!(
            "INSERT INTO relay_leases (store, holder, term, expires_at_ms) VALUES ($1, $2, 1, {now} + $3) ON CONFLICT (store) \
             DO UPDATE SET holder = excluded.holder, term = relay_leases.term + 1, expires_at_ms = excluded.expires_at_ms, problem = '' \
             WHERE relay_leases.expires_at_ms < {now} OR relay_leases.expires_at_ms > {now} + {ahead} \
             OR relay_leases.holder = excluded.holder RETURNING term"
        );
        let term: Option<i64> = over!(&mut tx.connection(), on => {
            sqlx::query_scalar(AssertSqlSafe(sql)).bind(store.as_str()).bind(holder).bind(signed(ttl_ms))
                .fetch_optional(on).await.map_err(while_doing("take a lease"))
        })?;
        tx.commit().await?;
        Ok(term.map(|term| Lease { store: store.clone(), holder: holder.to_owned(), term }))
    }

    /// Keeps the lease for some more time, and says what stands in the way. False when another hub has it.
    pub(crate) async fn relay_hold(
        &self,
        lease: &Lease,
        ttl_ms: u64,
        problem: &str,
    ) -> Result<bool, DatabaseError> {
        let mut tx = self.begin().await?;
        if !lease.confirm(&mut tx, ttl_ms).await? {
            return Ok(false);
        }
        over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE relay_leases SET problem = $2 WHERE store = $1 AND problem <> $2")
                .bind(lease.store.as_str()).bind(problem).execute(on).await.map(drop)
                .map_err(while_doing("say how a relay stands"))
        })?;
        tx.commit().await?;
        Ok(true)
    }

    /// Gives the right back.
    pub(crate) async fn relay_release(&self, lease: &Lease) -> Result<(), DatabaseError> {
        let mut tx = self.begin().await?;
        let sql = format!(
            "UPDATE relay_leases SET expires_at_ms = {} - 1 WHERE store = $1 AND holder = $2 AND term = $3",
            tx.now()
        );
        over!(&mut tx.connection(), on => {
            sqlx::query(AssertSqlSafe(sql)).bind(lease.store.as_str()).bind(lease.holder.as_str()).bind(lease.term)
                .execute(on).await.map(drop).map_err(while_doing("give a lease back"))
        })?;
        tx.commit().await
    }

    /// The log of a class as it was left; one with this epoch where there is none. `None` when another hub has the lease.
    pub(crate) async fn relay_lane(
        &self,
        lease: &Lease,
        class: LogClass,
        new: Epoch,
        genesis: impl Fn(Epoch) -> Point + Send,
        ttl_ms: u64,
    ) -> Result<Option<LaneRow>, DatabaseError> {
        type Columns = (Vec<u8>, i64, i64, Vec<u8>, i64, Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>, Vec<u8>);
        let failed = while_doing("read how far a relay is");
        let (store, of) = (lease.store.as_str(), class_of(class));
        let mut tx = self.begin().await?;
        if !lease.confirm(&mut tx, ttl_ms).await? {
            return Ok(None);
        }
        let start = genesis(new);
        over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO relay_lanes (store, class, epoch, number, last_seq, last_head, acked_seq, acked_head, ended) \
                VALUES ($1, $2, $3, 0, 0, $4, 0, $4, $5) ON CONFLICT DO NOTHING")
                .bind(store).bind(of).bind(new.0.as_slice()).bind(start.head.0.as_slice()).bind(encode(&[]))
                .execute(on).await.map(drop).map_err(failed)
        })?;
        let row: Columns = over!(&mut tx.connection(), on => {
            sqlx::query_as("SELECT epoch, number, last_seq, last_head, acked_seq, acked_head, receipt, draft, ended \
                FROM relay_lanes WHERE store = $1 AND class = $2")
                .bind(store).bind(of).fetch_one(on).await.map_err(failed)
        })?;
        let cursors: Vec<(i32, i64)> = over!(&mut tx.connection(), on => {
            sqlx::query_as("SELECT log, seq FROM relay_cursors WHERE store = $1 AND class = $2")
                .bind(store).bind(of).fetch_all(on).await.map_err(failed)
        })?;
        let pending: Vec<(i64, Vec<u8>)> = over!(&mut tx.connection(), on => {
            sqlx::query_as("SELECT number, bytes FROM relay_batches WHERE store = $1 AND class = $2 AND bytes IS NOT NULL ORDER BY number")
                .bind(store).bind(of).fetch_all(on).await.map_err(failed)
        })?;
        tx.commit().await?;
        let (running, number, last_seq, last_head, acked_seq, acked_head, receipt, draft, ended) = row;
        let wrong = |column| damaged("relay_lanes", column, &lease.store);
        let point = |seq, head: Vec<u8>, column| {
            let head = head.as_slice().try_into().map(Head).map_err(|_| wrong(column))?;
            Ok::<_, DatabaseError>(Point { seq: unsigned(seq), head })
        };
        let batch = |(number, bytes): (i64, Vec<u8>)| {
            let batch = Batch::parse(bytes.into());
            batch.map(|batch| (number, batch)).map_err(|_| damaged("relay_batches", "bytes", &lease.store))
        };
        Ok(Some(LaneRow {
            class,
            epoch: epoch(&running, store)?,
            number,
            last: point(last_seq, last_head, "last_head")?,
            acked: point(acked_seq, acked_head, "acked_head")?,
            receipt,
            draft,
            ended: minicbor::decode(&ended).map_err(|_| wrong("ended"))?,
            cursors: cursors.into_iter().map(|(log, seq)| (log, unsigned(seq))).collect(),
            pending: pending.into_iter().map(batch).collect::<Result<_, _>>()?,
        }))
    }

    /// The next events of a log after one of them and through another.
    pub(crate) async fn relay_events(
        &self,
        store: &StoreId,
        of: LogClass,
        log: i32,
        after: u64,
        through: u64,
    ) -> Result<Vec<Passing>, DatabaseError> {
        let rows: Vec<(i64, i64, i32, bool, Vec<u8>)> = reading!(self, pool => {
            sqlx::query_as("SELECT seq, hlc, kind, is_again, payload FROM events \
                WHERE store = $1 AND class = $2 AND log = $3 AND seq > $4 AND seq <= $5 ORDER BY seq LIMIT $6")
                .bind(store.as_str()).bind(class_of(of)).bind(log).bind(signed(after)).bind(signed(through))
                .bind(i64::from(EVENTS_TOGETHER_MAX)).fetch_all(pool).await.map_err(while_doing("read what is to be relayed"))
        })?;
        let event = |(seq, hlc, kind, is_again, payload)| {
            let kind = u16::try_from(kind).map_err(|_| damaged("events", "kind", store))?;
            Ok(Passing { seq: unsigned(seq), hlc: unsigned(hlc), kind, is_again, payload })
        };
        rows.into_iter().map(event).collect()
    }

    /// Keeps a step of a class. False when another hub has the lease; then nothing has changed.
    pub(crate) async fn relay_step(
        &self,
        lease: &Lease,
        step: &Stepped<'_>,
        ttl_ms: u64,
    ) -> Result<bool, DatabaseError> {
        let failed = while_doing("keep what is relayed");
        let (store, of) = (lease.store.as_str(), class_of(step.class));
        let mut tx = self.begin().await?;
        if !lease.confirm(&mut tx, ttl_ms).await? {
            return Ok(false);
        }
        over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO relay_cursors (store, class, log, seq) VALUES ($1, $2, $3, $4) \
                ON CONFLICT (store, class, log) DO UPDATE SET seq = excluded.seq")
                .bind(store).bind(of).bind(step.log).bind(signed(step.through)).execute(on).await.map(drop).map_err(failed)
        })?;
        match &step.sealed {
            None => over!(&mut tx.connection(), on => {
                sqlx::query("UPDATE relay_lanes SET draft = $3 WHERE store = $1 AND class = $2")
                    .bind(store).bind(of).bind(step.draft.as_deref()).execute(on).await.map(drop).map_err(failed)
            })?,
            Some((batch, number, receipt)) => {
                let end = batch.header().end();
                over!(&mut tx.connection(), on => {
                    sqlx::query("INSERT INTO relay_batches (store, class, number, epoch, last_seq, log, through_seq, bytes) \
                        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
                        .bind(store).bind(of).bind(*number).bind(batch.header().epoch.0.as_slice()).bind(signed(end.seq))
                        .bind(step.log).bind(signed(step.through)).bind(batch.bytes().as_ref())
                        .execute(on).await.map(drop).map_err(failed)
                })?;
                over!(&mut tx.connection(), on => {
                    sqlx::query("UPDATE relay_lanes SET number = $3, last_seq = $4, last_head = $5, receipt = $6, draft = $7 \
                        WHERE store = $1 AND class = $2")
                        .bind(store).bind(of).bind(*number).bind(signed(end.seq)).bind(end.head.0.as_slice())
                        .bind(receipt.as_slice()).bind(step.draft.as_deref()).execute(on).await.map(drop).map_err(failed)
                })?;
            }
        }
        tx.commit().await?;
        Ok(true)
    }

    /// The hub above has a class up to a place, and the batches up to a number. False when another hub has the lease.
    pub(crate) async fn relay_acked(
        &self,
        lease: &Lease,
        class: LogClass,
        through: Point,
        numbers: Option<(i64, i64)>,
        ttl_ms: u64,
    ) -> Result<bool, DatabaseError> {
        let failed = while_doing("note what the hub above has");
        let (store, of) = (lease.store.as_str(), class_of(class));
        let mut tx = self.begin().await?;
        if !lease.confirm(&mut tx, ttl_ms).await? {
            return Ok(false);
        }
        over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE relay_lanes SET acked_seq = $3, acked_head = $4, acked_at_ms = $5 WHERE store = $1 AND class = $2")
                .bind(store).bind(of).bind(signed(through.seq)).bind(through.head.0.as_slice()).bind(now_ms())
                .execute(on).await.map(drop).map_err(failed)
        })?;
        if let Some((first, last)) = numbers {
            over!(&mut tx.connection(), on => {
                sqlx::query("UPDATE relay_batches SET bytes = NULL WHERE store = $1 AND class = $2 AND number >= $3 AND number <= $4")
                    .bind(store).bind(of).bind(first).bind(last).execute(on).await.map(drop).map_err(failed)
            })?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Ends the running epoch of a class: the new one holds everything after an event of an earlier one, from the logs again. False
    /// when another hub has the lease.
    pub(crate) async fn relay_turn(
        &self,
        lease: &Lease,
        lane: &LaneRow,
        (ended, after): (Epoch, u64),
        new: (Epoch, Point),
        ttl_ms: u64,
    ) -> Result<bool, DatabaseError> {
        let failed = while_doing("begin an epoch of a relay");
        let (store, of) = (lease.store.as_str(), class_of(lane.class));
        let mut tx = self.begin().await?;
        if !lease.confirm(&mut tx, ttl_ms).await? {
            return Ok(false);
        }
        let (kept, first): (Option<i64>, Option<i64>) = over!(&mut tx.connection(), on => {
            sqlx::query_as("SELECT MAX(CASE WHEN last_seq <= $4 THEN number END), MIN(number) FROM relay_batches \
                WHERE store = $1 AND class = $2 AND epoch = $3")
                .bind(store).bind(of).bind(ended.0.as_slice()).bind(signed(after)).fetch_one(on).await.map_err(failed)
        })?;
        let number = kept.or(first.map(|first| first - 1)).unwrap_or(lane.number);
        over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM relay_batches WHERE store = $1 AND class = $2 AND number > $3")
                .bind(store).bind(of).bind(number).execute(on).await.map(drop).map_err(failed)
        })?;
        over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE relay_batches SET bytes = NULL WHERE store = $1 AND class = $2 AND bytes IS NOT NULL")
                .bind(store).bind(of).execute(on).await.map(drop).map_err(failed)
        })?;
        over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM relay_cursors WHERE store = $1 AND class = $2")
                .bind(store).bind(of).execute(on).await.map(drop).map_err(failed)
        })?;
        over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO relay_cursors (store, class, log, seq) SELECT store, class, log, MAX(through_seq) \
                FROM relay_batches WHERE store = $1 AND class = $2 GROUP BY store, class, log")
                .bind(store).bind(of).execute(on).await.map(drop).map_err(failed)
        })?;
        let (epoch, start) = new;
        over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE relay_lanes SET epoch = $3, number = $4, last_seq = 0, last_head = $5, acked_seq = 0, acked_head = $5, \
                receipt = NULL, draft = NULL, ended = $6 WHERE store = $1 AND class = $2")
                .bind(store).bind(of).bind(epoch.0.as_slice()).bind(number).bind(start.head.0.as_slice()).bind(encode(&lane.ended))
                .execute(on).await.map(drop).map_err(failed)
        })?;
        tx.commit().await?;
        Ok(true)
    }

    /// How the relay of stores stands, after a store.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn relay_rows(&self, after: &str, rows_max: u32) -> Result<Vec<RelayRow>, DatabaseError> {
        type Columns = (String, Option<String>, Option<bool>, i64, i64, i64, Option<String>);
        let now = self.now();
        let sql = format!(
            "SELECT s.store, h.holder, h.expires_at_ms >= {now}, \
             (SELECT CAST(COALESCE(SUM(l.through_seq - COALESCE(c.seq, 0)), 0) AS BIGINT) FROM logs l LEFT JOIN relay_cursors c \
                 ON c.store = l.store AND c.class = l.class AND c.log = l.log WHERE l.store = s.store), \
             (SELECT CAST(COALESCE(SUM(r.last_seq - r.acked_seq), 0) AS BIGINT) FROM relay_lanes r WHERE r.store = s.store), \
             (SELECT COALESCE(MAX(r.acked_at_ms), 0) FROM relay_lanes r WHERE r.store = s.store), h.problem \
             FROM stores s LEFT JOIN relay_leases h ON h.store = s.store WHERE s.store > $1 ORDER BY s.store LIMIT $2"
        );
        let rows: Vec<Columns> = reading!(self, pool => {
            sqlx::query_as(AssertSqlSafe(sql)).bind(after).bind(i64::from(rows_max.clamp(1, super::read::ROWS_MAX)))
                .fetch_all(pool).await.map_err(while_doing("say how the relay stands"))
        })?;
        let row = |(store, holder, held, waiting, unacknowledged, at, problem): Columns| RelayRow {
            store,
            holder: holder.unwrap_or_default(),
            is_held: held.unwrap_or(false),
            waiting,
            unacknowledged,
            acknowledged_at_ms: at,
            problem: problem.unwrap_or_default(),
        };
        Ok(rows.into_iter().map(row).collect())
    }
}

/// Epochs that ended, as they are kept. Writing to a `Vec` has no way to fail.
fn encode(ended: &[(Epoch, Point)]) -> Vec<u8> {
    minicbor::to_vec(ended).unwrap_or_default()
}
