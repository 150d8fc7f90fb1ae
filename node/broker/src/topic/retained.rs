//! What is kept under topics, and found by filters.
//!
//! One sorted map. Its keys have U+0000, which is in no topic, where the topic has `/`: so the map's order is that of the
//! levels, and a topic and all below it lie next to each other. A literal level narrows the search; a `+` makes one
//! search for each level that stands in its place; a `#` reads on. A search takes the logarithm of the number of topics. So a
//! filter costs what it matches, and a search for each branch that its `+` opened, also when nothing below it matches;
//! [`Retained::for_each_match_from`] does that in slices.
//!
//! Guards invariant 6: what is removed leaves nothing behind, and no filter holds the caller up for longer than a slice.

use super::{filter::Filter, split};
use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map::Range},
    fmt,
    num::NonZeroUsize,
    ops::{Bound, ControlFlow},
};

/// Stands for `/` in a key, and sorts before everything else.
const SEPARATOR: char = '\0';
/// Sorts after the separator and before, or as, everything else: a key and this come behind all that is below the key.
const BEHIND: char = '\u{1}';
/// Comes behind all topics that begin with `$`.
const BEHIND_DOLLAR: &str = "%";

/// Values by topic. The topics have passed [`check_name`](super::check_name).
#[derive(Clone)]
pub struct Retained<V> {
    topics: BTreeMap<Box<str>, V>,
}

impl<V> Retained<V> {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the value of a topic, and gives back what it was.
    pub fn insert(&mut self, topic: &str, value: V) -> Option<V> {
        self.topics.insert(key_of(topic).into(), value)
    }

    /// Takes the value of a topic.
    pub fn remove(&mut self, topic: &str) -> Option<V> {
        self.topics.remove(&*key_of(topic))
    }

    /// The value of a topic.
    #[must_use]
    pub fn get(&self, topic: &str) -> Option<&V> {
        self.topics.get(&*key_of(topic))
    }

    /// How many topics have a value.
    #[must_use]
    pub fn len(&self) -> usize {
        self.topics.len()
    }

    /// None has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// All, in the order of their levels.
    pub fn iter(&self) -> impl Iterator<Item = (String, &V)> {
        self.topics.iter().map(|(key, value)| (key.replace(SEPARATOR, "/"), value))
    }

    /// Visits every topic that the filter stands for, in the order of their levels.
    pub fn for_each_match(&self, filter: &Filter, visit: &mut impl FnMut(&str, &V)) {
        let whole = self.for_each_match_from(filter, "", NonZeroUsize::MAX, visit);
        debug_assert_eq!(whole, None);
    }

    /// Visits topics that the filter stands for, in the order of their levels: those at or behind `from`, until `steps_max` of
    /// topics and branches were looked at. Gives where to go on, or `None` at the end; `""` is the start. What is
    /// inserted or removed between two slices is seen when it lies behind the place.
    pub fn for_each_match_from(
        &self,
        filter: &Filter,
        from: &str,
        steps_max: NonZeroUsize,
        visit: &mut impl FnMut(&str, &V),
    ) -> Option<String> {
        let from = key_of(from);
        let mut walk = Walk {
            topics: &self.topics,
            from: &from,
            steps_left: steps_max.get(),
            topic: String::new(),
            visit,
        };
        match walk.level(&mut String::new(), filter.pattern()) {
            ControlFlow::Continue(()) => None,
            ControlFlow::Break(key) => Some(key.replace(SEPARATOR, "/")),
        }
    }
}

impl<V> Default for Retained<V> {
    fn default() -> Self {
        Self { topics: BTreeMap::new() }
    }
}

impl<V> fmt::Debug for Retained<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retained").field("len", &self.len()).finish_non_exhaustive()
    }
}

fn key_of(topic: &str) -> Cow<'_, str> {
    if topic.contains('/') { Cow::Owned(topic.replace('/', "\0")) } else { Cow::Borrowed(topic) }
}

/// One walk along the map. It stops with the first key that it did not look at.
struct Walk<'a, 'v, V, F> {
    topics: &'a BTreeMap<Box<str>, V>,
    /// Keys before it are passed over.
    from: &'v str,
    steps_left: usize,
    /// The topic that is being visited.
    topic: String,
    visit: &'v mut F,
}

impl<'a, V, F: FnMut(&str, &V)> Walk<'a, '_, V, F> {
    /// Everything below `base`, a key with the separator after it, that the rest of a pattern stands for.
    fn level(&mut self, base: &mut String, pattern: &str) -> ControlFlow<&'a str> {
        match split(pattern) {
            ("#", _) => self.all(base),
            ("+", rest) => self.branches(base, rest),
            (level, rest) => self.branch(base, level, rest),
        }
    }

    fn branch(&mut self, base: &mut String, level: &str, rest: Option<&str>) -> ControlFlow<&'a str> {
        let len = base.len();
        base.push_str(level);
        if let Some(rest) = rest {
            base.push(SEPARATOR);
            self.level(base, rest)?;
        } else {
            self.one(base);
        }
        base.truncate(len);
        ControlFlow::Continue(())
    }

    fn branches(&mut self, base: &mut String, rest: Option<&str>) -> ControlFlow<&'a str> {
        let mut run = self.run_from(base);
        let mut done = None;
        while let Some((key, value)) = run.next() {
            let Some(below) = key.strip_prefix(base.as_str()) else { break };
            if is_hidden(base, key) {
                run = self.run_from(BEHIND_DOLLAR);
                continue;
            }
            let level = below.split(SEPARATOR).next().unwrap_or_default();
            if done == Some(level) {
                let len = base.len();
                base.push_str(level);
                base.push(BEHIND);
                run = self.run_from(base);
                base.truncate(len);
                continue;
            }
            self.step(key)?;
            match rest {
                Some(_) => self.branch(base, level, rest)?,
                // What is at the level itself comes before all that is below it.
                None if below == level => self.found(key, value),
                None => {}
            }
            done = Some(level);
        }
        ControlFlow::Continue(())
    }

    fn all(&mut self, base: &str) -> ControlFlow<&'a str> {
        if let Some(parent) = base.strip_suffix(SEPARATOR) {
            self.one(parent);
        }
        let mut run = self.run_from(base);
        while let Some((key, value)) = run.next() {
            if !key.starts_with(base) {
                break;
            }
            if is_hidden(base, key) {
                run = self.run_from(BEHIND_DOLLAR);
                continue;
            }
            self.step(key)?;
            self.found(key, value);
        }
        ControlFlow::Continue(())
    }

    fn one(&mut self, key: &str) {
        if key >= self.from
            && let Some(value) = self.topics.get(key)
        {
            self.found(key, value);
        }
    }

    fn found(&mut self, key: &str, value: &V) {
        self.topic.clear();
        for (at, level) in key.split(SEPARATOR).enumerate() {
            if at > 0 {
                self.topic.push('/');
            }
            self.topic.push_str(level);
        }
        (self.visit)(&self.topic, value);
    }

    /// The key that the last slice stopped with is free at each depth, or a slice of few steps would never get past it.
    fn step(&mut self, key: &'a str) -> ControlFlow<&'a str> {
        match self.steps_left.checked_sub(usize::from(key != self.from)) {
            None => ControlFlow::Break(key),
            Some(left) => {
                self.steps_left = left;
                ControlFlow::Continue(())
            }
        }
    }

    fn run_from(&self, key: &str) -> Range<'a, Box<str>, V> {
        self.topics.range::<str, _>((Bound::Included(key.max(self.from)), Bound::Unbounded))
    }
}

/// A wildcard in the first level passes over what begins with `$`.
fn is_hidden(base: &str, key: &str) -> bool {
    base.is_empty() && key.starts_with('$')
}
