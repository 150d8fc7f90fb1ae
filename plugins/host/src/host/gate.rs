//! As many calls at once as there is room for, and no more.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

/// Counts calls under way.
pub(crate) struct Gate {
    max: u32,
    state: Mutex<State>,
    left: Condvar,
}

struct State {
    inside: u32,
    /// Who leaves tells nobody when nobody waits: telling is a system call.
    waiting: u32,
}

/// A place; it is free again when this is dropped.
pub(crate) struct Place<'a>(&'a Gate);

impl Gate {
    pub(crate) const fn new(max: u32) -> Self {
        Self { max, state: Mutex::new(State { inside: 0, waiting: 0 }), left: Condvar::new() }
    }

    pub(crate) const fn max(&self) -> u32 {
        self.max
    }

    /// Takes a place; waits so long for one and then gives up.
    pub(crate) fn enter(&self, patience: Duration) -> Option<Place<'_>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.inside >= self.max {
            state.waiting += 1;
            let waited = self.left.wait_timeout_while(state, patience, |state| state.inside >= self.max);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
            if state.inside >= self.max {
                return None;
            }
        }
        state.inside += 1;
        Some(Place(self))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.inside -= 1;
        if state.waiting > 0 {
            self.0.left.notify_one();
        }
    }
}
