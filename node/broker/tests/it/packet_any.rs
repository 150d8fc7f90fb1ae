//! Any packet that a version can say, for the property tests.

use aisle_broker::packet::{
    Ack, Connack, Connect, Disconnect, MessageProperties, MessagePropertyValues, Packet, PacketId, Publish,
    QoS, Reason, RetainHandling, Suback, Subscribe, SubscribeOptions, Unsubscribe, UserProperties, Version,
    Will,
};
use bytes::Bytes;
use bytestring::ByteString;
use proptest::{
    collection::vec,
    option::of,
    prelude::{BoxedStrategy, Just, Strategy, any},
    prop_oneof,
    sample::select,
};

/// What a client sends; CONNECT only where it is asked for.
pub fn from_client(version: Version) -> BoxedStrategy<Packet> {
    prop_oneof![
        publish(version, true),
        acks(version),
        subscribe(version).prop_map(|packet| Packet::Subscribe(Box::new(packet))),
        (id(), vec(name(), 1..4)).prop_map(|(packet_id, filters)| Packet::Unsubscribe(Box::new(
            Unsubscribe { packet_id, filters }
        ))),
        Just(Packet::Pingreq),
        disconnect(version, true),
        Just(if version == Version::V5 { Packet::Auth } else { Packet::Pingreq }),
    ]
    .boxed()
}

/// What a server sends.
pub fn from_server(version: Version) -> BoxedStrategy<Packet> {
    let disconnect =
        if version == Version::V5 { disconnect(version, false) } else { Just(Packet::Pingresp).boxed() };
    prop_oneof![
        connack(version),
        publish(version, false),
        acks(version),
        suback(version, &[0, 1, 2, 0x80, 0x87, 0x8F, 0x97], &[0, 1, 2, 0x80])
            .prop_map(|packet| Packet::Suback(Box::new(packet))),
        suback(version, &[0, 0x11, 0x80, 0x87], &[]).prop_map(|packet| Packet::Unsuback(Box::new(packet))),
        Just(Packet::Pingresp),
        disconnect,
    ]
    .boxed()
}

/// One of the three.
pub fn version() -> impl Strategy<Value = Version> {
    select(&[Version::V31, Version::V311, Version::V5][..])
}

fn text() -> impl Strategy<Value = ByteString> {
    "[a-zA-Z0-9/$ ä漢\u{1}\u{feff}]{0,40}".prop_map(ByteString::from)
}

fn name() -> impl Strategy<Value = ByteString> {
    "[a-zA-Z0-9/ä漢]{1,40}".prop_map(ByteString::from)
}

fn data() -> impl Strategy<Value = Bytes> {
    prop_oneof![4 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 100..20_000)].prop_map(Bytes::from)
}

fn short_data() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..200).prop_map(Bytes::from)
}

fn id() -> impl Strategy<Value = PacketId> {
    (1..=u16::MAX).prop_map(|id| PacketId::new(id).unwrap())
}

fn qos() -> impl Strategy<Value = QoS> {
    select(&[QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce][..])
}

fn users() -> impl Strategy<Value = UserProperties> {
    vec((text(), text()), 0..4)
}

/// In MQTT 5 any, else what stands for nothing.
fn in_5<T: Clone + std::fmt::Debug + 'static>(
    version: Version,
    nothing: T,
    any: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<T> {
    if version == Version::V5 { any.boxed() } else { Just(nothing).boxed() }
}

fn properties(version: Version) -> BoxedStrategy<MessageProperties> {
    let values = (any::<bool>(), of(any::<u32>()), of(text()), of(name()), of(short_data()), users())
        .prop_map(|(is_text, expiry_s, content_type, response_topic, correlation_data, user)| {
            let values = MessagePropertyValues {
                is_text,
                expiry_s,
                content_type,
                response_topic,
                correlation_data,
                user,
            };
            MessageProperties((values != MessagePropertyValues::default()).then(|| Box::new(values)))
        });
    in_5(version, MessageProperties(None), values)
}

fn publish(version: Version, is_from_client: bool) -> BoxedStrategy<Packet> {
    let ids = if is_from_client { 0..1 } else { 0..4 };
    let ids = in_5(version, Vec::new(), vec(1_u32..=0x0FFF_FFFF, ids));
    let named = (name().boxed(), in_5(version, None, of(1_u16..)));
    let topic = if version == Version::V5 {
        prop_oneof![3 => named, 1 => (Just(ByteString::new()), (1_u16..).prop_map(Some))].boxed()
    } else {
        named.boxed()
    };
    (any::<bool>(), qos(), any::<bool>(), topic, id(), data(), ids, properties(version))
        .prop_map(|(dup, qos, retain, (topic, topic_alias), id, payload, subscription_ids, properties)| {
            let is_acknowledged = qos != QoS::AtMostOnce;
            Packet::Publish(Box::new(Publish {
                dup: dup && is_acknowledged,
                qos,
                retain,
                topic,
                packet_id: is_acknowledged.then_some(id),
                payload,
                topic_alias,
                subscription_ids,
                properties,
            }))
        })
        .boxed()
}

fn ack(version: Version, reasons: &'static [u8]) -> impl Strategy<Value = Ack> {
    (id(), in_5(version, 0, select(reasons)), in_5(version, None, of(text()))).prop_map(
        |(packet_id, reason, reason_string)| Ack { packet_id, reason: Reason(reason), reason_string },
    )
}

fn acks(version: Version) -> BoxedStrategy<Packet> {
    const TAKEN: &[u8] = &[0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
    const RELEASED: &[u8] = &[0x00, 0x92];
    prop_oneof![
        ack(version, TAKEN).prop_map(Packet::Puback),
        ack(version, TAKEN).prop_map(Packet::Pubrec),
        ack(version, RELEASED).prop_map(Packet::Pubrel),
        ack(version, RELEASED).prop_map(Packet::Pubcomp),
    ]
    .boxed()
}

fn subscribe(version: Version) -> impl Strategy<Value = Subscribe> {
    let handling = select(&[RetainHandling::Send, RetainHandling::SendIfNew, RetainHandling::DoNotSend][..]);
    let bits = in_5(version, (false, false, RetainHandling::Send), (any::<bool>(), any::<bool>(), handling));
    let options = (qos(), bits).prop_map(|(qos, (no_local, retain_as_published, retain_handling))| {
        SubscribeOptions { qos, no_local, retain_as_published, retain_handling }
    });
    (id(), in_5(version, None, of(1_u32..=0x0FFF_FFFF)), vec((name(), options), 1..5))
        .prop_map(|(packet_id, id, filters)| Subscribe { packet_id, id, filters })
}

fn suback(version: Version, in_5s: &'static [u8], before: &'static [u8]) -> impl Strategy<Value = Suback> {
    let reasons = match (version, before) {
        (Version::V5, _) => vec(select(in_5s).prop_map(Reason), 1..5).boxed(),
        (_, []) => Just(Vec::new()).boxed(),
        (_, before) => vec(select(before).prop_map(Reason), 1..5).boxed(),
    };
    (id(), reasons, in_5(version, None, of(text()))).prop_map(|(packet_id, reasons, reason_string)| Suback {
        packet_id,
        reasons,
        reason_string,
    })
}

fn disconnect(version: Version, is_from_client: bool) -> BoxedStrategy<Packet> {
    let (reasons, expiry): (&[u8], _) = if is_from_client {
        (&[0x00, 0x04, 0x80, 0x81, 0x82, 0x95], of(any::<u32>()).boxed())
    } else {
        (&[0x00, 0x80, 0x82, 0x87, 0x8B, 0x8E, 0x98, 0xA0], Just(None).boxed())
    };
    (in_5(version, 0, select(reasons)), in_5(version, None, of(text())), in_5(version, None, expiry))
        .prop_map(|(reason, reason_string, session_expiry_s)| {
            let reason = Reason(reason);
            Packet::Disconnect(Box::new(Disconnect { reason, reason_string, session_expiry_s }))
        })
        .boxed()
}

fn connack(version: Version) -> BoxedStrategy<Packet> {
    let reasons: &[u8] = if version == Version::V5 {
        &[0x00, 0x00, 0x80, 0x81, 0x86, 0x8C, 0x97, 0x9F]
    } else {
        &[0x00, 0x00, 0x84, 0x85, 0x86, 0x87, 0x88]
    };
    let numbers = (of(any::<u32>()), of(1..u16::MAX), of(1_u32..), any::<u16>(), of(any::<u16>()));
    let numbers = in_5(version, (None, None, None, 0, None), numbers);
    let texts = in_5(version, (None, None), (of(text()), of(text())));
    (any::<bool>(), select(reasons), numbers, texts)
        .prop_map(move |(session_present, reason, numbers, (reason_string, assigned_client_id))| {
            let (session_expiry_s, receive_max, packet_bytes_max, topic_alias_max, server_keep_alive_s) =
                numbers;
            Packet::Connack(Box::new(Connack {
                session_present: session_present && reason == 0 && version != Version::V31,
                reason: Reason(reason),
                reason_string,
                session_expiry_s,
                receive_max,
                packet_bytes_max,
                assigned_client_id,
                topic_alias_max,
                server_keep_alive_s,
            }))
        })
        .boxed()
}

fn will(version: Version) -> impl Strategy<Value = Will> {
    (name(), short_data(), qos(), any::<bool>(), in_5(version, 0, any::<u32>()), properties(version))
        .prop_map(|(topic, payload, qos, retain, delay_s, properties)| Will {
            topic,
            payload,
            qos,
            retain,
            delay_s,
            properties,
        })
}

/// A CONNECT, in its version.
pub fn connect(version: Version) -> impl Strategy<Value = Connect> {
    let numbers =
        (any::<u32>(), 1_u16.., of(1_u32..), any::<u16>(), any::<bool>(), of(text()), users()).boxed();
    let numbers = in_5(version, (0, u16::MAX, None, 0, true, None, Vec::new()), numbers);
    let name = if version == Version::V5 { text().boxed() } else { name().boxed() };
    let start = (any::<bool>(), name, any::<bool>(), any::<u16>());
    (start, of(text()), of(short_data()), of(will(version)), numbers).prop_map(
        move |((bridge, client_id, clean_start, keep_alive_s), username, password, will, numbers)| {
            let (
                expiry_s,
                receive_max,
                packet_bytes_max,
                topic_alias_max,
                problem_information,
                auth_method,
                users,
            ) = numbers;
            let kept_s = if clean_start { 0 } else { u32::MAX };
            Connect {
                version,
                bridge: bridge && version != Version::V5,
                client_id,
                clean_start,
                keep_alive_s,
                session_expiry_s: if version == Version::V5 { expiry_s } else { kept_s },
                receive_max,
                packet_bytes_max,
                topic_alias_max,
                problem_information,
                auth_method,
                password: password.filter(|_| version == Version::V5 || username.is_some()),
                username,
                will,
                user_properties: users,
            }
        },
    )
}
