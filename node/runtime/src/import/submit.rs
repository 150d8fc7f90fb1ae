//! Events into the journal, several commits in flight, never more than a bound.

use aisle_event::Event;
use aisle_journal::{Entry, Journal, SubmitError, Ticket};
use std::collections::VecDeque;

/// Events handed over at once.
const BATCH_EVENTS: usize = 256;
/// Batches that may wait for their commit.
const IN_FLIGHT_MAX: usize = 8;

/// Gathers events and keeps the journal busy. Nothing counts as written before
/// [`Submitter::settle`] has returned.
pub(crate) struct Submitter<'a> {
    journal: &'a Journal,
    batch: Vec<Entry>,
    in_flight: VecDeque<Ticket>,
    events: u64,
}

impl<'a> Submitter<'a> {
    pub(crate) fn new(journal: &'a Journal) -> Self {
        Self { journal, batch: Vec::with_capacity(BATCH_EVENTS), in_flight: VecDeque::new(), events: 0 }
    }

    pub(crate) fn push(&mut self, event: &Event) -> anyhow::Result<()> {
        self.batch.push(Entry { kind: event.kind().0, payload: event.encode() });
        self.events += 1;
        if self.batch.len() >= BATCH_EVENTS {
            self.hand_over()?;
        }
        Ok(())
    }

    /// Events pushed so far.
    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    /// Waits until everything pushed so far is durable.
    pub(crate) fn settle(&mut self) -> anyhow::Result<()> {
        self.hand_over()?;
        while self.wait_oldest()? {}
        Ok(())
    }

    fn hand_over(&mut self) -> anyhow::Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        while self.in_flight.len() >= IN_FLIGHT_MAX {
            self.wait_oldest()?;
        }
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH_EVENTS));
        match self.journal.submit(batch.clone()) {
            Ok(ticket) => self.in_flight.push_back(ticket),
            Err(SubmitError::Full { .. }) => drop(self.journal.append(batch)?),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// False when nothing is in flight.
    fn wait_oldest(&mut self) -> anyhow::Result<bool> {
        match self.in_flight.pop_front() {
            Some(ticket) => ticket.wait().map(|_| true).map_err(Into::into),
            None => Ok(false),
        }
    }
}
