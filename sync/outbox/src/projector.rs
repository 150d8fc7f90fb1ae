//! The projector: the only one who writes. It takes the journal's records in order through the gate into the lanes of their classes.
//!
//! ```text
//! renewals asked for -> what could not be written before -> records -> aggregates -> time -> one append per class -> room
//! ```
//!
//! It can be stepped by hand, with the time passed in; [`crate::Driver`] does so on a thread. Guards: what a step shows to readers is durable.

use crate::{
    config::{Config, STAGED_BYTES_MAX},
    counting::Counting,
    epoch::turn_after,
    error::StepError,
    form::Counted,
    lane::{Flushed, Lane, Terms},
    notice::Notice,
    outbox::Shared,
    shelf::Shelf,
};
use aisle_event::{Event, EventType, LogClass};
use aisle_journal::{Io, Journal, OnCorruption, QuarantineError, ReadError, Record, Tail};
use aisle_protocol::{PerClass, PolicyId};
use aisle_residency::{Gate, TrustedPolicy, aggregate, token::TokenKeys};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// The most notices that wait for whoever steps; more are told by log and metric only.
const NOTICES_MAX: usize = 256;

/// Takes the journal through the gate to disk.
#[derive(Debug)]
pub struct Projector {
    pub(crate) journal: Journal,
    pub(crate) io: Arc<dyn Io>,
    pub(crate) tail: Tail,
    pub(crate) gate: Gate,
    pub(crate) terms: Terms,
    pub(crate) config: Config,
    pub(crate) lanes: PerClass<Lane>,
    pub(crate) counting: Counting,
    pub(crate) shared: Arc<Shared>,
    pub(crate) notices: Vec<Notice>,
    /// True when it was told already that only sales are left.
    pub(crate) is_full: bool,
    /// True when it was told already that the disk is full.
    pub(crate) has_no_space: bool,
}

/// What a step did.
#[derive(Debug, Default)]
pub struct Stepped {
    /// How many records it took from the journal.
    pub records: usize,
    /// True when something that can be sent is new.
    pub sealed: bool,
    /// True when everything that is durable in the journal was gone through.
    pub caught_up: bool,
    /// True when the disk is full: nothing goes on until it is not.
    pub no_space: bool,
    /// What an operator should hear of.
    pub notices: Vec<Notice>,
}

impl Projector {
    pub(crate) fn lane(&mut self, class: LogClass) -> &mut Lane {
        self.lanes.get_mut(class)
    }

    pub(crate) fn notice(&mut self, notice: Notice) {
        self.shared.telemetry.tell(&notice);
        if self.notices.len() < NOTICES_MAX {
            self.notices.push(notice);
        }
    }

    /// What goes into the state of a class about aggregates.
    pub(crate) fn counted(&mut self, class: LogClass) -> Option<Counted> {
        (class == aggregate::CLASS).then(|| self.counting.keep())
    }

    /// The next record that any class wants.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        let counted = if self.counting.is_idle() { u64::MAX } else { self.counting.through };
        self.lanes.iter().map(|(_, lane)| lane.position).fold(counted, u64::min).saturating_add(1)
    }

    /// Says from where on a start would read, and through where everything is sealed.
    pub(crate) fn keep_needed(&self) {
        let counted = if self.counting.is_idle() { u64::MAX } else { self.counting.durable };
        let cursor = self.lanes.iter().map(|(_, lane)| lane.state.cursor).fold(counted, u64::min);
        self.shared.needed_from.store(cursor.saturating_add(1), Ordering::Release);
        let sealed = self.lanes.iter().map(|(_, lane)| lane.sealed_through()).min().unwrap_or(0);
        self.shared.sealed_through.store(sealed, Ordering::Release);
    }

    /// The policy that the gate follows.
    #[must_use]
    pub const fn policy(&self) -> PolicyId {
        self.terms.policy
    }

    /// Reads on where the class stands that is furthest behind.
    pub(crate) fn seek(&mut self) {
        let next = self.next_seq();
        if self.tail.next_seq() != next {
            self.tail = self.journal.tail(next);
        }
    }

    /// Makes what a class has staged durable. False when the disk is full.
    pub(crate) fn flush(&mut self, class: LogClass) -> Result<bool, StepError> {
        let flushed = self.lane(class).flush()?;
        match flushed {
            Flushed::Done(None) => {}
            Flushed::Done(Some(_)) => {
                self.shared.changed.send_modify(|changes| *changes = changes.wrapping_add(1));
                self.shared.telemetry.stands(&self.lanes.get(class).log);
            }
            Flushed::NoSpace => {
                if !std::mem::replace(&mut self.has_no_space, true) {
                    self.notice(Notice::NoSpace { class });
                }
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes down what the hub has acknowledged, before an orderly end: the next start sends it no more. Without room it is sent again.
    pub(crate) fn rest(&mut self, now_ms: u64) -> Result<(), StepError> {
        for class in LogClass::ALL {
            self.lane(class).note_acked(now_ms);
        }
        self.flush_all().map(drop)
    }

    fn flush_all(&mut self) -> Result<bool, StepError> {
        for class in LogClass::ALL {
            if !self.flush(class)? {
                return Ok(false);
            }
        }
        self.has_no_space = false;
        Ok(true)
    }

    /// Goes on for one step: takes what the journal has, waiting so long for the first record.
    ///
    /// # Errors
    /// When the journal or the disk fails in a way that a further step cannot mend. What is durable stays.
    pub fn step(&mut self, now_ms: u64, wait: Duration) -> Result<Stepped, StepError> {
        let before = *self.shared.changed.borrow();
        let mut stepped = Stepped::default();
        stepped.no_space = !self.work(now_ms, wait, &mut stepped.records)?;
        if stepped.no_space {
            self.trim_acknowledged(now_ms)?;
        } else {
            // What waits for room is not on disk: a start would read it again.
            self.keep_needed();
        }
        let through = self.next_seq().saturating_sub(1);
        self.shared.telemetry.projected(through);
        stepped.caught_up = through >= self.journal.durable();
        stepped.sealed = *self.shared.changed.borrow() != before;
        stepped.notices = std::mem::take(&mut self.notices);
        Ok(stepped)
    }

    /// False when the disk is full.
    fn work(&mut self, now_ms: u64, wait: Duration, taken: &mut usize) -> Result<bool, StepError> {
        // What could not be written before goes first: the lanes are ahead of the disk by it.
        if !self.flush_all()? {
            return Ok(false);
        }
        if !self.renew(now_ms)? {
            return Ok(false);
        }
        self.seek();
        let records = self.read(wait)?;
        *taken = records.len();
        for record in &records {
            self.project(record, now_ms)?;
            if self.lanes.iter().any(|(_, lane)| lane.staged_bytes() > STAGED_BYTES_MAX)
                && !self.flush_all()?
            {
                // The rest of the records is read again.
                return Ok(false);
            }
        }
        self.count(now_ms)?;
        let (terms, config) = (self.terms.clone(), self.config.clone());
        for class in LogClass::ALL {
            self.lane(class).tick(now_ms, &terms, &config)?;
        }
        if !self.flush_all()? {
            return Ok(false);
        }
        self.make_room(now_ms)?;
        Ok(true)
    }

    fn read(&mut self, wait: Duration) -> Result<Vec<Record>, StepError> {
        let error = match self.tail.next_batch(self.config.step_records_max, wait) {
            Ok(records) => return Ok(records),
            Err(error) => error,
        };
        match error {
            ReadError::Gap { first, last, .. } => self.miss(first, last),
            ReadError::Trimmed { seq, first } => self.miss(seq, first.saturating_sub(1)),
            ReadError::Corrupt { seq, .. } if self.journal.on_corruption() == OnCorruption::Quarantine => {
                match self.journal.quarantine(seq) {
                    // Somebody else who reads the journal met it first.
                    Ok(_) | Err(QuarantineError::Intact { .. }) => self.tail.continue_after_gap(),
                    Err(error) => return Err(error.into()),
                }
            }
            error => return Err(StepError::Journal(error)),
        }
        Ok(Vec::new())
    }

    /// Goes on behind records that are not there.
    fn miss(&mut self, first: u64, last: u64) {
        for class in LogClass::ALL {
            let lane = self.lane(class);
            lane.position = lane.position.max(last);
        }
        self.counting.through = self.counting.through.max(last);
        if first <= last {
            self.notice(Notice::Missed { first, last });
        }
        self.tail = self.journal.tail(last.saturating_add(1));
    }

    fn project(&mut self, record: &Record, now_ms: u64) -> Result<(), StepError> {
        let seq = record.seq;
        let event = Event::decode(EventType(record.kind), &record.payload).ok();
        let class = event.as_ref().and_then(LogClass::of);
        if event.is_none() && self.lanes.iter().all(|(_, lane)| lane.position < seq) {
            self.notice(Notice::Undecodable { record: seq });
        }
        let mut notice = None;
        for of in LogClass::ALL {
            let lane = self.lanes.get_mut(of);
            if lane.position >= seq {
                continue;
            }
            if let Some(event) = event.as_ref().filter(|_| class == Some(of)) {
                let passage = self.gate.pass(record.hlc, event);
                notice = lane.take(&passage, seq, now_ms, &self.terms, &self.config)?;
            }
            lane.position = seq;
        }
        if self.counting.through < seq {
            self.counting.add(seq, record.hlc, event.as_ref());
        }
        if let Some(notice) = notice {
            self.notice(notice);
        }
        Ok(())
    }

    /// Tells of aggregates whose windows are over, and keeps note of what was counted.
    fn count(&mut self, now_ms: u64) -> Result<(), StepError> {
        let class = aggregate::CLASS;
        let Ok(closed) = self.counting.close(now_ms, self.config.aggregate_lag_ms) else {
            self.notice(Notice::NoEntropy);
            return Ok(());
        };
        let is_due = !self.counting.is_idle()
            && self.counting.through.saturating_sub(self.counting.durable)
                >= self.config.snapshot_records_max;
        if closed.is_none() && !is_due {
            return Ok(());
        }
        if let Some(closed) = closed {
            let (terms, config) = (self.terms.clone(), self.config.clone());
            let lane = self.lane(class);
            let place = lane.position;
            let mut notice = None;
            for egress in &closed.told {
                notice = notice.or(lane.add(egress, place, now_ms, &terms, &config)?);
            }
            // In one append with the state in which these windows are closed.
            lane.close(now_ms, &terms)?;
            notice.into_iter().for_each(|notice| self.notice(notice));
            if !closed.without_budget.is_empty() {
                self.notice(Notice::BudgetSpent { windows: closed.without_budget.len() });
            }
        }
        let counted = self.counted(class);
        self.lane(class).stage_state(counted, None, now_ms);
        Ok(())
    }

    /// Begins the epochs that were asked for.
    fn renew(&mut self, now_ms: u64) -> Result<bool, StepError> {
        for class in LogClass::ALL {
            let Some(asked) = self.shared.asked(class) else { continue };
            let (epoch, after) = asked;
            let lane = self.lane(class);
            let turn = turn_after(lane, &mut Shelf::default(), epoch, after)
                .map_err(|source| StepError::Read { class, source })?;
            if let Some(turn) = turn
                && !self.turn(class, turn, now_ms)?
            {
                return Ok(false);
            }
            self.shared.answered(class, asked);
        }
        Ok(true)
    }

    /// Goes through all that the journal holds, and seals it: before the protocol's machine is run for the first time.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn seal_all(&mut self, now_ms: u64) -> Result<Vec<Notice>, StepError> {
        let mut notices = Vec::new();
        loop {
            let stepped = self.step(now_ms, Duration::ZERO)?;
            notices.extend(stepped.notices);
            if stepped.no_space {
                return Ok(notices);
            }
            if stepped.caught_up {
                break;
            }
        }
        let terms = self.terms.clone();
        for class in LogClass::ALL {
            self.lane(class).close(now_ms, &terms)?;
        }
        self.flush_all()?;
        Ok(notices)
    }

    /// Follows another policy from here on. What gathers is sealed by the one before; that policies only go up is the caller's to see to
    /// ([`TrustedPolicy::after`]). False when the disk is full: nothing has changed then.
    ///
    /// # Errors
    /// When there is no gate by it, or the disk fails.
    pub fn follow(
        &mut self,
        policy: &TrustedPolicy,
        keys: TokenKeys,
        now_ms: u64,
    ) -> Result<bool, StepError> {
        let gate = Gate::new(policy, &self.terms.region, keys)?;
        let terms = self.terms.clone();
        for class in LogClass::ALL {
            self.lane(class).close(now_ms, &terms)?;
        }
        if !self.flush_all()? {
            return Ok(false);
        }
        self.counting.follow(policy, &terms.region)?;
        if self.counting.is_idle() {
            self.counting.through = self.counting.through.max(self.lane(aggregate::CLASS).position);
        }
        self.terms = Terms { policy: gate.policy(), ..terms };
        self.gate = gate;
        let terms = self.terms.clone();
        for class in LogClass::ALL {
            self.lane(class).follow(&terms);
            let counted = self.counted(class);
            self.lane(class).stage_state(counted, None, now_ms);
        }
        self.flush_all()?;
        self.shared.set_policy(self.terms.policy);
        Ok(true)
    }
}
