//! Samples on their way to the node.

use crate::world::{Bench, INTERVAL_MS, MINUTE_MS, settings};
use aisle_firmware_config::setting::Value;

const HOUR_MS: u64 = 60 * MINUTE_MS;

/// Runs it while the temperature changes all the time, so that each reading is a sample.
fn live_with_changes(bench: &Bench, device: &mut crate::world::Powered, ms: u64) {
    for _ in 0..ms / INTERVAL_MS {
        bench.room.values[0].set(bench.room.values[0].get().map(|value| value + 0.5));
        assert_eq!(device.live(INTERVAL_MS), None);
    }
}

fn numbers(bench: &Bench) -> Vec<(u32, u32)> {
    bench.node.temperatures().iter().map(|(boot, sample)| (*boot, sample.n)).collect()
}

#[test]
fn what_was_measured_offline_comes_later_in_order_and_with_its_time() {
    let bench = Bench::new();
    bench.node.down();
    let mut device = bench.power_on();
    live_with_changes(&bench, &mut device, HOUR_MS);
    assert_eq!(numbers(&bench), []);
    bench.node.up();
    device.live(5 * MINUTE_MS);
    let came = bench.node.temperatures();
    assert!(came.len() >= 360);
    for ((_, before), (_, after)) in came.iter().zip(came.iter().skip(1)) {
        assert_eq!(after.n, before.n + 1);
        assert!(after.at_ms.unwrap() >= before.at_ms.unwrap() + i64::try_from(INTERVAL_MS).unwrap());
    }
}

#[test]
fn an_acknowledgement_that_is_lost_brings_the_same_numbers_again() {
    let bench = Bench::new();
    let mut device = bench.power_on();
    device.live(MINUTE_MS);
    let before = bench.node.temperatures().len();
    bench.node.lost_acks.set(1);
    live_with_changes(&bench, &mut device, 10 * MINUTE_MS);
    let mut came = numbers(&bench);
    assert_eq!(came[before], came[before + 1], "sent twice");
    came.dedup();
    assert!(came.iter().zip(came.iter().skip(1)).all(|(one, other)| other.1 == one.1 + 1));
}

#[test]
fn a_full_ring_gives_up_its_oldest_samples_counts_them_and_says_so() {
    let bench = Bench::new();
    bench.node.down();
    let mut device = bench.power_on();
    live_with_changes(&bench, &mut device, 6 * HOUR_MS);
    bench.node.up();
    device.live(5 * MINUTE_MS);
    let came = numbers(&bench);
    let first = came[0].1;
    assert!(first > 1 && came.len() > 300, "{first}, {}", came.len());
    assert!(came.iter().zip(first..).all(|((boot, n), expected)| (*boot, *n) == (1, expected)));
    assert_eq!(came.last().unwrap().1, 2161);
    bench.node.request("identify", "a");
    device.live(1_000);
    let lost = bench.node.answers("identify")[0].result.get("lost").unwrap().number().unwrap();
    // Of the other stream, some were lost as well.
    assert!(lost >= f64::from(first - 1), "{lost}, {first}");
    let reason = bench.node.status().reason.unwrap();
    assert_eq!(reason.as_str(), format!("{lost} samples lost"));
}

#[test]
fn samples_survive_restarts_and_no_two_have_one_number() {
    let bench = Bench::new();
    bench.node.down();
    for _ in 0..5 {
        let mut device = bench.power_on();
        live_with_changes(&bench, &mut device, 10 * MINUTE_MS);
    }
    bench.node.up();
    bench.power_on().live(5 * MINUTE_MS);
    let came = numbers(&bench);
    assert!(came.is_sorted() && came.len() >= 5 * 60);
    let mut once = came.clone();
    once.dedup();
    assert_eq!(came, once);
    assert_eq!(came.last().unwrap().0, 6);
}

#[test]
fn a_message_holds_at_most_sixteen_samples_of_one_stream() {
    let bench = Bench::new();
    bench.node.down();
    let mut device = bench.power_on();
    live_with_changes(&bench, &mut device, HOUR_MS);
    bench.node.up();
    device.live(5 * MINUTE_MS);
    let messages: Vec<aisle_firmware_config::message::Telemetry> = bench.node.said("/telemetry/temperature");
    assert!(messages.len() < 360 / 8, "{}", messages.len());
    assert!(messages.iter().any(|message| message.samples.len() == 16));
}

#[test]
fn a_node_that_is_away_for_days_is_tried_all_the_time_and_found_within_two_minutes() {
    let bench = Bench::new();
    bench.node.down();
    let mut device = bench.power_on();
    device.live(3 * 24 * HOUR_MS);
    bench.node.up();
    device.live(2 * MINUTE_MS);
    assert!(bench.node.status().online);
    assert!(!numbers(&bench).is_empty());
}

#[test]
fn a_clock_that_is_set_late_dates_what_was_measured_before() {
    let bench = Bench::new();
    bench.node.down();
    // It wakes up in 1970.
    bench.time.set_wall_ms(Some(0));
    let mut device = bench.power_on();
    device.live(1);
    bench.time.set_wall_ms(Some(1_800_000_000_000));
    bench.node.up();
    device.live(MINUTE_MS);
    let (_, first) = bench.node.temperatures()[0];
    assert_eq!(first.at_ms, Some(1_800_000_000_000));
}

#[test]
fn without_a_believable_clock_samples_have_no_time_but_keep_their_order() {
    let bench = Bench::new();
    bench.time.set_wall_ms(Some(99_999_999_999_999));
    let mut device = bench.power_on();
    live_with_changes(&bench, &mut device, 10 * MINUTE_MS);
    let came = bench.node.temperatures();
    assert!(came.len() >= 60);
    assert!(came.iter().all(|(_, sample)| sample.at_ms.is_none()));
    assert!(came.iter().zip(1..).all(|((_, sample), n)| sample.n == n));
}

#[test]
fn the_interval_can_be_changed_while_samples_wait() {
    let bench = Bench::new();
    let mut device = bench.power_on();
    bench.node.lost_acks.set(3);
    bench.node.desire(1, settings([("interval_s", Value::Integer(1))]));
    for _ in 0..600 {
        bench.room.values[0].set(bench.room.values[0].get().map(|value| value + 0.5));
        device.live(1_000);
    }
    let mut came = numbers(&bench);
    came.dedup();
    assert!(came.len() > 550, "{}", came.len());
}
