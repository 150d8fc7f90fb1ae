//! The hub: groups, rollouts, and what each node was told last.

use super::node::Node;
use crate::bench::{release_of, slot, version};
use aisle_event::Timestamp;
use aisle_fleet::{
    Group, GroupName, Index, Input, Member, NodeId, NodeReport, Resolver, Rollout, RolloutId, RolloutPhase,
    Says, Selector, Stamp, Want,
    desired::{Layer, Work},
    rollout::{Command, Effect, Event, Fact, Verb},
    wave::plan,
};
use std::collections::{BTreeMap, BTreeSet};

pub const SLOT: &str = "plugin/a";

pub struct Hub {
    pub groups: Vec<Group>,
    pub rollouts: Vec<Rollout>,
    stamps: BTreeMap<NodeId, Stamp>,
}

impl Hub {
    pub fn new() -> Self {
        let mut says = Says::default();
        says.artefacts.insert(slot(SLOT), Want::Release(release_of("good", "2.0")));
        says.artefacts.insert(slot("catalogue"), Want::Release(release_of("catalogue", "7")));
        says.minimums.insert(slot(SLOT), version("2.0"));
        let every = Group {
            name: GroupName::new("every").unwrap(),
            priority: 0,
            who: Some(Selector::every()),
            stores: BTreeSet::new(),
            says,
        };
        let hours = r#"{"zone":"Europe/Berlin","windows":["daily 01:00-06:00"]}"#;
        let nightly = Says { maintenance: Some(serde_json::from_str(hours).unwrap()), ..Says::default() };
        let german = Group {
            name: GroupName::new("german").unwrap(),
            who: Some(Selector::parse("region=de").unwrap()),
            says: nightly,
            ..every.clone()
        };
        Self { groups: vec![every, german], rollouts: Vec::new(), stamps: BTreeMap::new() }
    }

    /// A rollout of one release to everybody, begun.
    pub fn roll_out(
        &mut self,
        name: &str,
        release: aisle_fleet::Release,
        members: &[Member],
        now: Timestamp,
    ) -> Vec<NodeId> {
        let set = BTreeMap::from([(slot(SLOT), Want::Release(release))]);
        let spec = serde_json::from_value(serde_json::json!({
            "rollout": RolloutId::new(name).unwrap(),
            "why": "the simulation says so",
            "who": "*",
            "set": set,
            "waves": [
                { "name": "canary", "who": "pilot", "size": "2%", "soak_minutes": 60 },
                { "name": "tenth", "size": "10%", "soak_minutes": 60 },
                { "name": "half", "size": "50%", "soak_minutes": 30 },
                { "name": "rest" },
            ],
            "gates": { "deadline_minutes": 2880, "calls_min": 20 },
        }))
        .unwrap();
        let order = self.rollouts.len() as u64 + 1;
        let mut rollout = Rollout::draft(spec, "ada", order).unwrap();
        let verb = |verb| Event::Command(Command { by: "ada".into(), verb });
        rollout.apply(verb(Verb::Preflight), now).unwrap();
        let spec = rollout.spec();
        let plan = plan(&spec.rollout, &spec.who, &spec.waves, &Index::new(members), &mut Work::default());
        rollout.apply(Event::Fact(Fact::Preflighted { plan, refusal: None, approvals_min: 0 }), now).unwrap();
        let effects = rollout.apply(verb(Verb::Start), now).unwrap();
        self.rollouts.push(rollout);
        changed(effects)
    }

    pub fn last(&self) -> &Rollout {
        self.rollouts.last().unwrap()
    }

    pub fn say(&mut self, verb: Verb, now: Timestamp) -> Vec<NodeId> {
        let rollout = self.rollouts.last_mut().unwrap();
        let event = Event::Command(Command { by: "ada".into(), verb });
        rollout.apply(event, now).map(changed).unwrap_or_default()
    }

    /// Heard of, and looked at.
    pub fn tick(&mut self, seen: &[NodeId], now: Timestamp) -> Vec<NodeId> {
        let mut all = Vec::new();
        for rollout in self.rollouts.iter_mut().filter(|rollout| is_alive(rollout)) {
            all.extend(changed(rollout.apply(Event::Fact(Fact::Seen(seen.to_vec())), now).unwrap()));
            all.extend(changed(rollout.apply(Event::Fact(Fact::Tick), now).unwrap()));
        }
        all
    }

    pub fn report(&mut self, node: &NodeId, report: &NodeReport, now: Timestamp) -> Vec<NodeId> {
        let mut all = Vec::new();
        for rollout in self.rollouts.iter_mut().filter(|rollout| is_alive(rollout)) {
            let fact = Fact::Reported { node: node.clone(), report: Box::new(report.clone()) };
            all.extend(changed(rollout.apply(Event::Fact(fact), now).unwrap()));
        }
        all
    }

    /// What these nodes should run now, for those of whom that has changed.
    pub fn resolve(&mut self, nodes: &[&Node], now: Timestamp) -> Vec<(NodeId, Input)> {
        let layers: Vec<Layer<'_>> = self.rollouts.iter().map(Rollout::layer).collect();
        let members: Vec<Member> = nodes.iter().map(|node| node.member.clone()).collect();
        let resolver = Resolver::new(&self.groups, layers, &[], now);
        let resolved = resolver.all(&Index::new(&members), &mut Work::default());
        let mut told = Vec::new();
        for (member, resolved) in members.iter().zip(resolved) {
            let last = self.stamps.get(&member.id).copied();
            let stamp = Stamp::following(last, resolved.hash);
            if Some(stamp) != last {
                self.stamps.insert(member.id.clone(), stamp);
                told.push((
                    member.id.clone(),
                    Input::Desired { stamp, state: Box::new(resolved.state.clone()) },
                ));
            }
        }
        told
    }

    pub fn stamp(&self, node: &NodeId) -> Option<Stamp> {
        self.stamps.get(node).copied()
    }
}

fn is_alive(rollout: &Rollout) -> bool {
    !rollout.phase().is_over() || *rollout.phase() == RolloutPhase::Done
}

fn changed(effects: Vec<Effect>) -> Vec<NodeId> {
    let of = |effect| match effect {
        Effect::Changed(nodes) => nodes,
        _ => Vec::new(),
    };
    effects.into_iter().flat_map(of).collect()
}
