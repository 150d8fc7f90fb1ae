//! The generated shop: deterministic, well-formed, plausible.

use aisle_event::{Event, Sku, Timestamp, sale, stock::StockCounted};
use aisle_harness::shop::{Plan, PlanError, Shop};
use std::collections::{HashMap, HashSet};

/// Wednesday 19 November 2025, 20:00 UTC.
const END: Timestamp = Timestamp(1_763_582_400_000);
const DAY_MS: i64 = 86_400_000;

fn small(seed: u64) -> Plan {
    Plan { seed, products: 400, days: 21, visits_per_day: 120, end: END }
}

fn events(plan: Plan) -> Vec<Event> {
    Shop::open(plan).expect("a valid plan").collect()
}

/// The time of an event that the shop generates.
fn at(event: &Event) -> Timestamp {
    match event {
        Event::SessionStarted(event) => event.at,
        Event::ProductViewed(event) => event.at,
        Event::ItemsShown(event) => event.at,
        Event::ItemClicked(event) => event.at,
        Event::BasketChanged(event) => event.at,
        Event::Searched(event) => event.at,
        Event::SessionEnded(event) => event.at,
        Event::SaleRecorded(event) => event.at,
        Event::ReturnRecorded(event) => event.at,
        Event::ProductListed(event) => event.at,
        Event::PriceChanged(event) => event.at,
        Event::StockCounted(event) => event.at,
        Event::StockReceived(event) => event.at,
        Event::StockAdjusted(event) => event.at,
        Event::ProductDelisted(event) => event.at,
        other => panic!("a shop does not generate `{}`", other.name()),
    }
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    let bytes = |seed| events(small(seed)).iter().map(Event::encode).collect::<Vec<_>>();
    assert_eq!(bytes(7), bytes(7));
    assert_ne!(bytes(7), bytes(8));
}

#[test]
fn every_event_decodes_to_what_was_encoded() {
    for event in events(small(1)) {
        assert_eq!(Event::decode(event.kind(), &event.encode()).as_ref(), Ok(&event));
    }
}

#[test]
fn time_never_goes_back_and_stops_at_the_end() {
    let times: Vec<Timestamp> = events(small(2)).iter().map(at).collect();
    assert!(times.is_sorted());
    assert!(times.iter().all(|at| *at <= END));
    let first = times[0];
    assert!(END.ms_since(first) < 21 * DAY_MS as u64, "starts at {first:?}");
}

#[test]
fn sessions_begin_before_they_act_and_end_once() {
    let (mut open, mut over) = (HashSet::new(), HashSet::new());
    for event in events(small(3)) {
        match event {
            Event::SessionStarted(event) => assert!(open.insert(event.session)),
            Event::ProductViewed(event) => assert!(open.contains(&event.session)),
            Event::BasketChanged(event) => assert!(open.contains(&event.session)),
            Event::SessionEnded(event) => {
                assert!(open.remove(&event.session), "{} ends without having begun", event.session);
                assert!(over.insert(event.session));
            }
            _ => {}
        }
    }
    assert!(open.is_empty(), "{} sessions stay open", open.len());
}

#[test]
fn nothing_is_sold_before_it_is_listed_or_after_it_is_delisted() {
    let mut listed = HashSet::new();
    for event in events(small(4)) {
        match event {
            Event::ProductListed(event) => assert!(listed.insert(event.sku)),
            Event::ProductDelisted(event) => assert!(listed.remove(&event.sku)),
            Event::SaleRecorded(event) => {
                for line in event.lines {
                    assert!(listed.contains(&line.sku), "{} is sold and not listed", line.sku);
                    assert!(line.quantity.thousandths > 0);
                }
            }
            _ => {}
        }
    }
}

#[test]
fn the_book_never_falls_below_zero_and_counts_only_lower_it() {
    let mut book: HashMap<Sku, i64> = HashMap::new();
    for event in events(small(5)) {
        match event {
            Event::StockReceived(event) => *book.entry(event.sku).or_default() += event.quantity.thousandths,
            Event::StockAdjusted(event) => *book.entry(event.sku).or_default() += event.delta.thousandths,
            Event::StockCounted(StockCounted { sku, on_hand, .. }) => {
                let before = book.insert(sku.clone(), on_hand.thousandths).unwrap_or_default();
                assert!(before >= on_hand.thousandths, "{sku}: the book says {before}, counted {on_hand}");
            }
            Event::ReturnRecorded(event) => {
                for line in event.lines {
                    *book.entry(line.sku).or_default() += line.quantity.thousandths;
                }
            }
            Event::SaleRecorded(event) => {
                for line in event.lines {
                    let left = book.entry(line.sku.clone()).or_default();
                    *left -= line.quantity.thousandths;
                    assert!(*left >= 0, "{} is oversold by {left}", line.sku);
                }
            }
            _ => {}
        }
    }
    let sold_out = book.values().filter(|left| **left == 0).count();
    assert!(sold_out > 0, "some products are sold out in the end");
    assert!(sold_out * 5 < book.len(), "{sold_out} of {} products are sold out", book.len());
}

#[test]
fn the_usual_shop_looks_like_a_grocery() {
    let plan = Plan::usual(20, END);
    let (mut products, mut names, mut weighed) = (0, HashSet::new(), 0);
    let (mut sales, mut lines, mut revenue) = (0_i64, 0_usize, 0_i64);
    let (mut sessions, mut views, mut returns, mut offers) = (0, 0, 0, 0);
    for event in events(plan) {
        match event {
            Event::ProductListed(event) => {
                products += 1;
                weighed += usize::from(event.unit != aisle_event::Unit::Each);
                assert!(event.gtin.is_some() && event.category.is_some());
                assert!((20..9_000).contains(&event.price.minor), "{} costs {}", event.name, event.price);
                assert!(names.insert(event.name.clone()), "{} is there twice", event.name);
            }
            Event::SaleRecorded(event) => {
                sales += 1;
                lines += event.lines.len();
                revenue += sale::total(&event.lines).expect("one currency").minor;
            }
            Event::ReturnRecorded(_) => returns += 1,
            Event::SessionStarted(_) => sessions += 1,
            Event::ProductViewed(_) => views += 1,
            Event::PriceChanged(event) => offers += usize::from(event.valid_until.is_some()),
            _ => {}
        }
    }
    assert_eq!(products, Plan::PRODUCTS);
    assert!((150..500).contains(&weighed), "{weighed} products are weighed");
    let per_day = sales / i64::from(Plan::DAYS);
    assert!((150..300).contains(&per_day), "{per_day} sales a day");
    let basket = lines as f64 / sales as f64;
    assert!((2.0..8.0).contains(&basket), "{basket} lines a basket");
    let worth = revenue / sales;
    assert!((500..4_000).contains(&worth), "an average basket is worth {worth} pence");
    assert!((5_000..12_000).contains(&sessions), "{sessions} sessions");
    assert!(views > 3 * sessions, "{views} views in {sessions} sessions");
    assert!(returns > 50, "{returns} returns");
    assert!(offers > 500, "{offers} offers");
}

#[test]
fn what_belongs_together_is_bought_together() {
    let mut category = HashMap::new();
    let (mut baskets, mut tea, mut biscuits, mut both) = (0.0, 0.0, 0.0, 0.0);
    for event in events(Plan { visits_per_day: 200, ..small(6) }) {
        match event {
            Event::ProductListed(event) => {
                category.insert(event.sku, event.category.expect("has one"));
            }
            Event::SaleRecorded(event) => {
                let has = |name: &str| event.lines.iter().any(|line| category[&line.sku].as_str() == name);
                let (has_tea, has_biscuits) = (has("Tea & Coffee"), has("Biscuits & Cakes"));
                baskets += 1.0;
                tea += f64::from(u8::from(has_tea));
                biscuits += f64::from(u8::from(has_biscuits));
                both += f64::from(u8::from(has_tea && has_biscuits));
            }
            _ => {}
        }
    }
    let lift = both * baskets / (tea * biscuits);
    assert!(lift > 2.0, "tea and biscuits meet {lift} times as often as by chance");
}

#[test]
fn a_plan_that_cannot_be_is_refused_with_its_bounds() {
    let refused = |plan| Shop::open(plan).map(drop).expect_err("refused");
    assert!(matches!(refused(Plan { products: 3, ..small(0) }), PlanError::Products { products: 3, .. }));
    assert!(matches!(refused(Plan { products: 1_000_000, ..small(0) }), PlanError::Products { .. }));
    assert!(matches!(refused(Plan { days: 0, ..small(0) }), PlanError::Days { .. }));
    assert!(matches!(refused(Plan { end: Timestamp(0), ..small(0) }), PlanError::End { .. }));
}
