//! A disk whose syncs take at least so long, over the real one.
//!
//! The disk of a build machine often syncs in less than 0.1 ms, because a write cache below it says yes at once; that
//! of a shop's computer takes milliseconds. Everything but the time of a sync is the real thing.

use aisle_journal::io::{Access, Io, IoFile, Lock, RealIo};
use std::{
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// How long a sync takes at least; nothing for the disk as it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disk {
    pub(crate) sync_min: Duration,
}

impl Disk {
    /// Runs a sync and waits for what it lacks.
    pub(crate) fn sync(self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let started = Instant::now();
        sync()?;
        if let Some(left) = self.sync_min.checked_sub(started.elapsed()) {
            thread::sleep(left);
        }
        Ok(())
    }

    fn file(self, file: Box<dyn IoFile>) -> Box<dyn IoFile> {
        Box::new(DiskFile { disk: self, file })
    }
}

impl Io for Disk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        RealIo.create_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        RealIo.list(dir)
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn IoFile>> {
        Ok(self.file(RealIo.open(path, access)?))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn IoFile>> {
        Ok(self.file(RealIo.create(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealIo.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealIo.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.sync(|| RealIo.sync_dir(dir))
    }

    fn available_bytes(&self, dir: &Path) -> io::Result<u64> {
        RealIo.available_bytes(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        RealIo.lock(path)
    }

    fn now_ms(&self) -> u64 {
        RealIo.now_ms()
    }

    fn entropy(&self) -> io::Result<[u8; 16]> {
        RealIo.entropy()
    }
}

#[derive(Debug)]
struct DiskFile {
    disk: Disk,
    file: Box<dyn IoFile>,
}

impl IoFile for DiskFile {
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.sync(|| self.file.sync_data())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.file.allocate(bytes)
    }
}
