//! The raw client against a broker that is known to be good.

use aisle_harness::mqtt::{
    Mosquitto,
    raw::{Ack, Connect, Packet, Properties, Publish, RawClient, RawError, Version, Will, frame},
};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);
const VERSIONS: [Version; 2] = [Version::V311, Version::V5];

fn mosquitto() -> Mosquitto {
    Mosquitto::start("allow_anonymous true").unwrap_or_else(|error| panic!("{error}"))
}

fn message(topic: &str, payload: &'static str, qos: u8, packet_id: u16) -> Publish {
    Publish { topic: topic.into(), payload: payload.into(), qos, packet_id, ..Publish::default() }
}

#[tokio::test]
async fn a_message_of_each_qos_arrives_with_what_goes_with_it() {
    let broker = mosquitto();
    for version in VERSIONS {
        let (mut subscriber, connack) =
            RawClient::connect(broker.address(), &Connect::clean(version, "subscriber")).await.unwrap();
        assert!(!connack.session_present);
        assert_eq!(subscriber.subscribe("shelf/+", 2).await.unwrap(), 2);
        let (mut publisher, _) =
            RawClient::connect(broker.address(), &Connect::clean(version, "publisher")).await.unwrap();
        for qos in 0..3 {
            let properties = match version {
                Version::V311 => Properties::default(),
                // A content type, and one user property.
                Version::V5 => Properties::new(&b"\x03\x00\x04text\x26\x00\x01a\x00\x01b"[..]),
            };
            let sent = Publish { properties, ..message("shelf/7", "full", qos, 9) };
            publisher.publish(&sent).await.unwrap();
            let answer = match qos {
                0 => None,
                1 => Some(Packet::Puback { packet_id: 9, reason: 0 }),
                _ => Some(Packet::Pubrec { packet_id: 9, reason: 0 }),
            };
            // What comes while another packet is waited for is kept.
            publisher.ping().await.unwrap();
            if let Some(answer) = answer {
                assert_eq!(publisher.recv_packet(SOON).await.unwrap(), answer);
            }
            if qos == 2 {
                publisher.ack(Ack::Pubrel, 9).await.unwrap();
                let answer = publisher.recv_packet(SOON).await.unwrap();
                assert_eq!(answer, Packet::Pubcomp { packet_id: 9, reason: 0 });
            }
            let got = subscriber.recv_publish(SOON).await.unwrap();
            assert_eq!((&got.topic, &got.payload, got.qos), (&sent.topic, &sent.payload, qos));
            assert_eq!(got.properties, sent.properties);
        }
        publisher.disconnect().await.unwrap();
        subscriber.disconnect().await.unwrap();
    }
}

#[tokio::test]
async fn many_messages_go_through_a_narrow_window_and_arrive_in_order() {
    let broker = mosquitto();
    for (version, qos) in [(Version::V311, 0), (Version::V311, 1), (Version::V5, 2)] {
        let (mut subscriber, _) =
            RawClient::connect(broker.address(), &Connect::clean(version, "subscriber")).await.unwrap();
        subscriber.subscribe("many", qos).await.unwrap();
        let (mut publisher, _) =
            RawClient::connect(broker.address(), &Connect::clean(version, "publisher")).await.unwrap();
        let payloads = (0..500).map(|number: u32| number.to_string().into());
        publisher.publish_all("many", qos, payloads, 7).await.unwrap();
        for number in 0..500 {
            let got = subscriber.recv_publish(SOON).await.unwrap();
            assert_eq!(got.payload, number.to_string(), "QoS {qos}");
        }
    }
}

#[tokio::test]
async fn a_kept_session_has_what_came_meanwhile_and_a_will_is_published() {
    let broker = mosquitto();
    for version in VERSIONS {
        let kept = Connect::kept(version, "kept");
        let (mut client, connack) = RawClient::connect(broker.address(), &kept).await.unwrap();
        assert!(!connack.session_present);
        client.subscribe("wills", 1).await.unwrap();
        drop(client);
        let will = Will { topic: "wills".into(), payload: b"gone".to_vec(), qos: 1, ..Will::default() };
        let dying = Connect { will: Some(will), ..Connect::clean(version, "dying") };
        drop(RawClient::connect(broker.address(), &dying).await.unwrap());
        let (mut client, connack) = RawClient::connect(broker.address(), &kept).await.unwrap();
        assert!(connack.session_present);
        assert_eq!(client.recv_publish(SOON).await.unwrap().payload, "gone");
        drop(client);
        let clean = Connect::clean(version, "kept");
        RawClient::connect(broker.address(), &clean).await.unwrap().0.disconnect().await.unwrap();
    }
}

#[tokio::test]
async fn silence_a_refusal_and_an_end_are_told_apart() {
    let broker = mosquitto();
    let mut quiet = RawClient::open(broker.address(), Version::V311).await.unwrap();
    let short = Duration::from_millis(50);
    assert!(matches!(quiet.recv_packet(short).await, Err(RawError::Silent(_))));
    quiet.send_bytes(b"\xff\xff\xff\xff\xff").await.unwrap();
    quiet.closed(SOON).await.unwrap();

    let nameless = Connect { clean_start: false, ..Connect::clean(Version::V311, "") };
    let refused = RawClient::connect(broker.address(), &nameless).await;
    assert!(matches!(refused, Err(RawError::Refused { reason: 2, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_mosquitto_that_was_killed_comes_back_at_its_address() {
    let mut broker = mosquitto();
    let address = broker.address();
    let (mut client, _) = RawClient::connect(address, &Connect::clean(Version::V5, "client")).await.unwrap();
    broker.kill().unwrap();
    client.closed(SOON).await.unwrap();
    broker.start_again().unwrap();
    assert_eq!(broker.address(), address);
    RawClient::connect(address, &Connect::clean(Version::V5, "client")).await.unwrap();
}

#[test]
fn a_packet_is_read_when_it_is_whole_and_not_before() {
    let bytes = b"\x40\x02\x00\x07\xd0\x00";
    assert!((0..4).all(|length| frame(&bytes[..length]).unwrap().is_none()));
    let first = frame(bytes).unwrap().unwrap();
    assert_eq!((first.first, first.body, first.bytes), (0x40, &b"\x00\x07"[..], 4));
    assert!(frame(b"\x40\xff\xff\xff\xff\x01").is_err());
}

#[test]
fn what_no_broker_may_send_is_no_packet() {
    let read = |version, bytes: &'static [u8]| {
        let frame = frame(bytes).unwrap().unwrap();
        Packet::read(version, frame.first, frame.body.into())
    };
    assert!(read(Version::V311, b"\x36\x03\x00\x01a").is_err(), "QoS 3");
    assert!(read(Version::V311, b"\x10\x00").is_err(), "CONNECT");
    assert!(read(Version::V311, b"\xe0\x00").is_err(), "DISCONNECT from a broker of 3.1.1");
    assert!(read(Version::V5, b"\x20\x05\x00\x00\x02\x11\x00").is_err(), "a property that is cut off");
    assert!(read(Version::V5, b"\x40\x05\x00\x01\x00\x00\x00").is_err(), "bytes behind the end");
    let disconnect = read(Version::V5, b"\xe0\x01\x8e").unwrap();
    assert_eq!(disconnect, Packet::Disconnect { reason: 0x8e, properties: Properties::default() });
}
