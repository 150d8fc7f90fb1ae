//! [`Tail`]: a reader that waits for more.

use crate::{
    journal::Shared,
    park,
    reader::{ReadError, Reader},
    record::Record,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// Follows a journal on a thread of its own. For a task, use [`crate::Journal::watch`] and [`crate::Journal::read`].
#[derive(Debug)]
pub struct Tail {
    reader: Reader,
    durable: watch::Receiver<u64>,
    /// An error met after records that were handed out first.
    error: Option<ReadError>,
}

impl Tail {
    pub(crate) fn new(shared: Arc<Shared>, from: u64) -> Self {
        let durable = shared.durable.clone();
        Self { reader: Reader::unchecked(shared, from), durable, error: None }
    }

    /// The sequence number of the next record.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.reader.next_seq()
    }

    /// Goes on after an error: behind a gap, or at the same record again after anything else.
    pub fn continue_after_gap(&mut self) {
        self.reader.continue_after_gap();
    }

    /// Gives the records that are durable, at most `records_max`, waiting for the first one; none when the time is up.
    ///
    /// # Errors
    /// When the next record cannot be read, and `Closed` when the journal ended and everything in it was given.
    pub fn next_batch(&mut self, records_max: usize, timeout: Duration) -> Result<Vec<Record>, ReadError> {
        // A timeout beyond the end of time is none.
        let deadline = Instant::now().checked_add(timeout);
        let mut closed = false;
        loop {
            if let Some(error) = self.error.take() {
                return Err(error);
            }
            if self.reader.is_stopped() {
                return Err(ReadError::Stopped { seq: self.next_seq() });
            }
            self.durable.borrow_and_update();
            let batch = self.collect(records_max);
            if !batch.is_empty() || records_max == 0 {
                return Ok(batch);
            }
            if self.error.is_some() {
                continue;
            }
            if closed {
                return Err(ReadError::Closed);
            }
            match park::wait(self.durable.changed(), deadline) {
                Some(Ok(())) => {}
                // What was committed last may have been announced and closed in one go.
                Some(Err(_)) => closed = true,
                None => return Ok(Vec::new()),
            }
        }
    }

    fn collect(&mut self, records_max: usize) -> Vec<Record> {
        let mut batch = Vec::new();
        while batch.len() < records_max {
            match self.reader.next() {
                Some(Ok(record)) => batch.push(record),
                Some(Err(error)) => {
                    self.error = Some(error);
                    break;
                }
                None => break,
            }
        }
        batch
    }
}
