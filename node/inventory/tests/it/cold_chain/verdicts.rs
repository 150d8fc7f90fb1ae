//! What is missing or doubtful is never safe.

use super::*;

#[test]
fn readings_missing_for_an_hour_are_never_counted_as_safe() {
    let mut store = Store::fridge();
    store.minutes(60, 3.0);
    let last = store.now - MINUTE;
    store.silence(60);
    assert_eq!(store.rules(), [ColdRule::Unknown]);
    assert_eq!(store.opened()[0].since.0, last);
    assert_eq!(store.opened()[0].measured, None);
    assert_eq!(store.state(), State::Unknown);
    store.minutes(30, 3.0);
    assert_eq!(store.verdicts(), [ColdVerdict::Judge]);
}

#[test]
fn readings_that_a_device_kept_and_sends_later_fill_the_hole() {
    let mut store = Store::fridge();
    store.minutes(60, 3.0);
    let from = store.now;
    store.silence(60);
    for minute in 0..60 {
        store.read_at("probe", 3.0, from + minute * MINUTE);
    }
    store.minutes(30, 3.0);
    assert_eq!(store.rules(), [ColdRule::Unknown]);
    assert_eq!(store.verdicts(), [ColdVerdict::Safe]);
    assert_eq!(store.unit("fridge").unknown_s, 0);
}

#[test]
fn a_warm_time_that_is_only_heard_of_later_is_an_excursion_all_the_same() {
    let mut store = Store::fridge();
    store.minutes(60, 3.0);
    let from = store.now;
    store.silence(180);
    for minute in 0..180 {
        store.read_at("probe", if minute < 90 { 14.0 } else { 2.0 }, from + minute * MINUTE);
    }
    store.minutes(30, 3.0);
    assert_eq!(store.rules(), [ColdRule::Unknown, ColdRule::Limit]);
    assert_eq!(store.closed().len(), 2);
}

#[test]
fn a_gap_while_the_node_was_off_is_told_when_it_is_back() {
    let mut store = Store::fridge();
    store.minutes(60, 3.0);
    store.now += 5 * HOUR;
    store.minutes(30, 3.0);
    assert_eq!(store.rules(), [ColdRule::Unknown]);
    assert_eq!(store.verdicts(), [ColdVerdict::Judge]);
    assert!(store.unit("fridge").unknown_s > 4 * 3600);
}

#[test]
fn a_gap_in_the_middle_of_an_excursion_leaves_it_to_a_person() {
    let mut store = Store::fridge();
    store.minutes(60, 3.0);
    store.minutes(60, 10.0);
    store.silence(40);
    store.minutes(30, 10.0);
    store.minutes(120, 2.0);
    assert!(store.verdicts().iter().all(|verdict| *verdict == ColdVerdict::Judge), "{:?}", store.verdicts());
    assert_eq!(store.verdicts().len(), 2);
}

#[test]
fn a_probe_that_is_stuck_can_neither_clear_food_nor_condemn_it() {
    let mut store = Store::fridge();
    store.minutes(60, 3.0);
    store.anomaly("probe", AnomalyKind::Stuck, MIDNIGHT);
    store.minutes(60, 9.0);
    store.minutes(60, 3.0);
    assert_eq!(store.verdicts(), [ColdVerdict::Judge]);
    store.minutes(6 * 60, 9.0);
    store.minutes(120, 2.0);
    assert!(!store.verdicts().contains(&ColdVerdict::Discard));
    let condemned = store.opened().into_iter().find(|one| one.rule == ColdRule::Cumulative).unwrap();
    let condemned = condemned.excursion.clone();
    store.acknowledge(&condemned, "looked at");
    assert_eq!(store.verdicts().last(), Some(&ColdVerdict::Judge));
}

#[test]
fn a_sound_probe_beside_a_stuck_one_still_condemns() {
    let mut store = Store::fridge();
    store.place("second", "fridge");
    store.anomaly("second", AnomalyKind::Stuck, MIDNIGHT);
    for minute in 0..8 * 60 {
        store.read_at("second", 3.0, store.now);
        store.minute(if (30..6 * 60).contains(&minute) { 12.0 } else { 2.0 });
    }
    assert_eq!(store.verdicts(), [ColdVerdict::Discard]);
}

#[test]
fn a_probe_that_drifted_before_makes_the_evidence_doubtful_and_one_that_warms_with_the_food_does_not() {
    let mut store = Store::fridge();
    store.minutes(60, 3.0);
    store.anomaly("probe", AnomalyKind::Drift, store.now - 30 * MINUTE);
    store.minutes(60, 9.0);
    store.minutes(60, 3.0);
    assert_eq!(store.verdicts(), [ColdVerdict::Judge]);

    let mut store = Store::fridge();
    store.minutes(60, 3.0);
    store.minutes(20, 12.0);
    store.anomaly("probe", AnomalyKind::Drift, store.now - 25 * MINUTE);
    store.minutes(5 * 60, 12.0);
    store.minutes(120, 2.0);
    assert_eq!(store.verdicts(), [ColdVerdict::Discard]);
}

#[test]
fn a_value_that_no_probe_can_mean_is_no_reading() {
    let mut store = Store::fridge();
    store.minutes(30, 3.0);
    store.minutes(30, -300.0);
    assert_eq!(store.rules(), [ColdRule::Unknown]);
    store.minutes(30, 10_000.0);
    assert_eq!(store.rules(), [ColdRule::Unknown]);
    assert_eq!(store.unit("fridge").implausible, 60);
}
