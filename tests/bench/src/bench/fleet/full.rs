//! A hub whose fleet is all there: a store for each node, with logs and reports, written into its database while it is stopped.
//!
//! What is written is what nodes that came would have left, by the tables of the hub's migrations, and what they say of themselves. A store in ten is away, one in twenty has
//! something that cannot run, one in eight something else than it should.

use aisle_fleet::NodeSays;
use aisle_harness::hub::{HubOptions, HubUnderTest};
use anyhow::{Context, Result};
use serde_json::{Value, json};
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

/// What a node says of itself: six slots, one of which runs something else than it should.
fn says(drifts: bool) -> Result<NodeSays> {
    let hash = |byte: u8| format!("{byte:02x}").repeat(32);
    let slot = |number: u8, name: &str| {
        let is_off = drifts && number == 0;
        let brief = |version: &str, byte: u8| json!({ "version": version, "hash": hash(byte) });
        let took: serde_json::Map<String, Value> =
            (20_u64..32).map(|step| (step.to_string(), (step * 7).into())).collect();
        let health = json!({ "calls": 2_184, "traps": 0, "errors": 1, "fuel": 91_000_000, "took": took });
        let reasons =
            if is_off { json!([{ "code": "disk-full", "missing_bytes": 41_943_040 }]) } else { json!([]) };
        let running = brief("1.3.0", if is_off { 200 } else { number });
        let report = json!({
            "wanted": { "release": brief("1.3.0", number) }, "round": 1, "running": running, "good": brief("1.2.0", number + 100),
            "phase": if is_off { "waiting" } else { "settled" }, "reasons": reasons, "health": health,
        });
        (name.to_owned(), report)
    };
    let names = [
        "plugin/multi-buy",
        "plugin/loyalty",
        "plugin/markdown",
        "catalogue",
        "prices",
        "device-profiles/acme",
    ];
    let slots: serde_json::Map<String, Value> =
        (0..).zip(names).map(|(number, name)| slot(number, name)).collect();
    let horizon: Vec<Value> = ["certificate", "metadata", "disk", "prices", "tokens"]
        .map(|what| json!({ "what": what, "days": 41.5 }))
        .into();
    let says = json!({
        "report": { "desired": null, "slots": slots, "settings": { "wanted": null, "applied": null, "reasons": [] } },
        "facts": {
            "version": "0.1.0", "disk_free_bytes": 64_000_000_000_u64, "kinds": ["plugin", "catalogue", "prices"], "time_zone": "Europe/Berlin",
            "horizon": horizon,
        },
    });
    serde_json::from_value(says).context("the report of the bench is none")
}

/// Written as the hub writes what it has heard: of every eighth node what drifts, of the others what is well. Nobody has to look at it any more.
async fn keep_says(pool: &SqlitePool, count: i64, drift: i64, says: &NodeSays) -> Result<()> {
    let first = says.report.slots.values().find_map(|slot| slot.reasons.first());
    let sql = format!(
        "INSERT INTO node_reports (store, node, number, at_ms, is_news, version, facts, is_settled, drift, reason, says) {NUMBERS} \
         SELECT {NAME}, 'A1', 1, 1795305600000 + n, 0, '0.1.0', $2, $3, $4, $5, $6 FROM c WHERE (n % 8 = 0) = $4"
    );
    // Text of this file alone; what is counted is bound.
    let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(count).bind(serde_json::to_string(&says.facts)?);
    let query = query
        .bind(i64::from(drift == 0))
        .bind(drift)
        .bind(first.map(ToString::to_string).unwrap_or_default());
    query.bind(says.encode()?).execute(pool).await.context("cannot fill `node_reports`")?;
    Ok(())
}

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
        for (drift, drifts) in [(0, false), (1, true)] {
            keep_says(&pool, count, drift, &says(drifts)?).await?;
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
