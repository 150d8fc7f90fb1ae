//! One class on disk, as its writer and its readers share it.

use crate::index::Index;
use aisle_event::LogClass;
use aisle_journal::Journal;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
pub(crate) struct ClassLog {
    pub(crate) class: LogClass,
    pub(crate) journal: Journal,
    index: Mutex<Index>,
}

impl ClassLog {
    pub(crate) const fn new(class: LogClass, journal: Journal, index: Index) -> Self {
        Self { class, journal, index: Mutex::new(index) }
    }

    /// Held for moments only: nobody reads or writes a file under it.
    pub(crate) fn index(&self) -> MutexGuard<'_, Index> {
        // Every change of an index is whole before anything that could panic.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
