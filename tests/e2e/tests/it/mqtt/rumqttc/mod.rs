//! rumqttc: both versions, TLS, a lasting session with acknowledgements by hand, going on after a restart.

mod peer;

use super::broker;
use aisle_harness::node::{NodeOptions, NodeUnderTest};
use peer::{Peer, Settings, Version};
use std::{collections::BTreeSet, time::Duration};

const VERSIONS: [Version; 2] = [Version::V311, Version::V5];

#[tokio::test]
async fn messages_of_every_qos_come_back() {
    let node = broker::open();
    for version in VERSIONS {
        let mut peer = Peer::connect(broker::tcp(&node), Settings::clean(version, "every")).await;
        peer.subscribe("every/+", 2).await;
        for qos in 0..3 {
            peer.publish(&format!("every/{qos}"), &format!("qos {qos}"), qos).await;
            let message = peer.message().await;
            assert_eq!((message.qos, message.payload), (qos, format!("qos {qos}")), "{version:?}");
        }
        peer.hears_nothing().await;
    }
}

#[tokio::test]
async fn messages_come_back_over_tls() {
    let node = broker::with(broker::TLS, broker::OPEN);
    let ca = std::fs::read(broker::certificate(&node)).expect("it made a certificate");
    for version in VERSIONS {
        let settings = Settings { ca: Some(ca.clone()), ..Settings::clean(version, "secret") };
        let mut peer = Peer::connect(broker::tls(&node), settings).await;
        peer.subscribe("secret", 1).await;
        peer.publish("secret", "whispered", 1).await;
        assert_eq!(peer.message().await.payload, "whispered");
    }
}

#[tokio::test]
async fn what_was_not_acknowledged_by_hand_comes_again() {
    let mut node = broker::open();
    for version in VERSIONS {
        let settings = Settings { by_hand: true, ..Settings::lasting(version, "by-hand") };
        let name = format!("by-hand/{version:?}");
        let mut peer = Peer::connect(broker::tcp(&node), settings.clone()).await;
        assert!(!peer.resumed, "{version:?}");
        peer.subscribe(&name, 1).await;
        let mut sender = Peer::connect(broker::tcp(&node), Settings::clean(version, "sender")).await;
        for number in 0..3 {
            sender.publish(&name, &number.to_string(), 1).await;
        }
        let first = peer.message().await;
        assert_eq!(first.payload, "0");
        for expected in ["1", "2"] {
            assert_eq!(peer.message().await.payload, expected);
        }
        // What comes back after it, came after it at the broker: the acknowledgement has arrived.
        peer.acknowledge(first).await;
        peer.subscribe("nothing", 1).await;
        drop((peer, sender));

        node.kill().expect("it runs");
        node.start_again().expect("it starts again");
        let mut peer = Peer::connect(broker::tcp(&node), settings.clone()).await;
        assert!(peer.resumed, "{version:?}");
        for expected in ["1", "2"] {
            let message = peer.message().await;
            assert!(message.dup && message.payload == expected, "{version:?}: {message:?}");
            peer.acknowledge(message).await;
        }
        peer.hears_nothing().await;
    }
}

#[tokio::test]
async fn it_goes_on_by_itself_after_a_kill_and_loses_nothing() {
    const MESSAGES: usize = 200;
    let port = broker::lasting_port();
    let listen = format!("tcp_listen = \"127.0.0.1:{port}\"\ntls_listen = \"off\"\n");
    let config = broker::config(&listen, broker::OPEN);
    let mut node = NodeUnderTest::start(NodeOptions { config, ..NodeOptions::default() }).expect("it serves");
    for version in VERSIONS {
        let name = format!("goes-on/{version:?}");
        let address = broker::tcp(&node);
        let mut hears = Peer::connect(address, Settings::lasting(version, "hears")).await;
        hears.subscribe(&name, 1).await;
        let mut says = Peer::connect(address, Settings::lasting(version, "says")).await;
        for number in 0..MESSAGES {
            says.send(&name, &number.to_string(), 1).await;
            if number == MESSAGES / 2 {
                node.kill().expect("it runs");
                tokio::time::sleep(Duration::from_millis(100)).await;
                node.start_again().expect("it starts again");
            }
        }
        says.until_taken(MESSAGES).await;
        let mut missing: BTreeSet<String> = (0..MESSAGES).map(|number| number.to_string()).collect();
        while !missing.is_empty() {
            missing.remove(&hears.message().await.payload);
        }
    }
}
