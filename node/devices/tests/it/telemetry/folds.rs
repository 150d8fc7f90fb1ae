//! Readings into minutes: exact, the same from any snapshot, and bounded whatever clocks say.

use super::{DAY, Followed, HOUR, MINUTE, announced, key, reading, started, taken, whole};
use aisle_devices::telemetry::{Config, RELATIVE_ERROR, Resolution, SnapshotError, Telemetry, query};
use aisle_event::{
    Event, Measure, Timestamp, Unknown,
    device::{DeviceRetired, Measured, Reading},
};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn assert_aggregates_are_naive(readings: &[(i64, f64)], resolution: Resolution, step: i64) {
    let mut followed = Followed::new(Config::default());
    for (at, value) in readings {
        followed.take("fridge", *at, *value);
    }
    let mut naive: BTreeMap<i64, Vec<(i64, f64)>> = BTreeMap::new();
    for (at, value) in readings {
        naive.entry(at.div_euclid(step)).or_default().push((*at, Measure::new(*value).unwrap().units()));
    }
    let view = followed.telemetry.view();
    let series = query(&view, None, &whole("fridge", DAY, DAY + 24 * HOUR, resolution)).unwrap();
    assert_eq!(series.points.len(), naive.len());
    for (point, (number, values)) in series.points.iter().zip(naive) {
        assert_eq!(point.at.0, number * step);
        assert_eq!(point.count, values.len() as u64);
        let only = || values.iter().map(|(_, value)| *value);
        assert_eq!(point.min, only().fold(f64::INFINITY, f64::min));
        assert_eq!(point.max, only().fold(f64::NEG_INFINITY, f64::max));
        assert!((point.mean - only().sum::<f64>() / values.len() as f64).abs() < 1e-6);
        assert_eq!(point.last, values.iter().max_by_key(|(at, _)| *at).unwrap().1);
        let mut sorted: Vec<f64> = only().collect();
        sorted.sort_by(f64::total_cmp);
        for (found, q) in [(point.p50, 0.5), (point.p95, 0.95)] {
            let exact = sorted[(q * (sorted.len() - 1) as f64) as usize];
            // A minute with very many different values joins bins once or twice.
            assert!(
                (found - exact).abs() <= exact.abs() * RELATIVE_ERROR * 4.0 + 1e-5,
                "{found} for {exact}"
            );
        }
    }
}

#[test]
fn of_readings_of_one_time_the_last_to_come_is_the_newest() {
    let mut followed = Followed::new(Config::default());
    // A contact without a clock says both within one batch, which has one time.
    followed.apply(&taken(vec![reading("door", DAY, 1.0), reading("door", DAY, 0.0)]));
    let view = followed.telemetry.view();
    assert_eq!(view.stream(&key("door")).unwrap().newest().unwrap().value.units(), 0.0);
    let asked = whole("door", DAY, DAY + HOUR, Resolution::Minute);
    assert_eq!(query(&view, None, &asked).unwrap().points[0].last, 0.0);
}

/// Times in order, up to some minutes apart, and values.
fn readings() -> impl Strategy<Value = Vec<(i64, f64)>> {
    prop::collection::vec((0_i64..200_000, -30.0..30.0), 1..200).prop_map(|steps| {
        let mut at = DAY;
        steps
            .into_iter()
            .map(|(step, value)| {
                at += step;
                (at, value)
            })
            .collect()
    })
}

fn event() -> impl Strategy<Value = Event> {
    let device = prop::sample::select(vec!["a", "b", "c", "d"]);
    let at = prop_oneof![8 => DAY..DAY + 3 * HOUR, 1 => any::<i64>(), 1 => DAY..DAY + 400 * 24 * HOUR];
    prop_oneof![
        12 => (device.clone(), at.clone(), any::<i64>(), any::<Option<(u8, u8)>>()).prop_map(|(device, at, value, number)| {
            let mut reading = reading(device, at, 0.0);
            reading.value = Measure { millionths: value };
            reading.number = number.map(|(_, number)| number.into());
            reading.boot = number.map(|(boot, _)| boot.into());
            taken(vec![reading])
        }),
        1 => at.clone().prop_map(started),
        1 => device.clone().prop_map(|device| announced(device, Measured::Celsius, Some(10))),
        1 => device.prop_map(retired),
    ]
}

fn retired(device: &str) -> Event {
    let device = key(device).device;
    Event::DeviceRetired(DeviceRetired { device, by: None, at: Timestamp(DAY), unknown: Unknown::default() })
}

fn small() -> Config {
    Config { streams_max: 3, minutes_max: 180, raw_readings_max: 128, ..Config::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn minutes_equal_a_naive_computation(readings in readings()) {
        assert_aggregates_are_naive(&readings, Resolution::Minute, MINUTE);
    }

    #[test]
    fn hours_equal_a_naive_computation(readings in readings()) {
        assert_aggregates_are_naive(&readings, Resolution::Hour, HOUR);
    }

    #[test]
    fn a_replay_from_any_snapshot_equals_a_replay_from_the_start(
        events in prop::collection::vec(event(), 1..250), cut in any::<prop::sample::Index>(),
    ) {
        let mut whole = Followed::new(small());
        let mut snapshot = None;
        let cut = cut.index(events.len());
        for (nth, event) in events.iter().enumerate() {
            if nth == cut {
                snapshot = Some((whole.seq, whole.telemetry.encode()));
            }
            whole.apply(event);
        }
        let (seq, bytes) = snapshot.unwrap();
        let mut resumed = Followed { telemetry: Telemetry::decode(small(), &bytes).unwrap(), seq };
        for event in &events[cut..] {
            resumed.apply(event);
        }
        prop_assert_eq!(resumed.telemetry.encode(), whole.telemetry.encode());
        let now = Timestamp(DAY + 4 * HOUR);
        prop_assert_eq!(resumed.telemetry.due(now), whole.telemetry.due(now));
    }

    #[test]
    fn memory_is_bounded_whatever_clocks_say(events in prop::collection::vec(event(), 1..400)) {
        let mut followed = Followed::new(small());
        for event in &events {
            followed.apply(event);
        }
        let view = followed.telemetry.view();
        prop_assert!(view.streams().count() <= 3);
        for stream in view.streams() {
            prop_assert!(stream.minutes_len() <= 180);
            prop_assert!(stream.raw_len() <= 128);
        }
    }

    #[test]
    fn changed_bytes_are_refused_or_read_and_never_more(
        events in prop::collection::vec(event(), 1..60),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        after in prop::collection::vec(event(), 1..20),
    ) {
        let mut followed = Followed::new(small());
        for event in &events {
            followed.apply(event);
        }
        let mut bytes = followed.telemetry.encode();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(telemetry) = Telemetry::decode(small(), &bytes) {
            let mut followed = Followed { telemetry, seq: 0 };
            for event in &after {
                followed.apply(event);
            }
            let _ = followed.telemetry.due(Timestamp(DAY));
            let _ = followed.telemetry.encode();
        }
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Telemetry::decode(Config::default(), &bytes);
    }
}

#[test]
fn another_layout_is_named() {
    assert_eq!(Telemetry::decode(Config::default(), &[9]).unwrap_err(), SnapshotError::Layout { found: 9 });
}

#[test]
fn a_late_reading_goes_into_its_minute_while_that_is_recent_and_is_counted_later() {
    let mut followed = Followed::new(Config::default());
    followed.take("fridge", DAY + 20 * MINUTE, 4.0);
    followed.take("fridge", DAY + 12 * MINUTE, 5.0);
    followed.take("fridge", DAY + 9 * MINUTE, 6.0);
    let view = followed.telemetry.view();
    let series = query(&view, None, &whole("fridge", DAY, DAY + HOUR, Resolution::Minute)).unwrap();
    let minutes: Vec<(i64, f64)> =
        series.points.iter().map(|point| ((point.at.0 - DAY) / MINUTE, point.mean)).collect();
    assert_eq!(minutes, [(12, 5.0), (20, 4.0)]);
    assert_eq!(view.counters().late, 1);
}

#[test]
fn what_a_device_stored_while_it_was_offline_is_taken_in_its_order() {
    let mut followed = Followed::new(Config::default());
    followed.take("fridge", DAY, 4.0);
    followed.take("freezer", DAY + 20 * HOUR, -18.0);
    for minute in 1..=20 * 60 {
        followed.take("fridge", DAY + minute * MINUTE, 5.0);
    }
    let view = followed.telemetry.view();
    let series = query(&view, None, &whole("fridge", DAY, DAY + 24 * HOUR, Resolution::Hour)).unwrap();
    assert_eq!(series.points.iter().map(|point| point.count).sum::<u64>(), 20 * 60 + 1);
    assert_eq!(view.counters().late, 0);
}

#[test]
fn one_reading_of_another_year_moves_nothing_and_several_that_agree_do() {
    let mut followed = Followed::new(Config::default());
    let year = 365 * 24 * HOUR;
    followed.take("fridge", DAY, 4.0);
    followed.take("fridge", DAY + 40 * year, 4.1);
    followed.take("fridge", DAY + MINUTE, 4.2);
    assert_eq!(followed.telemetry.view().counters().far, 1);
    assert_eq!(
        followed.telemetry.view().stream(&key("fridge")).unwrap().newest().unwrap().at.0,
        DAY + MINUTE
    );
    for nth in 0..5 {
        followed.take("fridge", DAY + year + nth * MINUTE, 4.0);
    }
    let view = followed.telemetry.view();
    assert_eq!(view.stream(&key("fridge")).unwrap().newest().unwrap().at.0, DAY + year + 4 * MINUTE);
    let later = whole("fridge", DAY + year, DAY + year + HOUR, Resolution::Minute);
    assert_eq!(query(&view, None, &later).unwrap().points.len(), 5, "none of those that waited is lost");
    for nth in 0..5 {
        followed.take("fridge", DAY + HOUR + nth * MINUTE, 4.0);
    }
    let view = followed.telemetry.view();
    assert_eq!(
        view.stream(&key("fridge")).unwrap().newest().unwrap().at.0,
        DAY + HOUR + 4 * MINUTE,
        "and back"
    );
    assert_eq!(view.counters().far, 1);
}

#[test]
fn a_node_that_was_off_for_a_month_goes_on_with_the_first_reading() {
    let mut followed = Followed::new(Config::default());
    followed.take("fridge", DAY, 4.0);
    let later = DAY + 30 * 24 * HOUR;
    followed.apply(&started(later));
    followed.take("fridge", later + MINUTE, 4.0);
    assert_eq!(
        followed.telemetry.view().stream(&key("fridge")).unwrap().newest().unwrap().at.0,
        later + MINUTE
    );
}

#[test]
fn a_message_that_comes_twice_counts_once() {
    let mut followed = Followed::new(Config::default());
    let twice = Reading { boot: Some(3), number: Some(17), ..reading("fridge", DAY, 4.0) };
    followed.apply(&taken(vec![twice.clone(), twice]));
    let view = followed.telemetry.view();
    assert_eq!(view.counters().twice, 1);
    assert_eq!(view.stream(&key("fridge")).unwrap().raw_len(), 1);
}

#[test]
fn single_readings_are_kept_for_the_window_and_found_by_time() {
    let config = Config { raw_window_s: 3600, raw_readings_max: 65_536, ..Config::default() };
    let mut followed = Followed::new(config);
    for nth in 0..2_000 {
        followed.take("fridge", DAY + nth * 10_000, nth as f64 / 10.0);
    }
    let view = followed.telemetry.view();
    let stream = view.stream(&key("fridge")).unwrap();
    assert!((360..360 + 2 * 128).contains(&stream.raw_len()), "{}", stream.raw_len());
    let found = stream.raw(Timestamp(DAY + 19_000_000), Timestamp(DAY + 19_030_000));
    let found: Vec<(i64, f64)> =
        found.iter().map(|reading| (reading.at.0 - DAY, reading.value.units())).collect();
    assert_eq!(found, [(19_000_000, 190.0), (19_010_000, 190.1), (19_020_000, 190.2)]);
}

#[test]
fn a_full_house_refuses_further_streams_until_a_device_is_retired() {
    let mut followed = Followed::new(small());
    for device in ["a", "b", "c", "d"] {
        followed.take(device, DAY, 1.0);
    }
    assert_eq!(followed.telemetry.view().counters().refused, 1);
    followed.apply(&retired("b"));
    followed.take("d", DAY, 1.0);
    let view = followed.telemetry.view();
    let devices: Vec<&str> = view.streams().map(|stream| stream.key().device.as_str()).collect();
    assert_eq!(devices, ["a", "c", "d"]);
}
