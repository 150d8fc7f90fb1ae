//! What the nodes of a rehearsal say, as one, and how it is shown.
//!
//! Not here: how the words of many stores become one (`aisle_fleet::rehearsal`).

use crate::{
    database::{Database, DatabaseError, fleet::KeptRehearsal, read::ROWS_MAX},
    fleet::world::id,
};
use aisle_fleet::{
    NodeId, Release, Slot, Version,
    rehearsal::{Played, Rehearsal, StoreRehearsal, merge},
};
use serde::{Deserialize, Serialize};

/// What stores say of one candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct OfCandidate {
    /// The place that it is for.
    pub slot: Slot,
    /// Its version.
    pub version: Version,
    /// What they say.
    pub found: Rehearsal,
}

#[derive(Default, Serialize, Deserialize)]
pub(super) struct Found {
    pub answered: u64,
    candidates: Vec<OfCandidate>,
}

/// A rehearsal: who was asked, and what they say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct RehearsalView {
    /// When it was asked for, in milliseconds since 1970.
    pub asked_at_ms: i64,
    /// When it ends at the latest.
    pub until_ms: i64,
    /// True while nodes are asked.
    pub is_open: bool,
    /// When it ended.
    pub ended_at_ms: Option<i64>,
    /// Why it ended.
    pub why: Option<String>,
    /// How many nodes are asked.
    pub nodes: u64,
    /// How many of them have answered.
    pub answered: u64,
    /// What they say of each plugin of the rollout.
    pub candidates: Vec<OfCandidate>,
}

/// The last rehearsal of a rollout, as far as it has come.
pub(crate) async fn view(database: &Database, rollout: &str) -> Result<Option<RehearsalView>, DatabaseError> {
    let Some(kept) = database.rehearsal(rollout).await? else { return Ok(None) };
    let is_open = kept.ended_ms == 0;
    let found = if is_open {
        found(database, &kept).await?
    } else {
        // One that an earlier build wrote is none that can be shown.
        serde_json::from_str(&kept.found).unwrap_or_default()
    };
    Ok(Some(RehearsalView {
        asked_at_ms: kept.round,
        until_ms: kept.until_ms,
        is_open,
        ended_at_ms: (!is_open).then_some(kept.ended_ms),
        why: Some(kept.why).filter(|why| !why.is_empty()),
        nodes: u64::try_from(kept.nodes).unwrap_or(0),
        answered: found.answered,
        candidates: found.candidates,
    }))
}

/// Every node that is asked, with what it said; nothing of those that have not.
pub(super) async fn nodes(
    database: &Database,
    rollout: &str,
    mut each: impl FnMut(NodeId, &str),
) -> Result<(), DatabaseError> {
    let mut after = (String::new(), String::new());
    loop {
        let page = database.rehearsal_nodes(rollout, (&after.0, &after.1), ROWS_MAX).await?;
        let is_last = page.len() < ROWS_MAX as usize;
        for (store, node, said) in page {
            if let Some(id) = id(&store, &node) {
                each(id, &said);
            }
            after = (store, node);
        }
        if is_last {
            return Ok(());
        }
    }
}

/// What the nodes of an open rehearsal have said, as one.
pub(super) async fn found(database: &Database, kept: &KeptRehearsal) -> Result<Found, DatabaseError> {
    let mut answered = 0;
    let mut of: Vec<Vec<StoreRehearsal>> = vec![Vec::new(); kept.candidates.len()];
    nodes(database, &kept.rollout, |node, said| {
        if said.is_empty() {
            return;
        }
        answered += 1;
        let played: Vec<Played> = serde_json::from_str(said).unwrap_or_default();
        for ((slot, release), rows) in kept.candidates.iter().zip(&mut of) {
            let said = played.iter().find(|played| played.slot == *slot && played.hash == release.hash);
            rows.extend(said.map(|played| played.clone().of_store(node.store.clone())));
        }
    })
    .await?;
    let one = |((slot, release), mut rows): (&(Slot, Release), Vec<StoreRehearsal>)| {
        // Of the boxes of a store the one with most calls says it.
        rows.sort_by_key(|row| row.calls);
        OfCandidate { slot: slot.clone(), version: release.version.clone(), found: merge(rows) }
    };
    Ok(Found { answered, candidates: kept.candidates.iter().zip(of).map(one).collect() })
}
