//! Settings that come, that are refused, that are given up.

use crate::world::{Bench, DESIRED, MINUTE_MS, Powered, settings};
use aisle_device::watchdog::INSPECTION_MS;
use aisle_firmware_config::{message::Announce, setting::Value};

fn interval(seconds: i64) -> (&'static str, Value) {
    ("interval_s", Value::Integer(seconds))
}

/// Lives on until the watchdog bites, as hardware would have it.
fn live_until_bitten(bench: &Bench, device: &mut Powered) {
    for _ in 0..10 {
        let fed = bench.fed.get();
        assert_eq!(device.live(2 * INSPECTION_MS), None);
        if bench.fed.get() == fed {
            return;
        }
    }
    panic!("the watchdog was fed all the time");
}

#[test]
fn settings_are_in_force_at_once_and_reported() {
    let bench = Bench::new();
    let mut device = bench.power_on();
    device.live(MINUTE_MS);
    assert_eq!(bench.node.reported().version, 0);
    let reads = bench.room.reads.get();
    bench.node.desire(1, settings([interval(1)]));
    device.live(MINUTE_MS);
    assert_eq!(bench.node.reported().version, 1);
    assert_eq!(bench.node.reported().settings.get("interval_s"), Some(&Value::Integer(1)));
    assert!(bench.room.reads.get() >= reads + 2 * 59);
}

#[test]
fn a_wrong_setting_is_refused_whole_with_its_path() {
    let bench = Bench::new();
    let mut device = bench.power_on();
    bench.node.desire(1, settings([("median", Value::Integer(3)), interval(0)]));
    device.live(MINUTE_MS);
    let reported = bench.node.reported();
    assert_eq!(reported.version, 0);
    assert_eq!(reported.settings.get("median"), Some(&Value::Integer(1)));
    let refused = reported.refused.unwrap();
    assert_eq!((refused.version, refused.path.as_str()), (1, "interval_s"));
}

#[test]
fn a_message_that_is_no_settings_is_reported_and_changes_nothing() {
    let bench = Bench::new();
    let mut device = bench.power_on();
    device.live(MINUTE_MS);
    bench.node.send(DESIRED, b"{\"version\":1,\"settings\":{\"median\":[]}}".to_vec());
    device.live(MINUTE_MS);
    let reported = bench.node.reported();
    assert_eq!(reported.version, 0);
    assert_eq!(reported.refused.unwrap().path, "settings.median");
}

#[test]
fn what_came_last_is_what_is_told() {
    let bench = Bench::new();
    let mut device = bench.power_on();
    device.live(MINUTE_MS);
    let refused = |device: &mut Powered| {
        device.live(MINUTE_MS);
        bench.node.reported().refused.map(|refused| refused.path.as_str().to_owned())
    };
    bench.node.send(DESIRED, b"{\"version\":1,\"settings\":{\"median\":[]}}".to_vec());
    assert_eq!(refused(&mut device).as_deref(), Some("settings.median"));
    bench.node.desire(1, settings([interval(0)]));
    assert_eq!(refused(&mut device).as_deref(), Some("interval_s"));
    bench.node.desire(u64::MAX, settings([interval(20)]));
    assert_eq!(refused(&mut device), None);
    bench.node.send(DESIRED, b"{}".to_vec());
    assert_eq!(refused(&mut device).as_deref(), Some("version"));
    // What it has is readable, and there is nothing to complain of.
    bench.node.desire(u64::MAX, settings([interval(20)]));
    assert_eq!(refused(&mut device), None);
    assert_eq!(bench.node.reported().version, u64::MAX);
}

#[test]
fn settings_survive_a_restart_and_wait_for_a_device_that_is_away() {
    let bench = Bench::new();
    bench.node.down();
    bench.node.desire(7, settings([interval(20)]));
    let mut device = bench.power_on();
    device.live(30 * 24 * 60 * MINUTE_MS / 30);
    bench.node.up();
    device.live(3 * MINUTE_MS);
    assert_eq!(bench.node.reported().version, 7);
    drop(device);
    bench.node.retained.borrow_mut().clear();
    bench.power_on().live(MINUTE_MS);
    assert_eq!(bench.node.reported().version, 7);
    assert_eq!(bench.node.reported().settings.get("interval_s"), Some(&Value::Integer(20)));
}

#[test]
fn how_often_a_stream_speaks_is_announced_as_it_is_set_and_again_when_that_changes() {
    let bench = Bench::new();
    let announced = || {
        let said: Vec<Announce> = bench.node.said("/announce");
        let every =
            |announce: &Announce| announce.streams.iter().map(|stream| stream.interval_s).collect::<Vec<_>>();
        (said.len(), said.last().map(every).unwrap())
    };
    let mut device = bench.power_on();
    device.live(MINUTE_MS);
    assert_eq!(announced(), (1, vec![Some(300); 2]), "the heartbeat from the factory");
    for (version, heartbeat, every) in [(1, 60, 60), (2, 5, 10), (3, 1800, 1800)] {
        bench.node.desire(version, settings([("heartbeat_s", Value::Integer(heartbeat))]));
        device.live(MINUTE_MS);
        assert_eq!(announced(), (1 + version as usize, vec![Some(every); 2]));
    }
    bench.node.desire(4, settings([("heartbeat_s", Value::Integer(1800)), ("median", Value::Integer(3))]));
    device.live(MINUTE_MS);
    assert_eq!(announced().0, 4, "what is as before is not said again");
    // It is said as it became while there was no connection, and after a restart.
    bench.node.down();
    bench.node.desire(5, settings([interval(7200)]));
    device.live(MINUTE_MS);
    bench.node.up();
    device.live(3 * MINUTE_MS);
    assert_eq!(announced().1, vec![Some(7200); 2]);
    drop(device);
    bench.power_on().live(MINUTE_MS);
    assert_eq!(announced().1, vec![Some(7200); 2]);
}

#[test]
fn settings_that_keep_the_device_from_staying_up_are_given_up_after_three_starts() {
    let bench = Bench::new();
    let mut device = bench.power_on();
    bench.node.desire(1, settings([("gain", Value::Number(2.0))]));
    device.live(5 * MINUTE_MS);
    bench.node.desire(2, settings([("gain", Value::Number(13.0))]));
    live_until_bitten(&bench, &mut device);
    for _ in 0..3 {
        drop(device);
        device = bench.power_on();
        device.live(1);
        assert!(!bench.node.reported().last_known_good);
        live_until_bitten(&bench, &mut device);
    }
    drop(device);
    // The same settings are still desired, and stay given up.
    bench.power_on().live(5 * MINUTE_MS);
    let reported = bench.node.reported();
    assert!(reported.last_known_good);
    assert_eq!((reported.version, reported.settings.get("gain")), (1, Some(&Value::Number(2.0))));
    assert_eq!(reported.refused.unwrap().version, 2);
}

#[test]
fn settings_with_which_the_device_stayed_up_are_not_given_up_by_power_cuts() {
    let bench = Bench::new();
    bench.node.desire(1, settings([interval(20)]));
    bench.power_on().live(5 * MINUTE_MS);
    for _ in 0..10 {
        bench.power_on().live(1_000);
    }
    assert_eq!(bench.node.reported().version, 1);
    assert!(!bench.node.reported().last_known_good);
}
