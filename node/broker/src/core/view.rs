//! What a person may see of the broker: clients, sessions, queues, retained messages, `$SYS`.

use super::Core;
use crate::{
    local::is_own,
    message::Message,
    packet::{MessageProperties, Packet, Publish, QoS},
    session::{FOR_EVER_S, Session},
    topic::Filter,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The broker in numbers. Counts of messages are since the start of the node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MqttBroker)]
pub struct Overview {
    /// Clients that are there, without the node's own parts.
    pub clients: usize,
    /// Sessions, of clients that are there and of clients that are not.
    pub sessions: usize,
    /// Subscriptions of all sessions.
    pub subscriptions: usize,
    /// Retained messages.
    pub retained_messages: usize,
    /// Bytes of the retained messages.
    pub retained_bytes: usize,
    /// QoS 1 and 2 messages in all queues.
    pub queued_messages: usize,
    /// Bytes in the queues of sessions that are kept.
    pub queued_bytes: usize,
    /// Messages that came.
    pub published: u64,
    /// Messages that were sent to clients.
    pub delivered: u64,
    /// Messages that found a queue full.
    pub dropped_queue_full: u64,
    /// Messages that were of no more use when their turn came.
    pub dropped_expired: u64,
    /// Messages that were too long for their receiver.
    pub dropped_too_large: u64,
    /// Wills that were published.
    pub wills: u64,
    /// Sessions that ended because their client stayed away.
    pub sessions_expired: u64,
    /// The last record of the journal that the broker has applied.
    pub applied_seq: u64,
}

/// A session, and its client when that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MqttClient)]
pub struct SessionView {
    /// The client's identifier.
    pub client: String,
    /// The device that it proved to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub device: Option<String>,
    /// True while the client is there.
    pub connected: bool,
    /// How long the session outlives its connection, in seconds; absent for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expiry_s: Option<u32>,
    /// What it subscribed to.
    pub subscriptions: Vec<SubscriptionView>,
    /// QoS 1 and 2 messages that it has not acknowledged.
    pub queued_messages: usize,
    /// Their bytes.
    pub queued_bytes: usize,
    /// Of those, sent and not acknowledged.
    pub in_flight: usize,
    /// It has a will.
    pub will: bool,
    /// How it is connected; absent while it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub connection: Option<ClientView>,
}

/// What a client subscribed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MqttSubscription)]
pub struct SubscriptionView {
    /// Which topics.
    pub filter: String,
    /// How surely at most.
    #[schema(maximum = 2)]
    pub qos: u8,
}

/// How a client is connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MqttConnection)]
pub struct ClientView {
    /// Where it comes from.
    pub peer: String,
    /// By which transport.
    pub transport: String,
    /// Which protocol version it speaks.
    pub version: String,
    /// For how long it has been there, in seconds.
    pub connected_s: u64,
}

/// A retained message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MqttRetained)]
pub struct RetainedView {
    /// Where.
    pub topic: String,
    /// Bytes of its payload.
    pub payload_bytes: usize,
    /// The payload, when it is text; its beginning, when that is long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text: Option<String>,
    /// How surely it was published.
    #[schema(maximum = 2)]
    pub qos: u8,
    /// How long it is still of use, in seconds; absent for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub remaining_s: Option<u32>,
    /// How long ago it came, in seconds.
    pub age_s: u64,
}

const TEXT_BYTES_MAX: usize = 256;

impl Core {
    pub(crate) fn overview(&self) -> Overview {
        let counts = self.counts;
        let own = self.store.sessions.values().filter(|session| is_own(&session.client));
        let (mut own_sessions, mut own_clients) = (0, 0);
        for session in own {
            own_sessions += 1;
            own_clients += usize::from(self.linked.contains_key(&session.key));
        }
        Overview {
            clients: self.linked.len().saturating_sub(own_clients),
            sessions: self.store.sessions.len().saturating_sub(own_sessions),
            subscriptions: self.store.subscriptions(),
            retained_messages: self.store.retained.len(),
            retained_bytes: self.store.retained_bytes,
            queued_messages: self.store.sessions.values().map(|session| session.queue.len()).sum(),
            queued_bytes: self.store.queued_bytes,
            published: counts.published,
            delivered: counts.delivered,
            dropped_queue_full: counts.dropped_queue,
            dropped_expired: counts.dropped_expired,
            dropped_too_large: counts.dropped_too_large,
            wills: counts.wills,
            sessions_expired: counts.sessions_expired,
            applied_seq: self.store.applied,
        }
    }

    /// Sessions by client identifier, from `after` on, at most `count`.
    pub(crate) fn sessions(&self, after: &str, count: usize) -> Vec<SessionView> {
        let mut sessions: Vec<&Session> =
            self.store.sessions.values().filter(|session| is_after(session, after)).collect();
        sessions.sort_unstable_by(|a, b| a.client.cmp(&b.client));
        sessions.truncate(count);
        sessions.into_iter().map(|session| self.session_view(session)).collect()
    }

    fn session_view(&self, session: &Session) -> SessionView {
        let link = self.linked.get(&session.key).and_then(|conn| self.links.get(conn));
        SessionView {
            client: session.client.to_string(),
            device: session.device.as_ref().map(ToString::to_string),
            connected: session.connected,
            expiry_s: (session.expiry_s != FOR_EVER_S).then_some(session.expiry_s),
            subscriptions: session
                .subscriptions
                .iter()
                .map(|(filter, subscription)| SubscriptionView {
                    filter: filter.text().to_owned(),
                    qos: subscription.options.qos as u8,
                })
                .collect(),
            queued_messages: session.queue.len(),
            queued_bytes: session.queue_bytes,
            in_flight: link.map_or(0, |link| link.in_flight),
            will: session.will.is_some(),
            connection: None,
        }
    }

    /// Retained messages under a filter, after a topic, at most `count`.
    pub(crate) fn retained(
        &self,
        filter: &Filter,
        after: &str,
        count: usize,
        now_ms: u64,
    ) -> Vec<RetainedView> {
        let mut found: Vec<Arc<Message>> = Vec::new();
        self.store.retained.for_each_match(filter, &mut |topic, (_, message)| {
            if topic > after && !message.expired(now_ms) {
                found.push(message.clone());
            }
        });
        found.sort_unstable_by(|a, b| a.topic.cmp(&b.topic));
        found.truncate(count);
        found.iter().map(|message| retained_view(message, now_ms)).collect()
    }

    /// Publishes a value of the broker itself, to those who are there and to those who subscribe later.
    pub(crate) fn publish_sys(&mut self, topic: &str, value: String, now_ms: u64) {
        let message = Arc::new(Message {
            topic: topic.into(),
            payload: value.into(),
            qos: QoS::AtMostOnce,
            retain: false,
            properties: MessageProperties::default(),
            received_ms: now_ms,
        });
        self.sys.insert(topic, message.clone());
        let op = crate::op::Op::Published { client: "".into(), message, packet_id: None, will: false };
        self.apply(&op, None, now_ms);
        self.counts.published = self.counts.published.saturating_sub(1);
    }

    /// What is known of `$SYS`, to one who has just subscribed.
    pub(super) fn send_sys(&mut self, client: &str, filter: &Filter, id: Option<u32>) {
        if !filter.pattern().starts_with("$SYS") {
            return;
        }
        let Some(conn) = self.store.by_client.get(client).and_then(|key| self.linked.get(key)).copied()
        else {
            return;
        };
        let mut found = Vec::new();
        self.sys.for_each_match(filter, &mut |_, message| found.push(message.clone()));
        for message in found {
            let publish = Publish {
                retain: true,
                topic: message.topic.clone(),
                payload: message.payload.clone(),
                subscription_ids: id.into_iter().collect(),
                ..Publish::default()
            };
            self.send(conn, Packet::Publish(Box::new(publish)));
        }
    }
}

/// A session to list: behind another one, and no part of the node itself.
fn is_after(session: &Session, after: &str) -> bool {
    &*session.client > after && !is_own(&session.client)
}

fn retained_view(message: &Message, now_ms: u64) -> RetainedView {
    let text = std::str::from_utf8(&message.payload).ok().map(|text| {
        let mut text = text.to_owned();
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text
    });
    RetainedView {
        topic: message.topic.to_string(),
        payload_bytes: message.payload.len(),
        text,
        qos: message.qos as u8,
        remaining_s: message.remaining_s(now_ms),
        age_s: now_ms.saturating_sub(message.received_ms) / 1000,
    }
}
