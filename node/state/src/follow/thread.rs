//! The thread of a follower: tail, apply, publish, propose, and a snapshot when it is quiet.

use super::{Config, Fold, Shared, telemetry::Telemetry};
use crate::snapshot_file::SnapshotFiles;
use aisle_event::{Event, EventType, Timestamp};
use aisle_journal::{Entry, Journal, OnCorruption, QuarantineError, ReadError, Record, Tail, Ticket};
use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

/// The most records between two views.
const BATCH_RECORDS_MAX: usize = 2048;
/// How long the thread waits for records before it looks whether something else is to be done.
const WAIT: Duration = Duration::from_millis(100);
/// How often the fold is asked what follows, at most.
const ASK_EVERY: Duration = Duration::from_millis(200);
/// A snapshot that found no quiet moment is written after so many times its interval.
const OVERDUE_FACTOR: u64 = 4;

pub(super) struct Thread<F: Fold> {
    pub(super) fold: F,
    pub(super) applied: u64,
    /// The last record in the latest snapshot.
    pub(super) snapshot: u64,
    /// When that was written, or else when the thread was started.
    pub(super) snapshot_at: Instant,
    pub(super) shared: Arc<Shared<F::View>>,
    pub(super) files: SnapshotFiles,
    pub(super) config: Config,
    pub(super) journal: Journal,
    pub(super) now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(super) proposed: Option<Proposed>,
    /// It is time to ask the fold what follows, once this record is applied.
    pub(super) ask_after: Option<u64>,
    pub(super) telemetry: Telemetry,
}

/// What the fold proposed and has not taken back yet.
pub(super) enum Proposed {
    /// On its way to the disk.
    Submitted(Ticket),
    /// In the journal, up to this record.
    Committed(u64),
}

/// Why the thread stopped by itself.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the journal cannot be read: {0}")]
    Journal(#[from] ReadError),
    #[error("damaged records cannot be set aside: {0}")]
    Quarantine(#[from] QuarantineError),
}

/// Says so when the thread panics: nobody may wait for ever for what will not come.
struct Watched<V>(Arc<Shared<V>>);

impl<V> Drop for Watched<V> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail("it panicked; the log says where".to_owned());
        }
    }
}

impl<V> Shared<V> {
    fn fail(&self, reason: String) {
        tracing::error!(reason, "a projection has stopped");
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
        // Wakes everyone who waits, so that they see the reason.
        self.applied.send_modify(|_| ());
    }
}

impl<F: Fold> Thread<F> {
    /// Runs until it is told to stop or cannot go on; then the reason stands in [`Shared`].
    pub(super) fn run(mut self) {
        let _watched = Watched(self.shared.clone());
        if let Err(broken) = self.follow() {
            self.shared.fail(format!("the projection `{}`: {broken}", self.files.name));
        }
        if self.applied > self.snapshot {
            self.write_snapshot();
        }
    }

    fn follow(&mut self) -> Result<(), Broken> {
        let mut tail = self.journal.tail((self.applied + 1).max(self.journal.first()));
        let mut asked: Option<Instant> = None;
        while !self.shared.stop.load(Ordering::Acquire) {
            let quiet = match self.step(&mut tail) {
                Ok(quiet) => quiet,
                // Nothing more will come; whoever closed the journal stops this thread too.
                Err(Broken::Journal(ReadError::Closed)) => {
                    std::thread::sleep(WAIT);
                    continue;
                }
                Err(broken) => return Err(broken),
            };
            if asked.is_none_or(|at| at.elapsed() >= ASK_EVERY) && self.propose() {
                asked = Some(Instant::now());
            }
            let behind = self.applied.saturating_sub(self.snapshot);
            let interval = self.config.snapshot_every_records.max(1);
            let many = behind >= interval && (quiet || behind >= interval.saturating_mul(OVERDUE_FACTOR));
            let every = Duration::from_secs(self.config.snapshot_every_s.max(1).into());
            if many || (behind > 0 && self.snapshot_at.elapsed() >= every) {
                self.write_snapshot();
            }
        }
        Ok(())
    }

    /// Takes one batch. True when there was none. Damage in a sealed segment is set aside where the journal's settings allow it,
    /// and then shows as a gap.
    fn step(&mut self, tail: &mut Tail) -> Result<bool, Broken> {
        match tail.next_batch(BATCH_RECORDS_MAX, WAIT) {
            Ok(records) => {
                let Some(last) = records.last() else { return Ok(true) };
                self.applied = last.seq;
                // A batch of others' records changes nothing that anybody sees.
                let changes = records.iter().filter(|record| self.apply(record)).count();
                if changes > 0 {
                    self.shared.view.store(Arc::new(self.fold.view()));
                }
            }
            Err(ReadError::Gap { first, last, .. }) => {
                self.applied = last;
                self.telemetry.lost(last.saturating_sub(first) + 1);
                tail.continue_after_gap();
            }
            Err(ReadError::Corrupt { seq, .. })
                if self.journal.on_corruption() == OnCorruption::Quarantine =>
            {
                match self.journal.quarantine(seq) {
                    // Somebody else who reads the journal met it first.
                    Ok(_) | Err(QuarantineError::Intact { .. }) => tail.continue_after_gap(),
                    Err(error) => return Err(error.into()),
                }
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
        self.telemetry.applied(self.applied);
        self.shared.applied.send_replace(self.applied);
        Ok(false)
    }

    fn apply(&mut self, record: &Record) -> bool {
        if !self.fold.wants(record.kind) {
            return false;
        }
        match Event::decode(EventType(record.kind), &record.payload) {
            Ok(event) => self.fold.apply(record.seq, &event),
            Err(error) => self.telemetry.undecodable(record.seq, &error),
        }
        true
    }

    /// Asks the fold what follows, once it has taken back what it proposed before, and all that was durable when it was time to ask.
    /// More than that cannot be waited for: on a busy floor there is always something newer. True when it was asked.
    fn propose(&mut self) -> bool {
        match self.proposed.take() {
            // Its commit is a matter of milliseconds, or of a failed journal, which ends the node.
            Some(Proposed::Submitted(ticket)) => {
                self.proposed = ticket.wait().ok().map(|committed| Proposed::Committed(committed.last));
                return false;
            }
            Some(Proposed::Committed(last)) if last > self.applied => {
                self.proposed = Some(Proposed::Committed(last));
                return false;
            }
            Some(Proposed::Committed(_)) | None => {}
        }
        let after = *self.ask_after.get_or_insert_with(|| self.journal.durable());
        if self.applied < after {
            return false;
        }
        self.ask_after = None;
        let mut events = self.fold.due((self.now)());
        events.truncate(self.config.proposals_max.max(1));
        if events.is_empty() {
            return true;
        }
        self.telemetry.proposed(events.len());
        let entries = events.iter().map(|event| Entry { kind: event.kind().0, payload: event.encode() });
        match self.journal.submit(entries.collect()) {
            Ok(ticket) => self.proposed = Some(Proposed::Submitted(ticket)),
            // The fold is asked again, and says the same.
            Err(error) => {
                tracing::debug!(part = self.files.name, %error, "what follows waits for the journal");
            }
        }
        true
    }

    fn write_snapshot(&mut self) {
        let written = match self.fold.put_away() {
            Ok(()) => {
                self.files.write(self.applied, &self.fold.encode()).map(drop).map_err(|e| e.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        self.telemetry.snapshot(self.files.name, self.applied, written);
        // Also after a failure: the next attempt comes an interval later, not at once.
        self.snapshot = self.applied;
        self.snapshot_at = Instant::now();
    }
}
