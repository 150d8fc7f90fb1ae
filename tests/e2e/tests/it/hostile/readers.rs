//! Clients that do not read what they are sent, and one that sends faster than it may.

use super::{
    peer::{SOON, enter, enter_as, message},
    stage::Stage,
};
use aisle_harness::mqtt::raw::{Connect, Publish, RawClient, RawError, Version, write};
use bytes::Bytes;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::time::timeout;

#[tokio::test]
async fn a_subscriber_that_never_reads_loses_qos_0_and_holds_up_nobody() {
    const MESSAGES: usize = 4_000;
    let stage = Stage::open("patience_ms = 3000").await;
    let mut deaf = enter(stage.tcp(), "deaf").await;
    deaf.subscribe("loud/#", 0).await.expect("it may");
    let mut good = enter(stage.tcp(), "good").await;
    good.subscribe("loud/last", 1).await.expect("it may");
    let mut speaker = enter(stage.tcp(), "speaker").await;
    let payload = Bytes::from(vec![b'x'; 8 << 10]);
    speaker.publish_all("loud/now", 0, (0..MESSAGES).map(|_| payload.clone()), 1).await.expect("it is taken");
    speaker.publish_all("loud/last", 1, [Bytes::from_static(b"end")], 1).await.expect("it is taken");
    assert_eq!(good.recv_publish(SOON).await.expect("it comes").payload, &b"end"[..]);
    stage.until("messages_dropped_slow_client_total", |dropped| dropped > 100).await;
    // It takes nothing more, and in the end it is given up.
    stage.until("clients", |clients| clients == 4).await;
    drop(deaf);
    stage.close().await;
}

#[tokio::test]
async fn a_subscriber_that_never_acknowledges_has_a_queue_with_an_end() {
    const MESSAGES: usize = 1_500;
    let stage = Stage::open("queue_messages_max = 200\nin_flight_max = 20").await;
    let lazy = Connect::kept(Version::V5, "lazy");
    let mut client = enter_as(stage.tcp(), &lazy).await;
    client.subscribe("chores", 1).await.expect("it may");
    let mut busy = enter(stage.tcp(), "busy").await;
    busy.subscribe("chores", 1).await.expect("it may");
    let mut speaker = enter(stage.tcp(), "speaker").await;
    let chores = (0..MESSAGES).map(|number| Bytes::from(number.to_string()));
    let read = async {
        for number in 0..MESSAGES {
            assert_eq!(busy.recv_publish(SOON).await.expect("it comes").payload, number.to_string());
        }
    };
    let (said, ()) = tokio::join!(speaker.publish_all("chores", 1, chores, 20), read);
    said.expect("all are taken");
    stage.until("messages_dropped_queue_full_total", |dropped| dropped == (MESSAGES - 200) as u64).await;
    // The first were on their way; of the others the latest are left.
    drop(client);
    let mut client = enter_as(stage.tcp(), &lazy).await;
    let mut left: Vec<usize> = Vec::new();
    while let Ok(chore) = client.recv_publish(Duration::from_secs(2)).await {
        left.push(String::from_utf8_lossy(&chore.payload).parse().expect("a number"));
    }
    assert_eq!(left.len(), 200);
    assert!(left.is_sorted(), "{left:?}");
    assert_eq!(left.last(), Some(&(MESSAGES - 1)));
    stage.close().await;
}

#[tokio::test]
async fn a_publisher_that_never_reads_its_answers_is_read_no_further() {
    let stage = Stage::open("patience_ms = 1500").await;
    let mut deaf = enter(stage.tcp(), "deaf").await;
    // Asked often enough, answers fill every buffer on the way.
    let pings = write::PINGREQ.repeat(32 << 10);
    let mut taken = 0;
    let given_up = loop {
        match timeout(Duration::from_secs(4), deaf.send_bytes(&pings)).await {
            Ok(Ok(())) => taken += pings.len(),
            Ok(Err(_)) | Err(_) => break true,
        }
        if taken > 256 << 20 {
            break false;
        }
    };
    eprintln!("{} MiB were taken", taken >> 20);
    assert!(given_up, "it was read though it never read");
    stage.until("clients", |clients| clients == 2).await;

    let mut deaf = enter(stage.tcp(), "deaf").await;
    for round in 0..400_u16 {
        let publishes = batch(round, 50);
        match timeout(Duration::from_secs(4), deaf.send_bytes(&publishes)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => break,
        }
    }
    stage.close().await;
}

fn batch(round: u16, count: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0..count {
        let packet_id = round % 200 * count + number + 1;
        let publish = Publish { qos: 1, packet_id, ..message("unread", b"1") };
        write::publish(&mut bytes, Version::V5, &publish);
    }
    bytes
}

#[tokio::test]
async fn a_client_beyond_its_rate_is_slowed_and_loses_nothing() {
    // So slow a rate that a busy machine is beyond it still.
    const MESSAGES: usize = 600;
    let stage = Stage::open("publishes_per_s_max = 200\nreceive_max = 100").await;
    let mut listener = enter(stage.tcp(), "listener").await;
    listener.subscribe("rate", 1).await.expect("it may");
    let begun = Instant::now();
    let (said, heard) = tokio::join!(hurry(stage.tcp(), MESSAGES), async {
        for number in 0..MESSAGES {
            let publish = listener.recv_publish(SOON).await?;
            assert_eq!(publish.payload, number.to_string());
        }
        Ok::<(), RawError>(())
    });
    said.expect("all are taken");
    heard.expect("all come");
    // A second's worth goes through at once, and nobody waits behind the last window: 300 messages are waited for.
    assert!(begun.elapsed() > Duration::from_millis(1_400), "{:?}", begun.elapsed());
    assert!(stage.metric("clients_throttled_total").await > 0);
    stage.close().await;
}

async fn hurry(address: SocketAddr, count: usize) -> Result<(), RawError> {
    let (mut client, _) = RawClient::connect(address, &Connect::clean(Version::V5, "hurry")).await?;
    client.publish_all("rate", 1, (0..count).map(|number| Bytes::from(number.to_string())), 100).await
}
