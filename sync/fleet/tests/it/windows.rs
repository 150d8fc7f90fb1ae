//! Maintenance windows go by the clock on the store's wall, whatever it does.

use crate::bench::utc;
use aisle_event::Timestamp;
use aisle_fleet::{Maintenance, Window, Zone, window::Standing};

fn maintenance(zone: &str, windows: &[&str]) -> Maintenance {
    Maintenance {
        zone: zone.parse().unwrap(),
        windows: windows.iter().map(|window| window.parse().unwrap()).collect(),
    }
}

fn open(until: &str) -> Standing {
    Standing::Open { until: utc(until) }
}

fn closed(opens: &str) -> Standing {
    Standing::Closed { opens: Some(utc(opens)) }
}

#[test]
fn a_window_is_open_between_its_times_in_the_zone_of_the_store() {
    let berlin = maintenance("Europe/Berlin", &["daily 02:00-05:00"]);
    // Winter: one hour ahead of UTC.
    assert_eq!(berlin.at(utc("2026-01-10T00:59:59Z")), closed("2026-01-10T01:00:00Z"));
    assert_eq!(berlin.at(utc("2026-01-10T01:00:00Z")), open("2026-01-10T04:00:00Z"));
    assert_eq!(berlin.at(utc("2026-01-10T04:00:00Z")), closed("2026-01-11T01:00:00Z"));
    // Summer: two.
    assert_eq!(berlin.at(utc("2026-07-10T00:30:00Z")), open("2026-07-10T03:00:00Z"));
    let shanghai = maintenance("Asia/Shanghai", &["daily 02:00-05:00"]);
    assert_eq!(shanghai.at(utc("2026-07-10T18:30:00Z")), open("2026-07-10T21:00:00Z"));
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
    let store = maintenance("UTC", &["fri 22:00-04:00"]);
    assert_eq!(store.at(utc("2026-11-20T23:00:00Z")), open("2026-11-21T04:00:00Z"), "Friday night");
    assert_eq!(store.at(utc("2026-11-21T03:59:00Z")), open("2026-11-21T04:00:00Z"), "Saturday morning");
    assert_eq!(store.at(utc("2026-11-21T22:30:00Z")), closed("2026-11-27T22:00:00Z"), "Saturday night");
    assert_eq!(store.at(utc("2026-11-20T03:00:00Z")), closed("2026-11-20T22:00:00Z"), "Friday morning");
}

#[test]
fn an_hour_that_is_missing_is_over_at_once() {
    // In Berlin 2026-03-29 has no 02:00 to 03:00.
    let within = maintenance("Europe/Berlin", &["daily 02:00-03:00"]);
    assert_eq!(
        within.at(utc("2026-03-28T12:00:00Z")),
        closed("2026-03-30T00:00:00Z"),
        "a window that lies in the missing hour does not take place"
    );
    let begins = maintenance("Europe/Berlin", &["daily 02:30-03:30"]);
    assert_eq!(begins.at(utc("2026-03-29T00:59:59Z")), closed("2026-03-29T01:00:00Z"));
    assert_eq!(begins.at(utc("2026-03-29T01:00:00Z")), open("2026-03-29T01:30:00Z"));
    let ends = maintenance("Europe/Berlin", &["daily 01:00-02:30"]);
    assert_eq!(ends.at(utc("2026-03-29T00:30:00Z")), open("2026-03-29T01:00:00Z"));
}

#[test]
fn an_hour_that_comes_twice_is_open_twice() {
    // In Berlin 2026-10-25 has 02:00 to 03:00 twice.
    let store = maintenance("Europe/Berlin", &["daily 02:00-03:00"]);
    assert_eq!(store.at(utc("2026-10-25T00:00:00Z")), open("2026-10-25T02:00:00Z"), "the first");
    assert_eq!(store.at(utc("2026-10-25T01:30:00Z")), open("2026-10-25T02:00:00Z"), "and the second");
    assert_eq!(store.at(utc("2026-10-25T02:00:00Z")), closed("2026-10-26T01:00:00Z"));
}

#[test]
fn a_day_that_never_was_has_no_window() {
    // Samoa had no 2011-12-30.
    let store = maintenance("Pacific/Apia", &["fri 10:00-12:00"]);
    assert_eq!(store.at(utc("2011-12-28T00:00:00Z")), closed("2012-01-05T20:00:00Z"));
}

#[test]
fn windows_that_meet_are_one() {
    let store = maintenance("UTC", &["daily 22:00-24:00", "daily 00:00-03:00", "daily 02:00-04:00"]);
    assert_eq!(store.at(utc("2026-11-20T22:30:00Z")), open("2026-11-21T04:00:00Z"));
    let always = maintenance("UTC", &["daily 00:00-24:00"]);
    assert!(matches!(always.at(utc("2026-11-20T22:30:00Z")), Standing::Open { .. }));
}

#[test]
fn a_window_once_a_week_is_found_whatever_the_time_beyond_the_calendar_it_is_not() {
    let store = maintenance("America/Sao_Paulo", &["sun 03:00-04:00"]);
    for hour in 0..24 * 7 {
        let at = utc("2026-11-15T00:00:00Z").saturating_add_ms(hour * 3_600_000);
        match store.at(at) {
            Standing::Open { until } => assert!(until > at && until.ms_since(at) <= 3_600_000),
            Standing::Closed { opens } => {
                let wait = opens.unwrap().ms_since(at);
                assert!(wait > 0 && wait <= 7 * 24 * 3_600_000);
            }
        }
    }
    assert_eq!(store.at(Timestamp(i64::MAX)), Standing::Closed { opens: None });
    assert_eq!(store.at(Timestamp(i64::MIN)), Standing::Closed { opens: None });
}

#[test]
fn windows_are_shown_as_they_are_read() {
    for (text, shown) in [
        ("daily 02:00-05:00", "daily 02:00-05:00"),
        ("mon-fri 22:00-04:00", "mon,tue,wed,thu,fri 22:00-04:00"),
        ("sat-mon 1:00-2:00", ""),
        ("sat-mon 01:00-02:00", "mon,sat,sun 01:00-02:00"),
        ("mon-sun 00:00-24:00", "daily 00:00-00:00"),
        ("fri,sun 10:00-09:00", "fri,sun 10:00-09:00"),
    ] {
        match text.parse::<Window>() {
            Ok(window) => {
                assert_eq!(window.to_string(), shown);
                assert_eq!(shown.parse::<Window>().unwrap(), window);
            }
            Err(_) => assert_eq!(shown, "", "{text}"),
        }
    }
    let told = |text: &str| text.parse::<Window>().unwrap_err().to_string();
    assert!(told("mom 02:00-03:00").contains("did you mean `mon`"));
    assert!(told("dayly 02:00-03:00").contains("did you mean `daily`"));
    assert!(told("daily 25:00-03:00").contains("`25:00`"));
    assert!(told("daily 24:00-03:00").contains("`24:00`"));
    assert!(told("daily 02:60-03:00").contains("`02:60`"));
    assert!(told("daily").contains("`mon-fri 22:00-04:00`"));
}

#[test]
fn a_zone_has_the_name_of_the_database_and_no_other() {
    assert_eq!("europe/berlin".parse::<Zone>().unwrap().name(), "Europe/Berlin");
    assert!("Europe/Berln".parse::<Zone>().unwrap_err().to_string().contains("Europe/Berlin"));
    assert!("../../etc/passwd".parse::<Zone>().is_err());
    assert!("".parse::<Zone>().is_err());
}

#[test]
fn a_window_knows_how_long_it_is() {
    let minutes = |text: &str| text.parse::<Window>().unwrap().minutes();
    assert_eq!(minutes("daily 02:00-05:00"), 180);
    assert_eq!(minutes("daily 22:00-04:00"), 360);
    assert_eq!(minutes("daily 04:00-04:00"), 1440);
    assert_eq!(maintenance("UTC", &["sun 01:00-01:10", "mon 01:00-01:20"]).longest_minutes(), 20);
}
