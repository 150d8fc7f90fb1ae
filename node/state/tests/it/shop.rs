//! What each event does to the shop.

use crate::store::{
    StoreUnderTest, at, basket, counted, ended, kiosk_sale, line, listed, sale, session, sku, started, viewed,
};
use aisle_event::{
    Currency, Event, Money, Quantity, Unit, Unknown,
    inventory::PositionSensed,
    sale::ReturnRecorded,
    stock::{PriceChanged, ProductDelisted, StockReceived},
};
use aisle_journal::Entry;
use aisle_state::{Stock, VisitKind};

fn on_hand(shop: &aisle_state::Shop, number: u32) -> Option<i64> {
    match shop.product(sku(number).as_str()).unwrap().stock {
        Stock::Unknown => None,
        Stock::Known { on_hand, .. } => Some(on_hand.thousandths / 1000),
    }
}

#[test]
fn a_listed_product_is_on_offer_with_unknown_stock() {
    let store = StoreUnderTest::start();
    let shop = store.apply([listed(1, 250)]);
    let product = shop.product("SKU-1").unwrap();
    assert_eq!(product.price, Money::new(250, Currency::GBP));
    assert!(product.in_stock() && on_hand(&shop, 1).is_none());
    assert_eq!(shop.prices_as_of, Some(at(0)));
}

#[test]
fn stock_follows_counts_sales_returns_and_deliveries() {
    let store = StoreUnderTest::start();
    let shop = store.apply([listed(1, 250), counted(1, 10), sale("1", vec![line(1, 1, 4)]).into()]);
    assert_eq!(on_hand(&shop, 1), Some(6));
    let back = sale("C2", vec![line(1, 1, 1)]);
    let back = ReturnRecorded {
        source: back.source,
        document: back.document,
        lines: back.lines,
        at: at(7),
        customer: None,
        country: None,
        unknown: Unknown::default(),
    };
    let shop = store.apply([back.into()]);
    assert_eq!(on_hand(&shop, 1), Some(7));
    let delivery = StockReceived {
        sku: sku(1),
        quantity: Quantity::each(5),
        lot: None,
        at: at(8),
        expires: None,
        unknown: Unknown::default(),
    };
    let shop = store.apply([delivery.into(), sale("3", vec![line(1, 1, 12)]).into()]);
    assert_eq!(on_hand(&shop, 1), Some(0));
    assert!(!shop.product("SKU-1").unwrap().in_stock());
}

#[test]
fn selling_out_and_coming_back_change_the_stock_version_and_nothing_else_does() {
    let store = StoreUnderTest::start();
    let before = store.apply([listed(1, 250), counted(1, 2)]).stock_version;
    assert_eq!(store.apply([sale("1", vec![line(1, 1, 1)]).into()]).stock_version, before);
    assert_eq!(store.apply([sale("2", vec![line(1, 1, 1)]).into()]).stock_version, before + 1);
    assert_eq!(store.apply([counted(1, 9)]).stock_version, before + 2);
}

#[test]
fn a_price_change_keeps_stock_and_says_since_when() {
    let store = StoreUnderTest::start();
    let price = PriceChanged {
        sku: sku(1),
        price: Money::new(300, Currency::GBP),
        at: at(9),
        valid_until: Some(at(99)),
        unknown: Unknown::default(),
    };
    let shop = store.apply([listed(1, 250), counted(1, 2), price.into()]);
    let product = shop.product("SKU-1").unwrap();
    assert_eq!(
        (product.price.minor, product.priced_at, product.price_valid_until),
        (300, at(9), Some(at(99)))
    );
    assert_eq!(on_hand(&shop, 1), Some(2));
    assert_eq!(shop.prices_as_of, Some(at(9)));
}

#[test]
fn a_delisted_product_is_gone() {
    let store = StoreUnderTest::start();
    let gone = ProductDelisted { sku: sku(1), at: at(9), unknown: Unknown::default() };
    assert!(store.apply([listed(1, 250), gone.into()]).product("SKU-1").is_none());
}

#[test]
fn a_session_remembers_views_and_basket_until_it_ends_and_then_becomes_a_visit() {
    let store = StoreUnderTest::start();
    let shop = store.apply([started(1), viewed(1, 5), viewed(1, 6), viewed(1, 5), basket(1, 6, 2)]);
    let open = shop.session("session-1").unwrap();
    assert_eq!(open.viewed, [sku(6), sku(5)]);
    assert_eq!(open.basket.len(), 1);
    let shop = store.apply([basket(1, 6, 0)]);
    assert!(shop.session("session-1").unwrap().basket.is_empty());
    let shop = store.apply([ended(1)]);
    assert!(shop.session("session-1").is_none());
    let visit = shop.recent.back().unwrap();
    assert_eq!((visit.kind, visit.items.as_slice()), (VisitKind::Browse, [sku(6), sku(5)].as_slice()));
    assert_eq!(
        store.state().history().map(|row| row.unwrap().items).collect::<Vec<_>>(),
        [vec![sku(6), sku(5)]]
    );
}

#[test]
fn a_kiosk_sale_leaves_a_receipt_that_its_key_and_its_number_find() {
    let store = StoreUnderTest::start();
    store.apply([listed(1, 250), kiosk_sale(1, "K-1", "key-1", vec![line(1, 1, 2)]).into()]);
    let receipt = store.state().receipt("key-1").unwrap().expect("found by key");
    assert_eq!(receipt.total, Money::new(500, Currency::GBP));
    assert_eq!(receipt.session, Some(session(1)));
    assert_eq!(store.state().receipt_of("K-1").unwrap(), Some(receipt));
    assert_eq!(store.state().receipt("key-2").unwrap(), None);
}

#[test]
fn an_arm_counts_what_its_sessions_did() {
    let store = StoreUnderTest::start();
    let shop =
        store.apply([started(1), basket(1, 6, 2), kiosk_sale(1, "K-1", "k", vec![line(1, 6, 2)]).into()]);
    let counters = shop.experiments.get("ranking/a").unwrap();
    assert_eq!((counters.sessions, counters.adds, counters.purchases), (1, 1, 1));
}

#[test]
fn what_has_nothing_to_act_on_is_counted_and_harms_nothing() {
    let store = StoreUnderTest::start();
    let kilos = aisle_event::stock::StockCounted {
        sku: sku(1),
        on_hand: Quantity { thousandths: 1, unit: Unit::Kilogram },
        at: at(1),
        unknown: Unknown::default(),
    };
    store.apply([listed(1, 250), counted(2, 5), kilos.into(), ended(7)]);
    assert_eq!(store.state().health().without_effect, 3);
}

#[test]
fn records_that_do_not_decode_or_come_from_the_future_are_passed_over_and_counted() {
    let store = StoreUnderTest::start();
    let future = Event::Unknown { kind: aisle_event::EventType(0x7001), payload: vec![1, 2].into() };
    store.append([future]);
    store.journal.append(vec![Entry { kind: 0x0301, payload: vec![0xff] }]).unwrap();
    let shop = store.apply([listed(1, 250)]);
    assert!(shop.product("SKU-1").is_some());
    assert_eq!(store.state().health().undecodable, 1);
}

#[tokio::test]
async fn a_writer_waits_until_the_snapshot_holds_its_record() {
    let store = StoreUnderTest::start();
    let event = listed(1, 250);
    let committed =
        store.journal.append(vec![Entry { kind: event.kind().0, payload: event.encode() }]).unwrap();
    store.state().wait_applied(committed.last).await.unwrap();
    assert!(store.state().shop().product("SKU-1").is_some());
}

fn concluded(pieces: i64, sellable: bool) -> Event {
    PositionSensed {
        sku: sku(1),
        on_hand: Quantity::each(pieces),
        low: Quantity::each(0),
        high: Quantity::each(pieces + 1),
        none_permille: if sellable { 20 } else { 940 },
        sellable,
        at: at(3),
        unknown: Unknown::default(),
    }
    .into()
}

#[test]
fn what_is_sensed_decides_whether_a_product_can_be_sold() {
    let store = StoreUnderTest::start();
    let before = store.apply([listed(1, 250), counted(1, 10)]);
    let shop = store.apply([concluded(0, false)]);
    let product = shop.product("SKU-1").unwrap();
    assert!(!product.in_stock(), "the book still says ten");
    assert_eq!(on_hand(&shop, 1), Some(10));
    assert_eq!(product.available(), Stock::Known { on_hand: Quantity::each(0), as_of: at(3) });
    assert!(shop.stock_version > before.stock_version, "cached recommendations are told");
}

#[test]
fn news_in_the_book_ends_what_was_sensed() {
    let store = StoreUnderTest::start();
    store.apply([listed(1, 250), counted(1, 0), concluded(3, true)]);
    let shop = store.apply([sale("1", vec![line(1, 1, 2)]).into()]);
    assert!(shop.product("SKU-1").unwrap().in_stock(), "one of the three is left");
    let shop = store.apply([sale("2", vec![line(1, 1, 1)]).into()]);
    assert!(
        !shop.product("SKU-1").unwrap().in_stock(),
        "nothing of the estimate is left, and the book has none"
    );
    let shop = store.apply([concluded(0, false), counted(1, 4)]);
    assert!(shop.product("SKU-1").unwrap().in_stock(), "somebody has just counted four");
}
