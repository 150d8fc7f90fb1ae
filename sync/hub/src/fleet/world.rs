//! What the rules go by, read out of the rows: nodes with their labels, what people say, rollouts.
//!
//! Not here: deciding anything.

use crate::database::{
    Database, DatabaseError,
    fleet::{KeptRollout, MemberRow, WordKind},
    read::ROWS_MAX,
};
use aisle_event::{StoreId, Timestamp};
use aisle_fleet::{
    Group, Index, Labels, Member, NodeId, NodeSays, Override, Resolver, Rollout, Serial,
    desired::{Resolved, Work},
    says::Facts,
};
use serde::de::DeserializeOwned;
use std::{collections::BTreeMap, sync::Arc};

/// The label that says where a store lies; its own word counts, so nobody sets it.
pub(crate) const REGION: &str = "region";

/// The nodes of the fleet, in the order of their names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Members {
    /// As the rules see them.
    pub members: Vec<Member>,
    /// As they are kept, in the same order.
    pub rows: Vec<MemberRow>,
}

/// What people say of many nodes and of single ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Words {
    pub groups: Vec<Group>,
    pub overrides: Vec<Override>,
}

/// The labels that people gave a store, and those that it has of itself.
pub(crate) fn labels(text: &str, region: &str) -> Labels {
    // What does not read was refused when it was written; nobody is lost for it.
    let mut labels: Labels =
        if text.is_empty() { Labels::default() } else { serde_json::from_str(text).unwrap_or_default() };
    if !region.is_empty() {
        // A region that is no value of a label is not known by one.
        let _ = labels.set(REGION, region);
    }
    labels
}

/// Which node a row is of; nothing where its name is none that the rules know.
pub(super) fn id(store: &str, node: &str) -> Option<NodeId> {
    Some(NodeId { store: StoreId::new(store).ok()?, serial: Serial::new(node).ok()? })
}

/// A node as the rules see it; nothing where its name is none that the rules know.
pub(crate) fn member(row: &MemberRow) -> Option<Member> {
    let id = id(&row.store, &row.node)?;
    Some(Member { id, labels: labels(&row.labels, &row.region), version: row.version.parse().ok() })
}

/// The facts that a node told.
pub(crate) fn facts(row: &MemberRow) -> Option<Facts> {
    serde_json::from_str(&row.facts).ok()
}

impl Members {
    /// All of them.
    pub(crate) async fn read(database: &Database) -> Result<Self, DatabaseError> {
        let mut all = Self::default();
        let mut after = (String::new(), String::new());
        loop {
            let page = database.members((&after.0, &after.1), ROWS_MAX).await?;
            let is_last = page.len() < ROWS_MAX as usize;
            for row in page {
                after = (row.store.clone(), row.node.clone());
                if let Some(member) = member(&row) {
                    all.members.push(member);
                    all.rows.push(row);
                }
            }
            if is_last {
                // By their names, as the rules order them, whatever the database thinks of letters.
                let mut both: Vec<(Member, MemberRow)> = all.members.into_iter().zip(all.rows).collect();
                both.sort_by(|a, b| a.0.id.cmp(&b.0.id));
                let (members, rows) = both.into_iter().unzip();
                return Ok(Self { members, rows });
            }
        }
    }

    /// One of them.
    pub(crate) fn get(&self, node: &NodeId) -> Option<(&Member, &MemberRow)> {
        let place = self.members.binary_search_by(|member| member.id.cmp(node)).ok()?;
        self.members.get(place).zip(self.rows.get(place))
    }
}

async fn documents<T: DeserializeOwned>(
    database: &Database,
    kind: WordKind,
) -> Result<Vec<T>, DatabaseError> {
    let (mut found, mut after) = (Vec::new(), (String::new(), String::new()));
    loop {
        let page = database.fleet_words(kind, (&after.0, &after.1), ROWS_MAX).await?;
        let is_last = page.len() < ROWS_MAX as usize;
        for word in page {
            let damaged = |_| DatabaseError::Damaged {
                table: "fleet_words",
                column: "document",
                row: word.name.clone(),
            };
            found.push(serde_json::from_str(&word.document).map_err(damaged)?);
            after = (word.name, word.part);
        }
        if is_last {
            return Ok(found);
        }
    }
}

impl Words {
    /// All of them.
    pub(crate) async fn read(database: &Database) -> Result<Self, DatabaseError> {
        let groups = documents(database, WordKind::Group).await?;
        Ok(Self { groups, overrides: documents(database, WordKind::Override).await? })
    }
}

/// Every rollout that is kept.
pub(crate) async fn rollouts(database: &Database) -> Result<BTreeMap<String, KeptRollout>, DatabaseError> {
    let mut all = BTreeMap::new();
    for (name, _) in database.rollout_counters().await? {
        if let Some(kept) = database.rollout(&name).await? {
            all.insert(name, kept);
        }
    }
    Ok(all)
}

/// What every node said of itself last.
pub(crate) async fn says(database: &Database) -> Result<BTreeMap<NodeId, NodeSays>, DatabaseError> {
    let (mut all, mut after) = (BTreeMap::new(), (String::new(), String::new()));
    loop {
        let page = database.all_says((&after.0, &after.1), ROWS_MAX).await?;
        let is_last = page.len() < ROWS_MAX as usize;
        for (store, node, bytes) in page {
            if let (Some(id), Ok(says)) = (id(&store, &node), NodeSays::decode(&bytes)) {
                all.insert(id, says);
            }
            after = (store, node);
        }
        if is_last {
            return Ok(all);
        }
    }
}

/// What every node should be, in the order of the members.
pub(crate) fn resolve<'a>(
    members: &[Member],
    words: &'a Words,
    rollouts: impl Iterator<Item = &'a Rollout>,
    now: Timestamp,
) -> Vec<Arc<Resolved>> {
    let layers = rollouts.map(Rollout::layer).collect();
    let resolver = Resolver::new(&words.groups, layers, &words.overrides, now);
    resolver.all(&Index::new(members), &mut Work::default())
}
