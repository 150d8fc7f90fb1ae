//! From the first word to a reading that counts, and to retirement.

use super::scale::SOON;
use crate::{
    admin::administrator::Administered,
    support::{command::run, wait::eventually},
};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_sensor_is_heard_then_approved_and_then_its_readings_count() {
    let admin = Administered::start();
    let mut scale = admin.scale("scale-1").await;
    let heard = admin.device("scale-1").await;
    assert_eq!(heard["state"], "heard", "{heard}");
    assert_eq!(heard["model"], "shelf-scale-2", "{heard}");
    scale.measure("weight", "gram", 812.5).await;
    let said = admin
        .device_that("the preview", "scale-1", |device| device["preview"]["streams"][0]["stream"] == "weight")
        .await;
    assert_eq!(said["telemetry"].as_array().map(Vec::len), Some(0), "{said}");
    let page = admin.get("/v1/admin/devices?state=heard").await;
    assert_eq!(page["items"][0]["device"], "scale-1", "{page}");
    assert!(page["items"][0]["alert"].as_str().is_some_and(|alert| alert.contains("approval")), "{page}");
    assert_eq!(admin.get("/v1/admin/devices?state=approved").await["items"], json!([]));

    let approved = admin.approve("scale-1", &json!({ "by": "Ada" })).await;
    assert_eq!((&approved["state"], &approved["state_by"]), (&json!("approved"), &json!("Ada")));
    scale.measure("weight", "gram", 640.0).await;
    let series = eventually("the reading", SOON, async || {
        let answer = admin.ask(Method::GET, "/v1/admin/telemetry/scale-1/weight?resolution=minute").await;
        (answer.status == 200).then(|| answer.json(200))
    })
    .await;
    // What was said before the approval is not among it.
    assert_eq!(series["points"][0]["count"], 1, "{series}");
    assert_eq!(series["points"][0]["last"], 640.0, "{series}");
    assert_eq!(series["unit"], "gram", "{series}");
    let raw = admin.get("/v1/admin/telemetry/scale-1/weight/raw").await;
    assert_eq!(raw["readings"][0]["value"], 640.0, "{raw}");
    let chart = admin.ask(Method::GET, "/v1/admin/telemetry/scale-1/weight/chart.svg?hours=2").await;
    assert_eq!((chart.status, chart.header("content-type")), (200, "image/svg+xml"));
    assert!(chart.body.starts_with("<svg"), "{chart:?}");
    let all = admin.get("/v1/admin/telemetry?device=scale-1").await;
    assert_eq!(all["streams"][0]["last"]["value"], 640.0, "{all}");
    assert_eq!(admin.get("/v1/admin/telemetry?device=other").await["streams"], json!([]));
}

#[tokio::test]
async fn a_retired_device_is_neither_heard_nor_set_until_it_is_approved_again() {
    let admin = Administered::start();
    let mut scale = admin.approved_scale("scale-1").await;
    run(&mut admin.aisle(["device", "retire", "scale-1", "--by", "Ada"])).exits(0);
    scale.announce().await;
    let retired = admin.device("scale-1").await;
    assert_eq!(retired["state"], "retired", "{retired}");
    let path = "/v1/admin/devices/scale-1/settings";
    let refused = admin.send(Method::PATCH, path, &json!({ "interval_s": 60 })).await.problem(409);
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("retired")), "{refused}");
    run(&mut admin.aisle(["device", "set", "scale-1", "interval_s=60"])).exits(1).complains_about(&[
        "`scale-1` is retired",
        "hint:",
        "device approve",
    ]);
    run(&mut admin.aisle(["device", "approve", "scale-1"])).exits(0);
    assert_eq!(admin.send(Method::PATCH, path, &json!({ "interval_s": 60 })).await.json(200)["version"], 1);
}

#[tokio::test]
async fn a_foreign_plug_appears_by_its_profile_and_is_measured_by_once_it_is_approved() {
    let admin = Administered::start();
    let mut plug = admin.sensor("plug").await;
    let payload = r#"{"Time":"2025-11-21T09:00:00","ENERGY":{"Total":3.185,"Power":26,"Voltage":234}}"#;
    // A plug does not retain what it says: it is heard when it speaks again.
    let heard = eventually("the plug", SOON, async || {
        plug.publish_all("tele/plug-7/SENSOR", 1, [payload.into()], 1).await.expect("published");
        let answer = admin.ask(Method::GET, "/v1/admin/devices/plug-7").await;
        (answer.status == 200).then(|| answer.json(200))
    })
    .await;
    assert_eq!((&heard["profile"], &heard["state"]), (&json!("tasmota-plug"), &json!("heard")), "{heard}");
    admin.approve("plug-7", &json!({})).await;
    plug.publish_all("tele/plug-7/SENSOR", 1, [payload.into()], 1).await.expect("published");
    let is_measured =
        |device: &serde_json::Value| device["telemetry"].as_array().is_some_and(|streams| streams.len() >= 3);
    let known = admin.device_that("three streams", "plug-7", is_measured).await;
    let power = known["telemetry"].as_array().expect("streams").iter().find(|it| it["stream"] == "power");
    assert_eq!(power.map(|power| &power["last"]["value"]), Some(&json!(26.0)), "{known}");
    // It is understood by a profile, which only reads.
    let set = admin.send(Method::PATCH, "/v1/admin/devices/plug-7/settings", &json!({ "on": true })).await;
    set.problem(409);
}

#[tokio::test]
async fn what_a_plug_says_only_once_as_soon_as_it_is_let_in_is_heard() {
    let mut admin = Administered::start();
    let payload = r#"{"Time":"2025-11-21T09:00:00","ENERGY":{"Total":3.185,"Power":26,"Voltage":234}}"#;
    for plug in ["plug-new", "plug-after-a-cut"] {
        let mut client = admin.sensor(plug).await;
        let topic = format!("tele/{plug}/SENSOR");
        client.publish_all(&topic, 0, [payload.into()], 1).await.expect("published");
        let heard = admin.device(plug).await;
        assert_eq!(heard["profile"], "tasmota-plug", "{heard}");
        admin.node.kill().expect("it ran");
        admin.node.start_again().expect("it serves");
    }
}

#[tokio::test]
async fn the_commands_list_show_and_draw_what_http_tells() {
    let admin = Administered::start();
    let nobody = run(&mut admin.aisle(["device", "list"])).exits(0);
    assert!(nobody.stdout.contains("no such device"), "{nobody:?}");
    let mut scale = admin.scale("scale-1").await;
    admin.device("scale-1").await;
    run(&mut admin.aisle(["device", "approve", "scale-1", "--by", "Ada"])).exits(0);
    scale.measure("weight", "gram", 640.0).await;
    let is_measured = |device: &serde_json::Value| device["telemetry"][0]["last"]["value"] == 640.0;
    admin.device_that("the reading", "scale-1", is_measured).await;
    let table = run(&mut admin.aisle(["device", "list", "--state", "approved"])).exits(0).stdout;
    assert!(table.lines().any(|line| line.starts_with("scale-1  shelf-scale-2  approved  yes")), "{table}");
    let lines = run(&mut admin.aisle(["device", "list", "--json"])).exits(0).json_lines();
    assert_eq!(lines[0]["device"], "scale-1");
    let shown = run(&mut admin.aisle(["device", "show", "scale-1"])).exits(0).stdout;
    assert!(shown.contains("approved by Ada") && shown.contains("weight: 640 gram"), "{shown}");
    let shown = run(&mut admin.aisle(["device", "show", "scale-1", "--json"])).exits(0).json();
    assert_eq!(shown["streams"][0]["name"], "weight", "{shown}");
    let table = run(&mut admin.aisle(["telemetry", "scale-1", "weight"])).exits(0).stdout;
    assert!(table.starts_with("FROM") && table.contains("640.00"), "{table}");
    let raw = run(&mut admin.aisle(["telemetry", "scale-1", "weight", "--raw"])).exits(0).stdout;
    assert!(raw.trim_end().ends_with("640 gram"), "{raw}");
    let file = admin.store.path("weight.svg");
    let shown = file.display().to_string();
    run(&mut admin.aisle(["telemetry", "scale-1", "weight", "--svg", &shown])).exits(0);
    assert!(std::fs::read_to_string(file).expect("drawn").starts_with("<svg"));
    run(&mut admin.aisle(["device", "show", "scale-2"])).exits(1).complains_about(&[
        "`scale-2`",
        "never heard",
        "hint:",
    ]);
}
