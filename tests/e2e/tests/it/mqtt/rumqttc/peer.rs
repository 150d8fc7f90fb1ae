//! A rumqttc client of either version that runs by itself and tells what came.

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS, TlsConfiguration, Transport, v5};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
    time::{sleep, timeout},
};

const PATIENCE: Duration = Duration::from_secs(10);
const QUIET: Duration = Duration::from_millis(300);
const BEFORE_ANOTHER_TRY: Duration = Duration::from_millis(50);
/// Requests that wait for the connection.
const REQUESTS_MAX: usize = 1_000;

/// A protocol version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V311,
    V5,
}

/// How a peer connects.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) version: Version,
    pub(super) name: String,
    /// The session outlives the connection.
    pub(super) lasts: bool,
    /// Messages are acknowledged by hand.
    pub(super) by_hand: bool,
    /// The certificates that are trusted, in PEM; without them, no TLS.
    pub(super) ca: Option<Vec<u8>>,
}

impl Settings {
    pub(super) fn clean(version: Version, name: &str) -> Self {
        Self { version, name: format!("{name}-{version:?}"), lasts: false, by_hand: false, ca: None }
    }

    pub(super) fn lasting(version: Version, name: &str) -> Self {
        Self { lasts: true, ..Self::clean(version, name) }
    }
}

/// A message, with what acknowledges it.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) payload: String,
    pub(super) qos: u8,
    pub(super) dup: bool,
    packet: Publish,
}

#[derive(Debug)]
enum Publish {
    V311(rumqttc::Publish),
    V5(v5::mqttbytes::v5::Publish),
}

#[derive(Debug)]
enum Came {
    In { resumed: bool },
    Subscribed,
    Taken,
    Message(Box<Message>),
}

enum Client {
    V311(AsyncClient),
    V5(v5::AsyncClient),
}

/// A client that polls, and reconnects, by itself until it is dropped.
pub(super) struct Peer {
    /// Whether the session of before went on, at the first connection.
    pub(super) resumed: bool,
    client: Client,
    came: UnboundedReceiver<Came>,
    messages: Vec<Message>,
    taken: usize,
    polling: JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.polling.abort();
    }
}

impl Peer {
    /// Connects.
    pub(super) async fn connect(address: SocketAddr, settings: Settings) -> Self {
        let (sender, came) = unbounded_channel();
        let transport = settings.ca.clone().map_or_else(Transport::tcp, |ca| {
            // No other client of this process has chosen one, or it has chosen the same.
            drop(rustls::crypto::ring::default_provider().install_default());
            Transport::tls_with_config(TlsConfiguration::Simple { ca, alpn: None, client_auth: None })
        });
        let (host, port) = (address.ip().to_string(), address.port());
        let (client, polling) = match settings.version {
            Version::V311 => {
                let mut options = MqttOptions::new(settings.name, host, port);
                options.set_clean_session(!settings.lasts).set_manual_acks(settings.by_hand);
                options.set_transport(transport);
                let (client, events) = AsyncClient::new(options, REQUESTS_MAX);
                (Client::V311(client), tokio::spawn(poll(events, sender)))
            }
            Version::V5 => {
                let mut options = v5::MqttOptions::new(settings.name, host, port);
                options.set_clean_start(!settings.lasts).set_manual_acks(settings.by_hand);
                options.set_session_expiry_interval(settings.lasts.then_some(600));
                options.set_transport(transport);
                let (client, events) = v5::AsyncClient::new(options, REQUESTS_MAX);
                (Client::V5(client), tokio::spawn(poll_v5(events, sender)))
            }
        };
        let mut peer = Self { resumed: false, client, came, messages: Vec::new(), taken: 0, polling };
        peer.resumed = peer.next(|came| matches!(came, Came::In { resumed: true })).await;
        peer
    }

    /// Subscribes and waits for the answer.
    pub(super) async fn subscribe(&mut self, filter: &str, qos: u8) {
        match &self.client {
            Client::V311(client) => client.subscribe(filter, level(qos)).await.expect("it runs"),
            Client::V5(client) => client.subscribe(filter, level_v5(qos)).await.expect("it runs"),
        }
        while !self.next(|came| matches!(came, Came::Subscribed)).await {}
    }

    /// Publishes and waits for the last acknowledgement.
    pub(super) async fn publish(&mut self, topic: &str, payload: &str, qos: u8) {
        let taken = self.taken + usize::from(qos > 0);
        self.send(topic, payload, qos).await;
        self.until_taken(taken).await;
    }

    /// Publishes without waiting.
    pub(super) async fn send(&mut self, topic: &str, payload: &str, qos: u8) {
        match &self.client {
            Client::V311(client) => client.publish(topic, level(qos), false, payload).await.expect("it runs"),
            Client::V5(client) => {
                client.publish(topic, level_v5(qos), false, payload.to_owned()).await.expect("it runs");
            }
        }
    }

    /// Waits until so many of its messages have been acknowledged in all.
    pub(super) async fn until_taken(&mut self, count: usize) {
        while self.taken < count {
            self.next(|_| true).await;
        }
    }

    /// The next message.
    pub(super) async fn message(&mut self) -> Message {
        while self.messages.is_empty() {
            self.next(|_| true).await;
        }
        self.messages.remove(0)
    }

    /// No message for a while.
    pub(super) async fn hears_nothing(&mut self) {
        assert!(self.messages.is_empty(), "nothing was expected: {:?}", self.messages);
        if let Ok(came) = timeout(QUIET, self.came.recv()).await {
            panic!("nothing was expected: {came:?}");
        }
    }

    /// Acknowledges a message by hand.
    pub(super) async fn acknowledge(&self, message: Message) {
        match (&self.client, message.packet) {
            (Client::V311(client), Publish::V311(packet)) => client.ack(&packet).await.expect("it runs"),
            (Client::V5(client), Publish::V5(packet)) => client.ack(&packet).await.expect("it runs"),
            _ => panic!("the message came to another client"),
        }
    }

    /// Notes the next thing that comes, and says whether it is what was looked for.
    async fn next(&mut self, looked_for: impl FnOnce(&Came) -> bool) -> bool {
        let came = timeout(PATIENCE, self.came.recv()).await.expect("nothing came").expect("it polls");
        let found = looked_for(&came);
        match came {
            Came::Message(message) => self.messages.push(*message),
            Came::Taken => self.taken += 1,
            Came::In { .. } | Came::Subscribed => {}
        }
        found
    }
}

async fn poll(mut events: rumqttc::EventLoop, sender: UnboundedSender<Came>) {
    loop {
        let came = match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(connack))) => Came::In { resumed: connack.session_present },
            Ok(Event::Incoming(Packet::SubAck(_))) => Came::Subscribed,
            Ok(Event::Incoming(Packet::PubAck(_) | Packet::PubComp(_))) => Came::Taken,
            Ok(Event::Incoming(Packet::Publish(publish))) => Came::Message(Box::new(Message {
                payload: String::from_utf8_lossy(&publish.payload).into_owned(),
                qos: publish.qos as u8,
                dup: publish.dup,
                packet: Publish::V311(publish),
            })),
            Ok(_) => continue,
            Err(_) => {
                sleep(BEFORE_ANOTHER_TRY).await;
                continue;
            }
        };
        // The test may be over.
        drop(sender.send(came));
    }
}

async fn poll_v5(mut events: v5::EventLoop, sender: UnboundedSender<Came>) {
    use v5::mqttbytes::v5::Packet;
    loop {
        let came = match events.poll().await {
            Ok(v5::Event::Incoming(Packet::ConnAck(connack))) => {
                Came::In { resumed: connack.session_present }
            }
            Ok(v5::Event::Incoming(Packet::SubAck(_))) => Came::Subscribed,
            Ok(v5::Event::Incoming(Packet::PubAck(_) | Packet::PubComp(_))) => Came::Taken,
            Ok(v5::Event::Incoming(Packet::Publish(publish))) => Came::Message(Box::new(Message {
                payload: String::from_utf8_lossy(&publish.payload).into_owned(),
                qos: publish.qos as u8,
                dup: publish.dup,
                packet: Publish::V5(publish),
            })),
            Ok(_) => continue,
            Err(_) => {
                sleep(BEFORE_ANOTHER_TRY).await;
                continue;
            }
        };
        // The test may be over.
        drop(sender.send(came));
    }
}

fn level(qos: u8) -> QoS {
    rumqttc::qos(qos).expect("0, 1 or 2")
}

fn level_v5(qos: u8) -> v5::mqttbytes::QoS {
    v5::mqttbytes::qos(qos).expect("0, 1 or 2")
}
