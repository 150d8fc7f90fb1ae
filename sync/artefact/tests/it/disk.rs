//! A disk that is killed at a chosen step, with what was not synced lost or kept.

use aisle_artefact::files::Files;
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};

type Names = BTreeMap<String, Vec<u8>>;

#[derive(Debug, Default)]
struct Inner {
    /// What is there while the machine runs.
    seen: Names,
    /// What is there after a power cut.
    durable: Names,
    /// Steps until the kill.
    left: Option<usize>,
    steps: usize,
}

/// The machine's disk; it outlives who uses it.
#[derive(Debug, Clone, Default)]
pub struct Disk(Arc<Mutex<Inner>>);

/// What a kill takes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The process alone: what was written is there.
    Process,
    /// The power: a name that was not synced is what it was.
    Power,
}

impl Disk {
    pub fn files(&self) -> Box<dyn Files> {
        Box::new(self.clone())
    }

    /// From now on so many steps are done, and the next one half.
    pub fn die_after(&self, steps: usize) {
        self.0.lock().unwrap().left = Some(steps);
    }

    /// Starts the machine again.
    pub fn restart(&self, cut: Cut) {
        let mut inner = self.0.lock().unwrap();
        inner.left = None;
        if cut == Cut::Power {
            inner.seen = inner.durable.clone();
        } else {
            inner.durable = inner.seen.clone();
        }
    }

    /// A disk with the same on it.
    pub fn copy(&self) -> Self {
        let inner = self.0.lock().unwrap();
        let copy = Inner { seen: inner.seen.clone(), durable: inner.seen.clone(), ..Inner::default() };
        Self(Arc::new(Mutex::new(copy)))
    }

    pub fn steps(&self) -> usize {
        self.0.lock().unwrap().steps
    }

    pub fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().seen.keys().cloned().collect()
    }

    pub fn spoil(&self, name: &str, spoil: impl FnOnce(&mut Vec<u8>)) {
        let mut inner = self.0.lock().unwrap();
        spoil(inner.seen.get_mut(name).unwrap());
        inner.durable = inner.seen.clone();
    }

    /// Whether this step is done; the last one is done by half.
    fn step(&self, work: impl FnOnce(&mut Inner, bool)) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap();
        inner.steps += 1;
        match inner.left {
            Some(0) => {
                inner.left = Some(usize::MAX);
                work(&mut inner, false);
                Err(io::Error::other("killed"))
            }
            // Nothing happens after the kill.
            Some(usize::MAX) => Err(io::Error::other("dead")),
            left => {
                inner.left = left.map(|left| left - 1);
                work(&mut inner, true);
                Ok(())
            }
        }
    }
}

impl Files for Disk {
    fn read(&self, name: &str, _: u64) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.lock().unwrap().seen.get(name).cloned())
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.step(|inner, is_whole| {
            let written = if is_whole { bytes } else { &bytes[..bytes.len() / 2] };
            inner.seen.insert(name.to_owned(), written.to_vec());
        })
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.step(|inner, is_whole| {
            if is_whole {
                let bytes = inner.seen.remove(from).unwrap();
                inner.seen.insert(to.to_owned(), bytes);
            }
        })
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.step(|inner, is_whole| {
            if is_whole {
                inner.seen.remove(name);
            }
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.step(|inner, is_whole| {
            if is_whole {
                inner.durable = inner.seen.clone();
            }
        })
    }
}
