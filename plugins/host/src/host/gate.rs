//! As many calls at once as there is room for, and no more.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

/// Counts calls under way.
pub(crate) struct Gate {
    max: u32,
    inside: Mutex<u32>,
    left: Condvar,
}

/// A place; it is free again when this is dropped.
pub(crate) struct Place<'a>(&'a Gate);

impl Gate {
    pub(crate) const fn new(max: u32) -> Self {
        Self { max, inside: Mutex::new(0), left: Condvar::new() }
    }

    pub(crate) const fn max(&self) -> u32 {
        self.max
    }

    /// Takes a place; waits so long for one and then gives up.
    pub(crate) fn enter(&self, patience: Duration) -> Option<Place<'_>> {
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.left.wait_timeout_while(inside, patience, |inside| *inside >= self.max);
        let (mut inside, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if *inside >= self.max {
            return None;
        }
        *inside += 1;
        Some(Place(self))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.inside.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.left.notify_one();
    }
}
