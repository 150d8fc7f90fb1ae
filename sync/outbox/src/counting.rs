//! What is counted for aggregates on the way to the class that they go to.
//!
//! Guards: an event is counted once; a window that was closed is durable together with what was told of it, before anybody sees it.

use crate::form::Counted;
use aisle_event::{Event, Hlc, Timestamp};
use aisle_residency::{
    Aggregator, Budget, Entropy, Region, TrustedPolicy,
    aggregate::{AggregatorError, CloseError, Closed},
};
use std::fmt;

const HOUR_MS: i64 = 60 * 60 * 1000;

pub(crate) struct Counting {
    aggregator: Aggregator,
    budget: Budget,
    entropy: Box<dyn Entropy + Send>,
    contributor_key: [u8; 32],
    /// The last record that was counted.
    pub(crate) through: u64,
    /// The same as it stands on disk.
    pub(crate) durable: u64,
    /// The time of the last record that was counted.
    latest_ms: i64,
    /// The hour in which windows were closed last.
    closed_hour: i64,
}

impl Counting {
    pub(crate) fn new(
        aggregator: Aggregator,
        budget: Budget,
        entropy: Box<dyn Entropy + Send>,
        contributor_key: [u8; 32],
        through: u64,
    ) -> Self {
        Self {
            aggregator,
            budget,
            entropy,
            contributor_key,
            through,
            durable: through,
            latest_ms: 0,
            closed_hour: i64::MIN,
        }
    }

    /// True when the policy has no aggregates: then nothing is lost by not counting.
    pub(crate) fn is_idle(&self) -> bool {
        self.aggregator.is_idle()
    }

    pub(crate) const fn aggregator(&self) -> &Aggregator {
        &self.aggregator
    }

    /// Goes on by another policy.
    pub(crate) fn follow(&mut self, policy: &TrustedPolicy, to: &Region) -> Result<(), AggregatorError> {
        let kept = self.aggregator.encode();
        self.aggregator = Aggregator::resume(policy, to, &self.contributor_key, &kept)?;
        Ok(())
    }

    /// Counts a record; nothing when it holds no event that can be read.
    pub(crate) fn add(&mut self, seq: u64, hlc: Hlc, event: Option<&Event>) {
        self.through = seq;
        self.latest_ms = i64::try_from(hlc.ms()).unwrap_or(i64::MAX);
        if let Some(event) = event {
            self.aggregator.add(event);
        }
    }

    /// Closes the windows that ended long enough ago, by the journal's time and by the clock's: one of them may have been years ahead once,
    /// and a window is told whole or not at all. Once an hour: no window is shorter. Nothing when nothing has changed.
    pub(crate) fn close(&mut self, now_ms: u64, lag_ms: u64) -> Result<Option<Closed>, CloseError> {
        let ms = |ms| i64::try_from(ms).unwrap_or(i64::MAX);
        let before = self.latest_ms.min(ms(now_ms)).saturating_sub(ms(lag_ms));
        let hour = before.div_euclid(HOUR_MS);
        if hour == self.closed_hour || self.is_idle() {
            return Ok(None);
        }
        let as_was = self.aggregator.encode();
        let closed = self.aggregator.close(Timestamp(before), &mut self.budget, &mut *self.entropy)?;
        self.closed_hour = hour;
        // A window of which nothing was told is closed all the same: its noise is not drawn again.
        Ok((self.aggregator.encode() != as_was).then_some(closed))
    }

    /// Takes for told whatever may have been told until now: its state is lost, and no window is told twice.
    pub(crate) fn forfeit(&mut self, now_ms: u64) {
        let now = Timestamp(i64::try_from(now_ms).unwrap_or(i64::MAX));
        self.aggregator.forfeit(now, &mut self.budget);
    }

    /// As it goes to disk.
    pub(crate) fn keep(&mut self) -> Counted {
        self.durable = self.through;
        Counted {
            aggregator: self.aggregator.encode().into(),
            budget: self.budget.encode().into(),
            through: self.through,
        }
    }
}

/// Without counts and keys.
impl fmt::Debug for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counting")
            .field("aggregator", &self.aggregator)
            .field("through", &self.through)
            .finish_non_exhaustive()
    }
}
