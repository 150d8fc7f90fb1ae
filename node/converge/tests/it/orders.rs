//! Who is believed.

use crate::world::*;
use aisle_artefact::files::DiskFiles;
use aisle_content::OrderError;
use aisle_converge::{Fleet, Orders, Refused};
use aisle_event::StoreId;

#[test]
fn only_a_hub_that_is_known_orders_and_only_for_this_store() {
    let node = Node::new();
    let want = [release("1.0.0", "well")];
    let forged = order_by(&[9; 32], &store(), 5, 1, &want, None);
    assert!(matches!(node.fleet().order(&forged, None), Err(Refused::Order(OrderError::Forged))));
    let elsewhere = order_by(&HUB, &StoreId::new("paris-1").unwrap(), 5, 1, &want, None);
    assert!(matches!(node.fleet().order(&elsewhere, None), Err(Refused::Order(OrderError::Store { .. }))));
    let mut cut = order(5, 1, &want, None);
    cut.pop();
    assert!(node.fleet().order(&cut, None).is_err());
    assert!(node.fleet().order(b"nothing", None).is_err());
    assert!(matches!(node.fleet().order(&order(5, 1, &want, None), Some(6)), Err(Refused::Manifest(_))));
    let status = node.status();
    assert_eq!(status.generation, None);
    assert!(status.refused.is_some(), "people are told");
    assert!(status.report.slots.is_empty());
}

#[test]
fn an_older_order_is_refused_over_restarts_too() {
    let mut node = Node::new();
    let want = [release("1.0.0", "well")];
    node.fleet().order(&order(5, 3, &want, None), Some(5)).unwrap();
    let older = order(4, 2, &want, None);
    assert!(matches!(node.fleet().order(&older, Some(4)), Err(Refused::Older { found: 4, known: 5 })));
    node.stop();
    node.start();
    assert!(matches!(node.fleet().order(&older, Some(4)), Err(Refused::Older { .. })));
    node.fleet().order(&order(5, 3, &want, None), Some(5)).expect("the same again");
}

#[test]
fn a_node_that_knows_no_hub_follows_no_order_and_says_what_to_do() {
    let mut node = Node::new();
    node.stop();
    let mut parts = node.parts();
    parts.verifies = None;
    let fleet = Fleet::open(parts).unwrap();
    let refused = fleet.order(&order(1, 1, &[], None), None).unwrap_err();
    assert!(refused.to_string().contains("hub_receipt_keys"), "{refused}");
}

#[test]
fn a_node_without_a_serial_goes_by_what_is_said_to_the_only_node() {
    let dir = tempfile::tempdir().unwrap();
    let orders = |serial: Option<&str>| {
        let files = Box::new(DiskFiles::open(dir.path()).unwrap());
        Orders::open(files, store(), serial.map(str::to_owned), Some(Box::new(|_, _| true))).unwrap()
    };
    let mut unnamed = orders(None);
    unnamed.take(&order(1, 1, &[release("1.0.0", "well")], None), None).unwrap();
    assert_eq!(unnamed.mine().unwrap().stamp.version, 1);
    assert!(orders(Some("OTHER")).mine().is_none(), "it is not for this box");
    assert!(orders(Some("AB1234")).mine().is_some());
}
