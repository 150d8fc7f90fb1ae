//! What faults look like on the wire.

use super::{
    Running,
    broker::{Heard, Mosquitto},
};
use serde_json::Value;

/// One fridge with one fault from the beginning.
fn with(fault: &str, encoding: &str) -> String {
    format!(
        r#"
        simulation = {{ connect_within_s = 0.0, speed = 10.0 }}
        [[devices]]
        count = 1
        model = "fridge-temperature"
        prefix = "fridge-"
        interval_s = 1
        encoding = "{encoding}"
        [[faults]]
        devices = "fridge-1"
        from_s = 0
        {fault}
        "#
    )
}

fn is_telemetry(heard: &Heard) -> bool {
    heard.topic.ends_with("/telemetry/temperature")
}

fn numbers(heard: &Heard) -> Vec<u64> {
    heard.json()["samples"].as_array().unwrap().iter().map(|sample| sample["n"].as_u64().unwrap()).collect()
}

#[test]
fn a_value_that_is_none_is_written_as_careless_firmware_writes_it() {
    let broker = Mosquitto::start();
    let listener = broker.listen("#");
    let running = Running::start(&with("kind = \"nan\"", "json"), broker.port());
    let heard = listener.wait_for("a value that is none", is_telemetry);
    assert!(String::from_utf8_lossy(&heard.payload).contains("\"v\":nan"));
    running.stop();
    let listener = broker.listen("aisle/v1/s1/+/telemetry/#");
    let running = Running::start(&with("kind = \"nan\"", "cbor"), broker.port());
    let heard = listener.wait_for("a value that is none", is_telemetry);
    let nan =
        [[0xf9, 0x7e, 0x00].as_slice(), &[0xfa, 0x7f, 0xc0, 0, 0], &[0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]];
    assert!(nan.iter().any(|nan| heard.payload.windows(nan.len()).any(|bytes| bytes == *nan)), "{heard:?}");
    running.stop();
}

#[test]
fn units_clocks_and_signs_go_wrong_as_the_scenario_says() {
    let broker = Mosquitto::start();
    for (fault, is_so) in [
        ("kind = \"wrong_unit\"", (|message| message["unit"] == "percent") as fn(&Value) -> bool),
        ("kind = \"negative\"", |message| message["samples"][0]["v"].as_f64().unwrap() < 0.0),
        ("kind = \"drift\"\nsize = 1e8", |message| message["samples"][0]["v"].as_f64().unwrap() > 100.0),
        ("kind = \"clock_skew\"\nsize = 31536000", |message| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            message["samples"][0]["at_ms"].as_i64().unwrap() > now.as_millis() as i64 + 300 * 86_400_000
        }),
    ] {
        let listener = broker.listen("aisle/v1/s1/+/telemetry/#");
        let running = Running::start(&with(fault, "json"), broker.port());
        listener.wait_for(fault, |heard| is_telemetry(heard) && is_so(&heard.json()));
        running.stop();
    }
}

#[test]
fn messages_come_twice_or_in_another_order() {
    let broker = Mosquitto::start();
    let listener = broker.listen("aisle/v1/s1/+/telemetry/#");
    let running = Running::start(&with("kind = \"duplicate\"", "json"), broker.port());
    let first = listener.wait_for("telemetry", is_telemetry);
    let second = listener.wait_for("it again", is_telemetry);
    assert_eq!(numbers(&first), numbers(&second));
    running.stop();
    let listener = broker.listen("aisle/v1/s1/+/telemetry/#");
    let running = Running::start(&with("kind = \"out_of_order\"", "json"), broker.port());
    let first = listener.wait_for("telemetry", is_telemetry);
    let second = listener.wait_for("what was before it", is_telemetry);
    assert!(numbers(&first).first() > numbers(&second).last(), "{first:?} {second:?}");
    running.stop();
}

#[test]
fn a_device_starts_again_and_again_and_counts_it() {
    let broker = Mosquitto::start();
    let listener = broker.listen("aisle/v1/s1/+/announce");
    let running = Running::start(&with("kind = \"reboot_loop\"\nsize = 5", "json"), broker.port());
    listener.wait_for("the third start", |heard| heard.json()["boots"] == 3);
    running.stop();
}

#[test]
fn a_device_becomes_another_model_and_there_are_two_of_one() {
    let broker = Mosquitto::start();
    let listener = broker.listen("aisle/v1/s1/+/announce");
    let fault = "kind = \"changes_type\"\nfrom_s = 10".to_owned();
    let scenario = with("kind = \"two_devices_one_id\"\n[[faults]]\ndevices = \"fridge-1\"\nFAULT", "json");
    let running = Running::start(&scenario.replace("FAULT", &fault), broker.port());
    let mut serials = std::collections::BTreeSet::new();
    let mut models = std::collections::BTreeSet::new();
    while serials.len() < 2 || models.len() < 2 {
        let announce = listener.wait_for("another serial number and another model", |_| true).json();
        serials.insert(announce["serial"].as_str().unwrap().to_owned());
        models.insert(announce["model"].as_str().unwrap().to_owned());
    }
    assert!(models.contains("shelf-scale"), "{models:?}");
    running.stop();
}

#[test]
fn a_dropout_holds_back_what_comes_after_it() {
    let broker = Mosquitto::start();
    let listener = broker.listen("aisle/v1/s1/#");
    // It drifts so fast that each reading is news.
    let fault = "kind = \"drift\"\nsize = 1e6\n[[faults]]\ndevices = \"fridge-1\"\nkind = \"dropout\"\nfrom_s = 10\nfor_s = 20";
    let scenario = with(fault, "json");
    let running = Running::start(&scenario, broker.port());
    let first = numbers(&listener.wait_for("telemetry", is_telemetry))[0];
    listener
        .wait_for("the will", |heard| heard.topic.ends_with("/status") && heard.json()["online"] == false);
    let kept = listener.wait_for("what was kept", |heard| is_telemetry(heard) && numbers(heard).len() > 5);
    assert!(numbers(&kept)[0] > first, "{kept:?}");
    running.stop();
}

#[test]
fn settings_that_cannot_be_are_refused_by_the_device() {
    let broker = Mosquitto::start();
    let listener = broker.listen("aisle/v1/s1/+/config/reported");
    let scenario = with("kind = \"bad_settings\"", "json").replace("from_s = 0", "from_s = 20");
    let running = Running::start(&scenario, broker.port());
    let refused = listener.wait_for("a refusal", |heard| heard.json()["refused"].is_object()).json();
    assert_eq!(refused["settings"]["interval_s"], 1);
    running.stop();
}
