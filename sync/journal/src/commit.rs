//! Group commit: many writers, one fdatasync.
//!
//! The commit thread takes everything that is queued, writes it with one call, syncs once and wakes every waiter.
//! There is no timer: while one sync runs, the next commit gathers by itself.
//!
//! Not here: record layout (`record`), the bound on what gathers (`queue`), reading (`reader`).
//! Guards invariant 1: a waiter is woken only after the sync that covers its record has returned; and invariant 8:
//! after a failed write or sync nothing is acknowledged any more.

use crate::{
    chain::{Chain, Head},
    control::{Control, MARKER_BYTES, Marker},
    io::{FileError, during},
    journal::Shared,
    queue::Batch,
    record::{self, Salt},
    segment::{self, RECORDS_FROM, Segment},
    telemetry,
    ticket::{Acknowledge, CommitError, Committed, Failure},
};
use aisle_event::{Hlc, HlcClock};
use std::{collections::VecDeque, sync::Arc, time::Instant};
use tokio::sync::watch;

/// How much goes into one commit, unless a single batch is longer.
const COMMIT_BYTES_MAX: usize = 4 << 20;

/// Where the journal ends.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) segment: Segment,
    /// Where the next commit goes.
    pub(crate) at: u64,
    /// The size of the segment's file.
    pub(crate) size: u64,
    pub(crate) next: u64,
    pub(crate) head: Head,
    pub(crate) hlc: Hlc,
}

pub(crate) struct Committer {
    shared: Arc<Shared>,
    durable: watch::Sender<u64>,
    segment: Segment,
    at: u64,
    size: u64,
    next: u64,
    chain: Chain,
    clock: HlcClock,
    /// The last time that the clock gave out.
    hlc: Hlc,
    salt: Salt,
    bytes: Vec<u8>,
    batches: VecDeque<Batch>,
    acknowledgements: Vec<(Acknowledge, Committed)>,
}

impl Committer {
    pub(crate) fn new(shared: Arc<Shared>, durable: watch::Sender<u64>, end: End) -> Self {
        let End { segment, at, size, next, head, hlc } = end;
        Self {
            salt: segment.header.salt(),
            shared,
            durable,
            segment,
            at,
            size,
            next,
            chain: Chain::after(head),
            clock: HlcClock::after(hlc),
            hlc,
            bytes: Vec::new(),
            batches: VecDeque::new(),
            acknowledgements: Vec::new(),
        }
    }

    pub(crate) fn run(mut self) {
        // Writers must not wait for a thread that is no more.
        let guard = FailOnPanic(self.shared.clone());
        while let Some(bytes) = self.shared.queue.wait() {
            if let Err(error) = self.commit(bytes) {
                self.fail(&error);
                break;
            }
        }
        drop(guard);
    }

    /// Makes one commit, beginning with a batch of so many bytes. Errors are fatal.
    fn commit(&mut self, first_bytes: usize) -> Result<(), FileError> {
        let started = Instant::now();
        let needed = (first_bytes + MARKER_BYTES) as u64;
        if self.at + needed > self.size {
            match self.roll(needed) {
                Err(error) if error.is_no_space() => {
                    let taken = self.shared.queue.take(COMMIT_BYTES_MAX, &mut self.batches);
                    let refused = self.batches.drain(..).map(|batch| batch.acknowledge).collect();
                    self.refuse(refused, taken, self.shared.config.segment_bytes_for(needed));
                    return Ok(());
                }
                rolled => rolled?,
            }
        }
        let room = usize::try_from(self.size - self.at).unwrap_or(usize::MAX) - MARKER_BYTES;
        let taken = self.shared.queue.take(COMMIT_BYTES_MAX.min(room), &mut self.batches);
        let (first, head) = (self.next, self.chain.head());
        self.encode();

        match self.segment.file.write_at(&self.bytes, self.at).map_err(during("write", &self.segment.path)) {
            Ok(()) => {}
            Err(error) if error.is_no_space() => {
                // Only a file system that reserves nothing gets here. What was written of the commit goes again.
                self.segment.cut(self.at, self.size)?;
                self.next = first;
                self.chain.resume(head);
                let refused = self.acknowledgements.drain(..).map(|(acknowledge, _)| acknowledge).collect();
                self.refuse(refused, taken, self.bytes.len() as u64);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        self.segment.file.sync_data().map_err(during("sync", &self.segment.path))?;
        self.at += self.bytes.len() as u64;
        self.publish(first, taken, started);
        Ok(())
    }

    /// Puts the batches taken one after the other, numbered, timed and chained, with the marker behind them.
    fn encode(&mut self) {
        let first = self.next;
        let now_ms = self.shared.io.now_ms();
        self.bytes.clear();
        for Batch { records, acknowledge } in self.batches.drain(..) {
            let batch_first = self.next;
            let start = self.bytes.len();
            self.bytes.extend_from_slice(&records);
            let mut rest = self.bytes.get_mut(start..).unwrap_or_default();
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
            self.acknowledgements.push((acknowledge, Committed { first: batch_first, last: self.next - 1 }));
        }
        let marker = Marker { first, last: self.next - 1, head: self.chain.head() };
        Control::Marker(marker).encode(&mut self.bytes, self.salt, self.hlc);
    }

    /// Tells everyone that the commit is durable: readers first, so that a writer who is woken can read it.
    fn publish(&mut self, first: u64, taken: usize, started: Instant) {
        let last = self.next - 1;
        self.shared.set_head(self.chain.head());
        self.durable.send_replace(last);
        for (acknowledge, committed) in self.acknowledgements.drain(..) {
            // A writer that dropped its ticket does not want to know.
            let _ = acknowledge.send(Ok(committed));
        }
        let event = telemetry::Durable {
            last,
            records: self.next - first,
            bytes: self.bytes.len() as u64,
            queue_bytes: self.shared.queue.done(taken),
            elapsed: started.elapsed(),
        };
        event.emit(&self.shared.metrics);
        self.bytes.shrink_to(COMMIT_BYTES_MAX);
    }

    /// Starts a segment that has room for so many bytes.
    fn roll(&mut self, needed: u64) -> Result<(), FileError> {
        let empty = self.at == RECORDS_FROM;
        let header = if empty {
            // Too small for the batch: a larger one takes its place.
            self.segment.header
        } else {
            segment::Header {
                journal: self.segment.header.journal,
                first: self.next,
                previous: self.segment.header.first,
                hlc: self.hlc,
                head: self.chain.head(),
            }
        };
        let size = self.shared.config.segment_bytes_for(needed);
        self.segment = Segment::create(self.shared.io.as_ref(), &self.shared.dir, header, size)?;
        self.at = RECORDS_FROM;
        self.size = size;
        let segments = self.shared.segments.add(header.first);
        telemetry::Rolled { segment: &self.segment.name, segments }.emit(&self.shared.metrics);
        Ok(())
    }

    fn refuse(&self, refused: Vec<Acknowledge>, taken: usize, needed_bytes: u64) {
        let available_bytes = self.shared.io.available_bytes(&self.shared.dir).unwrap_or(0);
        let batches = refused.len() as u64;
        for acknowledge in refused {
            let _ = acknowledge.send(Err(CommitError::NoSpace { needed_bytes, available_bytes }));
        }
        self.shared.queue.done(taken);
        telemetry::Refused { batches, needed_bytes, available_bytes }.emit(&self.shared.metrics);
    }

    fn fail(&mut self, error: &FileError) {
        let failure = Failure::new(error);
        telemetry::Failed { failure: &failure }.emit(&self.shared.metrics);
        let waiting = self.shared.queue.fail(&failure);
        let taken = self.acknowledgements.drain(..).map(|(acknowledge, _)| acknowledge);
        let waiting = self.batches.drain(..).chain(waiting).map(|batch| batch.acknowledge);
        for acknowledge in taken.chain(waiting) {
            let _ = acknowledge.send(Err(CommitError::Failed(failure.clone())));
        }
    }
}

struct FailOnPanic(Arc<Shared>);

impl Drop for FailOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let failure = Failure::panicked();
            telemetry::Failed { failure: &failure }.emit(&self.0.metrics);
            // Dropping what waits tells its writers.
            drop(self.0.queue.fail(&failure));
        }
    }
}
