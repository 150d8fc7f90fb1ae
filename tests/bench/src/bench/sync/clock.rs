//! A disk whose clock is set by hand: what happened over a week is written in minutes, at the times when it happened.

use aisle_journal::io::{Access, Io, IoFile, Lock, RealIo};
use std::{
    io,
    path::Path,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// The real disk, and the time that was set last, in milliseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Clock {
    ms: AtomicU64,
}

impl Clock {
    pub(super) fn set(&self, ms: u64) {
        self.ms.store(ms, Relaxed);
    }
}

impl Io for Clock {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        RealIo.create_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        RealIo.list(dir)
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn IoFile>> {
        RealIo.open(path, access)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn IoFile>> {
        RealIo.create(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealIo.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealIo.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        RealIo.sync_dir(dir)
    }

    fn available_bytes(&self, dir: &Path) -> io::Result<u64> {
        RealIo.available_bytes(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        RealIo.lock(path)
    }

    fn now_ms(&self) -> u64 {
        self.ms.load(Relaxed)
    }

    fn entropy(&self) -> io::Result<[u8; 16]> {
        RealIo.entropy()
    }
}
