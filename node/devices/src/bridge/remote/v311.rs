//! MQTT 3.1.1 through `rumqttc`: no properties, no reasons.

use super::{Again, Connected, Dial, Event, Full, Limits, LinkError, REQUESTS_MAX, Wanted};
use aisle_broker::packet::{PacketId, Publish, QoS, Reason};
use rumqttc::{
    AsyncClient, ConnectionError, EventLoop, Incoming, MqttOptions, MqttState, NetworkOptions, Outgoing,
    PubRel, Publish as Wire, QoS as WireQoS, Request, StateError, SubscribeFilter, SubscribeReasonCode,
};
use std::time::Duration;

/// A longer packet ends the connection. 3.1.1 cannot tell a broker how much it may send, and what is not taken comes again
/// for ever; so far more is taken than is passed on.
const INCOMING_BYTES_MAX: usize = 64 << 20;
/// The longest packet that the protocol has.
const OUTGOING_BYTES_MAX: usize = 268_435_455;

pub(in crate::bridge) struct Sender(AsyncClient);

pub(in crate::bridge) struct Line {
    events: EventLoop,
    limits: Limits,
    address: String,
}

pub(super) fn open(dial: Dial) -> (Sender, Line) {
    let address = dial.address();
    let mut options = MqttOptions::new(dial.client_id, dial.endpoint.host, dial.endpoint.port);
    options
        .set_transport(dial.transport)
        .set_keep_alive(Duration::from_secs(dial.keep_alive_s.into()))
        .set_clean_session(false)
        .set_manual_acks(true)
        .set_inflight(dial.limits.ids)
        .set_max_packet_size(INCOMING_BYTES_MAX, OUTGOING_BYTES_MAX);
    if let Some((name, password)) = dial.login {
        options.set_credentials(name, password);
    }
    let (client, mut events) = AsyncClient::new(options, REQUESTS_MAX);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    // The caller has its own, in milliseconds.
    network.set_connection_timeout(3600);
    events.set_network_options(network);
    (Sender(client), Line { events, limits: dial.limits, address })
}

impl Line {
    pub(super) async fn next(&mut self) -> Result<Event, LinkError> {
        match self.events.poll().await {
            Ok(event) => Ok(understand(event)),
            Err(error) => Err(explain(error, &self.address)),
        }
    }

    pub(super) fn leftover(&mut self) -> Option<Event> {
        self.events.state.events.pop_front().map(understand)
    }

    pub(super) fn begin(&mut self, again: Vec<Again>) {
        let mut state = MqttState::new(self.limits.ids, true);
        let mut expected = Wire::new("", WireQoS::ExactlyOnce, Vec::new());
        for pkid in 1..=u16::MAX {
            expected.pkid = pkid;
            // With manual acknowledgements this only notes the identifier.
            drop(state.handle_incoming_packet(Incoming::Publish(expected.clone())));
            state.events.clear();
        }
        state.events = std::mem::take(&mut self.events.state.events);
        self.events.state = state;
        self.events.pending = again
            .into_iter()
            .map(|it| match it {
                Again::Publish(publish) => Request::Publish(to_wire(&publish)),
                Again::Release(id) => Request::PubRel(PubRel::new(id.get())),
            })
            .collect();
    }

    pub(super) fn keep_alive_s(&self) -> u64 {
        self.events.mqtt_options.keep_alive().as_secs()
    }
}

impl Sender {
    pub(super) fn publish(&self, publish: &Publish) -> Result<(), Full> {
        self.0
            .try_publish(&*publish.topic, to_qos(publish.qos), publish.retain, publish.payload.to_vec())
            .map_err(|_| Full)
    }

    #[expect(clippy::unused_self, reason = "the size depends on the version that the sender speaks")]
    pub(super) fn packet_bytes(&self, publish: &Publish) -> usize {
        let mut wire = to_wire(publish);
        wire.pkid = 1;
        wire.size()
    }

    pub(super) fn acknowledge(&self, id: PacketId, qos: QoS) -> Result<(), Full> {
        let mut publish = Wire::new("", to_qos(qos), Vec::new());
        publish.pkid = id.get();
        self.0.try_ack(&publish).map_err(|_| Full)
    }

    pub(super) fn subscribe(&self, wanted: &[Wanted]) -> Result<(), Full> {
        let filters =
            wanted.iter().map(|wanted| SubscribeFilter::new(wanted.filter.clone(), to_qos(wanted.qos)));
        self.0.try_subscribe_many(filters).map_err(|_| Full)
    }

    pub(super) fn disconnect(&self) -> Result<(), Full> {
        self.0.try_disconnect().map_err(|_| Full)
    }
}

fn understand(event: rumqttc::Event) -> Event {
    let with_id = |id: u16, event: fn(PacketId) -> Event| PacketId::new(id).map_or(Event::Other, event);
    let taken = |id| Event::Answered(id, Reason::SUCCESS);
    match event {
        rumqttc::Event::Incoming(packet) => match packet {
            Incoming::ConnAck(connack) => Event::Connected(Connected {
                session_present: connack.session_present,
                receive_max: u16::MAX,
                packet_bytes_max: OUTGOING_BYTES_MAX,
            }),
            Incoming::Publish(publish) => Event::Message(from_wire(publish)),
            Incoming::PubAck(ack) => with_id(ack.pkid, taken),
            Incoming::PubRec(ack) => with_id(ack.pkid, Event::Received),
            Incoming::PubComp(ack) => with_id(ack.pkid, taken),
            Incoming::PubRel(ack) => with_id(ack.pkid, Event::Released),
            Incoming::SubAck(ack) => {
                Event::Subscribed(ack.return_codes.into_iter().map(suback_reason).collect())
            }
            _ => Event::Other,
        },
        rumqttc::Event::Outgoing(Outgoing::Publish(id)) => Event::Sent(PacketId::new(id)),
        rumqttc::Event::Outgoing(Outgoing::Disconnect) => Event::Gone,
        rumqttc::Event::Outgoing(_) => Event::Other,
    }
}

fn to_wire(publish: &Publish) -> Wire {
    let mut wire = Wire::from_bytes(&*publish.topic, to_qos(publish.qos), publish.payload.clone());
    wire.dup = publish.dup;
    wire.retain = publish.retain;
    wire.pkid = publish.packet_id.map_or(0, PacketId::get);
    wire
}

fn from_wire(wire: Wire) -> Publish {
    Publish {
        dup: wire.dup,
        qos: from_qos(wire.qos),
        retain: wire.retain,
        topic: wire.topic.into(),
        packet_id: PacketId::new(wire.pkid),
        payload: wire.payload,
        ..Publish::default()
    }
}

const fn to_qos(qos: QoS) -> WireQoS {
    match qos {
        QoS::AtMostOnce => WireQoS::AtMostOnce,
        QoS::AtLeastOnce => WireQoS::AtLeastOnce,
        QoS::ExactlyOnce => WireQoS::ExactlyOnce,
    }
}

const fn from_qos(qos: WireQoS) -> QoS {
    match qos {
        WireQoS::AtMostOnce => QoS::AtMostOnce,
        WireQoS::AtLeastOnce => QoS::AtLeastOnce,
        WireQoS::ExactlyOnce => QoS::ExactlyOnce,
    }
}

fn suback_reason(reason: SubscribeReasonCode) -> Reason {
    match reason {
        SubscribeReasonCode::Success(qos) => Reason::from(from_qos(qos)),
        SubscribeReasonCode::Failure => Reason::UNSPECIFIED_ERROR,
    }
}

fn explain(error: ConnectionError, address: &str) -> LinkError {
    match error {
        ConnectionError::Io(error) => LinkError::io(&error, address),
        ConnectionError::Tls(error) => LinkError::tls(&error, address),
        ConnectionError::ConnectionRefused(code) => LinkError::refused(&format!("{code:?}")),
        ConnectionError::MqttState(error) => match error {
            StateError::Io(error) | StateError::Deserialization(rumqttc::mqttbytes::Error::Io(error)) => {
                LinkError::io(&error, address)
            }
            StateError::AwaitPingResp => LinkError::NoPing,
            StateError::ConnectionAborted => LinkError::Closed,
            other => LinkError::Protocol(other.to_string()),
        },
        ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => LinkError::NoPing,
        other => LinkError::Protocol(other.to_string()),
    }
}
