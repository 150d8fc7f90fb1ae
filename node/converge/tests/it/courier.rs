//! A store without a line.

use crate::world::*;
use aisle_converge::Fleet;

#[test]
fn a_stick_brings_order_metadata_and_contents_to_a_node_that_runs() {
    let (mut hub, node) = (Hub::new(), Node::new());
    let artefact = hub.sign("1.0.0", "well");
    let order = order(1, 1, &[release("1.0.0", "well")], Some(&hub.metadata()));
    let stick = hub.bundle(Some(&order), &[(artefact, content("1.0.0", "well"))]);
    assert!(node.fleet().courier(stick.as_slice()).is_err(), "no root is trusted");
    node.fleet().trust(&hub.root()).unwrap();
    let (applied, ordered) = node.fleet().courier(stick.as_slice()).unwrap();
    assert_eq!((applied.taken.len(), ordered), (1, Some(Ok(1))));
    node.until_proved("1.0.0");
    let (again, _) = node.fleet().courier(stick.as_slice()).unwrap();
    assert_eq!((again.taken.len(), again.had.len()), (0, 1));
}

#[test]
fn a_stick_for_a_node_that_does_not_run_is_followed_from_its_next_start() {
    let (mut hub, mut node) = (Hub::new(), Node::new());
    node.fleet().trust(&hub.root()).unwrap();
    node.stop();
    let artefact = hub.sign("1.0.0", "well");
    let order = order(1, 1, &[release("1.0.0", "well")], None);
    let stick = hub.bundle(Some(&order), &[(artefact, content("1.0.0", "well"))]);
    let beside = Fleet::beside(node.parts()).unwrap();
    beside.courier(stick.as_slice()).unwrap();
    drop(beside);
    assert_eq!(node.runs(), None);
    node.start();
    node.until_proved("1.0.0");
}

#[test]
fn an_order_of_somebody_else_on_a_good_stick_is_not_followed() {
    let (mut hub, node) = (Hub::new(), Node::new());
    node.fleet().trust(&hub.root()).unwrap();
    let artefact = hub.sign("1.0.0", "well");
    let order = order_by(&[9; 32], &store(), 1, 1, &[release("1.0.0", "well")], None);
    let stick = hub.bundle(Some(&order), &[(artefact, content("1.0.0", "well"))]);
    let (applied, ordered) = node.fleet().courier(stick.as_slice()).unwrap();
    assert!(matches!(ordered, Some(Err(_))));
    assert_eq!((applied.taken.len(), applied.unwanted.len()), (0, 1));
    assert_eq!(node.status().generation, None);
}
