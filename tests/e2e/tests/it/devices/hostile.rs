//! Devices that lie, by mistake or not: each case is defined, costs others nothing, and is told to staff in words.
//!
//! The parts are tested beside their crates; here it is the whole node that hears it, by MQTT, and tells it over HTTP, where the staff
//! board has the same words from. A retired device's settings are in `approval`, a power cut while a device writes its settings is
//! in `aisle-device`; what the node tells of it is here.

use super::scale::{SOON, Scale};
use crate::{admin::administrator::Administered, support::wait::eventually};
use aisle_harness::mqtt::raw::Publish;
use reqwest::Method;
use serde_json::{Value, json};
use std::fs;

fn samples(boot: u32, unit: &str, samples: &Value) -> Value {
    json!({ "boot": boot, "unit": unit, "samples": samples })
}

impl Administered {
    /// Waits until staff are told this of a device.
    async fn told_of(&self, id: &str, words: &str) -> Value {
        let is_told = |device: &Value| device["alert"].as_str().is_some_and(|alert| alert.contains(words));
        self.device_that(words, id, is_told).await
    }

    /// Waits until a stream of weights has so many readings, and gives their values.
    async fn weights(&self, id: &str, count: usize) -> Vec<f64> {
        let path = format!("/v1/admin/telemetry/{id}/weight/raw");
        eventually("the readings", SOON, async || {
            let answer = self.ask(Method::GET, &path).await;
            let raw = (answer.status == 200).then(|| answer.json(200))?;
            let readings = raw["readings"].as_array()?;
            let values: Vec<f64> = readings.iter().filter_map(|reading| reading["value"].as_f64()).collect();
            (values.len() >= count).then_some(values)
        })
        .await
    }
}

#[tokio::test]
async fn numbers_that_cannot_be_and_units_of_others_are_refused_whole_and_told() {
    // A map of four keys in CBOR, as in the contract, with NaN in half precision.
    const NAN: &[u8] = b"\xa3\x64boot\x0c\x64unit\x64gram\x67samples\x81\xa2\x61n\x18\x5a\x61v\xf9\x7e\x00";
    let weight = "telemetry/weight";
    let json = |value: Value| value.to_string().into_bytes();
    let cases: [(&str, &str, Vec<u8>, &str); 7] = [
        ("nan-in-cbor", weight, NAN.into(), "`samples[0].v` is NaN"),
        (
            "nan-in-json",
            weight,
            br#"{"boot":12,"unit":"gram","samples":[{"n":90,"v":NaN}]}"#.into(),
            "no JSON value",
        ),
        (
            "infinite",
            weight,
            br#"{"boot":12,"unit":"gram","samples":[{"n":90,"v":1e999}]}"#.into(),
            "infinite",
        ),
        ("negative", weight, json(samples(12, "gram", &json!([{ "n": 90, "v": -500.0 }]))), "is -500 gram"),
        (
            "in-part",
            weight,
            json(samples(12, "gram", &json!([{ "n": 90, "v": 1.0 }, { "n": 91, "v": -900.0 }]))),
            "`samples[1].v`",
        ),
        (
            "of-another",
            "telemetry/temperature",
            json(samples(12, "gram", &json!([{ "n": 90, "v": 4.0 }]))),
            "announced in celsius and speaks in gram",
        ),
        (
            "of-nobody",
            weight,
            json(samples(12, "kilogram", &json!([{ "n": 90, "v": 4.0 }]))),
            "`unit` is unknown: `kilogram`",
        ),
    ];
    let admin = Administered::start();
    for (id, channel, payload, words) in cases {
        let mut scale = admin.approved_scale(id).await;
        scale.measure("weight", "gram", 812.5).await;
        scale.say_bytes(channel, false, payload.into()).await;
        scale.measure("weight", "gram", 640.0).await;
        let device = admin.told_of(id, words).await;
        assert_eq!(device["state"], "approved", "{device}");
        assert_eq!(admin.weights(id, 2).await, [812.5, 640.0], "{id}");
        assert!(device["suspended"].is_null(), "{device}");
    }
}

#[tokio::test]
async fn a_reading_that_comes_twice_counts_once_and_one_that_comes_late_counts() {
    let admin = Administered::start();
    let mut scale = admin.approved_scale("scale-1").await;
    for number in [1, 2, 5, 2, 3, 5, 4, 1] {
        let reading = samples(12, "gram", &json!([{ "n": number, "v": number }]));
        scale.say("telemetry/weight", false, &reading).await;
    }
    // After a start it counts anew.
    scale.say("telemetry/weight", false, &samples(13, "gram", &json!([{ "n": 1, "v": 100 }]))).await;
    let mut values = admin.weights("scale-1", 6).await;
    values.sort_by(f64::total_cmp);
    assert_eq!(values, [1.0, 2.0, 3.0, 4.0, 5.0, 100.0]);
}

#[tokio::test]
async fn a_clock_that_is_years_off_costs_no_reading_and_is_told() {
    let admin = Administered::start();
    // 1970 and 2086.
    for (id, at_ms, words) in [("behind", 0_i64, "years behind"), ("ahead", 3_660_000_000_000, "years ahead")]
    {
        let mut scale = admin.approved_scale(id).await;
        let reading = samples(12, "gram", &json!([{ "n": 1, "at_ms": at_ms, "v": 640.0 }]));
        scale.say("telemetry/weight", false, &reading).await;
        admin.told_of(id, words).await;
        assert_eq!(admin.weights(id, 1).await, [640.0]);
        // It has the store's time: a minute of now has it.
        let series = admin.get(&format!("/v1/admin/telemetry/{id}/weight?resolution=minute")).await;
        assert_eq!(series["points"][0]["last"], 640.0, "{series}");
    }
}

#[tokio::test]
async fn two_devices_with_one_id_are_told_and_neither_is_silenced() {
    let admin = Administered::start();
    let mut one = admin.approved_scale("scale-1").await;
    let mut other = Scale::by(&admin, "scale-1", "another-client").await;
    for number in 1..5 {
        one.say("telemetry/weight", false, &samples(12, "gram", &json!([{ "n": number, "v": 4 }]))).await;
        other.say("telemetry/weight", false, &samples(40, "gram", &json!([{ "n": number, "v": 9 }]))).await;
    }
    admin.told_of("scale-1", "two devices use this id").await;
    assert_eq!(admin.weights("scale-1", 8).await.len(), 8);
}

#[tokio::test]
async fn a_device_that_becomes_another_model_is_suspended_until_it_is_approved_again() {
    let admin = Administered::start();
    let mut scale = admin.approved_scale("scale-1").await;
    scale.measure("weight", "gram", 1.0).await;
    admin.weights("scale-1", 1).await;
    scale.announce_as("camera-9").await;
    let device =
        admin.told_of("scale-1", "approved as `shelf-scale-2`, and now says that it is `camera-9`").await;
    assert!(device["suspended"].is_object(), "{device}");
    scale.measure("weight", "gram", 2.0).await;
    admin.approve("scale-1", &json!({ "by": "Ada" })).await;
    admin.device_that("no suspension", "scale-1", |device| device["suspended"].is_null()).await;
    scale.measure("weight", "gram", 3.0).await;
    assert_eq!(
        admin.weights("scale-1", 2).await,
        [1.0, 3.0],
        "what it said while it was suspended is not among it"
    );
}

#[tokio::test]
async fn a_profile_with_a_catastrophic_pattern_is_refused_by_its_field_and_the_others_hear() {
    let admin = Administered::start();
    let dir = admin.node.data().join("devices/profiles");
    fs::create_dir_all(&dir).expect("made");
    let profile = |pattern: &str| {
        format!(
            "profile = \"slow\"\nmodel = \"Slow\"\nmatch = \"{pattern}\"\n[[message]]\nkind = \"number\"\n\
             [[message.value]]\nstream = \"t\"\nunit = \"celsius\"\n"
        )
    };
    let many = format!("{{device}}/{}", vec!["+"; 40].join("/"));
    for (file, pattern) in [
        ("everything.toml", "{device}/#"),
        ("many.toml", many.as_str()),
        ("regex.toml", "probes/{device}/(a+)+$"),
    ] {
        fs::write(dir.join(file), profile(pattern)).expect("written");
    }
    let found = eventually("three refusals", SOON, async || {
        let found = admin.get("/v1/admin/device-profiles").await;
        (found["refused"].as_array().map(Vec::len) == Some(3)).then_some(found)
    })
    .await;
    for (nth, file) in ["everything.toml", "many.toml", "regex.toml"].into_iter().enumerate() {
        let refused = &found["refused"][nth];
        assert_eq!(refused["file"], file, "{found}");
        assert!(refused.to_string().contains("`match`"), "{found}");
    }
    let mut plug = admin.sensor("plug").await;
    let payload = r#"{"ENERGY":{"Total":3.185,"Power":26,"Voltage":234}}"#;
    eventually("the plug", SOON, async || {
        plug.publish_all("tele/plug-7/SENSOR", 1, [payload.into()], 1).await.expect("published");
        (admin.ask(Method::GET, "/v1/admin/devices/plug-7").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_devices_that_announce_themselves_at_once_hold_up_nobody_and_are_told() {
    const DEVICES: usize = 10_000;
    const UNAPPROVED_MAX: usize = 500;
    let admin = Administered::start();
    let mut scale = admin.approved_scale("scale-1").await;
    scale.measure("weight", "gram", 1.0).await;
    let mut crowd = admin.sensor("crowd").await;
    let announce = json!({ "contract": 1, "model": "shelf-scale-2", "boots": 1 }).to_string();
    for number in 0..DEVICES {
        let publish = Publish {
            topic: format!("aisle/v1/store-1/new-{number}/announce"),
            payload: announce.clone().into(),
            ..Publish::default()
        };
        crowd.publish(&publish).await.expect("sent");
    }
    scale.measure("weight", "gram", 2.0).await;
    crowd.ping().await.expect("the broker took them all in");
    scale.measure("weight", "gram", 3.0).await;
    assert_eq!(admin.weights("scale-1", 3).await, [1.0, 2.0, 3.0]);
    eventually("a register that is full and says so", SOON, async || {
        let alert = admin.api().health().await["floor"]["devices_alert"].clone();
        alert.as_str().is_some_and(|alert| alert.contains("wait for approval")).then_some(())
    })
    .await;
    let heard = admin.get("/v1/admin/devices?state=heard&limit=1000").await;
    assert_eq!(heard["items"].as_array().map(Vec::len), Some(UNAPPROVED_MAX));
    // Its journal did not grow by what was shed.
    let durable = admin.api().durable().await;
    assert!(durable < (DEVICES / 2) as u64, "{durable} records");
}

#[tokio::test]
async fn a_device_that_lost_power_with_new_settings_and_fell_back_is_told() {
    let admin = Administered::start();
    let mut scale = admin.approved_scale("scale-1").await;
    scale.client.subscribe(&scale.topic("config/desired"), 1).await.expect("subscribed");
    let path = "/v1/admin/devices/scale-1/settings";
    admin.send(Method::PATCH, path, &json!({ "interval_s": 60 })).await.json(200);
    assert_eq!(scale.told("config/desired").await["version"], 1);
    // The power went while it wrote them: it knows only what it had before, and says so.
    let before = json!({ "enabled": true, "interval_s": 10 });
    scale.say("config/reported", true, &json!({ "version": 0, "settings": before })).await;
    let device = admin.device_that("a report", "scale-1", |it| it["twin"]["reported"].is_object()).await;
    assert_eq!(device["twin"]["in_sync"], false, "{device}");
    // Later it tried them, did not stay up, and went back to them again.
    let fell_back = json!({
        "version": 0, "settings": before, "last_known_good": true,
        "refused": { "version": 1, "path": "", "reason": "the device did not stay up in 3 starts with them" },
    });
    scale.say("config/reported", true, &fell_back).await;
    admin.told_of("scale-1", "did not stay up in 3 starts").await;
    // Newer ones are another attempt.
    admin.send(Method::PATCH, path, &json!({ "interval_s": 61 })).await.json(200);
    let again = scale.told("config/desired").await;
    assert_eq!((&again["version"], &again["settings"]["interval_s"]), (&json!(2), &json!(61)), "{again}");
}
