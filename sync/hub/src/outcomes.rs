//! What the gate did to fields, summed up over receipts: for pages and for programs.
//!
//! The hub has verified each of them when it took the batch in; here they are only read. Guards: at most [`RECEIPTS_MAX`] of each log are read for an answer.

use crate::database::{
    Database, DatabaseError,
    read::{LogRow, ReceiptRow},
};
use aisle_residency::{Outcome, Tally, receipt::Wire};
use std::collections::{BTreeMap, BTreeSet};

/// The most receipts of a log that are read.
pub(crate) const RECEIPTS_MAX: u32 = 200;

/// What some receipts say.
#[derive(Default)]
pub(crate) struct Gate {
    pub(crate) tally: Tally,
    pub(crate) receipts: u64,
    /// Events of which nothing left.
    pub(crate) withheld: u64,
    /// Receipts that this build cannot read.
    pub(crate) unread: u64,
    /// The versions of the policies that let them out.
    pub(crate) policies: BTreeSet<u32>,
}

/// How often fields of one thing came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sums([u64; Outcome::ALL.len()]);

impl Sums {
    pub(crate) fn add(&mut self, outcome: Outcome, count: u64) {
        if let Some(sum) = self.0.get_mut(usize::from(outcome.number())) {
            *sum = sum.saturating_add(count);
        }
    }

    pub(crate) fn of(&self, outcome: Outcome) -> u64 {
        self.0.get(usize::from(outcome.number())).copied().unwrap_or(0)
    }

    /// How often something left in another form than it had.
    pub(crate) fn changed(&self) -> u64 {
        self.of(Outcome::Tokened).saturating_add(self.of(Outcome::Coarsened))
    }

    /// How often nothing left.
    pub(crate) fn stayed(&self) -> u64 {
        self.of(Outcome::Aggregated).saturating_add(self.of(Outcome::Dropped))
    }

    pub(crate) fn all(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

impl Gate {
    pub(crate) fn add(&mut self, row: &ReceiptRow) {
        self.receipts += 1;
        self.policies.insert(row.policy_version);
        match Wire::read(&row.receipt) {
            Ok(wire) => {
                self.tally.merge(&wire.tally);
                self.withheld = self.withheld.saturating_add(wire.withheld);
            }
            Err(_) => self.unread += 1,
        }
    }

    /// Of the latest batches of every running log of a store.
    ///
    /// # Errors
    /// When the database cannot say.
    pub(crate) async fn of(database: &Database, logs: &[LogRow]) -> Result<Self, DatabaseError> {
        let mut gate = Self::default();
        for log in running(logs) {
            for row in database.receipts_before(log, None, RECEIPTS_MAX).await? {
                gate.add(&row);
            }
        }
        Ok(gate)
    }

    /// By type of event.
    pub(crate) fn by_event(&self) -> BTreeMap<&'static str, Sums> {
        let mut sums: BTreeMap<&'static str, Sums> = BTreeMap::new();
        for (path, outcome, count) in self.tally.iter() {
            sums.entry(path.event_name()).or_default().add(outcome, count);
        }
        sums
    }

    /// By field.
    pub(crate) fn by_field(&self) -> BTreeMap<&'static str, Sums> {
        let mut sums: BTreeMap<&'static str, Sums> = BTreeMap::new();
        for (path, outcome, count) in self.tally.iter() {
            sums.entry(path.as_str()).or_default().add(outcome, count);
        }
        sums
    }
}

/// The log of each class that runs: the last epoch.
pub(crate) fn running(logs: &[LogRow]) -> impl Iterator<Item = &LogRow> {
    logs.iter()
        .enumerate()
        .filter(|(at, log)| logs.get(at + 1).is_none_or(|next| next.class != log.class))
        .map(|(_, log)| log)
}
