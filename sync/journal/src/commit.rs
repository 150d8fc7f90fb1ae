//! Group commit: many writers, one fdatasync.
//!
//! The commit thread takes everything that is queued, writes it with one call, syncs once and wakes every waiter.
//! There is no timer: while one sync runs, the next commit gathers by itself.
//!
//! Not here: record layout (`record`), the bound on what gathers (`queue`), reading (`reader`).
//! Guards invariant 1: a waiter is woken only after the sync that covers its record has returned; and invariant 8:
//! after a failed write or sync nothing is acknowledged any more.

use crate::{
    config::COMMIT_BYTES_MAX,
    control::MARKER_BYTES,
    io::{FileError, during},
    journal::Shared,
    segment::{self, RECORDS_FROM, Segment},
    stage::{Position, Prepared},
    telemetry,
    ticket::{CommitError, Failure},
};
use std::{sync::Arc, time::Instant};
use tokio::sync::watch;

/// Where the journal ends.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) segment: Segment,
    /// Where the next commit goes.
    pub(crate) at: u64,
    /// The size of the segment's file.
    pub(crate) size: u64,
    pub(crate) position: Position,
}

pub(crate) struct Committer {
    shared: Arc<Shared>,
    durable: watch::Sender<u64>,
    end: End,
    /// The commit that is being made.
    commit: Prepared,
}

impl Committer {
    pub(crate) fn new(shared: Arc<Shared>, durable: watch::Sender<u64>, end: End) -> Self {
        Self { shared, durable, end, commit: Prepared::default() }
    }

    pub(crate) fn run(mut self) {
        // Writers must not wait for a thread that is no more.
        let guard = FailOnPanic(self.shared.clone());
        while self.shared.queue.wait() {
            if let Err(error) = self.commit() {
                self.fail(&error);
                break;
            }
        }
        drop(guard);
    }

    /// Makes one commit of what has gathered. Errors are fatal.
    fn commit(&mut self) -> Result<(), FileError> {
        let started = Instant::now();
        let shared = self.shared.clone();
        let mut staged = shared.stage.lock();
        staged.gather_all(&shared.queue, || shared.io.now_ms());
        let needed = (staged.bytes() + MARKER_BYTES) as u64;
        if self.end.at + needed > self.end.size {
            match self.roll(needed) {
                Err(error) if error.is_no_space() => {
                    let refused = staged.clear(self.end.position);
                    drop(staged);
                    self.refuse([refused], shared.config.segment_bytes_for(needed));
                    return Ok(());
                }
                rolled => rolled?,
            }
        }
        let (commit, position) = staged.finish(std::mem::take(&mut self.commit));
        drop(staged);
        self.commit = commit;

        let Segment { file, path, .. } = &self.end.segment;
        match file.write_at(&self.commit.bytes, self.end.at).map_err(during("write", path)) {
            Ok(()) => {}
            Err(error) if error.is_no_space() => {
                // Only a file system that reserves nothing gets here. What was written of the commit goes again, and
                // so does what was numbered after it.
                self.end.segment.cut(self.end.at, self.end.size)?;
                let after = shared.stage.lock().clear(self.end.position);
                let refused = std::mem::take(&mut self.commit);
                let needed = refused.bytes.len() as u64;
                self.refuse([refused, after], needed);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        file.sync_data().map_err(during("sync", path))?;
        self.end.at += self.commit.bytes.len() as u64;
        self.publish(position, started);
        Ok(())
    }

    /// Tells everyone that the commit is durable: readers first, so that a writer who is woken can read it.
    fn publish(&mut self, position: Position, started: Instant) {
        let records = position.next - self.end.position.next;
        let last = position.next - 1;
        self.end.position = position;
        self.shared.set_head(position.head);
        self.durable.send_replace(last);
        let Prepared { bytes, acknowledgements, held_bytes } = &mut self.commit;
        for (acknowledge, committed) in acknowledgements.drain(..) {
            // A writer that dropped its ticket does not want to know.
            let _ = acknowledge.send(Ok(committed));
        }
        let event = telemetry::Durable {
            last,
            records,
            bytes: bytes.len() as u64,
            queue_bytes: self.shared.queue.done(std::mem::take(held_bytes)),
            elapsed: started.elapsed(),
        };
        event.emit(&self.shared.metrics);
        bytes.clear();
        bytes.shrink_to(COMMIT_BYTES_MAX);
    }

    /// Starts a segment that has room for so many bytes.
    fn roll(&mut self, needed: u64) -> Result<(), FileError> {
        let End { segment, at, position, .. } = &self.end;
        let header = if *at == RECORDS_FROM {
            // Too small for the batch: a larger one takes its place.
            segment.header
        } else {
            segment::Header {
                journal: segment.header.journal,
                first: position.next,
                previous: segment.header.first,
                hlc: position.hlc,
                head: position.head,
            }
        };
        let size = self.shared.config.segment_bytes_for(needed);
        let segment = Segment::create(self.shared.io.as_ref(), &self.shared.dir, header, size)?;
        let segments = self.shared.segments.add(header.first);
        telemetry::Rolled { segment: &segment.name, segments }.emit(&self.shared.metrics);
        self.end = End { segment, at: RECORDS_FROM, size, position: *position };
        Ok(())
    }

    fn refuse<const N: usize>(&self, refused: [Prepared; N], needed_bytes: u64) {
        let available_bytes = self.shared.io.available_bytes(&self.shared.dir).unwrap_or(0);
        let mut batches = 0;
        for Prepared { acknowledgements, held_bytes, .. } in refused {
            for (acknowledge, _) in acknowledgements {
                batches += 1;
                let _ = acknowledge.send(Err(CommitError::NoSpace { needed_bytes, available_bytes }));
            }
            self.shared.queue.done(held_bytes);
        }
        telemetry::Refused { batches, needed_bytes, available_bytes }.emit(&self.shared.metrics);
    }

    fn fail(&mut self, error: &FileError) {
        let failure = Failure::new(error);
        telemetry::Failed { failure: &failure }.emit(&self.shared.metrics);
        // The queue first: after that nothing more comes onto the stage.
        let waiting = self.shared.queue.fail(&failure);
        let staged = self.shared.stage.lock().clear(self.end.position);
        let taken =
            std::mem::take(&mut self.commit).acknowledgements.into_iter().chain(staged.acknowledgements);
        let waiting = waiting.into_iter().map(|batch| batch.acknowledge);
        for acknowledge in taken.map(|(acknowledge, _)| acknowledge).chain(waiting) {
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
            self.0.stage.abandon();
        }
    }
}
