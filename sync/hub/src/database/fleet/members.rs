//! Nodes that may come, with their labels, and what each said of itself last.

use super::{
    super::{
        Database, DatabaseError, Pool, Tx,
        failure::while_doing,
        over,
        read::bounded,
        reading,
        rows::{damaged, now_ms, signed, unsigned},
    },
    Change, Rule,
};
use aisle_fleet::{ContentHash, NodeSays, Stamp};

/// A node as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// Its store.
    pub store: String,
    /// Its serial.
    pub node: String,
    /// The region that its store says it lies in; empty when it never came.
    pub region: String,
    /// The labels of its store, as an object of JSON; empty where it has none.
    pub labels: String,
    /// True while it is connected to any hub.
    pub is_connected: bool,
    /// When it was heard of last, in milliseconds since 1970; 0 when it never was.
    pub last_seen_ms: i64,
    /// The version of Aisle that it said it runs; empty when it has not said.
    pub version: String,
    /// The facts that it told, as JSON; empty when it has not.
    pub facts: String,
    /// When it told how it stands; 0 when it has not.
    pub reported_at_ms: i64,
    /// True when everything is as it should be there, as it says.
    pub is_settled: bool,
    /// How many slots hold something else than they should, as it says.
    pub drift: i64,
    /// The first reason that it gives for what is not settled; empty where there is none.
    pub reason: String,
}

/// A node as the rules know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetNode {
    /// Its store.
    pub store: String,
    /// Its serial.
    pub node: String,
    /// False when it is gone.
    pub is_member: bool,
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
    /// The stamp of the state that it was given last.
    pub stamp: Option<Stamp>,
}

/// The most bytes of a reason that are kept beside the report.
const REASON_CHARS_MAX: usize = 300;

type Columns = (String, String, String, String, bool, i64, String, String, i64, bool, i64, String);

fn member(columns: Columns) -> MemberRow {
    let (
        store,
        node,
        region,
        labels,
        is_connected,
        last_seen_ms,
        version,
        facts,
        reported_at_ms,
        is_settled,
        drift,
        reason,
    ) = columns;
    MemberRow {
        store,
        node,
        region,
        labels,
        is_connected,
        last_seen_ms,
        version,
        facts,
        reported_at_ms,
        is_settled,
        drift,
        reason,
    }
}

/// Keeps what a node said of itself, in the transaction of its report.
pub(crate) async fn keep_says(
    tx: &mut Tx,
    (store, node): (&str, &str),
    bytes: &[u8],
    says: &NodeSays,
    now_ms: i64,
) -> Result<(), DatabaseError> {
    let report = &says.report;
    let first = report
        .slots
        .values()
        .flat_map(|slot| slot.reasons.first())
        .chain(report.settings.reasons.first())
        .next();
    let reason: String = first.map(ToString::to_string).unwrap_or_default();
    let reason: String = reason.chars().filter(|c| !c.is_control()).take(REASON_CHARS_MAX).collect();
    let version = says.facts.version.as_ref().map(ToString::to_string).unwrap_or_default();
    // Facts are texts and numbers; JSON has a form for all of them. A sign that PostgreSQL keeps in no text is written as six there.
    let facts = serde_json::to_string(&says.facts).unwrap_or_default();
    let drift = i64::try_from(report.drift().count()).unwrap_or(i64::MAX);
    super::devices::keep(tx, (store, node), &says.devices, now_ms).await?;
    over!(&mut tx.connection(), on => {
        sqlx::query("INSERT INTO node_reports (store, node, number, at_ms, is_news, news_at_ms, version, facts, is_settled, drift, reason, says) \
            VALUES ($1, $2, 1, $3, $4, $3, $5, $6, $7, $8, $9, $10) ON CONFLICT (store, node) DO UPDATE SET number = node_reports.number + 1, \
            at_ms = excluded.at_ms, \
            news_at_ms = CASE WHEN node_reports.is_news = $4 THEN node_reports.news_at_ms ELSE excluded.news_at_ms END, is_news = excluded.is_news, version = excluded.version, facts = excluded.facts, \
            is_settled = excluded.is_settled, drift = excluded.drift, reason = excluded.reason, says = excluded.says")
            .bind(store).bind(node).bind(now_ms).bind(true).bind(version).bind(facts).bind(report.is_settled()).bind(drift)
            .bind(reason).bind(bytes).execute(on).await.map(drop).map_err(while_doing("keep what a node says of itself"))
    })
}

impl Database {
    /// Nodes that may come, behind a place, by store and serial.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn members(&self, after: (&str, &str), rows_max: u32) -> Result<Vec<MemberRow>, DatabaseError> {
        let rows: Vec<Columns> = reading!(self, pool => {
            sqlx::query_as("SELECT n.store, n.node, COALESCE(s.region, ''), COALESCE(l.labels, ''), n.is_connected, n.last_seen_ms, \
                COALESCE(r.version, ''), COALESCE(r.facts, ''), COALESCE(r.at_ms, 0), COALESCE(r.is_settled, FALSE), COALESCE(r.drift, 0), \
                COALESCE(r.reason, '') FROM nodes n LEFT JOIN stores s ON s.store = n.store LEFT JOIN store_labels l ON l.store = n.store \
                LEFT JOIN node_reports r ON r.store = n.store AND r.node = n.node \
                WHERE n.state = 'active' AND (n.store, n.node) > ($1, $2) ORDER BY n.store, n.node LIMIT $3")
                .bind(after.0).bind(after.1).bind(bounded(rows_max)).fetch_all(pool).await.map_err(while_doing("list the nodes of the fleet"))
        })?;
        Ok(rows.into_iter().map(member).collect())
    }

    /// One node, if it may come.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn member(&self, store: &str, node: &str) -> Result<Option<MemberRow>, DatabaseError> {
        let row: Option<Columns> = reading!(self, pool => {
            sqlx::query_as("SELECT n.store, n.node, COALESCE(s.region, ''), COALESCE(l.labels, ''), n.is_connected, n.last_seen_ms, \
                COALESCE(r.version, ''), COALESCE(r.facts, ''), COALESCE(r.at_ms, 0), COALESCE(r.is_settled, FALSE), COALESCE(r.drift, 0), \
                COALESCE(r.reason, '') FROM nodes n LEFT JOIN stores s ON s.store = n.store LEFT JOIN store_labels l ON l.store = n.store \
                LEFT JOIN node_reports r ON r.store = n.store AND r.node = n.node WHERE n.state = 'active' AND n.store = $1 AND n.node = $2")
                .bind(store).bind(node).fetch_optional(pool).await.map_err(while_doing("find a node of the fleet"))
        })?;
        Ok(row.map(member))
    }

    /// What a node said of itself last, as it came.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn node_says(&self, store: &str, node: &str) -> Result<Option<Vec<u8>>, DatabaseError> {
        reading!(self, pool => {
            sqlx::query_scalar("SELECT says FROM node_reports WHERE store = $1 AND node = $2").bind(store).bind(node)
                .fetch_optional(pool).await.map_err(while_doing("find what a node says of itself"))
        })
    }

    /// What nodes behind a place said of themselves last.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn all_says(
        &self,
        after: (&str, &str),
        rows_max: u32,
    ) -> Result<Vec<(String, String, Vec<u8>)>, DatabaseError> {
        reading!(self, pool => {
            sqlx::query_as("SELECT store, node, says FROM node_reports WHERE (store, node) > ($1, $2) ORDER BY store, node LIMIT $3")
                .bind(after.0).bind(after.1).bind(bounded(rows_max)).fetch_all(pool).await
                .map_err(while_doing("read what nodes say of themselves"))
        })
    }

    /// What the rules have not heard yet, those first that have waited longest: store, serial, number, what was said.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn fleet_news(
        &self,
        rows_max: u32,
    ) -> Result<Vec<(String, String, i64, Vec<u8>)>, DatabaseError> {
        // The same words as the index has, so that it is used.
        let statement = match self.pool {
            Pool::Sqlite { .. } => {
                "SELECT store, node, number, says FROM node_reports WHERE is_news = 1 ORDER BY news_at_ms, store, node LIMIT $1"
            }
            Pool::Postgres(_) => {
                "SELECT store, node, number, says FROM node_reports WHERE is_news ORDER BY news_at_ms, store, node LIMIT $1"
            }
        };
        reading!(self, pool => {
            sqlx::query_as(statement).bind(bounded(rows_max)).fetch_all(pool).await
                .map_err(while_doing("read what nodes say of themselves"))
        })
    }

    /// All nodes as the rules know them.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn fleet_nodes(
        &self,
        after: (&str, &str),
        rows_max: u32,
    ) -> Result<Vec<FleetNode>, DatabaseError> {
        type Row = (String, String, bool, i64, i64, Vec<u8>);
        let rows: Vec<Row> = reading!(self, pool => {
            sqlx::query_as("SELECT store, node, is_member, since_ms, version, hash FROM fleet_nodes WHERE (store, node) > ($1, $2) \
                ORDER BY store, node LIMIT $3")
                .bind(after.0).bind(after.1).bind(bounded(rows_max)).fetch_all(pool).await.map_err(while_doing("list the nodes that the rules know"))
        })?;
        rows.into_iter().map(fleet_node).collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn fleet_node(&self, store: &str, node: &str) -> Result<Option<FleetNode>, DatabaseError> {
        let row: Option<(String, String, bool, i64, i64, Vec<u8>)> = reading!(self, pool => {
            sqlx::query_as("SELECT store, node, is_member, since_ms, version, hash FROM fleet_nodes WHERE store = $1 AND node = $2")
                .bind(store).bind(node).fetch_optional(pool).await.map_err(while_doing("find a node that the rules know"))
        })?;
        row.map(fleet_node).transpose()
    }
}

fn fleet_node(
    (store, node, is_member, since_ms, version, hash): (String, String, bool, i64, i64, Vec<u8>),
) -> Result<FleetNode, DatabaseError> {
    let stamp = match version {
        0 => None,
        version => {
            let hash = hash.as_slice().try_into().map_err(|_| damaged("fleet_nodes", "hash", &store))?;
            Some(Stamp { version: unsigned(version), hash: ContentHash(hash) })
        }
    };
    Ok(FleetNode { store, node, is_member, since_ms, stamp })
}

impl Rule {
    /// What was read as news is none any more. Where something newer came meanwhile it goes behind all who wait: nobody is heard twice before another one is heard once.
    pub(crate) async fn heard(&mut self, news: &[(String, String, i64)]) -> Result<(), DatabaseError> {
        let now_ms = now_ms();
        for (store, node, number) in news {
            over!(&mut self.0.connection(), on => {
                sqlx::query("UPDATE node_reports SET is_news = (number <> $3), news_at_ms = $4 WHERE store = $1 AND node = $2")
                    .bind(store.as_str()).bind(node.as_str()).bind(number).bind(now_ms)
                    .execute(on).await.map(drop).map_err(while_doing("note what the rules have heard"))
            })?;
        }
        Ok(())
    }

    /// A node came or went. Says since when it is so.
    pub(crate) async fn put_member(
        &mut self,
        store: &str,
        node: &str,
        is_member: bool,
        now_ms: i64,
    ) -> Result<i64, DatabaseError> {
        put_member(&mut self.0, (store, node), is_member, now_ms).await
    }

    /// The stamp of the state that a node is given.
    pub(crate) async fn put_stamp(
        &mut self,
        store: &str,
        node: &str,
        stamp: &Stamp,
    ) -> Result<(), DatabaseError> {
        over!(&mut self.0.connection(), on => {
            sqlx::query("UPDATE fleet_nodes SET version = $3, hash = $4 WHERE store = $1 AND node = $2")
                .bind(store).bind(node).bind(signed(stamp.version)).bind(stamp.hash.0.as_slice())
                .execute(on).await.map(drop).map_err(while_doing("keep the stamp of a state"))
        })
    }
}

impl Change {
    /// A node is there, as somebody saw before the rules did.
    pub(crate) async fn put_member(
        &mut self,
        store: &str,
        node: &str,
        now_ms: i64,
    ) -> Result<(), DatabaseError> {
        put_member(&mut self.0, (store, node), true, now_ms).await.map(drop)
    }
}

async fn put_member(
    tx: &mut Tx,
    (store, node): (&str, &str),
    is_member: bool,
    now_ms: i64,
) -> Result<i64, DatabaseError> {
    let failed = while_doing("note that a node is of the fleet");
    over!(&mut tx.connection(), on => {
        sqlx::query("INSERT INTO fleet_nodes (store, node, is_member, since_ms) VALUES ($1, $2, $3, $4) ON CONFLICT (store, node) \
            DO UPDATE SET is_member = excluded.is_member, since_ms = excluded.since_ms WHERE fleet_nodes.is_member <> excluded.is_member")
            .bind(store).bind(node).bind(is_member).bind(now_ms).execute(on).await.map(drop).map_err(failed)
    })?;
    over!(&mut tx.connection(), on => {
        sqlx::query_scalar("SELECT since_ms FROM fleet_nodes WHERE store = $1 AND node = $2").bind(store).bind(node)
            .fetch_one(on).await.map_err(failed)
    })
}
