//! Before a rollout begins: who would fail, who would have to wait, and why.
//!
//! It goes by what the hub knows of each node, which may be old; what it finds is a forecast, and the node decides. Not here: what people make of it.

use crate::{
    artefact::{ArtefactSet, Release, Slot},
    denied::Denies,
    hash::ContentHash,
    name::Grant,
    node::{Member, NodeId},
    reason::{Fault, Reason},
    rollout::RolloutSpec,
    version::Version,
    wave::Plan,
    window::Maintenance,
};
use aisle_event::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How many nodes are named of a group of findings.
const EXAMPLES_MAX: usize = 5;

/// What the hub knows of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeFacts {
    /// Who it is, and what it runs.
    pub member: Member,
    /// When it was last heard of.
    pub seen_at: Option<Timestamp>,
    /// Room on its disk, in bytes, where it has said so.
    pub disk_free_bytes: Option<u64>,
    /// What the store grants to plugins; everything where nothing is said.
    pub grants: Option<BTreeSet<Grant>>,
    /// What the store denies, or cannot put in place, and why.
    pub denies: Denies,
    /// When something may be changed there.
    pub maintenance: Option<Maintenance>,
    /// What it gave up.
    pub bad: BTreeMap<ContentHash, Fault>,
    /// Its minimums.
    pub minimums: BTreeMap<Slot, Version>,
    /// Slots that an override holds, and why.
    pub held: BTreeMap<Slot, String>,
    /// What it runs.
    pub running: BTreeMap<Slot, ContentHash>,
}

impl NodeFacts {
    /// Of a node of which nothing else is known.
    #[must_use]
    pub const fn of(member: Member) -> Self {
        Self {
            member,
            seen_at: None,
            disk_free_bytes: None,
            grants: None,
            denies: Denies::new(),
            maintenance: None,
            bad: BTreeMap::new(),
            minimums: BTreeMap::new(),
            held: BTreeMap::new(),
            running: BTreeMap::new(),
        }
    }
}

/// What a preflight goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Artefacts that nobody may have any more, and why.
    pub bans: BTreeMap<ContentHash, String>,
    /// Who has been away for longer is told of.
    pub offline_hours: u64,
    /// The shortest maintenance window in which an artefact can be put in place, in minutes.
    pub window_minutes: u16,
    /// Room that nodes leave free on their disks, in bytes.
    pub disk_reserve_bytes: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { bans: BTreeMap::new(), offline_hours: 72, window_minutes: 15, disk_reserve_bytes: 64 << 20 }
    }
}

/// What a finding means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Severity {
    /// It would not do it.
    Fails,
    /// It would have to wait.
    Waits,
    /// People should know.
    Note,
}

/// The same finding at many nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FindingGroup {
    /// What it means.
    pub severity: Severity,
    /// Which slot it is about; nothing where it is about the node.
    pub slot: Option<Slot>,
    /// Why, of the first node.
    pub reason: Reason,
    /// In how many nodes.
    pub count: u64,
    /// The first few, by name.
    pub examples: Vec<NodeId>,
}

/// What a preflight found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Preflight {
    /// Why it cannot be started at all.
    pub refusal: Option<String>,
    /// How many nodes are in its waves.
    pub nodes: u64,
    /// How many of them have nothing against it.
    pub clear: u64,
    /// How many would not do it.
    pub failing: u64,
    /// Findings, the gravest first, then those of most nodes.
    pub groups: Vec<FindingGroup>,
    /// The nodes that would not do it, to be excluded with one command.
    pub fail: BTreeSet<NodeId>,
}

/// Looks at every node of a plan. Nodes of which nothing is known are told of as never heard of.
#[must_use]
pub fn preflight(
    spec: &RolloutSpec,
    plan: &Plan,
    facts: &[NodeFacts],
    rules: &Rules,
    now: Timestamp,
) -> Preflight {
    let known: HashMap<&NodeId, &NodeFacts> = facts.iter().map(|facts| (&facts.member.id, facts)).collect();
    let mut groups: BTreeMap<(Severity, Option<Slot>, String), FindingGroup> = BTreeMap::new();
    let (mut clear, mut fail) = (0, BTreeSet::new());
    for node in plan.waves.iter().flatten() {
        let findings = known.get(node).map_or_else(
            || vec![(Severity::Note, None, Reason::OfflineLong { hours: rules.offline_hours })],
            |facts| findings(&spec.set, facts, rules, now),
        );
        clear += u64::from(findings.is_empty());
        let mut seen = BTreeSet::new();
        for (severity, slot, reason) in findings {
            let key = (severity, slot.clone(), reason.code().to_owned());
            if severity == Severity::Fails {
                fail.insert(node.clone());
            }
            if !seen.insert(key.clone()) {
                continue;
            }
            let group = groups.entry(key).or_insert_with(|| FindingGroup {
                severity,
                slot,
                reason,
                count: 0,
                examples: Vec::new(),
            });
            group.count += 1;
            if group.examples.len() < EXAMPLES_MAX {
                group.examples.push(node.clone());
            }
        }
    }
    let mut groups: Vec<FindingGroup> = groups.into_values().collect();
    groups.sort_by_key(|group| (group.severity, std::cmp::Reverse(group.count)));
    let nodes = plan.nodes() as u64;
    Preflight { refusal: refusal(spec, plan, rules), nodes, clear, failing: fail.len() as u64, groups, fail }
}

fn refusal(spec: &RolloutSpec, plan: &Plan, rules: &Rules) -> Option<String> {
    let releases = spec.set.iter().filter_map(|(slot, want)| want.release().map(|release| (slot, release)));
    for (slot, release) in releases {
        if let Some(why) = rules.bans.get(&release.hash) {
            let version = &release.version;
            return Some(format!("`{slot}` {version} is banned: {why}\nhint: release another version"));
        }
    }
    let empty = spec.waves.iter().zip(&plan.waves).find(|(_, nodes)| nodes.is_empty());
    empty.map(|(wave, _)| {
        let who = wave.who.as_ref().unwrap_or(&spec.who);
        format!("wave `{}` has no node: nothing that is left is `{who}`", wave.name)
    })
}

type Finding = (Severity, Option<Slot>, Reason);

fn findings(set: &ArtefactSet, facts: &NodeFacts, rules: &Rules, now: Timestamp) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let mut room = 0_u64;
    for (slot, want) in set {
        if let Some(why) = facts.held.get(slot) {
            found.push((Severity::Note, Some(slot.clone()), Reason::HeldByOverride { why: why.clone() }));
        }
        if slot.kind().goes_only_forward() {
            // To be without it again is what no node does.
            let severity = if want.release().is_some() { Severity::Note } else { Severity::Fails };
            found.push((severity, Some(slot.clone()), Reason::OnlyForward));
        }
        if let Some(why) = facts.denies.why(slot).filter(|_| want.release().is_some()) {
            let reason = Reason::PolicyDenies { why: why.into() };
            found.push((Severity::Fails, Some(slot.clone()), reason));
        }
        let Some(release) = want.release() else { continue };
        if facts.running.get(slot) == Some(&release.hash) {
            continue;
        }
        room = room.saturating_add(release.room_bytes());
        let of_release = of_release(slot, release, facts);
        found.extend(of_release.into_iter().map(|reason| (Severity::Fails, Some(slot.clone()), reason)));
    }
    let needed = if room == 0 { 0 } else { room.saturating_add(rules.disk_reserve_bytes) };
    if let Some(free) = facts.disk_free_bytes.filter(|free| *free < needed) {
        found.push((Severity::Waits, None, Reason::DiskFull { missing_bytes: needed - free }));
    }
    let hours = facts.seen_at.map_or(u64::MAX, |seen| now.ms_since(seen) / 3_600_000);
    if hours >= rules.offline_hours {
        found.push((Severity::Waits, None, Reason::OfflineLong { hours }));
    }
    let longest = facts.maintenance.as_ref().map(Maintenance::longest_minutes);
    if let Some(longest_minutes) = longest.filter(|longest| *longest < rules.window_minutes) {
        let needs_minutes = rules.window_minutes;
        found.push((Severity::Fails, None, Reason::WindowShort { longest_minutes, needs_minutes }));
    }
    found
}

fn of_release(slot: &Slot, release: &Release, facts: &NodeFacts) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let version = || release.version.clone();
    let minimum = facts.minimums.get(slot).filter(|minimum| release.version.is_below(minimum));
    reasons
        .extend(minimum.map(|minimum| Reason::BelowMinimum { version: version(), minimum: minimum.clone() }));
    let fault = facts.bad.get(&release.hash);
    reasons.extend(fault.map(|fault| Reason::KnownBad { version: version(), fault: fault.clone() }));
    if let Some(needs) = &release.needs.node_version_min {
        let has = facts.member.version.clone();
        if has.as_ref().is_none_or(|has| has.is_below(needs)) {
            reasons.push(Reason::NodeTooOld { needs: needs.clone(), has });
        }
    }
    if let Some(granted) = &facts.grants {
        let grants: Vec<Grant> = release.needs.grants.difference(granted).cloned().collect();
        if !grants.is_empty() {
            reasons.push(Reason::GrantMissing { grants });
        }
    }
    reasons
}
