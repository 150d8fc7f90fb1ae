//! How things are said on pages: how long ago, how much, how long a text may be; and texts in addresses.
//!
//! Guards: what others have named stands in a `bdi` of its own, so that signs which turn the direction of writing reach no further, and is cut
//! where it is too long for its place.

use crate::database::read::CursorRow;
use maud::{Markup, html};
use std::fmt::Write as _;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How long ago something was, with the exact time as its title; the script keeps it true. 0 is never.
pub(super) fn ago(now_ms: i64, at_ms: i64) -> Markup {
    if at_ms <= 0 {
        return html! { span.none { "never" } };
    }
    let exact = exact(at_ms);
    html! { time datetime=(exact) title=(exact) data-ms=(at_ms) { (ago_words(now_ms, at_ms)) } }
}

/// The same in words. What is well ahead of the clock says so: one of the two clocks is wrong.
fn ago_words(now_ms: i64, at_ms: i64) -> String {
    let ms = now_ms.saturating_sub(at_ms);
    match ms {
        ms if ms <= -MINUTE_MS => "ahead of the hub's clock".into(),
        ms if ms < 5 * SECOND_MS => "just now".into(),
        ms => format!("{} ago", length(ms)),
    }
}

/// A length of time in its largest unit.
pub(super) fn length(ms: i64) -> String {
    match ms.max(0) {
        ms if ms < SECOND_MS => format!("{ms} ms"),
        ms if ms < 2 * MINUTE_MS => format!("{} s", ms / SECOND_MS),
        ms if ms < 2 * HOUR_MS => format!("{} min", ms / MINUTE_MS),
        ms if ms < 2 * DAY_MS => format!("{} h", ms / HOUR_MS),
        ms => format!("{} days", number(ms / DAY_MS)),
    }
}

/// A time as RFC 3339 writes it, in UTC; the nearest that a calendar of four-digit years has.
pub(super) fn exact(at_ms: i64) -> String {
    let nearest = if at_ms < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    jiff::Timestamp::from_millisecond(at_ms).unwrap_or(nearest).to_string()
}

/// A time of day in UTC.
pub(super) fn clock(at_ms: i64) -> String {
    exact(at_ms).get(11..19).map_or_else(String::new, |time| format!("{time} UTC"))
}

/// A number with commas between its thousands.
pub(super) fn number(number: impl Into<i128>) -> String {
    let number = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "−" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of something, in the right form: `1 store`, `2 stores`.
pub(super) fn count(many: impl Into<i128>, one: &str, more: &str) -> String {
    let many = many.into();
    format!("{} {}", number(many), if many == 1 { one } else { more })
}

/// A size, with the exact one as its title.
pub(super) fn bytes(bytes: u64) -> Markup {
    html! { span title=(format!("{} bytes", number(bytes))) { (size(bytes)) } }
}

fn size(bytes: u64) -> String {
    let units = [("TB", 1_000_000_000_000_u64), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    match units.into_iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => {
            let tenths = u128::from(bytes) * 10 / u128::from(unit);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

/// A text that somebody else has chosen, cut to so many characters, then with all of it as its title.
pub(super) fn name(text: &str, chars_max: usize) -> Markup {
    let cut = cut(text, chars_max);
    let title = (cut != text).then(|| self::cut(text, TITLE_CHARS_MAX));
    html! { bdi title=[title] { (cut) } }
}

/// The longest title, in characters.
const TITLE_CHARS_MAX: usize = 160;

/// The beginning of a text.
pub(super) fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The beginning of a hash, with all of it as its title.
pub(super) fn hash(hex: &str) -> Markup {
    html! { code.hash title=(hex) { (hex.get(..12).unwrap_or(hex)) } }
}

/// A text as one segment of a path or one value of a query (RFC 3986).
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let is_dots = text.len() <= 2 && byte == b'.';
        if byte.is_ascii_alphanumeric() || (matches!(byte, b'-' | b'_' | b'~' | b'.') && !is_dots) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a `String` has no way to fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Where a store's page is.
pub(super) fn store_address(store: &str) -> String {
    format!("/stores/{}", encoded(store))
}

/// A store, as a way to its page.
pub(super) fn store(store: &str) -> Markup {
    html! { a href=(store_address(store)) { bdi { (store) } } }
}

/// Where the stores are that a filter asks for.
pub(super) fn fleet_address(filter: &str) -> String {
    format!("/?q={}", encoded(filter))
}

/// How far behind a log is: the time since its latest event where more is known to wait, else that it is not.
pub(super) fn lag(cursor: &CursorRow) -> String {
    if cursor.backlog_at_contact == 0 { "up to date".into() } else { length(cursor.lag_ms) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_said_as_people_say_them() {
        let now = 1_800_000_000_000;
        for (ms, said) in [
            (0, "just now"),
            (4_999, "just now"),
            (-59_999, "just now"),
            (-60_000, "ahead of the hub's clock"),
            (5_000, "5 s ago"),
            (119_999, "119 s ago"),
            (120_000, "2 min ago"),
            (2 * HOUR_MS, "2 h ago"),
            (3 * DAY_MS, "3 days ago"),
        ] {
            assert_eq!(ago_words(now, now - ms), said);
        }
        assert_eq!(ago(now, 0).into_string(), "<span class=\"none\">never</span>");
        ago(i64::MIN, i64::MAX);
        ago(i64::MAX, 1);
    }

    #[test]
    fn numbers_and_sizes_are_readable() {
        for (number_, said) in [(0_i64, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "−1,234,567")] {
            assert_eq!(number(number_), said);
        }
        assert_eq!(
            (count(1, "store", "stores"), count(2, "store", "stores")),
            ("1 store".into(), "2 stores".into())
        );
        for (bytes, said) in
            [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (1_999, "1.9 kB"), (4_200_000, "4.2 MB")]
        {
            assert_eq!(size(bytes), said);
        }
        assert_eq!(size(u64::MAX), "18446744.0 TB");
    }

    #[test]
    fn what_others_have_named_is_cut_between_characters_and_escaped() {
        assert_eq!(cut("ééé", 2), "éé…");
        assert_eq!(cut("ééé", 3), "ééé");
        assert_eq!(name("<b>", 9).into_string(), "<bdi>&lt;b&gt;</bdi>");
        assert!(name("abc", 1).into_string().contains("title=\"abc\""));
        assert_eq!(encoded("a/b ?é"), "a%2Fb%20%3F%C3%A9");
        assert_eq!((encoded("."), encoded("a.b")), ("%2E".into(), "a.b".into()));
    }

    #[test]
    fn a_time_beyond_the_calendar_is_still_written() {
        assert_eq!(exact(0), "1970-01-01T00:00:00Z");
        assert!(exact(i64::MAX).starts_with("9999-12-30T"));
        assert_eq!(clock(1_780_272_000_123), "00:00:00 UTC");
        clock(i64::MIN);
    }
}
