//! Packets as the standards write them, and what the standards refuse.

use aisle_broker::packet::{
    Ack, Codec, Connack, Connect, Disconnect, EncodeError, Kind, MessageProperties, MessagePropertyValues,
    Packet, PacketId, Publish, QoS, Reason, RetainHandling, Suback, Subscribe, SubscribeOptions, Unsubscribe,
    Version, Will,
};
use bytes::{Bytes, BytesMut};

const BYTES_MAX: u32 = 1 << 20;
const ALL: [Version; 3] = [Version::V31, Version::V311, Version::V5];

/// A header of the right length before `body`.
pub fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let mut length = body.len();
    let mut frame = vec![first];
    while length >= 0x80 {
        frame.push(length as u8 | 0x80);
        length >>= 7;
    }
    frame.push(length as u8);
    frame.extend_from_slice(body);
    frame
}

/// A server's codec that has had its CONNECT.
pub fn server(version: Version) -> Codec {
    let mut codec = Codec::server(BYTES_MAX);
    let connect: &[u8] = match version {
        Version::V31 => b"\x10\x0f\0\x06MQIsdp\x03\x02\0\0\0\x01a",
        Version::V311 => b"\x10\x0d\0\x04MQTT\x04\x02\0\0\0\x01a",
        Version::V5 => b"\x10\x0e\0\x04MQTT\x05\x02\0\0\0\0\x01a",
    };
    let decoded = codec.decode(&mut BytesMut::from(connect)).unwrap();
    assert!(matches!(decoded, Some(Packet::Connect(_))));
    codec
}

fn decode(codec: &mut Codec, bytes: &[u8]) -> Packet {
    let mut input = BytesMut::from(bytes);
    let packet = codec.decode(&mut input).unwrap().expect("a whole packet");
    assert!(input.is_empty());
    packet
}

fn encode(codec: &Codec, packet: &Packet) -> Vec<u8> {
    let mut out = BytesMut::from("before");
    codec.encode(packet, &mut out).unwrap();
    assert!(out.starts_with(b"before"));
    out[6..].to_vec()
}

#[track_caller]
fn refused(codec: &mut Codec, bytes: &[u8], reason: Reason) {
    let mut input = BytesMut::from(bytes);
    let malformed = codec.decode(&mut input).expect_err("a refusal");
    assert_eq!(malformed.reason, reason, "{malformed}");
    assert_eq!(codec.decode(&mut input), Err(malformed), "a refusal stays");
}

#[track_caller]
fn refused_of_client(version: Version, bytes: &[u8], reason: Reason) {
    refused(&mut server(version), bytes, reason);
}

#[track_caller]
fn connect_refused(version: Version, body_after_level: &[u8], reason: Reason) {
    let name: &[u8] = match version {
        Version::V31 => b"\0\x06MQIsdp\x03",
        Version::V311 => b"\0\x04MQTT\x04",
        Version::V5 => b"\0\x04MQTT\x05",
    };
    let mut codec = Codec::server(BYTES_MAX);
    refused(&mut codec, &frame(0x10, &[name, body_after_level].concat()), reason);
    assert_eq!(codec.version(), Some(version));
}

fn id(number: u16) -> PacketId {
    PacketId::new(number).unwrap()
}

fn ack(number: u16, reason: Reason) -> Ack {
    Ack { packet_id: id(number), reason, reason_string: None }
}

pub fn plain_connect(version: Version) -> Connect {
    Connect {
        version,
        bridge: false,
        client_id: "a".into(),
        clean_start: true,
        keep_alive_s: 0,
        session_expiry_s: 0,
        receive_max: u16::MAX,
        packet_bytes_max: None,
        topic_alias_max: 0,
        problem_information: true,
        auth_method: None,
        username: None,
        password: None,
        will: None,
        user_properties: Vec::new(),
    }
}

#[test]
fn the_connect_that_the_standard_draws_is_read() {
    // MQTT 3.1.1, figure 3.6: user name, password, will of QoS 1, clean session, ten seconds.
    let body = b"\0\x04MQTT\x04\xCE\0\x0A\0\x06sensor\0\x04left\0\x04gone\0\x04user\0\x06secret";
    let mut codec = Codec::server(BYTES_MAX);
    assert_eq!(codec.version(), None);
    let connect = decode(&mut codec, &frame(0x10, body));
    let will = Will {
        topic: "left".into(),
        payload: "gone".into(),
        qos: QoS::AtLeastOnce,
        retain: false,
        delay_s: 0,
        properties: MessageProperties::default(),
    };
    let expected = Connect {
        client_id: "sensor".into(),
        keep_alive_s: 10,
        username: Some("user".into()),
        password: Some("secret".into()),
        will: Some(will),
        ..plain_connect(Version::V311)
    };
    assert_eq!(connect, Packet::Connect(Box::new(expected)));
    assert_eq!(codec.version(), Some(Version::V311));
}

#[test]
fn every_property_of_connect_and_will_is_read() {
    let properties = b"\x11\0\0\0\x0A\x21\0\x14\x27\0\0\x01\0\x22\0\x05\x19\x01\x17\0\x15\0\x01m\x16\0\x01d\x26\0\x01k\0\x01v";
    let will = b"\x18\0\0\0\x07\x01\x01\x02\0\0\0\0\x03\0\x01c\x08\0\x01r\x09\0\x01d\x26\0\x01k\0\0";
    let mut body = b"\0\x04MQTT\x05\x34\0\x3C".to_vec();
    body.push(properties.len() as u8);
    body.extend_from_slice(properties);
    body.extend_from_slice(b"\0\0");
    body.push(will.len() as u8);
    body.extend_from_slice(will);
    body.extend_from_slice(b"\0\x04left\0\x04gone");
    let will = Will {
        topic: "left".into(),
        payload: "gone".into(),
        qos: QoS::ExactlyOnce,
        retain: true,
        delay_s: 7,
        properties: MessageProperties(Some(Box::new(MessagePropertyValues {
            is_text: true,
            expiry_s: Some(0),
            content_type: Some("c".into()),
            response_topic: Some("r".into()),
            correlation_data: Some("d".into()),
            user: vec![("k".into(), "".into())],
        }))),
    };
    let expected = Connect {
        client_id: "".into(),
        clean_start: false,
        keep_alive_s: 60,
        session_expiry_s: 10,
        receive_max: 20,
        packet_bytes_max: Some(256),
        topic_alias_max: 5,
        problem_information: false,
        auth_method: Some("m".into()),
        will: Some(will),
        user_properties: vec![("k".into(), "v".into())],
        ..plain_connect(Version::V5)
    };
    let connect = decode(&mut Codec::server(BYTES_MAX), &frame(0x10, &body));
    assert_eq!(connect, Packet::Connect(Box::new(expected)));
}

#[test]
fn a_bridge_shows_by_the_highest_bit_of_its_protocol_level() {
    for (bytes, version) in [
        (&b"\0\x06MQIsdp\x83\x02\0\0\0\x01a"[..], Version::V31),
        (b"\0\x04MQTT\x84\x02\0\0\0\x01a", Version::V311),
    ] {
        let connect = decode(&mut Codec::server(BYTES_MAX), &frame(0x10, bytes));
        assert_eq!(connect, Packet::Connect(Box::new(Connect { bridge: true, ..plain_connect(version) })));
    }
}

#[test]
fn a_version_that_is_not_spoken_is_refused_in_the_nearest_that_is() {
    for (bytes, nearest, connack) in [
        (&b"\0\x04MQTT\x03\x02\0\0\0\x01a"[..], Some(Version::V311), Some(&b"\x20\x02\0\x01"[..])),
        (b"\0\x06MQIsdp\x04\x02\0\0\0\x01a", Some(Version::V31), Some(b"\x20\x02\0\x01")),
        (b"\0\x04MQTT\x06 what comes in 6 is unknown", Some(Version::V5), Some(b"\x20")),
        (b"\0\x04MQTT\x85", Some(Version::V5), Some(b"\x20")),
        (b"\0\x04SMTP\x05", None, None),
    ] {
        let mut codec = Codec::server(BYTES_MAX);
        let mut input = BytesMut::from(&frame(0x10, bytes)[..]);
        let malformed = codec.decode(&mut input).unwrap_err();
        assert_eq!(malformed.reason, Reason::UNSUPPORTED_PROTOCOL_VERSION);
        assert_eq!(codec.version(), nearest);
        let answer = codec.refusal(&malformed).map(|packet| encode(&codec, &packet));
        assert_eq!(answer.is_some(), connack.is_some());
        let (answer, connack) = (answer.unwrap_or_default(), connack.unwrap_or_default());
        assert!(answer.starts_with(connack), "{answer:x?}");
        if nearest == Some(Version::V5) {
            assert_eq!(answer[3], 0x84);
        }
    }
}

#[test]
fn an_empty_client_id_is_refused_where_its_session_would_be_kept() {
    connect_refused(Version::V31, b"\x02\0\0\0\0", Reason::CLIENT_IDENTIFIER_NOT_VALID);
    let body = b"\0\x04MQTT\x04\0\0\0\0\0";
    let mut codec = Codec::server(BYTES_MAX);
    let malformed = codec.decode(&mut BytesMut::from(&frame(0x10, body)[..])).unwrap_err();
    let connack = codec.refusal(&malformed).expect("an answer");
    assert_eq!(encode(&codec, &connack), b"\x20\x02\0\x02");

    for may_be_empty in
        [&b"\0\x04MQTT\x04\x02\0\0\0\0"[..], b"\0\x04MQTT\x05\x02\0\0\0\0\0", b"\0\x04MQTT\x05\0\0\0\0\0\0"]
    {
        decode(&mut Codec::server(BYTES_MAX), &frame(0x10, may_be_empty));
    }
}

#[test]
fn the_session_of_3_1_1_is_kept_for_ever_or_not_at_all() {
    let kept = decode(&mut Codec::server(BYTES_MAX), &frame(0x10, b"\0\x04MQTT\x04\0\0\0\0\x01a"));
    let Packet::Connect(kept) = kept else { panic!("{kept:?}") };
    assert_eq!((kept.clean_start, kept.session_expiry_s), (false, u32::MAX));
}

#[test]
fn a_long_client_id_of_3_1_and_a_user_name_that_its_packet_ends_before_pass() {
    let long = "x".repeat(100);
    let body = [&b"\0\x06MQIsdp\x03\xC2\0\0\0\x64"[..], long.as_bytes()].concat();
    let connect = decode(&mut Codec::server(BYTES_MAX), &frame(0x10, &body));
    let expected = Connect { client_id: long.into(), ..plain_connect(Version::V31) };
    assert_eq!(connect, Packet::Connect(Box::new(expected)));
}

#[test]
fn a_connect_that_contradicts_itself_is_refused() {
    let malformed = Reason::MALFORMED_PACKET;
    let protocol = Reason::PROTOCOL_ERROR;
    for version in [Version::V311, Version::V5] {
        let p: &[u8] = if version == Version::V5 { b"\0" } else { b"" };
        let refused = |flags: u8, rest: &[u8]| {
            connect_refused(version, &[&[flags, 0, 0][..], p, b"\0\x01a", rest].concat(), malformed);
        };
        refused(0x03, b""); // the reserved flag
        refused(0x0A, b""); // QoS of no will
        refused(0x22, b""); // retain of no will
        refused(0x1E, &[p, b"\0\x01t\0\x01p"].concat()); // QoS 3
        refused(0x02, b"x"); // more than its fields
        refused(0x82, b""); // no user name where one is said to be
        refused(0x82, b"\0\x02\xC3\x28"); // no UTF-8
        refused(0x82, b"\0\x03a\0b"); // U+0000
    }
    connect_refused(Version::V311, b"\x42\0\0\0\x01a\0\x01p", malformed); // a password and no user name
    connect_refused(Version::V5, b"\x06\0\0\0\0\x01a\0\0\0\0\0", Reason::TOPIC_NAME_INVALID);
    for (properties, reason) in [
        (&b"\x21\0\0"[..], protocol), // receive maximum 0
        (b"\x27\0\0\0\0", protocol),  // maximum packet size 0
        (b"\x17\x02", protocol),      // neither 0 nor 1
        (b"\x19\x02", protocol),
        (b"\x11\0\0\0\x01\x11\0\0\0\x01", protocol), // twice
        (b"\x16\0\x01d", protocol),                  // data and no method
        (b"\x23\0\x01", malformed),                  // of another packet
        (b"\x7F", malformed),                        // of none
        (b"\xFF\x01", malformed),
        (b"\x11\0\0\0", malformed), // cut
    ] {
        let body = [&[2, 0, 0, properties.len() as u8][..], properties, b"\0\x01a"].concat();
        connect_refused(Version::V5, &body, reason);
    }
    // A password alone is for tokens, in MQTT 5.
    decode(&mut Codec::server(BYTES_MAX), &frame(0x10, b"\0\x04MQTT\x05\x42\0\0\0\0\x01a\0\x01p"));
}

#[test]
fn the_first_packet_must_be_connect_and_the_only_one() {
    for first in [0x20_u8, 0x30, 0x40, 0x82, 0xC0, 0xE0, 0xF0] {
        // The first byte is enough.
        refused(&mut Codec::server(BYTES_MAX), &[first], Reason::PROTOCOL_ERROR);
    }
    refused(&mut Codec::server(BYTES_MAX), b"GET / HTTP/1.1", Reason::PROTOCOL_ERROR);
    refused(&mut Codec::server(BYTES_MAX), &[0], Reason::MALFORMED_PACKET);
    refused(&mut Codec::server(BYTES_MAX), &[0x11], Reason::MALFORMED_PACKET);
    for version in ALL {
        refused_of_client(version, &[0x10], Reason::PROTOCOL_ERROR);
    }
}

#[test]
fn who_may_not_say_a_packet_is_refused() {
    for version in ALL {
        for first in [0x20, 0x90, 0xB0, 0xD0] {
            refused_of_client(version, &[first], Reason::PROTOCOL_ERROR);
        }
        for first in [0x10, 0x82, 0xA2, 0xC0] {
            refused(&mut Codec::client(version, BYTES_MAX), &[first], Reason::PROTOCOL_ERROR);
        }
        refused_of_client(version, &[0x00], Reason::MALFORMED_PACKET);
    }
    for version in [Version::V31, Version::V311] {
        refused_of_client(version, &[0xF0], Reason::MALFORMED_PACKET);
        refused(&mut Codec::client(version, BYTES_MAX), &[0xE0], Reason::PROTOCOL_ERROR);
    }
}

#[test]
fn reserved_flags_of_the_first_byte_must_be_as_the_standard_has_them() {
    for first in [0x41, 0x52, 0x60, 0x6A, 0x74, 0x80, 0x8A, 0xA0, 0xAA, 0xC1, 0xE8] {
        refused_of_client(Version::V311, &[first], Reason::MALFORMED_PACKET);
        refused_of_client(Version::V5, &[first], Reason::MALFORMED_PACKET);
    }
    // 3.1 marks these when it sends them again.
    let mut codec = server(Version::V31);
    assert_eq!(decode(&mut codec, b"\x6A\x02\0\x07"), Packet::Pubrel(ack(7, Reason::SUCCESS)));
    decode(&mut codec, b"\x8A\x06\0\x07\0\x01a\x01");
    decode(&mut codec, b"\xAA\x05\0\x07\0\x01a");
}

#[test]
fn a_length_is_four_bytes_at_most_and_no_longer_than_what_is_taken() {
    for version in ALL {
        refused_of_client(version, b"\x30\xFF\xFF\xFF\xFF\x01", Reason::MALFORMED_PACKET);
        refused_of_client(version, b"\x30\xFF\xFF\xFF\xFF", Reason::MALFORMED_PACKET);
        refused_of_client(version, b"\x30\xFF\xFF\xFF\x7F", Reason::PACKET_TOO_LARGE);
        assert_eq!(server(version).decode(&mut BytesMut::from(&b"\x30\xFF\xFF\xFF"[..])), Ok(None));
    }
    // Its header counts, too.
    let publish = b"\x30\x05\0\x01ahi";
    let mut connect = BytesMut::from(&b"\x10\x0d\0\x04MQTT\x04\x02\0\0\0\x01a"[..]);
    let mut codec = Codec::server(15);
    codec.decode(&mut connect).unwrap().unwrap();
    decode(&mut codec, publish);
    refused(&mut codec, &frame(0x30, &[0; 14]), Reason::PACKET_TOO_LARGE);
    // MQTT 5, 1.5.5: in as few bytes as can be.
    refused_of_client(Version::V5, b"\x30\x86\0\0\x01a\0hi", Reason::MALFORMED_PACKET);
    refused_of_client(Version::V5, b"\x30\x07\0\x01a\x80\0hi", Reason::MALFORMED_PACKET);
    decode(&mut server(Version::V311), b"\x30\x85\0\0\x01ahi");
}

#[test]
fn a_publish_is_read_and_its_topic_and_payload_are_not_copied() {
    let mut input = BytesMut::from(&b"\x3D\x0D\0\x05a/b/c\0\x0Adata"[..]);
    let range = input.as_ptr_range();
    let packet = server(Version::V311).decode(&mut input).unwrap().unwrap();
    let Packet::Publish(publish) = packet else { panic!("{packet:?}") };
    assert!(range.contains(&publish.topic.as_ptr()) && range.contains(&publish.payload.as_ptr()));
    let expected = Publish {
        dup: true,
        qos: QoS::ExactlyOnce,
        retain: true,
        topic: "a/b/c".into(),
        packet_id: Some(id(10)),
        payload: "data".into(),
        ..Publish::default()
    };
    assert_eq!(*publish, expected);
}

#[test]
fn an_alias_stands_for_a_topic_and_an_expiry_may_be_0() {
    let publish = decode(&mut server(Version::V5), b"\x30\x0B\0\0\x08\x02\0\0\0\0\x23\0\x05");
    let properties = MessagePropertyValues { expiry_s: Some(0), ..MessagePropertyValues::default() };
    let expected = Publish {
        topic_alias: Some(5),
        properties: MessageProperties(Some(Box::new(properties))),
        ..Publish::default()
    };
    assert_eq!(publish, Packet::Publish(Box::new(expected)));
}

#[test]
fn a_publish_that_may_not_be_is_refused() {
    let malformed = Reason::MALFORMED_PACKET;
    let protocol = Reason::PROTOCOL_ERROR;
    for version in ALL {
        refused_of_client(version, b"\x36\x06\0\x01a\0\x01\0", malformed); // QoS 3
        refused_of_client(version, b"\x38\x04\0\x01a\0", malformed); // QoS 0, sent again
        refused_of_client(version, b"\x32\x06\0\x01a\0\0\0", protocol); // packet identifier 0
        refused_of_client(version, b"\x32\x04\0\x01a\0", malformed); // cut
        refused_of_client(version, b"\x30\x03\0\0\0", protocol); // no topic
        refused_of_client(version, b"\x30\x05\0\x02a\0\0", malformed); // U+0000
        refused_of_client(version, b"\x30\x06\0\x03\xED\xA0\x80\0", malformed); // a lone surrogate
        refused_of_client(version, b"\x30\x04\0\x09a\0", malformed); // longer than the packet
        // Control characters are discouraged, but may pass.
        decode(&mut server(version), b"\x30\x05\0\x02a\x01\0");
    }
    for (properties, reason) in [
        (&b"\x23\0\0"[..], Reason::TOPIC_ALIAS_INVALID),
        (b"\x23\0\x01\x23\0\x01", protocol),
        (b"\x01\x02", protocol),
        (b"\x01\x00\x01\x00", protocol),
        (b"\x0B\x01", protocol), // a client has no subscription identifiers to tell
        (b"\x08\0\x01#", protocol),
        (b"\x03\0\x01\0", malformed),
        (b"\x26\0\x01k\0\x02v", malformed),
        (b"\x11\0\0\0\x01", malformed),
        (b"\x02\0\0\0", malformed),
    ] {
        let body = [&b"\0\x01a"[..], &[properties.len() as u8], properties, b"payload"].concat();
        refused_of_client(Version::V5, &frame(0x30, &body), reason);
    }
    refused_of_client(Version::V5, b"\x30\x05\0\x01a\x05x", malformed); // properties longer than the packet
    let from_server = |body: &[u8]| decode(&mut Codec::client(Version::V5, BYTES_MAX), &frame(0x30, body));
    let Packet::Publish(publish) = from_server(b"\0\x01a\x05\x0B\x01\x0B\x80\x01") else { panic!() };
    assert_eq!(publish.subscription_ids, [1, 128]);
    refused(&mut Codec::client(Version::V5, BYTES_MAX), b"\x30\x06\0\x01a\x02\x0B\0", protocol);
}

#[test]
fn acknowledgements_are_read_in_their_short_and_long_forms() {
    let mut codec = server(Version::V5);
    assert_eq!(decode(&mut codec, b"\x40\x02\x01\0"), Packet::Puback(ack(256, Reason::SUCCESS)));
    assert_eq!(
        decode(&mut codec, b"\x50\x03\0\x01\x10"),
        Packet::Pubrec(ack(1, Reason::NO_MATCHING_SUBSCRIBERS))
    );
    let unknown = ack(1, Reason::PACKET_IDENTIFIER_NOT_FOUND);
    assert_eq!(decode(&mut codec, b"\x62\x04\0\x01\x92\0"), Packet::Pubrel(unknown));
    let long = Ack { reason_string: Some("why".into()), ..ack(1, Reason::SUCCESS) };
    assert_eq!(
        decode(&mut codec, b"\x70\x11\0\x01\0\x0D\x1F\0\x03why\x26\0\x01k\0\x01v"),
        Packet::Pubcomp(long)
    );

    for version in ALL {
        refused_of_client(version, b"\x40\x02\0\0", Reason::PROTOCOL_ERROR);
        refused_of_client(version, b"\x40\x01\0", Reason::MALFORMED_PACKET);
        refused_of_client(version, b"\x40\x00", Reason::MALFORMED_PACKET);
    }
    refused_of_client(Version::V311, b"\x40\x03\0\x01\0", Reason::MALFORMED_PACKET);
    refused_of_client(Version::V5, b"\x40\x03\0\x01\x92", Reason::PROTOCOL_ERROR);
    refused_of_client(Version::V5, b"\x62\x03\0\x01\x10", Reason::PROTOCOL_ERROR);
    refused_of_client(Version::V5, b"\x40\x05\0\x01\0\0x", Reason::MALFORMED_PACKET);
    refused_of_client(Version::V5, b"\x40\x04\0\x01\0\x01", Reason::MALFORMED_PACKET);
    let twice = b"\x40\x0C\0\x01\0\x08\x1F\0\x01a\x1F\0\x01a";
    refused_of_client(Version::V5, twice, Reason::PROTOCOL_ERROR);
}

#[test]
fn subscribe_and_unsubscribe_are_read() {
    let packet = decode(&mut server(Version::V5), b"\x82\x0C\0\x0A\x03\x0B\xFF\x7F\0\x03a/+\x2E");
    let options = SubscribeOptions {
        qos: QoS::ExactlyOnce,
        no_local: true,
        retain_as_published: true,
        retain_handling: RetainHandling::DoNotSend,
    };
    let subscribe = Subscribe { packet_id: id(10), id: Some(16_383), filters: vec![("a/+".into(), options)] };
    assert_eq!(packet, Packet::Subscribe(Box::new(subscribe)));

    let packet = decode(&mut server(Version::V311), b"\xA2\x0B\0\x01\0\x03a/b\0\x02\xC3\xA4");
    let filters = vec!["a/b".into(), "ä".into()];
    assert_eq!(packet, Packet::Unsubscribe(Box::new(Unsubscribe { packet_id: id(1), filters })));
}

#[test]
fn a_subscribe_that_may_not_be_is_refused() {
    let malformed = Reason::MALFORMED_PACKET;
    let protocol = Reason::PROTOCOL_ERROR;
    for version in ALL {
        let p: &[u8] = if version == Version::V5 { b"\0" } else { b"" };
        let with = |id: &[u8], rest: &[u8]| [id, p, rest].concat();
        for first in [0x82, 0xA2] {
            refused_of_client(version, &frame(first, &with(b"\0\x01", b"")), protocol); // no filter
            refused_of_client(version, &frame(first, &with(b"\0\0", b"\0\x01a\0")), protocol); // packet identifier 0
            refused_of_client(version, &frame(first, &with(b"\0\x01", b"\0\x02a")), malformed); // cut
            refused_of_client(
                version,
                &frame(first, &with(b"\0\x01", b"\0\0\0")),
                Reason::TOPIC_FILTER_INVALID,
            );
            refused_of_client(version, &frame(first, &with(b"\0\x01", b"\0\x01\0\0")), malformed); // U+0000
        }
        refused_of_client(version, &frame(0x82, &with(b"\0\x01", b"\0\x01a")), malformed); // no options
        refused_of_client(version, &frame(0x82, &with(b"\0\x01", b"\0\x01a\x03")), protocol); // QoS 3
        refused_of_client(version, &frame(0x82, &with(b"\0\x01", b"\0\x01a\x40")), malformed); // reserved
    }
    refused_of_client(Version::V311, &frame(0x82, b"\0\x01\0\x01a\x04"), malformed);
    refused_of_client(Version::V5, &frame(0x82, b"\0\x01\0\0\x01a\x30"), protocol); // retain handling 3
    refused_of_client(Version::V5, &frame(0x82, b"\0\x01\x02\x0B\0\0\x01a\0"), protocol); // identifier 0
    refused_of_client(Version::V5, &frame(0x82, b"\0\x01\x04\x0B\x01\x0B\x02\0\x01a\0"), protocol); // two
    refused_of_client(Version::V5, &frame(0xA2, b"\0\x01\x02\x0B\x01\0\x01a"), malformed);
    refused_of_client(Version::V5, &frame(0x82, b"\0\x01\0\0\x0A$share/g/a\x04"), protocol);
}

#[test]
fn pings_and_goodbyes_have_no_body_in_3_1_1() {
    for version in ALL {
        assert_eq!(decode(&mut server(version), b"\xC0\0"), Packet::Pingreq);
        assert_eq!(decode(&mut server(version), b"\xE0\0"), Packet::Disconnect(Box::default()));
        refused_of_client(version, b"\xC0\x01\0", Reason::MALFORMED_PACKET);
    }
    refused_of_client(Version::V311, b"\xE0\x01\0", Reason::MALFORMED_PACKET);
    refused_of_client(Version::V311, b"\xE0\x02\0\0", Reason::MALFORMED_PACKET);
}

#[test]
fn goodbyes_of_5_give_their_reason() {
    let mut codec = server(Version::V5);
    let disconnect = Disconnect { reason: Reason::DISCONNECT_WITH_WILL, ..Disconnect::default() };
    assert_eq!(decode(&mut codec, b"\xE0\x01\x04"), Packet::Disconnect(Box::new(disconnect.clone())));
    assert_eq!(decode(&mut codec, b"\xE0\x02\x04\0"), Packet::Disconnect(Box::new(disconnect)));
    let disconnect =
        Disconnect { reason: Reason::SUCCESS, reason_string: Some("bye".into()), session_expiry_s: Some(9) };
    let bytes = b"\xE0\x0D\0\x0B\x11\0\0\0\x09\x1F\0\x03bye";
    assert_eq!(decode(&mut codec, bytes), Packet::Disconnect(Box::new(disconnect)));
    refused_of_client(Version::V5, b"\xE0\x01\x8E", Reason::PROTOCOL_ERROR); // only a server says that
    refused_of_client(Version::V5, b"\xE0\x01\x01", Reason::PROTOCOL_ERROR);
    refused_of_client(Version::V5, b"\xE0\x03\0\0x", Reason::MALFORMED_PACKET);
    let mut client = Codec::client(Version::V5, BYTES_MAX);
    refused(&mut client, b"\xE0\x07\0\x05\x11\0\0\0\x09", Reason::PROTOCOL_ERROR);
}

#[test]
fn auth_is_read_in_5_and_says_nothing_here() {
    let mut codec = server(Version::V5);
    for bytes in [&b"\xF0\0"[..], b"\xF0\x01\x18", b"\xF0\x0A\x18\x08\x15\0\x01m\x16\0\x01d"] {
        assert_eq!(decode(&mut codec, bytes), Packet::Auth);
    }
    refused_of_client(Version::V5, b"\xF0\x01\x80", Reason::PROTOCOL_ERROR);
}

#[test]
fn connack_says_in_3_1_1_what_it_can() {
    let codec = server(Version::V311);
    let connack = |reason, session_present| {
        let connack = Connack { reason, session_present, topic_alias_max: 4, ..Connack::default() };
        encode(&codec, &Packet::Connack(Box::new(connack)))
    };
    assert_eq!(connack(Reason::SUCCESS, true), b"\x20\x02\x01\x00");
    assert_eq!(connack(Reason::NOT_AUTHORIZED, true), b"\x20\x02\x00\x05");
    for (reason, code) in [
        (Reason::UNSUPPORTED_PROTOCOL_VERSION, 1),
        (Reason::CLIENT_IDENTIFIER_NOT_VALID, 2),
        (Reason::SERVER_UNAVAILABLE, 3),
        (Reason::QUOTA_EXCEEDED, 3),
        (Reason::CONNECTION_RATE_EXCEEDED, 3),
        (Reason::BAD_USER_NAME_OR_PASSWORD, 4),
        (Reason::BAD_AUTHENTICATION_METHOD, 5),
    ] {
        assert_eq!(connack(reason, false), [0x20, 2, 0, code]);
    }
    let present = Packet::Connack(Box::new(Connack { session_present: true, ..Connack::default() }));
    assert_eq!(encode(&server(Version::V31), &present), b"\x20\x02\0\0");
    assert_eq!(encode(&server(Version::V5), &present), b"\x20\x03\x01\0\0");
}

#[test]
fn answers_of_3_1_1_leave_out_what_it_cannot_say() {
    let codec = server(Version::V311);
    let reasons = vec![QoS::ExactlyOnce.into(), Reason::NOT_AUTHORIZED, Reason::SUCCESS];
    let suback = Suback { packet_id: id(1), reasons, reason_string: Some("why".into()) };
    assert_eq!(encode(&codec, &Packet::Suback(Box::new(suback.clone()))), b"\x90\x05\0\x01\x02\x80\0");
    assert_eq!(encode(&codec, &Packet::Unsuback(Box::new(suback))), b"\xB0\x02\0\x01");
    let unknown = ack(1, Reason::PACKET_IDENTIFIER_NOT_FOUND);
    assert_eq!(encode(&codec, &Packet::Pubcomp(unknown)), b"\x70\x02\0\x01");
    assert_eq!(encode(&codec, &Packet::Disconnect(Box::default())), b"");
    let client = Codec::client(Version::V311, BYTES_MAX);
    assert_eq!(encode(&client, &Packet::Disconnect(Box::default())), b"\xE0\0");
}

#[test]
fn a_refused_message_is_never_acknowledged_to_3_1_1() {
    let codec = server(Version::V311);
    let mut out = BytesMut::from("before");
    for packet in
        [Packet::Puback(ack(1, Reason::NOT_AUTHORIZED)), Packet::Pubrec(ack(1, Reason::QUOTA_EXCEEDED))]
    {
        assert!(matches!(codec.encode(&packet, &mut out), Err(EncodeError::Unsayable { .. })));
    }
    assert_eq!(out, "before");
}

#[test]
fn acknowledgements_are_written_as_short_as_can_be() {
    let codec = server(Version::V5);
    assert_eq!(encode(&codec, &Packet::Puback(ack(1, Reason::SUCCESS))), b"\x40\x02\0\x01");
    assert_eq!(encode(&codec, &Packet::Pubrec(ack(1, Reason::NOT_AUTHORIZED))), b"\x50\x03\0\x01\x87");
    assert_eq!(encode(&codec, &Packet::Disconnect(Box::default())), b"\xE0\0");
    let stop = Disconnect { reason: Reason::SERVER_SHUTTING_DOWN, ..Disconnect::default() };
    assert_eq!(encode(&codec, &Packet::Disconnect(Box::new(stop))), b"\xE0\x01\x8B");
    assert_eq!(encode(&codec, &Packet::Pingresp), b"\xD0\0");
}

#[test]
fn who_wants_no_problem_information_gets_it_only_where_the_standard_lets_it() {
    let mut codec = server(Version::V5);
    let why = Some("why".into());
    let puback = Packet::Puback(Ack { reason_string: why.clone(), ..ack(1, Reason::QUOTA_EXCEEDED) });
    let disconnect = Packet::Disconnect(Box::new(Disconnect { reason_string: why, ..Disconnect::default() }));
    assert_eq!(encode(&codec, &puback), b"\x40\x0A\0\x01\x97\x06\x1F\0\x03why");
    codec.set_problem_information(false);
    assert_eq!(encode(&codec, &puback), b"\x40\x03\0\x01\x97");
    assert_eq!(encode(&codec, &disconnect), b"\xE0\x08\0\x06\x1F\0\x03why");
}

#[test]
fn what_is_too_long_for_the_client_is_said_without_words_or_not_at_all() {
    let mut codec = Codec::server(BYTES_MAX);
    decode(&mut codec, &frame(0x10, b"\0\x04MQTT\x05\x02\0\0\x05\x27\0\0\0\x0A\0\x01a"));
    let disconnect = Disconnect {
        reason: Reason::QUOTA_EXCEEDED,
        reason_string: Some("far too many".into()),
        session_expiry_s: None,
    };
    assert_eq!(encode(&codec, &Packet::Disconnect(Box::new(disconnect))), b"\xE0\x01\x97");
    let publish = Publish { topic: "a".into(), payload: Bytes::from_static(b"12345"), ..Publish::default() };
    let mut out = BytesMut::new();
    let error = codec.encode(&Packet::Publish(Box::new(publish.clone())), &mut out).unwrap_err();
    assert_eq!(error, EncodeError::TooLong { what: "packet", bytes: 11, bytes_max: 10 });
    assert_eq!(error.to_string(), "`packet` has 11 bytes, at most 10 can be sent");
    assert!(out.is_empty());
    assert_eq!(Codec::publish_bytes(Version::V5, &publish), 11);
    assert_eq!(Codec::publish_bytes(Version::V311, &publish), 10);
}

#[test]
fn what_has_no_place_in_the_packet_is_an_error_and_writes_nothing() {
    let codec = server(Version::V5);
    let long = Publish { topic: "x".repeat(65_536).into(), ..Publish::default() };
    let nameless = Publish { qos: QoS::AtLeastOnce, topic: "a".into(), ..Publish::default() };
    let mut out = BytesMut::from("before");
    let error = codec.encode(&Packet::Publish(Box::new(long)), &mut out).unwrap_err();
    assert_eq!(error.to_string(), "`topic` has 65536 bytes, at most 65535 can be sent");
    assert!(codec.encode(&Packet::Publish(Box::new(nameless)), &mut out).is_err());
    let no_version = Codec::server(BYTES_MAX);
    assert_eq!(no_version.encode(&Packet::Pingresp, &mut out), Err(EncodeError::NoVersion));
    let alias = Publish { topic_alias: Some(1), ..Publish::default() };
    assert!(server(Version::V311).encode(&Packet::Publish(Box::new(alias)), &mut out).is_err());
    assert_eq!(out, "before");
}

#[test]
fn a_refusal_names_the_packet_the_cause_and_the_reason_code() {
    let malformed = server(Version::V5).decode(&mut BytesMut::from(&b"\x82\x03\0\x01\0"[..])).unwrap_err();
    assert_eq!(malformed.packet, Some(Kind::Subscribe));
    assert_eq!(malformed.to_string(), "SUBSCRIBE: it names no filter (reason code 0x82)");
    let malformed = server(Version::V5).decode(&mut BytesMut::from(&b"\0"[..])).unwrap_err();
    assert_eq!(malformed.to_string(), "packet: packet type 0 is reserved (reason code 0x81)");
}

#[test]
fn a_connect_that_does_not_conform_is_answered_in_5_and_closed_in_silence_before() {
    for (body, answer) in [
        (&b"\0\x04MQTT\x04\x03\0\0\0\x01a"[..], None),
        (b"\0\x04MQTT\x05\x03\0\0\0\0\x01a", Some([0x00, 0x81])),
    ] {
        let mut codec = Codec::server(BYTES_MAX);
        let malformed = codec.decode(&mut BytesMut::from(&frame(0x10, body)[..])).unwrap_err();
        let refusal = codec.refusal(&malformed).map(|packet| encode(&codec, &packet));
        assert_eq!(refusal.map(|bytes| [bytes[2], bytes[3]]), answer);
    }
}

#[test]
fn a_refusal_later_is_a_disconnect_in_5_and_silence_before() {
    for (version, answer) in [(Version::V311, None), (Version::V5, Some(&b"\xE0"[..]))] {
        let mut codec = server(version);
        let malformed = codec.decode(&mut BytesMut::from(&b"\x20"[..])).unwrap_err();
        let refusal = codec.refusal(&malformed).map(|packet| encode(&codec, &packet));
        assert_eq!(refusal.as_ref().map(|bytes| &bytes[..1]), answer);
    }
}
