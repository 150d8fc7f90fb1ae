//! A map that keeps what was used lately, in bounded memory.
//!
//! Two generations: what is new or found again goes into the young one; when that is full it becomes the old one, and the
//! old one is forgotten. So a hit costs two look-ups at most, and nothing is moved one by one.

use rustc_hash::FxHashMap;
use std::{borrow::Borrow, hash::Hash};

#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    young: FxHashMap<K, V>,
    old: FxHashMap<K, V>,
    /// Entries in a generation.
    half: usize,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    /// Keeps at least half of `max` entries and never more than `max`.
    pub(crate) fn new(max: usize) -> Self {
        Self { young: FxHashMap::default(), old: FxHashMap::default(), half: (max / 2).max(1) }
    }

    pub(crate) fn get<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if !self.young.contains_key(key) {
            let (key, value) = self.old.remove_entry(key)?;
            self.insert(key, value);
        }
        self.young.get_mut(key)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.old.remove(&key);
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    pub(crate) fn remove<Q>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.young.remove(key);
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::Recent;

    #[test]
    fn what_was_used_lately_stays_and_the_rest_goes() {
        let mut recent = Recent::new(4);
        recent.insert(1, "one");
        for key in 2..100 {
            assert_eq!(recent.get(&1), Some(&mut "one"), "used before {key}");
            recent.insert(key, "other");
            assert!(recent.young.len() + recent.old.len() <= 4);
        }
        assert_eq!(recent.get(&50), None);
    }
}
