//! Amounts and times as people read them, and texts that stand in addresses.

use aisle_event::{Money, Quantity, Timestamp};
use jiff::tz::TimeZone;
use std::fmt::{self, Write as _};

/// Money with the sign of its currency where that is unambiguous.
pub(crate) fn money(money: Money) -> String {
    let text = money.to_string();
    let sign = match money.currency.as_str() {
        "GBP" => "£",
        "EUR" => "€",
        "USD" => "$",
        "CNY" => "CN¥",
        "JPY" => "JP¥",
        _ => return text,
    };
    let number = text.split(' ').next().unwrap_or(&text);
    match number.strip_prefix('-') {
        Some(amount) => format!("-{sign}{amount}"),
        None => format!("{sign}{number}"),
    }
}

/// The number of a quantity, without its unit.
pub(crate) fn number(quantity: Quantity) -> String {
    Quantity { unit: aisle_event::Unit::Each, ..quantity }.to_string()
}

/// A time as RFC 3339 writes it, in UTC.
pub(crate) struct Rfc3339(pub(crate) Timestamp);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&instant(self.0), f)
    }
}

/// A day and a time of day in the shop's zone.
pub(crate) fn local(time: Timestamp, zone: &TimeZone) -> String {
    instant(time).to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// A time of day in the shop's zone.
pub(crate) fn clock(time: Timestamp, zone: &TimeZone) -> String {
    instant(time).to_zoned(zone.clone()).strftime("%H:%M").to_string()
}

/// The time, or the nearest that a calendar of four-digit years has.
fn instant(time: Timestamp) -> jiff::Timestamp {
    let nearest = if time.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    jiff::Timestamp::from_millisecond(time.0).unwrap_or(nearest)
}

/// A text as one segment of a path or one value of a query (RFC 3986).
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_' | b'~')
            || (byte == b'.' && text.len() > 2)
        {
            encoded.push(char::from(byte));
        } else {
            // Writing to a `String` has no way to fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_carries_its_sign() {
        assert_eq!(money(Money::new(255, aisle_event::Currency::GBP)), "£2.55");
        assert_eq!(money(Money::new(-5, aisle_event::Currency::EUR)), "-€0.05");
        assert_eq!(money(Money::new(100, "CHF".parse().unwrap())), "1.00 CHF");
    }

    #[test]
    fn a_time_beyond_the_calendar_is_still_written() {
        assert_eq!(Rfc3339(Timestamp(0)).to_string(), "1970-01-01T00:00:00Z");
        assert!(Rfc3339(Timestamp(i64::MAX)).to_string().starts_with("9999-12-30T"));
        assert!(!local(Timestamp(i64::MIN), &TimeZone::UTC).is_empty());
    }

    #[test]
    fn addresses_are_escaped() {
        assert_eq!(encoded("A/B ?é"), "A%2FB%20%3F%C3%A9");
        assert_eq!(encoded(".."), "%2E%2E");
    }
}
