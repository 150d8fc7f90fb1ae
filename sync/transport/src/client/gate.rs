//! What stands between the machine and the outbox: a class that has spent its budget, or that gives way to the kiosk, seems to have no
//! batch, until it is time to ask again.
//!
//! Not here: budgets ([`super::budget`]) and the kiosk ([`super::governor`]) themselves. Guards: nothing is under way while it is held
//! back, so no deadline of the machine runs for it.

use super::{
    budget::Meter,
    governor::{Governor, Load},
};
use aisle_protocol::{
    Batch, Epoch, Head, LinkKind, LogClass, PerClass, Point,
    node::{self, Log},
};
use std::sync::Arc;

/// What a batch must pass before it is read: its class's budget, and the kiosk.
pub(super) struct Gate {
    governor: Governor,
    pub(super) meter: Meter,
    load: Arc<dyn Load>,
    pub(super) kind: LinkKind,
    now_ms: u64,
    /// About to be sent by the machine, by class.
    granted: PerClass<u64>,
    pub(super) held: PerClass<bool>,
    /// When to ask again.
    pub(super) retry_at: Option<u64>,
}

impl Gate {
    pub(super) fn new(meter: Meter, load: Arc<dyn Load>, kind: LinkKind) -> Self {
        Self {
            governor: Governor::default(),
            meter,
            load,
            kind,
            now_ms: 0,
            granted: PerClass::default(),
            held: PerClass::default(),
            retry_at: None,
        }
    }

    pub(super) fn begin(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        self.meter.advance(now_ms);
        self.granted = PerClass::default();
        if self.retry_at.is_some_and(|at| at <= now_ms) {
            self.retry_at = None;
        }
    }

    fn passes(&mut self, class: LogClass) -> bool {
        let budget = self.meter.blocked_until(self.kind, class, *self.granted.get(class));
        let pace = self.governor.blocked_until(class, self.load.pressure(), self.now_ms);
        let blocked = budget.max(pace);
        *self.held.get_mut(class) = blocked.is_some();
        if let Some(until) = blocked {
            self.retry_at = Some(self.retry_at.map_or(until, |at| at.min(until)));
        }
        blocked.is_none()
    }

    /// When a piece may be asked for; `None` when it may now, which is taken note of. So many bytes of others are on their way.
    pub(super) fn fetch_blocked_until(&mut self, now_ms: u64, under_way_bytes: u64) -> Option<u64> {
        self.meter.advance(now_ms);
        let budget = self.meter.blocked_until(self.kind, LogClass::Bulk, under_way_bytes);
        let pace = self.governor.blocked_until(LogClass::Bulk, self.load.pressure(), now_ms);
        let blocked = budget.max(pace);
        if blocked.is_none() {
            self.governor.note(LogClass::Bulk, now_ms);
        }
        blocked
    }

    fn grant(&mut self, class: LogClass, bytes: u64) {
        let granted = self.granted.get_mut(class);
        *granted = granted.saturating_add(bytes);
        self.governor.note(class, self.now_ms);
    }
}

/// The outbox, with batches held back where they must wait.
pub(super) struct Held<'a, O> {
    pub(super) outbox: &'a mut O,
    pub(super) gate: &'a mut Gate,
}

impl<O: node::Outbox> node::Outbox for Held<'_, O> {
    type Error = O::Error;

    fn log(&mut self, class: LogClass) -> Result<Option<Log>, O::Error> {
        self.outbox.log(class)
    }

    fn batch_after(&mut self, class: LogClass, seq: u64) -> Result<Option<Batch>, O::Error> {
        if !self.gate.passes(class) {
            return Ok(None);
        }
        let batch = self.outbox.batch_after(class, seq)?;
        if let Some(batch) = &batch {
            self.gate.grant(class, batch.bytes().len() as u64);
        }
        Ok(batch)
    }

    fn head_at(&mut self, class: LogClass, seq: u64) -> Result<Option<Head>, O::Error> {
        self.outbox.head_at(class, seq)
    }

    fn points(
        &mut self,
        class: LogClass,
        after: u64,
        through: u64,
        max: usize,
    ) -> Result<Vec<Point>, O::Error> {
        self.outbox.points(class, after, through, max)
    }

    fn past(&mut self, class: LogClass) -> Result<Vec<(Epoch, Point)>, O::Error> {
        self.outbox.past(class)
    }
}
