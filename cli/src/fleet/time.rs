//! Times as people give them: `2026-11-22T09:00:00Z`, `2026-11-22`, or so long ago: `90m`, `36h`, `7d`.

use crate::Usage;

/// Milliseconds since 1970 of a time. `sign`: which way a duration counts from now, -1 for the past.
///
/// # Errors
/// When it is none.
pub(super) fn moment(text: &str, now_ms: i64, sign: i64) -> Result<i64, Usage> {
    if let Some(ms) = duration_ms(text) {
        return Ok(now_ms.saturating_add(ms.saturating_mul(sign)));
    }
    let at = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let midnight = text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(midnight.timestamp())
    });
    at.map(jiff::Timestamp::as_millisecond).ok_or_else(|| {
        Usage(format!("`{text}` is no time\nhint: `2026-11-22T09:00:00Z`, `2026-11-22` (UTC), or a duration such as `90m`, `36h`, `7d`"))
    })
}

/// `90m` in milliseconds.
fn duration_ms(text: &str) -> Option<i64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit_ms = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let count: i64 = digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())??;
    count.checked_mul(unit_ms)
}

/// Now, in milliseconds since 1970.
pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn times_are_dates_or_so_long_ago() {
        let now = 1_795_305_600_000;
        assert_eq!(moment("2026-11-22", 0, -1).unwrap(), now);
        assert_eq!(moment("2026-11-22T00:00:00Z", 0, -1).unwrap(), now);
        assert_eq!(moment("36h", now, -1).unwrap(), now - 36 * 3_600_000);
        assert_eq!(moment("7d", now, 1).unwrap(), now + 7 * 86_400_000);
        for wrong in ["", "h", "-3h", "yesterday", "3w", "99999999999999999999d", "ü"] {
            assert!(moment(wrong, now, -1).is_err(), "{wrong}");
        }
    }
}
