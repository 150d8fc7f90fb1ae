//! What every node should run: all groups, rollouts and overrides weighed for all nodes, beside the same without an index and without shared answers.

use super::Bench;
use crate::{
    rounds::Rounds,
    screen,
    table::{self, Table},
};
use aisle_event::{StoreId, Timestamp};
use aisle_fleet::{
    ArtefactSet, ContentHash, Group, GroupName, Index, Labels, Member, Needs, NodeId, Override, Release,
    Resolver, RolloutId, Says, Selector, Serial, Version, Want,
    desired::{Layer, Work},
};
use anyhow::{Result, bail};
use std::{
    collections::{BTreeMap, BTreeSet},
    hint::black_box,
    time::Instant,
};

/// Seconds for ten thousand nodes (issue 7).
const BAR_S: f64 = 2.0;
const GROUPS: usize = 50;
const ROLLOUTS: usize = 20;
/// One store of so many has an override.
const OVERRIDE_EVERY: usize = 100;
/// What is said of: more than a store has.
const SLOTS: usize = 40;
const NOW: Timestamp = Timestamp(1_795_305_600_000);

/// A fleet of which much is said.
struct Fleet {
    members: Vec<Member>,
    groups: Vec<Group>,
    rollouts: Vec<(RolloutId, ArtefactSet, Vec<usize>)>,
    overrides: Vec<Override>,
}

fn release(slot: usize, version: usize) -> Result<Want> {
    let text = format!("1.{version}.{slot}");
    let hash = ContentHash::of(format!("{slot} {version}").as_bytes());
    Ok(Want::Release(Release {
        version: text.parse::<Version>()?,
        hash,
        bytes: 40_000,
        needs: Needs::default(),
    }))
}

impl Fleet {
    fn new(nodes: usize) -> Result<Self> {
        let member = |n: usize| -> Result<Member> {
            let labels = [
                ("region", ["eu", "us", "apac"].get(n % 3).copied().unwrap_or_default().to_owned()),
                ("country", format!("c{}", n % 30)),
                ("size", ["s", "m", "l"].get(n % 7 % 3).copied().unwrap_or_default().to_owned()),
                ("ring", format!("r{}", n % 10)),
            ];
            let store = StoreId::new(format!("store-{n:05}"))?;
            let id = NodeId { store, serial: Serial::new("A1")? };
            Ok(Member { id, labels: Labels::new(labels)?, version: Some("0.1.0".parse()?) })
        };
        let group = |n: usize| -> Result<Group> {
            let who = match n % 4 {
                0 => format!("country=c{}", n % 30),
                1 => format!("region=eu, size in (s,m), ring!=r{}", n % 10),
                2 => format!("ring=r{}", n % 10),
                _ => "*".to_owned(),
            };
            let mut says = Says::default();
            for slot in 0..3 {
                let slot = (n + slot * 7) % SLOTS;
                says.artefacts.insert(format!("plugin/p{slot}").parse()?, release(slot, n)?);
            }
            let name = GroupName::new(format!("group-{n}"))?;
            Ok(Group {
                name,
                priority: i32::try_from(n % 5)?,
                who: Some(Selector::parse(&who)?),
                stores: BTreeSet::new(),
                says,
            })
        };
        let rollout = |n: usize| -> Result<(RolloutId, ArtefactSet, Vec<usize>)> {
            let slot = n * 2 % SLOTS;
            let set = BTreeMap::from([(format!("plugin/p{slot}").parse()?, release(slot, 100 + n)?)]);
            // A fifth of all nodes each: waves that are under way.
            Ok((
                RolloutId::new(format!("rollout-{n}"))?,
                set,
                (0..nodes).filter(|node| (node + n).is_multiple_of(5)).collect(),
            ))
        };
        let one = |n: usize| -> Result<Override> {
            let mut says = Says::default();
            says.artefacts.insert("plugin/p0".parse()?, Want::Absent);
            let store = StoreId::new(format!("store-{n:05}"))?;
            Ok(Override { store, serial: None, why: "its till is old".to_owned(), until: None, says })
        };
        Ok(Self {
            members: (0..nodes).map(member).collect::<Result<_>>()?,
            groups: (0..GROUPS).map(group).collect::<Result<_>>()?,
            rollouts: (0..ROLLOUTS).map(rollout).collect::<Result<_>>()?,
            overrides: (0..nodes).step_by(OVERRIDE_EVERY).map(one).collect::<Result<_>>()?,
        })
    }

    fn layers(&self) -> Vec<Layer<'_>> {
        (1..)
            .zip(&self.rollouts)
            .map(|(order, (rollout, set, nodes))| Layer {
                rollout,
                order,
                set,
                nodes: nodes.iter().filter_map(|place| Some((&self.members.get(*place)?.id, 0))).collect(),
                taken_back: BTreeSet::new(),
            })
            .collect()
    }

    /// Everything: index, resolver, answers.
    fn resolved(&self) -> (usize, Work) {
        let mut work = Work::default();
        let index = Index::new(&self.members);
        let resolver = Resolver::new(&self.groups, self.layers(), &self.overrides, NOW);
        let all = resolver.all(&index, &mut work);
        (all.iter().map(|resolved| resolved.state.slots.len()).sum(), work)
    }

    /// The peer: for each node every group, rollout and override is looked at, and its own answer made.
    fn plainly(&self) -> usize {
        let mut groups: Vec<&Group> = self.groups.iter().collect();
        groups.sort_by(|a, b| a.priority.cmp(&b.priority).then_with(|| b.name.cmp(&a.name)));
        let layers = self.layers();
        let mut slots = 0;
        for member in &self.members {
            let mut said = BTreeMap::new();
            for group in
                groups.iter().filter(|group| group.who.as_ref().is_some_and(|who| who.matches(member)))
            {
                said.extend(group.says.artefacts.iter().map(|(slot, want)| (slot.clone(), want.clone())));
            }
            for layer in layers.iter().filter(|layer| layer.nodes.contains_key(&member.id)) {
                said.extend(layer.set.iter().map(|(slot, want)| (slot.clone(), want.clone())));
            }
            for one in self.overrides.iter().filter(|one| one.store == member.id.store) {
                said.extend(one.says.artefacts.iter().map(|(slot, want)| (slot.clone(), want.clone())));
            }
            slots += said.len();
            black_box(said);
        }
        slots
    }
}

/// Measures, and gives the table.
pub(super) fn measure(bench: &mut Bench, nodes: usize) -> Result<String> {
    let fleet = Fleet::new(nodes)?;
    let (mut ours, mut theirs) = (Rounds::default(), Rounds::default());
    let (mut slots, mut work) = (0, Work::default());
    for round in 0..=bench.rounds {
        screen::progress(&format_args!("what every node should run: round {round} of {}", bench.rounds));
        let began = Instant::now();
        (slots, work) = fleet.resolved();
        let of_ours = began.elapsed();
        let began = Instant::now();
        let plainly = fleet.plainly();
        let of_theirs = began.elapsed();
        if slots != plainly {
            bail!("the rules say {slots} slots of all nodes, and the plain way {plainly}");
        }
        if round > 0 {
            ours.add(of_ours.as_secs_f64());
            theirs.add(of_theirs.as_secs_f64());
        }
    }
    let mut table =
        Table::new(&["what every node should run", "median", "beside the plain way", "bar", "met"]);
    table.row([
        format!("{} nodes, {GROUPS} groups, {ROLLOUTS} rollouts", table::count(nodes as f64)),
        table::time(ours.median()),
        table::ratio(ours.ratio(&theirs)),
        format!("< {}", table::time(BAR_S)),
        table::met(ours.median() < BAR_S),
    ]);
    table.row(["the plain way".to_owned(), table::time(theirs.median()), "1".into(), "–".into(), "–".into()]);
    Ok(format!(
        "{table}\nFrom nothing: index, groups, rollouts on a fifth of all nodes each, an override for one store of {OVERRIDE_EVERY}; {} slots in all, of {} different answers that were made, hashed and \
         shared, with who decided each slot over whom. The plain way asks every selector of every node and makes each node its own answer, without hashes, reasons, minimums and \
         windows. {} rounds.",
        table::count(slots as f64),
        table::count(work.made as f64),
        bench.rounds,
    ))
}
