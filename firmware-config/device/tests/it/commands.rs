//! Requests and their answers.

use crate::world::{Bench, MINUTE_MS};
use aisle_device::Ended;
use aisle_firmware_config::setting::Value;

#[test]
fn a_request_is_done_once_and_answered_each_time_it_comes() {
    let bench = Bench::new();
    let mut device = bench.power_on();
    device.live(1_000);
    for _ in 0..3 {
        bench.node.request("beep", "a");
        device.live(1_000);
    }
    bench.node.request("beep", "b");
    device.live(1_000);
    assert_eq!(bench.room.done.borrow().len(), 2);
    let answers = bench.node.answers("beep");
    assert_eq!(answers.iter().map(|answer| answer.id.as_str()).collect::<Vec<_>>(), ["a", "a", "a", "b"]);
    assert!(answers.iter().all(|answer| answer.ok));
}

#[test]
fn an_answer_that_got_no_acknowledgement_is_sent_again() {
    let bench = Bench::new();
    let mut device = bench.power_on();
    device.live(1_000);
    bench.node.retained.borrow_mut().clear();
    bench.node.lost_acks.set(1);
    bench.node.request("identify", "a");
    bench.node.retained.borrow_mut().clear();
    device.live(2 * MINUTE_MS);
    let answers = bench.node.answers("identify");
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn read_now_reads_the_sensors_at_once() {
    let bench = Bench::new();
    let mut device = bench.power_on();
    device.live(1_000);
    bench.room.values[0].set(Some(7.5));
    bench.node.request("read_now", "a");
    device.live(1);
    let answer = &bench.node.answers("read_now")[0];
    assert_eq!(answer.result.get("temperature"), Some(&Value::Number(7.5)));
    assert_eq!(bench.node.temperatures().last().unwrap().1.v, 7.5);
}

#[test]
fn read_now_says_which_sensor_is_silent() {
    let bench = Bench::new();
    bench.room.values[1].set(None);
    let mut device = bench.power_on();
    bench.node.request("read_now", "a");
    device.live(1_000);
    let answer = &bench.node.answers("read_now")[0];
    assert!(!answer.ok);
    assert!(answer.reason.as_ref().unwrap().contains("`humidity`"), "{answer:?}");
}

#[test]
fn a_restart_is_answered_and_then_done_once_though_the_request_is_kept_by_the_broker() {
    let bench = Bench::new();
    let mut device = bench.power_on();
    bench.node.request("restart", "a");
    assert_eq!(device.live(MINUTE_MS), Some(Ended::Commanded));
    assert_eq!(bench.node.answers("restart").len(), 1);
    assert_eq!(bench.power_on().live(10 * MINUTE_MS), None);
    assert_eq!(bench.node.answers("restart").len(), 2);
    bench.node.request("restart", "b");
    assert_eq!(bench.power_on().live(MINUTE_MS), Some(Ended::Commanded));
}

#[test]
fn a_command_that_nobody_knows_is_refused_by_name() {
    let bench = Bench::new();
    let mut device = bench.power_on();
    bench.node.request("dance", "a");
    device.live(1_000);
    let answer = &bench.node.answers("dance")[0];
    assert!(!answer.ok && answer.reason.as_ref().unwrap().contains("`dance`"));
}
