//! The projector thread: follows the journal, applies, commits, publishes, and writes checkpoints when it is quiet.

use crate::{
    apply::{Batch, Unwritten},
    checkpoint::{self, CheckpointError},
    config::Config,
    index::{Index, IndexError, Meta, Writes},
    open::mark_failed,
    shop::Shop,
    state::Shared,
};
use aisle_journal::{Journal, OnCorruption, QuarantineError, ReadError, Tail};
use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// The most records in one transaction.
const BATCH_RECORDS_MAX: usize = 2048;
/// How long the thread waits for records before it looks whether something else is to be done.
const WAIT: Duration = Duration::from_millis(100);
/// A checkpoint that found no quiet moment is written after so many times its interval.
const OVERDUE_FACTOR: u64 = 4;

pub(crate) struct Projector {
    pub shared: Arc<Shared>,
    pub dir: PathBuf,
    pub config: Config,
    pub journal: Journal,
    pub journal_id: [u8; 16],
    pub index: Index,
    pub shop: Shop,
    /// What the index does not hold because it changed no row.
    pub unwritten: Unwritten,
    /// The last record in the latest checkpoint.
    pub checkpointed: u64,
}

/// Why the projector stopped.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error("the index cannot be written: {0}")]
    Index(#[from] IndexError),
    #[error("the journal cannot be read: {0}")]
    Journal(#[from] ReadError),
    #[error("damaged records cannot be set aside: {0}")]
    Quarantine(#[from] QuarantineError),
}

impl Projector {
    /// Runs until it is told to stop or cannot go on; then the reason stands in [`Shared`].
    pub(crate) fn run(mut self) {
        if let Err(stopped) = self.follow() {
            if matches!(stopped, Stopped::Index(_))
                && let Err(error) = mark_failed(&self.dir)
            {
                tracing::error!(%error, "the failed index could not be marked");
            }
            tracing::error!(reason = %stopped, "the state has stopped");
            self.shared.fail(stopped.to_string());
        }
        let meta = Meta::of(&self.shop, self.journal_id);
        let brought_up = self.index.commit(&Writes::default(), &meta);
        if let Err(error) = brought_up.and_then(|()| self.index.flush()) {
            tracing::warn!(%error, "the index was not flushed; the next start replays more");
        }
    }

    fn follow(&mut self) -> Result<(), Stopped> {
        let mut tail = self.journal.tail(self.shop.applied + 1);
        while !self.shared.stop.load(Ordering::Acquire) {
            let quiet = match self.step(&mut tail) {
                Ok(quiet) => quiet,
                // Nothing more will come, but a last checkpoint may still be asked for.
                Err(Stopped::Journal(ReadError::Closed)) => {
                    std::thread::sleep(WAIT);
                    true
                }
                Err(stopped) => return Err(stopped),
            };
            self.checkpoint_if_due(quiet);
        }
        Ok(())
    }

    /// Takes one batch. True when there was none. Damage in a sealed segment is set aside where the journal's settings allow it,
    /// and then shows as a gap.
    fn step(&mut self, tail: &mut Tail) -> Result<bool, Stopped> {
        let mut batch = Batch::new(self.shop.clone(), &self.index, &self.config);
        match tail.next_batch(BATCH_RECORDS_MAX, WAIT) {
            Ok(records) if records.is_empty() => return Ok(true),
            Ok(records) => {
                for record in &records {
                    batch.apply(record)?;
                }
            }
            Err(ReadError::Gap { first, last, .. }) => {
                batch.skip_lost(last, last.saturating_sub(first) + 1);
                tail.continue_after_gap();
            }
            Err(ReadError::Corrupt { seq, .. })
                if self.journal.on_corruption() == OnCorruption::Quarantine =>
            {
                match self.journal.quarantine(seq) {
                    // Somebody else who reads the journal met it first.
                    Ok(_) | Err(QuarantineError::Intact { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
                tail.continue_after_gap();
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
        (self.shop, self.unwritten) = batch.commit(self.journal_id, self.unwritten)?;
        self.shared.publish(&self.shop);
        Ok(false)
    }

    fn checkpoint_if_due(&mut self, quiet: bool) {
        let asked = self.shared.checkpoint_asked.swap(false, Ordering::AcqRel);
        let behind = self.shop.applied.saturating_sub(self.checkpointed);
        let interval = self.config.checkpoint_every_records;
        let due = behind >= interval && (quiet || behind >= interval.saturating_mul(OVERDUE_FACTOR));
        if behind > 0 && (asked || due) {
            match self.checkpoint() {
                Ok(applied) => self.shared.telemetry.checkpointed(applied),
                Err(error) => self.shared.telemetry.checkpoint_failed(&error),
            }
            // Also after a failure: the next attempt comes an interval later, not at once.
            self.checkpointed = self.shop.applied;
        }
        if asked {
            self.shared.checkpointed.send_replace(self.checkpointed);
        }
    }

    fn checkpoint(&self) -> Result<u64, CheckpointError> {
        let meta = Meta::of(&self.shop, self.journal_id);
        checkpoint::write(&self.dir, &self.index, &meta, self.config.checkpoints_max)
            .map(|written| written.applied)
    }
}
