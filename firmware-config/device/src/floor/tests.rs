//! The shop keeps its pieces together, and is the same every time.

use super::{
    DAY_MS, Floor, FloorConfig, HOUR_MS, ItemConfig, Place, UnitConfig, What,
    sensor::{Reader, ReaderConfig, Scale, ScaleConfig},
};
use aisle_firmware_config::epc::check_digit;

/// A number with its check digit.
fn gtin14(body: u64) -> String {
    format!("{:014}", body * 10 + check_digit(body))
}

fn shop() -> FloorConfig {
    let item = |n: u32| ItemConfig {
        sku: format!("item-{n}"),
        gtin: Some(gtin14(61_414_000_000 + u64::from(n))),
        tagged: true,
        demand_per_day: f64::from(n) * 3.0,
        stolen_per_day: 0.5,
        misplaced_per_day: 0.5,
        damaged_per_day: 0.3,
        ..ItemConfig::default()
    };
    FloorConfig {
        items: (0..6).map(item).collect(),
        units: vec![UnitConfig { name: "fridge".into(), doors_per_hour: 0.0, ..UnitConfig::default() }],
        ..FloorConfig::default()
    }
}

#[test]
fn no_piece_comes_from_nowhere_or_goes_nowhere() {
    for seed in 0..5 {
        let mut floor = Floor::new(&shop(), seed);
        let mut expected = std::collections::BTreeMap::<String, i64>::new();
        for item in &floor.config().items {
            expected.insert(item.sku.clone(), i64::from(item.shelf_start + item.backroom_start));
        }
        for _ in 0..60 * 24 {
            for happening in floor.advance(HOUR_MS as u64) {
                let (sku, change) = match happening.what {
                    What::Sold { sku, pieces, .. }
                    | What::Stolen { sku, pieces }
                    | What::Damaged { sku, pieces, .. } => (sku, -pieces),
                    What::Received { sku, pieces, .. } | What::Returned { sku, pieces, .. } => (sku, pieces),
                    _ => continue,
                };
                *expected.get_mut(&sku).unwrap() += change;
            }
            for (sku, pieces) in &expected {
                let truth = floor.truth(sku, Place::Shelf)
                    + floor.truth(sku, Place::Backroom)
                    + floor.carried(sku)
                    + floor.misplaced(sku);
                assert_eq!(truth, *pieces, "{sku} with seed {seed} at {}", floor.now_ms());
            }
        }
        assert!(floor.entered() > 0);
    }
}

#[test]
fn the_same_seed_gives_the_same_shop_however_finely_time_is_cut() {
    let config = shop();
    let (mut coarse, mut fine) = (Floor::new(&config, 7), Floor::new(&config, 7));
    let whole = coarse.advance(10 * DAY_MS as u64);
    let parts: Vec<_> = (0..10 * 24).flat_map(|_| fine.advance(HOUR_MS as u64)).collect();
    assert_eq!(whole, parts);
    assert_ne!(whole, Floor::new(&config, 8).advance(10 * DAY_MS as u64));
}

#[test]
fn demand_comes_at_the_rate_that_was_asked_for_and_only_while_the_shop_is_open() {
    let mut config = shop();
    for item in &mut config.items {
        (item.shelf_capacity, item.shelf_start, item.demand_per_day) = (50_000, 50_000, 40.0);
    }
    let mut floor = Floor::new(&config, 1);
    let mut pieces = 0;
    for happening in floor.advance(30 * DAY_MS as u64) {
        if let What::PickedUp { pieces: taken, .. } = happening.what {
            pieces += taken;
            let hour = happening.at_ms.rem_euclid(DAY_MS) / HOUR_MS;
            assert!((8..20).contains(&hour), "a shopper at {hour} o'clock");
        }
    }
    let expected = 6.0 * 40.0 * 30.0;
    assert!((pieces as f64 - expected).abs() < 5.0 * (1.3 * expected).sqrt(), "{pieces} of {expected}");
}

#[test]
fn an_open_door_warms_a_fridge_and_a_closed_one_lets_it_recover() {
    let mut floor = Floor::new(&shop(), 1);
    let before = floor.unit_celsius("fridge").unwrap();
    assert!(floor.open_door("fridge", 300_000));
    floor.advance(300_000);
    let warm = floor.unit_celsius("fridge").unwrap();
    assert!(warm > before + 5.0, "{before} to {warm}");
    floor.advance(3 * HOUR_MS as u64);
    assert!((floor.unit_celsius("fridge").unwrap() - 3.0).abs() < 0.7);
    assert!(floor.break_unit("fridge", true));
    floor.advance(2 * DAY_MS as u64);
    assert!(floor.unit_celsius("fridge").unwrap() > 21.0);
    assert!(!floor.open_door("oven", 1));
    assert_eq!(floor.unit_celsius("oven"), None);
}

#[test]
fn an_emptied_shelf_is_empty_and_its_pieces_are_paid_for() {
    let mut floor = Floor::new(&shop(), 3);
    let on_shelf = floor.truth("item-0", Place::Shelf);
    assert_eq!(floor.empty_shelf("item-0"), on_shelf);
    assert_eq!((floor.truth("item-0", Place::Shelf), floor.carried("item-0")), (0, on_shelf));
    assert_eq!(floor.empty_shelf("nothing"), 0);
}

#[test]
fn a_scale_shows_what_lies_on_the_shelf_and_a_reader_sees_most_tags_of_its_zone() {
    let floor = Floor::new(&shop(), 3);
    let mut scale = Scale::new(&ScaleConfig { disturbed: 0.0, lost: 0.0, ..ScaleConfig::default() }, 1);
    let shown = scale.read(floor.shelf_weight_g("item-1"), floor.now_ms()).unwrap();
    assert!((shown - 12.0 * 250.0).abs() < 60.0, "{shown}");
    let (own, other): (Vec<_>, Vec<_>) =
        (floor.tags(Place::Shelf).collect(), floor.tags(Place::Backroom).collect());
    assert_eq!((own.len(), other.len()), (72, 72));
    let seen = Reader::new(&ReaderConfig::default(), 1).scan(&own, &other, 0);
    assert!((50..=80).contains(&seen.len()), "{}", seen.len());
}

#[test]
fn a_shop_that_cannot_be_is_refused_by_the_name_of_the_field() {
    let mut config = shop();
    config.items[2].demand_per_day = f64::NAN;
    assert_eq!(
        config.validate().unwrap_err().to_string(),
        "`floor.items.item-2.demand_per_day` is NaN, expected a number from 0 to 100000"
    );
    // It does no harm even so.
    assert!(Floor::new(&config, 1).advance(DAY_MS as u64).iter().all(|happening| happening.at_ms > 0));
    config.items.clear();
    assert_eq!(config.validate(), Ok(()));
}
