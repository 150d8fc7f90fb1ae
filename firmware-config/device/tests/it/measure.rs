//! What is kept of what the sensors say.

use crate::world::{Bench, INTERVAL_MS, MINUTE_MS, settings};
use aisle_firmware_config::{message::Telemetry, setting::Value};

fn humidities(bench: &Bench) -> Vec<f64> {
    let messages: Vec<Telemetry> = bench.node.said("/telemetry/humidity");
    messages.iter().flat_map(|message| message.samples.iter().map(|sample| sample.v)).collect()
}

#[test]
fn a_value_that_does_not_change_is_sent_by_its_heartbeat_only() {
    let bench = Bench::new();
    let mut device = bench.power_on();
    device.live(30 * MINUTE_MS);
    let count = bench.node.temperatures().len();
    assert_eq!(count, 6 + 1);
}

#[test]
fn a_change_within_the_deadband_is_not_sent() {
    let bench = Bench::new();
    let mut device = bench.power_on();
    device.live(1_000);
    for change in [0.5, -0.9, 1.0, 1.5] {
        bench.room.values[1].set(Some(50.0 + change));
        device.live(INTERVAL_MS);
    }
    assert_eq!(humidities(&bench), [50.0, 51.5]);
}

#[test]
fn the_reading_after_a_change_is_sent_too_so_that_it_is_known_whether_it_stayed() {
    let bench = Bench::new();
    let mut device = bench.power_on();
    device.live(1_000);
    for value in [60.0, 60.5, 60.4] {
        bench.room.values[1].set(Some(value));
        device.live(INTERVAL_MS);
    }
    assert_eq!(humidities(&bench), [50.0, 60.0, 60.5]);
}

#[test]
fn an_outlier_does_not_pass_a_median_of_three() {
    let bench = Bench::new();
    bench.node.desire(1, settings([("median", Value::Integer(3))]));
    let mut device = bench.power_on();
    device.live(1_000);
    for value in [4.0, 4.0, 85.0, 4.0, 4.0] {
        bench.room.values[0].set(Some(value));
        device.live(INTERVAL_MS);
    }
    assert!(bench.node.temperatures().iter().all(|(_, sample)| sample.v == 4.0));
}

#[test]
fn what_is_no_number_is_dropped_and_counted() {
    let bench = Bench::new();
    let mut device = bench.power_on();
    device.live(1_000);
    for value in [Some(f64::NAN), Some(f64::INFINITY), Some(f64::NEG_INFINITY), None] {
        bench.room.values[0].set(value);
        device.live(INTERVAL_MS);
    }
    assert_eq!(bench.node.temperatures().len(), 1);
    bench.node.request("identify", "a");
    device.live(1_000);
    let answer = &bench.node.answers("identify")[0];
    assert_eq!(answer.result.get("not_finite"), Some(&Value::Integer(3)));
    assert_eq!(answer.result.get("no_reading"), Some(&Value::Integer(1)));
}
