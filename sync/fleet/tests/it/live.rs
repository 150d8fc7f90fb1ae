//! What calls in live traffic say stops or holds a whole rollout, also when a node starts anew between them.

use crate::{
    bench::slot,
    drive::{A, Drive, runs, spec, waves},
};
use aisle_fleet::{
    Health, Metric, NodeId, Rollout, RolloutSpec,
    gate::{Durations, GateName, Verdict},
    report::Phase,
    rollout::{Effect, Fact},
    sequential::Pair,
};
use std::collections::BTreeMap;

fn tells(drive: &mut Drive, node: &NodeId, health: Health) {
    let mut report = runs(Phase::Settled, "2.0", drive.round(node), 0);
    report.slots.get_mut(&slot(A)).unwrap().health = Some(health);
    drive.report(node, report);
}

fn gated() -> RolloutSpec {
    let mut spec = spec(waves());
    spec.gates.calls_min = 100;
    spec.gates.p99_us_max = Some(30_000);
    spec.gates.fuel_mean_max = Some(1_000);
    spec
}

/// So many calls that are as they should be.
fn good(calls: u64) -> Health {
    let mut took = Durations::default();
    (0..calls).for_each(|_| took.add(2_000));
    Health { calls, traps: 0, errors: 0, fuel: calls * 900, took }
}

fn tell_all(drive: &mut Drive, health: &Health) {
    for node in drive.wave(0) {
        tells(drive, &node, health.clone());
    }
}

fn failed(drive: &Drive) -> Vec<GateName> {
    let stopped = drive.effects.iter().find_map(|effect| match effect {
        Effect::WaveStopped { checks, .. } => Some(checks),
        _ => None,
    });
    let failed = stopped.into_iter().flatten().filter(|check| check.verdict == Verdict::Fail);
    failed.map(|check| check.gate.clone()).collect()
}

#[test]
fn a_release_that_is_well_goes_on_when_it_was_called_often_enough_and_not_before() {
    let mut drive = Drive::started(gated(), 20);
    tell_all(&mut drive, &good(40));
    drive.pass(60);
    let checks = &drive.rollout.waves()[0].checks;
    let held: Vec<&GateName> =
        checks.iter().filter(|check| check.verdict == Verdict::Wait).map(|check| &check.gate).collect();
    assert_eq!(held, [&GateName::Called, &GateName::Fuel], "eighty of a hundred calls");
    assert!(drive.is("running") && drive.given() == 2);
    tell_all(&mut drive, &good(60));
    drive.pass(1);
    assert_eq!(drive.given(), 6);
}

#[test]
fn traps_errors_slow_calls_and_dear_ones_each_stop_a_whole_rollout() {
    let mut slow = good(400);
    (0..50).for_each(|_| slow.took.add(200_000));
    let bad = [
        (GateName::Traps, Health { traps: 40, ..good(400) }),
        (GateName::Errors, Health { errors: 80, ..good(400) }),
        (GateName::P99, slow),
        (GateName::Fuel, Health { fuel: 400 * 1_100, ..good(400) }),
    ];
    for (gate, bad) in bad {
        let mut drive = Drive::started(gated(), 20);
        tell_all(&mut drive, &good(200));
        drive.pass(5);
        assert!(drive.is("running"), "{gate}: {}", drive.phase());
        tell_all(&mut drive, &bad);
        drive.pass(1);
        assert!(drive.is("rolling-back"), "{gate}: {}", drive.phase());
        assert_eq!(failed(&drive), [gate]);
    }
}

#[test]
fn a_few_dear_calls_stop_nothing_before_it_was_called_often_enough() {
    let mut drive = Drive::started(gated(), 20);
    tell_all(&mut drive, &Health { fuel: 30 * 5_000, ..good(30) });
    drive.pass(5);
    assert!(drive.is("running"), "sixty calls of a hundred: {}", drive.phase());
    tell_all(&mut drive, &Health { fuel: 50 * 5_000, ..good(50) });
    drive.pass(1);
    assert!(drive.is("rolling-back"));
}

#[test]
fn what_goes_wrong_after_a_node_has_started_anew_counts_as_well() {
    let mut drive = Drive::started(gated(), 20);
    tell_all(&mut drive, &good(200));
    drive.pass(5);
    let node = drive.wave(0)[0].clone();
    tells(&mut drive, &node, Health { traps: 1, ..good(10) });
    assert_eq!(drive.rollout.nodes()[&node].health.calls, 210);
    tells(&mut drive, &node, Health { traps: 20, ..good(40) });
    let health = &drive.rollout.nodes()[&node].health;
    assert_eq!((health.calls, health.traps, health.took.count()), (240, 20, 240), "nothing counts twice");
    drive.pass(1);
    assert!(drive.is("rolling-back"), "{}", drive.phase());
    assert_eq!(failed(&drive), [GateName::Traps]);
}

#[test]
fn a_rollout_that_was_written_down_by_an_earlier_build_goes_on() {
    let mut drive = Drive::started(gated(), 20);
    tell_all(&mut drive, &good(200));
    drive.pass(5);
    let mut written = serde_json::to_value(&drive.rollout).unwrap();
    let forget = |value: &mut serde_json::Value, names: &[&str]| {
        let object = value.as_object_mut().unwrap();
        names.iter().for_each(|name| drop(object.remove(*name)));
    };
    forget(&mut written, &["was_done"]);
    for wave in written["waves"].as_array_mut().unwrap() {
        forget(wave, &["reached_by", "started_ms"]);
    }
    for progress in written["nodes"].as_object_mut().unwrap().values_mut() {
        forget(progress, &["waited_ms", "has_begun", "meant", "overtaken", "before"]);
        progress["given_ms"] = serde_json::json!(0);
    }
    drive.rollout = serde_json::from_value::<Rollout>(written).unwrap();
    tell_all(&mut drive, &good(10));
    assert_eq!(drive.rollout.nodes()[&drive.wave(0)[0]].health.calls, 210);
    drive.pass(32);
    assert_eq!(drive.given(), 6);
}

#[test]
fn a_share_of_errors_that_was_luck_before_and_is_nothing_now_stops_nothing() {
    for must_show in [false, true] {
        let mut spec = spec(serde_json::json!([
            { "name": "first", "size": 4, "soak_minutes": 2880 },
            { "name": "rest" },
        ]));
        spec.gates.business = serde_json::from_value(serde_json::json!([
            { "metric": "price-errors", "worse": "higher", "scale": "absolute", "must_show": must_show },
        ]))
        .unwrap();
        let metric = Metric::new("price-errors").unwrap();
        let mut drive = Drive::started(spec, 20);
        for node in drive.wave(0) {
            drive.passes(&node);
        }
        let both: Vec<(NodeId, NodeId)> = drive.wave(0).into_iter().zip(drive.wave(1)).collect();
        let pair = |(treated, control): &(NodeId, NodeId)| Pair {
            treated: treated.store.clone(),
            treated_past: 1_000,
            treated_periods: 24,
            control: control.store.clone(),
            control_past: 1_200,
            control_periods: 24,
        };
        drive.fact(Fact::Paired { metric: metric.clone(), pairs: both.iter().map(pair).collect() });
        let stores = both.iter().flat_map(|(a, b)| [a.store.clone(), b.store.clone()]);
        let values: BTreeMap<_, i64> = stores.map(|store| (store, 0)).collect();
        for period in 0..48 {
            drive.fact(Fact::Measured { metric: metric.clone(), period, values: values.clone() });
            drive.pass(60);
            assert!(drive.is("running"), "after {period} hours without an error: {}", drive.phase());
        }
        drive.pass(60);
        assert_eq!(drive.given(), 20, "and nothing speaks against it");
    }
}
