//! Bytes that are no MQTT, or announce what they do not hold.

use super::{
    peer::{Dice, SOON, connect_bytes, ended_by, enter},
    stage::Stage,
};
use aisle_harness::mqtt::raw::{Connect, RawClient, RawError, Tls, Version};
use std::{fs, net::SocketAddr, time::Duration};

/// A remaining length of 268,435,455: the longest there is.
const LONGEST: [u8; 4] = [0xff, 0xff, 0xff, 0x7f];

#[tokio::test]
async fn a_header_that_announces_256_mb_ends_the_connection_and_takes_no_memory() {
    let stage = Stage::open("").await;
    for _ in 0..50 {
        for first in [0x30, 0x82, 0xc0] {
            let [a, b, c, d] = LONGEST;
            assert_eq!(ended_by(stage.tcp(), &[first, a, b, c, d]).await, 0x95);
        }
        // Before it has said who it is, there are no words for it.
        let mut stranger = RawClient::open(stage.tcp(), Version::V5).await.expect("it is reached");
        stranger.send_bytes(&[&[0x10][..], &LONGEST].concat()).await.expect("it is connected");
        stranger.closed(SOON).await.expect("it ends");
    }
    assert_eq!(stage.metric("malformed_total{reason=\"0x95\"}").await, 150);
    stage.close_within(16).await;
}

#[tokio::test]
async fn garbage_at_any_door_ends_its_connection_and_the_door_stays_open() {
    let keys = "websocket_listen = \"127.0.0.1:0\"\nwebsocket_tls = false";
    let stage = Stage::with(keys, "patience_ms = 700").await;
    noise(stage.tcp(), 1).await;
    noise(stage.node().mqtt_ws().expect("it takes WebSockets"), 2).await;
    drop(enter(stage.tcp(), "after").await);
    stage.close().await;
}

#[tokio::test]
async fn what_is_no_tls_ends_at_the_handshake() {
    let store = crate::support::store::Store::small();
    let node = store.start_with(
        "[mqtt]\ntls_listen = \"127.0.0.1:0\"\nwebsocket_listen = \"127.0.0.1:0\"\n\
         [mqtt.anonymous]\npublish = [\"#\"]\n[mqtt.limits]\npatience_ms = 700\n",
    );
    let address = node.mqtts().expect("it takes TLS");
    noise(address, 3).await;
    noise(node.mqtt_wss().expect("it takes WebSockets over TLS"), 4).await;
    // An honest client at the wrong door.
    let plain = Connect::clean(Version::V311, "plain");
    let error = RawClient::connect(address, &plain).await.expect_err("it speaks no TLS");
    assert!(matches!(error, RawError::Closed | RawError::Broken(_) | RawError::Malformed(_)), "{error}");
    let certificate = fs::read_to_string(node.data().join("mqtt/certificate.pem")).expect("it made one");
    let tls = Tls::trusting(&certificate, "127.0.0.1").expect("a certificate");
    let secret = Connect::clean(Version::V5, "secret");
    RawClient::connect_tls(address, &secret, &tls).await.expect("it may come in");
}

/// Random bytes, some with a beginning that looks right, each on a connection of its own.
async fn noise(address: SocketAddr, seed: u64) {
    eprintln!("noise from seed {seed}");
    let mut dice = Dice(seed);
    let beginnings: [Vec<u8>; 6] = [
        Vec::new(),
        connect_bytes(&Connect::clean(Version::V5, "noise")),
        connect_bytes(&Connect::clean(Version::V311, "noise")),
        vec![0x10, 0x20, 0, 4, b'M', b'Q', b'T', b'T', 5],
        b"GET /mqtt HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n".to_vec(),
        vec![0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3],
    ];
    let mut strangers = Vec::new();
    for round in 0..120 {
        let mut bytes = beginnings[round % beginnings.len()].clone();
        let count = 1 << dice.roll(13);
        bytes.extend((0..count).map(|_| dice.roll(256) as u8));
        let mut stranger = RawClient::open(address, Version::V5).await.expect("it is reached");
        // It may be closed before all is sent.
        drop(stranger.send_bytes(&bytes).await);
        strangers.push(stranger);
    }
    for mut stranger in strangers {
        match stranger.closed(Duration::from_secs(5)).await {
            Ok(()) | Err(RawError::Malformed(_)) => {}
            // By chance it said nothing wrong yet; it has come in, and waits.
            Err(RawError::Silent(_)) => drop(stranger),
            Err(error) => panic!("{error}"),
        }
    }
}
