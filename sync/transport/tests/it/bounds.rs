//! How many may come.

use crate::{
    authority::Authority,
    world::{HubUnderTest, NodeUnderTest, assert_whole, eventually},
};
use aisle_protocol::LogClass;
use aisle_transport::{Path, desk::Parting};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_hub_lets_nobody_in_and_harms_nobody_who_is() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::with(authority.hub(), |config| config.connections_max = 3);
    let start = |store: &str| NodeUnderTest::start(&authority, store, Some(hub.quic), Some(hub.tls));
    let inside: Vec<NodeUnderTest> = ["a", "b", "c"].map(start).into();
    for node in &inside {
        node.is_connected_by(Path::Quic).await;
    }
    let outside = start("d");
    eventually("it is refused", || {
        hub.metric("connections_refused_total{path=\"quic\",reason=\"full\"}") > 0.0
    })
    .await;
    for (node, store) in inside.iter().zip(["a", "b", "c"]) {
        node.seal(LogClass::Sales, 0..100, 10, 20);
        node.is_acked().await;
        assert_whole(&hub, store, LogClass::Sales, 0..100);
    }
    assert_eq!(hub.connections.list().len(), 3);
    // When one goes, there is a place.
    inside[0].client.clone().stop().await;
    eventually("it is in", || outside.status().phase == aisle_transport::client::Phase::Connected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_stores_connections_the_newest_stay() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::with(authority.hub(), |config| config.store_connections_max = 2);
    let start = |node: &str| {
        // One that is replaced stays away.
        NodeUnderTest::with(authority.node("berlin", node), "berlin", Some(hub.quic), None, |plan| {
            plan.node.backoff_base_ms = 60_000;
            plan.node.backoff_max_ms = 60_000;
        })
    };
    let mut nodes = Vec::new();
    for name in ["1", "2", "3"] {
        nodes.push(start(name));
        nodes.last().unwrap().is_connected_by(Path::Quic).await;
    }
    let names = || -> Vec<String> {
        let mut names: Vec<String> = hub.connections.list().into_iter().map(|one| one.node).collect();
        names.sort();
        names
    };
    eventually("the oldest is gone", || names() == ["2", "3"]).await;
    // The same node again takes its own place.
    let again = start("3");
    again.is_connected_by(Path::Quic).await;
    eventually("two are replaced", || hub.metric("connections_ended_total{how=\"replaced\"}") == 2.0).await;
    assert_eq!(names(), ["2", "3"]);
    let parted = hub.desk.parted.lock().unwrap().clone();
    assert!(parted.iter().all(|(_, how)| *how == Parting::Replaced), "{parted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_stores_at_once_lose_nothing() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let stores: Vec<String> = (0..30).map(|number| format!("store-{number}")).collect();
    let nodes: Vec<NodeUnderTest> = stores
        .iter()
        .enumerate()
        .map(|(at, store)| {
            let quic = (at % 3 != 0).then_some(hub.quic);
            NodeUnderTest::start(&authority, store, quic, Some(hub.tls))
        })
        .collect();
    for node in &nodes {
        node.seal(LogClass::Sales, 0..200, 20, 20);
        node.seal(LogClass::Telemetry, 0..200, 50, 20);
    }
    for (node, store) in nodes.iter().zip(&stores) {
        node.is_acked().await;
        assert_whole(&hub, store, LogClass::Sales, 0..200);
        assert_whole(&hub, store, LogClass::Telemetry, 0..200);
    }
    assert_eq!(hub.connections.list().len(), 30);
}
