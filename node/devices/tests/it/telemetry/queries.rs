//! What is asked: steps, midnights, bounds.

use super::{DAY, Followed, HOUR, MINUTE, whole};
use aisle_devices::telemetry::{Config, Query, QueryError, Resolution, query};
use aisle_event::Timestamp;
use jiff::tz::TimeZone;

#[test]
fn a_day_begins_at_midnight_of_the_store_also_when_it_has_25_hours() {
    let zone = TimeZone::get("Europe/London").unwrap();
    // 2026-10-24T23:00:00Z is midnight of the 25th, on which the clocks go back.
    let midnight = 1_792_882_800_000;
    let mut followed = Followed::new(Config { minutes_max: 10_000, ..Config::default() });
    for hour in 0..49 {
        followed.take("fridge", midnight + hour * HOUR, 4.0);
    }
    let days = Query { zone, ..whole("fridge", midnight, midnight + 49 * HOUR, Resolution::Day) };
    let series = query(&followed.telemetry.view(), None, &days).unwrap();
    let found: Vec<(i64, u64)> =
        series.points.iter().map(|point| ((point.at.0 - midnight) / HOUR, point.count)).collect();
    assert_eq!(found, [(0, 25), (25, 24)]);
}

#[test]
fn who_leaves_the_resolution_free_gets_the_finest_that_fits() {
    let followed = Followed::new(Config::default());
    let view = followed.telemetry.view();
    let step = |hours: i64, points_max| {
        let free = whole("fridge", DAY, DAY + hours * HOUR, Resolution::PointsMax(points_max));
        query(&view, None, &free).unwrap().step_ms / MINUTE
    };
    assert_eq!(step(2, 400), 1);
    assert_eq!(step(24, 400), 5);
    assert_eq!(step(24 * 14, 400), 60);
    assert_eq!(step(24 * 365, 400), 1440);
}

#[test]
fn too_much_and_upside_down_is_refused() {
    let followed = Followed::new(Config::default());
    let view = followed.telemetry.view();
    let long = query(&view, None, &whole("fridge", DAY, DAY + 24 * 365 * HOUR, Resolution::Minute));
    assert!(matches!(long, Err(QueryError::Points { points: 525_602, points_max: 10_000 })), "{long:?}");
    for (from, to) in [(DAY, DAY), (DAY, DAY - 1), (i64::MIN, DAY), (DAY, i64::MAX)] {
        let refused = query(&view, None, &whole("fridge", from, to, Resolution::Day));
        assert_eq!(refused.unwrap_err(), QueryError::Times { from, to });
    }
}

#[test]
fn a_stream_that_nobody_knows_has_no_points() {
    let followed = Followed::new(Config::default());
    let asked = whole("nobody", DAY, DAY + HOUR, Resolution::Minute);
    let series = query(&followed.telemetry.view(), None, &asked).unwrap();
    assert!(series.points.is_empty());
    assert_eq!((series.from, series.to), (Timestamp(DAY), Timestamp(DAY + HOUR)));
}
