//! The stage: the next commit while it gathers, its records already numbered, timed and chained.
//!
//! Whoever holds the stage moves batches from the queue onto it. The commit thread does so before each commit; a writer
//! does so after handing a batch in, if nobody else is at it. So the hashing for the next commit is done while the disk
//! syncs this one, by threads that would otherwise wait for it, and no thread is added.
//!
//! Not here: writing (`commit`). Guards the order: batches come onto the stage as they stand in the queue.

use crate::{
    chain::{Chain, Head},
    control::{Control, Marker},
    queue::{Batch, Queue},
    record::{self, Salt},
    ticket::{Acknowledge, Committed},
};
use aisle_event::{Hlc, HlcClock};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError, TryLockError},
};

/// How much a writer that must not be kept does for the next commit when it hands a batch in.
const HELP_BYTES_MAX: usize = 32 * 1024;

/// A place in the journal: what the next record follows from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    pub(crate) next: u64,
    pub(crate) head: Head,
    /// The last time that was given to a record.
    pub(crate) hlc: Hlc,
}

/// A commit ready to be written, and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    pub(crate) bytes: Vec<u8>,
    pub(crate) acknowledgements: Vec<(Acknowledge, Committed)>,
    /// The bytes that its batches hold of the queue's bound.
    pub(crate) held_bytes: usize,
}

#[derive(Debug)]
pub(crate) struct Staged {
    salt: Salt,
    commit_bytes_max: usize,
    first: u64,
    next: u64,
    chain: Chain,
    clock: HlcClock,
    hlc: Hlc,
    prepared: Prepared,
    batches: VecDeque<Batch>,
}

#[derive(Debug)]
pub(crate) struct Stage(Mutex<Staged>);

impl Stage {
    pub(crate) fn new(salt: Salt, commit_bytes_max: usize, from: Position) -> Self {
        Self(Mutex::new(Staged {
            salt,
            commit_bytes_max,
            first: from.next,
            next: from.next,
            chain: Chain::after(from.head),
            clock: HlcClock::after(from.hlc),
            hlc: from.hlc,
            prepared: Prepared::default(),
            batches: VecDeque::new(),
        }))
    }

    #[expect(clippy::expect_used, reason = "a commit that was left half laid out must never reach the disk")]
    pub(crate) fn lock(&self) -> MutexGuard<'_, Staged> {
        self.0.lock().expect("a writer panicked while it laid its records out")
    }

    /// Lets go of everything on the stage, in whatever state it is.
    pub(crate) fn abandon(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Does a bounded part of the next commit's work, unless somebody is at it.
    pub(crate) fn help(&self, queue: &Queue, now_ms: impl FnOnce() -> u64) {
        match self.0.try_lock() {
            Ok(mut staged) => staged.gather(queue, HELP_BYTES_MAX, now_ms),
            // On a poisoned stage the commit thread fails, and says so.
            Err(TryLockError::WouldBlock | TryLockError::Poisoned(_)) => {}
        }
    }
}

impl Staged {
    /// Moves batches onto the stage while they fit.
    fn gather(&mut self, queue: &Queue, bytes_max: usize, now_ms: impl FnOnce() -> u64) {
        let room = self.commit_bytes_max.saturating_sub(self.prepared.bytes.len());
        queue.take(room.min(bytes_max), &mut self.batches);
        if !self.batches.is_empty() {
            self.lay_out(now_ms());
        }
    }

    /// Moves all batches onto the stage that fit, and one that is too long for any commit if it is alone.
    pub(crate) fn gather_all(&mut self, queue: &Queue, now_ms: impl Fn() -> u64) {
        self.gather(queue, usize::MAX, &now_ms);
        if self.is_empty() {
            self.batches.extend(queue.take_first());
            self.lay_out(now_ms());
        }
    }

    fn lay_out(&mut self, now_ms: u64) {
        let Prepared { bytes, acknowledgements, held_bytes } = &mut self.prepared;
        for Batch { records, acknowledge } in self.batches.drain(..) {
            let first = self.next;
            let start = bytes.len();
            bytes.extend_from_slice(&records);
            *held_bytes += records.len();
            let mut rest = bytes.get_mut(start..).unwrap_or_default();
            while !rest.is_empty() {
                let hlc = self.clock.tick(now_ms);
                let Some((chained, behind)) = record::complete(rest, self.salt, self.next, hlc) else {
                    break;
                };
                self.chain.push(chained);
                self.hlc = hlc;
                self.next += 1;
                rest = behind;
            }
            acknowledgements.push((acknowledge, Committed { first, last: self.next - 1 }));
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.prepared.acknowledgements.is_empty()
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.prepared.bytes.len()
    }

    /// Ends the commit with its marker and makes room for the next one in `spent`, which is empty.
    pub(crate) fn finish(&mut self, spent: Prepared) -> (Prepared, Position) {
        let head = self.chain.head();
        let marker = Marker { first: self.first, last: self.next - 1, head };
        Control::Marker(marker).encode(&mut self.prepared.bytes, self.salt, self.hlc);
        self.first = self.next;
        let position = Position { next: self.next, head, hlc: self.hlc };
        (std::mem::replace(&mut self.prepared, spent), position)
    }

    /// Takes everything off the stage.
    fn take(&mut self) -> Prepared {
        std::mem::take(&mut self.prepared)
    }

    /// Takes everything off the stage and goes back to a place in the journal. Time does not go back.
    pub(crate) fn clear(&mut self, to: Position) -> Prepared {
        self.first = to.next;
        self.next = to.next;
        self.chain.resume(to.head);
        self.hlc = to.hlc;
        self.take()
    }
}
