//! Stores are compared with stores like them, with each at most once, and always with the same ones.

use crate::bench::{Random, store};
use aisle_fleet::sequential::{Baseline, Matching, pairs};
use std::collections::BTreeSet;

fn of(name: &str, past: i64, region: &str) -> Baseline {
    Baseline { store: store(name), past, periods: 0, labels: vec![Some(region.into()), None] }
}

const QUARTER: Matching = Matching { apart_percent_max: 25 };

#[test]
fn the_nearest_past_of_the_same_labels_is_taken_and_nobody_twice() {
    let treated = [of("a", 1000, "eu"), of("b", 1010, "eu"), of("c", 1000, "cn"), of("d", 1000, "us")];
    let controls = [
        of("x", 1005, "eu"),
        of("y", 1100, "eu"),
        of("z", 1001, "eu"),
        of("w", 1400, "cn"),
        of("a", 1000, "us"),
    ];
    let found: Vec<(String, String)> = pairs(&treated, &controls, QUARTER)
        .into_iter()
        .map(|pair| (pair.treated.to_string(), pair.control.to_string()))
        .collect();
    // `c` has nobody near, `d` nobody but a store that has the release itself.
    assert_eq!(found, [("a".into(), "z".into()), ("b".into(), "x".into())]);
}

#[test]
fn a_pair_knows_of_how_many_periods_its_pasts_are_the_mean() {
    let with = |one: Baseline, periods: u32| Baseline { periods, ..one };
    let treated = [with(of("a", 1000, "eu"), 24)];
    let controls = [with(of("x", 1005, "eu"), 9), with(of("y", 1100, "eu"), 12)];
    let found = pairs(&treated, &controls, QUARTER);
    let periods: Vec<(u32, u32)> =
        found.iter().map(|pair| (pair.treated_periods, pair.control_periods)).collect();
    assert_eq!(periods, [(24, 9)]);
}

#[test]
fn the_order_in_which_stores_come_changes_nothing() {
    let mut random = Random(12);
    let mut treated: Vec<Baseline> =
        (0..200).map(|at| of(&format!("t{at}"), 900 + random.below(300) as i64, "eu")).collect();
    let mut controls: Vec<Baseline> =
        (0..500).map(|at| of(&format!("c{at}"), 900 + random.below(300) as i64, "eu")).collect();
    let first = pairs(&treated, &controls, QUARTER);
    treated.reverse();
    controls.reverse();
    assert_eq!(pairs(&treated, &controls, QUARTER), first);
    assert_eq!(first.len(), 200);
    let distinct: BTreeSet<_> = first.iter().map(|pair| &pair.control).collect();
    assert_eq!(distinct.len(), 200);
    let apart: i64 = first.iter().map(|pair| (pair.treated_past - pair.control_past).abs()).sum();
    assert!(apart / 200 <= 3, "they are near: {apart} in all");
}

#[test]
fn a_past_of_nothing_is_near_to_nothing_only() {
    assert_eq!(pairs(&[of("a", 0, "eu")], &[of("b", 1, "eu")], QUARTER), []);
    assert_eq!(pairs(&[of("a", 0, "eu")], &[of("b", 0, "eu")], QUARTER).len(), 1);
    assert_eq!(pairs(&[of("a", i64::MAX, "eu")], &[of("b", i64::MIN, "eu")], QUARTER), []);
}
