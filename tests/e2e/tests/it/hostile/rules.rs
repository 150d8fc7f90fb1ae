//! Packets out of state, aliases that were not agreed, topics beyond the bounds, more at once than was allowed.

use super::{
    peer::{
        QUIET, SOON, bytes_of, connect_bytes, ended, ended_by, enter, enter_as, message, next, say,
        subscribe, with_properties,
    },
    stage::Stage,
};
use aisle_harness::mqtt::raw::{Ack, Connect, Packet, Publish, RawClient, RawError, Version};

/// Of MQTT 5, as it stands on the wire.
const TOPIC_ALIAS: u8 = 0x23;

#[tokio::test]
async fn packets_out_of_state_are_answered_or_end_their_connection() {
    let stage = Stage::open("").await;
    let hello = bytes_of(&message("a", b"too early"));
    let mut stranger = RawClient::open(stage.tcp(), Version::V5).await.expect("it is reached");
    stranger.send_bytes(&hello).await.expect("it is connected");
    stranger.closed(SOON).await.expect("it ends");

    let again = connect_bytes(&Connect::clean(Version::V5, "again"));
    for (what, expected, bytes) in [
        ("a second CONNECT", 0x82, &again[..]),
        ("CONNACK from a client", 0x82, b"\x20\x03\0\0\0"),
        ("SUBACK from a client", 0x82, b"\x90\x04\0\x01\0\0"),
        ("UNSUBACK from a client", 0x82, b"\xb0\x04\0\x01\0\0"),
        ("PINGRESP from a client", 0x82, b"\xd0\0"),
        ("AUTH that nobody asked for", 0x8c, b"\xf0\0"),
        ("no packet at all", 0x81, b"\0\0"),
        ("SUBSCRIBE to nothing", 0x82, b"\x82\x03\0\x01\0"),
        ("SUBSCRIBE with the wrong flags", 0x81, b"\x80\x07\0\x01\0\0\x01a\0"),
        ("SUBSCRIBE with the identifier 0", 0x82, b"\x82\x07\0\0\0\0\x01a\0"),
        ("PUBLISH with QoS 3", 0x81, b"\x36\x06\0\x01a\0\x01\0"),
        ("PUBLISH with the identifier 0", 0x82, b"\x32\x06\0\x01a\0\0\0"),
        ("PUBLISH to no topic", 0x82, b"\x30\x03\0\0\0"),
        ("PUBREL with the wrong flags", 0x81, b"\x60\x02\0\x01"),
        ("a property twice", 0x82, b"\x30\x0c\0\x01a\x08\x01\0\x01\0\x01\0\x01\0"),
    ] {
        assert_eq!(ended_by(stage.tcp(), bytes).await, expected, "{what}");
    }

    let mut client = enter(stage.tcp(), "confused").await;
    for packet_id in [1, 77, u16::MAX] {
        client.ack(Ack::Puback, packet_id).await.expect("it is connected");
        client.ack(Ack::Pubcomp, packet_id).await.expect("it is connected");
        client.ack(Ack::Pubrel, packet_id).await.expect("it is connected");
        assert_eq!(next(&mut client).await, Packet::Pubcomp { packet_id, reason: 0x92 });
        client.ack(Ack::Pubrec, packet_id).await.expect("it is connected");
        assert_eq!(next(&mut client).await, Packet::Pubrel { packet_id, reason: 0x92 });
    }
    client.ping().await.expect("it is still there");
    stage.close().await;
}

#[tokio::test]
async fn an_alias_that_was_not_agreed_ends_the_connection() {
    let stage = Stage::open("topic_alias_max = 4").await;
    let alias = |number: u16, topic: &str| {
        let [high, low] = number.to_be_bytes();
        bytes_of(&with_properties(message(topic, b"1"), &[TOPIC_ALIAS, high, low]))
    };
    for (what, expected, bytes) in [
        ("the alias 0", 0x94, alias(0, "a")),
        ("an alias above the maximum", 0x94, alias(5, "a")),
        ("the highest alias", 0x94, alias(u16::MAX, "a")),
        ("an alias for nothing yet", 0x82, alias(3, "")),
        ("an alias for another's topic", 0x82, [alias(1, "a"), alias(2, "")].concat()),
    ] {
        assert_eq!(ended_by(stage.tcp(), &bytes).await, expected, "{what}");
    }
    // Those that were agreed go on meaning what they meant last.
    let mut listener = enter(stage.tcp(), "listener").await;
    listener.subscribe("alias/#", 0).await.expect("it may");
    let mut client = enter(stage.tcp(), "brief").await;
    for bytes in [alias(4, "alias/one"), alias(4, ""), alias(4, "alias/two"), alias(4, "")] {
        client.send_bytes(&bytes).await.expect("it is connected");
    }
    for topic in ["alias/one", "alias/one", "alias/two", "alias/two"] {
        assert_eq!(listener.recv_publish(SOON).await.expect("it comes").topic, topic);
    }
    stage.close().await;
}

#[tokio::test]
async fn topics_beyond_the_bounds_are_refused() {
    let stage = Stage::open("").await;
    let deep = "d/".repeat(40);
    let (deepest, long, longest) = ("/".repeat(65_535), "t".repeat(1_025), "t".repeat(65_535));
    let mut client = enter(stage.tcp(), "explorer").await;
    for topic in [&deep, &deepest, &long, &longest] {
        assert_eq!(say(&mut client, message(topic, b"1")).await, 0x90, "{} bytes", topic.len());
        assert_eq!(subscribe(&mut client, &[topic], 0).await, [0x8f], "{} bytes", topic.len());
    }
    for filter in ["a/#/b", "a+", "#a", "$share/group", "$share//a", "$share/a+/b"] {
        assert_eq!(subscribe(&mut client, &[filter], 0).await, [0x8f], "{filter}");
    }
    for (what, expected, topic) in [("U+0000", 0x81, "a\0b"), ("a wildcard", 0x90, "a/+")] {
        assert_eq!(ended_by(stage.tcp(), &bytes_of(&message(topic, b"1"))).await, expected, "{what}");
    }
    // MQTT 3.1.1 has no words for it.
    let mut old = enter_as(stage.tcp(), &Connect::clean(Version::V311, "old")).await;
    let publish = Publish { qos: 1, packet_id: 1, ..message(deep, b"1") };
    old.publish(&publish).await.expect("it is connected");
    match old.recv_packet(SOON).await {
        Err(RawError::Closed | RawError::Broken(_)) => {}
        other => panic!("it was answered: {other:?}"),
    }
    stage.close().await;
}

#[tokio::test]
async fn more_at_once_than_the_receive_maximum_ends_the_connection() {
    let stage = Stage::open("receive_max = 10").await;
    let mut client = enter(stage.tcp(), "greedy").await;
    for packet_id in 1..=11 {
        let publish = Publish { qos: 2, packet_id, ..message("greed", b"1") };
        client.publish(&publish).await.expect("it is connected");
    }
    assert_eq!(ended(&mut client).await, 0x93);

    // Who releases what was taken may go on for ever.
    let mut client = enter(stage.tcp(), "patient").await;
    for round in 0..50_u16 {
        let packet_id = round % 10 + 1;
        let publish = Publish { qos: 2, packet_id, ..message("greed", b"1") };
        client.publish(&publish).await.expect("it is connected");
        assert!(matches!(next(&mut client).await, Packet::Pubrec { reason: 0 | 0x10, .. }));
        client.ack(Ack::Pubrel, packet_id).await.expect("it is connected");
        assert_eq!(next(&mut client).await, Packet::Pubcomp { packet_id, reason: 0 });
    }
    assert!(matches!(client.recv_packet(QUIET).await, Err(RawError::Silent(_))));
    stage.close().await;
}
