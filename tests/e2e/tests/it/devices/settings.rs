//! Settings: taken whole or not at all, and shown as wanted until the device says that it has them.

use crate::{admin::administrator::Administered, support::command::run};
use reqwest::Method;
use serde_json::json;

const PATH: &str = "/v1/admin/devices/scale-1/settings";

#[tokio::test]
async fn a_wrong_setting_is_refused_whole_with_its_path() {
    let admin = Administered::start();
    let _scale = admin.approved_scale("scale-1").await;
    let both = json!({ "enabled": false, "interval_s": 0 });
    let refused = admin.send(Method::PATCH, PATH, &both).await.problem_with(400, "interval_s");
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("whole")), "{refused}");
    admin.send(Method::PATCH, PATH, &json!({ "intervall_s": 60 })).await.problem_with(400, "intervall_s");
    admin.send(Method::PATCH, PATH, &json!({ "enabled": [true] })).await.problem_with(400, "enabled");
    admin.send(Method::PATCH, PATH, &json!({})).await.problem(400);
    run(&mut admin.aisle(["device", "set", "scale-1", "enabled=false", "interval_s=0"]))
        .exits(1)
        .complains_about(&["`interval_s`", "whole"]);
    run(&mut admin.aisle(["device", "set", "scale-1", "enabled"])).exits(1).complains_about(&["KEY=VALUE"]);
    let device = admin.device("scale-1").await;
    assert_eq!(device["twin"]["desired"], json!(null), "{device}");
}

#[tokio::test]
async fn settings_reach_the_device_and_are_in_sync_when_it_says_so() {
    let admin = Administered::start();
    let mut scale = admin.approved_scale("scale-1").await;
    scale.client.subscribe(&scale.topic("config/desired"), 1).await.expect("subscribed");
    let set = run(&mut admin.aisle(["device", "set", "scale-1", "interval_s=60", "--by", "Ada", "--json"]));
    assert_eq!(set.exits(0).json()["version"], 1);
    let wanted = scale.told("config/desired").await;
    assert_eq!(wanted["version"], 1, "{wanted}");
    assert_eq!(wanted["settings"]["interval_s"], 60, "{wanted}");
    let device = admin.device("scale-1").await;
    assert_eq!(
        (&device["twin"]["in_sync"], &device["twin"]["desired"]["by"]),
        (&json!(false), &json!("Ada"))
    );
    let reported = json!({
        "version": 1, "settings": { "enabled": true, "interval_s": 60 }, "refused": null, "last_known_good": false
    });
    scale.say("config/reported", true, &reported).await;
    let is_in_sync = |device: &serde_json::Value| device["twin"]["in_sync"] == true;
    let device = admin.device_that("settings in sync", "scale-1", is_in_sync).await;
    assert_eq!(device["twin"]["reported"]["settings"]["interval_s"], 60, "{device}");

    // What the device refuses is shown with its words.
    admin.send(Method::PATCH, PATH, &json!({ "interval_s": 61 })).await.json(200);
    let refused = json!({
        "version": 1, "settings": { "enabled": true, "interval_s": 60 },
        "refused": { "version": 2, "path": "interval_s", "reason": "is odd" }, "last_known_good": false
    });
    scale.say("config/reported", true, &refused).await;
    let is_refused = |device: &serde_json::Value| device["twin"]["reported"]["refused"]["version"] == 2;
    let device = admin.device_that("a refusal", "scale-1", is_refused).await;
    assert!(device["alert"].as_str().is_some_and(|alert| alert.contains("`interval_s` is odd")), "{device}");
    let shown = run(&mut admin.aisle(["device", "show", "scale-1"])).exits(0).stdout;
    assert!(shown.contains("refused  version 2, whole: `interval_s` is odd"), "{shown}");
}
