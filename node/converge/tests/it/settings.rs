//! Settings of the node, and what the store grants and denies: taken, refused and told over the driver as it runs.

use crate::world::*;
use aisle_fleet::{
    Kind, Reason,
    report::Phase,
    setting::{SettingValue, Settings},
};
use std::sync::atomic::Ordering;

fn settings(of: &[(&str, i64)]) -> Settings {
    of.iter().map(|(key, value)| (key.parse().unwrap(), SettingValue::Number(*value))).collect()
}

fn codes(reasons: &[Reason]) -> Vec<&str> {
    reasons.iter().map(Reason::code).collect()
}

#[test]
fn settings_of_the_node_are_taken_told_shown_again_after_a_start_and_taken_back() {
    let mut node = Node::new();
    let one = settings(&[("kiosk.thanks_s", 30), ("scrub.every_h", 48)]);
    node.fleet().order(&order_set(1, &[], None, one.clone()), None).unwrap();
    let status = node.until("taken", |status| codes(&status.report.settings.reasons) == ["next-start"]);
    assert_eq!((status.report.settings.applied, &*node.shop.settings.lock().unwrap()), (None, &one));
    let sets = node.shop.sets.load(Ordering::Relaxed);
    assert_eq!(sets, 1, "once in a process");
    node.stop();
    node.start();
    node.until("asked again", |_| node.shop.sets.load(Ordering::Relaxed) > sets);
    let two = settings(&[("kiosk.thanks_s", 30)]);
    node.fleet().order(&order_set(2, &[], None, two), None).unwrap();
    let is_applied = |status: &aisle_converge::Status| {
        let settings = &status.report.settings;
        settings.wanted.is_some() && settings.applied == settings.wanted
    };
    node.until("applied", is_applied);
    node.fleet().order(&order_set(3, &[], None, Settings::new()), None).unwrap();
    node.until("taken back", |status| is_applied(status) && node.shop.settings.lock().unwrap().is_empty());
}

#[test]
fn settings_that_headquarters_may_not_set_are_refused_whole_and_told_by_their_key() {
    let node = Node::new();
    let wrong = settings(&[("kiosk.thanks_s", 30), ("sync.hubs", 0)]);
    node.fleet().order(&order_set(1, &[], None, wrong), None).unwrap();
    let status = node.until("refused", |status| codes(&status.report.settings.reasons) == ["failing"]);
    let told = status.report.settings.reasons[0].to_string();
    assert!(told.contains("settings-refused") && told.contains("`sync.hubs`"), "{told}");
    assert!(node.shop.settings.lock().unwrap().is_empty());
}

#[test]
fn what_the_store_denies_is_not_put_in_place_and_comes_when_it_may() {
    let node = Node::new();
    node.place.denies.lock().unwrap().insert(Kind::Plugin, "no foreign code here");
    let wanted = release("1.0.0", "well");
    node.fleet().order(&order(1, 1, &[wanted], None), None).unwrap();
    node.bring(&content("1.0.0", "well"));
    let status = node.until("denied", |status| {
        status.report.slots.get(&slot()).is_some_and(|slot| slot.phase == Phase::Refused)
    });
    let reasons = &status.report.slots[&slot()].reasons;
    assert_eq!(codes(reasons), ["policy-denies"]);
    assert!(reasons[0].to_string().contains("no foreign code here"));
    assert_eq!(node.runs(), None);
    *node.place.denies.lock().unwrap() = aisle_fleet::Denies::default();
    node.fleet().order(&order(2, 2, &[release("1.0.0", "well")], None), None).unwrap();
    node.until_proved("1.0.0");
}

#[test]
fn a_plugin_that_needs_more_than_the_store_grants_is_not_put_in_place_and_says_what_it_lacks() {
    let node = Node::new();
    *node.place.grants.lock().unwrap() = Some(["kv".parse().unwrap()].into());
    let mut wanted = release("1.0.0", "well");
    wanted.needs.grants = ["kv", "stock"].map(|grant| grant.parse().unwrap()).into();
    node.fleet().order(&order(1, 1, &[wanted], None), None).unwrap();
    let status = node.until("refused", |status| {
        status.report.slots.get(&slot()).is_some_and(|slot| slot.phase == Phase::Refused)
    });
    let reasons = &status.report.slots[&slot()].reasons;
    assert_eq!(codes(reasons), ["grant-missing"]);
    assert_eq!(reasons[0].to_string(), "the store does not grant `stock`");
    assert_eq!(node.runs(), None);
}

#[test]
fn what_another_way_has_replaced_is_told_of() {
    let node = Node::new();
    node.fleet().order(&order(1, 1, &[release("1.0.0", "well")], None), None).unwrap();
    node.bring(&content("1.0.0", "well"));
    node.until_proved("1.0.0");
    *node.shop.broken.lock().unwrap() = Some("version 5 came by the line".into());
    let status = node.until("told", |status| {
        let report = status.report.slots.get(&slot());
        report.is_some_and(|report| codes(&report.reasons) == ["failing"])
    });
    assert!(status.report.slots[&slot()].reasons[0].to_string().contains("came by the line"));
}
