//! When an excursion opens, when it closes, and what staff are asked for.

use super::*;
use aisle_event::{device::DeviceRetired, inventory::TaskKind};

#[test]
fn a_door_opened_for_three_minutes_alarms_nobody() {
    let mut store = Store::fridge();
    for _ in 0..10 {
        store.minutes(30, 3.5);
        store.minutes(3, 14.0);
    }
    store.minutes(60, 3.5);
    assert_eq!(store.opened(), Vec::<&ExcursionOpened>::new());
    assert_eq!(store.state(), State::Ok);
    assert!(store.cold.wanted(Timestamp(store.now)).is_empty());
}

#[test]
fn a_defrost_of_a_freezer_alarms_nobody() {
    let mut store = Store::with_a(ColdGroup::Frozen);
    for _ in 0..4 {
        store.minutes(6 * 60, -21.0);
        store.minutes(10, -12.0);
    }
    store.minutes(60, -21.0);
    assert_eq!(store.rules(), []);
}

#[test]
fn a_fridge_off_for_five_hours_is_an_excursion_after_the_grace_and_its_food_must_go() {
    let mut store = Store::fridge();
    store.minutes(60, 3.0);
    let off = store.now;
    for minute in 0..5 * 60 {
        store.minute((3.0 + f64::from(minute) * 0.2).min(18.0));
    }
    let opened = store.opened();
    assert_eq!(opened[0].rule, ColdRule::Limit);
    // The food is warm a while after the air, and the grace is fifteen minutes.
    assert!(opened[0].since.0 > off && opened[0].since.0 < off + HOUR);
    assert_eq!(opened[0].at.0 - opened[0].since.0, 15 * MINUTE);
    assert_eq!(opened[1].rule, ColdRule::Cumulative);
    assert_eq!(opened[1].at.0 - opened[1].since.0, 4 * HOUR - MINUTE);
    assert_eq!(opened.len(), 2);

    store.minutes(120, 3.0);
    assert_eq!(store.verdicts(), [ColdVerdict::Discard]);
    let closed = store.closed()[0].clone();
    assert_eq!(closed.peak, Some(Measure::new(18.0).unwrap()));
    assert!(closed.outside_s > 4 * 3600 && closed.outside_s < 6 * 3600, "{}", closed.outside_s);
    // Cold again is not good again: that stays until somebody says what was done with the food.
    assert_eq!(store.state(), State::Excursion);
    let condemned = store.opened()[1].excursion.clone();
    store.acknowledge(&condemned, "thrown away, fridge emptied");
    assert_eq!(store.verdicts(), [ColdVerdict::Discard, ColdVerdict::Discard]);
    assert_eq!(store.state(), State::Ok);
    assert_eq!(store.unit("fridge").counted_s, 0);
    store.minutes(120, 3.0);
    assert_eq!(store.opened().len(), 2);
}

#[test]
fn the_record_that_an_excursion_begins_with_is_that_of_the_first_warm_air() {
    let mut store = Store::fridge();
    store.minutes(30, 3.0);
    let first_warm = store.journal.len() as u64 + 1;
    store.minutes(120, 9.0);
    assert_eq!(store.opened()[0].first_seq, first_warm);
    store.minutes(5, 3.0);
    store.minutes(120, 3.0);
    let last_seq = store.closed()[0].last_seq;
    let Event::ReadingsTaken(taken) = &store.journal[last_seq as usize - 1].1 else {
        panic!("{last_seq} is no reading")
    };
    assert_eq!(taken.readings[0].value.units(), 3.0);
}

#[test]
fn food_warm_for_an_hour_five_times_a_day_is_warm_for_five_hours() {
    let mut store = Store::fridge();
    for _ in 0..5 {
        store.minutes(60, 12.0);
        store.minutes(120, 2.0);
    }
    assert!(store.rules().contains(&ColdRule::Cumulative), "{:?}", store.rules());
    assert!(store.rules().iter().filter(|rule| **rule == ColdRule::Limit).count() >= 3);
}

#[test]
fn an_hour_too_warm_is_safe_and_says_how_long_it_was() {
    let mut store = Store::fridge();
    store.minutes(60, 3.0);
    store.minutes(60, 9.0);
    assert_eq!(store.state(), State::Excursion);
    store.minutes(90, 3.0);
    assert_eq!(store.verdicts(), [ColdVerdict::Safe]);
    assert_eq!(store.state(), State::Ok);
    assert_eq!(store.unit("fridge").outside_since_s(Timestamp(MIDNIGHT)), store.closed()[0].outside_s);
}

#[test]
fn hot_food_that_cools_is_outside_and_cold_food_in_a_hot_unit_is_not_safe() {
    let mut store = Store::with_a(ColdGroup::Hot);
    store.minutes(30, 63.0);
    store.minutes(5 * 60, 40.0);
    assert_eq!(store.rules(), [ColdRule::Limit, ColdRule::Cumulative]);
    assert_eq!(store.opened()[0].limit, Measure::new(57.0).unwrap());
}

#[test]
fn a_freezer_that_thaws_is_for_a_person_to_judge_and_one_that_only_softens_is_not() {
    let mut store = Store::with_a(ColdGroup::Frozen);
    store.minutes(60, -20.0);
    store.minutes(120, 2.0);
    store.minutes(240, -22.0);
    assert_eq!(store.verdicts(), [ColdVerdict::Judge]);
    let mut store = Store::with_a(ColdGroup::Frozen);
    store.minutes(60, -20.0);
    store.minutes(240, -12.0);
    store.minutes(240, -22.0);
    assert_eq!(store.verdicts(), [ColdVerdict::Safe]);
}

#[test]
fn six_hours_are_allowed_where_the_shop_chose_them_unless_food_passes_21_degrees() {
    let six = || Store::with(Config { six_hour_rule: true, ..Config::default() });
    for (celsius, condemned) in [(15.0, false), (25.0, true)] {
        let mut store = six();
        store.define("fridge", ColdGroup::Chilled);
        store.place("probe", "fridge");
        store.minutes(60, 3.0);
        store.minutes(5 * 60, celsius);
        assert_eq!(store.rules().contains(&ColdRule::Cumulative), condemned, "{celsius}");
    }
}

#[test]
fn the_time_left_counts_down_also_while_nothing_is_heard() {
    let mut store = Store::fridge();
    store.minutes(60, 3.0);
    assert_eq!(store.unit("fridge").left_s(Timestamp(store.now)), None);
    store.minutes(120, 12.0);
    let before = store.unit("fridge").left_s(Timestamp(store.now)).unwrap();
    assert!(before > 3600 && before < 4 * 3600);
    store.silence(30);
    let after = store.unit("fridge").left_s(Timestamp(store.now)).unwrap();
    assert_eq!(before - after, 30 * 60);
    let discard_at = store.unit("fridge").discard_at().unwrap();
    assert_eq!(discard_at.0 - store.now, after as i64 * 1000);
}

#[test]
fn staff_are_asked_until_somebody_has_seen_it() {
    let mut store = Store::fridge();
    store.minutes(10, 3.0);
    store.minutes(60, 9.0);
    let wanted = store.cold.wanted(Timestamp(store.now));
    assert_eq!(wanted.len(), 1);
    assert_eq!(wanted[0].kind, TaskKind::CheckUnit);
    assert!(wanted[0].why.as_str().contains("limit 5.0 °C"), "{}", wanted[0].why);
    let open = store.opened()[0].excursion.clone();
    store.acknowledge(&open, "door closed");
    assert_eq!(store.state(), State::Acknowledged);
    assert!(store.cold.wanted(Timestamp(store.now)).is_empty());
}

#[test]
fn the_worst_of_several_probes_counts() {
    let mut store = Store::fridge();
    store.place("second", "fridge");
    for _ in 0..60 {
        store.read_at("second", 2.0, store.now);
        store.minute(9.0);
    }
    assert_eq!(store.rules(), [ColdRule::Limit]);
}

/// Minutes in which one probe says every five minutes that it is warm, and another every minute that it is cold.
fn warm_seldom_cold_often(store: &mut Store, minutes: i64) {
    for minute in 0..minutes {
        if minute % 5 == 0 {
            store.read_at("probe", 9.0, store.now);
        }
        store.read_at("second", 3.0, store.now);
        store.now += MINUTE;
    }
}

#[test]
fn a_warm_probe_that_speaks_seldom_is_not_outvoted_by_a_cold_one_that_speaks_often() {
    let mut store = Store::fridge();
    store.place("second", "fridge");
    store.minutes(30, 3.0);
    warm_seldom_cold_often(&mut store, 8);
    store.silence(1);
    assert_eq!(store.unit("fridge").air_milli, Some(9_000));
    let newest = store.unit("fridge").newest(store.config.silent_s);
    assert_eq!(newest, Some((Timestamp(store.now - 4 * MINUTE), 9_000)));
    assert_eq!(store.state(), State::Warming);
    warm_seldom_cold_often(&mut store, 5 * 60);
    assert_eq!(store.rules(), [ColdRule::Limit, ColdRule::Cumulative]);
    assert_eq!(store.opened()[0].measured, Some(Measure::new(9.0).unwrap()));
}

#[test]
fn a_cold_probe_that_speaks_seldom_keeps_nothing_hot() {
    let mut store = Store::with_a(ColdGroup::Hot);
    store.place("second", "fridge");
    for _ in 0..12 {
        store.read_at("second", 40.0, store.now);
        store.minutes(5, 63.0);
    }
    assert_eq!(store.rules(), [ColdRule::Limit]);
}

#[test]
fn what_a_probe_said_speaks_on_until_it_is_silent_for_too_long_or_watches_no_more() {
    let told = |leaves: bool| {
        let mut store = Store::fridge();
        store.place("second", "fridge");
        warm_seldom_cold_often(&mut store, 6);
        if leaves {
            store.place("probe", "elsewhere");
        }
        let mut air = Vec::new();
        for _ in 0..16 {
            store.read_at("second", 3.0, store.now);
            air.push(store.unit("fridge").air_milli.unwrap());
            store.now += MINUTE;
        }
        (store, air)
    };
    let (store, air) = told(false);
    let silent = (store.config.silent_s / 60) as usize;
    assert_eq!(air, [vec![9_000; silent], vec![3_000; 16 - silent]].concat());
    let (store, air) = told(true);
    assert_eq!(air, [vec![9_000; 1], vec![3_000; 15]].concat(), "it left in the first of these minutes");
    // What was before it left stays as it was, however often that is computed again.
    let again = ColdChain::decode(store.config.clone(), &store.cold.encode()).unwrap();
    assert_eq!(again.view().units, store.cold.view().units);
}

#[test]
fn a_probe_that_leaves_takes_nothing_back_of_what_it_said_whatever_the_nodes_clock_says() {
    for is_retired in [false, true] {
        let mut store = Store::fridge();
        store.place("second", "fridge");
        warm_seldom_cold_often(&mut store, 60);
        let before = store.unit("fridge");
        // The node has no clock of its own and believes that it is 1970.
        let (device, at, unknown) = ("probe".parse().unwrap(), Timestamp(0), Unknown::default());
        if is_retired {
            store.append(DeviceRetired { device, by: None, at, unknown });
        } else {
            store.append(DevicePlaced {
                device,
                stream: name("celsius"),
                place: None,
                sku: None,
                unit_weight: None,
                tare: None,
                unit: Some(name("elsewhere")),
                at,
                unknown,
            });
        }
        let after = store.unit("fridge");
        assert_eq!((before.probes.len(), after.probes.len()), (2, 1));
        assert_eq!((after.air_milli, after.product_milli), (before.air_milli, before.product_milli));
        assert_eq!((&after.runs, after.counted_s), (&before.runs, before.counted_s));
        assert_eq!(after.air_milli, Some(9_000), "it said so four minutes before it left");
        store.read_at("second", 3.0, store.now);
        let cold = store.unit("fridge");
        assert_eq!(cold.air_milli, Some(3_000), "it has no say any more");
        // A reading that comes late has everything computed again.
        store.read_at("second", 3.0, MIDNIGHT);
        let again = store.unit("fridge");
        assert_eq!((again.product_milli, again.counted_s), (cold.product_milli, cold.counted_s));
    }
}

#[test]
fn a_probe_in_doubt_that_speaks_seldom_leaves_no_minute_beyond_doubt() {
    let mut store = Store::fridge();
    store.place("second", "fridge");
    store.anomaly("probe", AnomalyKind::Stuck, store.now);
    warm_seldom_cold_often(&mut store, 60);
    store.append(DeviceRetired {
        device: "probe".parse().unwrap(),
        by: None,
        at: Timestamp(store.now),
        unknown: Unknown::default(),
    });
    for _ in 0..120 {
        store.read_at("second", 3.0, store.now);
        store.now += MINUTE;
    }
    assert_eq!(store.verdicts(), [ColdVerdict::Judge]);
}

#[test]
fn minutes_that_are_forgotten_hand_on_what_probes_said_last() {
    let mut store = Store::fridge();
    store.place("second", "fridge");
    store.is_live = false;
    let mut again = None;
    for minute in 0..40 * 60 {
        if minute % 13 == 0 {
            store.read_at("probe", if minute % 26 == 0 { 9.0 } else { 4.0 }, store.now);
        }
        store.read_at("second", 3.0, store.now);
        store.now += MINUTE;
        if minute == 31 * 60 {
            again = ColdChain::decode(store.config.clone(), &store.cold.encode()).ok();
        }
    }
    let mut again = again.unwrap();
    let mut whole = ColdChain::new(store.config.clone());
    let known = again.view().units.get("fridge").unwrap().as_of.unwrap();
    for (seq, event) in &store.journal {
        whole.apply(*seq, event);
        let is_later = matches!(event, Event::ReadingsTaken(taken) if taken.readings[0].at > known);
        if is_later {
            again.apply(*seq, event);
        }
    }
    assert_eq!(again.encode(), whole.encode());
    assert_eq!(again.view().units, whole.view().units);
}

#[test]
fn one_probe_that_goes_silent_is_no_silence_while_another_speaks() {
    let mut store = Store::fridge();
    store.place("second", "fridge");
    store.minutes(20, 3.0);
    for _ in 0..120 {
        store.read_at("second", 2.0, store.now);
        store.now += MINUTE;
    }
    assert_eq!(store.rules(), []);
    store.silence(20);
    assert_eq!(store.rules(), [ColdRule::Unknown]);
}

#[test]
fn a_unit_whose_probe_is_retired_is_not_watched_and_says_so() {
    let mut store = Store::fridge();
    store.minutes(20, 3.0);
    store.append(DeviceRetired {
        device: "probe".parse().unwrap(),
        by: None,
        at: Timestamp(store.now),
        unknown: Unknown::default(),
    });
    store.silence(120);
    assert_eq!(store.state(), State::Unknown);
    assert_eq!(store.rules(), []);
}

#[test]
fn every_excursion_has_a_name_of_its_own() {
    let mut store = Store::fridge();
    for _ in 0..12 {
        store.minutes(40, 12.0);
        store.minutes(60, 1.0);
    }
    let mut names: Vec<_> = store.opened().iter().map(|event| event.excursion.clone()).collect();
    assert!(names.len() > 5);
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn units_whose_names_are_as_long_as_can_be_have_excursions_too() {
    let mut store = Store::new();
    for end in ["a", "b"] {
        let unit = format!("{}{end}", "冷".repeat(85));
        store.define(&unit, ColdGroup::Chilled);
        store.place(&format!("probe-{end}"), &unit);
    }
    for _ in 0..60 {
        let readings = vec![reading("probe-a", 9.0, store.now), reading("probe-b", 9.0, store.now)];
        store.append(ReadingsTaken { readings, unknown: Unknown::default() });
        store.settle();
        store.now += MINUTE;
    }
    let opened = store.opened();
    assert_eq!(opened.len(), 2);
    assert_ne!(opened[0].excursion, opened[1].excursion);
}

#[test]
fn the_lots_that_were_in_a_unit_are_named_also_those_sold_during_the_excursion() {
    let mut store = Store::fridge();
    store.receive("milk", 10, "L1");
    store.receive("milk", 10, "L2");
    store.receive("bread", 10, "B1");
    store.minutes(30, 3.0);
    store.minutes(60, 9.0);
    store.receive("milk", 10, "L3");
    store.minutes(60, 3.0);
    let closed = store.closed()[0].clone();
    assert_eq!(closed.skus, [Sku::new("milk").unwrap()]);
    let lots: Vec<&str> = closed.lots.iter().map(LotId::as_str).collect();
    assert_eq!(lots, ["L1", "L2", "L3"]);
}
