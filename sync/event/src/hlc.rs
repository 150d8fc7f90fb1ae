//! A hybrid logical clock: close to wall time, never backwards, whatever the wall clock does.
//!
//! Kulkarni, Demirbas et al., "Logical Physical Clocks and Consistent Snapshots in Globally Distributed
//! Databases" (2014), section 3. Packed as 48 bits of milliseconds and 16 bits of counter, so that the numbers order
//! as the times do.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A hybrid time: 48 bits of milliseconds since 1970, 16 bits of counter. Zero is before everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hlc(pub u64);

impl Hlc {
    /// The latest milliseconds that fit (the year 10889).
    pub const MS_MAX: u64 = (1 << 48) - 1;

    /// From milliseconds (the lowest 48 bits count) and a counter.
    #[must_use]
    pub const fn new(ms: u64, counter: u16) -> Self {
        Self((ms & Self::MS_MAX) << 16 | counter as u64)
    }

    /// The milliseconds since 1970.
    #[must_use]
    pub const fn ms(self) -> u64 {
        self.0 >> 16
    }

    /// The counter within the millisecond.
    #[must_use]
    pub const fn counter(self) -> u16 {
        self.0 as u16
    }
}

impl fmt::Display for Hlc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.ms(), self.counter())
    }
}

/// The state of a hybrid clock: the last time it gave out or saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HlcClock {
    last: Hlc,
}

impl HlcClock {
    /// A clock that goes on after a time already given out, such as that of the last record on disk.
    #[must_use]
    pub const fn after(last: Hlc) -> Self {
        Self { last }
    }

    /// The next time, later than every one before it. `now_ms` is the wall clock, which may lie: a clock that
    /// stands still or goes back makes only the counter grow.
    pub fn tick(&mut self, now_ms: u64) -> Hlc {
        let wall = Hlc::new(now_ms.min(Hlc::MS_MAX), 0);
        // At the counter's end the packed number carries into the next millisecond, which keeps the order.
        self.last = if wall > self.last { wall } else { Hlc(self.last.0.saturating_add(1)) };
        self.last
    }

    /// Takes note of a time seen elsewhere, so that the next tick is later than it.
    ///
    /// A time more than `ahead_ms_max` ahead of the wall clock is ignored and `false` is returned: one node with a
    /// broken clock must not drag the others along.
    pub fn observe(&mut self, seen: Hlc, now_ms: u64, ahead_ms_max: u64) -> bool {
        if seen.ms() > now_ms.saturating_add(ahead_ms_max) {
            return false;
        }
        self.last = self.last.max(seen);
        true
    }
}
