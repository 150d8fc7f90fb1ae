//! Who is right when several say what a node should run.
//!
//! An override counts more than a rollout, a rollout more than a group. Of two overrides the one for the box counts, of two rollouts the one that was
//! started later, of two groups the one with the higher priority, and of equal ones the first by name. What is below the highest minimum that anybody
//! said is passed over. Nodes of the same groups and rollouts share one answer, so it is made once for all of them.

use super::{
    index::{Index, Place},
    state::{DesiredState, Wanted},
    why::{Because, PASSED_MAX, Passed, Source, Why},
};
use crate::{
    artefact::{ArtefactSet, Slot, Want},
    group::{Group, Override, Says},
    hash::ContentHash,
    name::RolloutId,
    node::{Member, NodeId},
    setting::SettingKey,
    version::Version,
};
use aisle_event::{StoreId, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// What a rollout says, and to whom.
#[derive(Debug, Clone)]
pub struct Layer<'a> {
    /// Which rollout.
    pub rollout: &'a RolloutId,
    /// The higher, the later it was started.
    pub order: u64,
    /// What its nodes should run.
    pub set: &'a ArtefactSet,
    /// The nodes that should, each with its round.
    pub nodes: BTreeMap<&'a NodeId, u32>,
    /// The nodes that should not any more: where nobody else says anything of a slot, it is emptied.
    pub taken_back: BTreeSet<&'a NodeId>,
}

/// What was done to come to an answer: counted, so that a test can say that it grows with the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Nodes that were looked at for a selector.
    pub looked: u64,
    /// Memberships of nodes in groups and rollouts.
    pub memberships: u64,
    /// Answers that were made, not shared.
    pub made: u64,
    /// Words of groups, rollouts and overrides that were weighed.
    pub weighed: u64,
}

/// An answer, shared by all nodes of which the same is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What they should be.
    pub state: DesiredState,
    /// BLAKE3 of its canonical bytes.
    pub hash: ContentHash,
    /// How each slot of which anybody said something was decided.
    pub why: BTreeMap<Slot, Why>,
    /// Who said each setting.
    pub why_settings: BTreeMap<SettingKey, Source>,
}

/// The groups, rollouts and overrides of a fleet, ready to be asked.
#[derive(Debug)]
pub struct Resolver<'a> {
    groups: Vec<&'a Group>,
    layers: Vec<Layer<'a>>,
    overrides: HashMap<&'a StoreId, Vec<&'a Override>>,
}

/// One word that counts or not, the strongest first.
struct Word<'a> {
    source: Source,
    says: Said<'a>,
    round: u32,
}

enum Said<'a> {
    All(&'a Says),
    Set(&'a ArtefactSet),
    /// Nothing, of these slots.
    Nothing(&'a ArtefactSet),
}

/// What nodes have in common that share an answer: groups by their place, rollouts by place and round, a round of nothing being one taken back.
type Class = (Vec<u32>, Vec<(u32, Option<u32>)>);

impl<'a> Resolver<'a> {
    /// Of everything that is said. Overrides that have ended by now are left out.
    #[must_use]
    pub fn new(
        groups: &'a [Group],
        layers: Vec<Layer<'a>>,
        overrides: &'a [Override],
        now: Timestamp,
    ) -> Self {
        let mut groups: Vec<&Group> = groups.iter().collect();
        groups.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.name.cmp(&b.name)));
        let mut layers = layers;
        layers.sort_by(|a, b| b.order.cmp(&a.order).then_with(|| a.rollout.cmp(b.rollout)));
        let mut by_store: HashMap<&StoreId, Vec<&Override>> = HashMap::new();
        for one in overrides.iter().filter(|one| one.holds(now)) {
            by_store.entry(&one.store).or_default().push(one);
        }
        for of_store in by_store.values_mut() {
            // The one for the box first.
            of_store.sort_by(|a, b| b.serial.cmp(&a.serial));
        }
        Self { groups, layers, overrides: by_store }
    }

    /// What every node should be, in the order of the index's members.
    #[must_use]
    pub fn all(&self, index: &Index<'_>, work: &mut Work) -> Vec<Arc<Resolved>> {
        let mut classes: Vec<Class> = vec![Class::default(); index.members().len()];
        for (group, place) in self.groups.iter().zip(0_u32..) {
            let mut members = group.who.as_ref().map_or_else(Vec::new, |who| index.select(who, work));
            members.extend(index.of_stores(&group.stores, work));
            members.sort_unstable();
            members.dedup();
            work.memberships += members.len() as u64;
            for member in members {
                if let Some((groups, _)) = class_of(&mut classes, member) {
                    groups.push(place);
                }
            }
        }
        let places: HashMap<&NodeId, Place> =
            (0..).zip(index.members()).map(|(place, member)| (&member.id, place)).collect();
        for (layer, place) in self.layers.iter().zip(0_u32..) {
            let given = layer.nodes.iter().map(|(node, round)| (*node, Some(*round)));
            let taken = layer.taken_back.iter().map(|node| (*node, None));
            for (node, round) in given.chain(taken) {
                work.memberships += 1;
                let class = places.get(node).and_then(|member| class_of(&mut classes, *member));
                if let Some((_, layers)) = class {
                    layers.push((place, round));
                }
            }
        }
        let mut known: HashMap<Class, Arc<Resolved>> = HashMap::new();
        let mut resolved = Vec::with_capacity(classes.len());
        for (member, class) in index.members().iter().zip(classes) {
            let overrides = self.overrides_of(member);
            if !overrides.is_empty() {
                resolved.push(Arc::new(self.make(&class, &overrides, work)));
            } else if let Some(shared) = known.get(&class) {
                resolved.push(Arc::clone(shared));
            } else {
                let made = Arc::new(self.make(&class, &[], work));
                known.insert(class, Arc::clone(&made));
                resolved.push(made);
            }
        }
        resolved
    }

    /// What one node should be.
    #[must_use]
    pub fn one(&self, member: &Member) -> Resolved {
        let is_in = |group: &Group| {
            group.who.as_ref().is_some_and(|who| who.matches(member))
                || group.stores.contains(&member.id.store)
        };
        let groups =
            (0..).zip(&self.groups).filter(|(_, group)| is_in(group)).map(|(place, _)| place).collect();
        let of_layer = |(place, layer): (u32, &Layer<'_>)| {
            let given = layer.nodes.get(&member.id).map(|round| Some(*round));
            given
                .or_else(|| layer.taken_back.contains(&member.id).then_some(None))
                .map(|round| (place, round))
        };
        let layers = (0..).zip(&self.layers).filter_map(of_layer).collect();
        self.make(&(groups, layers), &self.overrides_of(member), &mut Work::default())
    }

    fn overrides_of(&self, member: &Member) -> Vec<&'a Override> {
        let of_store = self.overrides.get(&member.id.store).map_or(&[][..], Vec::as_slice);
        let is_meant =
            |one: &&&Override| one.serial.as_ref().is_none_or(|serial| *serial == member.id.serial);
        of_store.iter().filter(is_meant).copied().collect()
    }

    fn words(&self, (groups, layers): &Class, overrides: &[&'a Override]) -> Vec<Word<'_>> {
        let place = |place: &u32| usize::try_from(*place).ok();
        let of_override = |one: &&'a Override| Word {
            source: Source::Override { store: one.store.clone(), why: one.why.clone() },
            says: Said::All(&one.says),
            round: 0,
        };
        let of_layer = |(at, round): &(u32, Option<u32>)| {
            let layer = self.layers.get(place(at)?)?;
            let source = Source::Rollout { rollout: layer.rollout.clone() };
            Some(Word { source, says: Said::Set(layer.set), round: (*round)? })
        };
        // What was taken back comes last: it only counts where nobody says anything.
        let of_taken = |(at, round): &(u32, Option<u32>)| {
            let layer = round.is_none().then(|| self.layers.get(place(at)?)).flatten()?;
            let source = Source::TakenBack { rollout: layer.rollout.clone() };
            Some(Word { source, says: Said::Nothing(layer.set), round: 0 })
        };
        let of_group = |at: &u32| {
            let group = self.groups.get(place(at)?)?;
            let source = Source::Group { name: group.name.clone(), priority: group.priority };
            Some(Word { source, says: Said::All(&group.says), round: 0 })
        };
        let strong = overrides.iter().map(of_override).chain(layers.iter().filter_map(of_layer));
        strong.chain(groups.iter().filter_map(of_group)).chain(layers.iter().filter_map(of_taken)).collect()
    }

    fn make(&self, class: &Class, overrides: &[&'a Override], work: &mut Work) -> Resolved {
        work.made += 1;
        let words = self.words(class, overrides);
        let mut state = DesiredState::new();
        let mut candidates: BTreeMap<&Slot, Vec<(&Word<'_>, Want)>> = BTreeMap::new();
        let mut why_settings = BTreeMap::new();
        for word in &words {
            work.weighed += word.says.count();
            for (slot, want) in word.says.artefacts() {
                candidates.entry(slot).or_default().push((word, want));
            }
            let Said::All(says) = word.says else { continue };
            for (slot, minimum) in &says.minimums {
                raise(&mut state.minimums, slot, minimum);
            }
            for (key, value) in &says.settings {
                state.settings.entry(key.clone()).or_insert_with(|| {
                    why_settings.insert(key.clone(), word.source.clone());
                    value.clone()
                });
            }
            if state.maintenance.is_none() {
                state.maintenance.clone_from(&says.maintenance);
            }
        }
        let mut why = BTreeMap::new();
        for (slot, candidates) in candidates {
            let (wanted, how) = decide(&candidates, state.minimums.get(slot));
            if let Some(wanted) = wanted {
                state.slots.insert(slot.clone(), wanted);
            }
            why.insert(slot.clone(), how);
        }
        let hash = state.hash();
        Resolved { state, hash, why, why_settings }
    }
}

fn class_of(classes: &mut [Class], place: Place) -> Option<&mut Class> {
    classes.get_mut(usize::try_from(place).ok()?)
}

fn raise(minimums: &mut BTreeMap<Slot, Version>, slot: &Slot, minimum: &Version) {
    match minimums.get_mut(slot) {
        Some(known) if *known < *minimum => *known = minimum.clone(),
        Some(_) => {}
        None => drop(minimums.insert(slot.clone(), minimum.clone())),
    }
}

/// The first that may be, and what became of the others.
fn decide(candidates: &[(&Word<'_>, Want)], minimum: Option<&Version>) -> (Option<Wanted>, Why) {
    let is_below = |want: &Want| {
        let versions = want.release().zip(minimum);
        versions.is_some_and(|(release, minimum)| release.version.is_below(minimum))
    };
    let first = candidates.iter().find(|(_, want)| !is_below(want));
    let mut over = Vec::new();
    for (word, want) in candidates {
        let because = match first {
            _ if is_below(want) => Because::BelowMinimum,
            Some((winner, won)) if won != want => loses(&winner.source, &word.source),
            _ => continue,
        };
        if over.len() < PASSED_MAX {
            over.push(Passed { source: word.source.clone(), said: want.told(), because });
        }
    }
    let wanted = first.map(|(word, want)| Wanted { want: want.clone(), round: word.round });
    (wanted, Why { source: first.map(|(word, _)| word.source.clone()), over })
}

const fn loses(winner: &Source, loser: &Source) -> Because {
    match (winner, loser) {
        (Source::Override { .. }, Source::Override { .. }) => Because::WiderOverride,
        (Source::Rollout { .. }, Source::Rollout { .. }) => Because::EarlierRollout,
        (Source::Group { priority: higher, .. }, Source::Group { priority, .. }) if *higher == *priority => {
            Because::LaterByName
        }
        (Source::Group { .. }, Source::Group { .. }) => Because::LowerPriority,
        _ => Because::WeakerKind,
    }
}

impl<'a> Said<'a> {
    fn artefacts(&self) -> impl Iterator<Item = (&'a Slot, Want)> {
        let (set, is_nothing) = match self {
            Self::All(says) => (&says.artefacts, false),
            Self::Set(set) => (*set, false),
            Self::Nothing(set) => (*set, true),
        };
        set.iter().map(move |(slot, want)| (slot, if is_nothing { Want::Absent } else { want.clone() }))
    }

    fn count(&self) -> u64 {
        let many = match self {
            Self::All(says) => says.artefacts.len() + says.settings.len() + says.minimums.len(),
            Self::Set(set) | Self::Nothing(set) => set.len(),
        };
        many as u64
    }
}
