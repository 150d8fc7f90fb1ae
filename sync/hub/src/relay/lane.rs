//! One class of a store on its way on: events that are held here pass the gate again and are sealed into a log of this relay's own.
//!
//! The logs that the store sent are gone through one after the other, each as far as it is here; what two of them hold goes on once. A
//! step is one transaction: the batch, and how far was gone through for it. Guards invariants 1 (what is shown to the line is in the
//! database) and 3 (only what the gate lets out is sealed).

use crate::Database;
use crate::database::{
    DatabaseError,
    read::LogRow,
    relay::{LaneRow, Lease, Passing, Stepped},
};
use aisle_event::{EventType, Hlc};
use aisle_protocol::{Batch, Epoch, Item, LogId, Point, batch::SealError};
use aisle_residency::{
    Gate, Passage, Receipt, Region,
    receipt::{Draft, Excluded, Extent, ReceiptError},
    signing::SigningKey,
};
use bytes::Bytes;

/// A batch whose payloads have so many bytes is sealed.
const BATCH_BYTES_MAX: usize = 256 << 10;
/// The longest payload that goes on: so much fits a batch however badly it packs.
const EVENT_BYTES_MAX: usize = 512 << 10;
/// The most epochs that are remembered after their end.
const ENDED_MAX: usize = 16;

/// Why a class goes no further.
#[derive(Debug, thiserror::Error)]
pub(super) enum LaneError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("what was kept of the last receipt cannot be read")]
    Receipt(#[from] ReceiptError),
    #[error("events cannot be sealed")]
    Seal(#[from] SealError),
    #[error("the gate and the receipt are not of one mind: {0}")]
    Excluded(#[from] Excluded),
    #[error("the receipt is not about the events of its batch")]
    Disagree,
    #[error("the system gives no randomness for an epoch")]
    Randomness,
}

/// What all steps of a store need.
pub(super) struct Terms<'a> {
    pub(super) database: &'a Database,
    pub(super) lease: &'a Lease,
    pub(super) lease_ms: u64,
    pub(super) region: &'a Region,
    pub(super) key: &'a SigningKey,
}

/// What a step did.
pub(super) enum Step {
    /// There was nothing to be done.
    Idle,
    /// So many events were gone through; the batch of those that leave.
    Moved { events: u64, withheld: u64, batch: Option<Box<(i64, Batch)>> },
    /// Another hub has the lease.
    Lost,
}

/// One class.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) row: LaneRow,
}

/// What a part of a log becomes.
struct Passed {
    draft: Draft,
    items: Vec<Item>,
    through: u64,
    events: u64,
    withheld: u64,
}

impl Lane {
    fn log(&self, terms: &Terms<'_>) -> LogId {
        LogId { store: terms.lease.store.clone(), class: self.row.class, epoch: self.row.epoch }
    }

    fn draft(&self, gate: &Gate, terms: &Terms<'_>) -> Result<Draft, ReceiptError> {
        if let Some(kept) = &self.row.draft {
            // Only a draft with items stays under its policy, and such a one is not kept.
            return Ok(Draft::decode(kept)?.under(gate.policy()).unwrap_or_else(|(_, kept)| *kept));
        }
        Ok(match &self.row.receipt {
            Some(last) => Draft::after(&Receipt::decode(last)?, gate.policy()),
            None => Draft::first(self.log(terms), terms.region.clone(), gate.policy()),
        })
    }

    /// Takes the next part of the first log that has one.
    pub(super) async fn step(
        &mut self,
        gate: &Gate,
        logs: &[LogRow],
        terms: &Terms<'_>,
    ) -> Result<Step, LaneError> {
        let done = |log: &LogRow| self.row.cursors.get(&log.log).copied().unwrap_or(0);
        let next = logs.iter().find(|log| log.class == self.row.class && log.through_seq > done(log));
        let Some(log) = next else { return Ok(Step::Idle) };
        let (number, after) = (log.log, done(log));
        let store = &terms.lease.store;
        let events =
            terms.database.relay_events(store, self.row.class, number, after, log.through_seq).await?;
        // Events whose time is over may be gone.
        let end = if events.is_empty() { log.through_seq } else { after };
        let passed = pass(self.draft(gate, terms)?, gate, &events, end)?;
        self.keep(passed, number, gate, terms).await
    }

    async fn keep(
        &mut self,
        passed: Passed,
        log: i32,
        gate: &Gate,
        terms: &Terms<'_>,
    ) -> Result<Step, LaneError> {
        let Passed { draft, items, through, events, withheld } = passed;
        let (draft, sealed) = if items.is_empty() {
            (Some(draft.encode()), None)
        } else {
            let mut issued = None;
            let batch = Batch::seal(&self.log(terms), self.row.last, &items, gate.policy(), |_| {
                issued = draft.issue(terms.key).ok();
                issued.as_ref().map(|receipt| Bytes::from(receipt.to_wire())).unwrap_or_default()
            })?;
            let receipt = issued.ok_or(LaneError::Disagree)?;
            // The receipt's chain was computed from what the gate let out, the batch's from what is kept.
            if receipt.extent != Extent::from(batch.header()) {
                return Err(LaneError::Disagree);
            }
            (None, Some((batch, receipt.encode())))
        };
        let number = self.row.number.saturating_add(1);
        let step = Stepped {
            class: self.row.class,
            log,
            through,
            draft: draft.clone(),
            sealed: sealed.as_ref().map(|(batch, receipt)| (batch, number, receipt.clone())),
        };
        if !terms.database.relay_step(terms.lease, &step, terms.lease_ms).await? {
            return Ok(Step::Lost);
        }
        self.row.cursors.insert(log, through);
        self.row.draft = draft;
        let batch = sealed.map(|(batch, receipt)| {
            self.row.number = number;
            self.row.last = batch.header().end();
            self.row.receipt = Some(receipt);
            Box::new((number, batch))
        });
        Ok(Step::Moved { events, withheld, batch })
    }

    /// Begins a new epoch with everything after a place of an earlier one. False when another hub has the lease.
    pub(super) async fn turn(
        &mut self,
        (ended, after): (Epoch, u64),
        new: Epoch,
        terms: &Terms<'_>,
    ) -> Result<bool, LaneError> {
        let after = after.min(if ended == self.row.epoch { self.row.last.seq } else { after });
        let known = self.row.ended.iter().position(|(epoch, end)| *epoch == ended && after < end.seq);
        let mut row = self.row.clone();
        // The head is for the hub above to compare with, and it is the one that said the number.
        let head = if after == row.acked.seq { row.acked.head } else { Default::default() };
        let end = Point { seq: after, head };
        match known {
            _ if ended == row.epoch => row.ended.push((ended, end)),
            Some(at) => {
                // The hub above was set back behind an ended epoch: those after it hold nothing that it has.
                row.ended.truncate(at);
                row.ended.push((ended, end));
            }
            // That was asked before, and done.
            None => return Ok(true),
        }
        let old = row.ended.len().saturating_sub(ENDED_MAX);
        row.ended.drain(..old);
        let start = LogId { epoch: new, ..self.log(terms) }.start();
        let turned =
            terms.database.relay_turn(terms.lease, &row, (ended, after), (new, start), terms.lease_ms);
        turned.await.map_err(LaneError::from)
    }
}

/// Lets events through the gate until a batch is full.
fn pass(mut draft: Draft, gate: &Gate, events: &[Passing], end: u64) -> Result<Passed, Excluded> {
    let (mut items, mut raw_bytes, mut through) = (Vec::<Item>::new(), 0_usize, end);
    let (mut count, mut withheld) = (0, 0);
    for event in events {
        let passage = gate.relay(Hlc(event.hlc), EventType(event.kind), &event.payload);
        match &passage {
            _ if event.is_again => {}
            Passage::Leaves(egress) if egress.payload().len() <= EVENT_BYTES_MAX => {
                let bytes = egress.payload().len();
                if !items.is_empty() && raw_bytes.saturating_add(bytes) > BATCH_BYTES_MAX {
                    break;
                }
                let (seq, Hlc(hlc), kind, payload) = draft.add(egress)?;
                items.push(Item { seq, hlc, kind: kind.0, payload: Bytes::copy_from_slice(payload) });
                raw_bytes = raw_bytes.saturating_add(bytes);
            }
            Passage::Leaves(_) => withheld += 1,
            // What belongs to no class, as aggregates do that a store told its region, is on no receipt of this log.
            Passage::Stays { class: None, .. } => withheld += 1,
            Passage::Stays { .. } => {
                draft.withhold(&passage)?;
                withheld += 1;
            }
        }
        through = event.seq;
        count += 1;
    }
    Ok(Passed { draft, items, through, events: count, withheld })
}
