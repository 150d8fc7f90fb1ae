//! The stores of the fleet that a filter asks for, each with what a person wants to see of it at a glance; and how many there are of each kind.
//!
//! A filter becomes one statement: its words are bound values, its questions are conditions from this file. So what is counted and what is listed
//! cannot differ, and a page of ten thousand stores costs what it shows. Not here: reading a filter ([`crate::filter`]), one store
//! ([`super::read`]). Guards: no text of anybody is ever part of a statement.

use super::{
    Database, DatabaseError,
    failure::while_doing,
    glance::FoundNode,
    read::ROWS_MAX,
    reading,
    rows::{signed, unsigned},
};
use crate::{
    filter::{Filter, Is, Term, What},
    people::{role::Scope, who::Reach},
};
use aisle_fleet::Labels;
use sqlx::AssertSqlSafe;

/// The most events that are believed to wait, whatever a node said.
const WAITING_MAX: i64 = 1_000_000_000_000;
/// What is counted: all but drifting, which is waiting and refused together.
pub const COUNTED: [Is; 10] = [
    Is::Connected,
    Is::Away,
    Is::Never,
    Is::Behind,
    Is::Forked,
    Is::Waiting,
    Is::Refused,
    Is::OldPolicy,
    Is::Banned,
    Is::Erasing,
];
/// The most of what runs that is shown of a store.
const APPLIED_MAX: i64 = 3;

/// A store of the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridRow {
    /// Its name.
    pub store: String,
    /// The region that it says it lies in; empty when it never came.
    pub region: String,
    /// When it came first, in milliseconds since 1970; 0 when it never did.
    pub first_seen_ms: i64,
    /// When it came last.
    pub last_seen_ms: i64,
    /// Nodes that are registered.
    pub nodes: i64,
    /// Nodes that are connected to any hub.
    pub connected: i64,
    /// Logs that are in quarantine.
    pub quarantined: i64,
    /// Events that it had more when it came last and that are not here.
    pub backlog: i64,
    /// The time of its latest event, in milliseconds since 1970 by the store's clock; 0 when there is none.
    pub last_event_ms: i64,
    /// The oldest policy that a node of it applies; 0 when none ever came.
    pub policy_version: i64,
    /// The generation of what it is to become; 0 when nobody has said anything.
    pub desired: i64,
    /// Nodes that have not answered that.
    pub waiting: i64,
    /// What nodes say cannot run.
    pub refused: i64,
    /// The programs of its nodes: the first and the last by name, which are the same for most.
    pub software: (String, String),
    /// Some of what runs, and of what cannot.
    pub applied: Vec<GridApplied>,
    /// How much that is in all.
    pub applied_all: i64,
    /// What people call it by.
    pub labels: Labels,
}

/// Something that a node reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridApplied {
    /// A kind, or a kind and a name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// True when it runs.
    pub ok: bool,
}

/// How many stores are so.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct GridCounts {
    /// All stores, also those that never came.
    pub stores: i64,
    counts: Vec<(Is, i64)>,
}

impl GridCounts {
    /// How many are so; 0 for what is not counted ([`COUNTED`]).
    #[must_use]
    pub fn of(&self, is: Is) -> i64 {
        self.counts.iter().find(|(known, _)| *known == is).map_or(0, |(_, count)| *count)
    }
}

/// What is bound to a statement.
enum Value {
    Text(String),
    Number(i64),
    Truth(bool),
    Bytes(Vec<u8>),
}

/// A statement that grows, with its values in their order.
#[derive(Default)]
struct Statement {
    values: Vec<Value>,
    yes: Option<usize>,
    no: Option<usize>,
}

impl Statement {
    /// Where a value stands.
    fn put(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn truth(&mut self, is: bool) -> String {
        let known = if is { self.yes } else { self.no };
        let at = known.unwrap_or_else(|| {
            self.values.push(Value::Truth(is));
            self.values.len()
        });
        *(if is { &mut self.yes } else { &mut self.no }) = Some(at);
        format!("${at}")
    }

    fn text(&mut self, text: &str) -> String {
        self.put(Value::Text(text.to_owned()))
    }

    /// Nodes of a store that may come and once did.
    fn nodes(&mut self, and: &str) -> String {
        let active = self.text("active");
        format!("FROM nodes n WHERE n.store = f.store AND n.state = {active} AND n.connected_at_ms > 0{and}")
    }

    fn connected(&mut self) -> String {
        let yes = self.truth(true);
        format!("FROM nodes n WHERE n.store = f.store AND n.is_connected = {yes}")
    }

    fn forked(&mut self) -> String {
        let yes = self.truth(true);
        format!("FROM logs l WHERE l.store = f.store AND l.is_quarantined = {yes}")
    }

    fn waiting(&mut self) -> String {
        self.nodes(
            " AND n.generation < (SELECT COALESCE(MAX(d.generation), 0) FROM desired d WHERE d.store = f.store)",
        )
    }

    fn refused(&mut self) -> String {
        let no = self.truth(false);
        format!("FROM reports r WHERE r.store = f.store AND r.is_ok = {no}")
    }

    /// The condition of one kind of store over `f`, its name, and `s`, which is not there when it never came.
    fn is(&mut self, is: Is, wanted: Option<u32>) -> String {
        let exists = |from: String| format!("EXISTS (SELECT 1 {from})");
        match is {
            Is::Connected => exists(self.connected()),
            Is::Away => format!("(s.store IS NOT NULL AND NOT {})", exists(self.connected())),
            Is::Never => "s.store IS NULL".into(),
            Is::Behind => exists(BEHIND.into()),
            Is::Forked => exists(self.forked()),
            Is::Drifting => format!("({} OR {})", exists(self.waiting()), exists(self.refused())),
            Is::Waiting => exists(self.waiting()),
            Is::Refused => exists(self.refused()),
            Is::OldPolicy => {
                let wanted = self.put(Value::Number(wanted.map_or(0, i64::from)));
                exists(self.nodes(&format!(" AND n.policy_version < {wanted}")))
            }
            Is::Banned => {
                let banned = self.text("banned");
                exists(format!("FROM nodes n WHERE n.store = f.store AND n.state = {banned}"))
            }
            Is::Erasing => exists("FROM erasures e WHERE e.store = f.store AND e.done_at_ms IS NULL".into()),
        }
    }

    fn what(&mut self, what: &What, wanted: Option<u32>) -> String {
        match what {
            What::Name(part) => {
                let part = self.text(&containing(part));
                format!("LOWER(f.store) LIKE LOWER({part}) ESCAPE '\\'")
            }
            What::Region(region) => format!("s.region = {}", self.text(region)),
            What::Is(is) => self.is(*is, wanted),
            What::Runs { name, version } => {
                let (name, yes) = (self.text(name), self.truth(true));
                let version =
                    version.as_ref().map(|version| format!(" AND r.version = {}", self.text(version)));
                format!(
                    "EXISTS (SELECT 1 FROM reports r WHERE r.store = f.store AND r.is_ok = {yes} AND r.name = {name}{})",
                    version.unwrap_or_default()
                )
            }
            What::Has(hash) => {
                let (hash, yes) = (self.put(Value::Bytes(hash.0.to_vec())), self.truth(true));
                format!(
                    "EXISTS (SELECT 1 FROM reports r WHERE r.store = f.store AND r.is_ok = {yes} AND r.hash = {hash})"
                )
            }
            What::Policy(version) => {
                let version = self.put(Value::Number(i64::from(*version)));
                format!("EXISTS (SELECT 1 {})", self.nodes(&format!(" AND n.policy_version = {version}")))
            }
            What::Software(part) => {
                let part = self.text(&containing(part));
                let like = format!(" AND LOWER(n.software) LIKE LOWER({part}) ESCAPE '\\'");
                format!("EXISTS (SELECT 1 {})", self.nodes(&like))
            }
            What::Label { key, value } => {
                let pair = self.label(key, value.as_deref());
                format!(
                    "EXISTS (SELECT 1 FROM store_labels b WHERE b.store = f.store AND REPLACE(b.labels, {pair}, '') <> b.labels)"
                )
            }
        }
    }

    /// Labels are kept as one object of JSON without spaces; what stands in its quotes is escaped here as there. So a label is a part of that text, and nothing else is.
    fn label(&mut self, key: &str, value: Option<&str>) -> String {
        let key = serde_json::Value::from(key);
        let value = value.map_or_else(String::new, |value| serde_json::Value::from(value).to_string());
        self.text(&format!("{key}:{value}"))
    }

    /// The condition that a store lies where somebody may see it, over its name: none where they may everywhere.
    fn within(&mut self, reach: &Reach, store: &str) -> String {
        if reach.is_everything() {
            return String::new();
        }
        let mut either: Vec<String> = Vec::new();
        for scope in reach.scopes() {
            match scope {
                // Looked at above.
                Scope::Everything => {}
                Scope::Region(region) => {
                    let region = self.text(region.as_str());
                    either.push(format!(
                        "EXISTS (SELECT 1 FROM stores t WHERE t.store = {store} AND t.region = {region})"
                    ));
                }
                Scope::Label { key, value } => {
                    let pair = self.label(key, Some(value));
                    either.push(format!(
                        "EXISTS (SELECT 1 FROM stores t JOIN store_labels b ON b.store = t.store WHERE t.store = {store} \
                         AND REPLACE(b.labels, {pair}, '') <> b.labels)"
                    ));
                }
            }
        }
        if either.is_empty() { " AND 1 = 0".into() } else { format!(" AND ({})", either.join(" OR ")) }
    }

    fn all(&mut self, filter: &Filter, wanted: Option<u32>) -> String {
        let mut conditions = filter.reach().map_or_else(String::new, |reach| self.within(reach, "f.store"));
        if !filter.saved().is_empty() {
            conditions.push_str(" AND 1 = 0");
        }
        let is_region = |term: &&Term| matches!(term.what, What::Region(_)) && !term.is_not;
        let regions: Vec<String> =
            filter.terms().iter().filter(is_region).map(|term| self.what(&term.what, wanted)).collect();
        if !regions.is_empty() {
            conditions.push_str(&format!(" AND ({})", regions.join(" OR ")));
        }
        for term in filter.terms().iter().filter(|term| !is_region(term)) {
            let condition = self.what(&term.what, wanted);
            // What is not known is not so: a store that never came lies in no region.
            conditions.push_str(&if term.is_not {
                format!(" AND NOT COALESCE({condition}, FALSE)")
            } else {
                format!(" AND {condition}")
            });
        }
        conditions
    }
}

/// Every store that is registered or ever came, with what is known of it since it came.
const FLEET: &str =
    "FROM (SELECT store FROM stores UNION SELECT store FROM nodes) f LEFT JOIN stores s ON s.store = f.store";
/// Logs of which the node had more. Only the running epoch of a class counts: one before it has ended where it ended.
const BEHIND: &str = "FROM logs l WHERE l.store = f.store AND l.node_last_seq > l.through_seq \
    AND l.log = (SELECT MAX(m.log) FROM logs m WHERE m.store = l.store AND m.class = l.class)";

/// A pattern for a part of a text, whatever signs it has.
pub(super) fn containing(part: &str) -> String {
    let mut pattern = String::with_capacity(part.len().saturating_add(2));
    pattern.push('%');
    for sign in part.chars() {
        if matches!(sign, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(sign);
    }
    pattern.push('%');
    pattern
}

/// Asks a statement of this file, which holds bound values only.
macro_rules! asked {
    ($database:expr, $sql:expr, $values:expr, $what:literal) => {
        reading!($database, pool => {
            let mut query = sqlx::query_as(AssertSqlSafe($sql));
            for value in $values {
                query = match value {
                    Value::Text(text) => query.bind(text.as_str()),
                    Value::Number(number) => query.bind(*number),
                    Value::Truth(is) => query.bind(*is),
                    Value::Bytes(bytes) => query.bind(bytes.as_slice()),
                };
            }
            query.fetch_all(pool).await.map_err(while_doing($what))
        })
    };
}

type Columns =
    (String, String, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, String, String, i64, String);

impl Database {
    /// The stores that a filter asks for, by name, after one. `wanted`: the version of the policy that stores should apply.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn grid(
        &self,
        filter: &Filter,
        wanted: Option<u32>,
        after: &str,
        rows_max: u32,
    ) -> Result<Vec<GridRow>, DatabaseError> {
        let mut statement = Statement::default();
        let (connected, forked) = (statement.connected(), statement.forked());
        let (waiting, refused) = (statement.waiting(), statement.refused());
        let nodes = statement.nodes("");
        let after = statement.text(after);
        let conditions = statement.all(filter, wanted);
        let limit = statement.put(Value::Number(i64::from(rows_max.clamp(1, ROWS_MAX))));
        let sql = format!(
            "SELECT f.store, COALESCE(s.region, ''), COALESCE(s.last_seen_ms, 0), \
             (SELECT COUNT(*) FROM nodes n WHERE n.store = f.store), (SELECT COUNT(*) {connected}), (SELECT COUNT(*) {forked}), \
             (SELECT CAST(COALESCE(SUM(CASE WHEN l.node_last_seq - l.through_seq > {WAITING_MAX} THEN {WAITING_MAX} \
                 ELSE l.node_last_seq - l.through_seq END), 0) AS BIGINT) {BEHIND}), \
             (SELECT COALESCE(MAX(l.last_hlc), 0) FROM logs l WHERE l.store = f.store), \
             (SELECT COALESCE(MIN(n.policy_version), 0) {nodes}), \
             (SELECT COALESCE(MAX(d.generation), 0) FROM desired d WHERE d.store = f.store), \
             (SELECT COUNT(*) {waiting}), (SELECT COUNT(*) {refused}), \
             (SELECT COALESCE(MIN(n.software), '') {nodes}), (SELECT COALESCE(MAX(n.software), '') {nodes}), \
             COALESCE(s.first_seen_ms, 0), COALESCE((SELECT b.labels FROM store_labels b WHERE b.store = f.store), '') \
             {FLEET} WHERE f.store > {after}{conditions} ORDER BY f.store LIMIT {limit}"
        );
        let rows: Vec<Columns> = asked!(self, sql, &statement.values, "list the fleet")?;
        let row = |columns: Columns| {
            let (
                store,
                region,
                seen,
                nodes,
                connected,
                quarantined,
                backlog,
                hlc,
                policy,
                desired,
                waiting,
                refused,
                first,
                last,
                first_seen_ms,
                labels,
            ) = columns;
            GridRow {
                store,
                region,
                first_seen_ms,
                last_seen_ms: seen,
                nodes,
                connected,
                quarantined,
                backlog,
                last_event_ms: signed(unsigned(hlc) >> 16),
                policy_version: policy,
                desired,
                waiting,
                refused,
                software: (first, last),
                applied: Vec::new(),
                applied_all: 0,
                // What does not read was refused when it was written.
                labels: serde_json::from_str(&labels).unwrap_or_default(),
            }
        };
        let mut rows: Vec<GridRow> = rows.into_iter().map(row).collect();
        self.add_applied(&mut rows).await?;
        Ok(rows)
    }

    /// What runs in some stores, a few things of each; what cannot run first.
    async fn add_applied(&self, rows: &mut [GridRow]) -> Result<(), DatabaseError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut statement = Statement::default();
        let stores: Vec<String> = rows.iter().map(|row| statement.text(&row.store)).collect();
        let most = statement.put(Value::Number(APPLIED_MAX));
        let sql = format!(
            "SELECT store, name, version, is_ok, things FROM (SELECT store, name, version, is_ok, \
             ROW_NUMBER() OVER (PARTITION BY store ORDER BY is_ok, name, node) AS place, COUNT(*) OVER (PARTITION BY store) AS things \
             FROM reports WHERE store IN ({})) t WHERE place <= {most} ORDER BY store, place",
            stores.join(", ")
        );
        let found: Vec<(String, String, String, bool, i64)> =
            asked!(self, sql, &statement.values, "list what runs")?;
        let mut found = found.into_iter().peekable();
        // Both are by store in one order.
        for row in rows {
            while let Some((_, name, version, ok, things)) = found.next_if(|(store, ..)| *store == row.store)
            {
                row.applied.push(GridApplied { name, version, ok });
                row.applied_all = things;
            }
        }
        Ok(())
    }

    /// How many stores there are of each kind, by one walk over the fleet: over all of it, or over what somebody may see.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn grid_counts(
        &self,
        wanted: Option<u32>,
        reach: Option<&Reach>,
    ) -> Result<GridCounts, DatabaseError> {
        let mut statement = Statement::default();
        let sums: Vec<String> = COUNTED
            .into_iter()
            .map(|is| {
                let condition = statement.is(is, wanted);
                format!("CAST(COALESCE(SUM(CASE WHEN {condition} THEN 1 ELSE 0 END), 0) AS BIGINT)")
            })
            .collect();
        let within = reach.map_or_else(String::new, |reach| statement.within(reach, "f.store"));
        let sql = format!("SELECT COUNT(*), {} {FLEET} WHERE 1 = 1{within}", sums.join(", "));
        type Row = (i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64);
        let rows: Vec<Row> = asked!(self, sql, &statement.values, "count the fleet")?;
        let Some((stores, a, b, c, d, e, f, g, h, i, j)) = rows.into_iter().next() else {
            return Ok(GridCounts::default());
        };
        let counts = COUNTED.into_iter().zip([a, b, c, d, e, f, g, h, i, j]).collect();
        Ok(GridCounts { stores, counts })
    }

    /// Nodes whose serial or address has this in it, of the stores that somebody may see.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn find_nodes(
        &self,
        part: &str,
        reach: &Reach,
        rows_max: u32,
    ) -> Result<Vec<FoundNode>, DatabaseError> {
        let mut statement = Statement::default();
        let part = statement.text(&containing(part));
        let within = statement.within(reach, "n.store");
        let limit = statement.put(Value::Number(i64::from(rows_max.clamp(1, ROWS_MAX))));
        let sql = format!(
            "SELECT n.store, n.node, n.address, n.state FROM nodes n WHERE (LOWER(n.node) LIKE LOWER({part}) ESCAPE '\\' \
             OR n.address LIKE {part} ESCAPE '\\'){within} ORDER BY n.store, n.node LIMIT {limit}"
        );
        let rows: Vec<(String, String, String, String)> = asked!(self, sql, &statement.values, "find nodes")?;
        let row = |(store, node, address, state)| FoundNode { store, node, address, state };
        Ok(rows.into_iter().map(row).collect())
    }
}
