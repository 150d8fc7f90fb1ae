//! Another implementation reads what is written here, and writes what is read here: `rmqtt-codec`.
//!
//! Left out is what it cannot do: a message expiry of 0, and an empty client id of MQTT 5 whose session is kept.

use crate::{
    packet::server,
    packet_any::{connect, from_client, from_server, version},
};
use aisle_broker::packet::{
    Ack, Codec, Connack, Connect, MessageProperties, Packet, Publish, QoS, Reason, RetainHandling, Subscribe,
    Version,
};
use bytes::BytesMut;
use proptest::{
    prelude::{BoxedStrategy, Just, Strategy, prop_assert, prop_assert_eq, proptest},
    prop_assume, prop_oneof,
};
use rmqtt_codec::{
    types::{Protocol, Publish as PeerPublish, QoS as PeerQoS},
    v3, v5,
};
use std::num::{NonZeroU16, NonZeroU32};
use tokio_util::codec::{Decoder, Encoder};

const BYTES_MAX: u32 = 1 << 20;

/// A packet, and who sends it.
fn packet(version: Version) -> BoxedStrategy<(Packet, bool)> {
    prop_oneof![
        from_client(version).prop_map(|packet| (packet, true)),
        from_server(version).prop_map(|packet| (packet, false)),
        connect(version).prop_map(|packet| (Packet::Connect(Box::new(packet)), true)),
    ]
    .boxed()
}

/// The codec that writes the packet, and the one that reads it.
fn codecs(version: Version, packet: &Packet, is_from_client: bool) -> (Codec, Codec) {
    let client = Codec::client(version, BYTES_MAX);
    match (packet, is_from_client) {
        (Packet::Connect(_), _) => (client, Codec::server(BYTES_MAX)),
        (_, true) => (client, server(version)),
        (_, false) => (server(version), client),
    }
}

fn peer_can(packet: &Packet) -> bool {
    let expires =
        |properties: &MessageProperties| properties.0.as_ref().is_none_or(|it| it.expiry_s != Some(0));
    match packet {
        Packet::Connect(connect) => {
            connect.will.as_ref().is_none_or(|will| expires(&will.properties))
                && (!connect.client_id.is_empty() || connect.clean_start)
                && !connect.bridge
        }
        Packet::Publish(publish) => expires(&publish.properties),
        _ => true,
    }
}

proptest! {
    #[test]
    fn another_implementation_understands_and_is_understood(
        (version, (packet, is_from_client)) in version().prop_flat_map(|v| (Just(v), packet(v)))
    ) {
        prop_assume!(peer_can(&packet));
        let (writer, mut reader) = codecs(version, &packet, is_from_client);
        let (mut ours, mut theirs) = (BytesMut::new(), BytesMut::new());
        writer.encode(&packet, &mut ours).unwrap();
        if version == Version::V5 {
            let mut peer = v5::Codec::new(0, 0);
            let expected = to_v5(&packet);
            prop_assert_eq!(peer.decode(&mut ours).unwrap().unwrap().0, expected.clone());
            peer.encode(expected, &mut theirs).unwrap();
        } else {
            let mut peer = v3::Codec::new(0);
            let expected = to_v3(&packet);
            prop_assert_eq!(peer.decode(&mut ours).unwrap().unwrap().0, expected.clone());
            // It writes the name of 3.1.1 for 3.1, too, and so cannot be understood.
            if version == Version::V31 && matches!(packet, Packet::Connect(_)) {
                return Ok(());
            }
            peer.encode(expected, &mut theirs).unwrap();
        }
        prop_assert!(ours.is_empty());
        prop_assert_eq!(reader.decode(&mut theirs), Ok(Some(packet)));
    }
}

fn qos(qos: QoS) -> PeerQoS {
    PeerQoS::try_from(qos as u8).unwrap()
}

fn code<T: TryFrom<u8>>(reason: Reason) -> T {
    T::try_from(reason.0).ok().expect("a reason code that the peer knows")
}

fn publish(it: &Publish, version: Version) -> Box<PeerPublish> {
    let values = it.properties.0.as_deref().cloned().unwrap_or_default();
    let properties = v5::PublishProperties {
        topic_alias: it.topic_alias.and_then(NonZeroU16::new),
        correlation_data: values.correlation_data,
        message_expiry_interval: values.expiry_s.and_then(NonZeroU32::new),
        content_type: values.content_type,
        user_properties: values.user,
        is_utf8_payload: values.is_text,
        response_topic: values.response_topic,
        subscription_ids: it.subscription_ids.iter().map(|id| NonZeroU32::new(*id).unwrap()).collect(),
    };
    Box::new(PeerPublish {
        dup: it.dup,
        retain: it.retain,
        qos: qos(it.qos),
        topic: it.topic.clone(),
        packet_id: it.packet_id,
        payload: it.payload.clone(),
        properties: (version == Version::V5).then_some(properties),
    })
}

fn to_v3(packet: &Packet) -> v3::Packet {
    match packet {
        Packet::Connect(it) => v3::Packet::Connect(Box::new(connect_v3(it))),
        Packet::Connack(it) => v3::Packet::ConnectAck(v3::ConnectAck {
            return_code: v3::ConnectAckReason::try_from(match it.reason.0 {
                0x84 => 1,
                0x85 => 2,
                0x88 => 3,
                0x86 => 4,
                0x87 => 5,
                _ => 0,
            })
            .unwrap(),
            session_present: it.session_present,
        }),
        Packet::Publish(it) => v3::Packet::Publish(publish(it, Version::V311)),
        Packet::Puback(it) => v3::Packet::PublishAck { packet_id: it.packet_id },
        Packet::Pubrec(it) => v3::Packet::PublishReceived { packet_id: it.packet_id },
        Packet::Pubrel(it) => v3::Packet::PublishRelease { packet_id: it.packet_id },
        Packet::Pubcomp(it) => v3::Packet::PublishComplete { packet_id: it.packet_id },
        Packet::Subscribe(it) => v3::Packet::Subscribe {
            packet_id: it.packet_id,
            topic_filters: it
                .filters
                .iter()
                .map(|(filter, options)| (filter.clone(), qos(options.qos)))
                .collect(),
        },
        Packet::Suback(it) => v3::Packet::SubscribeAck {
            packet_id: it.packet_id,
            status: it
                .reasons
                .iter()
                .map(|reason| match QoS::from_u8(reason.0) {
                    Some(granted) => v3::SubscribeReturnCode::Success(qos(granted)),
                    None => v3::SubscribeReturnCode::Failure,
                })
                .collect(),
        },
        Packet::Unsubscribe(it) => {
            v3::Packet::Unsubscribe { packet_id: it.packet_id, topic_filters: it.filters.clone() }
        }
        Packet::Unsuback(it) => v3::Packet::UnsubscribeAck { packet_id: it.packet_id },
        Packet::Pingreq => v3::Packet::PingRequest,
        Packet::Pingresp => v3::Packet::PingResponse,
        Packet::Disconnect(_) => v3::Packet::Disconnect,
        Packet::Auth => panic!("there is no AUTH before MQTT 5"),
    }
}

fn connect_v3(it: &Connect) -> v3::Connect {
    v3::Connect {
        protocol: Protocol(if it.version == Version::V31 { 3 } else { 4 }),
        clean_session: it.clean_start,
        keep_alive: it.keep_alive_s,
        last_will: it.will.as_ref().map(|will| v3::LastWill {
            qos: qos(will.qos),
            retain: will.retain,
            topic: will.topic.clone(),
            message: will.payload.clone(),
        }),
        client_id: it.client_id.clone(),
        username: it.username.clone(),
        password: it.password.clone(),
        cert: None,
    }
}

fn ack(it: &Ack) -> v5::PublishAck {
    v5::PublishAck {
        packet_id: it.packet_id,
        reason_code: code(it.reason),
        properties: Vec::new(),
        reason_string: it.reason_string.clone(),
    }
}

fn ack2(it: &Ack) -> v5::PublishAck2 {
    v5::PublishAck2 {
        packet_id: it.packet_id,
        reason_code: code(it.reason),
        properties: Vec::new(),
        reason_string: it.reason_string.clone(),
    }
}

fn to_v5(packet: &Packet) -> v5::Packet {
    match packet {
        Packet::Connect(it) => v5::Packet::Connect(Box::new(connect_v5(it))),
        Packet::Connack(it) => v5::Packet::ConnectAck(Box::new(connack_v5(it))),
        Packet::Publish(it) => v5::Packet::Publish(publish(it, Version::V5)),
        Packet::Puback(it) => v5::Packet::PublishAck(ack(it)),
        Packet::Pubrec(it) => v5::Packet::PublishReceived(ack(it)),
        Packet::Pubrel(it) => v5::Packet::PublishRelease(ack2(it)),
        Packet::Pubcomp(it) => v5::Packet::PublishComplete(ack2(it)),
        Packet::Subscribe(it) => v5::Packet::Subscribe(subscribe_v5(it)),
        Packet::Suback(it) => v5::Packet::SubscribeAck(v5::SubscribeAck {
            packet_id: it.packet_id,
            properties: Vec::new(),
            reason_string: it.reason_string.clone(),
            status: it.reasons.iter().map(|reason| code(*reason)).collect(),
        }),
        Packet::Unsubscribe(it) => v5::Packet::Unsubscribe(v5::Unsubscribe {
            packet_id: it.packet_id,
            user_properties: Vec::new(),
            topic_filters: it.filters.clone(),
        }),
        Packet::Unsuback(it) => v5::Packet::UnsubscribeAck(v5::UnsubscribeAck {
            packet_id: it.packet_id,
            properties: Vec::new(),
            reason_string: it.reason_string.clone(),
            status: it.reasons.iter().map(|reason| code(*reason)).collect(),
        }),
        Packet::Pingreq => v5::Packet::PingRequest,
        Packet::Pingresp => v5::Packet::PingResponse,
        Packet::Disconnect(it) => v5::Packet::Disconnect(v5::Disconnect {
            reason_code: code(it.reason),
            session_expiry_interval_secs: it.session_expiry_s,
            server_reference: None,
            reason_string: it.reason_string.clone(),
            user_properties: Vec::new(),
        }),
        Packet::Auth => v5::Packet::Auth(v5::Auth::default()),
    }
}

fn connect_v5(it: &Connect) -> v5::Connect {
    v5::Connect {
        clean_start: it.clean_start,
        keep_alive: it.keep_alive_s,
        session_expiry_interval_secs: it.session_expiry_s,
        auth_method: it.auth_method.clone(),
        auth_data: None,
        request_problem_info: it.problem_information,
        request_response_info: false,
        // It tells the default from what was said.
        receive_max: NonZeroU16::new(it.receive_max).filter(|max| max.get() != u16::MAX),
        topic_alias_max: it.topic_alias_max,
        user_properties: it.user_properties.clone(),
        max_packet_size: it.packet_bytes_max.and_then(NonZeroU32::new),
        last_will: it.will.as_ref().map(|will| {
            let values = will.properties.0.as_deref().cloned().unwrap_or_default();
            v5::LastWill {
                qos: qos(will.qos),
                retain: will.retain,
                topic: will.topic.clone(),
                message: will.payload.clone(),
                will_delay_interval_sec: Some(will.delay_s).filter(|delay_s| *delay_s != 0),
                correlation_data: values.correlation_data,
                message_expiry_interval: values.expiry_s.and_then(NonZeroU32::new),
                content_type: values.content_type,
                user_properties: values.user,
                is_utf8_payload: values.is_text.then_some(true),
                response_topic: values.response_topic,
            }
        }),
        client_id: it.client_id.clone(),
        username: it.username.clone(),
        password: it.password.clone(),
        cert: None,
    }
}

fn connack_v5(it: &Connack) -> v5::ConnectAck {
    v5::ConnectAck {
        session_present: it.session_present,
        reason_code: code(it.reason),
        session_expiry_interval_secs: it.session_expiry_s,
        receive_max: it.receive_max.and_then(NonZeroU16::new).unwrap_or(NonZeroU16::MAX),
        max_packet_size: it.packet_bytes_max,
        assigned_client_id: it.assigned_client_id.clone(),
        topic_alias_max: it.topic_alias_max,
        server_keepalive_sec: it.server_keep_alive_s,
        reason_string: it.reason_string.clone(),
        ..v5::ConnectAck::default()
    }
}

fn subscribe_v5(it: &Subscribe) -> v5::Subscribe {
    let options = |options: &aisle_broker::packet::SubscribeOptions| v5::SubscriptionOptions {
        qos: qos(options.qos),
        no_local: options.no_local,
        retain_as_published: options.retain_as_published,
        retain_handling: match options.retain_handling {
            RetainHandling::Send => v5::RetainHandling::AtSubscribe,
            RetainHandling::SendIfNew => v5::RetainHandling::AtSubscribeNew,
            RetainHandling::DoNotSend => v5::RetainHandling::NoAtSubscribe,
        },
    };
    v5::Subscribe {
        packet_id: it.packet_id,
        id: it.id.and_then(NonZeroU32::new),
        user_properties: Vec::new(),
        topic_filters: it.filters.iter().map(|(filter, it)| (filter.clone(), options(it))).collect(),
    }
}
