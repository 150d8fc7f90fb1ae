//! The bounded queue between the writers and the commit thread.
//!
//! The bound counts the bytes of every batch from the moment it is taken in until its commit is over, so it bounds the
//! memory that waiting writers can hold. At the bound `submit` refuses and `append` waits; nothing is dropped.

use crate::{
    Config, control,
    record::{self, HEADER_BYTES},
    ticket::{Acknowledge, Failure, Ticket},
};
use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// Something to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What kind of thing; 0 is the journal's own.
    pub kind: u16,
    /// What happened.
    pub payload: Vec<u8>,
}

/// Why a batch was not taken in. Nothing of it was kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The queue is at its bound; try again when commits have caught up.
    #[error("the queue is full: `queue_bytes_max` is {queue_bytes_max}")]
    Full {
        /// The bound.
        queue_bytes_max: usize,
    },
    /// The batch has no entries.
    #[error("the batch is empty")]
    Empty,
    /// An entry has the kind that the journal keeps for itself.
    #[error("entry {entry} of the batch has kind 0, which is the journal's own")]
    ReservedKind {
        /// Its place in the batch, from 0.
        entry: usize,
    },
    /// An entry is too long.
    #[error("entry {entry} of the batch has {bytes} bytes; `record_bytes_max` is {record_bytes_max}")]
    RecordTooLong {
        /// Its place in the batch, from 0.
        entry: usize,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        record_bytes_max: usize,
    },
    /// The batch is longer than the whole queue.
    #[error("the batch has {bytes} bytes; `queue_bytes_max` is {queue_bytes_max}")]
    BatchTooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        queue_bytes_max: usize,
    },
    /// What must be covered cannot be.
    #[error("the batch cannot be covered: {reason}")]
    Uncovered {
        /// Why not.
        reason: String,
    },
    /// The journal has failed; the process must exit.
    #[error("the journal has failed: {0}")]
    Failed(Failure),
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
}

/// A batch that waits for its commit.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Its records, which lack only what their place in the journal gives them: the writer's thread has done the rest.
    pub(crate) records: Vec<u8>,
    pub(crate) acknowledge: Acknowledge,
}

impl Batch {
    pub(crate) fn new(entries: &[Entry], config: &Config) -> Result<(Self, Ticket), SubmitError> {
        if entries.is_empty() {
            return Err(SubmitError::Empty);
        }
        // The length field has 32 bits, whatever the settings say.
        let record_bytes_max = config.record_bytes_max.min(u32::MAX as usize);
        let mut bytes = 0_usize;
        for (index, entry) in entries.iter().enumerate() {
            if entry.kind == control::KIND {
                return Err(SubmitError::ReservedKind { entry: index });
            }
            let length = entry.payload.len();
            if length > record_bytes_max {
                return Err(SubmitError::RecordTooLong { entry: index, bytes: length, record_bytes_max });
            }
            bytes = bytes.saturating_add(HEADER_BYTES + length);
        }
        let queue_bytes_max = config.queue_bytes_max;
        if bytes > queue_bytes_max {
            return Err(SubmitError::BatchTooLong { bytes, queue_bytes_max });
        }
        let mut records = Vec::with_capacity(bytes);
        entries.iter().for_each(|entry| record::prepare(&mut records, entry.kind, &entry.payload));
        let (acknowledge, ticket) = Ticket::new();
        Ok((Self { records, acknowledge }, ticket))
    }

    /// What it takes in a segment.
    pub(crate) const fn bytes(&self) -> usize {
        self.records.len()
    }
}

/// What to do when the queue is at its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtBound {
    Refuse,
    Wait,
}

#[derive(Debug, Clone)]
enum End {
    Closed,
    Failed(Failure),
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Batch>,
    waiting_bytes: usize,
    /// Waiting, on the stage, and in the commit that is being made.
    held_bytes: usize,
    /// True while the commit thread sleeps, so that a busy one is not woken for every batch.
    idle: bool,
    end: Option<End>,
}

#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    work: Condvar,
    room: Condvar,
    bytes_max: usize,
}

impl Queue {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { state: Mutex::default(), work: Condvar::new(), room: Condvar::new(), bytes_max }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that holds the lock can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, batch: Batch, at_bound: AtBound) -> Result<(), SubmitError> {
        let mut state = self.lock();
        loop {
            match &state.end {
                None => {}
                Some(End::Closed) => return Err(SubmitError::Closed),
                Some(End::Failed(failure)) => return Err(SubmitError::Failed(failure.clone())),
            }
            if state.held_bytes + batch.bytes() <= self.bytes_max {
                break;
            }
            if at_bound == AtBound::Refuse {
                return Err(SubmitError::Full { queue_bytes_max: self.bytes_max });
            }
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.held_bytes += batch.bytes();
        state.waiting_bytes += batch.bytes();
        state.waiting.push_back(batch);
        let wake = std::mem::take(&mut state.idle);
        drop(state);
        if wake {
            self.work.notify_one();
        }
        Ok(())
    }

    /// Sleeps until there is a batch, here or on the stage; false when the queue has ended and there is none.
    pub(crate) fn wait(&self) -> bool {
        let mut state = self.lock();
        loop {
            if state.held_bytes > 0 {
                return true;
            }
            if state.end.is_some() {
                return false;
            }
            state.idle = true;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Moves batches into `taken`, which is empty, as many from the front as fit.
    pub(crate) fn take(&self, bytes_max: usize, taken: &mut VecDeque<Batch>) {
        let mut state = self.lock();
        if state.waiting_bytes <= bytes_max {
            std::mem::swap(&mut state.waiting, taken);
            state.waiting_bytes = 0;
            return;
        }
        let mut room = bytes_max;
        while let Some(batch) = state.waiting.pop_front_if(|batch| batch.bytes() <= room) {
            room -= batch.bytes();
            state.waiting_bytes -= batch.bytes();
            taken.push_back(batch);
        }
    }

    /// The first batch, however long.
    pub(crate) fn take_first(&self) -> Option<Batch> {
        let mut state = self.lock();
        let batch = state.waiting.pop_front()?;
        state.waiting_bytes -= batch.bytes();
        Some(batch)
    }

    /// Gives the room of batches back whose commit is over; gives what is still held.
    pub(crate) fn done(&self, bytes: usize) -> usize {
        let mut state = self.lock();
        state.held_bytes = state.held_bytes.saturating_sub(bytes);
        let held = state.held_bytes;
        drop(state);
        self.room.notify_all();
        held
    }

    /// Takes nothing more in; what waits is still committed.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        if state.end.is_none() {
            state.end = Some(End::Closed);
        }
        drop(state);
        self.work.notify_all();
        self.room.notify_all();
    }

    /// Ends the queue for good and gives back what waits.
    pub(crate) fn fail(&self, failure: &Failure) -> VecDeque<Batch> {
        let mut state = self.lock();
        state.end = Some(End::Failed(failure.clone()));
        state.held_bytes = 0;
        state.waiting_bytes = 0;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.room.notify_all();
        waiting
    }

    pub(crate) fn failed(&self) -> Option<Failure> {
        match &self.lock().end {
            Some(End::Failed(failure)) => Some(failure.clone()),
            _ => None,
        }
    }
}
