//! What devices say and do, heard by mosquitto's own client.

use super::{Running, broker::Mosquitto};
use std::collections::{BTreeMap, BTreeSet};

const ONE_FRIDGE: &str = r#"
    simulation = { connect_within_s = 0.0, speed = 20.0 }
    [floor]
    start_ms = 1_767_866_400_000
    [[floor.units]]
    name = "dairy"
    doors_per_hour = 600.0
    door_s = 30.0
    [[devices]]
    count = 1
    model = "fridge-temperature"
    prefix = "fridge-"
    interval_s = 2
"#;

#[test]
fn a_device_announces_itself_and_its_will_appears_when_it_is_gone() {
    let broker = Mosquitto::start();
    let listener = broker.listen("aisle/v1/s1/fridge-1/#");
    let running = Running::start(ONE_FRIDGE, broker.port());
    let announce = listener.wait_for("an announce", |heard| heard.topic.ends_with("/announce")).json();
    assert_eq!(announce["model"], "fridge-temperature");
    assert_eq!(announce["boots"], 1);
    assert_eq!(announce["streams"][0]["name"], "temperature");
    assert_eq!(announce["streams"][0]["unit"], "celsius");
    let status = listener.wait_for("a status", |heard| heard.topic.ends_with("/status")).json();
    assert_eq!(status["online"], true);
    let telemetry =
        listener.wait_for("telemetry", |heard| heard.topic.ends_with("/telemetry/temperature")).json();
    assert_eq!(telemetry["unit"], "celsius");
    let first = telemetry["samples"][0]["v"].as_f64().unwrap();
    assert!((-5.0..25.0).contains(&first), "{first} °C");
    running.stop();
    let gone = listener.wait_for("the will", |heard| heard.topic.ends_with("/status"));
    assert_eq!(gone.json()["online"], false);
    // It is retained: who comes later knows it too.
    let late = broker.listen("aisle/v1/s1/+/status");
    let retained = late.wait_for("the retained status", |heard| heard.retained);
    assert_eq!(retained.json()["online"], false);
}

#[test]
fn a_device_that_is_unplugged_is_gone_and_comes_back_with_what_it_measured() {
    let broker = Mosquitto::start();
    let listener = broker.listen("aisle/v1/s1/fridge-1/status");
    let running = Running::start(ONE_FRIDGE, broker.port());
    listener.wait_for("a status", |heard| heard.json()["online"] == true);
    assert!(running.handle.plug("fridge-1", false) && !running.handle.plug("fridge-2", false));
    assert_eq!(running.handle.unplugged(), BTreeSet::from(["fridge-1".to_owned()]));
    listener.wait_for("the will", |heard| heard.json()["online"] == false);
    assert!(running.handle.plug("fridge-1", true));
    listener.wait_for("a status", |heard| heard.json()["online"] == true);
    assert_eq!(running.stop().reconnects, 1);
}

#[test]
fn telemetry_comes_numbered_without_gaps_across_a_broker_that_was_gone() {
    let mut broker = Mosquitto::start();
    // Anything but a broker that is killed: mosquitto acknowledges what such an end loses.
    let listener = broker.listen("aisle/v1/s1/+/telemetry/#");
    let running = Running::start(ONE_FRIDGE, broker.port());
    let mut numbers = BTreeSet::new();
    let hear = |numbers: &mut BTreeSet<u64>| {
        let samples = listener.wait_for("telemetry", |_| true).json();
        let samples = samples["samples"].as_array().unwrap().iter();
        numbers.extend(samples.map(|sample| sample["n"].as_u64().unwrap()));
    };
    while numbers.len() < 5 {
        hear(&mut numbers);
    }
    broker.stop();
    let before_ms = running.handle.progress().simulated_ms;
    // Long enough for samples that have nowhere to go.
    while running.handle.progress().simulated_ms < before_ms + 40_000 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let until = numbers.last().unwrap() + 40;
    broker.start_again();
    while numbers.last().is_none_or(|last| *last < until) {
        hear(&mut numbers);
    }
    let progress = running.stop();
    assert!(progress.reconnects >= 1, "{progress:?}");
    let first = *numbers.first().unwrap();
    let missing: Vec<u64> = (first..until).filter(|n| !numbers.contains(n)).collect();
    assert_eq!(missing, Vec::<u64>::new(), "of {first}..{until}");
}

#[test]
fn desired_settings_are_reported_and_bad_ones_are_refused_whole_with_their_path() {
    let broker = Mosquitto::start();
    let listener = broker.listen("aisle/v1/s1/fridge-1/config/reported");
    let running = Running::start(ONE_FRIDGE, broker.port());
    let first = listener.wait_for("the settings from the factory", |_| true).json();
    assert_eq!(first["version"], 0);
    assert_eq!(first["settings"]["interval_s"], 2);
    let desired = "aisle/v1/s1/fridge-1/config/desired";
    broker.publish(desired, r#"{"version":1,"settings":{"interval_s":4,"offset":1.5}}"#, true);
    let set = listener.wait_for("version 1", |heard| heard.json()["version"] == 1).json();
    assert_eq!(set["settings"]["interval_s"], 4);
    assert_eq!(set["settings"]["offset"], 1.5);
    broker.publish(desired, r#"{"version":2,"settings":{"interval_s":9,"offset":99}}"#, true);
    let refused = listener.wait_for("a refusal", |heard| heard.json()["refused"].is_object()).json();
    assert_eq!(refused["refused"]["version"], 2);
    assert_eq!(refused["refused"]["path"], "offset", "{refused}");
    assert_eq!(refused["version"], 1);
    assert_eq!(refused["settings"]["interval_s"], 4, "nothing of it was taken");
    running.stop();
}

#[test]
fn a_command_is_answered_with_its_own_id() {
    let broker = Mosquitto::start();
    let listener = broker.listen("aisle/v1/s1/fridge-1/#");
    let running = Running::start(ONE_FRIDGE, broker.port());
    listener.wait_for("a status", |heard| heard.topic.ends_with("/status"));
    broker.publish("aisle/v1/s1/fridge-1/cmd/read_now/req", r#"{"id":"q-1","ttl_s":60}"#, false);
    let response = listener.wait_for("a response", |heard| heard.topic.ends_with("/cmd/read_now/res")).json();
    assert_eq!(response["id"], "q-1");
    assert_eq!(response["ok"], true, "{response}");
    running.stop();
}

#[test]
fn devices_of_others_speak_as_they_do() {
    let broker = Mosquitto::start();
    let listener = broker.listen("#");
    let scenario = r#"
        simulation = { connect_within_s = 0.0 }
        devices = [
            { count = 1, model = "tasmota-plug", prefix = "plug-", interval_s = 1 },
            { count = 1, model = "esphome-climate", prefix = "climate-", interval_s = 1 },
            { count = 1, model = "zigbee2mqtt-contact", prefix = "contact-", interval_s = 1 },
            { count = 1, model = "barcode-scale", prefix = "scale-", interval_s = 1, encoding = "cbor" },
        ]
    "#;
    let running = Running::start(scenario, broker.port());
    let mut seen = BTreeMap::new();
    let wanted = [
        "tele/plug-1/LWT",
        "tele/plug-1/SENSOR",
        "climate-1/status",
        "climate-1/sensor/temperature/state",
        "zigbee2mqtt/contact-1",
        "aisle/v1/s1/scale-1/announce",
        "aisle/v1/s1/scale-1/telemetry/code",
    ];
    while !wanted.iter().all(|topic| seen.contains_key(*topic)) {
        let heard = listener.wait_for("all that was wanted", |_| true);
        seen.insert(heard.topic.clone(), heard);
    }
    assert_eq!(seen["tele/plug-1/LWT"].payload, b"Online");
    assert!(seen["tele/plug-1/SENSOR"].json()["ENERGY"]["Power"].is_number());
    let celsius = String::from_utf8(seen["climate-1/sensor/temperature/state"].payload.clone()).unwrap();
    assert!(celsius.parse::<f64>().is_ok(), "{celsius}");
    assert!(seen["zigbee2mqtt/contact-1"].json()["contact"].is_boolean());
    assert!(seen["aisle/v1/s1/scale-1/telemetry/code"].payload[0] >= 0x80, "it is CBOR");
    broker.publish("cmnd/plug-1/POWER", "OFF", false);
    let power = listener.wait_for("the plug's answer", |heard| heard.topic == "stat/plug-1/POWER");
    assert_eq!(power.payload, b"OFF");
    running.stop();
}

#[test]
fn each_device_connects_as_itself_where_the_broker_wants_passwords() {
    let directory = tempfile::tempdir().unwrap();
    let passwords = directory.path().join("passwords");
    for device in ["door-1", "door-2"] {
        let mut passwd = std::process::Command::new("mosquitto_passwd");
        if !passwords.exists() {
            passwd.arg("-c");
        }
        let status = passwd.arg("-b").arg(&passwords).arg(device).arg(format!("secret of {device}")).status();
        assert!(status.expect("`mosquitto_passwd` is not installed: `apt-get install mosquitto`").success());
    }
    let config = format!("allow_anonymous false\npassword_file {}\n", passwords.display());
    let broker = Mosquitto::start_with(&config);
    let scenario = r#"
        simulation = { connect_within_s = 0.0 }
        mqtt = { user = "%device%", password = "secret of %device%" }
        devices = [{ count = 3, model = "door-contact", prefix = "door-", interval_s = 1 }]
    "#;
    let running = Running::start(scenario, broker.port());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let progress = running.handle.progress();
        if progress.connected == 2 && progress.unreachable >= 1 {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{progress:?}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    running.stop();
}
