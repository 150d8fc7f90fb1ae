//! Commands: answered, refused, or not answered in time.

use crate::{admin::administrator::Administered, support::command::start};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_command_is_answered_refused_or_times_out() {
    let admin = Administered::start();
    let mut scale = admin.approved_scale("scale-1").await;
    for command in ["identify", "restart"] {
        scale.client.subscribe(&scale.topic(&format!("cmd/{command}/req")), 1).await.expect("subscribed");
    }
    let asking = start(&mut admin.aisle(["device", "command", "scale-1", "identify", "seconds=5", "--json"]));
    let asked = scale.told("cmd/identify/req").await;
    assert_eq!(asked["args"]["seconds"], 5, "{asked}");
    let done = json!({ "id": asked["id"], "ok": true, "reason": null, "result": { "blinks": 10 } });
    scale.say("cmd/identify/res", false, &done).await;
    let answer = asking.finish().exits(0).json();
    assert_eq!((&answer["outcome"], &answer["response"]["blinks"]), (&json!("done"), &json!(10)));

    let asking = start(&mut admin.aisle(["device", "command", "scale-1", "restart"]));
    let asked = scale.told("cmd/restart/req").await;
    let refused = json!({ "id": asked["id"], "ok": false, "reason": "the door is open", "result": {} });
    scale.say("cmd/restart/res", false, &refused).await;
    let said = asking.finish().exits(1);
    assert!(said.stdout.contains("refused") && said.stdout.contains("the door is open"), "{said:?}");

    let path = "/v1/admin/devices/scale-1/commands/read_now";
    let silent = admin.send(Method::POST, path, &json!({ "timeout_s": 1, "by": "Ada" })).await.json(200);
    assert_eq!(silent, json!({ "outcome": "timed_out" }));
    let device = admin.device("scale-1").await;
    let last = device["commands"].as_array().and_then(|commands| commands.last()).expect("a command");
    assert_eq!((&last["ended"]["end"], &last["by"]), (&json!("timed_out"), &json!("Ada")), "{device}");
}

#[tokio::test]
async fn a_command_that_takes_its_time_goes_on_without_the_request() {
    let admin = Administered::start();
    let mut scale = admin.approved_scale("scale-1").await;
    scale.client.subscribe(&scale.topic("cmd/identify/req"), 1).await.expect("subscribed");
    let path = "/v1/admin/devices/scale-1/commands/identify";
    let answer = admin.send(Method::POST, path, &json!({ "timeout_s": 60 })).await.json(202);
    assert_eq!(answer["outcome"], "under_way", "{answer}");
    let asked = scale.told("cmd/identify/req").await;
    assert_eq!(answer["correlation"], asked["id"], "{answer}");
    let done = json!({ "id": asked["id"], "ok": true, "reason": null, "result": {} });
    scale.say("cmd/identify/res", false, &done).await;
    let is_done = |device: &serde_json::Value| device["commands"][0]["ended"]["end"] == "done";
    admin.device_that("the end of a command", "scale-1", is_done).await;
}

#[tokio::test]
async fn a_command_that_cannot_be_is_refused_before_it_is_sent() {
    let admin = Administered::start();
    let _scale = admin.scale("scale-1").await;
    admin.device("scale-1").await;
    let path = "/v1/admin/devices/scale-1/commands/identify";
    admin.send(Method::POST, path, &json!({})).await.problem(409);
    admin.approve("scale-1", &json!({})).await;
    admin.send(Method::POST, path, &json!({ "timeout_s": 0 })).await.problem_with(400, "timeout_s");
    admin.send(Method::POST, path, &json!({ "arguments": {} })).await.problem_with(400, "arguments");
    admin.send(Method::POST, path, &json!({ "args": { "a": [1] } })).await.problem_with(400, "command");
    let unknown = "/v1/admin/devices/scale-2/commands/identify";
    admin.send(Method::POST, unknown, &json!({})).await.problem_with(404, "device");
    assert_eq!(admin.device("scale-1").await["commands"], json!([]));
}
