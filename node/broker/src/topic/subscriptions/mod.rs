//! Who gets the messages of a topic: a tree of filters, one node for each level.
//!
//! A topic goes down by at most two branches at a level, the one of its own name and `+`, so of a topic with `n` levels at
//! most `2ⁿ⁺¹` nodes are looked at, and never one that is not the beginning of a filter that matches as far. A client's filters
//! cost others no more than the levels that it was allowed to put into the tree.
//!
//! Guards invariant 6: a node without a subscription at or below it is removed, so what was taken back leaves nothing behind.

mod children;
mod ends;

use super::{filter::Filter, split};
use children::Children;
use ends::Ends;
pub use ends::Found;
use std::{fmt, sync::atomic::AtomicU64};

/// Subscriptions by filter: `K` is who subscribed, `V` how. A key may have each filter once.
pub struct Subscriptions<K, V> {
    root: Node<K, V>,
    len: usize,
}

impl<K: Copy + Ord, V> Subscriptions<K, V> {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a subscription, or replaces it and gives back what it was.
    pub fn insert(&mut self, filter: &Filter, key: K, value: V) -> Option<V> {
        let replaced = self.root.insert(filter, key, value);
        self.len += usize::from(replaced.is_none());
        replaced
    }

    /// Takes a subscription back.
    pub fn remove(&mut self, filter: &Filter, key: &K) -> Option<V> {
        let removed = self.root.remove(Some(filter.pattern()), filter, key);
        self.len -= usize::from(removed.is_some());
        removed
    }

    /// How many subscriptions there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// There is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many nodes the tree has, the root included. Walks the whole tree.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.root.nodes()
    }

    /// Visits every subscription to the topic: each of those that are not shared, and each group once. Who has several filters that match is
    /// visited for each. The order follows from the subscriptions alone.
    pub fn for_each_match<'a>(&'a self, topic: &str, visit: &mut impl FnMut(Found<'a, K, V>)) {
        if topic.starts_with('$') {
            let (first, rest) = split(topic);
            if let Some(node) = self.root.children.get(first) {
                node.for_each_match(rest, visit);
            }
        } else {
            self.root.for_each_match(Some(topic), visit);
        }
    }

    /// Whose turn it is in the group of a shared filter: the number that [`Found::Group`] carries, to be saved and restored.
    #[must_use]
    pub fn turn(&self, filter: &Filter) -> Option<&AtomicU64> {
        self.root.ends(filter.pattern())?.turn(filter)
    }
}

impl<K, V> Default for Subscriptions<K, V> {
    fn default() -> Self {
        Self { root: Node::default(), len: 0 }
    }
}

impl<K, V> fmt::Debug for Subscriptions<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriptions").field("len", &self.len).finish_non_exhaustive()
    }
}

struct Node<K, V> {
    children: Children<Self>,
    plus: Option<Box<Self>>,
    /// Filters that end here.
    here: Option<Box<Ends<K, V>>>,
    /// Filters that end with `#` after this level.
    below: Option<Box<Ends<K, V>>>,
}

impl<K, V> Default for Node<K, V> {
    fn default() -> Self {
        Self { children: Children::default(), plus: None, here: None, below: None }
    }
}

impl<K: Copy + Ord, V> Node<K, V> {
    fn insert(&mut self, filter: &Filter, key: K, value: V) -> Option<V> {
        let mut node = self;
        for level in filter.pattern().split('/') {
            node = match level {
                "#" => return node.below.get_or_insert_default().insert(filter, key, value),
                "+" => node.plus.get_or_insert_default(),
                _ => node.children.get_or_insert(level),
            };
        }
        node.here.get_or_insert_default().insert(filter, key, value)
    }

    fn remove(&mut self, levels: Option<&str>, filter: &Filter, key: &K) -> Option<V> {
        let Some(levels) = levels else { return Ends::remove(&mut self.here, filter, key) };
        match split(levels) {
            ("#", _) => Ends::remove(&mut self.below, filter, key),
            ("+", rest) => {
                let node = self.plus.as_mut()?;
                let removed = node.remove(rest, filter, key)?;
                if node.is_empty() {
                    self.plus = None;
                }
                Some(removed)
            }
            (level, rest) => {
                let node = self.children.get_mut(level)?;
                let removed = node.remove(rest, filter, key)?;
                if node.is_empty() {
                    self.children.remove(level);
                }
                Some(removed)
            }
        }
    }

    fn for_each_match<'a, F: FnMut(Found<'a, K, V>)>(&'a self, levels: Option<&str>, visit: &mut F) {
        if let Some(ends) = &self.below {
            ends.for_each(visit);
        }
        let Some(levels) = levels else {
            if let Some(ends) = &self.here {
                ends.for_each(visit);
            }
            return;
        };
        let (level, rest) = split(levels);
        if let Some(node) = self.children.get(level) {
            node.for_each_match(rest, visit);
        }
        if let Some(node) = &self.plus {
            node.for_each_match(rest, visit);
        }
    }

    fn ends(&self, pattern: &str) -> Option<&Ends<K, V>> {
        let mut node = self;
        for level in pattern.split('/') {
            node = match level {
                "#" => return node.below.as_deref(),
                "+" => node.plus.as_ref()?,
                _ => node.children.get(level)?,
            };
        }
        node.here.as_deref()
    }

    fn is_empty(&self) -> bool {
        self.children.is_empty() && self.plus.is_none() && self.here.is_none() && self.below.is_none()
    }

    fn nodes(&self) -> usize {
        1 + self.children.iter().chain(self.plus.as_deref()).map(Self::nodes).sum::<usize>()
    }
}
