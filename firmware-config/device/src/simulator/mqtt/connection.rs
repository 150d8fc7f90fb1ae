//! One connection, from CONNECT to its end.
//!
//! Guards: the number of publishes in flight and the size of what is taken are bounded; a broker that is silent for longer than the
//! keep alive is given up.

use super::{super::count::Counts, Credentials, Delivery, Incoming, Outgoing, Port, Session, socket::Socket};
use rust_mqtt::{
    buffer::AllocBuffer,
    client::{
        Client, MqttError,
        event::{Event, Publish},
        options::{ConnectOptions, PublicationOptions, SubscriptionOptions, TopicReference, WillOptions},
    },
    config::KeepAlive,
    types::{MqttBinary, MqttString, PacketIdentifier, TopicFilter, TopicName},
};
use std::{num::NonZero, time::Duration};
use tokio::{
    net::TcpStream,
    sync::oneshot,
    time::{Instant, sleep_until, timeout},
};

/// Connecting may take so long, from the first packet to the last subscription; so may one packet.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Subscriptions whose acknowledgement is awaited at a time.
const SUBSCRIBING_MAX: usize = 4;
/// Messages that the broker may have on their way to a device at a time.
const RECEIVING_MAX: usize = 4;
/// Publishes of a device that await their acknowledgement at a time.
const SENDING_MAX: usize = 4;
/// A message to a device that is larger ends the connection.
const PACKET_BYTES_MAX: NonZero<u32> = NonZero::new(4096).expect("is not 0");

type Mqtt<'c> =
    Client<'static, 'c, Socket, AllocBuffer, SUBSCRIBING_MAX, RECEIVING_MAX, SENDING_MAX, 0, 1, 0, 0>;
type InFlight = heapless::Vec<(PacketIdentifier, oneshot::Sender<Delivery>), SENDING_MAX>;

/// A connection that stands, with all subscriptions asked for.
pub(super) struct Connection<'c> {
    client: Mqtt<'c>,
    keep_alive: Duration,
}

/// What the client takes its buffers from: the heap, one packet at a time, bounded by the size of a packet.
pub(super) const fn buffers() -> AllocBuffer {
    AllocBuffer
}

/// Connects and subscribes; nothing when that does not work.
pub(super) async fn open<'c>(
    to: &Credentials,
    session: &Session,
    buffers: &'c mut AllocBuffer,
) -> Option<Connection<'c>> {
    let mut client = Mqtt::new(buffers);
    timeout(CONNECT_TIMEOUT, connect(&mut client, to, session)).await.ok()??;
    Some(Connection { client, keep_alive: Duration::from_secs(u64::from(to.keep_alive_s.get())) })
}

async fn connect(client: &mut Mqtt<'_>, to: &Credentials, session: &Session) -> Option<()> {
    let stream = TcpStream::connect((&*to.host, to.port)).await.ok()?;
    let mut options = ConnectOptions::new()
        .clean_start()
        .keep_alive(KeepAlive::Seconds(to.keep_alive_s))
        .maximum_packet_size(PACKET_BYTES_MAX);
    if let Some(user) = &to.user {
        options = options.user_name(MqttString::try_from(user.as_str()).ok()?);
    }
    if let Some(password) = &to.password {
        options = options.password(MqttBinary::try_from(password.as_str()).ok()?);
    }
    let (topic, payload) = &session.will;
    let topic = TopicName::new(MqttString::try_from(topic.as_str()).ok()?)?;
    let will =
        WillOptions::new(topic, MqttBinary::try_from(payload.as_slice()).ok()?).at_least_once().retain();
    options = options.will(will);
    let id = MqttString::try_from(session.client_id.as_str()).ok()?;
    client.connect(Socket::new(stream), &options, Some(id)).await.ok()?;
    for filter in &session.filters {
        let filter = TopicFilter::new(MqttString::try_from(filter.as_str()).ok()?)?;
        client.subscribe(filter, &SubscriptionOptions::new().at_least_once()).await.ok()?;
    }
    Some(())
}

impl Connection<'_> {
    /// Carries messages to and fro until something goes wrong.
    pub(super) async fn serve(&mut self, port: &Port, counts: &Counts) {
        let client = &mut self.client;
        let quiet = self.keep_alive / 2;
        let mut in_flight = InFlight::new();
        let mut ping_at = Instant::now() + quiet;
        let mut pinged = false;
        loop {
            let more = in_flight.len() < SENDING_MAX;
            let step = tokio::select! {
                header = client.poll_header() => Step::Read(header.ok()),
                message = port.outgoing.receive(), if more => Step::Send(message),
                () = sleep_until(ping_at) => Step::Ping,
            };
            let went_well = match step {
                Step::Read(None) => false,
                Step::Read(Some(header)) => {
                    // A broker that begins a packet and does not end it is gone.
                    match timeout(CONNECT_TIMEOUT, client.poll_body(header)).await {
                        Ok(Ok(event)) => {
                            pinged = false;
                            take(event, &mut in_flight, port, counts);
                            true
                        }
                        Ok(Err(_)) | Err(_) => false,
                    }
                }
                Step::Send(message) => {
                    ping_at = Instant::now() + quiet;
                    send(client, message, &mut in_flight, counts).await
                }
                Step::Ping if pinged => false,
                Step::Ping => {
                    ping_at = Instant::now() + quiet;
                    pinged = true;
                    client.ping().await.is_ok()
                }
            };
            if !went_well {
                return;
            }
        }
    }
}

enum Step<H> {
    Read(Option<H>),
    Send(Outgoing),
    Ping,
}

async fn send(client: &mut Mqtt<'_>, message: Outgoing, in_flight: &mut InFlight, counts: &Counts) -> bool {
    let Some(topic) = MqttString::try_from(message.topic.as_str()).ok().and_then(TopicName::new) else {
        counts.refused();
        let _ = message.done.send(Delivery::Refused);
        return true;
    };
    let mut options = PublicationOptions::new(TopicReference::Name(topic)).at_least_once();
    options.retain = message.retain;
    match client.publish(&options, message.payload.as_slice().into()).await {
        Ok(Some(id)) => {
            counts.published();
            // There is room: nothing is sent while there is none.
            drop(in_flight.push((id, message.done)));
            true
        }
        Ok(None) => true,
        // What this broker can never take must not be tried for ever.
        Err(
            MqttError::ServerMaximumPacketSizeExceeded
            | MqttError::PacketMaximumLengthExceeded
            | MqttError::UnsupportedByServer,
        ) => {
            counts.refused();
            let _ = message.done.send(Delivery::Refused);
            true
        }
        Err(_) => false,
    }
}

fn take(event: Event<'_, 0, 1>, in_flight: &mut InFlight, port: &Port, counts: &Counts) {
    match event {
        Event::Publish(publish) => deliver(&publish, port, counts),
        Event::PublishAcknowledged(puback) => {
            settle(puback.packet_identifier, Delivery::Acknowledged, in_flight);
            counts.acknowledged();
        }
        Event::PublishRejected(rejected) => {
            settle(rejected.packet_identifier, Delivery::Refused, in_flight);
            counts.refused();
        }
        _ => {}
    }
}

fn settle(id: PacketIdentifier, how: Delivery, in_flight: &mut InFlight) {
    let Some(place) = in_flight.iter().position(|(waiting, _)| *waiting == id) else { return };
    let (_, done) = in_flight.swap_remove(place);
    // Whoever does not wait any more needs no answer.
    let _ = done.send(how);
}

fn deliver(publish: &Publish<'_, 0, 1>, port: &Port, counts: &Counts) {
    let Some(topic) = publish.topic.name() else { return };
    let topic: &MqttString<'_> = topic.as_ref();
    let message = Incoming { topic: topic.as_str().to_owned(), payload: publish.message.as_bytes().to_vec() };
    counts.received();
    if port.incoming.try_send(message).is_err() {
        counts.dropped();
    }
}
