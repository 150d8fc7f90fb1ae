//! Topics without number, and retained messages beyond their bounds.

use super::{
    peer::{SOON, enter, enter_as, message, retained, say},
    stage::Stage,
};
use aisle_harness::mqtt::raw::{Connect, Publish, RawClient, RawError, Version, write};
use std::time::Duration;

const QUOTA_EXCEEDED: u8 = 0x97;

#[tokio::test]
async fn thirty_thousand_topics_leave_no_more_than_the_bound() {
    topics(30_000).await;
}

#[tokio::test]
#[ignore = "takes minutes; the smaller one goes the same way"]
async fn a_million_topics_leave_no_more_than_the_bound() {
    topics(1_000_000).await;
}

async fn topics(count: usize) {
    const RETAINED_MAX: u64 = 2_000;
    let stage =
        Stage::open(&format!("retained_messages_max = {RETAINED_MAX}\npublishes_per_s_max = 15000")).await;
    let mut client = enter(stage.tcp(), "tourist").await;
    for retain in [false, true] {
        let mut bytes = Vec::new();
        for number in 0..count {
            let topic = format!("tour/{}/{}/{number}", number % 7, number % 1_009);
            write::publish(&mut bytes, Version::V5, &Publish { retain, ..message(topic, b"here") });
            if bytes.len() > 32 << 10 {
                client.send_bytes(&bytes).await.expect("it is connected");
                bytes.clear();
            }
        }
        client.send_bytes(&bytes).await.expect("it is connected");
        client.ping().await.expect("it is still there");
    }
    let kept = stage.metric("retained_messages").await;
    let refused = stage.metric("messages_refused_total").await;
    eprintln!("{kept} are retained, {refused} were refused");
    assert_eq!(kept, RETAINED_MAX);
    assert_eq!(kept + refused, count as u64);
    stage.close().await;
}

#[tokio::test]
async fn a_flood_of_retained_messages_ends_at_the_bound_and_takes_nobody_elses() {
    let stage = Stage::open("retained_messages_max = 300\nretained_bytes_max = 200000").await;
    let mut owner = enter(stage.tcp(), "owner").await;
    for number in 0..100 {
        assert!(say(&mut owner, retained(format!("own/{number}"), b"mine")).await < 0x80);
    }
    let mut flooder = enter(stage.tcp(), "flooder").await;
    for number in 0..250 {
        let reason = say(&mut flooder, retained(format!("flood/{number}"), b"yours")).await;
        if number < 200 {
            assert!(reason < 0x80, "{number}: {reason:#04x}");
        } else {
            assert_eq!(reason, QUOTA_EXCEEDED, "{number}");
        }
    }
    // What was not refused is changed as before, within the bytes.
    assert!(say(&mut flooder, retained("flood/1", b"changed")).await < 0x80);
    let long = Publish { payload: vec![0; 180_000].into(), ..retained("flood/1", b"") };
    assert_eq!(say(&mut flooder, long).await, QUOTA_EXCEEDED);
    // MQTT 3.1.1 has no words for it.
    let mut old = enter_as(stage.tcp(), &Connect::clean(Version::V311, "old")).await;
    let publish = Publish { qos: 1, packet_id: 1, ..retained("old/1", b"1") };
    old.publish(&publish).await.expect("it is connected");
    match old.recv_packet(SOON).await {
        Err(RawError::Closed | RawError::Broken(_)) => {}
        other => panic!("it was answered: {other:?}"),
    }
    assert_eq!(stage.metric("retained_messages").await, 300);
    let mut reader = enter(stage.tcp(), "reader").await;
    reader.subscribe("own/#", 1).await.expect("it may");
    for _ in 0..100 {
        assert_eq!(reader.recv_publish(SOON).await.expect("it is still there").payload, &b"mine"[..]);
    }
    // Who empties a topic makes room for another.
    assert!(say(&mut flooder, retained("flood/0", b"")).await < 0x80);
    assert!(say(&mut flooder, retained("late/0", b"1")).await < 0x80);
    stage.close().await;
}

/// Judged one by one, they would all fit before the first of them is on disk.
#[tokio::test]
async fn a_flood_of_retained_messages_at_once_ends_at_the_bound_too() {
    let stage = Stage::open("retained_messages_max = 50").await;
    let mut flooders = Vec::new();
    for number in 0..5 {
        flooders.push(enter(stage.tcp(), &format!("flooder-{number}")).await);
    }
    for (number, flooder) in flooders.iter_mut().enumerate() {
        let mut bytes = Vec::new();
        for topic in 0..200_u16 {
            let publish = retained(format!("flood/{number}/{topic}"), b"yours");
            let publish = Publish { qos: u8::from(number % 2 == 0), packet_id: topic + 1, ..publish };
            write::publish(&mut bytes, Version::V5, &publish);
        }
        flooder.send_bytes(&bytes).await.expect("it is connected");
    }
    for flooder in &mut flooders {
        settle(flooder).await;
    }
    assert_eq!(stage.metric("retained_messages").await, 50);
    stage.close().await;
}

/// Waits until all that a client said was answered.
async fn settle(client: &mut RawClient) {
    client.ping().await.expect("it is still there");
    while client.recv_packet(Duration::from_millis(500)).await.is_ok() {}
}
