//! What holds for any journal.

use super::*;
use aisle_event::device::{AnomalyClosed, DeviceConnection};
use proptest::prelude::*;

fn absurd_celsius() -> impl Strategy<Value = f64> {
    prop_oneof![8 => -30.0..30.0_f64, 1 => Just(-300.0), 1 => Just(10_000.0), 1 => 50.0..70.0_f64]
}

fn absurd_time() -> impl Strategy<Value = i64> {
    prop_oneof![
        12 => (0..3 * 24 * 60_i64).prop_map(|minute| MIDNIGHT + minute * MINUTE),
        1 => (-40..40_i64).prop_map(|years| MIDNIGHT + years * 365 * 24 * HOUR),
        1 => any::<i64>(),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Read(u8, f64, i64),
    Warm(i64, f64),
    Place(u8, u8),
    Define(u8, ColdGroup, bool),
    Anomaly(u8, bool, i64),
    Online(u8, bool),
    Receive(u8),
    Acknowledge(usize),
    Due(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let group = prop_oneof![Just(ColdGroup::Chilled), Just(ColdGroup::Hot), Just(ColdGroup::Frozen)];
    prop_oneof![
        10 => (0..3_u8, absurd_celsius(), absurd_time()).prop_map(|(d, c, at)| Step::Read(d, c, at)),
        6 => (1..120_i64, absurd_celsius()).prop_map(|(count, c)| Step::Warm(count, c)),
        1 => (0..3_u8, 0..3_u8).prop_map(|(d, u)| Step::Place(d, u)),
        1 => (0..3_u8, group, prop::bool::weighted(0.2)).prop_map(|(u, g, r)| Step::Define(u, g, r)),
        1 => (0..3_u8, any::<bool>(), absurd_time()).prop_map(|(d, open, at)| Step::Anomaly(d, open, at)),
        1 => (0..3_u8, any::<bool>()).prop_map(|(d, online)| Step::Online(d, online)),
        1 => (0..9_u8).prop_map(Step::Receive),
        1 => (0..4_usize).prop_map(Step::Acknowledge),
        2 => absurd_time().prop_map(Step::Due),
    ]
}

fn device(number: u8) -> String {
    format!("probe-{number}")
}

fn told(steps: &[Step]) -> Store {
    let config =
        Config { days_max: 3, units_max: 2, probes_max: 2, excursions_per_unit_max: 8, ..Config::default() };
    let mut store = Store::with(config);
    store.is_live = false;
    store.define("unit-0", ColdGroup::Chilled);
    store.place("probe-0", "unit-0");
    for step in steps {
        match step {
            Step::Read(number, celsius, at) => store.read_at(&device(*number), *celsius, *at),
            Step::Warm(count, celsius) => {
                for _ in 0..*count {
                    store.read_at("probe-0", *celsius, store.now);
                    store.now += MINUTE;
                    store.settle();
                }
            }
            Step::Place(number, unit) => store.place(&device(*number), &format!("unit-{unit}")),
            Step::Define(unit, group, removed) => {
                store.append(UnitDefined {
                    unit: name(&format!("unit-{unit}")),
                    group: *group,
                    limit: None,
                    grace_s: None,
                    skus: vec![Sku::new("milk").unwrap()],
                    at: Timestamp(store.now),
                    removed: Some(*removed),
                    unknown: Unknown::default(),
                });
            }
            Step::Anomaly(number, true, since) => store.anomaly(&device(*number), AnomalyKind::Stuck, *since),
            Step::Anomaly(number, false, _) => {
                store.append(AnomalyClosed {
                    device: device(*number).parse().unwrap(),
                    stream: name("celsius"),
                    kind: AnomalyKind::Stuck,
                    at: Timestamp(store.now),
                    unknown: Unknown::default(),
                });
            }
            Step::Online(number, online) => {
                store.append(DeviceConnection {
                    device: device(*number).parse().unwrap(),
                    online: *online,
                    at: Timestamp(store.now),
                    unknown: Unknown::default(),
                });
            }
            Step::Receive(lot) => store.receive("milk", 3, &format!("L{lot}")),
            Step::Acknowledge(nth) => {
                let excursion = store.opened().get(*nth).map(|event| event.excursion.clone());
                if let Some(excursion) = excursion {
                    store.acknowledge(&excursion, "seen");
                }
            }
            Step::Due(now) => {
                let due = store.cold.due(Timestamp(*now));
                assert!(due.len() <= 256);
                let _ = store.cold.wanted(Timestamp(*now));
                for event in due {
                    store.append(event);
                }
            }
        }
    }
    store
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_replay_from_any_snapshot_is_the_same_as_one_from_the_start(
        steps in prop::collection::vec(step(), 1..60),
        cut in 0.0..1.0_f64,
    ) {
        let store = told(&steps);
        let at = (store.journal.len() as f64 * cut) as usize;
        let mut half = ColdChain::new(store.config.clone());
        for (seq, event) in &store.journal[..at] {
            half.apply(*seq, event);
        }
        let mut again = ColdChain::decode(store.config.clone(), &half.encode()).unwrap();
        for (seq, event) in &store.journal[at..] {
            again.apply(*seq, event);
        }
        prop_assert_eq!(again.encode(), store.cold.encode());
        prop_assert_eq!(again.view().units, store.cold.view().units);
        let now = Timestamp(store.now);
        prop_assert_eq!(again.due(now), store.cold.due(now));
        for unit in store.cold.view().units.values() {
            prop_assert!(unit.history.days() <= 3 && unit.excursions.len() <= 8);
        }
    }

    #[test]
    fn the_order_in_which_readings_come_changes_neither_time_outside_nor_what_is_known(
        celsius in prop::collection::vec((0..240_i64, -5.0..15.0_f64, 0..2_u8), 2..200),
        seed in any::<u64>(),
    ) {
        let mut shuffled = celsius.clone();
        let mut random = seed;
        for place in (1..shuffled.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(place, (random >> 33) as usize % (place + 1));
        }
        let tell = |readings: &[(i64, f64, u8)]| {
            let mut store = Store::new();
            store.is_live = false;
            store.define("fridge", ColdGroup::Chilled);
            store.place("probe-0", "fridge");
            store.place("probe-1", "fridge");
            for (minute, celsius, number) in readings {
                store.read_at(&device(*number), *celsius, MIDNIGHT + minute * MINUTE);
            }
            store.unit("fridge")
        };
        let (one, other) = (tell(&celsius), tell(&shuffled));
        prop_assert_eq!(one.counted_s, other.counted_s);
        prop_assert_eq!(one.unknown_s, other.unknown_s);
        prop_assert_eq!(&one.runs, &other.runs);
        prop_assert_eq!(one.product_milli, other.product_milli);
    }

    #[test]
    fn more_warm_readings_never_make_the_time_outside_less(
        celsius in prop::collection::vec(-5.0..15.0_f64, 2..300),
        extra in prop::collection::vec(0..300_i64, 1..40),
    ) {
        let mut store = Store::fridge();
        store.is_live = false;
        for (minute, celsius) in celsius.iter().enumerate() {
            store.read_at("probe", *celsius, MIDNIGHT + minute as i64 * MINUTE);
        }
        let mut before = store.unit("fridge").counted_s;
        for minute in extra.into_iter().filter(|minute| *minute < celsius.len() as i64) {
            store.read_at("probe", 30.0, MIDNIGHT + minute * MINUTE);
            let now = store.unit("fridge").counted_s;
            prop_assert!(now >= before, "{} < {}", now, before);
            before = now;
        }
    }

    #[test]
    fn bytes_that_are_no_snapshot_are_refused_or_read_but_never_harm(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let _ = ColdChain::decode(Config::default(), &bytes);
        let mut store = Store::fridge();
        store.minutes(30, 9.0);
        let mut snapshot = store.cold.encode();
        for (at, to) in flips {
            let at = at.index(snapshot.len());
            snapshot[at] = to;
        }
        if let Ok(mut read) = ColdChain::decode(Config::default(), &snapshot) {
            for (seq, event) in &store.journal {
                read.apply(*seq, event);
            }
            let _ = (read.due(Timestamp(store.now)), read.wanted(Timestamp(store.now)), read.encode());
        }
    }
}
