//! Settings of devices: who gets what, and what became of it.

use crate::bench::store;
use aisle_event::{DeviceId, StoreId, Timestamp};
use aisle_fleet::{
    ContentHash,
    device::{DEVICES_MAX, DeviceResult, DeviceSettings, DeviceStatus, DeviceTally, SlotDevices, Tallying},
    document,
    report::Brief,
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

fn slot(results: &[DeviceResult]) -> SlotDevices {
    let of = Brief { version: "1.0.0".parse().unwrap(), hash: ContentHash([7; 32]) };
    SlotDevices::of(of, results.iter().cloned())
}

fn tally(stores: &[(StoreId, SlotDevices)]) -> DeviceTally {
    let mut all = Tallying::default();
    stores.iter().for_each(|(store, said)| all.add(store, said));
    all.done()
}

#[test]
fn results_are_added_up_over_stores_with_the_reason_of_each_device() {
    use DeviceStatus::{Applied, Refused, Unreachable};
    let why = "is 10, expected at least 30";
    let (low, lower) = (Some(why), Some("is 9, expected at least 30"));
    let berlin = [result("fridge-1", Applied, None), result("fridge-7", Refused, low)];
    let tokyo = [
        result("fridge-7", Refused, lower),
        result("fridge-8", Refused, low),
        result("x", Unreachable, None),
    ];
    let paris = [result("fridge-1", Applied, None)];
    let stores = [("berlin", slot(&berlin)), ("tokyo", slot(&tokyo)), ("paris", slot(&paris))];
    let all = tally(&stores.map(|(name, said)| (store(name), said)));
    assert_eq!((all.stores, all.stores_whole, all.count()), (3, 1, 6));
    assert_eq!((all.of(Applied), all.of(Refused), all.of(Unreachable)), (2, 3, 1));
    let reason = &all.reasons[0];
    assert_eq!((reason.devices, reason.stores, reason.reason.as_str()), (3, 2, why), "numbers do not count");
    assert_eq!(reason.path.as_deref(), Some("sampling.interval_s"));
    assert_eq!(reason.examples.len(), 3);
    assert_eq!((all.untold, all.left_out), (0, 0));
    assert!(serde_json::to_string(&all).unwrap().contains("\"unreachable\":1"));
}

#[test]
fn of_many_devices_those_are_told_of_that_somebody_has_to_look_after_and_all_are_counted() {
    use DeviceStatus::{Applied, Pending, Refused, WentBack};
    let status = |number: usize| match number {
        1_900 => Refused,
        1_901 => WentBack,
        number if number % 5 == 0 => Pending,
        _ => Applied,
    };
    let results: Vec<DeviceResult> =
        (0..2_000).map(|number| result(&format!("d{number}"), status(number), None)).collect();
    let said = slot(&results);
    assert_eq!((said.devices(), said.count(Refused), said.count(WentBack)), (2_000, 1, 1));
    assert_eq!(said.results.len(), DEVICES_MAX);
    let first: Vec<&str> = said.results.iter().take(2).map(|result| result.device.as_str()).collect();
    assert_eq!(first, ["d1900", "d1901"]);
    assert!(said.results.iter().skip(2).take(399).all(|result| result.status == Pending));
    let all = tally(&[(store("berlin"), said)]);
    assert_eq!((all.of(Applied), all.untold), (1_599, 0), "every one that has not taken it is told of");
}

#[test]
fn what_no_node_has_room_for_is_counted_as_untold() {
    let results: Vec<DeviceResult> = (0..800)
        .map(|number| result(&format!("d{number}"), DeviceStatus::Refused, Some(&"no".repeat(150))))
        .collect();
    let said = slot(&results);
    assert!(said.results.iter().all(|result| result.reason.as_ref().unwrap().chars().count() == 200));
    let all = tally(&[(store("berlin"), said)]);
    assert_eq!((all.of(DeviceStatus::Refused), all.reasons[0].devices, all.untold), (800, 500, 300));
}

#[test]
fn a_store_that_makes_up_a_reason_for_every_device_is_counted_and_told_in_part() {
    let letters = |mut number: usize| {
        let mut word = String::new();
        while number > 0 {
            word.push(char::from(b'a' + u8::try_from(number % 26).unwrap()));
            number /= 26;
        }
        word
    };
    let mut all = Tallying::default();
    for number in 0..20_usize {
        let devices = (0..500).map(|device| {
            let why = letters(1 + number * 500 + device);
            result(&format!("d{device}"), DeviceStatus::Refused, Some(&why))
        });
        let devices: Vec<DeviceResult> = devices.collect();
        all.add(&store(&format!("s{number}")), &slot(&devices));
    }
    let all = all.done();
    assert_eq!((all.of(DeviceStatus::Refused), all.reasons.len()), (10_000, 64));
    assert_eq!((all.left_out, all.untold), (4_096 - 64, 10_000 - 64));
}
