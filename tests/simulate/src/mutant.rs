//! Deliberate mistakes, made in the wiring of the simulator and never in what is shipped. A simulator that does not see them is worth nothing.

use aisle_journal::{
    Io,
    fault::FaultIo,
    io::{Access, IoFile, Lock},
};
use std::{io, path::Path};

/// A mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// The store's disk says that it has synced, and has not: the journal acknowledges what a power cut takes back.
    AckBeforeFsync,
    /// The hub acknowledges what a crash of its database still takes back.
    AckBeforeCommit,
    /// The cursor is set, whoever has moved it meanwhile.
    CursorWithoutCompare,
    /// What has a number that is known is taken for what is known.
    TrimWithoutHashes,
    /// What is sent again in a new epoch comes straight from the journal.
    GateBypassed,
    /// The hub takes a batch whatever its receipt says.
    ReceiptSkipped,
}

impl Mutant {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::AckBeforeFsync,
        Self::AckBeforeCommit,
        Self::CursorWithoutCompare,
        Self::TrimWithoutHashes,
        Self::GateBypassed,
        Self::ReceiptSkipped,
    ];
}

/// A disk whose syncs of files do nothing and succeed.
#[derive(Debug)]
pub(crate) struct LyingDisk(pub(crate) FaultIo);

#[derive(Debug)]
struct LyingFile(Box<dyn IoFile>);

impl Io for LyingDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.create_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.0.list(dir)
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn IoFile>> {
        Ok(Box::new(LyingFile(self.0.open(path, access)?)))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn IoFile>> {
        Ok(Box::new(LyingFile(self.0.create(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.sync_dir(dir)
    }

    fn available_bytes(&self, dir: &Path) -> io::Result<u64> {
        self.0.available_bytes(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        self.0.lock(path)
    }

    fn now_ms(&self) -> u64 {
        self.0.now_ms()
    }

    fn entropy(&self) -> io::Result<[u8; 16]> {
        self.0.entropy()
    }
}

impl IoFile for LyingFile {
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.0.allocate(bytes)
    }
}
