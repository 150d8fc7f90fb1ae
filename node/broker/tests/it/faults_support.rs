//! A broker in this process over a disk in memory, and clients of it.

use crate::{packet::plain_connect, transport_support::Data};
use aisle_broker::{
    Broker, Config, Limits, Running,
    access::{Anonymous, Rights},
    local::{LocalClient, LocalOptions, LocalReceiver, Publication},
    packet::{Codec, Connect, Packet, PacketId, Publish, QoS, Reason, SubscribeOptions, Version},
};
use aisle_journal::{Journal, fault::FaultIo};
use bytes::BytesMut;
use bytestring::ByteString;
use prometheus_client::registry::Registry;
use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};

/// Longer than anything takes here.
pub const SOON: Duration = Duration::from_secs(10);
/// Long enough to see that something does not happen.
pub const A_WHILE: Duration = Duration::from_millis(150);

pub struct Store {
    pub disk: FaultIo,
    pub broker: Broker,
    pub journal: Journal,
    /// Checkpoints and credentials; the journal is on `disk`.
    data: Data,
    pub address: SocketAddr,
    listening: JoinHandle<()>,
    running: Running,
}

impl Store {
    pub fn start() -> Self {
        Self::bounded(Limits { packet_bytes_max: 64 << 10, ..Limits::default() })
    }

    pub fn bounded(limits: Limits) -> Self {
        Self::configured(Data::new(), unlocked(limits))
    }

    /// With one way to it.
    pub fn configured(data: Data, config: Config) -> Self {
        Self::on(FaultIo::new(7), data, config)
    }

    fn on(disk: FaultIo, data: Data, config: Config) -> Self {
        // The journal's clock is the machine's, and so is the broker's.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        disk.set_clock_ms(now.as_millis() as u64);
        let mut registry = Registry::default();
        // Small segments, so that room for the next one is asked for often.
        let kept = aisle_journal::Config { segment_bytes: 1, ..aisle_journal::Config::default() };
        let record_bytes_max = kept.record_bytes_max;
        let (journal, _) =
            Journal::open(Path::new("/aisle/journal"), kept, disk.io(), &mut registry).unwrap();
        let (broker, _) =
            Broker::open(data.path(), "store-1", config, record_bytes_max, journal.clone(), &mut registry)
                .unwrap();
        let running = broker.start();
        let listeners = broker.bind(data.path(), &mut registry).unwrap();
        let address = listeners.addresses()[0].1;
        let listening = tokio::spawn(listeners.run(broker.door()));
        Self { disk, broker, journal, data, address, listening, running }
    }

    /// The power goes, and comes back. Nothing is said to anybody in between.
    pub fn power_cut(self, unsynced: aisle_journal::fault::Unsynced) -> Self {
        let (disk, limits) = (self.disk.crash_with(unsynced), self.broker.limits());
        self.listening.abort();
        drop(self.running);
        Self::on(disk, self.data, unlocked(limits))
    }

    pub async fn local(&self, name: &str, kept: bool) -> (LocalClient, LocalReceiver) {
        let options = LocalOptions {
            client_id: name.into(),
            session: kept.then_some(Duration::from_secs(3_600)),
            rights: Rights::all(),
            queue_max: 100,
        };
        timeout(SOON, self.broker.local(options)).await.unwrap().unwrap()
    }

    /// What waits in a client's session.
    pub fn queued(&self, name: &str) -> usize {
        let sessions = self.broker.sessions("", 100);
        sessions.iter().find(|session| session.client == name).map_or(0, |session| session.queued_messages)
    }

    pub fn is_connected(&self, name: &str) -> bool {
        self.broker.sessions("", 100).iter().any(|session| session.client == name && session.connected)
    }
}

/// Where whoever comes may do anything.
fn unlocked(limits: Limits) -> Config {
    let all = vec!["#".to_owned()];
    Config {
        tls_listen: "off".into(),
        tcp_listen: "127.0.0.1:0".into(),
        anonymous: Some(Anonymous { publish: all.clone(), subscribe: all }),
        sys_interval_s: 0,
        limits,
        ..Config::default()
    }
}

pub fn message(topic: &str, payload: &str, qos: QoS) -> Publication {
    Publication { topic: topic.into(), payload: payload.to_owned().into(), qos, ..Publication::default() }
}

pub fn retained(topic: &str, payload: &str) -> Publication {
    Publication { retain: true, ..message(topic, payload, QoS::AtLeastOnce) }
}

pub fn surely(qos: QoS) -> SubscribeOptions {
    SubscribeOptions { qos, ..SubscribeOptions::default() }
}

/// The next message, acknowledged: its payload.
pub async fn next(receiver: &mut LocalReceiver) -> String {
    let delivery = timeout(SOON, receiver.recv()).await.expect("a message").expect("to be there");
    let payload = String::from_utf8(delivery.publish.payload.to_vec()).unwrap();
    delivery.ack();
    payload
}

/// Until something is so.
pub async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waited = timeout(SOON, async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "in vain: {what}");
}

/// The CONNECT of a client that keeps no session and shows nothing.
pub fn greeting(version: Version, name: &str) -> Connect {
    Connect { client_id: name.into(), keep_alive_s: 60, receive_max: 100, ..plain_connect(version) }
}

/// A client over a socket that says what it is told to say.
pub struct Raw<S = TcpStream> {
    stream: S,
    codec: Codec,
    input: BytesMut,
}

impl Raw {
    pub async fn connect(store: &Store, name: &str, version: Version, kept: bool) -> Self {
        let mut raw = Self::reach(store, name, version, kept).await;
        let reason = raw.answer().await;
        assert!(!reason.is_error(), "{reason:?}");
        raw
    }

    /// Sends CONNECT, and waits for nothing.
    pub async fn reach(store: &Store, name: &str, version: Version, kept: bool) -> Self {
        let stream = TcpStream::connect(store.address).await.unwrap();
        let session_expiry_s = if kept { 3_600 } else { 0 };
        let connect = Connect { clean_start: !kept, session_expiry_s, ..greeting(version, name) };
        Self::over(stream, connect).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    /// Sends CONNECT, and waits for nothing.
    pub async fn over(stream: S, connect: Connect) -> Self {
        let codec = Codec::client(connect.version, 1 << 20);
        let mut raw = Self { stream, codec, input: BytesMut::new() };
        raw.say(Packet::Connect(Box::new(connect))).await;
        raw
    }

    /// What CONNECT is answered with.
    pub async fn answer(&mut self) -> Reason {
        match self.hear().await {
            Some(Packet::Connack(connack)) => connack.reason,
            other => panic!("{other:?}"),
        }
    }

    pub async fn say(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        self.codec.encode(&packet, &mut bytes).unwrap();
        self.stream.write_all(&bytes).await.unwrap();
    }

    pub async fn publish(&mut self, topic: &str, payload: &str, qos: QoS, packet_id: u16) {
        self.say(Packet::Publish(Box::new(Publish {
            qos,
            topic: ByteString::from(topic),
            packet_id: PacketId::new(packet_id),
            payload: payload.to_owned().into(),
            ..Publish::default()
        })))
        .await;
    }

    /// The next packet; `None` when the broker has closed the connection.
    pub async fn hear(&mut self) -> Option<Packet> {
        timeout(SOON, self.heard()).await.expect("a packet or the end")
    }

    /// True when nothing comes for a while.
    pub async fn hears_nothing(&mut self) -> bool {
        timeout(A_WHILE, self.heard()).await.is_err()
    }

    async fn heard(&mut self) -> Option<Packet> {
        loop {
            if let Some(packet) = self.codec.decode(&mut self.input).unwrap() {
                return Some(packet);
            }
            match self.stream.read_buf(&mut self.input).await {
                Ok(count) if count > 0 => {}
                _ => return None,
            }
        }
    }
}
