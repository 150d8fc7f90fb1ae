//! Tests that are looked at all the time are wrong no more often than was agreed, and find what is there. Everything by seed.

use crate::{
    bench::Random,
    drive::{Drive, spec},
};
use aisle_event::StoreId;
use aisle_fleet::{
    Metric,
    gate::{Durations, Health},
    rollout::Fact,
    sequential::{Mean, Pair, Rate, e_value},
};
use std::collections::BTreeMap;

/// In how many of so many courses a stop comes at any look.
fn stopped(courses: u64, seed: u64, mut course: impl FnMut(&mut Random) -> bool) -> u64 {
    println!("seed {seed}, {courses} courses");
    (0..courses)
        .filter(|at| course(&mut Random(seed.wrapping_add(at.wrapping_mul(0x1234_5678_9abc)))))
        .count() as u64
}

/// The most stops of so many courses that chance allows a test of this level: four standard deviations above.
fn allowed(courses: u64, alpha: f64) -> u64 {
    let mean = courses as f64 * alpha;
    (mean + 4.0 * (mean * (1.0 - alpha)).sqrt()).ceil() as u64
}

/// Looks after every observation; stops when the true mean, which is 0, is left out.
fn leaves_out_zero(random: &mut Random, looks: u32, alpha: f64, draw: impl Fn(&mut Random) -> f64) -> bool {
    let mut mean = Mean::default();
    (0..looks).any(|_| {
        mean.add(draw(random));
        let interval = mean.interval(alpha);
        interval.low.is_some_and(|low| low > 0.0) || interval.high.is_some_and(|high| high < 0.0)
    })
}

#[test]
fn looking_after_every_period_finds_nothing_that_is_not_there() {
    for (alpha, seed) in [(0.05, 1), (0.01, 2)] {
        // Whatever the spread: it is not known to the test.
        for scale in [0.001, 1.0, 1e6] {
            let found = stopped(4_000, seed, |random| {
                leaves_out_zero(random, 300, alpha, |random| random.normal() * scale)
            });
            let allowed = allowed(4_000, alpha);
            println!("alpha {alpha}, scale {scale}: {found}, {allowed} allowed");
            assert!(found <= allowed, "{found} false alarms of 4000, alpha {alpha}");
        }
    }
}

#[test]
fn a_test_of_a_fixed_size_would_have_been_wrong_far_more_often() {
    // The control of the test above: 1.96 standard errors, looked at as often.
    let found = stopped(2_000, 3, |random| {
        let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
        (0..300).any(|_| {
            let x = random.normal();
            (n, sum, squares) = (n + 1.0, sum + x, squares + x * x);
            let mean: f64 = sum / n;
            let spread: f64 = (squares / n - mean * mean).max(0.0).sqrt();
            n >= 5.0 && mean.abs() > 1.96 * spread / n.sqrt()
        })
    });
    println!("{found} of 2000");
    assert!(found > 4 * allowed(2_000, 0.05));
}

#[test]
fn means_of_skewed_baskets_mislead_it_no_more() {
    // The difference of the means of 200 baskets each, whose values are log-normal with a long tail.
    let basket = |random: &mut Random| (random.normal() * 0.8).exp();
    let draw = |random: &mut Random| {
        let mean = |random: &mut Random| (0..200).map(|_| basket(random)).sum::<f64>() / 200.0;
        mean(random) - mean(random)
    };
    let found = stopped(600, 4, |random| leaves_out_zero(random, 72, 0.05, draw));
    println!("{found} of 600, {} allowed", allowed(600, 0.05));
    assert!(found <= allowed(600, 0.05));
}

/// How many of what happens so often in the mean happen, by Knuth.
fn poisson(random: &mut Random, mean: f64) -> u32 {
    let (end, mut product, mut many) = ((-mean).exp(), random.unit(), 0);
    while product > end {
        product *= random.unit();
        many += 1;
    }
    many
}

const PAIRS: usize = 5;
/// Lines that a store sells in an hour, in the mean.
const LINES: f64 = 500.0;

/// A rollout whose stores have so many errors a day together, and those that they are compared with so many. It is looked at every hour for three days; true when the gate stops it.
fn is_stopped_by_errors(random: &mut Random, begun: &Drive, treated_day: f64, control_day: f64) -> bool {
    let metric = Metric::new("price-errors").unwrap();
    let mut drive =
        Drive { rollout: begun.rollout.clone(), members: Vec::new(), now: begun.now, effects: Vec::new() };
    let stores = |wave| drive.wave(wave).into_iter().map(|node| node.store).take(PAIRS);
    let both: Vec<(StoreId, StoreId)> = stores(0).zip(stores(1)).collect();
    let of_store = |day: f64| day / 24.0 / PAIRS as f64;
    let share = |errors: u32, lines: f64| (f64::from(errors) * 1e6 / lines) as i64;
    // A day before, in which nothing was different.
    let mut past = || share(poisson(random, of_store(control_day) * 24.0), LINES * 24.0);
    let mut pasts: Vec<(i64, i64)> = (0..PAIRS).map(|_| (past(), past())).collect();
    pasts.sort_unstable();
    let pairs = both.iter().zip(pasts).map(|((treated, control), (treated_past, control_past))| Pair {
        treated: treated.clone(),
        treated_past,
        treated_periods: 24,
        control: control.clone(),
        control_past,
        control_periods: 24,
    });
    drive.fact(Fact::Paired { metric: metric.clone(), pairs: pairs.collect() });
    (0..72).any(|period| {
        let mut values = BTreeMap::new();
        for (treated, control) in &both {
            for (store, day) in [(treated, treated_day), (control, control_day)] {
                let lines = (LINES * (0.5 + random.unit())).round();
                values.insert(store.clone(), share(poisson(random, of_store(day) * lines / LINES), lines));
            }
        }
        drive.fact(Fact::Measured { metric: metric.clone(), period, values });
        drive.fact(Fact::Tick);
        drive.is("rolling-back")
    })
}

#[test]
fn few_errors_in_few_hours_mislead_no_gate_and_many_more_are_found() {
    let mut spec = spec(serde_json::json!([
        { "name": "first", "size": PAIRS, "soak_minutes": 10_000 },
        { "name": "rest" },
    ]));
    spec.gates.business = serde_json::from_value(
        serde_json::json!([{ "metric": "price-errors", "worse": "higher", "scale": "absolute" }]),
    )
    .unwrap();
    let begun = Drive::started(spec, 2 * PAIRS as u32);
    for (day, seed) in [(1.0, 21), (3.0, 22), (10.0, 23), (60.0, 24)] {
        let found = stopped(800, seed, |random| is_stopped_by_errors(random, &begun, day, day));
        println!("{day} errors a day: {found} of 800, {} allowed", allowed(800, 0.01));
        assert!(found <= allowed(800, 0.01), "{day} errors a day: {found} of 800 stopped by nothing");
    }
    let found = stopped(100, 25, |random| is_stopped_by_errors(random, &begun, 200.0, 3.0));
    println!("200 errors a day instead of 3: {found} of 100");
    assert!(found >= 95, "{found} of 100");
}

#[test]
fn what_all_observations_share_by_chance_is_not_taken_for_an_effect() {
    // A past that is the mean of so many hours, and as much luck as that; then a fortnight of hours that are each held against it.
    for (past, alpha, seed) in [(6_u32, 0.05, 31), (24, 0.05, 32), (24, 0.01, 33)] {
        let wrong = |shared: f64| {
            stopped(2_000, seed, |random| {
                let past = (0..past).map(|_| random.normal()).sum::<f64>() / f64::from(past);
                let mut mean = Mean::sharing(shared);
                (0..300).any(|_| {
                    mean.add(random.normal() - past);
                    let interval = mean.interval(alpha);
                    interval.low.is_some_and(|low| low > 0.0) || interval.high.is_some_and(|high| high < 0.0)
                })
            })
        };
        let (found, as_if_exact) = (wrong(1.0 / f64::from(past)), wrong(0.0));
        let allowed = allowed(2_000, alpha);
        println!("{past} hours, alpha {alpha}: {found}, {allowed} allowed; {as_if_exact} were it exact");
        assert!(found <= allowed, "{found} false alarms of 2000, a past of {past}, alpha {alpha}");
        assert!(as_if_exact > 4 * allowed, "the control: a past that is taken as exact misleads");
    }
}

/// A rollout whose stores take so much less of a hundred than before, and others that do not. It is looked at every hour for a week; true when the gate stops it.
fn is_stopped_by_baskets(random: &mut Random, begun: &Drive, less_percent: f64) -> bool {
    let metric = Metric::new("basket-value").unwrap();
    let mut drive =
        Drive { rollout: begun.rollout.clone(), members: Vec::new(), now: begun.now, effects: Vec::new() };
    let stores = |wave| drive.wave(wave).into_iter().map(|node| node.store).take(PAIRS);
    let both: Vec<(StoreId, StoreId)> = stores(0).zip(stores(1)).collect();
    // What a basket comes to in an hour, in the mean: each hour and each store has its luck.
    let hour = |random: &mut Random| 2_000.0 * (1.0 + 0.05 * random.normal());
    let mut past = || ((0..24).map(|_| hour(random)).sum::<f64>() / 24.0) as i64;
    let pairs = both.iter().map(|(treated, control)| Pair {
        treated: treated.clone(),
        treated_past: past(),
        treated_periods: 24,
        control: control.clone(),
        control_past: past(),
        control_periods: 24,
    });
    let pairs: Vec<Pair> = pairs.collect();
    drive.fact(Fact::Paired { metric: metric.clone(), pairs });
    (0..168).any(|period| {
        let mut values = BTreeMap::new();
        for (treated, control) in &both {
            values.insert(treated.clone(), (hour(random) * (1.0 - less_percent / 100.0)) as i64);
            values.insert(control.clone(), hour(random) as i64);
        }
        drive.fact(Fact::Measured { metric: metric.clone(), period, values });
        drive.fact(Fact::Tick);
        drive.is("rolling-back")
    })
}

#[test]
fn the_luck_of_a_day_before_stops_no_release_and_baskets_that_are_worth_less_do() {
    let mut spec = spec(serde_json::json!([
        { "name": "first", "size": PAIRS, "soak_minutes": 50_000 },
        { "name": "rest" },
    ]));
    spec.gates.business =
        serde_json::from_value(serde_json::json!([{ "metric": "basket-value", "worse": "lower" }])).unwrap();
    let begun = Drive::started(spec, 2 * PAIRS as u32);
    let found = stopped(400, 34, |random| is_stopped_by_baskets(random, &begun, 0.0));
    println!("nothing is different: {found} of 400, {} allowed", allowed(400, 0.01));
    assert!(found <= allowed(400, 0.01), "{found} of 400 stopped by nothing");
    let found = stopped(50, 35, |random| is_stopped_by_baskets(random, &begun, 10.0));
    println!("a tenth less: {found} of 50");
    assert!(found >= 48, "{found} of 50");
}

#[test]
fn it_finds_what_is_there_and_sooner_the_more_there_is() {
    let mut before = f64::INFINITY;
    for (effect, power_min, looks_max) in [(0.5, 95, 60.0), (1.0, 99, 25.0), (2.0, 99, 12.0)] {
        let mut looks = 0_u64;
        let found = stopped(1_000, 5, |random| {
            let mut mean = Mean::default();
            (0..150).any(|_| {
                looks += 1;
                mean.add(random.normal() + effect);
                mean.interval(0.05).low.is_some_and(|low| low > 0.0)
            })
        });
        let mean_looks = looks as f64 / 1_000.0;
        println!("effect {effect}: {found} of 1000, after {mean_looks:.1} periods in the mean");
        assert!(found >= power_min * 10, "effect {effect}: {found} of 1000");
        assert!(mean_looks < before && mean_looks < looks_max, "effect {effect}: {mean_looks} periods");
        before = mean_looks;
    }
}

#[test]
fn the_interval_is_what_the_evidence_does_not_exclude() {
    let mut random = Random(6);
    for shared in [0.0, 1.0 / 24.0, 0.5] {
        let mut mean = Mean::sharing(shared);
        for _ in 0..40 {
            mean.add(random.normal() * 3.0 + 1.0);
        }
        for alpha in [0.2, 0.05, 0.01] {
            let interval = mean.interval(alpha);
            for end in [interval.low.unwrap(), interval.high.unwrap()] {
                let e = mean.e_value(end);
                assert!((e * alpha - 1.0).abs() < 1e-6, "at the end it is 1/alpha: {e}");
            }
        }
        assert!(mean.e_value(mean.mean) < 1.0);
    }
    for odd in [f64::NAN, f64::INFINITY, -1.0] {
        assert_eq!(Mean::sharing(odd), Mean::default(), "{odd}");
    }
}

#[test]
fn little_says_nothing_and_no_number_says_less() {
    let mut mean = Mean::default();
    assert!(mean.interval(0.05).low.is_none());
    mean.add(1.0);
    mean.add(f64::NAN);
    mean.add(f64::INFINITY);
    assert_eq!(mean.n, 1);
    assert!(mean.interval(0.05).low.is_none() && mean.e_value(0.0) == 1.0);
    mean.add(-1.0);
    assert!(mean.interval(0.05).low.is_none(), "two are too few for anything");
    // The same every time is no luck that anybody could measure: nothing was there to be counted.
    let mut same = Mean::default();
    for _ in 0..20 {
        same.add(5.0);
    }
    assert!(same.interval(0.05).low.is_none() && same.interval(0.05).high.is_none());
    assert!(same.e_value(4.0) == 1.0);
}

#[test]
fn a_share_within_its_bound_is_stopped_no_more_often_than_agreed() {
    for (ppm_max, seed) in [(1_000_u64, 7), (50_000, 8), (300_000, 9)] {
        let p = ppm_max as f64 / 1e6;
        let found = stopped(1_500, seed, |random| {
            let mut rate = Rate::default();
            (0..3_000).any(|_| {
                rate.of += 1;
                rate.faults += u64::from(random.unit() < p);
                rate.is_above(ppm_max, 0.05)
            })
        });
        println!("{ppm_max} of a million: {found} of 1500, {} allowed", allowed(1_500, 0.05));
        assert!(found <= allowed(1_500, 0.05));
    }
}

#[test]
fn a_share_that_is_too_high_is_found_and_soon_where_it_is_much_too_high() {
    for (share, calls_max) in [(0.004, 6_000.0), (0.02, 700.0), (0.5, 12.0)] {
        let mut calls = 0_u64;
        let found = stopped(500, 10, |random| {
            let mut rate = Rate::default();
            (0..40_000).any(|_| {
                calls += 1;
                rate.of += 1;
                rate.faults += u64::from(random.unit() < share);
                rate.is_above(1_000, 0.01)
            })
        });
        let mean = calls as f64 / 500.0;
        println!("{share}: {found} of 500, after {mean:.0} calls");
        assert!(found >= 495 && mean < calls_max, "{share}: {found} of 500 after {mean} calls");
    }
}

#[test]
fn bounds_of_nothing_and_of_everything_are_taken_at_their_word() {
    assert!(!Rate { faults: 0, of: 1_000_000 }.is_above(0, 0.01));
    assert!(Rate { faults: 1, of: 1_000_000 }.is_above(0, 0.01));
    assert!(!Rate { faults: 9, of: 9 }.is_above(1_000_000, 0.01));
    assert!(Rate { faults: 60, of: 60 }.is_above(600_000, 0.01));
    assert!(e_value(Rate { faults: 0, of: 0 }, 0.1) == 1.0);
    assert_eq!(Rate { faults: 1, of: 3 }.ppm(), 333_333);
    assert_eq!(Rate::default().ppm(), 0);
}

#[test]
fn durations_of_many_nodes_add_up_to_one_quantile() {
    let (mut all, mut parts) = (Durations::default(), vec![Durations::default(); 10]);
    let mut random = Random(11);
    let mut exact = Vec::new();
    for at in 0..20_000 {
        let us = (random.normal() * 1.5 + 6.0).exp() as u64;
        exact.push(us);
        all.add(us);
        parts[at % 10].add(us);
    }
    let mut merged = Durations::default();
    parts.iter().for_each(|part| merged.merge(part));
    assert_eq!(merged, all);
    exact.sort_unstable();
    for per_mille in [10, 500, 900, 990, 999] {
        let truth = exact[(20_000 * per_mille as usize).div_ceil(1000) - 1];
        let told = all.quantile_us(per_mille).unwrap();
        assert!(told >= truth && told <= truth + truth / 4 + 1, "{per_mille}: {told}, truly {truth}");
    }
    let above = exact.iter().filter(|us| **us > 2_000).count() as u64;
    assert!(all.above(2_000) <= above && all.above(1_000) >= above, "never more than there are");
    assert_eq!(Durations::default().quantile_us(990), None);
    let mut odd = Durations::default();
    odd.add(0);
    odd.add(u64::MAX);
    assert_eq!((odd.count(), odd.quantile_us(0)), (2, Some(0)));
    let health: Health = serde_json::from_str(r#"{"calls":2,"took":{"0":1,"255":1}}"#).unwrap();
    assert_eq!(health.took.count(), 2);
    // A node may know more than who reads it.
    let newer: Health = serde_json::from_str(r#"{"calls":2,"falls":1}"#).unwrap();
    assert_eq!(newer.calls, 2);
}
