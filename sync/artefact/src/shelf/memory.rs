//! A shelf in memory: for tests, and as what stands between a repository and a database.

use super::{Shelf, ShelfError};
use crate::role::{FileName, Role};
use std::collections::BTreeMap;

/// Metadata in memory.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    files: BTreeMap<FileName, Vec<u8>>,
    written: Vec<Written>,
}

/// What a repository did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// Files to be put in place together, in this order, if `timestamp.json` is still `before`.
    Put {
        /// What `timestamp.json` was.
        before: Option<Vec<u8>>,
        /// The files.
        files: Vec<(FileName, Vec<u8>)>,
    },
    /// Files to be removed.
    Remove(Vec<FileName>),
}

impl Memory {
    /// Of files that are kept somewhere else.
    #[must_use]
    pub fn of(files: impl IntoIterator<Item = (FileName, Vec<u8>)>) -> Self {
        Self { files: files.into_iter().collect(), written: Vec::new() }
    }

    /// What was done since the last time, in order. Who never asks keeps all of it in memory.
    pub fn take_written(&mut self) -> Vec<Written> {
        std::mem::take(&mut self.written)
    }

    /// All files.
    pub fn files(&self) -> impl Iterator<Item = (&FileName, &[u8])> {
        self.files.iter().map(|(name, bytes)| (name, bytes.as_slice()))
    }
}

impl Shelf for Memory {
    fn get(&self, name: &FileName) -> Result<Option<Vec<u8>>, ShelfError> {
        Ok(self.files.get(name).cloned())
    }

    fn put(&mut self, before: Option<&[u8]>, files: &[(FileName, Vec<u8>)]) -> Result<(), ShelfError> {
        if self.files.get(&FileName::newest(Role::Timestamp)).map(Vec::as_slice) != before {
            return Err(ShelfError::Raced);
        }
        let is_taken = |(name, bytes): &&(FileName, Vec<u8>)| {
            let is_root = *name.role() == Role::Root && name.version().is_some();
            is_root && self.files.get(name).is_some_and(|there| there != bytes)
        };
        if let Some((name, _)) = files.iter().find(is_taken) {
            return Err(ShelfError::Taken { name: name.clone() });
        }
        self.files.extend(files.iter().cloned());
        self.written.push(Written::Put { before: before.map(<[u8]>::to_vec), files: files.to_vec() });
        Ok(())
    }

    fn remove(&mut self, names: &[FileName]) -> Result<(), ShelfError> {
        let gone: Vec<FileName> =
            names.iter().filter(|name| self.files.remove(*name).is_some()).cloned().collect();
        if !gone.is_empty() {
            self.written.push(Written::Remove(gone));
        }
        Ok(())
    }
}
