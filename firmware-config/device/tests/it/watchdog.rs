//! Who hangs is found.

use crate::world::{Bench, MINUTE_MS, Node};
use aisle_device::watchdog::INSPECTION_MS;

const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

#[test]
fn a_device_that_works_feeds_its_watchdog_for_days_online_and_offline() {
    let bench = Bench::new();
    let mut device = bench.power_on();
    for day in 0..4 {
        let set = if day % 2 == 0 { Node::up } else { Node::down };
        set(&bench.node);
        let fed = bench.fed.get();
        device.live(DAY_MS);
        // The first inspection of all comes half a check-in late.
        assert!(u64::from(bench.fed.get() - fed) >= DAY_MS / INSPECTION_MS - 1);
    }
}

#[test]
fn a_sensor_that_hangs_starves_the_watchdog() {
    let bench = Bench::new();
    let mut device = bench.power_on();
    device.live(MINUTE_MS);
    bench.room.hangs.set(true);
    device.live(2 * INSPECTION_MS);
    let fed = bench.fed.get();
    device.live(10 * INSPECTION_MS);
    assert_eq!(bench.fed.get(), fed);
}
