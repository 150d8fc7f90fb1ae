//! How exactly times leave: the hybrid time of a record would otherwise say what a coarsened field hides.

use aisle_event::Hlc;
use serde::Deserialize;

/// How exactly the time of a record leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// As it is, with its counter.
    Exact,
    /// To the second.
    Second,
    /// To the minute.
    Minute,
    /// To the hour.
    Hour,
    /// To the day, in UTC.
    Day,
    /// To the week, from Monday 00:00 UTC.
    Week,
}

/// Monday 1969-12-29, the last before the epoch, lies so many milliseconds before it.
const MONDAY_MS: i64 = 3 * DAY_MS;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Precision {
    /// The length of a step, in milliseconds.
    #[must_use]
    pub const fn step_ms(self) -> i64 {
        match self {
            Self::Exact => 1,
            Self::Second => 1000,
            Self::Minute => 60_000,
            Self::Hour => 60 * 60_000,
            Self::Day => DAY_MS,
            Self::Week => 7 * DAY_MS,
        }
    }

    /// The begin of the step that a time (milliseconds since 1970) lies in; `None` where that does not fit.
    #[must_use]
    pub fn floor(self, ms: i64) -> Option<i64> {
        let shift = if self == Self::Week { MONDAY_MS } else { 0 };
        let shifted = ms.checked_add(shift)?;
        shifted.checked_sub(shifted.rem_euclid(self.step_ms()))?.checked_sub(shift)
    }

    /// The begin of the step that a hybrid time lies in, without its counter.
    #[must_use]
    pub fn floor_hlc(self, hlc: Hlc) -> Hlc {
        if self == Self::Exact {
            return hlc;
        }
        let ms = i64::try_from(hlc.ms()).ok().and_then(|ms| self.floor(ms)).unwrap_or(0);
        Hlc::new(u64::try_from(ms).unwrap_or(0), 0)
    }

    /// The word in policies.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_begin_where_people_expect_them_also_before_1970() {
        // 2011-12-01T13:30:00Z, a Thursday.
        let at = 1_322_746_200_000;
        assert_eq!(Precision::Hour.floor(at), Some(1_322_744_400_000));
        assert_eq!(Precision::Day.floor(at), Some(1_322_697_600_000));
        assert_eq!(Precision::Week.floor(at), Some(1_322_438_400_000), "Monday 2011-11-28");
        assert_eq!(Precision::Week.floor(-1), Some(-3 * DAY_MS));
        assert_eq!(Precision::Day.floor(i64::MIN), None);
    }
}
