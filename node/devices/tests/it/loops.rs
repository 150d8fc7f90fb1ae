//! A message that could run in a circle of bridges ends.

use crate::{
    bridge_under_test::{BridgeUnderTest, config},
    client::Client,
    eventually,
    mosquitto::Mosquitto,
    store::Store,
};
use aisle_broker::packet::QoS;
use std::time::Duration;
use tokio::time::sleep;

const BOTH: &str = "[[in]]\nfilter = \"chain/#\"\n[[out]]\nfilter = \"chain/#\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn the_same_topics_both_ways_make_no_circle_by_mqtt_5() {
    let (mosquitto, leeds, york) = (Mosquitto::start(), Store::open().await, Store::open().await);
    let (in_leeds, in_york) = (leeds.watch("chain/#").await, york.watch("chain/#").await);
    let office = Client::watching(mosquitto.port, "office", "chain/#").await;
    let first = BridgeUnderTest::run(&leeds, "leeds", config(&mosquitto.url(), "5", BOTH));
    let second = BridgeUnderTest::run(&york, "york", config(&mosquitto.url(), "5", BOTH));
    first.until(|status| status.connected).await;
    second.until(|status| status.connected).await;
    leeds.publish("chain/a", "from leeds", QoS::AtLeastOnce).await;
    york.publish("chain/b", "from york", QoS::AtLeastOnce).await;
    office.publish("chain/c", "from the office", 1).await;
    let expected = ["from leeds", "from the office", "from york"];
    for seen in [&in_leeds, &in_york, &office.seen] {
        eventually(|| seen.payloads(), |all| all.len() >= 3).await;
    }
    sleep(Duration::from_millis(500)).await;
    for seen in [&in_leeds, &in_york, &office.seen] {
        let mut payloads = seen.payloads();
        payloads.sort();
        assert_eq!(payloads, expected, "each place sees each message once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_back_by_another_bridge_is_dropped() {
    // Two brokers, each bridged with each of two stores: a circle of four that no single `no local` can break.
    let (hall, yard, leeds, york) =
        (Mosquitto::start(), Mosquitto::start(), Store::open().await, Store::open().await);
    let (in_leeds, in_york) = (leeds.watch("chain/#").await, york.watch("chain/#").await);
    let mut bridges = Vec::new();
    for (store, name) in [(&leeds, "leeds"), (&york, "york")] {
        for (broker, bridge) in [(&hall, "hall"), (&yard, "yard")] {
            let mut settings = config(&broker.url(), "5", BOTH);
            settings.name = bridge.into();
            let bridge = BridgeUnderTest::run(store, name, settings);
            bridge.until(|status| status.connected).await;
            bridges.push(bridge);
        }
    }
    leeds.publish("chain/a", "once", QoS::AtLeastOnce).await;
    eventually(|| in_york.payloads(), |all| !all.is_empty()).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(in_leeds.payloads(), ["once"], "it does not come back to where it was");
    assert!(
        in_york.payloads().len() <= 2,
        "it comes by each of the two brokers at most once: {:?}",
        in_york.payloads()
    );
    let refused: u64 = bridges.iter().map(|bridge| bridge.status().refused_count).sum();
    assert!(refused > 0, "what came back was counted");
}
