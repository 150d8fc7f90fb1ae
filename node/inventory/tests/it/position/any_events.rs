//! Whatever is in the journal: nothing panics, no estimate is absurd, and a snapshot changes nothing.

use super::{counted, listed, moved, odd, received, scale, sold, usual, weighed};
use aisle_event::{
    Event, Quantity, Timestamp, Unit,
    device::{AnomalyKind, Place},
};
use aisle_inventory::position::{Config, Positions};
use proptest::prelude::*;

fn quantity() -> impl Strategy<Value = Quantity> {
    let amount = prop_oneof![
        8 => (-5_i64..60).prop_map(|pieces| pieces * 1000),
        1 => any::<i64>(),
        1 => -100_000_000_i64..100_000_000,
    ];
    let unit = prop_oneof![8 => Just(Unit::Each), 1 => Just(Unit::Kilogram), 1 => Just(Unit::Litre)];
    (amount, unit).prop_map(|(thousandths, unit)| Quantity { thousandths, unit })
}

fn grams() -> impl Strategy<Value = f64> {
    prop_oneof![8 => (0_i32..40).prop_map(|pieces| f64::from(pieces) * 90.0), 1 => -1e12..1e12_f64, 1 => -200.0..200.0_f64]
}

fn event() -> impl Strategy<Value = (i64, Event)> {
    let of = prop_oneof![Just("tea"), Just("milk"), Just("rice")];
    let at =
        prop_oneof![10 => Just(0_i64), 1 => any::<i64>(), 1 => -1_000_000_000_000_i64..1_000_000_000_000];
    let step = 0_i64..3_000_000;
    (of, quantity(), grams(), 0..12_u8, at, step).prop_map(|(of, quantity, grams, what, skew, step)| {
        let at = 1_767_225_600_000_i64.saturating_add(skew);
        let event = match what {
            0..=2 => sold(of, quantity, at),
            3 => received(of, quantity, at),
            4 => moved(of, quantity, at),
            5 => counted(of, Place::Shelf, quantity, at),
            6 => counted(of, Place::Backroom, quantity, at),
            7 => scale("scale", of, grams.abs().clamp(1e-3, 1e9), at),
            8 => odd("scale", AnomalyKind::Drift, at),
            9 => usual("scale", AnomalyKind::Drift, at),
            10 => listed(of, None, at),
            _ => weighed("scale", grams, at),
        };
        (step, event)
    })
}

/// Moves an event of small skew to where the clock is.
fn at(event: Event, now: i64) -> Event {
    match event {
        Event::SaleRecorded(mut sale) if sale.at.0 == 1_767_225_600_000 => {
            sale.at = Timestamp(now);
            sale.into()
        }
        Event::ReadingsTaken(mut taken) => {
            for reading in &mut taken.readings {
                if reading.at.0 == 1_767_225_600_000 {
                    reading.at = Timestamp(now);
                }
            }
            taken.into()
        }
        other => other,
    }
}

fn told(events: Vec<(i64, Event)>) -> Vec<Event> {
    let mut now = 1_767_225_600_000;
    events
        .into_iter()
        .map(|(step, event)| {
            now += step;
            at(event, now)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_estimate_is_absurd_and_nothing_panics(events in prop::collection::vec(event(), 1..150)) {
        let mut positions = Positions::new(Config { skus_max: 2, ..Config::default() });
        for (seq, event) in (1..).zip(told(events)) {
            positions.apply(seq, &event);
        }
        let view = positions.view();
        prop_assert!(view.len() <= 2);
        for position in view.positions() {
            for estimate in [position.shelf, position.backroom, position.total] {
                prop_assert!(estimate.mean.is_finite() && estimate.mean >= 0.0, "{position:?}");
                prop_assert!(0 <= estimate.low && estimate.low <= estimate.pieces && estimate.pieces <= estimate.high, "{position:?}");
                prop_assert!((0.89..=1.001).contains(&estimate.chance), "{position:?}");
            }
            for chance in [position.gap, position.phantom, position.none] {
                prop_assert!((0.0..=1.001).contains(&chance), "{position:?}");
            }
            for source in &position.sources {
                prop_assert!((0.0..=100.1).contains(&source.weight_percent) && source.pieces.is_finite(), "{source:?}");
            }
            prop_assert!(position.recount_value.is_finite());
        }
        let now = Timestamp(1_767_225_600_000);
        prop_assert!(positions.wanted(now).len() <= 1000 && positions.due(now).len() <= 256);
    }

    #[test]
    fn a_replay_from_any_snapshot_is_the_replay_from_the_start(events in prop::collection::vec(event(), 2..120), cut in 0.0..1.0_f64) {
        let events = told(events);
        let cut = (events.len() as f64 * cut) as usize;
        let mut whole = Positions::new(Config::default());
        let mut halved = Positions::new(Config::default());
        for (seq, event) in (1..).zip(&events) {
            if seq == cut as u64 {
                halved = Positions::decode(Config::default(), &halved.encode()).unwrap();
            }
            whole.apply(seq, event);
            halved.apply(seq, event);
        }
        prop_assert_eq!(whole.encode(), halved.encode());
    }

    #[test]
    fn bytes_that_are_no_snapshot_are_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..4000_usize, to in any::<u8>()) {
        let _ = Positions::decode(Config::default(), &bytes);
        let mut positions = Positions::new(Config::default());
        positions.apply(1, &counted("tea", Place::Shelf, Quantity::each(5), 0));
        positions.apply(2, &scale("scale", "tea", 100.0, 0));
        bytes = positions.encode();
        let index = at % bytes.len();
        bytes[index] = to;
        if let Ok(mut positions) = Positions::decode(Config::default(), &bytes) {
            positions.apply(3, &weighed("scale", 300.0, 1_000));
            positions.apply(4, &sold("tea", Quantity::each(1), i64::MAX));
            let _ = positions.view().positions().count();
        }
    }
}
