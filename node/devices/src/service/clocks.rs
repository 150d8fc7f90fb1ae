//! Which of two clocks is believed.
//!
//! Not here: which numbers can be (`aisle_firmware_config::heard`), what is usual for a stream ([`crate::telemetry`]).

use super::Config;
use aisle_event::Timestamp;

/// When something happened, as far as the device's clock can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Believed {
    pub at: Timestamp,
    /// How far the device's clock is off, in milliseconds, when it is not believed.
    pub off_ms: Option<i64>,
}

/// Of two clocks that differ by much the node's is taken: readings must be in one order of time. It may be wrong, too; then
/// they are all wrong alike, and their order in the journal is right.
pub(super) fn believed(at_ms: Option<i64>, now: Timestamp, config: &Config) -> Believed {
    let Some(at_ms) = at_ms else { return Believed { at: now, off_ms: None } };
    let off_ms = at_ms.saturating_sub(now.0);
    let ahead_ms = i64::from(config.clock_ahead_s) * 1_000;
    let behind_ms = i64::from(config.clock_behind_h) * 3_600_000;
    if off_ms > ahead_ms || off_ms < -behind_ms {
        Believed { at: now, off_ms: Some(off_ms) }
    } else {
        Believed { at: Timestamp(at_ms), off_ms: None }
    }
}

/// A difference of clocks in words: `3 years ahead`.
pub(super) fn off_in_words(off_ms: i64) -> String {
    let s = off_ms.unsigned_abs() / 1_000;
    let (count, unit) = match s {
        0..120 => (s, "seconds"),
        120..7_200 => (s / 60, "minutes"),
        7_200..172_800 => (s / 3_600, "hours"),
        172_800..63_072_000 => (s / 86_400, "days"),
        _ => (s / 31_536_000, "years"),
    };
    format!("{count} {unit} {}", if off_ms > 0 { "ahead" } else { "behind" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_years_off_is_not_believed_in_either_direction() {
        let config = Config::default();
        let now = Timestamp(1_800_000_000_000);
        for at_ms in [0, i64::MIN, i64::MAX, now.0 + 301_000, now.0 - 7 * 86_400_000 - 1] {
            let believed = believed(Some(at_ms), now, &config);
            assert_eq!(believed.at, now, "{at_ms}");
            assert!(believed.off_ms.is_some(), "{at_ms}");
        }
        for at_ms in [now.0, now.0 + 299_000, now.0 - 6 * 86_400_000] {
            assert_eq!(believed(Some(at_ms), now, &config).at, Timestamp(at_ms));
        }
        assert_eq!(off_in_words(-1_800_000_000_000), "57 years behind");
    }
}
