//! The list of segments of an open journal, shared by the commit thread, readers and trimming.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

#[derive(Debug)]
pub(crate) struct Segments(Mutex<BTreeSet<u64>>);

impl Segments {
    pub(crate) fn new(firsts: &[u64]) -> Self {
        Self(Mutex::new(firsts.iter().copied().collect()))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a segment and gives how many there are.
    pub(crate) fn add(&self, first: u64) -> u64 {
        let mut firsts = self.lock();
        firsts.insert(first);
        firsts.len() as u64
    }

    pub(crate) fn remove(&self, first: u64) -> u64 {
        let mut firsts = self.lock();
        firsts.remove(&first);
        firsts.len() as u64
    }

    /// The first sequence number that can be read.
    pub(crate) fn first(&self) -> u64 {
        self.lock().first().copied().unwrap_or(1)
    }

    /// The segment that holds a sequence number, and the one after it.
    pub(crate) fn holding(&self, seq: u64) -> Option<(u64, Option<u64>)> {
        let firsts = self.lock();
        let holding = firsts.range(..=seq).next_back().copied()?;
        Some((holding, firsts.range(seq + 1..).next().copied()))
    }

    pub(crate) fn all(&self) -> Vec<u64> {
        self.lock().iter().copied().collect()
    }
}
