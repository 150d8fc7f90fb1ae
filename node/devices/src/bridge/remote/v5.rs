//! MQTT 5 through `rumqttc::v5`.

use super::{Again, Connected, Dial, Event, Full, Limits, LinkError, REQUESTS_MAX, Wanted};
use aisle_broker::packet::{MessageProperties, MessagePropertyValues, PacketId, Publish, QoS, Reason};
use rumqttc::{
    Outgoing,
    v5::{
        AsyncClient, ConnectionError, EventLoop, Incoming, MqttOptions, MqttState, Request, StateError,
        mqttbytes::{self, v5 as wire},
    },
};
use std::time::Duration;

pub(in crate::bridge) struct Sender(AsyncClient);

pub(in crate::bridge) struct Line {
    events: EventLoop,
    limits: Limits,
    keep_alive: Duration,
    address: String,
    /// Messages that were refused at PUBREC; `rumqttc` counts them as in flight for ever.
    leaked: u16,
}

pub(super) fn open(dial: Dial) -> (Sender, Line) {
    let address = dial.address();
    let keep_alive = Duration::from_secs(dial.keep_alive_s.into());
    let mut options = MqttOptions::new(dial.client_id, dial.endpoint.host, dial.endpoint.port);
    options
        .set_transport(dial.transport)
        .set_keep_alive(keep_alive)
        .set_clean_start(false)
        .set_manual_acks(true)
        .set_session_expiry_interval(Some(dial.session_expiry_s))
        .set_receive_maximum(Some(dial.receive_max))
        .set_max_packet_size(Some(dial.packet_bytes_max))
        .set_outgoing_inflight_upper_limit(dial.limits.ids)
        // The caller has its own, in milliseconds.
        .set_connection_timeout(3600);
    if let Some((name, password)) = dial.login {
        options.set_credentials(name, password);
    }
    let mut network = options.network_options();
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    let (client, events) = AsyncClient::new(options, REQUESTS_MAX);
    (Sender(client), Line { events, limits: dial.limits, keep_alive, address, leaked: 0 })
}

impl Line {
    pub(super) async fn next(&mut self) -> Result<Event, LinkError> {
        if self.leaked > self.limits.window {
            return Err(LinkError::Renew);
        }
        match self.events.poll().await {
            Ok(event) => Ok(self.understand(event)),
            Err(error) => Err(explain(error, &self.address)),
        }
    }

    pub(super) fn leftover(&mut self) -> Option<Event> {
        let event = self.events.state.events.pop_front()?;
        Some(self.understand(event))
    }

    pub(super) fn begin(&mut self, again: Vec<Again>) {
        let mut state = MqttState::new(self.limits.ids, true);
        for pkid in 1..=u16::MAX {
            let expected =
                wire::Publish { pkid, qos: mqttbytes::QoS::ExactlyOnce, ..wire::Publish::default() };
            // With manual acknowledgements this only notes the identifier.
            drop(state.handle_incoming_packet(Incoming::Publish(expected)));
            state.events.clear();
        }
        state.events = std::mem::take(&mut self.events.state.events);
        self.events.state = state;
        self.leaked = 0;
        self.events.pending = again
            .into_iter()
            .map(|it| match it {
                Again::Publish(publish) => Request::Publish(to_wire(&publish)),
                Again::Release(id) => Request::PubRel(wire::PubRel::new(id.get(), None)),
            })
            .collect();
    }

    pub(super) fn keep_alive_s(&self) -> u64 {
        self.events.options.keep_alive().as_secs()
    }

    fn understand(&mut self, event: rumqttc::v5::Event) -> Event {
        let with_id = |id: u16, event: fn(PacketId) -> Event| PacketId::new(id).map_or(Event::Other, event);
        let answered = |id: u16, reason: Reason| {
            PacketId::new(id).map_or(Event::Other, |id| Event::Answered(id, reason))
        };
        match event {
            rumqttc::v5::Event::Incoming(packet) => match packet {
                Incoming::ConnAck(connack) => Event::Connected(self.connected(&connack)),
                Incoming::Publish(publish) => from_wire(publish).map_or(Event::Other, Event::Message),
                Incoming::PubAck(ack) => answered(ack.pkid, puback_reason(ack.reason)),
                Incoming::PubRec(ack) => match pubrec_reason(ack.reason) {
                    reason if reason.is_error() => {
                        self.leaked += 1;
                        answered(ack.pkid, reason)
                    }
                    _ => with_id(ack.pkid, Event::Received),
                },
                Incoming::PubComp(ack) => answered(ack.pkid, Reason::SUCCESS),
                Incoming::PubRel(ack) => with_id(ack.pkid, Event::Released),
                Incoming::SubAck(ack) => {
                    Event::Subscribed(ack.return_codes.into_iter().map(suback_reason).collect())
                }
                _ => Event::Other,
            },
            rumqttc::v5::Event::Outgoing(Outgoing::Publish(id)) => Event::Sent(PacketId::new(id)),
            rumqttc::v5::Event::Outgoing(Outgoing::Disconnect) => Event::Gone,
            rumqttc::v5::Event::Outgoing(_) => Event::Other,
        }
    }

    fn connected(&mut self, connack: &wire::ConnAck) -> Connected {
        // A server keep alive of 0 asks for no pings; `rumqttc` would send them without a pause.
        if self.events.options.keep_alive().is_zero() {
            self.events.options.set_keep_alive(self.keep_alive);
        }
        let properties = connack.properties.as_ref();
        Connected {
            session_present: connack.session_present,
            receive_max: properties.and_then(|it| it.receive_max).unwrap_or(u16::MAX),
            packet_bytes_max: properties
                .and_then(|it| it.max_packet_size)
                .map_or(usize::MAX, |bytes| bytes as usize),
        }
    }
}

impl Sender {
    pub(super) fn publish(&self, publish: &Publish) -> Result<(), Full> {
        let wire = to_wire(publish);
        let properties = wire.properties.unwrap_or_default();
        self.0
            .try_publish_with_properties(&*publish.topic, wire.qos, wire.retain, wire.payload, properties)
            .map_err(|_| Full)
    }

    #[expect(clippy::unused_self, reason = "the size depends on the version that the sender speaks")]
    pub(super) fn packet_bytes(&self, publish: &Publish) -> usize {
        let mut wire = to_wire(publish);
        wire.pkid = 1;
        wire.size()
    }

    pub(super) fn acknowledge(&self, id: PacketId, qos: QoS) -> Result<(), Full> {
        let publish = wire::Publish { pkid: id.get(), qos: to_qos(qos), ..wire::Publish::default() };
        self.0.try_ack(&publish).map_err(|_| Full)
    }

    pub(super) fn subscribe(&self, wanted: &[Wanted]) -> Result<(), Full> {
        let filters = wanted.iter().map(|wanted| wire::Filter {
            path: wanted.filter.clone(),
            qos: to_qos(wanted.qos),
            nolocal: true,
            preserve_retain: true,
            retain_forward_rule: wire::RetainForwardRule::OnNewSubscribe,
        });
        self.0.try_subscribe_many(filters).map_err(|_| Full)
    }

    pub(super) fn disconnect(&self) -> Result<(), Full> {
        self.0.try_disconnect().map_err(|_| Full)
    }
}

fn to_wire(publish: &Publish) -> wire::Publish {
    let properties = publish.properties.0.as_deref().map(|values| wire::PublishProperties {
        payload_format_indicator: values.is_text.then_some(1),
        message_expiry_interval: values.expiry_s,
        topic_alias: None,
        response_topic: values.response_topic.as_ref().map(ToString::to_string),
        correlation_data: values.correlation_data.clone(),
        user_properties: values
            .user
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        subscription_identifiers: Vec::new(),
        content_type: values.content_type.as_ref().map(ToString::to_string),
    });
    wire::Publish {
        dup: publish.dup,
        qos: to_qos(publish.qos),
        retain: publish.retain,
        topic: publish.topic.as_bytes().clone(),
        pkid: publish.packet_id.map_or(0, PacketId::get),
        payload: publish.payload.clone(),
        properties,
    }
}

/// None when the topic is no text; the protocol does not allow it, and it can be delivered to nobody.
fn from_wire(wire: wire::Publish) -> Option<Publish> {
    let properties = wire.properties.map(|it| {
        Box::new(MessagePropertyValues {
            is_text: it.payload_format_indicator == Some(1),
            expiry_s: it.message_expiry_interval,
            content_type: it.content_type.map(Into::into),
            response_topic: it.response_topic.map(Into::into),
            correlation_data: it.correlation_data,
            user: it.user_properties.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        })
    });
    Some(Publish {
        dup: wire.dup,
        qos: from_qos(wire.qos),
        retain: wire.retain,
        topic: wire.topic.try_into().ok()?,
        packet_id: PacketId::new(wire.pkid),
        payload: wire.payload,
        properties: MessageProperties(properties),
        ..Publish::default()
    })
}

const fn to_qos(qos: QoS) -> mqttbytes::QoS {
    match qos {
        QoS::AtMostOnce => mqttbytes::QoS::AtMostOnce,
        QoS::AtLeastOnce => mqttbytes::QoS::AtLeastOnce,
        QoS::ExactlyOnce => mqttbytes::QoS::ExactlyOnce,
    }
}

const fn from_qos(qos: mqttbytes::QoS) -> QoS {
    match qos {
        mqttbytes::QoS::AtMostOnce => QoS::AtMostOnce,
        mqttbytes::QoS::AtLeastOnce => QoS::AtLeastOnce,
        mqttbytes::QoS::ExactlyOnce => QoS::ExactlyOnce,
    }
}

const fn puback_reason(reason: wire::PubAckReason) -> Reason {
    use wire::PubAckReason as It;
    match reason {
        It::Success | It::NoMatchingSubscribers => Reason::SUCCESS,
        It::UnspecifiedError => Reason::UNSPECIFIED_ERROR,
        It::ImplementationSpecificError => Reason::IMPLEMENTATION_SPECIFIC_ERROR,
        It::NotAuthorized => Reason::NOT_AUTHORIZED,
        It::TopicNameInvalid => Reason::TOPIC_NAME_INVALID,
        It::PacketIdentifierInUse => Reason::PACKET_IDENTIFIER_IN_USE,
        It::QuotaExceeded => Reason::QUOTA_EXCEEDED,
        It::PayloadFormatInvalid => Reason::PAYLOAD_FORMAT_INVALID,
    }
}

const fn pubrec_reason(reason: wire::PubRecReason) -> Reason {
    use wire::PubRecReason as It;
    match reason {
        It::Success | It::NoMatchingSubscribers => Reason::SUCCESS,
        It::UnspecifiedError => Reason::UNSPECIFIED_ERROR,
        It::ImplementationSpecificError => Reason::IMPLEMENTATION_SPECIFIC_ERROR,
        It::NotAuthorized => Reason::NOT_AUTHORIZED,
        It::TopicNameInvalid => Reason::TOPIC_NAME_INVALID,
        It::PacketIdentifierInUse => Reason::PACKET_IDENTIFIER_IN_USE,
        It::QuotaExceeded => Reason::QUOTA_EXCEEDED,
        It::PayloadFormatInvalid => Reason::PAYLOAD_FORMAT_INVALID,
    }
}

fn suback_reason(reason: wire::SubscribeReasonCode) -> Reason {
    use wire::SubscribeReasonCode as It;
    match reason {
        It::Success(qos) => Reason::from(from_qos(qos)),
        It::NotAuthorized => Reason::NOT_AUTHORIZED,
        It::TopicFilterInvalid => Reason::TOPIC_FILTER_INVALID,
        It::QuotaExceeded => Reason::QUOTA_EXCEEDED,
        _ => Reason::UNSPECIFIED_ERROR,
    }
}

fn explain(error: ConnectionError, address: &str) -> LinkError {
    match error {
        ConnectionError::Io(error) => LinkError::io(&error, address),
        ConnectionError::Tls(error) => LinkError::tls(&error, address),
        ConnectionError::ConnectionRefused(code) => LinkError::refused(&format!("{code:?}")),
        ConnectionError::MqttState(error) => match error {
            StateError::Io(error) | StateError::Deserialization(mqttbytes::Error::Io(error)) => {
                LinkError::io(&error, address)
            }
            StateError::AwaitPingResp => LinkError::NoPing,
            StateError::ConnectionAborted => LinkError::Closed,
            StateError::ServerDisconnect { reason_code, reason_string } => {
                LinkError::Ended(match reason_string {
                    Some(words) => format!("{reason_code:?} ({words})"),
                    None => format!("{reason_code:?}"),
                })
            }
            other => LinkError::Protocol(other.to_string()),
        },
        ConnectionError::Timeout(_) => LinkError::NoPing,
        other => LinkError::Protocol(other.to_string()),
    }
}
