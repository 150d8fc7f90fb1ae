//! `/healthz` tells of the broker, and is degraded while its file of devices cannot be read.

use super::administrator::Administered;
use crate::support::wait::eventually;
use std::{fs, time::Duration};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn health_tells_where_the_broker_listens_and_who_is_there() {
    let admin = Administered::start();
    let _sensor = admin.sensor("sensor").await;
    let health = admin.get("/healthz").await;
    let address = format!("tcp://{}", admin.node.mqtt().expect("the broker takes TCP"));
    assert_eq!(health["mqtt"]["listening"][0], address, "{health}");
    assert_eq!(health["mqtt"]["clients"], 1, "{health}");
    assert_eq!(health["status"], "ok", "{health}");
}

#[tokio::test]
async fn a_broken_file_of_devices_degrades_the_node_until_it_is_mended() {
    let admin = Administered::start();
    let file = admin.node.data().join("mqtt/devices.toml");
    fs::write(&file, "[[device]]\nid = 7\n").expect("written");
    let degraded = async || {
        let health = admin.get("/healthz").await;
        (health["status"] == "degraded").then_some(health)
    };
    let health = eventually("the complaint", SOON, degraded).await;
    let problem = health["mqtt"]["devices_problem"].as_str().unwrap_or_default();
    assert!(problem.contains("devices.toml"), "{health}");
    assert!(admin.get("/v1/admin/mqtt").await["devices_problem"].is_string());
    fs::remove_file(&file).expect("it was there");
    let mended = async || (admin.get("/healthz").await["status"] == "ok").then_some(());
    eventually("its end", SOON, mended).await;
}
