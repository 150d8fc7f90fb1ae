//! Every bound keeps what is newest and says what it drops.

use crate::store::{StoreUnderTest, basket, kiosk_sale, line, sale, started, viewed};
use aisle_state::{Config, State};
use prometheus_client::registry::Registry;

#[test]
fn history_keeps_the_latest_and_drops_the_oldest() {
    let store = StoreUnderTest::start_with(Config { history_max: 10, ..Config::default() });
    for number in 0..30 {
        store.apply([sale(&format!("doc-{number}"), vec![line(1, number, 1)]).into()]);
    }
    let kept: Vec<u64> = store.state().history().map(|visit| visit.unwrap().seq).collect();
    assert_eq!(kept, (21..=30).collect::<Vec<_>>());
}

#[test]
fn receipts_go_together_with_their_keys() {
    let store = StoreUnderTest::start_with(Config { receipts_max: 3, ..Config::default() });
    for number in 0..9 {
        let (document, key) = (format!("K-{number}"), format!("key-{number}"));
        store.apply([kiosk_sale(1, &document, &key, vec![line(1, 1, 1)]).into()]);
    }
    assert!(store.state().receipt_of("K-0").unwrap().is_none());
    assert!(store.state().receipt("key-0").unwrap().is_none());
    assert!(store.state().receipt("key-8").unwrap().is_some());
}

#[test]
fn a_session_nobody_touched_for_its_time_to_live_is_over_and_its_basket_gone() {
    let store = StoreUnderTest::start_with(Config { session_ttl_ms: 60_000, ..Config::default() });
    store.apply([started(1), viewed(1, 5), basket(1, 5, 1)]);
    store.io.set_clock_ms(1_700_000_000_000 + 120_000);
    let shop = store.apply([started(2)]);
    assert!(shop.session("session-1").is_none());
    assert!(shop.session("session-2").is_some());
    assert_eq!(shop.recent.len(), 1);
}

#[test]
fn the_session_touched_longest_ago_makes_room() {
    let store = StoreUnderTest::start_with(Config { sessions_max: 3, ..Config::default() });
    let touches = [started(0), started(1), started(2), viewed(0, 1), started(3), started(4)];
    for (minute, touch) in (0..).zip(touches) {
        store.io.set_clock_ms(1_700_000_000_000 + minute * 60_000);
        store.apply([touch]);
    }
    let shop = store.state().shop();
    let mut open: Vec<_> = shop.sessions.keys().map(ToString::to_string).collect();
    open.sort_unstable();
    assert_eq!(open, ["session-0", "session-3", "session-4"]);
}

#[test]
fn a_bound_of_zero_is_refused_by_name() {
    let store = StoreUnderTest::start();
    let config = Config { history_max: 0, ..Config::default() };
    let dir = tempfile::tempdir().unwrap();
    let error = State::open(dir.path(), config, &store.journal, &mut Registry::default()).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "`history_max` is 0, expected at least 1");
}
