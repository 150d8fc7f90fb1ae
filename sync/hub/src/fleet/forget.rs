//! Forgetting rollouts that are over: by a person, or because a new one needs the room.
//!
//! A rollout that is done still says what its nodes should run. It may go when nothing else follows for any of them then: because a group says the same by now, or a later rollout says
//! something else anyway. What only it said is left as it is. The audit log keeps who did what. Guards: a rollout that goes changes what no node runs,
//! also where somebody says something while it is looked at.

use super::{
    ROLLOUTS_MAX,
    act::Voice,
    world::{self, Members, Words},
};
use crate::database::{
    DatabaseError,
    fleet::{Change, KeptRollout},
};
use aisle_event::Timestamp;
use aisle_fleet::{NodeId, RolloutPhase, desired::Resolved};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// How many of the oldest are looked at to find one that may go.
const TRIES_MAX: usize = 16;

/// Why a rollout was not forgotten.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForgetError {
    #[error("there is no such rollout")]
    Unknown,
    #[error("it is {phase}, and only what is over can be forgotten\nhint: `finish` or `abort` it first")]
    NotOver { phase: RolloutPhase },
    #[error(
        "it still decides what {nodes} nodes run, such as `{example}`, which would be given something else\nhint: say in a group what they should run; then it decides nothing any more"
    )]
    Decides { nodes: u64, example: NodeId },
    #[error("it was changed at the same moment\nhint: look at it, and say it again")]
    Raced,
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// What would follow if rollouts were gone.
#[derive(Debug, Default)]
struct Without {
    /// Nodes that would be given something else.
    otherwise: u64,
    /// One of them.
    example: Option<NodeId>,
    /// Nodes of which nothing would be said any more: they keep what they have.
    unsaid: u64,
}

/// The fleet as it is said to be.
struct Fleet {
    members: Members,
    words: Words,
    rollouts: BTreeMap<String, KeptRollout>,
    now: Timestamp,
    was: Vec<Arc<Resolved>>,
}

impl Fleet {
    async fn read(voice: Voice<'_>) -> Result<Self, DatabaseError> {
        let members = Members::read(voice.database).await?;
        let words = Words::read(voice.database).await?;
        let rollouts = world::rollouts(voice.database).await?;
        let now = Timestamp(voice.now_ms);
        let all = rollouts.values().map(|kept| &kept.rollout);
        let was = world::resolve(&members.members, &words, all, now);
        Ok(Self { members, words, rollouts, now, was })
    }

    fn without(&self, gone: &BTreeSet<&str>) -> Without {
        let left = self.rollouts.iter().filter(|(name, _)| !gone.contains(name.as_str()));
        let left = left.map(|(_, kept)| &kept.rollout);
        let becomes = world::resolve(&self.members.members, &self.words, left, self.now);
        let mut found = Without::default();
        for (member, (was, becomes)) in self.members.members.iter().zip(self.was.iter().zip(&becomes)) {
            if was.hash == becomes.hash {
                continue;
            }
            let (was, becomes) = (&was.state.slots, &becomes.state.slots);
            // Another round of the same is nothing else.
            let is_other = |(slot, wanted): (&_, &aisle_fleet::desired::Wanted)| {
                becomes.get(slot).is_some_and(|becomes| becomes.want != wanted.want)
            };
            if was.iter().any(is_other) {
                found.otherwise += 1;
                found.example.get_or_insert_with(|| member.id.clone());
            } else if was.keys().any(|slot| !becomes.contains_key(slot)) {
                found.unsaid += 1;
            }
        }
        found
    }
}

/// Forgets a rollout that is over.
pub(crate) async fn forget(voice: Voice<'_>, name: &str) -> Result<(), ForgetError> {
    let changes = voice.database.fleet_changes().await?;
    let kept = voice.database.rollout(name).await?.ok_or(ForgetError::Unknown)?;
    is_over(&kept)?;
    let found = Fleet::read(voice).await?.without(&BTreeSet::from([name]));
    if let Some(example) = found.example {
        return Err(ForgetError::Decides { nodes: found.otherwise, example });
    }
    let mut change = voice.database.change_fleet(false).await?;
    let now = change.rollout(name).await?.ok_or(ForgetError::Unknown)?;
    // What it decides follows from every word and every rollout, not from itself alone.
    if now.counter != kept.counter || !change.is_next(changes) {
        return Err(ForgetError::Raced);
    }
    take(voice, &mut change, &kept, found.unsaid).await?;
    change.commit().await?;
    voice.wake.wake();
    tracing::info!(rollout = name, by = voice.who.id, left = found.unsaid, "a rollout was forgotten");
    Ok(())
}

fn is_over(kept: &KeptRollout) -> Result<(), ForgetError> {
    let phase = kept.rollout.phase();
    if phase.is_over() { Ok(()) } else { Err(ForgetError::NotOver { phase: phase.clone() }) }
}

async fn take(
    voice: Voice<'_>,
    change: &mut Change,
    kept: &KeptRollout,
    unsaid: u64,
) -> Result<(), DatabaseError> {
    let name = kept.rollout.spec().rollout.as_str();
    change.drop_rollout(name).await?;
    let line = voice.people.line(voice.who.by(), "rollout.delete", &format!("rollout/{name}"), voice.now_ms);
    let was = json!({ "phase": kept.rollout.phase(), "author": kept.rollout.author(), "spec": kept.rollout.spec() });
    change.audit(&line.was(was).became(json!({ "left_as_they_are": unsaid }))).await
}

/// Rollouts that may go because nobody would notice, as it was found before a change began.
#[derive(Debug, Default)]
pub(super) struct Spare {
    /// Names and counters, the oldest last.
    found: Vec<(String, i64)>,
    /// How many changes people had made before anything was looked at.
    changes: i64,
}

/// One of [`Spare`].
#[derive(Debug)]
pub(super) struct SpareOne {
    name: String,
    counter: i64,
}

impl Spare {
    /// The oldest one that is left.
    pub(super) fn oldest(&mut self) -> Option<SpareOne> {
        self.found.pop().map(|(name, counter)| SpareOne { name, counter })
    }
}

/// Looks for rollouts that may go; none where there is room for so many new ones.
pub(super) async fn spare(voice: Voice<'_>, new: usize) -> Result<Spare, DatabaseError> {
    let changes = voice.database.fleet_changes().await?;
    let max = usize::try_from(ROLLOUTS_MAX).unwrap_or(usize::MAX);
    let there = voice.database.rollout_counters().await?.len();
    let wanted = there.saturating_add(new).saturating_sub(max).min(new);
    if wanted == 0 {
        return Ok(Spare { found: Vec::new(), changes });
    }
    let fleet = Fleet::read(voice).await?;
    let mut over: Vec<&KeptRollout> =
        fleet.rollouts.values().filter(|kept| kept.rollout.phase().is_over()).collect();
    over.sort_by_key(|kept| kept.rollout.order());
    let mut gone: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    // One after the other: of two that say the same only one may go.
    for kept in over.into_iter().take(TRIES_MAX) {
        if found.len() == wanted {
            break;
        }
        let name = kept.rollout.spec().rollout.as_str();
        gone.insert(name);
        let without = fleet.without(&gone);
        if without.otherwise == 0 && without.unsaid == 0 {
            found.push((name.to_owned(), kept.counter));
        } else {
            gone.remove(name);
        }
    }
    found.reverse();
    Ok(Spare { found, changes })
}

/// Forgets one of [`Spare`] within a change. False where anything was changed since it was looked at: then nobody knows what would follow, not for those behind it either.
pub(super) async fn forget_in(
    voice: Voice<'_>,
    change: &mut Change,
    spare: &Spare,
    one: &SpareOne,
) -> Result<bool, DatabaseError> {
    let Some(kept) = change.rollout(&one.name).await? else { return Ok(false) };
    if !change.is_next(spare.changes) || kept.counter != one.counter || is_over(&kept).is_err() {
        return Ok(false);
    }
    take(voice, change, &kept, 0).await?;
    Ok(true)
}
