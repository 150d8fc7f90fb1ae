//! Settings of devices: who gets what, and what became of it.

use crate::bench::store;
use aisle_event::{DeviceId, Timestamp};
use aisle_fleet::{
    device::{DeviceResult, DeviceSettings, DeviceStatus, tally},
    document,
    setting::SettingValue,
};
use std::borrow::Cow;

const RULES: &str = "
rules:
  - name: every-fridge
    who: profile in (acme-fridge,frost)
    settings: { sampling.interval_s: 60, alarm.enabled: true }
  - name: hot-corner
    priority: 5
    who: device=fridge-7
    settings: { sampling.interval_s: 10 }
";

fn settings(device: &str, profile: &str) -> Vec<(String, SettingValue, String)> {
    let rules: DeviceSettings = document::read_device_settings(RULES).unwrap();
    let (settings, why) = rules.of_device(|key| match key {
        "device" => Some(Cow::Borrowed(device)),
        "profile" => Some(Cow::Borrowed(profile)),
        _ => None,
    });
    settings.into_iter().map(|(key, value)| (key.to_string(), value, why[&key].to_string())).collect()
}

#[test]
fn a_device_gets_what_the_strongest_rule_says_and_knows_which_it_was() {
    let every = "every-fridge".to_owned();
    let alarm = ("alarm.enabled".to_owned(), SettingValue::Flag(true), every.clone());
    let interval =
        |seconds, rule: String| ("sampling.interval_s".to_owned(), SettingValue::Number(seconds), rule);
    assert_eq!(settings("fridge-1", "frost"), [alarm.clone(), interval(60, every)]);
    assert_eq!(settings("fridge-7", "frost"), [alarm, interval(10, "hot-corner".into())]);
    assert_eq!(settings("fridge-7", "other"), [interval(10, "hot-corner".into())]);
    assert_eq!(settings("scale-1", "other"), []);
}

#[test]
fn rules_of_one_name_and_odd_values_are_refused() {
    let twice = RULES.replace("hot-corner", "every-fridge");
    assert!(
        document::read_device_settings(&twice).unwrap_err().to_string().contains("two rules `every-fridge`")
    );
    let odd = RULES.replace("interval_s: 10", "interval_s: [10]");
    let error = document::read_device_settings(&odd).unwrap_err().to_string();
    assert!(error.contains("a whole number or a text"), "{error}");
    assert!(document::read_device_settings("rules: []\nmore: 1").is_err());
    assert!(document::read_device_settings(r#"{"rules":[]}"#).unwrap().rules.is_empty());
}

fn result(device: &str, status: DeviceStatus, reason: Option<&str>) -> DeviceResult {
    DeviceResult {
        device: DeviceId::new(device).unwrap(),
        status,
        path: reason.map(|_| "sampling.interval_s".into()),
        reason: reason.map(Into::into),
        since: Timestamp(0),
    }
}

#[test]
fn results_are_added_up_over_stores_with_the_reason_of_each_device() {
    use DeviceStatus::{Applied, Refused, Unreachable};
    let why = "is 10, expected at least 30";
    let low = Some(why);
    let berlin = [result("fridge-1", Applied, None), result("fridge-7", Refused, low)];
    let tokyo =
        [result("fridge-7", Refused, low), result("fridge-8", Refused, low), result("x", Unreachable, None)];
    let paris = [result("fridge-1", Applied, None)];
    let stores = [(store("berlin"), &berlin[..]), (store("tokyo"), &tokyo[..]), (store("paris"), &paris[..])];
    let all = tally(stores.iter().map(|(store, results)| (store, *results)));
    assert_eq!((all.stores, all.stores_whole), (3, 1));
    assert_eq!((all.devices[&Applied], all.devices[&Refused], all.devices[&Unreachable]), (2, 3, 1));
    let reason = &all.reasons[0];
    assert_eq!((reason.devices, reason.stores, reason.reason.as_str()), (3, 2, why));
    assert_eq!(reason.path.as_deref(), Some("sampling.interval_s"));
    assert_eq!(reason.examples.len(), 3);
    assert!(serde_json::to_string(&all).unwrap().contains("\"unreachable\":1"));
}
