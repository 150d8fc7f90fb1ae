//! The time that the fold goes by: that of the events, unless an event lies.
//!
//! Guards invariant 7: one event with a clock decades off moves nothing; when the whole store's clock was wrong, the time
//! follows as soon as [`AGREEING`] events in a row say so. How much time has *passed* is never more than [`PASSED_MS_MAX`] a jump.

use aisle_event::Timestamp;
use minicbor::{Decode, Encode};

/// An event this far ahead is believed by itself: a night, or a day off.
const AHEAD_MS_MAX: i64 = 36 * 3_600_000;
/// An event this far behind is merely late.
const BEHIND_MS_MAX: i64 = 3_600_000;
/// So many events in a row that agree on another time are believed.
const AGREEING: u8 = 8;
/// No jump lets more time pass than this.
const PASSED_MS_MAX: i64 = 7 * 24 * 3_600_000;

/// A clock that events set.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(array)]
pub(super) struct Clock {
    #[n(0)]
    now: Option<Timestamp>,
    /// Time that has passed since the first event, in milliseconds. Never goes back.
    #[n(1)]
    passed_ms: i64,
    #[n(2)]
    other: Timestamp,
    #[n(3)]
    agreeing: u8,
}

impl Clock {
    pub(super) fn hear(&mut self, at: Timestamp) {
        let Some(now) = self.now else {
            self.now = Some(at);
            return;
        };
        let ahead = at.0.saturating_sub(now.0);
        if (-BEHIND_MS_MAX..=AHEAD_MS_MAX).contains(&ahead) {
            self.agreeing = 0;
            self.go(now, at.max(now));
            return;
        }
        let apart = at.0.saturating_sub(self.other.0);
        self.agreeing = if self.agreeing > 0 && (-BEHIND_MS_MAX..=AHEAD_MS_MAX).contains(&apart) {
            self.agreeing + 1
        } else {
            1
        };
        self.other = at;
        if self.agreeing >= AGREEING {
            self.agreeing = 0;
            self.go(now, at);
        }
    }

    fn go(&mut self, from: Timestamp, to: Timestamp) {
        let passed = to.0.saturating_sub(from.0).clamp(0, PASSED_MS_MAX);
        self.passed_ms = self.passed_ms.saturating_add(passed).min(i64::MAX / 4);
        self.now = Some(to);
    }

    pub(super) const fn is_sound(&self) -> bool {
        self.passed_ms >= 0 && self.passed_ms < i64::MAX / 2
    }

    /// The time of day and date, as far as events can be believed.
    pub(super) fn now(&self) -> Timestamp {
        self.now.unwrap_or_default()
    }

    /// Time that will have passed at a moment after the last event, in milliseconds; at one before it, what has passed.
    pub(super) fn passed_ms_at(&self, now: Timestamp) -> i64 {
        let since = self.now.map_or(0, |last| now.0.saturating_sub(last.0));
        self.passed_ms.saturating_add(since.clamp(0, PASSED_MS_MAX))
    }

    /// Time that has passed, in milliseconds: for durations.
    pub(super) const fn passed_ms(&self) -> i64 {
        self.passed_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_decades_away_moves_nothing_and_eight_that_agree_do() {
        let mut clock = Clock::default();
        clock.hear(Timestamp(1_000_000));
        clock.hear(Timestamp(i64::MAX));
        clock.hear(Timestamp(i64::MIN));
        assert_eq!((clock.now(), clock.passed_ms()), (Timestamp(1_000_000), 0));
        let year = 365 * 24 * 3_600_000;
        for minute in 0..8 {
            clock.hear(Timestamp(year + minute * 60_000));
        }
        assert_eq!(clock.now(), Timestamp(year + 7 * 60_000));
        assert_eq!(clock.passed_ms(), PASSED_MS_MAX, "a lie does not let a year pass");
        for minute in 0..8 {
            clock.hear(Timestamp(2_000_000 + minute));
        }
        assert_eq!((clock.now(), clock.passed_ms()), (Timestamp(2_000_007), PASSED_MS_MAX));
    }
}
