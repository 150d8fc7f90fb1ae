//! [`FaultIo`]: a disk and a clock in memory that fail on demand, for tests of this crate and of those above it.
//!
//! It can lose power before any operation and keep, drop, tear or shuffle what was not synced; fail an operation by
//! number or by kind; hold syncs back until released; run out of space; set the clock. A seed repeats a run.

mod disk;
mod random;

use crate::io::{Access, Io, IoFile, Lock};
use disk::{Disk, File};
use random::Random;
use rustix::io::Errno;
use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What a power cut does to what was written and not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsynced {
    /// All of it had reached the disk.
    Keep,
    /// None of it had.
    Drop,
    /// It had, in order, up to some byte.
    Tear,
    /// Each sector of 512 bytes had, or had not.
    Shuffle,
}

impl Unsynced {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Keep, Self::Drop, Self::Tear, Self::Shuffle];
}

/// A kind of operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Making a directory.
    CreateDir,
    /// Making a file.
    Create,
    /// Taking the lock.
    Lock,
    /// Reading. Not counted.
    Read,
    /// Writing.
    Write,
    /// Syncing a file.
    Sync,
    /// Changing a file's length.
    SetLen,
    /// Reserving room.
    Allocate,
    /// Renaming.
    Rename,
    /// Removing.
    Remove,
    /// Syncing a directory.
    SyncDir,
}

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Input/output error.
    Eio,
    /// No space left.
    Enospc,
    /// The file system is read-only.
    Erofs,
}

impl Fault {
    fn error(self) -> io::Error {
        match self {
            Self::Eio => Errno::IO.into(),
            Self::Enospc => Errno::NOSPC.into(),
            Self::Erofs => Errno::ROFS.into(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum When {
    /// The operation with this number, once.
    At(u64),
    /// The next one of this kind, once.
    Next(Op),
    /// All of this kind.
    Every(Op),
}

#[derive(Debug)]
struct State {
    disk: Disk,
    random: Random,
    plan: Vec<(When, Fault)>,
    crash_at: Option<u64>,
    ops: u64,
    dead: bool,
    syncs_held: bool,
    syncs_waiting: usize,
    free_bytes: u64,
    clock_ms: u64,
    locks: BTreeSet<PathBuf>,
}

#[derive(Debug)]
struct Machine {
    state: Mutex<State>,
    changed: Condvar,
}

impl Machine {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle on the machine in memory; clones are the same machine.
#[derive(Debug, Clone)]
pub struct FaultIo(Arc<Machine>);

impl FaultIo {
    /// What the clock says until it is set: 2023-11-14T22:13:20Z.
    pub const CLOCK_MS: u64 = 1_700_000_000_000;

    /// An empty disk with all the room in the world.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with(Disk::default(), Random(seed), Self::CLOCK_MS)
    }

    fn with(disk: Disk, random: Random, clock_ms: u64) -> Self {
        let state = State {
            disk,
            random,
            plan: Vec::new(),
            crash_at: None,
            ops: 0,
            dead: false,
            syncs_held: false,
            syncs_waiting: 0,
            free_bytes: u64::MAX / 2,
            clock_ms,
            locks: BTreeSet::new(),
        };
        Self(Arc::new(Machine { state: Mutex::new(state), changed: Condvar::new() }))
    }

    /// The machine as the journal wants it.
    #[must_use]
    pub fn io(&self) -> Arc<dyn Io> {
        Arc::new(self.clone())
    }

    /// How many operations that change something were asked for so far.
    #[must_use]
    pub fn ops(&self) -> u64 {
        self.0.lock().ops
    }

    /// Cuts the power in front of the operation with this number, counted from 1: it and all after it fail.
    pub fn crash_at(&self, op: u64) {
        self.0.lock().crash_at = Some(op);
    }

    /// Cuts the power now and gives the machine that boots from what was synced. Everything asked of this one fails.
    #[must_use]
    pub fn crash(&self) -> Self {
        self.crash_with(Unsynced::Drop)
    }

    /// As [`Self::crash`], with something else becoming of what was not synced.
    #[must_use]
    pub fn crash_with(&self, unsynced: Unsynced) -> Self {
        let mut state = self.0.lock();
        state.dead = true;
        self.0.changed.notify_all();
        let State { disk, random, clock_ms, .. } = &mut *state;
        let left = disk.survive(unsynced, random);
        Self::with(left, Random(random.next()), *clock_ms)
    }

    /// Fails the operation with this number, counted from 1.
    pub fn fail_at(&self, op: u64, fault: Fault) {
        self.0.lock().plan.push((When::At(op), fault));
    }

    /// Fails the next operation of a kind.
    pub fn fail_next(&self, op: Op, fault: Fault) {
        self.0.lock().plan.push((When::Next(op), fault));
    }

    /// Fails every operation of a kind until [`Self::heal`].
    pub fn fail_every(&self, op: Op, fault: Fault) {
        self.0.lock().plan.push((When::Every(op), fault));
    }

    /// Fails the next sync of a file with EIO; its pages are then clean and not on the disk, as on Linux.
    pub fn fail_sync(&self) {
        self.fail_next(Op::Sync, Fault::Eio);
    }

    /// Forgets every planned fault.
    pub fn heal(&self) {
        let mut state = self.0.lock();
        state.plan.clear();
        state.crash_at = None;
    }

    /// Makes every sync of a file wait.
    pub fn hold_syncs(&self) {
        self.0.lock().syncs_held = true;
    }

    /// Lets the syncs go on.
    pub fn release_syncs(&self) {
        self.0.lock().syncs_held = false;
        self.0.changed.notify_all();
    }

    /// Waits until a sync is held; false when none came in time.
    #[must_use]
    pub fn wait_for_held_sync(&self, timeout: Duration) -> bool {
        let state = self.0.lock();
        let waited = self.0.changed.wait_timeout_while(state, timeout, |state| state.syncs_waiting == 0);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Sets how much room is left for preallocation and for files that grow.
    pub fn set_free_bytes(&self, bytes: u64) {
        self.0.lock().free_bytes = bytes;
    }

    /// Sets the wall clock, which otherwise stands still.
    pub fn set_clock_ms(&self, ms: u64) {
        self.0.lock().clock_ms = ms;
    }

    /// Flips a bit of a file on the platter; false when there is no such file.
    pub fn flip_bit(&self, path: &Path, offset: u64, bit: u8) -> bool {
        let mut state = self.0.lock();
        let Some(id) = state.disk.find(path) else { return false };
        state.disk.file(id).flip(offset, bit);
        true
    }

    /// A file's bytes as programs see them.
    #[must_use]
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        let mut state = self.0.lock();
        let id = state.disk.find(path)?;
        let file = state.disk.file(id);
        let mut bytes = vec![0; usize::try_from(file.len()).ok()?];
        file.read(&mut bytes, 0);
        Some(bytes)
    }

    /// Puts a file there, durably, without counting an operation.
    pub fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.0.lock();
        if let Some(dir) = path.parent() {
            state.disk.create_dir(dir);
            let id = state.disk.create(path);
            let file = state.disk.file(id);
            file.write(bytes, 0);
            file.sync();
            state.disk.sync_dir(dir);
        }
    }

    /// Counts the operation and lets it happen, or not.
    fn begin(&self, op: Op) -> Result<MutexGuard<'_, State>, (MutexGuard<'_, State>, io::Error)> {
        let mut state = self.0.lock();
        if op != Op::Read {
            state.ops += 1;
        }
        state.dead |= state.crash_at.is_some_and(|at| state.ops >= at);
        if state.dead {
            let lost = io::Error::other("the power is gone");
            return Err((state, lost));
        }
        let ops = state.ops;
        let planned = state.plan.iter().position(|(when, _)| match when {
            When::At(number) => *number == ops && op != Op::Read,
            When::Next(kind) | When::Every(kind) => *kind == op,
        });
        let Some(index) = planned else { return Ok(state) };
        let fault = match state.plan.get(index).copied() {
            Some((When::Every(_), fault)) => fault,
            _ => state.plan.remove(index).1,
        };
        Err((state, fault.error()))
    }

    fn change<T>(&self, op: Op, act: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        match self.begin(op) {
            Ok(mut state) => act(&mut state),
            Err((_, error)) => Err(error),
        }
    }
}

fn not_found() -> io::Error {
    Errno::NOENT.into()
}

/// Takes room for a file that grows, or gives it back for one that shrinks.
fn charge(state: &mut State, before: u64, after: u64) -> io::Result<()> {
    let free = (state.free_bytes + before).checked_sub(after).ok_or_else(|| Fault::Enospc.error())?;
    state.free_bytes = free;
    Ok(())
}

impl Io for FaultIo {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.change(Op::CreateDir, |state| {
            state.disk.create_dir(dir);
            Ok(())
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.change(Op::Read, |state| {
            if !state.disk.has_dir(dir) {
                return Err(not_found());
            }
            let names = state.disk.paths().filter(|path| path.parent() == Some(dir));
            Ok(names.filter_map(|path| path.file_name()?.to_str().map(String::from)).collect())
        })
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn IoFile>> {
        self.change(Op::Read, |state| {
            let id = state.disk.find(path).ok_or_else(not_found)?;
            Ok(Box::new(FaultFile { machine: self.clone(), id, access }) as Box<dyn IoFile>)
        })
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn IoFile>> {
        self.change(Op::Create, |state| {
            if !path.parent().is_some_and(|dir| state.disk.has_dir(dir)) {
                return Err(not_found());
            }
            let id = state.disk.create(path);
            Ok(Box::new(FaultFile { machine: self.clone(), id, access: Access::Write }) as Box<dyn IoFile>)
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(Op::Rename, |state| {
            state.free_bytes += state.disk.rename(from, to).ok_or_else(not_found)?;
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(Op::Remove, |state| {
            state.free_bytes += state.disk.remove(path).ok_or_else(not_found)?;
            Ok(())
        })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.change(Op::SyncDir, |state| {
            state.disk.sync_dir(dir);
            Ok(())
        })
    }

    fn available_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(self.0.lock().free_bytes)
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        self.change(Op::Lock, |state| {
            if state.locks.insert(path.into()) {
                Ok(Lock::Taken(Box::new(Guard { machine: self.clone(), path: path.into() })))
            } else {
                Ok(Lock::Held(Some(std::process::id())))
            }
        })
    }

    fn now_ms(&self) -> u64 {
        self.0.lock().clock_ms
    }

    fn entropy(&self) -> io::Result<[u8; 16]> {
        let mut state = self.0.lock();
        let (high, low) = (state.random.next(), state.random.next());
        Ok((u128::from(high) << 64 | u128::from(low)).to_le_bytes())
    }
}

struct Guard {
    machine: FaultIo,
    path: PathBuf,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.machine.0.lock().locks.remove(&self.path);
    }
}

#[derive(Debug)]
struct FaultFile {
    machine: FaultIo,
    id: u64,
    access: Access,
}

impl FaultFile {
    fn change<T>(&self, op: Op, act: impl FnOnce(&mut State, u64) -> io::Result<T>) -> io::Result<T> {
        if self.access == Access::Read && op != Op::Read {
            return Err(Errno::BADF.into());
        }
        self.machine.change(op, |state| act(state, self.id))
    }

    fn resize(state: &mut State, id: u64, len: u64) -> io::Result<()> {
        let before = state.disk.file(id).len();
        charge(state, before, len)?;
        state.disk.file(id).set_len(len);
        Ok(())
    }
}

impl IoFile for FaultFile {
    fn size(&self) -> io::Result<u64> {
        self.change(Op::Read, |state, id| Ok(state.disk.file(id).len()))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.change(Op::Read, |state, id| Ok(state.disk.file(id).read(buffer, offset)))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.access == Access::Read {
            return Err(Errno::BADF.into());
        }
        let write = |state: &mut State, bytes: &[u8]| -> io::Result<()> {
            let before = state.disk.file(self.id).len();
            charge(state, before, before.max(offset + bytes.len() as u64))?;
            state.disk.file(self.id).write(bytes, offset);
            Ok(())
        };
        match self.machine.begin(Op::Write) {
            Ok(mut state) => write(&mut state, bytes),
            Err((mut state, error)) => {
                // A write that fails may have done part of its work; without power it has done none.
                if !state.dead {
                    let part = state.random.below(bytes.len() as u64 + 1) as usize;
                    write(&mut state, bytes.get(..part).unwrap_or_default())?;
                }
                Err(error)
            }
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.access == Access::Read {
            return Err(Errno::BADF.into());
        }
        let mut state = match self.machine.begin(Op::Sync) {
            Ok(state) => state,
            Err((mut state, error)) => {
                if !state.dead {
                    File::sync_failed(state.disk.file(self.id));
                }
                return Err(error);
            }
        };
        while state.syncs_held && !state.dead {
            state.syncs_waiting += 1;
            self.machine.0.changed.notify_all();
            state = self.machine.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.syncs_waiting -= 1;
        }
        if state.dead {
            return Err(io::Error::other("the power is gone"));
        }
        state.disk.file(self.id).sync();
        Ok(())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.change(Op::SetLen, |state, id| Self::resize(state, id, bytes))
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.change(Op::Allocate, |state, id| {
            let len = state.disk.file(id).len().max(bytes);
            Self::resize(state, id, len)
        })
    }
}
