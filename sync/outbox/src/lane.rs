//! The writing end of one class: events gather, become a batch with its receipt, and go to disk together with how far the journal was
//! gone through for them.
//!
//! Guards: the state that is kept is that of the last record, and what a crash takes back is sealed again from there, never beside it.

use crate::{
    config::{Config, EVENT_BYTES_MAX},
    error::StepError,
    form::{self, Acked, Counted, Quiet, Sealed, State},
    index::Place,
    log::ClassLog,
    notice::Notice,
};
use aisle_event::{Hlc, LogClass, StoreId};
use aisle_journal::{AppendError, CommitError, Committed, Entry};
use aisle_protocol::{Batch, Item, LogId, PolicyId};
use aisle_residency::{
    Egress, Passage, Receipt, Region,
    receipt::{Draft, Excluded, Extent, ReceiptError},
    signing::SigningKey,
};
use bytes::Bytes;
use std::{fmt, sync::Arc};

/// How long an acknowledgement may wait for its record when nothing else is written.
const ACK_MS_MAX: u64 = 1_000;

/// Who seals, for whom, by which policy.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) store: StoreId,
    pub(crate) region: Region,
    pub(crate) policy: PolicyId,
    pub(crate) key: Arc<SigningKey>,
}

impl Terms {
    pub(crate) fn log(&self, class: LogClass, epoch: aisle_protocol::Epoch) -> LogId {
        LogId { store: self.store.clone(), class, epoch }
    }
}

/// What becomes of the index when a record is durable.
enum Effect {
    Nothing,
    Batch(Place),
    Begin(LogId),
}

/// A record on its way to disk.
struct Staged {
    kind: u16,
    payload: Vec<u8>,
    effect: Effect,
}

/// What came of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flushed {
    /// Nothing waits any more; where it went, if anything did.
    Done(Option<Committed>),
    /// The disk is full; what waits still waits.
    NoSpace,
}

pub(crate) struct Lane {
    pub(crate) log: Arc<ClassLog>,
    /// As of the last record, staged ones included.
    pub(crate) state: State,
    /// The last record of the journal that was gone through.
    pub(crate) position: u64,
    draft: Draft,
    items: Vec<Item>,
    places: Vec<u64>,
    raw_bytes: usize,
    opened_ms: u64,
    /// When the last record was staged.
    written_ms: u64,
    staged: Vec<Staged>,
    staged_bytes: usize,
    /// All bytes that were ever staged, and how many there were when trimming was last tried.
    pub(crate) appended_bytes: u64,
    pub(crate) tried_bytes: u64,
    pub(crate) tried_ms: u64,
    /// True when the last try freed nothing.
    pub(crate) is_stuck: bool,
}

impl Lane {
    /// Goes on after a state.
    pub(crate) fn resume(
        log: Arc<ClassLog>,
        state: State,
        terms: &Terms,
        now_ms: u64,
    ) -> Result<Self, ReceiptError> {
        let draft = Self::draft_after(&state, log.class, terms)?;
        Ok(Self {
            log,
            position: state.cursor,
            state,
            draft,
            items: Vec::new(),
            places: Vec::new(),
            raw_bytes: 0,
            opened_ms: now_ms,
            written_ms: now_ms,
            staged: Vec::new(),
            staged_bytes: 0,
            appended_bytes: 0,
            tried_bytes: 0,
            tried_ms: now_ms,
            is_stuck: false,
        })
    }

    /// The draft that goes on after a state, or begins its epoch.
    fn draft_after(state: &State, class: LogClass, terms: &Terms) -> Result<Draft, ReceiptError> {
        if let Some(kept) = &state.draft {
            let kept = Draft::decode(kept)?;
            // Only one with items stays under its policy, and those are not kept.
            return Ok(kept.under(terms.policy).unwrap_or_else(|(_, kept)| *kept));
        }
        match &state.receipt {
            Some(last) => Ok(Draft::after(&Receipt::decode(last)?, terms.policy)),
            None => Ok(Draft::first(terms.log(class, state.epoch), terms.region.clone(), terms.policy)),
        }
    }

    /// Goes on by other terms. What has gathered was sealed by those before.
    pub(crate) fn follow(&mut self, terms: &Terms) {
        let next =
            Draft::first(terms.log(self.class(), self.state.epoch), terms.region.clone(), terms.policy);
        let draft = std::mem::replace(&mut self.draft, next);
        self.draft = draft.under(terms.policy).unwrap_or_else(|(_, draft)| *draft);
        self.state.policy = terms.policy;
    }

    /// Begins the draft of an epoch.
    pub(crate) fn begin(&mut self, terms: &Terms) {
        self.draft =
            Draft::first(terms.log(self.class(), self.state.epoch), terms.region.clone(), terms.policy);
        self.state.policy = terms.policy;
    }

    /// The last record of the journal of which everything that leaves is on disk.
    pub(crate) fn sealed_through(&self) -> u64 {
        match (self.items.is_empty(), self.staged.is_empty()) {
            (true, true) => self.position,
            (false, true) => self.state.cursor,
            // It may be about anything before, too.
            (_, false) => 0,
        }
    }

    pub(crate) fn class(&self) -> LogClass {
        self.log.class
    }

    /// Takes what came of an event at the gate.
    pub(crate) fn take(
        &mut self,
        passage: &Passage,
        record: u64,
        now_ms: u64,
        terms: &Terms,
        config: &Config,
    ) -> Result<Option<Notice>, StepError> {
        match passage {
            Passage::Leaves(egress) => self.add(egress, record, now_ms, terms, config),
            Passage::Stays { .. } => self.draft.withhold(passage).map(|()| None).map_err(|_| self.disagree()),
        }
    }

    /// Puts something that leaves into the batch that gathers. `record` is where it came from.
    pub(crate) fn add<T>(
        &mut self,
        egress: &Egress<T>,
        record: u64,
        now_ms: u64,
        terms: &Terms,
        config: &Config,
    ) -> Result<Option<Notice>, StepError> {
        let bytes = egress.payload().len();
        if bytes > EVENT_BYTES_MAX {
            return Ok(Some(Notice::TooLarge { record, bytes }));
        }
        let is_full = self.items.len() >= config.events_max || self.raw_bytes + bytes > config.bytes_max;
        if is_full && !self.items.is_empty() {
            self.close(now_ms, terms)?;
        }
        let added = self.draft.add(egress);
        let (seq, Hlc(hlc), kind, payload) = added.map_err(|_: Excluded| self.disagree())?;
        if self.items.is_empty() {
            self.opened_ms = now_ms;
        }
        self.items.push(Item { seq, hlc, kind: kind.0, payload: Bytes::copy_from_slice(payload) });
        self.places.push(record);
        self.raw_bytes += bytes;
        Ok(None)
    }

    fn disagree(&self) -> StepError {
        StepError::Disagree { class: self.log.class, after: self.state.last.seq }
    }

    /// Seals what has gathered.
    pub(crate) fn close(&mut self, now_ms: u64, terms: &Terms) -> Result<(), StepError> {
        if self.items.is_empty() {
            return Ok(());
        }
        let (class, before) = (self.class(), self.state.last);
        let log = terms.log(class, self.state.epoch);
        let next = Draft::first(log.clone(), terms.region.clone(), terms.policy);
        let draft = std::mem::replace(&mut self.draft, next);
        let mut issued = None;
        let batch = Batch::seal(&log, before, &self.items, terms.policy, |_| {
            issued = draft.issue(&terms.key).ok();
            issued.as_ref().map(|receipt| receipt.to_wire().into()).unwrap_or_default()
        })
        .map_err(|source| StepError::Seal { class, source })?;
        let Some(receipt) = issued else { return Err(self.disagree()) };
        let header = batch.header();
        // The receipt's chain was computed from what the gate let out, the batch's from what goes to disk.
        if receipt.extent != Extent::from(header) {
            return Err(self.disagree());
        }
        let (start, end) = (header.start(), header.end());
        let alone = receipt.encode();
        let payload = form::encode(&Sealed {
            cursor: self.position,
            places: form::steps(&self.places),
            receipt: &alone,
            batch: batch.bytes(),
        });
        self.draft = Draft::after(&receipt, terms.policy);
        self.state.last = end;
        self.state.cursor = self.position;
        self.state.receipt = Some(alone.into());
        self.state.draft = None;
        self.state.policy = terms.policy;
        self.items.clear();
        self.places.clear();
        self.raw_bytes = 0;
        let bytes = payload.len() as u64;
        // Which record it is, is known when it is written.
        let place = Place { start, end, record: 0, cursor: self.position, sealed_ms: now_ms, bytes };
        self.stage(form::SEALED, payload, Effect::Batch(place), now_ms);
        Ok(())
    }

    /// Does what time brings: seals what has waited long enough, keeps note of what was gone through for nothing, of what is acknowledged.
    pub(crate) fn tick(&mut self, now_ms: u64, terms: &Terms, config: &Config) -> Result<(), StepError> {
        // A clock that goes back begins the wait anew.
        self.opened_ms = self.opened_ms.min(now_ms);
        self.written_ms = self.written_ms.min(now_ms);
        let is_full = self.items.len() >= config.events_max || self.raw_bytes >= config.bytes_max;
        if is_full || now_ms - self.opened_ms >= *config.age_ms_max.get(self.class()) {
            self.close(now_ms, terms)?;
        }
        let waited_ms = now_ms - self.written_ms;
        let gone = self.position.saturating_sub(self.state.cursor);
        let is_due = gone >= config.quiet_records_max || (gone > 0 && waited_ms >= config.quiet_ms_max);
        if is_due && self.items.is_empty() {
            self.state.cursor = self.position;
            let draft = self.draft.encode();
            self.state.draft = Some(draft.clone().into());
            self.state.policy = terms.policy;
            let quiet = form::encode(&Quiet { cursor: self.position, draft: draft.into() });
            self.stage(form::QUIET, quiet, Effect::Nothing, now_ms);
        }
        if waited_ms >= ACK_MS_MAX || !self.staged.is_empty() {
            self.note_acked(now_ms);
        }
        Ok(())
    }

    /// Stages how far the hub is known to have it, where that is news.
    pub(crate) fn note_acked(&mut self, now_ms: u64) {
        let (epoch, acked) = {
            let index = self.log.index();
            (index.log.epoch, index.acked)
        };
        if epoch == self.state.epoch && acked.seq > self.state.acked.seq {
            self.state.acked = acked;
            let acked = form::encode(&Acked { epoch, through: acked });
            self.stage(form::ACKED, acked, Effect::Nothing, now_ms);
        }
    }

    /// Stages everything that is known; with `begins` as the begin of an epoch.
    pub(crate) fn stage_state(&mut self, counted: Option<Counted>, begins: Option<LogId>, now_ms: u64) {
        self.state.counted = counted;
        let payload = form::encode(&self.state);
        // It may be large, and is made anew each time.
        self.state.counted = None;
        self.stage(form::STATE, payload, begins.map_or(Effect::Nothing, Effect::Begin), now_ms);
    }

    fn stage(&mut self, kind: u16, payload: Vec<u8>, effect: Effect, now_ms: u64) {
        self.written_ms = now_ms;
        self.staged_bytes += payload.len();
        self.appended_bytes = self.appended_bytes.saturating_add(payload.len() as u64);
        self.staged.push(Staged { kind, payload, effect });
    }

    pub(crate) const fn staged_bytes(&self) -> usize {
        self.staged_bytes
    }

    /// Forgets what gathers; it comes from the journal again.
    pub(crate) fn forget(&mut self) {
        self.items.clear();
        self.places.clear();
        self.raw_bytes = 0;
        self.position = self.state.cursor;
    }

    /// Makes everything that is staged durable, as one append, and shows it to readers.
    pub(crate) fn flush(&mut self) -> Result<Flushed, StepError> {
        if self.staged.is_empty() {
            return Ok(Flushed::Done(None));
        }
        let entry = |staged: &Staged| Entry { kind: staged.kind, payload: staged.payload.clone() };
        let committed = match self.log.journal.append(self.staged.iter().map(entry).collect()) {
            Ok(committed) => committed,
            Err(AppendError::Commit(CommitError::NoSpace { .. })) => return Ok(Flushed::NoSpace),
            Err(source) => return Err(StepError::Append { class: self.class(), source }),
        };
        let mut index = self.log.index();
        for (staged, record) in self.staged.drain(..).zip(committed.first..) {
            match staged.effect {
                Effect::Batch(place) => index.push(Place { record, ..place }),
                Effect::Begin(log) => index.begin(log, &self.state.past),
                Effect::Nothing => {
                    index.other_bytes = index.other_bytes.saturating_add(staged.payload.len() as u64);
                }
            }
        }
        drop(index);
        self.staged_bytes = 0;
        Ok(Flushed::Done(Some(committed)))
    }
}

/// Without payloads: what leaves is not for logs.
impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane")
            .field("class", &self.class())
            .field("epoch", &self.state.epoch)
            .field("last", &self.state.last)
            .field("position", &self.position)
            .field("gathered", &self.items.len())
            .field("staged", &self.staged.len())
            .finish_non_exhaustive()
    }
}
