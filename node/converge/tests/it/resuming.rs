//! What runs is shown again after a start, and nobody waits for it; what cannot be is told, and not taken for what runs.

use crate::{fleet::at_one, world::*};
use aisle_converge::applier::never;
use aisle_fleet::{
    Reason,
    setting::{SettingValue, Settings},
};

#[test]
fn what_runs_is_shown_once_after_a_start_and_what_was_put_there_is_not() {
    let mut node = at_one(&mut Hub::new());
    assert_eq!(*node.shop.resumed.lock().unwrap(), [""; 0], "it was put there a moment ago");
    for starts in 1..=2 {
        node.stop();
        node.start();
        node.until("shown", |_| node.shop.resumed.lock().unwrap().len() >= starts);
    }
    assert_eq!(*node.shop.resumed.lock().unwrap(), ["1.0.0 well", "1.0.0 well"]);
}

#[test]
fn what_cannot_be_loaded_after_a_start_is_told_with_its_reason() {
    let mut node = at_one(&mut Hub::new());
    node.stop();
    *node.shop.unloadable.lock().unwrap() = Some(never("this build cannot run it"));
    node.start();
    let status = node.until("told", |status| {
        let report = status.report.slots.get(&slot());
        report.and_then(|report| report.reasons.first()).is_some_and(|reason| reason.code() == "failing")
    });
    let told: Vec<String> = status.report.slots[&slot()].reasons.iter().map(Reason::to_string).collect();
    assert!(told[0].contains("not loaded") && told[0].contains("this build cannot run it"), "{told:?}");
    assert_eq!(node.shop.resumed.lock().unwrap().len(), 1, "it would come to the same");
}

#[test]
fn orders_and_a_stop_wait_for_nothing_that_is_loaded() {
    let mut node = at_one(&mut Hub::new());
    node.stop();
    let shop = node.shop.clone();
    let held = shop.loading.lock().unwrap();
    node.start();
    let thanks: Settings = [("kiosk.thanks_s".parse().unwrap(), SettingValue::Number(30))].into();
    node.fleet().order(&order_set(2, &[release("1.0.0", "well")], None, thanks.clone()), Some(2)).unwrap();
    node.until("set", |_| *node.shop.settings.lock().unwrap() == thanks);
    node.stop();
    drop(held);
}
