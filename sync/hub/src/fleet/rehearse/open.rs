//! Rehearsals for which nodes are asked: what each is asked, what it said, and when that ends. The engine's.
//!
//! Guards: a node has answered when it has said something of every plugin of the rollout, in this round; and what was said outlives the hub that heard it.

use super::{OPEN_MAX, found, plugins};
use crate::{
    database::{
        Database, DatabaseError,
        fleet::{KeptRehearsal, KeptRollout, Lease},
    },
    fleet::{effects, orders::Bytes},
};
use aisle_event::Timestamp;
use aisle_fleet::{
    NodeId, Release, Slot,
    rehearsal::{CANDIDATES_MAX, Candidate, Played},
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// A rehearsal for which nodes are asked.
#[derive(Debug)]
struct Open {
    kept: KeptRehearsal,
    asked: BTreeSet<NodeId>,
    waiting: BTreeSet<NodeId>,
}

/// Rehearsals for which nodes are asked. All of it is in rows as well.
#[derive(Debug, Default)]
pub(in crate::fleet) struct Rehearsing(BTreeMap<String, Open>);

/// What is needed to work on them.
pub(in crate::fleet) struct Around<'a> {
    pub database: &'a Database,
    pub hub: &'a str,
    pub lease: &'a Lease,
    pub rollouts: &'a BTreeMap<String, KeptRollout>,
    pub is_member: &'a (dyn Fn(&NodeId) -> bool + Sync),
    pub now: Timestamp,
}

impl Rehearsing {
    /// Reads those again that people have begun.
    pub(in crate::fleet) async fn refresh(&mut self, database: &Database) -> Result<(), DatabaseError> {
        let open = database.open_rehearsals(OPEN_MAX).await?;
        self.0.retain(|name, known| {
            open.iter().any(|kept| kept.rollout == *name && kept.round == known.kept.round)
        });
        for kept in open {
            if self.0.contains_key(&kept.rollout) {
                continue;
            }
            let (mut asked, mut waiting) = (BTreeSet::new(), BTreeSet::new());
            found::nodes(database, &kept.rollout, |node, said| {
                if said.is_empty() {
                    waiting.insert(node.clone());
                }
                asked.insert(node);
            })
            .await?;
            self.0.insert(kept.rollout.clone(), Open { kept, asked, waiting });
        }
        Ok(())
    }

    /// What a node is to rehearse, of rollouts that were asked for first first. What is beyond the bound waits until one of them has ended.
    pub(in crate::fleet) fn of_node(&self, node: &NodeId, bytes: &Bytes) -> Vec<Candidate> {
        let mut of: Vec<&Open> = self.0.values().filter(|open| open.asked.contains(node)).collect();
        of.sort_by_key(|open| open.kept.round);
        let mut all: Vec<Candidate> = Vec::new();
        for (kept, (slot, release)) in
            of.iter().flat_map(|open| open.kept.candidates.iter().map(|one| (&open.kept, one)))
        {
            let round = u64::try_from(kept.round).unwrap_or(0);
            let known = all.iter_mut().find(|one| one.slot == *slot && one.release.hash == release.hash);
            if let Some(known) = known {
                known.round = known.round.max(round);
            } else if all.len() < CANDIDATES_MAX && bytes.get(release).is_some() {
                all.push(Candidate { slot: slot.clone(), release: release.clone(), round });
            }
        }
        all
    }

    /// Takes in what nodes say, and ends what is through. True when orders have to be made anew; nothing when another hub has the lease by now.
    pub(in crate::fleet) async fn work(
        &mut self,
        around: &Around<'_>,
        said: &[(NodeId, Vec<Played>)],
    ) -> Result<Option<bool>, DatabaseError> {
        for open in self.0.values_mut() {
            if !open.hear(around, said).await? {
                return Ok(None);
            }
        }
        let mut ended = Vec::new();
        for (name, open) in &self.0 {
            let Some(why) = open.is_through(around) else { continue };
            let found = found::found(around.database, &open.kept).await?;
            let Some(mut rule) = around.database.rule_fleet(around.lease).await? else { return Ok(None) };
            let text = serde_json::to_string(&found).unwrap_or_default();
            let now_ms = around.now.0;
            if rule.end_rehearsal((name, open.kept.round), &why, &text, now_ms).await? {
                let detail = json!({ "why": why, "nodes": open.kept.nodes, "answered": found.answered });
                let names = ("rehearsed", "rollout.rehearsed");
                let (event, line) = effects::noted(name, around.hub, names, detail, now_ms);
                rule.note_rollout(name, &event).await?;
                rule.audit(&line).await?;
                rule.commit().await?;
            }
            ended.push(name.clone());
        }
        self.0.retain(|name, _| !ended.contains(name));
        Ok(Some(!ended.is_empty()))
    }
}

impl Open {
    fn candidates(&self) -> impl Iterator<Item = Candidate> {
        let round = u64::try_from(self.kept.round).unwrap_or(0);
        let one = move |(slot, release): &(Slot, Release)| Candidate {
            slot: slot.clone(),
            release: release.clone(),
            round,
        };
        self.kept.candidates.iter().map(one)
    }

    /// False when another hub has the lease by now.
    async fn hear(
        &mut self,
        around: &Around<'_>,
        said: &[(NodeId, Vec<Played>)],
    ) -> Result<bool, DatabaseError> {
        let mut heard: Vec<(&NodeId, String)> = Vec::new();
        for (node, played) in said.iter().filter(|(node, _)| self.waiting.contains(node)) {
            let answer = |candidate: Candidate| played.iter().find(|one| candidate.is_played(one)).cloned();
            let all: Option<Vec<Played>> = self.candidates().map(answer).collect();
            // One that has played some of them says so again when it has played all.
            if let Some(all) = all {
                // PostgreSQL has no such text; JSON writes it with six signs.
                heard.push((node, serde_json::to_string(&all).unwrap_or_default()));
            }
        }
        if heard.is_empty() {
            return Ok(true);
        }
        let Some(mut rule) = around.database.rule_fleet(around.lease).await? else { return Ok(false) };
        for (node, text) in &heard {
            rule.put_rehearsed((&self.kept.rollout, self.kept.round), node, text).await?;
        }
        rule.commit().await?;
        for (node, _) in heard {
            self.waiting.remove(node);
        }
        Ok(true)
    }

    /// Why it is through, where it is.
    fn is_through(&self, around: &Around<'_>) -> Option<String> {
        let Some(kept) = around.rollouts.get(&self.kept.rollout) else {
            return Some("the rollout is gone".into());
        };
        let phase = kept.rollout.phase();
        if !phase.may_rehearse() {
            return Some(format!("the rollout is {phase}"));
        }
        if plugins(kept) != self.kept.candidates {
            return Some("the rollout was written anew".into());
        }
        if !self.waiting.iter().any(|node| (around.is_member)(node)) {
            let is_all = self.waiting.is_empty();
            return Some(
                if is_all { "every node has answered" } else { "every node that is left has answered" }
                    .into(),
            );
        }
        (around.now.0 >= self.kept.until_ms).then(|| "its time is over".into())
    }
}
