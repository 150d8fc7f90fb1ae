//! What the broker keeps over the end of the node: sessions with what waits in them, retained messages, half of a QoS 2
//! exchange, the wills of those who were connected.
//!
//! Guards invariant 1: what was acknowledged before the end is there after it, once where that was promised.

use super::broker;
use aisle_harness::{
    mqtt::raw::{Ack, Connect, Packet, Publish, RawClient, RawError, Version, Will},
    node::NodeUnderTest,
};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::sleep;

const PATIENCE: Duration = Duration::from_secs(10);
const QUIET: Duration = Duration::from_millis(300);
/// Of MQTT 5, as they stand on the wire.
const MESSAGE_EXPIRY: u8 = 0x02;
const WILL_DELAY: u8 = 0x18;

/// How the node comes to its end.
#[derive(Debug, Clone, Copy)]
enum End {
    Kill,
    Stop,
}

impl End {
    fn restart(self, node: &mut NodeUnderTest) {
        match self {
            Self::Kill => drop(node.kill().expect("it runs")),
            Self::Stop => assert_eq!(node.stop().expect("it stops").code(), Some(0), "{:#?}", node.logs()),
        }
        node.start_again().expect("it starts again");
    }
}

/// Each of these, after both ends.
macro_rules! after_either_end {
    ($($scenario:ident),* $(,)?) => {
        mod after_a_kill {
            $(#[tokio::test]
            async fn $scenario() {
                super::$scenario(super::End::Kill).await;
            })*
        }

        mod after_an_orderly_stop {
            $(#[tokio::test]
            async fn $scenario() {
                super::$scenario(super::End::Stop).await;
            })*
        }
    };
}

after_either_end! {
    a_session_keeps_its_messages_in_order,
    what_was_on_its_way_comes_again,
    a_sender_may_send_again_and_is_heard_once,
    a_receiver_goes_on_in_the_middle_of_qos_2,
    retained_messages_stay_until_they_expire,
    who_was_connected_leaves_a_will,
    a_will_waits_for_who_comes_back,
    a_session_grows_old_while_the_node_is_down,
    a_clean_session_is_gone,
}

async fn connect(node: &NodeUnderTest, connect: &Connect) -> (RawClient, bool) {
    let (client, connack) = RawClient::connect(broker::tcp(node), connect).await.expect("it may come in");
    (client, connack.session_present)
}

async fn say(client: &mut RawClient, topic: &str, payloads: &[&str], qos: u8) {
    let payloads = payloads.iter().map(|payload| Bytes::copy_from_slice(payload.as_bytes()));
    client.publish_all(topic, qos, payloads, 10).await.expect("every message is taken");
}

/// The next payloads; each is acknowledged.
async fn hear(client: &mut RawClient, count: usize) -> Vec<String> {
    let mut heard = Vec::new();
    for _ in 0..count {
        let publish =
            client.recv_publish(PATIENCE).await.unwrap_or_else(|error| panic!("{error}; {heard:?}"));
        heard.push(String::from_utf8_lossy(&publish.payload).into_owned());
    }
    heard
}

async fn hear_nothing(client: &mut RawClient) {
    match client.recv_publish(QUIET).await {
        Err(RawError::Silent(_)) => {}
        other => panic!("nothing was expected: {other:?}"),
    }
}

async fn packet(client: &mut RawClient) -> Packet {
    client.recv_packet(PATIENCE).await.expect("a packet comes")
}

fn number(property: u8, value: u32) -> Vec<u8> {
    [&[property][..], &value.to_be_bytes()].concat()
}

async fn a_session_keeps_its_messages_in_order(end: End) {
    let mut node = broker::open();
    let versions = [Version::V311, Version::V5];
    for version in versions {
        let (mut till, present) = connect(&node, &Connect::kept(version, format!("till {version:?}"))).await;
        assert!(!present);
        till.subscribe("prices/+", 2).await.expect("it may");
        till.disconnect().await.expect("it says goodbye");
    }
    let (mut office, _) = connect(&node, &Connect::clean(Version::V5, "office")).await;
    say(&mut office, "prices/tea", &["1", "2", "3"], 1).await;
    say(&mut office, "prices/tea", &["4", "5", "6"], 2).await;
    end.restart(&mut node);
    let (mut office, _) = connect(&node, &Connect::clean(Version::V5, "office")).await;
    say(&mut office, "prices/tea", &["7"], 1).await;
    for version in versions {
        let (mut till, present) = connect(&node, &Connect::kept(version, format!("till {version:?}"))).await;
        assert!(present);
        assert_eq!(hear(&mut till, 7).await, ["1", "2", "3", "4", "5", "6", "7"], "{version:?}");
        hear_nothing(&mut till).await;
    }
}

async fn what_was_on_its_way_comes_again(end: End) {
    let mut node = broker::open();
    let till = Connect::kept(Version::V5, "till");
    let (mut client, _) = connect(&node, &till).await;
    client.subscribe("prices", 2).await.expect("it may");
    let (mut office, _) = connect(&node, &Connect::clean(Version::V5, "office")).await;
    say(&mut office, "prices", &["once or more"], 1).await;
    say(&mut office, "prices", &["once"], 2).await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        match packet(&mut client).await {
            Packet::Publish(publish) => seen.push(Publish { dup: true, ..publish }),
            other => panic!("a message was expected: {other:?}"),
        }
    }
    end.restart(&mut node);
    let (mut client, present) = connect(&node, &till).await;
    assert!(present);
    for expected in seen {
        assert_eq!(packet(&mut client).await, Packet::Publish(expected));
    }
    hear_nothing(&mut client).await;
}

async fn a_sender_may_send_again_and_is_heard_once(end: End) {
    let mut node = broker::open();
    let (screen, scale) = (Connect::kept(Version::V5, "screen"), Connect::kept(Version::V311, "scale"));
    let (mut client, _) = connect(&node, &screen).await;
    client.subscribe("weight", 2).await.expect("it may");
    client.disconnect().await.expect("it says goodbye");
    let (mut client, _) = connect(&node, &scale).await;
    let weight = |payload: &'static str, packet_id, dup| Publish {
        topic: "weight".into(),
        payload: Bytes::from_static(payload.as_bytes()),
        qos: 2,
        packet_id,
        dup,
        ..Publish::default()
    };
    for (payload, packet_id) in [("7 g", 7), ("8 g", 8)] {
        client.publish(&weight(payload, packet_id, false)).await.expect("it is connected");
        assert_eq!(packet(&mut client).await, Packet::Pubrec { packet_id, reason: 0 });
    }
    end.restart(&mut node);
    let (mut client, present) = connect(&node, &scale).await;
    assert!(present);
    // Of the first it does not know that it was taken, of the second it does.
    client.publish(&weight("7 g", 7, true)).await.expect("it is connected");
    assert_eq!(packet(&mut client).await, Packet::Pubrec { packet_id: 7, reason: 0 });
    for packet_id in [7, 8] {
        client.ack(Ack::Pubrel, packet_id).await.expect("it is connected");
        assert_eq!(packet(&mut client).await, Packet::Pubcomp { packet_id, reason: 0 });
    }
    // The number is free again.
    client.publish(&weight("9 g", 7, false)).await.expect("it is connected");
    assert_eq!(packet(&mut client).await, Packet::Pubrec { packet_id: 7, reason: 0 });
    client.ack(Ack::Pubrel, 7).await.expect("it is connected");
    assert_eq!(packet(&mut client).await, Packet::Pubcomp { packet_id: 7, reason: 0 });
    let (mut client, present) = connect(&node, &screen).await;
    assert!(present);
    assert_eq!(hear(&mut client, 3).await, ["7 g", "8 g", "9 g"]);
    hear_nothing(&mut client).await;
}

async fn a_receiver_goes_on_in_the_middle_of_qos_2(end: End) {
    let mut node = broker::open();
    let till = Connect::kept(Version::V5, "till");
    let (mut client, _) = connect(&node, &till).await;
    client.subscribe("prices", 2).await.expect("it may");
    let (mut office, _) = connect(&node, &Connect::clean(Version::V5, "office")).await;
    say(&mut office, "prices", &["once"], 2).await;
    let Packet::Publish(Publish { packet_id, .. }) = packet(&mut client).await else {
        panic!("a message was expected")
    };
    client.ack(Ack::Pubrec, packet_id).await.expect("it is connected");
    let release = Packet::Pubrel { packet_id, reason: 0 };
    assert_eq!(packet(&mut client).await, release);
    end.restart(&mut node);
    let (mut client, present) = connect(&node, &till).await;
    assert!(present);
    // Not the message: the till said that it has it.
    assert_eq!(packet(&mut client).await, release);
    client.ack(Ack::Pubcomp, packet_id).await.expect("it is connected");
    hear_nothing(&mut client).await;
}

async fn retained_messages_stay_until_they_expire(end: End) {
    let mut node = broker::open();
    let (mut office, _) = connect(&node, &Connect::clean(Version::V5, "office")).await;
    for (topic, packet_id, expiry) in
        [("door/always", 1, None), ("door/minute", 2, Some(60)), ("door/second", 3, Some(1))]
    {
        let properties = expiry.map(|expiry| number(MESSAGE_EXPIRY, expiry)).unwrap_or_default();
        let publish = Publish {
            topic: topic.into(),
            payload: Bytes::from_static(b"open"),
            qos: 1,
            retain: true,
            packet_id,
            properties: aisle_harness::mqtt::raw::Properties::new(properties),
            ..Publish::default()
        };
        office.publish(&publish).await.expect("it is connected");
        assert!(
            matches!(packet(&mut office).await, Packet::Puback { packet_id: answered, .. } if answered == packet_id)
        );
    }
    sleep(Duration::from_millis(1_100)).await;
    end.restart(&mut node);
    let (mut screen, _) = connect(&node, &Connect::clean(Version::V5, "screen")).await;
    screen.subscribe("door/+", 1).await.expect("it may");
    let mut left = Vec::new();
    for _ in 0..2 {
        let publish = screen.recv_publish(PATIENCE).await.expect("a message comes");
        assert!(publish.retain, "{publish:?}");
        let expiry = publish.properties.get(MESSAGE_EXPIRY);
        left.push((
            publish.topic,
            expiry.map(|expiry| u32::from_be_bytes(expiry[..].try_into().expect("4 bytes"))),
        ));
    }
    left.sort();
    let [(always, None), (minute, Some(seconds))] = left.as_slice() else { panic!("{left:?}") };
    assert_eq!((always.as_str(), minute.as_str()), ("door/always", "door/minute"));
    assert!((30..60).contains(seconds), "{seconds}");
    hear_nothing(&mut screen).await;
}

/// A client with a will, whose session lasts.
fn mortal(delay_s: Option<u32>) -> Connect {
    let properties = delay_s.map(|delay| number(WILL_DELAY, delay)).unwrap_or_default();
    let will = Will { topic: "wills".into(), payload: b"will".to_vec(), qos: 1, retain: false, properties };
    Connect { will: Some(will), ..Connect::kept(Version::V5, "mortal") }
}

async fn who_was_connected_leaves_a_will(end: End) {
    let mut node = broker::open();
    let heir = Connect::kept(Version::V5, "heir");
    let (mut client, _) = connect(&node, &heir).await;
    client.subscribe("wills", 1).await.expect("it may");
    client.disconnect().await.expect("it says goodbye");
    let (_mortal, _) = connect(&node, &mortal(None)).await;
    let (polite, _) = connect(&node, &Connect { client_id: "polite".into(), ..mortal(None) }).await;
    polite.disconnect().await.expect("it says goodbye");
    sleep(QUIET).await;
    end.restart(&mut node);
    let (mut client, present) = connect(&node, &heir).await;
    assert!(present);
    assert_eq!(hear(&mut client, 1).await, ["will"]);
    hear_nothing(&mut client).await;
    // Once: not again after another restart.
    end.restart(&mut node);
    let (mut client, _) = connect(&node, &heir).await;
    hear_nothing(&mut client).await;
}

async fn a_will_waits_for_who_comes_back(end: End) {
    let mut node = broker::open();
    let heir = Connect::kept(Version::V5, "heir");
    let (mut client, _) = connect(&node, &heir).await;
    client.subscribe("wills", 1).await.expect("it may");
    let (_back, _) = connect(&node, &mortal(Some(2))).await;
    let (_gone, _) = connect(&node, &Connect { client_id: "gone".into(), ..mortal(Some(1)) }).await;
    end.restart(&mut node);
    let (mut client, _) = connect(&node, &heir).await;
    let (_back, present) = connect(&node, &mortal(Some(2))).await;
    assert!(present);
    assert_eq!(hear(&mut client, 1).await, ["will"], "of the one that did not come back");
    sleep(Duration::from_millis(1_500)).await;
    hear_nothing(&mut client).await;
}

async fn a_session_grows_old_while_the_node_is_down(end: End) {
    let mut node = broker::open();
    let short = Connect { session_expiry_s: Some(1), ..Connect::kept(Version::V5, "short") };
    let long = Connect { session_expiry_s: Some(60), ..Connect::kept(Version::V5, "long") };
    let clients = (connect(&node, &short).await, connect(&node, &long).await);
    drop(clients);
    // The node must have seen them go: the time of those who were there to the end counts from the next start.
    sleep(Duration::from_millis(300)).await;
    match end {
        End::Kill => drop(node.kill().expect("it runs")),
        End::Stop => drop(node.stop().expect("it stops")),
    }
    sleep(Duration::from_millis(1_500)).await;
    node.start_again().expect("it starts again");
    assert!(!connect(&node, &short).await.1, "its second has passed");
    assert!(connect(&node, &long).await.1, "its minute has not");
}

async fn a_clean_session_is_gone(end: End) {
    let mut node = broker::open();
    for version in [Version::V311, Version::V5] {
        let (mut client, _) = connect(&node, &Connect::clean(version, "guest")).await;
        client.subscribe("prices", 1).await.expect("it may");
        end.restart(&mut node);
        let again = Connect { clean_start: false, ..Connect::clean(version, "guest") };
        let (mut client, present) = connect(&node, &again).await;
        assert!(!present, "{version:?}");
        let (mut office, _) = connect(&node, &Connect::clean(Version::V5, "office")).await;
        say(&mut office, "prices", &["1"], 1).await;
        hear_nothing(&mut client).await;
    }
}
