//! What is ordered and signed runs; what is not does not; what is bad goes back.

use crate::world::*;
use aisle_fleet::report::Phase;
use std::sync::atomic::Ordering;

fn reason(status: &aisle_converge::Status) -> &str {
    let report = status.report.slots.get(&slot());
    report.and_then(|report| report.reasons.first()).map_or("none", aisle_fleet::Reason::code)
}

/// A node that trusts the hub's root, and runs a proved version 1.0.0.
pub fn at_one(hub: &mut Hub) -> Node {
    hub.sign("1.0.0", "well");
    let node = Node::new();
    node.fleet().trust(&hub.root()).unwrap();
    let metadata = hub.metadata();
    node.fleet().order(&order(1, 1, &[release("1.0.0", "well")], Some(&metadata)), Some(1)).unwrap();
    node.fleet().metadata(&metadata).unwrap();
    node.bring(&content("1.0.0", "well"));
    node.until_proved("1.0.0");
    node
}

#[test]
fn what_is_ordered_and_signed_runs_and_proves_itself() {
    let node = at_one(&mut Hub::new());
    assert_eq!(node.runs().as_deref(), Some("1.0.0 well"));
    let status = node.until("settled", |status| status.report.is_settled());
    assert_eq!((status.generation, status.root_version), (Some(1), Some(1)));
}

#[test]
fn metadata_may_come_after_what_it_lists() {
    let mut hub = Hub::new();
    let node = at_one(&mut hub);
    hub.sign("1.1.0", "well");
    let metadata = hub.metadata();
    node.fleet().order(&order(2, 2, &[release("1.1.0", "well")], Some(&metadata)), Some(2)).unwrap();
    node.bring(&content("1.1.0", "well"));
    let waits = node.until("fetching", |status| reason(status) == "fetching");
    assert_eq!(waits.report.slots[&slot()].phase, Phase::Fetching);
    node.fleet().metadata(&metadata).unwrap();
    node.until_proved("1.1.0");
}

#[test]
fn what_nobody_has_signed_is_given_up_and_what_runs_goes_on() {
    let mut hub = Hub::new();
    let node = at_one(&mut hub);
    let metadata = hub.metadata();
    node.fleet().order(&order(2, 2, &[release("9.9.9", "evil")], Some(&metadata)), Some(2)).unwrap();
    node.fleet().metadata(&metadata).unwrap();
    // Whoever orders it brings it again and again.
    let status = node.until("given up", |status| {
        node.bring(&content("9.9.9", "evil"));
        reason(status) == "known-bad"
    });
    let told = status.report.slots[&slot()].reasons[0].to_string();
    assert!(told.contains("not among the artefacts that were signed"), "{told}");
    assert_eq!(node.runs().as_deref(), Some("1.0.0 well"));
    assert_eq!(node.shop.log.lock().unwrap().len(), 1, "nothing else was ever put in place");
}

#[test]
fn an_old_content_by_a_new_number_gets_past_nobody() {
    let mut hub = Hub::new();
    let node = at_one(&mut hub);
    hub.sign("0.9.0", "old");
    let metadata = hub.metadata();
    let mut disguised = release("0.9.0", "old");
    disguised.version = "2.0.0".parse().unwrap();
    node.fleet().order(&order(2, 2, &[disguised], Some(&metadata)), Some(2)).unwrap();
    node.fleet().metadata(&metadata).unwrap();
    node.until("given up", |status| {
        node.bring(&content("0.9.0", "old"));
        reason(status) == "known-bad"
    });
    assert_eq!(node.runs().as_deref(), Some("1.0.0 well"));
}

#[test]
fn one_that_traps_in_live_traffic_goes_back_to_the_last_good_one_and_stays_there() {
    let mut hub = Hub::new();
    let node = at_one(&mut hub);
    hub.sign("1.1.0", "traps");
    let metadata = hub.metadata();
    node.fleet().order(&order(2, 2, &[release("1.1.0", "traps")], Some(&metadata)), Some(2)).unwrap();
    node.fleet().metadata(&metadata).unwrap();
    node.bring(&content("1.1.0", "traps"));
    let status = node.until("back", |status| reason(status) == "known-bad");
    assert!(status.report.slots[&slot()].reasons[0].to_string().contains("trapped"));
    assert_eq!(node.runs().as_deref(), Some("1.0.0 well"));
    assert_eq!(*node.shop.log.lock().unwrap(), ["1.0.0 well", "1.1.0 traps", "1.0.0 well"]);
}

#[test]
fn one_that_does_not_load_is_never_put_in_place() {
    let mut hub = Hub::new();
    let node = at_one(&mut hub);
    hub.sign("1.1.0", "broken");
    let metadata = hub.metadata();
    node.fleet().order(&order(2, 2, &[release("1.1.0", "broken")], Some(&metadata)), Some(2)).unwrap();
    node.fleet().metadata(&metadata).unwrap();
    node.bring(&content("1.1.0", "broken"));
    node.until("given up", |status| reason(status) == "known-bad");
    assert_eq!(*node.shop.log.lock().unwrap(), ["1.0.0 well"]);
}

#[test]
fn metadata_that_ran_out_keeps_what_is_new_away_and_stops_nothing_that_runs() {
    let mut hub = Hub::new();
    let node = at_one(&mut hub);
    hub.sign("1.1.0", "well");
    let metadata = hub.metadata();
    node.fleet().metadata(&metadata).unwrap();
    node.place.now_ms.store(NOW.0 + 8 * DAY_MS, Ordering::Relaxed);
    node.fleet().order(&order(2, 2, &[release("1.1.0", "well")], Some(&metadata)), Some(2)).unwrap();
    node.bring(&content("1.1.0", "well"));
    node.until("told", |status| reason(status) == "metadata-expired");
    assert_eq!(node.runs().as_deref(), Some("1.0.0 well"));
    // The hub's next timestamp is good again.
    node.place.now_ms.store(NOW.0 + 6 * DAY_MS, Ordering::Relaxed);
    node.until_proved("1.1.0");
}

#[test]
fn a_node_without_a_root_takes_what_is_ordered_and_says_that_it_does() {
    let node = Node::new();
    node.fleet().order(&order(1, 1, &[release("1.0.0", "well")], None), Some(1)).unwrap();
    node.bring(&content("1.0.0", "well"));
    node.until_proved("1.0.0");
    assert!(!node.fleet().is_trusting());
    assert!(node.status().to_string().contains("what is not signed is taken too"));
}

#[test]
fn a_root_is_trusted_once_and_another_one_is_refused() {
    let (hub, node) = (Hub::new(), Node::new());
    assert!(node.fleet().trust(&hub.root()).unwrap());
    assert!(!node.fleet().trust(&hub.root()).unwrap());
    let mut other = hub.root();
    other.push(b'\n');
    assert!(node.fleet().trust(&other).is_err());
    assert!(node.fleet().trust(b"{}").is_err());
}

#[test]
fn what_was_ordered_before_a_restart_is_still_ordered_after_it() {
    let mut hub = Hub::new();
    let mut node = at_one(&mut hub);
    node.stop();
    hub.sign("1.1.0", "well");
    let metadata = hub.metadata();
    node.start();
    node.fleet().order(&order(2, 2, &[release("1.1.0", "well")], Some(&metadata)), Some(2)).unwrap();
    node.stop();
    node.start();
    assert_eq!(node.status().generation, Some(2));
    node.fleet().metadata(&metadata).unwrap();
    node.bring(&content("1.1.0", "well"));
    node.until_proved("1.1.0");
}

#[test]
fn bytes_that_a_disk_has_spoilt_are_asked_for_again() {
    let mut hub = Hub::new();
    let node = at_one(&mut hub);
    hub.sign("1.1.0", "well");
    let (metadata, next) = (hub.metadata(), release("1.1.0", "well"));
    node.fleet().metadata(&metadata).unwrap();
    node.fleet().order(&order(2, 2, std::slice::from_ref(&next), None), Some(2)).unwrap();
    node.until("fetching", |status| reason(status) == "fetching");
    let place = path(node.dir.path()).join("contents").join(next.hash.to_string());
    std::fs::write(&place, b"rot").unwrap();
    // What was spoilt is forgotten, and missing again.
    node.until("forgotten", |_| !place.exists());
    node.until("missing again", |_| node.fleet().take_missing().contains(&next.hash));
    node.bring(&content("1.1.0", "well"));
    node.until_proved("1.1.0");
}

#[test]
fn contents_that_nobody_needs_any_more_go_and_the_way_back_stays() {
    let mut hub = Hub::new();
    let node = at_one(&mut hub);
    for (generation, version) in [(2, "1.1.0"), (3, "1.2.0")] {
        hub.sign(version, "well");
        let metadata = hub.metadata();
        let next = [release(version, "well")];
        node.fleet().order(&order(generation, generation, &next, Some(&metadata)), None).unwrap();
        node.fleet().metadata(&metadata).unwrap();
        node.bring(&content(version, "well"));
        node.until_proved(version);
    }
    let folder = path(node.dir.path()).join("contents");
    node.until("swept", |_| std::fs::read_dir(&folder).unwrap().count() == 1);
}
