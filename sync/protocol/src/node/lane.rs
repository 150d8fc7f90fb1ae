//! One class of the node's end: what was sent, what was acknowledged, what may be sent.

use super::budget::Spent;
use crate::{
    control::ErrorCode,
    limits::{CREDIT_INITIAL_BATCHES, CREDIT_INITIAL_BYTES},
    log::Epoch,
};
use std::collections::VecDeque;

/// What a class is at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum State {
    /// The outbox has no log of it.
    #[default]
    Absent,
    /// Batches go out.
    Flowing,
    /// The two ends disagree; the last common place is looked for between two places. What was asked last is kept.
    Locating {
        /// The hub has it with the same head; `None` before the first answer.
        low: Option<u64>,
        /// The hub has it not, or differently.
        high: u64,
        /// What was asked, ascending.
        asked: Vec<u64>,
    },
    /// The outbox is to begin a new epoch with everything after this place.
    Renewing(u64),
    /// The hub does not take it.
    Refused(ErrorCode),
}

#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) state: State,
    pub(super) epoch: Epoch,
    /// The last event that went out on this connection, or the place to go on after.
    pub(super) sent: u64,
    /// Where this connection began.
    pub(super) start: u64,
    /// What is durable at the hub, as far as this connection has heard.
    pub(super) acked: u64,
    /// The furthest that the hub has named on this connection. A cursor below it was overtaken on the way.
    pub(super) heard: u64,
    pub(super) paused_until: Option<u64>,
    /// True when nothing may go out ahead of WELCOME: the hub may lack what an earlier epoch had.
    pub(super) waits_for_cursor: bool,
    /// True once the hub has said where it stands.
    pub(super) is_compared: bool,
    /// When something was last acknowledged, or first went out after a silence.
    pub(super) progress_at: u64,
    pub(super) spent: Spent,
    /// Since when there is something to send, nothing under way and no credit.
    starved_since: Option<u64>,
    /// The length of the next batch, when there was no credit for it: until there is it need not be read again.
    wanted_bytes: Option<u64>,
    credit_bytes: u64,
    credit_batches: u64,
    sent_bytes: u64,
    sent_batches: u64,
    /// The ends and lengths of what is under way.
    in_flight: VecDeque<(u64, u64)>,
    in_flight_bytes: u64,
}

impl Lane {
    /// Begins anew for a connection. What was spent stays spent.
    pub(super) fn open(&mut self) {
        *self = Self {
            spent: self.spent,
            credit_bytes: CREDIT_INITIAL_BYTES,
            credit_batches: CREDIT_INITIAL_BATCHES,
            ..Self::default()
        };
    }

    /// Begins a log, the first of the connection or one of a new epoch.
    pub(super) fn flow(&mut self, epoch: Epoch, acked: u64) {
        self.clear();
        self.state = State::Flowing;
        self.epoch = epoch;
        (self.sent, self.start, self.acked, self.heard) = (acked, acked, acked, 0);
    }

    pub(super) fn credit(&mut self, bytes: u64, batches: u64) {
        self.starved_since = None;
        self.credit_bytes = self.credit_bytes.max(bytes);
        self.credit_batches = self.credit_batches.max(batches);
    }

    /// True when a batch of so many bytes may still be sent.
    pub(super) const fn has_credit(&self, bytes: u64) -> bool {
        self.sent_bytes.saturating_add(bytes) <= self.credit_bytes && self.sent_batches < self.credit_batches
    }

    /// Takes note that credit is lacking for a batch of so many bytes. While something is under way its acknowledgement is
    /// waited for anyway.
    pub(super) fn starve(&mut self, bytes: u64, now_ms: u64) {
        self.wanted_bytes = Some(bytes);
        if self.in_flight.is_empty() {
            self.starved_since.get_or_insert(now_ms);
        }
    }

    /// True when the next batch is known to be more than there is credit for.
    pub(super) fn is_starved(&mut self, now_ms: u64) -> bool {
        match self.wanted_bytes {
            Some(bytes) if !self.has_credit(bytes) => {
                self.starve(bytes, now_ms);
                true
            }
            _ => false,
        }
    }

    pub(super) const fn in_flight_bytes(&self) -> u64 {
        self.in_flight_bytes
    }

    pub(super) fn send(&mut self, end: u64, bytes: u64, now_ms: u64) {
        if self.in_flight.is_empty() {
            self.progress_at = now_ms;
        }
        self.wanted_bytes = None;
        self.in_flight.push_back((end, bytes));
        self.in_flight_bytes = self.in_flight_bytes.saturating_add(bytes);
        self.sent_bytes = self.sent_bytes.saturating_add(bytes);
        self.sent_batches = self.sent_batches.saturating_add(1);
        self.sent = end;
        self.spent.charge(bytes);
    }

    /// Takes note that everything up to a place is durable.
    pub(super) fn ack(&mut self, through: u64, now_ms: u64) {
        self.acked = self.acked.max(through);
        self.heard = self.heard.max(through);
        self.sent = self.sent.max(through);
        self.progress_at = now_ms;
        while let Some((end, bytes)) = self.in_flight.front().copied() {
            if end > through {
                break;
            }
            self.in_flight.pop_front();
            self.in_flight_bytes = self.in_flight_bytes.saturating_sub(bytes);
        }
    }

    /// Goes back: what was sent after a place goes out again.
    pub(super) fn rewind(&mut self, to: u64) {
        self.clear();
        self.sent = to;
    }

    fn clear(&mut self) {
        (self.starved_since, self.wanted_bytes) = (None, None);
        self.in_flight.clear();
        self.in_flight_bytes = 0;
    }

    /// When the hub should have acknowledged something, or granted something, by.
    pub(super) fn ack_due(&self, timeout_ms: u64) -> Option<u64> {
        let waits = !self.in_flight.is_empty() || matches!(self.state, State::Locating { .. });
        let since = if waits { Some(self.progress_at) } else { self.starved_since };
        since.map(|since| since.saturating_add(timeout_ms))
    }
}
