//! Aggregates: never below `k`, never told twice, paid from a budget that survives.

use crate::support::{Seeded, contains, items, log, node, policy, region, trusted};
use aisle_event::{
    CustomerRef, DocumentId, Event, Money, Quantity, Sku, SourceName, Timestamp, Unknown,
    sale::{SaleLine, SaleRecorded},
};
use aisle_protocol::Chain;
use aisle_residency::{
    Aggregator, Egress, Entropy, TrustedPolicy, Verifier,
    aggregate::{self, Aggregate, Budget, BudgetError},
    entropy::NoEntropy,
    receipt::{Cursor, Draft, Misfit, Presented, Refusal},
};
use minicbor::Decoder;
use proptest::prelude::*;
use std::collections::BTreeMap;

const DAY: i64 = 86_400_000;

fn sums(noise: &str) -> TrustedPolicy {
    trusted(&policy(&format!(
        "[[rule]]\nto = [\"eu\"]\nfields = [\"SaleRecorded.at\", \"SaleRecorded.document\", \"SaleRecorded.lines.sku\", \"SaleRecorded.lines.quantity\"]\naction = \"aggregate\"\n\
         [[aggregate]]\nname = \"by-article\"\nto = \"eu\"\nevent = \"SaleRecorded\"\ntime = \"SaleRecorded.at\"\nwindow = \"day\"\n\
         keys = [{{ field = \"SaleRecorded.lines.sku\" }}]\nsums = [{{ field = \"SaleRecorded.lines.quantity\", at_most = 20000 }}]\n\
         each = \"SaleRecorded.document\"\nk = 3\nrows_max = 2\n{noise}\n"
    )))
}

fn sale(document: u32, day: i64, skus: &[(&str, i64)]) -> Event {
    let line = |(at, (sku, pieces)): (usize, &(&str, i64))| SaleLine {
        line: at as u32 + 1,
        sku: Sku::new(sku).unwrap(),
        quantity: Quantity::each(*pieces),
        unit_price: Money::new(100, aisle_event::Currency::EUR),
        repriced: None,
        unknown: Unknown::default(),
    };
    SaleRecorded {
        source: SourceName::new("till").unwrap(),
        document: DocumentId::new(format!("CANARY-{document}")).unwrap(),
        lines: skus.iter().enumerate().map(line).collect(),
        at: Timestamp(day * DAY + 3_600_000),
        session: None,
        customer: Some(CustomerRef::new("CANARY-carla").unwrap()),
        country: None,
        idempotency_key: None,
        arm: None,
        adjustments: Vec::new(),
        points: Vec::new(),
        unknown: Unknown::default(),
    }
    .into()
}

#[derive(Debug, PartialEq, Eq)]
struct Told {
    start: i64,
    key: String,
    contributors: u64,
    thousandths: i64,
}

fn read(egress: &Egress<Aggregate>) -> Told {
    assert_eq!(egress.kind(), aggregate::KIND);
    assert!(!contains(egress.payload(), "CANARY"));
    let mut decoder = Decoder::new(egress.payload());
    assert_eq!(decoder.map().unwrap(), Some(6));
    let mut field = |number: u64| {
        assert_eq!(decoder.u64().unwrap(), number);
        decoder.position()
    };
    field(1);
    assert_eq!(decoder.str().unwrap(), "by-article");
    decoder.u64().unwrap();
    let start = decoder.i64().unwrap();
    decoder.u64().unwrap();
    assert_eq!(decoder.i64().unwrap(), DAY);
    decoder.u64().unwrap();
    decoder.array().unwrap();
    let key = decoder.str().unwrap().to_owned();
    decoder.u64().unwrap();
    let contributors = decoder.u64().unwrap();
    decoder.u64().unwrap();
    decoder.array().unwrap();
    decoder.array().unwrap();
    let thousandths = decoder.i64().unwrap();
    Told { start, key, contributors, thousandths }
}

fn close(aggregator: &mut Aggregator, before_day: i64, budget: &mut Budget) -> (Vec<Told>, u64, usize) {
    let closed = aggregator.close(Timestamp(before_day * DAY), budget, &mut Seeded::new(1)).unwrap();
    (closed.told.iter().map(read).collect(), closed.groups_too_small, closed.without_budget.len())
}

#[test]
fn a_group_is_told_when_k_documents_are_in_it_and_not_before() {
    let policy = sums("");
    let mut aggregator = Aggregator::new(&policy, &region("eu"), &[1; 32]);
    for document in 0..3 {
        aggregator.add(&sale(document, 10, &[("tea", 2)]));
    }
    aggregator.add(&sale(0, 10, &[("milk", 1)]));
    // One document many times is one document.
    (0..9).for_each(|_| aggregator.add(&sale(7, 10, &[("milk", 1)])));
    let (told, too_small, _) = close(&mut aggregator, 11, &mut Budget::new());
    assert_eq!(told, [Told { start: 10 * DAY, key: "tea".into(), contributors: 3, thousandths: 6000 }]);
    assert_eq!(too_small, 1);
    assert_eq!(aggregator.left_out(), 7, "rows of one document beyond two");
}

#[test]
fn a_window_is_told_when_it_is_over_and_only_once() {
    let policy = sums("");
    let mut aggregator = Aggregator::new(&policy, &region("eu"), &[1; 32]);
    (0..3).for_each(|document| aggregator.add(&sale(document, 10, &[("tea", 2)])));
    let mut budget = Budget::new();
    assert!(close(&mut aggregator, 10, &mut budget).0.is_empty(), "the day is not over");
    assert_eq!(close(&mut aggregator, 11, &mut budget).0.len(), 1);
    (3..9).for_each(|document| aggregator.add(&sale(document, 10, &[("tea", 2)])));
    assert!(close(&mut aggregator, 12, &mut budget).0.is_empty(), "late rows tell nothing more");
    assert_eq!(aggregator.left_out(), 6);
}

#[test]
fn one_row_adds_no_more_than_its_bound() {
    let mut aggregator = Aggregator::new(&sums(""), &region("eu"), &[1; 32]);
    (0..3).for_each(|document| aggregator.add(&sale(document, 10, &[("tea", 5000)])));
    assert_eq!(close(&mut aggregator, 11, &mut Budget::new()).0[0].thousandths, 3 * 20_000);
}

#[test]
fn a_restart_in_the_middle_changes_nothing() {
    let policy = sums("");
    let mut whole = Aggregator::new(&policy, &region("eu"), &[1; 32]);
    let mut cut = Aggregator::new(&policy, &region("eu"), &[1; 32]);
    for document in 0..20 {
        let event = sale(document, i64::from(document % 3), &[("tea", 1), ("milk", 2)]);
        whole.add(&event);
        cut.add(&event);
        let bytes = cut.encode();
        assert!(!contains(&bytes, "CANARY"));
        cut = Aggregator::resume(&policy, &region("eu"), &[1; 32], &bytes).unwrap();
    }
    assert_eq!(close(&mut whole, 9, &mut Budget::new()), close(&mut cut, 9, &mut Budget::new()));
}

#[test]
fn a_rule_that_changed_does_not_go_on_with_what_another_counted() {
    let mut aggregator = Aggregator::new(&sums(""), &region("eu"), &[1; 32]);
    (0..3).for_each(|document| aggregator.add(&sale(document, 10, &[("tea", 2)])));
    let other = sums("noise = { epsilon = \"1.0\", budget = \"1.0\", budget_days = 30 }");
    let mut resumed = Aggregator::resume(&other, &region("eu"), &[1; 32], &aggregator.encode()).unwrap();
    let (told, too_small, _) = close(&mut resumed, 11, &mut Budget::new());
    assert_eq!((told.len(), too_small), (0, 0));
}

#[test]
fn noise_is_paid_for_and_the_budget_survives() {
    let policy = sums("noise = { epsilon = \"1.0\", budget = \"2.0\", budget_days = 30 }");
    let mut budget = Budget::new();
    let mut aggregator = Aggregator::new(&policy, &region("eu"), &[1; 32]);
    let mut windows = Vec::new();
    for day in 0..4 {
        (0..1000).for_each(|document| aggregator.add(&sale(document, day, &[("tea", 2)])));
        let (told, _, without) = close(&mut aggregator, day + 1, &mut budget);
        windows.push((told.len(), without));
        budget = Budget::decode(&budget.encode()).unwrap();
    }
    assert_eq!(windows, [(1, 0), (1, 0), (0, 1), (0, 1)], "the third and fourth day of the period stay");
    assert_eq!(budget.spent_micro("by-article"), 2_000_000);
    (0..1000).for_each(|document| aggregator.add(&sale(document, 30, &[("tea", 2)])));
    assert_eq!(close(&mut aggregator, 31, &mut budget).0.len(), 1, "the next period has its own");
    assert!(matches!(Budget::decode(b"nonsense"), Err(BudgetError::Malformed(_))));
}

#[test]
fn a_clock_that_was_years_ahead_keeps_out_nothing_that_is_true() {
    let policy = sums("noise = { epsilon = \"1.0\", budget = \"2.0\", budget_days = 1 }");
    let mut aggregator = Aggregator::new(&policy, &region("eu"), &[1; 32]);
    let bogus = aggregate::WINDOWS_MAX as i64;
    (0..bogus).for_each(|day| aggregator.add(&sale(1, 10_000 + day, &[("tea", 1)])));
    (0..1000).for_each(|document| aggregator.add(&sale(document, 10, &[("tea", 2)])));
    assert_eq!(aggregator.left_out(), 1, "of all rows those of the window that was furthest ahead");
    let mut budget = Budget::new();
    assert_eq!(close(&mut aggregator, 11, &mut budget).0.len(), 1);
    // All that is ahead is paid for too, in as many periods as are remembered.
    close(&mut aggregator, 20_000, &mut budget);
    assert_eq!(budget.spent_micro("by-article"), 1_000_000 * aggregate::PERIODS_MAX as u64);
    budget = Budget::decode(&budget.encode()).unwrap();
    let mut later = Aggregator::new(&policy, &region("eu"), &[1; 32]);
    for day in 11..14 {
        (0..1000).for_each(|document| later.add(&sale(document, day, &[("tea", 2)])));
        let (told, _, without_budget) = close(&mut later, day + 1, &mut budget);
        assert_eq!((told.len(), without_budget), (1, 0), "day {day}");
    }
    // What was forgotten ahead is never paid for a second time.
    (0..1000).for_each(|document| later.add(&sale(document, 10_000 + bogus - 2, &[("tea", 2)])));
    assert_eq!(close(&mut later, 20_000, &mut budget), (Vec::new(), 0, 1));
}

#[test]
fn without_entropy_nothing_is_told_and_nothing_is_spent() {
    struct Broken;
    impl Entropy for Broken {
        fn fill(&mut self, _: &mut [u8]) -> Result<(), NoEntropy> {
            Err(NoEntropy)
        }
    }
    let policy = sums("noise = { epsilon = \"1.0\", budget = \"2.0\", budget_days = 30 }");
    let mut aggregator = Aggregator::new(&policy, &region("eu"), &[1; 32]);
    (0..5).for_each(|document| aggregator.add(&sale(document, 1, &[("tea", 2)])));
    let (before, mut budget) = (aggregator.encode(), Budget::new());
    assert!(aggregator.close(Timestamp(2 * DAY), &mut budget, &mut Broken).is_err());
    assert_eq!((aggregator.encode(), budget), (before, Budget::new()));
}

#[test]
fn the_hub_takes_an_aggregate_and_refuses_one_that_is_too_small() {
    let policy = sums("");
    let mut aggregator = Aggregator::new(&policy, &region("eu"), &[1; 32]);
    (0..3).for_each(|document| aggregator.add(&sale(document, 10, &[("tea", 2)])));
    let closed = aggregator.close(Timestamp(11 * DAY), &mut Budget::new(), &mut Seeded::new(1)).unwrap();
    let log = log(aggregate::CLASS);
    let mut draft = Draft::first(log.clone(), region("eu"), policy.id());
    let (_, hlc, kind, payload) = draft.add(&closed.told[0]).unwrap();
    let receipt = draft.issue(&node()).unwrap();
    let wire = receipt.to_wire();
    let verifier = Verifier::new(region("eu"), [policy.clone()]);
    let start = Cursor::start(&log, &region("eu"));
    let check = |payload: &[u8], receipt: &aisle_residency::Receipt, wire: &[u8]| {
        let items = items([(hlc, kind, payload)]);
        let presented = Presented {
            log: &log,
            policy: policy.id(),
            extent: receipt.extent,
            items: &items,
            receipt: wire,
        };
        verifier.verify(&node().verifying_key(), &presented, &start).map(drop)
    };
    assert_eq!(check(payload, &receipt, &wire), Ok(()));
    // The same with two contributors, signed by a node that cheats.
    let mut small = payload.to_vec();
    let at = small.windows(2).position(|pair| pair == [5, 3]).unwrap();
    small[at + 1] = 2;
    let mut forged = receipt.clone();
    forged.extent.head_after = Chain::after(log.start()).push(hlc.0, kind.0, &small).head;
    let mut bytes = forged.encode();
    bytes.truncate(bytes.len() - 64);
    forged.signature = node().sign(&bytes);
    let refusal = check(&small, &forged, &forged.to_wire()).unwrap_err();
    assert!(matches!(refusal, Refusal::Item { misfit: Misfit::Malformed, .. }), "{refusal}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_told_is_what_was_there_and_never_of_fewer_than_k(
        sales in prop::collection::vec((0_u32..12, 0_i64..3, prop::collection::vec((0_usize..3, 1_i64..9), 1..3)), 0..120),
        noisy in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let noise = if noisy { "noise = { epsilon = \"1.0\", budget = \"9.0\", budget_days = 30 }" } else { "" };
        let mut aggregator = Aggregator::new(&sums(noise), &region("eu"), &[1; 32]);
        let skus = ["tea", "milk", "salt"];
        let mut rows: BTreeMap<(i64, u32), u32> = BTreeMap::new();
        let mut groups: BTreeMap<(i64, &str), (Vec<u32>, i64)> = BTreeMap::new();
        for (document, day, lines) in &sales {
            let lines: Vec<(&str, i64)> = lines.iter().map(|(sku, pieces)| (skus[*sku], *pieces)).collect();
            aggregator.add(&sale(*document, *day, &lines));
            for (sku, pieces) in lines {
                let of_document = rows.entry((*day, *document)).or_default();
                if *of_document < 2 {
                    *of_document += 1;
                    let group = groups.entry((*day, sku)).or_default();
                    group.0.push(*document);
                    group.1 += pieces * 1000;
                }
            }
        }
        let closed = aggregator.close(Timestamp(9 * DAY), &mut Budget::new(), &mut Seeded::new(seed)).unwrap();
        for told in closed.told.iter().map(read) {
            let sku = skus.into_iter().find(|sku| *sku == told.key).unwrap();
            let (documents, thousandths) = groups.get_mut(&(told.start / DAY, sku)).unwrap();
            documents.sort_unstable();
            documents.dedup();
            prop_assert!(documents.len() >= 3 && told.contributors >= 3);
            if !noisy {
                prop_assert_eq!((told.contributors, told.thousandths), (documents.len() as u64, *thousandths));
            }
        }
    }
}
