//! The node's own broker, as the bridge's other neighbours see it.

use aisle_broker::{
    Broker, Config, Limits, Running,
    access::Rights,
    local::{LocalClient, LocalOptions, Publication},
    packet::{MessageProperties, Publish, QoS, RetainHandling, SubscribeOptions},
};
use aisle_journal::{Journal, fault::FaultIo};
use bytes::Bytes;
use prometheus_client::registry::Registry;
use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;

const RECORD_BYTES_MAX: usize = 1 << 20;

/// A broker over a journal on a disk that fails on demand.
pub struct Store {
    pub broker: Broker,
    pub disk: FaultIo,
    pub journal: Journal,
    client: LocalClient,
    _receiver: aisle_broker::local::LocalReceiver,
    _running: Running,
    dir: TempDir,
}

impl Store {
    pub async fn open() -> Self {
        Self::with(Limits::default()).await
    }

    pub async fn with(limits: Limits) -> Self {
        Self::on(TempDir::new().expect("a directory"), FaultIo::new(7), limits).await
    }

    /// The power fails: what was not synced is lost, and the node starts again.
    pub async fn after_a_power_cut(self) -> Self {
        let Self { broker, disk, journal, client, _receiver, _running, dir } = self;
        let disk = disk.crash();
        drop((client, _receiver, _running, broker, journal));
        Self::on(dir, disk, Limits::default()).await
    }

    async fn on(dir: TempDir, disk: FaultIo, limits: Limits) -> Self {
        let mut registry = Registry::default();
        let settings = aisle_journal::Config { segment_bytes: 4 << 20, ..aisle_journal::Config::default() };
        let (journal, _) =
            Journal::open(Path::new("/journal"), settings, disk.io(), &mut registry).expect("a journal");
        let config = Config { limits, ..Config::default() };
        let (broker, _) =
            Broker::open(dir.path(), "leeds", config, RECORD_BYTES_MAX, journal.clone(), &mut registry)
                .expect("a broker");
        let running = broker.start();
        let (client, receiver) = broker.local(options("a-till")).await.expect("a client");
        Self { broker, disk, journal, client, _receiver: receiver, _running: running, dir }
    }

    pub async fn publish(&self, topic: &str, payload: &str, qos: QoS) {
        self.publish_with(topic, payload, qos, false, MessageProperties::default()).await;
    }

    pub async fn publish_with(
        &self,
        topic: &str,
        payload: &str,
        qos: QoS,
        retain: bool,
        properties: MessageProperties,
    ) {
        self.publish_bytes(topic, payload.to_owned().into(), qos, retain, properties).await;
    }

    pub async fn publish_bytes(
        &self,
        topic: &str,
        payload: Bytes,
        qos: QoS,
        retain: bool,
        properties: MessageProperties,
    ) {
        let publication = Publication { topic: topic.into(), payload, qos, retain, properties };
        self.client.publish(publication).await.expect("published");
    }

    /// Subscribes and keeps what comes.
    pub async fn watch(&self, filter: &str) -> Seen {
        self.watch_as(options(&format!("watches-{filter}")), filter).await
    }

    /// The same, with a session that outlives the node.
    pub async fn watch_for_good(&self, filter: &str) -> Seen {
        let session = Some(Duration::from_secs(3600));
        self.watch_as(LocalOptions { session, ..options(&format!("keeps-{filter}")) }, filter).await
    }

    async fn watch_as(&self, options: LocalOptions, filter: &str) -> Seen {
        let (client, mut receiver) = self.broker.local(options).await.expect("a client");
        let asked = SubscribeOptions {
            qos: QoS::ExactlyOnce,
            no_local: false,
            retain_as_published: true,
            retain_handling: RetainHandling::Send,
        };
        client.subscribe(filter, asked, None).await.expect("subscribed");
        let seen = Seen::default();
        let mine = seen.clone();
        tokio::spawn(async move {
            let _client = client;
            while let Some(delivery) = receiver.recv().await {
                mine.0.lock().unwrap().push(delivery.publish.clone());
                delivery.ack();
            }
        });
        seen
    }
}

fn options(client_id: &str) -> LocalOptions {
    LocalOptions { client_id: client_id.into(), session: None, rights: Rights::all(), queue_max: 1000 }
}

/// What a subscriber saw, on either side.
#[derive(Debug, Clone, Default)]
pub struct Seen(pub Arc<Mutex<Vec<Publish>>>);

impl Seen {
    pub fn all(&self) -> Vec<Publish> {
        self.0.lock().unwrap().clone()
    }

    /// Topic and payload of each.
    pub fn texts(&self) -> Vec<(String, String)> {
        let text = |it: Publish| (it.topic.to_string(), String::from_utf8_lossy(&it.payload).into_owned());
        self.all().into_iter().map(text).collect()
    }

    pub fn payloads(&self) -> Vec<String> {
        self.texts().into_iter().map(|(_, payload)| payload).collect()
    }
}
