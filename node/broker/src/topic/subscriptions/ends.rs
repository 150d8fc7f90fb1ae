//! The subscriptions whose filter ends at one node.

use crate::topic::Filter;
use std::{collections::BTreeMap, sync::atomic::AtomicU64};

/// A subscription, or a group of them, that matches a topic.
#[derive(Debug)]
pub enum Found<'a, K, V> {
    /// One that is not shared.
    One {
        /// Who.
        key: K,
        /// How.
        value: &'a V,
    },
    /// A group: one of its members is to get the message.
    Group {
        /// Its name.
        group: &'a str,
        /// The pattern it shares. Groups of one name with other patterns are other groups.
        filter: &'a str,
        /// Who is in it, and how; never empty.
        members: &'a BTreeMap<K, V>,
        /// The caller's, to go round among the members: 0 when the group is new, and never changed here.
        turn: &'a AtomicU64,
    },
}

pub(super) struct Ends<K, V> {
    /// Sorted by key. A map would take ten times the memory for the one or two entries that most filters have; keys are given
    /// out upwards, so that an insertion is mostly at the end.
    singles: Vec<(K, V)>,
    /// All have the same pattern, so the order is that of the names.
    groups: BTreeMap<Filter, Group<K, V>>,
}

struct Group<K, V> {
    members: BTreeMap<K, V>,
    turn: AtomicU64,
}

impl<K, V> Default for Ends<K, V> {
    fn default() -> Self {
        Self { singles: Vec::new(), groups: BTreeMap::new() }
    }
}

impl<K, V> Default for Group<K, V> {
    fn default() -> Self {
        Self { members: BTreeMap::new(), turn: AtomicU64::new(0) }
    }
}

impl<K: Copy + Ord, V> Ends<K, V> {
    pub(super) fn insert(&mut self, filter: &Filter, key: K, value: V) -> Option<V> {
        if filter.share().is_some() {
            return self.groups.entry(filter.clone()).or_default().members.insert(key, value);
        }
        match self.singles.binary_search_by_key(&key, |(key, _)| *key) {
            Ok(at) => self.singles.get_mut(at).map(|(_, old)| std::mem::replace(old, value)),
            Err(at) => {
                if self.singles.is_empty() {
                    self.singles.reserve_exact(1);
                }
                self.singles.insert(at, (key, value));
                None
            }
        }
    }

    /// Removes the whole when nothing is left in it.
    pub(super) fn remove(place: &mut Option<Box<Self>>, filter: &Filter, key: &K) -> Option<V> {
        let ends = place.as_mut()?;
        let removed = if filter.share().is_some() {
            let group = ends.groups.get_mut(filter)?;
            let removed = group.members.remove(key)?;
            if group.members.is_empty() {
                ends.groups.remove(filter);
            }
            removed
        } else {
            let at = ends.singles.binary_search_by_key(key, |(key, _)| *key).ok()?;
            let (_, removed) = ends.singles.remove(at);
            if ends.singles.len() < ends.singles.capacity() / 4 {
                ends.singles.shrink_to(ends.singles.len() * 2);
            }
            removed
        };
        if ends.singles.is_empty() && ends.groups.is_empty() {
            *place = None;
        }
        Some(removed)
    }

    pub(super) fn for_each<'a>(&'a self, visit: &mut impl FnMut(Found<'a, K, V>)) {
        for (key, value) in &self.singles {
            visit(Found::One { key: *key, value });
        }
        for (filter, group) in &self.groups {
            visit(Found::Group {
                group: filter.share().unwrap_or_default(),
                filter: filter.pattern(),
                members: &group.members,
                turn: &group.turn,
            });
        }
    }

    pub(super) fn turn(&self, filter: &Filter) -> Option<&AtomicU64> {
        self.groups.get(filter).map(|group| &group.turn)
    }
}
