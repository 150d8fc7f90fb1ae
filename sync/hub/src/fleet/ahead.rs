//! Before a rollout begins: the plan of its waves, who would fail, and how much of the fleet it reaches.

use super::{
    aged::aged,
    orders::{Bytes, releases},
    world::{self, Members, Words},
};
use crate::database::{Database, DatabaseError, read::ROWS_MAX};
use aisle_event::Timestamp;
use aisle_fleet::{
    ArtefactSet, Index, Kind, NodeId, NodeSays, Reason, RolloutSpec,
    desired::{Resolved, Source, Work},
    preflight::{NodeFacts, Preflight, Rules, preflight},
    report::Asked,
    wave::{Plan, plan},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A rollout that reaches more of the fleet than one in so many wants another person.
const SHARE: u64 = 4;

/// What a preflight found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Found {
    /// Who would fail and who would wait.
    pub preflight: Preflight,
    /// How many nodes the fleet has.
    pub fleet: u64,
    /// How many people beside its author have to approve it.
    pub approvals: u8,
    /// Nodes that it means and that are in no wave: they are compared with.
    pub compared: u64,
    /// Artefacts of it that are not at this hub: `slot version`.
    pub missing: Vec<String>,
}

/// Looks at every node that a rollout means. Gives the nodes as well of which the rules have not heard yet: they have been looked at, and join nothing later.
pub(crate) async fn look(
    database: &Database,
    spec: &RolloutSpec,
    now: Timestamp,
) -> Result<(Found, Plan, Vec<NodeId>), DatabaseError> {
    let members = Members::read(database).await?;
    let words = Words::read(database).await?;
    let says = world::says(database).await?;
    let bytes = Bytes::find(database, releases(&spec.set).map(|(_, release)| release)).await?;
    let missing: Vec<String> = releases(&spec.set)
        .filter(|(_, release)| bytes.get(release).is_none())
        .map(|(slot, release)| format!("{slot} {}", release.version))
        .collect();
    let index = Index::new(&members.members);
    let plan = plan(&spec.rollout, &spec.who, &spec.waves, &index, &mut Work::default());
    let resolved = world::resolve(&members.members, &words, std::iter::empty(), now);
    let rows = members.members.iter().zip(&members.rows).zip(&resolved);
    let facts: Vec<NodeFacts> = rows
        .map(|((member, row), resolved)| {
            let mut facts = NodeFacts::of(member.clone());
            facts.seen_at = (row.last_seen_ms > 0).then_some(Timestamp(row.last_seen_ms));
            known(&mut facts, says.get(&member.id).zip(Some(row.reported_at_ms)), resolved, now);
            facts
        })
        .collect();
    let mut found = preflight(spec, &plan, &facts, &Rules::default(), now);
    if !missing.is_empty() && found.refusal.is_none() {
        let named = missing.join("`, `");
        found.refusal =
            Some(format!("the bytes of `{named}` are not at this hub\nhint: publish the artefact first"));
    }
    let unknown = unknown_policy(database, &spec.set).await?;
    let unmeasured = super::business::unknown(spec).map(|invalid| invalid.to_string());
    found.refusal = found.refusal.take().or(unmeasured).or(unknown);
    let fleet = members.members.len() as u64;
    let is_wide = found.nodes.saturating_mul(SHARE) > fleet;
    let compared = plan.left.len() as u64;
    let approvals = spec.approvals.max(u8::from(is_wide));
    let known = known_nodes(database).await?;
    let new = members.members.iter().filter(|member| !known.contains(&member.id));
    let new = new.map(|member| member.id.clone()).collect();
    Ok((Found { preflight: found, fleet, approvals, compared, missing }, plan, new))
}

/// Why a policy of a set must not go out: what stores send by a policy that this hub does not know is refused.
pub(super) async fn unknown_policy(
    database: &Database,
    set: &ArtefactSet,
) -> Result<Option<String>, DatabaseError> {
    for (slot, release) in releases(set).filter(|(slot, _)| slot.kind() == Kind::Policy) {
        let text = release.version.as_str();
        let Some(version) = text.strip_suffix(".0.0").and_then(|version| version.parse::<u32>().ok()) else {
            return Ok(Some(format!(
                "`{slot}` {text}: the artefact of version 4 of a policy is of version `4.0.0`\nhint: sign it again under that version"
            )));
        };
        if !database.knows_policy(version).await? {
            return Ok(Some(format!(
                "`{slot}` {text}: version {version} of the policy is not at this hub, and what stores send by it would be refused\nhint: `aisle-hub policy publish`; `policies.wanted` keeps the line from bringing it to every store at once"
            )));
        }
    }
    Ok(None)
}

/// What the hub knows of a node from what it said and when, and from what is said of it.
fn known(facts: &mut NodeFacts, says: Option<(&NodeSays, i64)>, resolved: &Resolved, now: Timestamp) {
    facts.maintenance.clone_from(&resolved.state.maintenance);
    facts.minimums.clone_from(&resolved.state.minimums);
    for (slot, why) in &resolved.why {
        if let Some(Source::Override { why, .. }) = &why.source {
            facts.held.insert(slot.clone(), why.clone());
        }
    }
    let Some((says, told_at_ms)) = says else { return };
    // A disk that was told of days ago has gone on filling.
    facts.disk_free_bytes = aged(says.facts.clone(), told_at_ms, now.0).disk_free_bytes;
    facts.grants.clone_from(&says.facts.grants);
    facts.denies.clone_from(&says.facts.denies);
    if let Some(kinds) = &says.facts.kinds {
        for kind in Kind::ALL.into_iter().filter(|kind| !kinds.contains(kind)) {
            facts.denies.insert(kind, format!("the node cannot put a {kind} in place"));
        }
    }
    for (slot, of_slot) in &says.report.slots {
        if let Some(running) = &of_slot.running {
            facts.running.insert(slot.clone(), running.hash);
            // What is in force is the least that such a slot takes.
            let known = facts.minimums.get(slot);
            if slot.kind().goes_only_forward()
                && known.is_none_or(|minimum| minimum.is_below(&running.version))
            {
                facts.minimums.insert(slot.clone(), running.version.clone());
            }
        }
        let Some(Asked::Release(asked)) = &of_slot.wanted else { continue };
        for reason in &of_slot.reasons {
            if let Reason::KnownBad { fault, .. } = reason {
                facts.bad.insert(asked.hash, fault.clone());
            }
        }
    }
}

async fn known_nodes(database: &Database) -> Result<BTreeSet<NodeId>, DatabaseError> {
    let (mut known, mut after) = (BTreeSet::new(), (String::new(), String::new()));
    loop {
        let page = database.fleet_nodes((&after.0, &after.1), ROWS_MAX).await?;
        let is_last = page.len() < ROWS_MAX as usize;
        for node in page {
            known.extend(world::id(&node.store, &node.node).filter(|_| node.is_member));
            after = (node.store, node.node);
        }
        if is_last {
            return Ok(known);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_event::StoreId;
    use aisle_fleet::{
        ContentHash, DesiredState, Labels, Member, Serial,
        says::{Facts, Horizon},
    };
    use std::collections::BTreeMap;

    #[test]
    fn a_preflight_goes_by_the_room_that_a_disk_has_by_now() {
        let id = NodeId { store: StoreId::new("store-1").unwrap(), serial: Serial::new("node-1").unwrap() };
        let mut facts = NodeFacts::of(Member { id, labels: Labels::default(), version: None });
        let horizon = vec![Horizon { what: "disk".into(), days: 20.0 }];
        let told = Facts { disk_free_bytes: Some(1_000), horizon, ..Facts::default() };
        let says = NodeSays { facts: told, ..NodeSays::default() };
        let (state, hash) = (DesiredState::default(), ContentHash([0; 32]));
        let (why, why_settings) = (BTreeMap::new(), BTreeMap::new());
        let resolved = Resolved { state, hash, why, why_settings };
        let day = 86_400_000;
        known(&mut facts, Some((&says, day)), &resolved, Timestamp(6 * day));
        assert_eq!(facts.disk_free_bytes, Some(750));
    }
}
