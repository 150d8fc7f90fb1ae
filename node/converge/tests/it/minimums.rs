//! Who puts things in place hears of the lowest versions that may run, and none of them is ever forgotten.

use crate::world::*;
use aisle_fleet::setting::Settings;
use std::fs;

fn least(generation: u64, want: &str, minimum: Option<&str>) -> Vec<u8> {
    let want = [release(want, "well")];
    order_least(&HUB, &store(), (generation, generation), &want, None, (None, Settings::new(), minimum))
}

fn told(node: &Node) -> Vec<String> {
    node.shop.minimums.lock().unwrap().clone()
}

#[test]
fn a_minimum_is_told_before_what_it_lets_in_and_at_each_start() {
    let mut node = Node::new();
    node.fleet().order(&least(1, "2.0.0", Some("1.5.0")), None).unwrap();
    node.bring(&content("2.0.0", "well"));
    node.until_proved("2.0.0");
    assert_eq!(told(&node), ["plugin/multi-buy 1.5.0"]);
    // It is known before anything is loaded, and told to who puts things in place.
    node.stop();
    node.start();
    assert_eq!(node.fleet().minimums()[&slot()].as_str(), "1.5.0");
    node.until("told", |_| told(&node).len() == 2);
    node.fleet().order(&least(2, "2.0.0", Some("1.2.0")), None).unwrap();
    node.fleet().order(&least(3, "2.0.0", Some("2.0.0")), None).unwrap();
    node.until("told", |_| told(&node).len() == 3);
    assert_eq!(told(&node)[2], "plugin/multi-buy 2.0.0", "none goes down");
}

#[test]
fn a_memory_that_is_damaged_takes_no_minimum_along() {
    let mut node = Node::new();
    node.fleet().order(&least(1, "2.0.0", Some("1.5.0")), None).unwrap();
    node.bring(&content("2.0.0", "well"));
    node.until_proved("2.0.0");
    node.stop();
    let folder = path(node.dir.path());
    fs::write(folder.join("kept"), b"\xff\xff").unwrap();
    fs::remove_file(folder.join("order")).unwrap();
    node.start();
    assert!(folder.join("kept.damaged").exists());
    assert_eq!(node.fleet().minimums()[&slot()].as_str(), "1.5.0");
    node.fleet().order(&least(2, "1.0.0", None), None).unwrap();
    let status = node.until("refused", |status| !status.report.slots.is_empty());
    assert_eq!(status.report.slots[&slot()].reasons[0].code(), "below-minimum");
}
