//! Clocks that lie.

use super::*;

const YEAR: i64 = 365 * 24 * HOUR;

#[test]
fn one_reading_from_another_decade_changes_nothing() {
    let mut store = Store::fridge();
    store.minutes(120, 12.0);
    let before = store.unit("fridge").counted_s;
    store.read_at("probe", 3.0, MIDNIGHT + 60 * YEAR);
    store.read_at("probe", 3.0, MIDNIGHT - 30 * YEAR);
    assert_eq!(store.unit("fridge").counted_s, before);
    store.minutes(30, 12.0);
    assert_eq!(store.unit("fridge").counted_s, before + 30 * 60);
}

#[test]
fn a_store_that_woke_up_in_1970_goes_on_when_it_knows_the_time() {
    let mut store = Store::new();
    store.now = 0;
    store.define("fridge", ColdGroup::Chilled);
    store.place("probe", "fridge");
    store.minutes(60, 3.0);
    store.now = MIDNIGHT;
    store.minutes(60, 3.0);
    assert_eq!(store.state(), State::Ok);
    store.minutes(60, 12.0);
    assert_eq!(store.state(), State::Excursion);
}

#[test]
fn a_store_that_believed_in_2090_comes_back() {
    let mut store = Store::fridge();
    store.minutes(60, 3.0);
    let now = store.now;
    store.now = MIDNIGHT + 64 * YEAR;
    store.minutes(60, 3.0);
    store.now = now;
    store.minutes(60, 3.0);
    assert_eq!(store.state(), State::Ok);
    store.minutes(60, 12.0);
    assert_eq!(store.state(), State::Excursion);
    assert!(store.unit("fridge").history.slots(MIDNIGHT, now).len() >= 12);
}

#[test]
fn times_at_the_ends_of_the_range_harm_nobody() {
    let mut store = Store::fridge();
    for at in [i64::MIN, i64::MAX, i64::MIN + 1, 0, i64::MAX - 1] {
        for _ in 0..6 {
            store.read_at("probe", 9.0, at);
        }
        let view = store.unit("fridge");
        for now in [i64::MIN, 0, i64::MAX] {
            let _ = (view.state(Timestamp(now), 900), view.left_s(Timestamp(now)), view.discard_at());
            let _ = (store.cold.due(Timestamp(now)), store.cold.wanted(Timestamp(now)));
        }
    }
}
