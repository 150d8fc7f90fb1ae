//! Either side may be away for a while: what waits comes when both are there again.

use crate::{
    bridge_under_test::{BridgeUnderTest, config},
    client::Client,
    cut::Line,
    eventually,
    mosquitto::Mosquitto,
    store::Store,
};
use aisle_broker::packet::QoS;
use std::{collections::BTreeSet, time::Duration};
use tokio::time::sleep;

const RULES: &str =
    "in_flight_max = 20\n[[in]]\nfilter = \"in/#\"\nqos = 2\n[[out]]\nfilter = \"out/#\"\nqos = 2\n";

fn numbers(payloads: &[String]) -> BTreeSet<u32> {
    payloads.iter().map(|it| it.parse().expect("a number")).collect()
}

fn missing(payloads: &[String], count: u32) -> Vec<u32> {
    let seen = numbers(payloads);
    (0..count).filter(|number| !seen.contains(number)).collect()
}

fn twice(payloads: &[String]) -> Vec<&String> {
    let mut seen = BTreeSet::new();
    payloads.iter().filter(|payload| !seen.insert(*payload)).collect()
}

/// 1,000 messages, and the other broker restarts with its sessions in the middle of them.
async fn a_restart_loses_nothing_on_the_way_in(version: &str) {
    let (mut mosquitto, store) = (Mosquitto::start(), Store::open().await);
    let here = store.watch("in/#").await;
    let _bridge = BridgeUnderTest::connected(&store, config(&mosquitto.url(), version, RULES)).await;
    let device = Client::connect(mosquitto.port, "device").await;
    for number in 0..500 {
        device.publish("in/x", &number.to_string(), 1).await;
    }
    eventually(|| device.answered(), |&count| count >= 300).await;
    mosquitto.stop();
    mosquitto.run();
    for number in 500..1000 {
        device.publish("in/x", &number.to_string(), 1).await;
    }
    eventually(|| missing(&here.payloads(), 1000), Vec::is_empty).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_loses_nothing_on_the_way_in_by_mqtt_5() {
    a_restart_loses_nothing_on_the_way_in("5").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_loses_nothing_on_the_way_in_by_mqtt_3() {
    a_restart_loses_nothing_on_the_way_in("3.1.1").await;
}

async fn a_restart_loses_nothing_on_the_way_out(version: &str) {
    let (mut mosquitto, store) = (Mosquitto::start(), Store::open().await);
    let there = Client::watching(mosquitto.port, "office", "out/#").await;
    let bridge = BridgeUnderTest::connected(&store, config(&mosquitto.url(), version, RULES)).await;
    for number in 0..500 {
        store.publish("out/x", &number.to_string(), QoS::AtLeastOnce).await;
    }
    mosquitto.stop();
    for number in 500..800 {
        store.publish("out/x", &number.to_string(), QoS::AtLeastOnce).await;
    }
    mosquitto.run();
    for number in 800..1000 {
        store.publish("out/x", &number.to_string(), QoS::AtLeastOnce).await;
    }
    eventually(|| missing(&there.seen.payloads(), 1000), Vec::is_empty).await;
    bridge.until(|status| status.out_held_count == 0 && status.connections_count >= 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_loses_nothing_on_the_way_out_by_mqtt_5() {
    a_restart_loses_nothing_on_the_way_out("5").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_loses_nothing_on_the_way_out_by_mqtt_3() {
    a_restart_loses_nothing_on_the_way_out("3.1.1").await;
}

/// QoS 2, both ways at once, over a line that breaks again and again.
async fn every_qos_2_message_crosses_once(version: &str) {
    let (mosquitto, store) = (Mosquitto::start(), Store::open().await);
    let line = Line::to(mosquitto.port).await;
    let here = store.watch("in/#").await;
    let there = Client::watching(mosquitto.port, "office", "out/#").await;
    let bridge = BridgeUnderTest::connected(&store, config(&line.url(), version, RULES)).await;
    let bring = async {
        for number in 0..400 {
            there.publish("in/x", &number.to_string(), 2).await;
            store.publish("out/x", &number.to_string(), QoS::ExactlyOnce).await;
            sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::join!(bring, line.cut_often(20));
    eventually(
        || (missing(&here.payloads(), 400), missing(&there.seen.payloads(), 400)),
        |(a, b)| a.is_empty() && b.is_empty(),
    )
    .await;
    bridge.until(|status| status.connected && status.out_held_count == 0 && status.in_held_count == 0).await;
    sleep(Duration::from_millis(300)).await;
    for payloads in [here.payloads(), there.seen.payloads()] {
        assert_eq!(twice(&payloads), Vec::<&String>::new(), "none comes twice");
    }
    assert!(line.connections() > 3, "the line was cut");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_qos_2_message_crosses_once_by_mqtt_5() {
    every_qos_2_message_crosses_once("5").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_qos_2_message_crosses_once_by_mqtt_3() {
    every_qos_2_message_crosses_once("3.1.1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_other_broker_lost_its_session_the_bridge_subscribes_again_and_loses_nothing_of_its_own() {
    for version in ["5", "3.1.1"] {
        let mut mosquitto = Mosquitto::with("allow_anonymous true\npersistence false\n", |_| String::new());
        let store = Store::open().await;
        let here = store.watch("in/#").await;
        let bridge = BridgeUnderTest::connected(&store, config(&mosquitto.url(), version, RULES)).await;
        for number in 0..200 {
            store.publish("out/x", &number.to_string(), QoS::AtLeastOnce).await;
        }
        bridge.until(|status| status.out_count == 200).await;
        mosquitto.stop();
        for number in 200..300 {
            store.publish("out/x", &number.to_string(), QoS::AtLeastOnce).await;
        }
        bridge.until(|status| !status.connected).await;
        mosquitto.run();
        bridge.until(|status| status.connected && status.out_count == 300).await;
        let device = Client::connect(mosquitto.port, "device").await;
        device.publish("in/x", "again", 1).await;
        eventually(|| here.payloads(), |all| all == &["again"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_while_the_bridge_is_away_crosses_when_it_is_back() {
    for version in ["5", "3.1.1"] {
        let (mosquitto, store) = (Mosquitto::start(), Store::open().await);
        let here = store.watch("in/#").await;
        let there = Client::watching(mosquitto.port, "office", "out/#").await;
        let settings = config(&mosquitto.url(), version, RULES);
        let bridge = BridgeUnderTest::connected(&store, settings.clone()).await;
        bridge.stop().await;
        for number in 0..50 {
            there.publish("in/x", &number.to_string(), 1).await;
            store.publish("out/x", &number.to_string(), QoS::AtLeastOnce).await;
        }
        let bridge = BridgeUnderTest::connected(&store, settings.clone()).await;
        eventually(|| (here.payloads().len(), there.seen.payloads().len()), |&both| both == (50, 50)).await;

        bridge.kill().await;
        for number in 50..100 {
            there.publish("in/x", &number.to_string(), 2).await;
            store.publish("out/x", &number.to_string(), QoS::ExactlyOnce).await;
        }
        let _bridge = BridgeUnderTest::connected(&store, settings).await;
        eventually(
            || (missing(&here.payloads(), 100), missing(&there.seen.payloads(), 100)),
            |(a, b)| a.is_empty() && b.is_empty(),
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_dies_again_and_again_loses_nothing() {
    for version in ["5", "3.1.1"] {
        let (mosquitto, store) = (Mosquitto::start(), Store::open().await);
        let here = store.watch("in/#").await;
        let there = Client::watching(mosquitto.port, "office", "out/#").await;
        let settings = config(&mosquitto.url(), version, RULES);
        BridgeUnderTest::connected(&store, settings.clone()).await.stop().await;
        let bring = async {
            for number in 0..300_u32 {
                let (qos, local) =
                    if number % 2 == 0 { (1, QoS::AtLeastOnce) } else { (2, QoS::ExactlyOnce) };
                there.publish("in/x", &number.to_string(), qos).await;
                store.publish("out/x", &number.to_string(), local).await;
                sleep(Duration::from_millis(2)).await;
            }
        };
        let die = async {
            for turn in 0..10_u64 {
                let bridge = BridgeUnderTest::run(&store, "leeds", settings.clone());
                sleep(Duration::from_millis(60 + turn * 37 % 50)).await;
                bridge.kill().await;
            }
        };
        tokio::join!(bring, die);
        let _bridge = BridgeUnderTest::connected(&store, settings).await;
        eventually(
            || (missing(&here.payloads(), 300), missing(&there.seen.payloads(), 300)),
            |(a, b)| a.is_empty() && b.is_empty(),
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_of_the_node_loses_nothing_that_either_broker_was_told_is_taken() {
    for version in ["5", "3.1.1"] {
        let (mosquitto, mut store) = (Mosquitto::start(), Store::open().await);
        let there = Client::watching(mosquitto.port, "office", "out/#").await;
        let settings = config(&mosquitto.url(), version, RULES);
        let mut seen = Vec::new();
        for round in 0..4_u32 {
            let here = store.watch_for_good("in/#").await;
            let bridge = BridgeUnderTest::connected(&store, settings.clone()).await;
            for number in round * 100..(round + 1) * 100 {
                let (qos, local) =
                    if number % 2 == 0 { (1, QoS::AtLeastOnce) } else { (2, QoS::ExactlyOnce) };
                there.publish("in/x", &number.to_string(), qos).await;
                store.publish("out/x", &number.to_string(), local).await;
            }
            bridge.kill().await;
            store = store.after_a_power_cut().await;
            seen.extend(here.payloads());
        }
        let here = store.watch_for_good("in/#").await;
        let _bridge = BridgeUnderTest::connected(&store, settings).await;
        let all_here = || [seen.clone(), here.payloads()].concat();
        eventually(
            || (missing(&all_here(), 400), missing(&there.seen.payloads(), 400)),
            |(a, b)| a.is_empty() && b.is_empty(),
        )
        .await;
    }
}
