//! Power that goes at any instant.

use crate::world::{Bench, MINUTE_MS, PAGE_BYTES, settings};
use aisle_device::Ended;
use aisle_firmware_config::{message::Reported, setting::Value};

fn old_or_new(bench: &Bench, reported: &Reported) -> u64 {
    let text = |name: &str| reported.settings.get(name).cloned().unwrap();
    let found = (text("median"), text("gain"), text("heartbeat_s"));
    let old = (Value::Integer(3), Value::Number(2.0), Value::Integer(3000));
    let new = (Value::Integer(5), Value::Number(4.0), Value::Integer(6000));
    let expected = if reported.version == 1 { old } else { new };
    assert_eq!(
        found,
        expected,
        "version {} with other settings; {:?}",
        reported.version,
        bench.flash.borrow().wear()
    );
    reported.version
}

#[test]
fn a_power_cut_at_any_step_of_a_settings_write_leaves_the_old_or_the_new_settings() {
    let bench = Bench::new();
    let old =
        [("median", Value::Integer(3)), ("gain", Value::Number(2.0)), ("heartbeat_s", Value::Integer(3000))];
    let new =
        [("median", Value::Integer(5)), ("gain", Value::Number(4.0)), ("heartbeat_s", Value::Integer(6000))];
    bench.node.desire(1, settings(old));
    bench.power_on().live(5 * MINUTE_MS);
    bench.node.retained.borrow_mut().clear();
    let before = bench.flash.borrow().clone();
    let (mut cuts, mut versions) = (0, [0, 0]);
    loop {
        *bench.flash.borrow_mut() = before.clone();
        let mut device = bench.power_on();
        device.live(100);
        bench.flash.borrow_mut().cut_after(cuts);
        bench.node.desire(2, settings(new.clone()));
        bench.node.retained.borrow_mut().clear();
        let ended = device.live(100);
        drop(device);
        bench.node.heard.borrow_mut().clear();
        bench.power_on().live(100);
        let version = old_or_new(&bench, &bench.node.reported());
        assert_eq!(bench.node.status().boots, 3, "a start was not counted");
        versions[usize::try_from(version - 1).unwrap()] += 1;
        if ended.is_none() {
            assert_eq!(version, 2);
            break;
        }
        assert_eq!(ended, Some(Ended::FlashFailed));
        cuts += 1;
    }
    println!("{cuts} cuts: {} left the old settings, {} the new", versions[0], versions[1]);
    assert!(cuts > 100);
}

#[test]
fn a_flash_full_of_rubbish_is_erased_and_the_device_says_so() {
    let bench = Bench::new();
    bench.power_on().live(5 * MINUTE_MS);
    // What a chip from somewhere else may hold.
    for offset in 0..8 * PAGE_BYTES {
        for bit in [0, 3, 5] {
            bench.flash.borrow_mut().flip_bit(offset, bit);
        }
    }
    let mut device = bench.power_on();
    assert_eq!(device.live(5 * MINUTE_MS), None);
    assert!(bench.node.status().online);
    drop(device);
    // And it stays well.
    assert_eq!(bench.power_on().live(5 * MINUTE_MS), None);
}

#[test]
fn single_bits_that_flip_cost_samples_but_never_the_device() {
    let bench = Bench::new();
    bench.node.down();
    let mut device = bench.power_on();
    for _ in 0..60 {
        bench.room.values[0].set(bench.room.values[0].get().map(|value| value + 0.5));
        device.live(10_000);
    }
    for offset in (4 * PAGE_BYTES + 16..5 * PAGE_BYTES).step_by(301) {
        bench.flash.borrow_mut().flip_bit(offset, 2);
    }
    bench.node.up();
    assert_eq!(device.live(5 * MINUTE_MS), None);
    let came = bench.node.temperatures();
    assert!(came.len() > 30, "{}", came.len());
    assert!(came.iter().all(|(boot, sample)| *boot == 1 && sample.v >= 4.0 && sample.v < 40.0));
}
