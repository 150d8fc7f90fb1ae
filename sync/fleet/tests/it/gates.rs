//! Gates let good releases through, stop bad ones, and say why.

use aisle_fleet::{
    Gates, Health, Metric,
    gate::{Business, Check, Durations, Evidence, GateName, Silence, Verdict, judge},
    rollout::Tally,
    sequential::Mean,
};
use std::collections::{BTreeMap, BTreeSet};

fn tally(passed: u64, failed: u64, working: u64) -> Tally {
    Tally { members: passed + failed + working, passed, failed, working, ..Tally::default() }
}

fn judged(gates: &Gates, tally: Tally, health: &Health) -> BTreeMap<GateName, Check> {
    let (means, sought) = (BTreeMap::new(), BTreeSet::new());
    let silence = Silence::default();
    let evidence = Evidence { tally, silence, health, is_called: true, means: &means, sought: &sought };
    judge(gates, &evidence).into_iter().map(|check| (check.gate.clone(), check)).collect()
}

fn verdict(gates: &Gates, tally: Tally, health: &Health, gate: &GateName) -> Verdict {
    judged(gates, tally, health)[gate].verdict
}

#[test]
fn enough_nodes_must_have_really_run_it() {
    let (gates, health) = (Gates::default(), Health::default());
    let reached = |tally| verdict(&gates, tally, &health, &GateName::Reached);
    assert_eq!(reached(tally(0, 0, 0)), Verdict::Wait, "nobody is no success");
    assert_eq!(reached(tally(8, 0, 2)), Verdict::Wait);
    assert_eq!(reached(tally(9, 0, 1)), Verdict::Pass);
    assert_eq!(reached(tally(0, 10, 0)), Verdict::Wait, "all failed: not this gate's success");
    let away = Tally { offline: 900, late: 50, dark: 1, ..tally(9, 0, 1) };
    assert_eq!(reached(away), Verdict::Pass, "who is away neither passes nor fails");
    assert_eq!(reached(Tally { offline: 10, ..Tally::default() }), Verdict::Wait);
}

#[test]
fn a_failure_among_the_first_of_many_is_no_share_yet_and_many_are_seen_early() {
    let (gates, health) = (Gates::default(), Health::default());
    let failures = |tally| verdict(&gates, tally, &health, &GateName::Failures);
    assert_eq!(failures(tally(0, 1, 999)), Verdict::Pass, "the first that came to an end");
    assert_eq!(failures(tally(0, 4, 996)), Verdict::Fail, "the first four");
    assert_eq!(failures(tally(4, 1, 0)), Verdict::Fail, "one of five at the end");
    assert_eq!(failures(tally(96, 4, 0)), Verdict::Pass);
    assert_eq!(failures(tally(90, 10, 0)), Verdict::Fail);
}

#[test]
fn calls_are_judged_by_shares_and_costs() {
    let gates = Gates { p99_us_max: Some(30_000), fuel_mean_max: Some(1_000), ..Gates::default() };
    let mut took = Durations::default();
    (0..1_000).for_each(|_| took.add(2_000));
    let good = Health { calls: 1_000, traps: 1, errors: 5, fuel: 900_000, took: took.clone() };
    let all = judged(&gates, tally(10, 0, 0), &good);
    assert!(all.values().all(|check| check.verdict == Verdict::Pass), "{all:?}");
    let mut slow = good.clone();
    (0..100).for_each(|_| slow.took.add(200_000));
    for (gate, health) in [
        (GateName::Traps, Health { traps: 30, ..good.clone() }),
        (GateName::Errors, Health { errors: 100, ..good.clone() }),
        (GateName::P99, slow),
        (GateName::Fuel, Health { fuel: 1_100_000, ..good.clone() }),
    ] {
        let all = judged(&gates, tally(10, 0, 0), &health);
        let failed: Vec<&GateName> =
            all.values().filter(|check| check.verdict == Verdict::Fail).map(|check| &check.gate).collect();
        assert_eq!(failed, [&gate], "{all:?}");
        assert!(all[&gate].text.chars().any(|c| c.is_ascii_digit()), "it says how much: {}", all[&gate].text);
    }
    let few = judged(&gates, tally(10, 0, 0), &Health { calls: 7, ..Health::default() });
    assert_eq!(few[&GateName::Called].verdict, Verdict::Wait);
    assert_eq!(few[&GateName::Fuel].verdict, Verdict::Wait);
    assert_eq!(few[&GateName::P99].verdict, Verdict::NotJudged);
}

#[test]
fn what_nobody_calls_is_not_judged_by_calls() {
    let (means, sought) = (BTreeMap::new(), BTreeSet::new());
    let evidence = Evidence {
        tally: tally(10, 0, 0),
        silence: Silence::default(),
        health: &Health::default(),
        is_called: false,
        means: &means,
        sought: &sought,
    };
    let gates: Vec<GateName> =
        judge(&Gates::default(), &evidence).into_iter().map(|check| check.gate).collect();
    assert_eq!(gates, [GateName::Reached, GateName::Booted, GateName::Failures]);
}

fn business(json: serde_json::Value) -> Gates {
    let business: Business = serde_json::from_value(json).unwrap();
    Gates { business: vec![business], ..Gates::default() }
}

fn mean_of(values: impl Iterator<Item = f64>) -> BTreeMap<Metric, Mean> {
    let mut mean = Mean::default();
    values.for_each(|value| mean.add(value));
    BTreeMap::from([(Metric::new("basket-value").unwrap(), mean)])
}

fn verdict_of(gates: &Gates, means: &BTreeMap<Metric, Mean>) -> (Verdict, String) {
    let sought = gates.business.iter().map(|business| business.metric.clone()).collect();
    verdict_when(gates, means, &sought)
}

fn verdict_when(
    gates: &Gates,
    means: &BTreeMap<Metric, Mean>,
    sought: &BTreeSet<Metric>,
) -> (Verdict, String) {
    let (health, silence) = (Health::default(), Silence::default());
    let tally = tally(10, 0, 0);
    let evidence = Evidence { tally, silence, health: &health, is_called: false, means, sought };
    let check = judge(gates, &evidence).pop().unwrap();
    (check.verdict, check.text)
}

#[test]
fn a_metric_waits_until_it_is_known_whether_there_are_stores_to_compare_with() {
    let none = BTreeMap::new();
    for must_show in [false, true] {
        let gates = business(
            serde_json::json!({ "metric": "basket-value", "worse": "lower", "must_show": must_show }),
        );
        let (verdict, text) = verdict_when(&gates, &none, &BTreeSet::new());
        assert_eq!((verdict, text.as_str()), (Verdict::Wait, "stores to compare with are still looked for"));
        let (verdict, text) = verdict_of(&gates, &none);
        assert_eq!(verdict, if must_show { Verdict::Wait } else { Verdict::NotJudged });
        assert!(text.starts_with("no stores like these are left to compare with"), "{text}");
    }
}

#[test]
fn a_metric_stops_a_release_that_does_worse_and_none_that_does_not() {
    let gates = business(serde_json::json!({ "metric": "basket-value", "worse": "lower", "tolerance": 5 }));
    let wobble = |at: i32| f64::from(at % 3 - 1);
    // Thousandths worse than stores like it.
    let (verdict, text) = verdict_of(&gates, &mean_of((0..24).map(|at| 40.0 + wobble(at))));
    assert_eq!(verdict, Verdict::Fail);
    assert!(text.starts_with("40.0 ‰ worse than stores like these, between"), "{text}");
    assert_eq!(
        verdict_of(&gates, &mean_of((0..24).map(|at| 3.0 + wobble(at)))).0,
        Verdict::Pass,
        "tolerated"
    );
    assert_eq!(verdict_of(&gates, &mean_of((0..24).map(|at| -40.0 + wobble(at)))).0, Verdict::Pass, "better");
    assert_eq!(verdict_of(&gates, &mean_of((0..3).map(wobble))).0, Verdict::Wait, "too little was measured");
    assert_eq!(verdict_of(&gates, &BTreeMap::new()).0, Verdict::NotJudged);
}

#[test]
fn what_is_as_bad_every_time_stops_a_release_though_it_has_no_spread() {
    let absolute = |tolerance: u32, periods_min: u32, must_show: bool| {
        business(serde_json::json!({
            "metric": "basket-value", "worse": "higher", "scale": "absolute",
            "tolerance": tolerance, "periods_min": periods_min, "must_show": must_show,
        }))
    };
    let verdict = |gates: &Gates, value: f64, many: usize| {
        verdict_of(gates, &mean_of(std::iter::repeat_n(value, many))).0
    };
    for must_show in [false, true] {
        // Every store with it at a million, every other one at nothing.
        let gates = absolute(0, 2, must_show);
        assert_eq!(verdict(&gates, 1e6, 1), Verdict::Wait);
        assert_eq!(verdict(&gates, 1e6, 6), Verdict::Wait, "it may be chance, and is no success either");
        assert_eq!(verdict(&gates, 1e6, 7), Verdict::Fail, "one of 128 is less than one in a hundred");
        assert_eq!(verdict(&absolute(0, 9, must_show), 1e6, 8), Verdict::Wait, "too few are asked for");
        assert_eq!(verdict(&absolute(0, 9, must_show), 1e6, 9), Verdict::Fail);
        // What nobody does is no worse, and nor is what was worse before.
        for value in [0.0, -200.0] {
            assert_eq!(verdict(&gates, value, 48), Verdict::Pass, "{value}");
        }
        assert_eq!(verdict(&absolute(50, 2, must_show), 50.0, 48), Verdict::Pass, "tolerated");
        assert_eq!(verdict(&absolute(50, 2, must_show), 51.0, 48), Verdict::Fail);
    }
}

#[test]
fn where_it_must_be_shown_that_it_does_no_worse_nothing_less_is_enough() {
    let json =
        serde_json::json!({ "metric": "basket-value", "worse": "lower", "tolerance": 5, "must_show": true });
    let gates = business(json);
    let noisy = |at: i32| f64::from(at % 7 - 3) * 20.0;
    assert_eq!(verdict_of(&gates, &mean_of((0..10).map(noisy))).0, Verdict::Wait);
    let (verdict, text) = verdict_of(&gates, &BTreeMap::new());
    assert_eq!(verdict, Verdict::Wait, "with nobody to compare with nothing is shown: {text}");
    assert_eq!(verdict_of(&gates, &mean_of((0..24).map(|at| f64::from(at % 3 - 1)))).0, Verdict::Pass);
}

#[test]
fn gates_have_bounds_and_say_which_field_is_beyond() {
    for json in [
        r#"{"reached_percent_min":101}"#,
        r#"{"alpha_per_mille":0}"#,
        r#"{"deadline_minutes":0}"#,
        r#"{"business":[{"metric":"a","worse":"lower"},{"metric":"a","worse":"higher"}]}"#,
    ] {
        let gates: Gates = serde_json::from_str(json).unwrap();
        let text = format!(
            r#"{{"rollout":{{"rollout":"a","why":"b","who":"*","set":{{"catalogue":"absent"}},"waves":[{{"name":"w"}}],"gates":{json}}}}}"#
        );
        let error = aisle_fleet::document::read(&text).unwrap_err().to_string();
        assert!(error.contains("`gates`"), "{gates:?}: {error}");
    }
    assert!(serde_json::from_str::<Gates>(r#"{"trap_rate":1}"#).is_err());
}
