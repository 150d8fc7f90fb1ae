//! What the console's pages show besides the fleet: how late batches came, forks, contents and who runs them, who follows which policy, and
//! what a search finds. Every list has a bound. Not here: the stores that a filter asks for ([`super::grid`]), what programs read ([`super::read`]).

use super::{
    Database, DatabaseError,
    failure::while_doing,
    grid::containing,
    read::{LogRow, ROWS_MAX},
    reading,
    rows::{class, class_of, epoch, unsigned},
};
use aisle_event::StoreId;
use aisle_protocol::{Epoch, Hash, LogClass};
use data_encoding::HEXLOWER;
use sqlx::AssertSqlSafe;

/// The sums of everything that changes: two that are equal show the same fleet.
pub(crate) type Tide = ((i64, i64, i64, i64, i64, i64, i64, i64, i64), (i64, i64, i64, i64, i64));

/// How many things want somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanting {
    /// Boxes that wait to be let in.
    pub(crate) boxes: i64,
    /// Requests that wait for a second person.
    pub(crate) requests: i64,
}

/// Something that was offered in two forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForkRow {
    /// The store.
    pub store: String,
    /// The class of its log.
    pub class: LogClass,
    /// The epoch of its log.
    pub epoch: Option<Epoch>,
    /// The number that stands for the epoch.
    pub log: i32,
    /// When it was offered, in milliseconds since 1970.
    pub at_ms: i64,
    /// The first event of the other form.
    pub first_seq: u64,
    /// How many there were.
    pub count: i64,
}

/// Something that a node says cannot run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalRow {
    /// The store.
    pub store: String,
    /// The node.
    pub node: String,
    /// What.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Why not, as the node says it.
    pub reason: String,
    /// When it said so, in milliseconds since 1970.
    pub at_ms: i64,
}

/// A content that nodes may fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentRow {
    /// BLAKE3 of it.
    pub hash: Vec<u8>,
    /// How long it is.
    pub bytes: u64,
    /// What it was called when it was added.
    pub name: String,
    /// When that was, in milliseconds since 1970.
    pub added_at_ms: i64,
}

/// How a content fares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UseRow {
    /// BLAKE3 of it.
    pub hash: Vec<u8>,
    /// What nodes know it as: a kind and a name, and a version.
    pub known_as: (String, String),
    /// Stores in which it runs.
    pub runs: i64,
    /// Stores that refuse it.
    pub refused: i64,
}

/// Nodes that apply one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowersRow {
    /// Its version.
    pub version: i64,
    /// BLAKE3 of its bytes, in hexadecimal digits.
    pub hash: String,
    /// Nodes that applied it when they came last.
    pub nodes: i64,
    /// Stores that they are of.
    pub stores: i64,
    /// Those of the nodes that are connected.
    pub connected: i64,
}

/// A log whose cursor no receipt reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnprovenRow {
    /// The store.
    pub store: String,
    /// The class.
    pub class: LogClass,
    /// The number that stands for its epoch.
    pub log: i32,
    /// How far the log is.
    pub through: u64,
}

/// A node that a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundNode {
    /// Its store.
    pub store: String,
    /// Its serial.
    pub node: String,
    /// Where it came from last.
    pub address: String,
    /// `active`, `banned`, …
    pub state: String,
}

/// An erasure that a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundErasure {
    /// Its store.
    pub store: String,
    /// Its number, in hexadecimal digits.
    pub id: String,
    /// When the store's receipt came; absent while it has not.
    pub done_at_ms: Option<i64>,
}

fn bounded(rows_max: u32) -> i64 {
    i64::from(rows_max.clamp(1, ROWS_MAX))
}

impl Database {
    /// Everything that changes, summed up.
    ///
    /// # Errors
    /// When the database cannot say.
    pub(crate) async fn tide(&self) -> Result<Tide, DatabaseError> {
        let of_stores = reading!(self, pool => {
            sqlx::query_as("SELECT (SELECT CAST(COALESCE(SUM(through_seq), 0) AS BIGINT) FROM logs), \
                (SELECT COALESCE(MAX(last_seen_ms), 0) FROM nodes), (SELECT COALESCE(MAX(at_ms), 0) FROM desired), \
                (SELECT COALESCE(MAX(at_ms), 0) FROM reports), (SELECT COUNT(*) FROM erasures), \
                (SELECT COALESCE(MAX(done_at_ms), 0) FROM erasures), (SELECT COUNT(*) FROM chunks), \
                (SELECT COUNT(*) FROM policies), (SELECT COALESCE(MAX(acked_at_ms), 0) FROM relay_lanes)")
                .fetch_one(pool).await.map_err(while_doing("find what changed"))
        })?;
        let of_people = reading!(self, pool => {
            sqlx::query_as("SELECT (SELECT COUNT(*) FROM enrolments), (SELECT COALESCE(MAX(since_ms), 0) FROM enrolments), \
                (SELECT COALESCE(MAX(seq), 0) FROM audit_head), (SELECT CAST(COALESCE(SUM(counter), 0) AS BIGINT) FROM rollouts), \
                (SELECT COALESCE(MAX(moved_at_ms), 0) FROM rollouts)")
                .fetch_one(pool).await.map_err(while_doing("find what changed"))
        })?;
        Ok((of_stores, of_people))
    }

    /// What wants somebody at a moment, in milliseconds since 1970.
    ///
    /// # Errors
    /// When the database cannot say.
    pub(crate) async fn wanting(&self, now_ms: i64) -> Result<Wanting, DatabaseError> {
        let (boxes, requests): (i64, i64) = reading!(self, pool => {
            sqlx::query_as("SELECT (SELECT COUNT(*) FROM enrolments WHERE state = 'pending'), \
                (SELECT COUNT(*) FROM approvals WHERE state = 'waits' AND ends_at_ms > $1)")
                .bind(now_ms).fetch_one(pool).await.map_err(while_doing("find what wants somebody"))
        })?;
        Ok(Wanting { boxes, requests })
    }

    /// How late the last batches of a log came, the oldest first: the milliseconds between a batch's last event and its arrival.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn lags(&self, log: &LogRow, rows_max: u32) -> Result<Vec<u64>, DatabaseError> {
        let rows: Vec<(i64, i64)> = reading!(self, pool => {
            sqlx::query_as("SELECT r.received_at_ms, e.hlc FROM receipts r JOIN events e ON e.store = r.store AND e.class = r.class \
                AND e.log = r.log AND e.seq = r.last_seq WHERE r.store = $1 AND r.class = $2 AND r.log = $3 \
                ORDER BY r.last_seq DESC LIMIT $4")
                .bind(log.store.as_str()).bind(class_of(log.class)).bind(log.log).bind(bounded(rows_max))
                .fetch_all(pool).await.map_err(while_doing("find how late batches came"))
        })?;
        let lag = |(received, hlc): (i64, i64)| unsigned(received.max(0)).saturating_sub(unsigned(hlc) >> 16);
        Ok(rows.into_iter().rev().map(lag).collect())
    }

    /// Logs that are in quarantine, the latest first.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn forks(&self, rows_max: u32) -> Result<Vec<ForkRow>, DatabaseError> {
        self.forks_after((i64::MAX, "", 0, 0), rows_max).await
    }

    /// The same after one: when, store, class, and the number that stands for the epoch.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn forks_after(
        &self,
        (at_ms, store, of, log): (i64, &str, i16, i32),
        rows_max: u32,
    ) -> Result<Vec<ForkRow>, DatabaseError> {
        type Columns = (String, i16, i32, Option<Vec<u8>>, i64, i64, i64);
        let rows: Vec<Columns> = reading!(self, pool => {
            sqlx::query_as("SELECT q.store, q.class, q.log, l.epoch, q.at_ms, q.first_seq, CAST(q.count AS BIGINT) FROM quarantines q \
                LEFT JOIN logs l ON l.store = q.store AND l.class = q.class AND l.log = q.log \
                WHERE (q.at_ms < $1 OR (q.at_ms = $1 AND (q.store, q.class, q.log) > ($2, $3, $4))) \
                ORDER BY q.at_ms DESC, q.store, q.class, q.log LIMIT $5")
                .bind(at_ms).bind(store).bind(of).bind(log).bind(bounded(rows_max)).fetch_all(pool).await.map_err(while_doing("list forks"))
        })?;
        let row = |(store, of, log, bytes, at_ms, first, count): Columns| {
            let epoch = bytes.map(|bytes| epoch(&bytes, &store)).transpose()?;
            Ok(ForkRow {
                class: class(of, &store)?,
                epoch,
                log,
                store,
                at_ms,
                first_seq: unsigned(first),
                count,
            })
        };
        rows.into_iter().map(row).collect()
    }

    /// What nodes say cannot run, the latest first.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn refusals(&self, rows_max: u32) -> Result<Vec<RefusalRow>, DatabaseError> {
        self.refusals_after((i64::MAX, "", "", ""), rows_max).await
    }

    /// The same after one: when, store, node, and what.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn refusals_after(
        &self,
        (at_ms, store, node, name): (i64, &str, &str, &str),
        rows_max: u32,
    ) -> Result<Vec<RefusalRow>, DatabaseError> {
        type Columns = (String, String, String, String, String, i64);
        let rows: Vec<Columns> = reading!(self, pool => {
            sqlx::query_as("SELECT store, node, name, version, reason, at_ms FROM reports WHERE is_ok = $1 \
                AND (at_ms < $2 OR (at_ms = $2 AND (store, node, name) > ($3, $4, $5))) ORDER BY at_ms DESC, store, node, name LIMIT $6")
                .bind(false).bind(at_ms).bind(store).bind(node).bind(name).bind(bounded(rows_max)).fetch_all(pool).await.map_err(while_doing("list refusals"))
        })?;
        let row = |(store, node, name, version, reason, at_ms): Columns| RefusalRow {
            store,
            node,
            name,
            version,
            reason,
            at_ms,
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// Contents, the latest first, after one; trees and deltas, which belong to others, only where they are asked for.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn contents(
        &self,
        after: Option<(i64, &Hash)>,
        with_parts: bool,
        rows_max: u32,
    ) -> Result<Vec<ContentRow>, DatabaseError> {
        let (at_ms, hash) = after.map_or((i64::MAX, [0; 32]), |(at_ms, hash)| (at_ms, hash.0));
        let rows: Vec<ContentColumns> = reading!(self, pool => {
            sqlx::query_as("SELECT hash, bytes, name, added_at_ms FROM chunks \
                WHERE (added_at_ms < $1 OR (added_at_ms = $1 AND hash > $2)) \
                AND ($3 = $4 OR (name NOT LIKE 'tree of %' AND name NOT LIKE 'delta from %')) \
                ORDER BY added_at_ms DESC, hash LIMIT $5")
                .bind(at_ms).bind(hash.as_slice()).bind(with_parts).bind(true).bind(bounded(rows_max))
                .fetch_all(pool).await.map_err(while_doing("list contents"))
        })?;
        Ok(rows.into_iter().map(content_row).collect())
    }

    /// One content.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn content(&self, hash: &Hash) -> Result<Option<ContentRow>, DatabaseError> {
        let row: Option<ContentColumns> = reading!(self, pool => {
            sqlx::query_as("SELECT hash, bytes, name, added_at_ms FROM chunks WHERE hash = $1")
                .bind(hash.0.as_slice()).fetch_optional(pool).await.map_err(while_doing("find a content"))
        })?;
        Ok(row.map(content_row))
    }

    /// How many contents there are, trees and deltas among them, and how many bytes they have together.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn contents_total(&self) -> Result<(i64, u64), DatabaseError> {
        let (count, bytes): (i64, i64) = reading!(self, pool => {
            sqlx::query_as("SELECT COUNT(*), CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM chunks")
                .fetch_one(pool).await.map_err(while_doing("count contents"))
        })?;
        Ok((count, unsigned(bytes)))
    }

    /// How some contents fare, by what nodes report.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn uses(&self, hashes: &[Vec<u8>]) -> Result<Vec<UseRow>, DatabaseError> {
        type Columns = (Vec<u8>, String, String, i64, i64);
        if hashes.is_empty() {
            return Ok(Vec::new());
        }
        let places: Vec<String> = (2..).take(hashes.len()).map(|place| format!("${place}")).collect();
        let sql = format!(
            "SELECT hash, MAX(name), MAX(version), COUNT(DISTINCT CASE WHEN is_ok = $1 THEN store END), \
             COUNT(DISTINCT CASE WHEN is_ok <> $1 THEN store END) FROM reports WHERE hash IN ({}) GROUP BY hash",
            places.join(", ")
        );
        let rows: Vec<Columns> = reading!(self, pool => {
            let mut query = sqlx::query_as(AssertSqlSafe(sql)).bind(true);
            for hash in hashes {
                query = query.bind(hash.as_slice());
            }
            query.fetch_all(pool).await.map_err(while_doing("find who runs a content"))
        })?;
        let row = |(hash, name, version, runs, refused): Columns| UseRow {
            hash,
            known_as: (name, version),
            runs,
            refused,
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// Which policies nodes apply, by what they said when they came last.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn followers(&self) -> Result<Vec<FollowersRow>, DatabaseError> {
        self.followers_after(None, 100).await
    }

    /// The same, the highest version first, after one: its version and its hash.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn followers_after(
        &self,
        after: Option<(i64, &[u8])>,
        rows_max: u32,
    ) -> Result<Vec<FollowersRow>, DatabaseError> {
        let (version, hash) = after.unwrap_or((i64::MAX, &[]));
        type Columns = (i64, Vec<u8>, i64, i64, i64);
        let rows: Vec<Columns> = reading!(self, pool => {
            sqlx::query_as("SELECT policy_version, policy_hash, COUNT(*), COUNT(DISTINCT store), \
                COUNT(CASE WHEN is_connected = $1 THEN 1 END) FROM nodes WHERE state = $2 AND connected_at_ms > 0 \
                AND (policy_version < $3 OR (policy_version = $3 AND policy_hash > $4)) \
                GROUP BY policy_version, policy_hash ORDER BY policy_version DESC, policy_hash LIMIT $5")
                .bind(true).bind("active").bind(version).bind(hash).bind(bounded(rows_max)).fetch_all(pool).await.map_err(while_doing("find who follows which policy"))
        })?;
        let row = |(version, hash, nodes, stores, connected): Columns| FollowersRow {
            version,
            hash: HEXLOWER.encode(&hash),
            nodes,
            stores,
            connected,
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// Logs whose cursor is not where their last receipt ends. There are none, unless somebody else wrote to the database.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn unproven(&self, rows_max: u32) -> Result<Vec<UnprovenRow>, DatabaseError> {
        self.unproven_after(("", 0, 0), rows_max).await
    }

    /// The same by store after one: store, class, and the number that stands for the epoch.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn unproven_after(
        &self,
        (store, of, log): (&str, i16, i32),
        rows_max: u32,
    ) -> Result<Vec<UnprovenRow>, DatabaseError> {
        let rows: Vec<(String, i16, i32, i64)> = reading!(self, pool => {
            sqlx::query_as("SELECT l.store, l.class, l.log, l.through_seq FROM logs l \
                WHERE l.through_seq > 0 AND (l.store, l.class, l.log) > ($1, $2, $3) AND NOT EXISTS \
                (SELECT 1 FROM receipts r WHERE r.store = l.store AND r.class = l.class AND r.log = l.log \
                AND r.last_seq = l.through_seq AND r.head_after = l.through_head) ORDER BY l.store, l.class, l.log LIMIT $4")
                .bind(store).bind(of).bind(log).bind(bounded(rows_max)).fetch_all(pool).await.map_err(while_doing("hold cursors to receipts"))
        })?;
        let row = |(store, of, log, through): (String, i16, i32, i64)| {
            Ok(UnprovenRow { class: class(of, &store)?, log, store, through: unsigned(through) })
        };
        rows.into_iter().map(row).collect()
    }

    /// A policy's document, by its hash.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn policy_by_hash(
        &self,
        hash: &Hash,
    ) -> Result<Option<(i64, String, Vec<u8>, i64)>, DatabaseError> {
        reading!(self, pool => {
            sqlx::query_as("SELECT version, name, document, accepted_at_ms FROM policies WHERE hash = $1")
                .bind(hash.0.as_slice()).fetch_optional(pool).await.map_err(while_doing("read a policy"))
        })
    }

    /// Contents whose name has this in it, or whose hash begins like it.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn find_contents(&self, part: &str, rows_max: u32) -> Result<Vec<ContentRow>, DatabaseError> {
        let (from, to) = hex_range(part);
        let rows: Vec<ContentColumns> = reading!(self, pool => {
            sqlx::query_as("SELECT hash, bytes, name, added_at_ms FROM chunks WHERE LOWER(name) LIKE LOWER($1) ESCAPE '\\' \
                OR (hash >= $2 AND hash <= $3) ORDER BY added_at_ms DESC, hash LIMIT $4")
                .bind(containing(part)).bind(from).bind(to).bind(bounded(rows_max))
                .fetch_all(pool).await.map_err(while_doing("find contents"))
        })?;
        Ok(rows.into_iter().map(content_row).collect())
    }

    /// Erasures whose number begins like this.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn find_erasures(&self, part: &str, rows_max: u32) -> Result<Vec<FoundErasure>, DatabaseError> {
        let (from, to) = hex_range(part);
        let rows: Vec<(String, Vec<u8>, Option<i64>)> = reading!(self, pool => {
            sqlx::query_as("SELECT store, id, done_at_ms FROM erasures WHERE id >= $1 AND id <= $2 ORDER BY store, id LIMIT $3")
                .bind(from).bind(to).bind(bounded(rows_max)).fetch_all(pool).await.map_err(while_doing("find erasures"))
        })?;
        let row = |(store, id, done_at_ms): (String, Vec<u8>, Option<i64>)| FoundErasure {
            store,
            id: HEXLOWER.encode(&id),
            done_at_ms,
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// True for a store of which a node is registered, whether it ever came or not.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn is_registered(&self, store: &StoreId) -> Result<bool, DatabaseError> {
        let found: Option<String> = reading!(self, pool => {
            sqlx::query_scalar("SELECT store FROM nodes WHERE store = $1 LIMIT 1")
                .bind(store.as_str()).fetch_optional(pool).await.map_err(while_doing("find a store"))
        })?;
        Ok(found.is_some())
    }
}

type ContentColumns = (Vec<u8>, i64, String, i64);

fn content_row((hash, bytes, name, added_at_ms): ContentColumns) -> ContentRow {
    ContentRow { hash, bytes: unsigned(bytes), name, added_at_ms }
}

/// The hashes that begin with some hexadecimal digits: six at least, else any hash would do. What is none gives a range of nothing.
fn hex_range(part: &str) -> (Vec<u8>, Vec<u8>) {
    let digits = part.trim().to_ascii_lowercase();
    let is_hex = (6..=64).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let filled = |with: char| {
        let text: String = digits.chars().chain(std::iter::repeat(with)).take(64).collect();
        HEXLOWER.decode(text.as_bytes()).unwrap_or_default()
    };
    if is_hex { (filled('0'), filled('f')) } else { (vec![0xff; 33], Vec::new()) }
}

#[cfg(test)]
mod tests {
    use super::hex_range;

    #[test]
    fn digits_become_a_range_of_hashes_and_anything_else_none() {
        let (from, to) = hex_range("ABCDEF1");
        assert_eq!((from.len(), to.len()), (32, 32));
        assert_eq!((&from[..4], &to[..4]), (&[0xab, 0xcd, 0xef, 0x10][..], &[0xab, 0xcd, 0xef, 0x1f][..]));
        for none in ["", "abc", "store-1", &"a".repeat(65), "é".repeat(10).as_str()] {
            let (from, to) = hex_range(none);
            assert!(from > to, "{none}");
        }
    }
}
