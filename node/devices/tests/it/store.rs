//! The node's own broker, as the bridge's other neighbours see it.

use aisle_broker::{
    access::Rights,
    packet::{MessageProperties, Publish, QoS, RetainHandling, SubscribeOptions},
};
use aisle_devices::stand_in::{
    Broker,
    local::{LocalClient, LocalOptions, Publication},
};
use std::sync::{Arc, Mutex};

pub struct Store {
    pub broker: Broker,
    client: LocalClient,
}

impl Store {
    pub async fn open() -> Self {
        let broker = Broker::default();
        let (client, _) = broker.local(options("a-till")).await.expect("a client");
        Self { broker, client }
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
        let publication =
            Publication { topic: topic.into(), payload: payload.to_owned().into(), qos, retain, properties };
        self.client.publish(publication).await.expect("published");
    }

    /// Subscribes and keeps what comes.
    pub async fn watch(&self, filter: &str) -> Seen {
        let (client, mut receiver) =
            self.broker.local(options(&format!("watches-{filter}"))).await.expect("a client");
        let asked = SubscribeOptions {
            qos: QoS::ExactlyOnce,
            no_local: false,
            retain_as_published: true,
            retain_handling: RetainHandling::Send,
        };
        client.subscribe(filter, asked).await.expect("subscribed");
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
    LocalOptions { client_id: client_id.into(), session: None, rights: Rights::all(), queue_max: 100_000 }
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
