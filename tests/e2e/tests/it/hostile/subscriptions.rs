//! Subscriptions: more than there may be, filters that match everything, one packet that asks for everything many times.

use super::{
    peer::{SOON, enter, enter_as, message, retained, say, subscribe},
    stage::Stage,
};
use aisle_harness::mqtt::raw::{Connect, Packet, RawError, Version};
use bytes::Bytes;
use std::time::{Duration, Instant};

const QUOTA_EXCEEDED: u8 = 0x97;

/// Every choice of wildcards over seven levels, with each wildcard behind.
fn wildcards() -> Vec<String> {
    let choice = |choice: u32| {
        let levels = (0..7).map(|level| if choice >> level & 1 == 1 { "+" } else { "a" });
        levels.collect::<Vec<_>>().join("/")
    };
    (0..128).map(choice).flat_map(|levels| [format!("{levels}/+"), format!("{levels}/#")]).collect()
}

#[tokio::test]
async fn subscriptions_end_at_the_bound_and_there_is_room_again() {
    let stage = Stage::open("subscriptions_per_client_max = 100\nsubscriptions_max = 500").await;
    let filters: Vec<String> = (0..150).map(|number| format!("flood/{number}")).collect();
    let filters: Vec<&str> = filters.iter().map(String::as_str).collect();
    let mut flooders = Vec::new();
    let mut granted = 0;
    for number in 0..8 {
        let mut client = enter(stage.tcp(), &format!("flooder-{number}")).await;
        let reasons = subscribe(&mut client, &filters, 1).await;
        assert!(reasons.iter().all(|reason| [1, QUOTA_EXCEEDED].contains(reason)), "{reasons:?}");
        let own = reasons.iter().filter(|reason| **reason == 1).count();
        assert!(own <= 100);
        granted += own;
        // What it has already takes no more room.
        if own > 0 {
            assert_eq!(subscribe(&mut client, &filters[..1], 0).await, [0]);
        }
        flooders.push(client);
    }
    // One is the regulars'.
    assert_eq!(granted, 499);
    assert_eq!(stage.metric("subscriptions").await, 500);
    let mut late = enter(stage.tcp(), "late").await;
    assert_eq!(subscribe(&mut late, &["late"], 1).await, [QUOTA_EXCEEDED]);
    assert_eq!(say(&mut late, message("flood/3", b"1")).await, 0);
    assert_eq!(flooders[0].recv_publish(SOON).await.expect("it comes").topic, "flood/3");
    flooders.clear();
    stage.until("subscriptions", |subscriptions| subscriptions == 1).await;
    assert_eq!(subscribe(&mut late, &["late"], 1).await, [1]);
    stage.close().await;
}

#[tokio::test]
async fn filters_full_of_wildcards_slow_nobody_down() {
    let stage = Stage::open("").await;
    let filters = wildcards();
    let all: Vec<&str> = filters.iter().map(String::as_str).collect();
    let mut bombers = Vec::new();
    for number in 0..20 {
        let mut client = enter(stage.tcp(), &format!("bomber-{number}")).await;
        assert!(subscribe(&mut client, &all, 0).await.iter().all(|reason| *reason == 0));
        bombers.push(client);
    }
    let mut publisher = enter(stage.tcp(), "publisher").await;
    let deep = "a/".repeat(31) + "a";
    let begun = Instant::now();
    let mut rounds = 0;
    while begun.elapsed() < Duration::from_secs(2) {
        for topic in ["a/a/a/a/a/a/a/a", "a/a/a/a/a/a/a/b", deep.as_str()] {
            assert_eq!(say(&mut publisher, message(topic, b"bang")).await, 0);
            rounds += 1;
        }
    }
    eprintln!("{rounds} messages, each against {} filters", filters.len() * bombers.len());
    // All that matches of one client is one message.
    for topic in ["a/a/a/a/a/a/a/a", "a/a/a/a/a/a/a/b", deep.as_str()] {
        assert_eq!(bombers[7].recv_publish(SOON).await.expect("it comes").topic, topic);
    }
    stage.close().await;
}

/// Retained messages times filters would be more than any memory.
#[tokio::test]
async fn a_subscribe_that_asks_for_everything_many_times_over_gets_no_more_than_fits() {
    const RETAINED: usize = 5_000;
    let stage = Stage::open("").await;
    let mut publisher = enter(stage.tcp(), "publisher").await;
    for number in 0..RETAINED {
        let publish = retained(format!("a/a/a/a/a/a/a/{number}"), b"full");
        publisher.publish(&publish).await.expect("it is connected");
    }
    stage.until("retained_messages", |retained| retained == RETAINED as u64).await;
    for (options, name) in [(0, "once"), (1, "surely")] {
        let mut greedy = enter_as(stage.tcp(), &Connect::kept(Version::V5, name)).await;
        let same = vec!["a/#"; 2_000];
        assert_eq!(subscribe(&mut greedy, &same, options).await.len(), same.len());
        let different = wildcards();
        let different: Vec<&str> = different.iter().map(String::as_str).collect();
        assert_eq!(subscribe(&mut greedy, &different, options).await.len(), different.len());
        loop {
            match greedy.recv_packet(Duration::from_secs(1)).await {
                Ok(Packet::Publish(_)) => {}
                Err(RawError::Silent(_)) => break,
                other => panic!("{other:?}"),
            }
        }
    }
    stage.close().await;
}

#[tokio::test]
async fn a_subscription_in_every_shape_is_taken_back_without_a_trace() {
    let stage = Stage::open("").await;
    let mut client = enter(stage.tcp(), "restless").await;
    let filters: Vec<String> = (0..400)
        .flat_map(|number| [format!("r/{number}"), format!("r/+/{number}"), format!("$share/g{number}/r/#")])
        .take(1_000)
        .collect();
    let filters: Vec<&str> = filters.iter().map(String::as_str).collect();
    for _ in 0..3 {
        for part in filters.chunks(100) {
            subscribe(&mut client, part, 1).await;
        }
        assert_eq!(stage.metric("subscriptions").await, 1_001);
        for filter in &filters {
            assert_eq!(client.unsubscribe(filter).await.expect("it may"), [0]);
        }
        assert_eq!(stage.metric("subscriptions").await, 1);
    }
    client.publish_all("r/1", 1, [Bytes::from_static(b"1")], 1).await.expect("it is taken");
    assert!(matches!(client.recv_packet(Duration::from_millis(300)).await, Err(RawError::Silent(_))));
    stage.close().await;
}
