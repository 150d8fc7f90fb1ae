//! The hybrid clock rises whatever the wall clock does.

use aisle_event::{Hlc, HlcClock};
use proptest::prelude::*;

proptest! {
    #[test]
    fn ticks_always_rise_whatever_the_wall_clock_does(walls in prop::collection::vec(any::<u64>(), 1..200)) {
        let mut clock = HlcClock::default();
        let times: Vec<Hlc> = walls.into_iter().map(|wall| clock.tick(wall % (Hlc::MS_MAX / 2))).collect();
        prop_assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
    }
}

#[test]
fn a_clock_set_to_1970_goes_on_from_the_last_time() {
    let mut clock = HlcClock::after(Hlc::new(1_700_000_000_000, 7));
    assert_eq!(clock.tick(0), Hlc::new(1_700_000_000_000, 8));
}

#[test]
fn a_full_counter_carries_into_the_next_millisecond() {
    let mut clock = HlcClock::after(Hlc::new(5, u16::MAX));
    assert_eq!(clock.tick(5), Hlc::new(6, 0));
}

#[test]
fn a_time_far_in_the_future_is_not_believed() {
    let mut clock = HlcClock::default();
    assert!(!clock.observe(Hlc::new(10_000_000, 0), 1_000, 60_000));
    assert_eq!(clock.tick(1_000), Hlc::new(1_000, 0));
    assert!(clock.observe(Hlc::new(30_000, 4), 1_000, 60_000));
    assert_eq!(clock.tick(1_000), Hlc::new(30_000, 5));
}
