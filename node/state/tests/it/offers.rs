//! What plugins and their events do to the shop: dates of lots, products kept from being sold, customers, coupons, receipts.

use crate::store::{
    StoreUnderTest, at, basket, counted, ended, essence, kiosk_sale, line, listed, sale, session, sku,
    started,
};
use aisle_event::{
    Currency, CustomerRef, Day, Event, Money, Name, Quantity, Text, Timestamp, Unknown,
    plugin::{PluginKept, ProductSuppressed},
    sale::{Adjustment, AdjustmentKind, Points, Repriced, SaleLine, SaleRecorded},
    shopper::{CouponEntered, CustomerNamed},
    stock::{ProductDelisted, StockReceived},
};
use aisle_state::{COUPONS_MAX, Config, Shop};
use jiff::tz::TimeZone;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn text(text: &str) -> Text {
    Text::new(text.to_owned()).unwrap()
}

fn received(pieces: i64, day: Option<i32>, minutes: i64) -> Event {
    StockReceived {
        sku: sku(1),
        quantity: Quantity::each(pieces),
        lot: None,
        at: at(minutes),
        expires: day.map(|day| Day(at(0).day().0 + day)),
        unknown: Unknown::default(),
    }
    .into()
}

fn delisted() -> Event {
    ProductDelisted { sku: sku(1), at: at(8), unknown: Unknown::default() }.into()
}

/// In how many days product 1 expires, counted from the first day.
fn expires(shop: &Shop) -> Option<i32> {
    shop.product("SKU-1").unwrap().expires.map(|day| day.0 - at(0).day().0)
}

const DAY_MIN: i64 = 24 * 60;

#[test]
fn the_soonest_date_that_is_not_over_is_known_until_there_is_none_left() {
    let store = StoreUnderTest::start();
    assert_eq!(expires(&store.apply([listed(1, 250), received(5, None, 1)])), None);
    assert_eq!(expires(&store.apply([received(5, Some(9), 2)])), Some(9));
    assert_eq!(expires(&store.apply([received(5, Some(4), 3)])), Some(4));
    assert_eq!(expires(&store.apply([received(5, Some(20), 4)])), Some(4));
    assert_eq!(expires(&store.apply([received(5, None, 5)])), Some(4), "a lot without a date says nothing");
    let later = received(5, Some(20), 5 * DAY_MIN);
    assert_eq!(expires(&store.apply([later])), Some(20), "what is over is not compared with");
    assert_eq!(expires(&store.apply([sale("1", vec![line(1, 1, 29)]).into()])), Some(20));
    assert_eq!(expires(&store.apply([sale("2", vec![line(1, 1, 1)]).into()])), None, "sold out");
    assert_eq!(expires(&store.apply([received(5, Some(30), 6), counted(1, 0)])), None, "counted none");
    assert_eq!(expires(&store.apply([received(5, Some(30), 7), listed(1, 260)])), Some(30));
}

#[test]
fn a_date_that_is_over_is_known_only_where_there_is_no_better() {
    let store = StoreUnderTest::start();
    assert_eq!(expires(&store.apply([listed(1, 250), received(5, Some(-2), 1)])), Some(-2));
    assert_eq!(expires(&store.apply([received(5, Some(-3), 2)])), Some(-2), "the better of two bad ones");
    assert_eq!(expires(&store.apply([received(5, Some(9), 3)])), Some(9));
    assert_eq!(expires(&store.apply([received(5, Some(-1), 4)])), Some(9), "old goods hide no good date");
    assert_eq!(expires(&store.apply([received(5, Some(0), 5)])), Some(0), "today is not over");
}

#[test]
fn a_date_is_over_when_the_day_is_in_the_stores_own_zone() {
    // It is early afternoon in London; in Auckland it is the night to the next day.
    let auckland = TimeZone::get("Pacific/Auckland").unwrap();
    let store = StoreUnderTest::start_with(Config { zone: auckland, ..Config::default() });
    store.apply([listed(1, 250), received(5, Some(0), 1)]);
    assert_eq!(expires(&store.apply([received(5, Some(4), 2)])), Some(4), "it ended at midnight");
    let london = StoreUnderTest::start();
    london.apply([listed(1, 250), received(5, Some(0), 1)]);
    assert_eq!(expires(&london.apply([received(5, Some(4), 2)])), Some(0));
    // Nine hours earlier it is the evening before in Los Angeles.
    let los_angeles = TimeZone::get("America/Los_Angeles").unwrap();
    let store = StoreUnderTest::start_with(Config { zone: los_angeles, ..Config::default() });
    store.apply([listed(1, 250), received(5, Some(-1), -9 * 60)]);
    assert_eq!(expires(&store.apply([received(5, Some(4), -9 * 60)])), Some(-1), "it has some hours left");
}

fn suppressed_by(plugin: &str, until: Option<Timestamp>) -> Event {
    ProductSuppressed {
        sku: sku(1),
        until,
        reason: text("Too warm"),
        plugin: name(plugin),
        at: at(1),
        unknown: Unknown::default(),
    }
    .into()
}

fn suppressed(until: Option<Timestamp>) -> Event {
    suppressed_by("cold-chain", until)
}

/// Who keeps product 1 from being sold, and until when.
fn held(shop: &Shop) -> Option<(String, Timestamp)> {
    let held = shop.product("SKU-1").unwrap().suppressed.as_ref();
    held.map(|it| (it.plugin.to_string(), it.until))
}

#[test]
fn a_product_is_kept_from_being_sold_until_an_event_ends_it_and_not_by_a_clock() {
    let store = StoreUnderTest::start();
    let before = store.apply([listed(1, 250)]);
    let shop = store.apply([suppressed(Some(at(2)))]);
    let product = shop.product("SKU-1").unwrap();
    assert!(!product.in_stock());
    assert_eq!(
        product.suppressed.as_ref().map(|it| (it.until, it.reason.as_str())),
        Some((at(2), "Too warm"))
    );
    assert_eq!(shop.stock_version, before.stock_version + 1, "cached recommendations are told");
    let shop = store.apply([counted(1, 9), received(5, None, 500), listed(1, 260)]);
    assert!(!shop.product("SKU-1").unwrap().in_stock(), "more stock, a new price and time change nothing");
    let shop = store.apply([suppressed(None)]);
    assert!(shop.product("SKU-1").unwrap().in_stock());
    assert_eq!(shop.stock_version, before.stock_version + 2);
}

#[test]
fn nobody_frees_early_what_another_plugin_holds_back() {
    let store = StoreUnderTest::start();
    let by = |plugin: &str, minutes| Some((plugin.to_owned(), at(minutes)));
    store.apply([listed(1, 250), suppressed(Some(at(100)))]);
    let shop = store.apply([suppressed_by("recall", Some(at(50))), suppressed_by("recall", None)]);
    assert_eq!(held(&shop), by("cold-chain", 100));
    let shop = store.apply([suppressed_by("recall", Some(at(200)))]);
    assert_eq!(held(&shop), by("recall", 200), "the longer one takes over");
    let shop = store.apply([suppressed(None), suppressed_by("recall", Some(at(50)))]);
    assert_eq!(held(&shop), by("recall", 50), "its own it may shorten");
    assert_eq!(held(&store.apply([suppressed_by("recall", None)])), None);
}

#[test]
fn what_one_plugin_lets_go_of_is_held_as_long_as_another_one_wants_also_across_a_restart() {
    let mut store = StoreUnderTest::start();
    let by = |plugin: &str, minutes| Some((plugin.to_owned(), at(minutes)));
    let shop = store.apply([
        listed(1, 250),
        suppressed(Some(at(100))),
        suppressed_by("recall", Some(at(200))),
        suppressed_by("dates", Some(at(50))),
    ]);
    assert_eq!(held(&shop), by("recall", 200), "what lasts longest is shown");
    let version = shop.stock_version;
    store.stop_state();
    store.start_state();
    assert!(store.opened.rebuilt.is_none());
    let shop = store.apply([suppressed_by("recall", None)]);
    assert_eq!(held(&shop), by("cold-chain", 100), "it is not free: another one holds it");
    let shop = store.apply([suppressed(None)]);
    assert_eq!((held(&shop), shop.stock_version), (by("dates", 50), version));
    let shop = store.apply([suppressed_by("dates", None)]);
    assert_eq!((held(&shop), shop.stock_version), (None, version + 1));
}

#[test]
fn of_many_plugins_that_hold_a_product_those_that_would_end_first_are_forgotten() {
    let store = StoreUnderTest::start();
    let plugins: Vec<String> = (0..20).map(|number| format!("plugin-{number}")).collect();
    let holds = plugins.iter().zip(10..).map(|(plugin, minutes)| suppressed_by(plugin, Some(at(minutes))));
    store.apply([listed(1, 250)].into_iter().chain(holds).collect::<Vec<_>>());
    let frees = plugins.iter().rev().take(5).map(|plugin| suppressed_by(plugin, None));
    let shop = store.apply(frees.collect::<Vec<_>>());
    assert_eq!(held(&shop), Some(("plugin-14".to_owned(), at(24))));
    assert_eq!(held(&store.apply([suppressed_by("plugin-14", None)])), None);
}

#[test]
fn a_product_that_was_off_the_list_comes_back_as_it_is_held_by_then() {
    let mut store = StoreUnderTest::start();
    store.apply([listed(1, 250), suppressed(Some(at(100))), delisted()]);
    assert!(!store.apply([listed(1, 260)]).product("SKU-1").unwrap().in_stock());
    store.apply([delisted(), suppressed(None)]);
    assert_eq!(held(&store.apply([listed(1, 250)])), None, "what ended meanwhile has ended");
    store.apply([delisted(), suppressed(Some(at(200)))]);
    store.stop_state();
    store.start_state();
    assert!(store.opened.rebuilt.is_none());
    let after = held(&store.apply([listed(1, 250)]));
    assert_eq!(after, Some(("cold-chain".to_owned(), at(200))), "the index has it beside the products");
    store.apply([delisted()]);
    store.state().checkpoint().unwrap();
    store.stop_state();
    std::fs::remove_dir_all(store.index_dir()).unwrap();
    store.start_state();
    assert!(store.opened.rebuilt.as_ref().unwrap().from_seq > 1, "it begins at the checkpoint");
    assert_eq!(held(&store.apply([listed(1, 250)])), after);
}

fn named(customer: Option<&str>, tier: Option<&str>) -> Event {
    CustomerNamed {
        session: session(1),
        customer: customer.map(|token| CustomerRef::new(token).unwrap()),
        tier: tier.map(name),
        at: at(3),
        unknown: Unknown::default(),
    }
    .into()
}

fn coupon(code: &str, entered: bool) -> Event {
    CouponEntered { session: session(1), code: name(code), entered, at: at(3), unknown: Unknown::default() }
        .into()
}

#[test]
fn a_session_knows_its_customer_and_coupons_until_they_are_taken_away_or_it_ends() {
    let store = StoreUnderTest::start();
    let shop =
        store.apply([started(1), named(Some("c-1"), Some("gold")), coupon("A", true), coupon("B", true)]);
    let open = shop.session("session-1").unwrap();
    let customer = open.customer.as_ref().unwrap();
    assert_eq!((customer.token.as_str(), customer.tier.as_ref()), ("c-1", Some(&name("gold"))));
    assert_eq!(open.coupons, [name("A"), name("B")]);
    let shop = store.apply([coupon("A", false), coupon("C", false), named(None, Some("gold"))]);
    let open = shop.session("session-1").unwrap();
    assert_eq!((&open.customer, open.coupons.as_slice()), (&None, [name("B")].as_slice()));
    let many = (0..20).map(|number| coupon(&format!("N{number}"), true));
    assert_eq!(store.apply(many).session("session-1").unwrap().coupons.len(), COUPONS_MAX);
    store.apply([ended(1)]);
    assert!(store.apply([started(1)]).session("session-1").unwrap().coupons.is_empty());
}

fn sold_with_offers() -> SaleRecorded {
    let unknown = Unknown::default;
    let off = |line, kind, minor| Adjustment {
        line,
        kind,
        amount: Money::new(minor, Currency::GBP),
        plugin: name("multi-buy"),
        version: name("1.0.0"),
        reason: text("3 for 2"),
        unknown: unknown(),
    };
    let repriced = Repriced {
        list_price: Money::new(300, Currency::GBP),
        plugin: name("markdown"),
        version: name("1.0.0"),
        reason: text("Today"),
        unknown: unknown(),
    };
    let points = Points {
        count: 5,
        plugin: name("loyalty"),
        version: name("1.0.0"),
        reason: text("A point a pound"),
        unknown: unknown(),
    };
    SaleRecorded {
        adjustments: vec![
            off(Some(1), AdjustmentKind::Discount, 250),
            off(Some(1), AdjustmentKind::TakeBack, -50),
            off(None, AdjustmentKind::BasketDiscount, 100),
        ],
        points: vec![points],
        ..kiosk_sale(1, "K-1", "key-1", vec![SaleLine { repriced: Some(repriced), ..line(1, 1, 3) }])
    }
}

#[test]
fn a_receipt_has_what_came_off_and_its_total_counts_it() {
    let store = StoreUnderTest::start();
    let sold = sold_with_offers();
    store.apply([listed(1, 300), sold.clone().into()]);
    let receipt = store.state().receipt("key-1").unwrap().unwrap();
    assert_eq!(receipt.total, Money::new(750 - 250 + 50 - 100, Currency::GBP));
    assert_eq!(
        (receipt.lines, receipt.adjustments, receipt.points),
        (sold.lines, sold.adjustments, sold.points)
    );
}

#[test]
fn a_restart_and_a_lost_index_give_the_same_shop_with_all_of_it() {
    let mut store = StoreUnderTest::start();
    let kept = PluginKept { plugin: name("coupon"), writes: vec![], at: at(3), unknown: Unknown::default() };
    store.apply([
        listed(1, 250),
        received(5, Some(9), 2),
        suppressed(Some(at(90))),
        started(1),
        named(Some("c-1"), None),
        coupon("A", true),
        kept.into(),
        basket(1, 1, 1),
        sold_with_offers().into(),
    ]);
    let before = essence(&store.state().shop());
    store.stop_state();
    store.start_state();
    assert_eq!(essence(&store.state().shop()), before);
    assert!(store.opened.rebuilt.is_none());
    store.stop_state();
    std::fs::remove_dir_all(store.index_dir()).unwrap();
    store.start_state();
    assert_eq!(essence(&store.state().shop()), before);
    assert_eq!(store.state().receipt("key-1").unwrap().unwrap().points.len(), 1);
}
