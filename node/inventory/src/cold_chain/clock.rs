//! What time the store believes that it is, from the times of readings alone.
//!
//! A fold has no clock, and the clocks it hears of may lie (invariant 7). Time follows the readings, but a leap of more than a day, ahead
//! or far back, is believed only when several readings in a row say so: one probe in another decade must not make the last day
//! vanish. Until then its readings stand in the evidence, but count for nothing.

use super::history::DAY_MS;
use serde::{Deserialize, Serialize};

/// So many readings in a row, all far from the time believed and near to each other, are believed.
const LEAP_READINGS: u32 = 5;

/// The time believed, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Clock {
    now_ms: Option<i64>,
    elsewhere_ms: i64,
    elsewhere: u32,
}

/// What a reading's time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Now, or late.
    Believed,
    /// Far off.
    Doubted,
    /// Far off, and believed from now on: what was later than this was a lie.
    WentBack,
}

impl Clock {
    pub(crate) fn hear(&mut self, at_ms: i64, days_max: u16) -> Heard {
        let Some(now) = self.now_ms else {
            self.now_ms = Some(at_ms);
            return Heard::Believed;
        };
        let behind_max = i64::from(days_max) * DAY_MS;
        let ahead = at_ms.saturating_sub(now);
        if (-behind_max..=DAY_MS).contains(&ahead) {
            self.now_ms = Some(now.max(at_ms));
            self.elsewhere = 0;
            return Heard::Believed;
        }
        let near = self.elsewhere > 0 && at_ms.abs_diff(self.elsewhere_ms) <= DAY_MS.unsigned_abs();
        self.elsewhere = if near { self.elsewhere.saturating_add(1) } else { 1 };
        self.elsewhere_ms = at_ms;
        if self.elsewhere < LEAP_READINGS {
            return Heard::Doubted;
        }
        *self = Self { now_ms: Some(at_ms), elsewhere_ms: 0, elsewhere: 0 };
        if ahead < 0 { Heard::WentBack } else { Heard::Believed }
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.now_ms.unwrap_or_default()
    }
}
