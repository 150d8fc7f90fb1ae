//! The picture: what stands in it, and that nobody's text becomes part of it.

use super::{DAY, HOUR, MINUTE, key};
use aisle_devices::telemetry::{
    Anomaly, Point, Series,
    chart::{ChartOptions, Limit, svg},
};
use aisle_event::{
    Timestamp,
    device::{AnomalyKind, Measured},
};
use jiff::tz::TimeZone;

/// A fridge for a day in steps of five minutes, with an hour missing.
fn fridge() -> Series {
    let points = (0..288)
        .filter(|nth| !(100..112).contains(nth))
        .map(|nth| {
            let angle = f64::from(nth) / 6.0;
            let open = if (200..215).contains(&nth) { f64::from(nth - 200) * 0.5 } else { 0.0 };
            let mean = 3.4 + angle.sin() * 0.6 + open;
            Point {
                at: Timestamp(DAY + i64::from(nth) * 5 * MINUTE),
                count: 30,
                min: mean - 0.4,
                max: mean + 0.5,
                mean,
                last: mean,
                p50: mean,
                p95: mean + 0.4,
            }
        })
        .collect();
    Series {
        key: key("fridge"),
        unit: Some(Measured::Celsius),
        from: Timestamp(DAY),
        to: Timestamp(DAY + 24 * HOUR),
        step_ms: 5 * MINUTE,
        points,
        anomalies: vec![Anomaly {
            kind: AnomalyKind::Range,
            since: Timestamp(DAY + 17 * HOUR),
            until: Some(Timestamp(DAY + 18 * HOUR)),
            words: "8 °C is above 5.2 °C".into(),
        }],
    }
}

fn options() -> ChartOptions {
    ChartOptions {
        title: "Fridge 7 <dairy> & \"more\"".into(),
        limits: vec![Limit { value: 5.0, label: "limit".into() }],
        zone: TimeZone::get("Europe/London").unwrap(),
        ..ChartOptions::default()
    }
}

#[test]
fn the_picture_has_words_for_who_cannot_see_it() {
    let picture = svg(&fridge(), &options());
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>"));
    assert!(picture.contains("role=\"img\" aria-labelledby=\"chart-title chart-desc\""));
    assert!(
        picture.contains("From 2026-11-21 00:00 to 2026-11-22 00:00 (Europe/London). 8280 readings from")
    );
    assert!(picture.contains("range since 2026-11-21 17:00: 8 °C is above 5.2 °C."));
    assert!(picture.contains(">12:00</text>") && picture.contains(">°C</text>"));
}

#[test]
fn a_gap_is_a_gap() {
    let picture = svg(&fridge(), &options());
    assert_eq!(picture.matches("stroke-width=\"1.6\"").count(), 2, "two lines with nothing between");
}

#[test]
fn limits_are_dashed_and_what_is_odd_is_shaded() {
    let picture = svg(&fridge(), &options());
    assert_eq!(picture.matches("stroke-dasharray").count(), 1);
    assert!(picture.contains("limit 5 °C"));
    assert!(picture.contains("<title>range: 8 °C is above 5.2 °C</title>"));
}

#[test]
fn text_of_others_stays_text() {
    let mut options = options();
    options.title = "</title><script>alert(1)</script>\u{0}'\"&".into();
    options.id = "a\" onload=\"x".into();
    options.limits[0].label = "<b>".into();
    let mut series = fridge();
    series.anomalies[0].words = "<script>".into();
    let picture = svg(&series, &options);
    assert!(!picture.contains("<script") && !picture.contains("<b>") && !picture.contains("onload=\""));
    assert!(picture.contains("&lt;script&gt;alert(1)"));
    assert!(!picture.chars().any(char::is_control));
}

#[test]
fn nothing_and_odd_sizes_make_a_picture_too() {
    let mut series = fridge();
    series.points.clear();
    assert!(svg(&series, &options()).contains("nothing was measured"));
    series = fridge();
    series.points.truncate(1);
    series.points[0].max = 9.2e12;
    series.points[0].min = -9.2e12;
    let tiny = ChartOptions {
        width: 0,
        height: 0,
        limits: vec![Limit { value: f64::NAN, label: String::new() }],
        ..options()
    };
    let picture = svg(&series, &tiny);
    assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
    series.to = Timestamp(i64::MAX);
    series.from = Timestamp(0);
    assert!(svg(&series, &tiny).ends_with("</svg>"));
}
