//! A bridge of the configuration runs with the node: it carries messages, and is seen where the node is looked at.

use super::administrator::Administered;
use crate::support::wait::eventually;
use bytes::Bytes;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

fn bridge(url: &str) -> String {
    format!("[[bridge]]\nname = \"hq\"\nurl = \"{url}\"\n[[bridge.in]]\nfilter = \"cold/#\"\n")
}

#[tokio::test]
async fn a_bridge_carries_messages_and_is_seen_where_the_node_is_looked_at() {
    let other = Administered::start();
    let url = format!("mqtt://{}", other.node.mqtt().expect("the broker takes TCP"));
    let mut admin = Administered::with(&bridge(&url));
    let connected = async || {
        let overview = admin.get("/v1/admin/mqtt").await;
        (overview["bridges"][0]["connected"] == true).then_some(overview)
    };
    let overview = eventually("the bridge", SOON, connected).await;
    assert_eq!(overview["bridges"][0]["name"], "hq", "{overview}");
    let mut keeper = admin.keeper("keeper", "cold/#").await;
    let mut sensor = other.sensor("sensor").await;
    sensor.publish_all("cold/1", 1, [Bytes::from_static(b"3.9")], 1).await.expect("published");
    let carried = keeper.recv_publish(SOON).await.expect("carried over");
    assert_eq!((&*carried.topic, &*carried.payload), ("cold/1", &b"3.9"[..]));
    let health = admin.get("/healthz").await;
    assert_eq!(health["status"], "ok", "{health}");
    let metrics = admin.api().get("/metrics").await.body;
    assert!(metrics.contains("aisle_bridge_connected{bridge=\"hq\"} 1"), "{metrics}");
    drop(keeper);
    assert!(admin.node.stop().expect("it stops").success());
}

#[tokio::test]
async fn a_bridge_that_reaches_nobody_degrades_the_node_and_says_why() {
    let admin = Administered::with(&bridge("mqtt://127.0.0.1:1"));
    let complains = async || {
        let health = admin.get("/healthz").await;
        health["mqtt"]["bridges"][0]["last_error"].is_string().then_some(health)
    };
    let health = eventually("the complaint", SOON, complains).await;
    assert_eq!(health["status"], "degraded", "{health}");
    assert_eq!(health["mqtt"]["bridges"][0]["connected"], false, "{health}");
}
