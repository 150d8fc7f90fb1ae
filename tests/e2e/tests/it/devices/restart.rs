//! What a restart keeps: the register, the twins, the readings.

use crate::admin::administrator::Administered;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_node_that_was_killed_knows_its_devices_and_their_twins_again() {
    let mut admin = Administered::start();
    let mut scale = admin.approved_scale("scale-1").await;
    let path = "/v1/admin/devices/scale-1/settings?by=Ada";
    admin.send(Method::PATCH, path, &json!({ "interval_s": 60 })).await.json(200);
    scale.measure("weight", "gram", 640.0).await;
    let is_measured = |it: &serde_json::Value| it["telemetry"][0]["last"]["value"] == 640.0;
    let before = admin.device_that("the reading", "scale-1", is_measured).await;
    drop(scale);
    admin.node.kill().expect("it ran");
    admin.node.start_again().expect("it serves");
    let after = admin.device_that("the reading again", "scale-1", is_measured).await;
    for part in ["state", "state_by", "streams", "schema", "serial"] {
        assert_eq!(before[part], after[part], "{part}");
    }
    assert_eq!(before["twin"]["desired"], after["twin"]["desired"]);
    assert_eq!(after["twin"]["desired"]["settings"]["interval_s"], 60, "{after}");
    // A device that comes only now gets what was wanted before the power went.
    let mut scale = admin.sensor("scale-1").await;
    scale.subscribe("aisle/v1/store-1/scale-1/config/desired", 1).await.expect("subscribed");
    let wanted = scale.recv_publish(super::scale::SOON).await.expect("a message");
    let wanted: serde_json::Value = serde_json::from_slice(&wanted.payload).expect("JSON");
    assert_eq!((&wanted["version"], &wanted["settings"]["interval_s"]), (&json!(1), &json!(60)));
}
