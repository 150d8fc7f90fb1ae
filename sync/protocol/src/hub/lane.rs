//! One class of one connection at the hub: what has come and waits, what was granted, what is passed over.

use crate::{
    batch::Batch,
    limits::{CREDIT_INITIAL_BATCHES, CREDIT_INITIAL_BYTES},
    log::Epoch,
};
use std::collections::VecDeque;

/// What is passed over until the node has gone back.
#[derive(Debug, Clone, Copy)]
pub(super) enum Skip {
    /// Batches of this epoch that begin after the number that follows this one.
    Beyond(Epoch, u64),
    /// All of this epoch.
    All(Epoch),
}

#[derive(Debug)]
pub(super) struct Lane {
    queue: VecDeque<Batch>,
    received_bytes: u64,
    received_batches: u64,
    done_bytes: u64,
    done_batches: u64,
    granted_bytes: u64,
    granted_batches: u64,
    skip: Option<Skip>,
    /// True while a transaction is under way.
    pub(super) is_asked: bool,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            queue: VecDeque::new(),
            received_bytes: 0,
            received_batches: 0,
            done_bytes: 0,
            done_batches: 0,
            granted_bytes: CREDIT_INITIAL_BYTES,
            granted_batches: CREDIT_INITIAL_BATCHES,
            skip: None,
            is_asked: false,
        }
    }
}

impl Lane {
    /// Counts a batch in; false when that was more than was granted.
    pub(super) fn receive(&mut self, bytes: u64) -> bool {
        self.received_bytes = self.received_bytes.saturating_add(bytes);
        self.received_batches = self.received_batches.saturating_add(1);
        self.received_bytes <= self.granted_bytes && self.received_batches <= self.granted_batches
    }

    /// Queues a batch, or passes it over.
    pub(super) fn push(&mut self, batch: Batch) {
        let (epoch, first) = (batch.header().epoch, batch.header().first_seq);
        let is_skipped = match self.skip {
            Some(Skip::Beyond(skipped, through)) => epoch == skipped && first > through.saturating_add(1),
            Some(Skip::All(skipped)) => epoch == skipped,
            None => false,
        };
        if is_skipped {
            self.done(&batch);
        } else {
            self.skip = None;
            self.queue.push_back(batch);
        }
    }

    /// The batches of the next transaction: those in front that are of one epoch.
    pub(super) fn next(&mut self, batches_max: usize) -> Option<(Epoch, Vec<Batch>)> {
        let epoch = self.queue.front()?.header().epoch;
        let same = self.queue.iter().take_while(|batch| batch.header().epoch == epoch).count();
        Some((epoch, self.queue.drain(..same.min(batches_max.max(1))).collect()))
    }

    /// A batch takes no room any more.
    pub(super) fn done(&mut self, batch: &Batch) {
        self.done_bytes = self.done_bytes.saturating_add(batch.bytes().len() as u64);
        self.done_batches = self.done_batches.saturating_add(1);
    }

    /// Passes over what waits and what comes, as far as it falls under the rule.
    pub(super) fn skip(&mut self, skip: Skip) {
        self.skip = Some(skip);
        for batch in std::mem::take(&mut self.queue) {
            self.push(batch);
        }
    }

    /// The totals to grant now, when they are worth a message: a quarter of the window more than before.
    pub(super) fn grant(&mut self, (bytes, batches): (u64, u64)) -> Option<(u64, u64)> {
        let next = (self.done_bytes.saturating_add(bytes), self.done_batches.saturating_add(batches));
        let is_worth = next.0 >= self.granted_bytes.saturating_add(bytes / 4)
            || next.1 >= self.granted_batches.saturating_add(batches / 4);
        is_worth.then(|| {
            self.granted_bytes = self.granted_bytes.max(next.0);
            self.granted_batches = self.granted_batches.max(next.1);
            (self.granted_bytes, self.granted_batches)
        })
    }
}
