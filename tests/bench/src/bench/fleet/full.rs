//! A hub whose fleet is all there: a store for each node, with logs and reports, written into its database while it is stopped.
//!
//! What is written is what nodes that came would have left, by the tables of the hub's migrations. A store in ten is away, one in twenty has something that cannot run.

use aisle_harness::hub::{HubOptions, HubUnderTest};
use anyhow::{Context, Result};
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};
use std::{path::PathBuf, time::Instant};

/// The regions that stores lie in, by turns.
pub(super) const REGIONS: [&str; 3] = ["eu", "us", "apac"];

/// Every number from nothing up to one.
const NUMBERS: &str = "WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n + 1 < $1)";
const NAME: &str = "printf('store-%05d', n)";

/// What is written for each number.
const ROWS: [(&str, &str); 5] = [
    (
        "INSERT INTO stores (store, region, first_seen_ms, last_seen_ms)",
        "SELECT {name}, CASE n % 3 WHEN 0 THEN 'eu' WHEN 1 THEN 'us' ELSE 'apac' END, 1790000000000 + n, 1795305600000 + n FROM c",
    ),
    (
        "INSERT INTO nodes (store, node, state, receipt_key, software, link, path, address, policy_version, policy_hash, generation, is_connected, hub, \
         connected_at_ms, last_seen_ms)",
        "SELECT {name}, 'A1', 'active', randomblob(32), CASE n % 7 WHEN 0 THEN 'aisle-node/0.0.9' ELSE 'aisle-node/0.1.0' END, 'fibre', 'quic', '192.0.2.1:8443', \
         1, randomblob(32), 0, n % 10 <> 9, 'hub-2', 1795305600000 + n, 1795305600000 + n FROM c",
    ),
    (
        "INSERT INTO logs (store, class, log, epoch, through_seq, through_head, mark, last_hlc, node_last_seq, is_quarantined, begun_at_ms, moved_at_ms)",
        "SELECT {name}, k.class, 0, randomblob(16), 1000 + n, randomblob(32), randomblob(32), (1795305600000 + n) * 65536, 1000 + n + (n % 40 = 0) * 500, \
         n % 500 = 0 AND k.class = 1, 1790000000000, 1795305600000 FROM c, (SELECT 0 AS class UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) k",
    ),
    (
        "INSERT INTO reports (store, node, name, version, hash, is_ok, reason, generation, at_ms)",
        "SELECT {name}, 'A1', r.name, CASE n % 4 WHEN 0 THEN '1.3.0' ELSE '1.4.0' END, randomblob(32), NOT (n % 20 = 0 AND r.name = 'plugin/multi-buy'), '', 0, \
         1795305600000 FROM c, (SELECT 'plugin/multi-buy' AS name UNION ALL SELECT 'catalogue' UNION ALL SELECT 'prices') r",
    ),
    (
        "INSERT INTO store_labels (store, labels, version, at_ms)",
        "SELECT {name}, json_object('region', CASE n % 3 WHEN 0 THEN 'eu' WHEN 1 THEN 'us' ELSE 'apac' END, 'size', CASE n % 5 WHEN 0 THEN 's' ELSE 'm' END, \
         'country', printf('c%d', n % 30)), 1, 1795305600000 FROM c",
    ),
];

/// A hub with a fleet.
pub(super) struct Full {
    pub(super) hub: HubUnderTest,
    /// The same tables, for a peer.
    pub(super) pool: SqlitePool,
    /// How long it took to fill them, in seconds: no figure, a word.
    pub(super) filled_s: f64,
}

impl Full {
    /// Of so many stores with a node each.
    pub(super) async fn start(nodes: usize) -> Result<Self> {
        let mut hub = HubUnderTest::start(HubOptions::default())?;
        hub.stop()?;
        let began = Instant::now();
        let file: PathBuf = hub.folder().join("data/hub.db");
        let pool = SqlitePool::connect_with(SqliteConnectOptions::new().filename(&file)).await?;
        let count = i64::try_from(nodes).context("so many nodes do not fit")?;
        for (into, from) in ROWS {
            let table = into.split_whitespace().nth(2).unwrap_or_default();
            let there: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE name = $1")
                .bind(table)
                .fetch_one(&pool)
                .await?;
            if there == 0 {
                continue;
            }
            let sql = format!("{into} {NUMBERS} {}", from.replace("{name}", NAME));
            // Text of this file alone; what is counted is bound.
            let done = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(count).execute(&pool).await;
            done.with_context(|| format!("cannot fill `{table}`"))?;
        }
        sqlx::query("ANALYZE").execute(&pool).await?;
        let filled_s = began.elapsed().as_secs_f64();
        hub.start_again()?;
        Ok(Self { hub, pool, filled_s })
    }

    /// What the hub is asked with.
    pub(super) fn headers(&self) -> Result<String> {
        Ok(format!("Authorization: Bearer {}\r\n", self.hub.token()?))
    }
}
