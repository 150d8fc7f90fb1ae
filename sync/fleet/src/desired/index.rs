//! Which nodes a selector means, out of many, without looking at all of them.
//!
//! For each label there is a list of the nodes that have it, and one for each value. A selector is answered from the shortest list that one of
//! its terms allows, and the other terms are asked of the nodes in it. Only a selector whose terms all say what a node has *not* looks at every node.

use crate::{
    desired::resolve::Work,
    node::{FACTS, Member},
    selector::{Selector, Test},
};
use aisle_event::StoreId;
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

/// The place of a node among the members.
pub(crate) type Place = u32;

#[derive(Debug, Default)]
struct OfKey {
    all: Vec<Place>,
    by_value: HashMap<String, Vec<Place>>,
}

/// Nodes by what they have. Good for the members it was made of.
#[derive(Debug)]
pub struct Index<'a> {
    members: &'a [Member],
    keys: BTreeMap<String, OfKey>,
}

impl<'a> Index<'a> {
    /// Of these nodes, at most four milliards.
    #[must_use]
    pub fn new(members: &'a [Member]) -> Self {
        let mut keys: BTreeMap<String, OfKey> = BTreeMap::new();
        for (place, member) in (0..).zip(members) {
            let labels = member.labels.iter().map(|(key, value)| (key, Cow::Borrowed(value)));
            let facts = FACTS.iter().filter_map(|fact| Some((*fact, member.value(fact)?)));
            for (key, value) in labels.chain(facts) {
                if !keys.contains_key(key) {
                    keys.insert(key.to_owned(), OfKey::default());
                }
                if let Some(of_key) = keys.get_mut(key) {
                    of_key.all.push(place);
                    match of_key.by_value.get_mut(value.as_ref()) {
                        Some(places) => places.push(place),
                        None => drop(of_key.by_value.insert(value.into_owned(), vec![place])),
                    }
                }
            }
        }
        Self { members, keys }
    }

    /// The nodes.
    #[must_use]
    pub const fn members(&self) -> &'a [Member] {
        self.members
    }

    /// The nodes that a selector means, in their order.
    pub fn select(&self, selector: &Selector, work: &mut Work) -> Vec<Place> {
        let shortest = selector
            .terms()
            .iter()
            .filter_map(|term| self.lists(&term.key, &term.test))
            .min_by_key(|lists| lists.iter().map(|list| list.len()).sum::<usize>());
        let mut found: Vec<Place> = match shortest {
            Some(lists) => lists.into_iter().flatten().copied().collect(),
            None => (0..).zip(self.members).map(|(place, _)| place).collect(),
        };
        work.looked += found.len() as u64;
        found.retain(|place| self.member(*place).is_some_and(|member| selector.matches(member)));
        // A value may stand twice in brackets.
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The nodes of these stores.
    pub(crate) fn of_stores<'s>(
        &self,
        stores: impl IntoIterator<Item = &'s StoreId>,
        work: &mut Work,
    ) -> Vec<Place> {
        let Some(by_store) = self.keys.get("store") else { return Vec::new() };
        let lists = stores.into_iter().filter_map(|store| by_store.by_value.get(store.as_str()));
        let found: Vec<Place> = lists.flatten().copied().collect();
        work.looked += found.len() as u64;
        found
    }

    pub(crate) fn member(&self, place: Place) -> Option<&'a Member> {
        self.members.get(usize::try_from(place).ok()?)
    }

    /// The lists in which everybody is for whom this can hold; nothing where that is everybody.
    fn lists(&self, key: &str, test: &Test) -> Option<Vec<&[Place]>> {
        let of_key = self.keys.get(key);
        let all = || of_key.map(|of_key| of_key.all.as_slice()).into_iter().collect();
        let of_value = |value: &str| Some(of_key?.by_value.get(value)?.as_slice());
        match test {
            Test::Missing | Test::IsNot(_) | Test::NotIn(_) => None,
            Test::Exists | Test::Version(..) => Some(all()),
            Test::Is(value) => Some(of_value(value).into_iter().collect()),
            Test::In(values) => Some(values.iter().filter_map(|value| of_value(value)).collect()),
        }
    }
}
