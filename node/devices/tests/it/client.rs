//! A client at the other broker: MQTT 5 by `rumqttc`, reconnecting as long as the test runs.

use crate::store::Seen;
use aisle_broker::packet::{MessageProperties, MessagePropertyValues, Publish, QoS};
use rumqttc::v5::{
    AsyncClient, Event, Incoming, MqttOptions,
    mqttbytes::{
        self,
        v5::{Filter, PublishProperties},
    },
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

pub struct Client {
    client: AsyncClient,
    pub seen: Seen,
    answered: Arc<AtomicUsize>,
}

impl Client {
    pub async fn connect(port: u16, id: &str) -> Self {
        Self::with(port, id, |_| {}).await
    }

    pub async fn with(port: u16, id: &str, more: impl FnOnce(&mut MqttOptions)) -> Self {
        let mut options = MqttOptions::new(id, "127.0.0.1", port);
        options
            .set_clean_start(false)
            .set_session_expiry_interval(Some(3600))
            .set_max_packet_size(Some(100 << 20));
        more(&mut options);
        let (client, mut events) = AsyncClient::new(options, 10_000);
        let this = Self { client, seen: Seen::default(), answered: Arc::default() };
        let (seen, answered) = (this.seen.clone(), Arc::clone(&this.answered));
        let (connected, first) = tokio::sync::oneshot::channel();
        let mut connected = Some(connected);
        tokio::spawn(async move {
            loop {
                match events.poll().await {
                    Ok(Event::Incoming(Incoming::ConnAck(_))) => drop(connected.take().map(|it| it.send(()))),
                    Ok(Event::Incoming(Incoming::Publish(publish))) => {
                        seen.0.lock().unwrap().push(convert(publish));
                    }
                    Ok(Event::Incoming(Incoming::PubAck(_) | Incoming::PubComp(_) | Incoming::SubAck(_))) => {
                        answered.fetch_add(1, Ordering::SeqCst);
                    }
                    Ok(_) => {}
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        });
        first.await.expect("connected");
        this
    }

    pub async fn watching(port: u16, id: &str, filter: &str) -> Self {
        let this = Self::connect(port, id).await;
        this.subscribe(filter).await;
        this
    }

    pub async fn subscribe(&self, filter: &str) {
        let mut filter = Filter::new(filter, mqttbytes::QoS::ExactlyOnce);
        filter.preserve_retain = true;
        let before = self.answered();
        self.client.subscribe_many([filter]).await.expect("queued");
        crate::eventually(|| self.answered(), |&now| now > before).await;
    }

    pub async fn publish(&self, topic: &str, payload: &str, qos: u8) {
        self.publish_with(topic, payload, qos, false, PublishProperties::default()).await;
    }

    /// Returns when it is queued in this client, not when it is answered.
    pub async fn publish_with(
        &self,
        topic: &str,
        payload: &str,
        qos: u8,
        retain: bool,
        properties: PublishProperties,
    ) {
        let qos = mqttbytes::qos(qos).expect("a QoS");
        let payload = payload.to_owned();
        self.client.publish_with_properties(topic, qos, retain, payload, properties).await.expect("queued");
    }

    pub fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }
}

fn convert(wire: mqttbytes::v5::Publish) -> Publish {
    let values = wire.properties.map(|it| {
        Box::new(MessagePropertyValues {
            is_text: it.payload_format_indicator == Some(1),
            expiry_s: it.message_expiry_interval,
            content_type: it.content_type.map(Into::into),
            response_topic: it.response_topic.map(Into::into),
            correlation_data: it.correlation_data,
            user: it.user_properties.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        })
    });
    Publish {
        dup: wire.dup,
        qos: QoS::from_u8(wire.qos as u8).expect("a QoS"),
        retain: wire.retain,
        topic: wire.topic.try_into().expect("text"),
        payload: wire.payload,
        properties: MessageProperties(values),
        ..Publish::default()
    }
}
