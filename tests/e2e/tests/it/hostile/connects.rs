//! CONNECT: too slow, not at all, too large, with what may not be in it.

use super::{
    peer::{SOON, connect_bytes, ended, enter, enter_as, refused},
    stage::Stage,
};
use aisle_harness::mqtt::raw::{Connect, RawClient, Version, Will, write};
use std::time::{Duration, Instant};
use tokio::time::sleep;

#[tokio::test]
async fn a_connect_that_comes_byte_by_byte_is_ended_when_patience_is_over() {
    let stage = Stage::open("patience_ms = 1000").await;
    let connect = connect_bytes(&Connect::clean(Version::V5, "snail".repeat(20)));
    let mut snails = Vec::new();
    for _ in 0..300 {
        snails.push(RawClient::open(stage.tcp(), Version::V5).await.expect("it is reached"));
    }
    let begun = Instant::now();
    for byte in connect.chunks(1).take(20) {
        for snail in &mut snails {
            // Those that were ended already cannot say more.
            drop(snail.send_bytes(byte).await);
        }
        sleep(Duration::from_millis(100)).await;
    }
    for snail in &mut snails {
        snail.closed(SOON).await.expect("it ends");
    }
    assert!(begun.elapsed() < SOON, "a byte now and then buys no time");
    stage.until("connects_missing_total", |missing| missing == 300).await;
    stage.close().await;
}

#[tokio::test]
async fn silence_holds_a_place_no_longer_than_was_agreed() {
    let stage = Stage::open("patience_ms = 1000\nkeep_alive_s_max = 2").await;
    let mut strangers = Vec::new();
    for _ in 0..300 {
        strangers.push(RawClient::open(stage.tcp(), Version::V5).await.expect("it is reached"));
    }
    let mut heir = enter(stage.tcp(), "heir").await;
    heir.subscribe("wills/#", 1).await.expect("it may");
    let will = Will { topic: "wills/half-open".into(), payload: b"gone".to_vec(), ..Will::default() };
    let half_open = Connect { keep_alive_s: 1, will: Some(will), ..Connect::clean(Version::V5, "half-open") };
    let mut half_open = enter_as(stage.tcp(), &half_open).await;
    // It asked for no keep alive at all, and got the node's.
    let mut mute = enter(stage.tcp(), "mute").await;
    for stranger in &mut strangers {
        stranger.closed(SOON).await.expect("it ends");
    }
    assert_eq!(ended(&mut half_open).await, 0x8d);
    assert_eq!(heir.recv_publish(SOON).await.expect("its will comes").topic, "wills/half-open");
    assert_eq!(ended(&mut mute).await, 0x8d);
    stage.until("connects_missing_total", |missing| missing == 300).await;
    stage.close().await;
}

#[tokio::test]
async fn a_connect_with_too_much_in_it_is_refused_with_a_reason() {
    let stage = Stage::open("patience_ms = 2000\nwill_bytes_max = 1000").await;
    let clean = |client: &str| Connect::clean(Version::V5, client);
    let will = |topic: &str, bytes: usize, qos| Will {
        topic: topic.into(),
        payload: vec![b'x'; bytes],
        qos,
        ..Will::default()
    };
    let dying = |will| Connect { will: Some(will), ..clean("dying") };
    for (expected, connect) in [
        (0x85, clean(&"n".repeat(65_535))),
        (0x95, dying(will("wills/large", 1_001, 1))),
        (0x90, dying(will("wills/+", 1, 1))),
        (0x90, dying(will(&"/".repeat(40), 1, 1))),
        (0x90, dying(will(&"t".repeat(2_000), 1, 1))),
        (0x81, dying(will("wills/qos", 1, 3))),
        (0x81, clean("nothing\0here")),
        (0x97, Connect { properties: b"\x26\0\x01a\0\x01b".repeat(5_000), ..clean("properties") }),
        (0x82, Connect { receive_max: Some(0), ..clean("none at once") }),
        (0x82, Connect { packet_bytes_max: Some(0), ..clean("no packet") }),
        (0x8c, Connect { properties: b"\x15\0\x05magic".to_vec(), ..clean("magic") }),
    ] {
        let client: String = connect.client_id.chars().take(20).collect();
        assert_eq!(refused(stage.tcp(), &connect).await, expected, "{client}");
    }
    // A name and a secret as long as they can be are just wrong.
    let long =
        Connect { username: Some("u".repeat(65_535)), password: Some(vec![0; 65_535]), ..clean("somebody") };
    assert_eq!(refused(stage.tcp(), &long).await, 0x86);
    // Longer than any packet, though each field is right.
    let longest = Connect {
        properties: [&b"\x26\0\x01a\xff\xff"[..], &[b'b'; 65_535]].concat().repeat(5),
        ..clean("all")
    };
    let mut stranger = RawClient::open(stage.tcp(), Version::V5).await.expect("it is reached");
    drop(stranger.send_bytes(&connect_bytes(&longest)).await);
    stranger.closed(SOON).await.expect("it ends");
    // A version that nobody speaks.
    let mut strange = Vec::new();
    write::counted(&mut strange, b"\0\x04MQTT\x09\x02\0\0\0\0\x01a");
    let mut stranger = RawClient::open(stage.tcp(), Version::V5).await.expect("it is reached");
    stranger.send_bytes(&[&[0x10][..], &strange].concat()).await.expect("it is connected");
    stranger.closed(SOON).await.expect("it ends");
    assert_eq!(stage.metric("connects_refused_total{reason=\"0x90\"}").await, 3);
    stage.close().await;
}
