//! Times of certificates: from when on, until when, and how a time becomes what `rcgen` and `rustls` take.
//!
//! Not here: which time is to be believed (`time`). A time is [`Timestamp`], milliseconds since 1970; certificates know whole seconds.

use aisle_event::Timestamp;
use rustls_pki_types::UnixTime;
use std::time::Duration;

/// Milliseconds of a second.
pub(crate) const SECOND_MS: i64 = 1_000;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * 3_600 * SECOND_MS;
/// The last second of the year 9999, the last that a certificate can name (RFC 5280, section 4.1.2.5).
const LAST_MS: i64 = 253_402_300_799 * SECOND_MS;

/// For how long certificates hold, each in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// The root. Every box has it, so it outlives boxes.
    pub root_days: u32,
    /// An issuing authority.
    pub issuing_days: u32,
    /// A node. A new one comes after half of it; one that has run out recovers.
    pub node_days: u32,
    /// A device. Its owner has to do something for a new one.
    pub device_days: u32,
    /// A hub or a relay.
    pub hub_days: u32,
    /// How far the beginning is dated back, in hours, for clocks that are behind.
    pub back_hours: u32,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            root_days: 7_305,
            issuing_days: 1_826,
            node_days: 90,
            device_days: 730,
            hub_days: 90,
            back_hours: 48,
        }
    }
}

/// From when on and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first instant.
    pub not_before: Timestamp,
    /// The last.
    pub not_after: Timestamp,
}

impl Validity {
    /// So many days from now, dated back, within what a certificate can name and in whole seconds.
    pub(crate) fn from(now: Timestamp, days: u32, back_hours: u32) -> Self {
        let back = i64::from(back_hours) * 3_600 * SECOND_MS;
        Self {
            not_before: whole(Timestamp(now.0.saturating_sub(back))),
            not_after: whole(now.saturating_add_ms(i64::from(days) * DAY_MS)),
        }
    }

    /// The same, ending no later than another.
    pub(crate) fn within(self, other: Self) -> Self {
        Self { not_before: self.not_before, not_after: self.not_after.min(other.not_after) }
    }

    /// How long it is, in milliseconds.
    #[must_use]
    pub const fn ms(&self) -> u64 {
        self.not_after.ms_since(self.not_before)
    }
}

const fn whole(time: Timestamp) -> Timestamp {
    let ms = if time.0 < 0 {
        0
    } else if time.0 > LAST_MS {
        LAST_MS
    } else {
        time.0
    };
    Timestamp(ms - ms % SECOND_MS)
}

/// For `rustls`. A time before 1970 is 1970.
#[must_use]
pub fn to_unix(time: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(time.0).unwrap_or(0)))
}

/// From `rustls`.
#[must_use]
pub fn from_unix(time: UnixTime) -> Timestamp {
    Timestamp(i64::try_from(time.as_secs()).unwrap_or(i64::MAX).saturating_mul(SECOND_MS))
}

/// The same for `rcgen`, whose type of time is another crate's.
macro_rules! to_rcgen {
    ($time:expr) => {
        rcgen::date_time_ymd(1970, 1, 1)
            + std::time::Duration::from_millis(u64::try_from($time.0).unwrap_or(0))
    };
}
pub(crate) use to_rcgen;
