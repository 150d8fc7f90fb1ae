//! What the routes answer and the commands read: one definition for both ends.
//!
//! Not here: how the broker sees itself (`aisle_broker`'s views), from which these are made.

use super::Mqtt;
use aisle_broker::{Overview, RetainedView, SessionView, packet::Publish};
use aisle_devices::bridge::BridgeStatus;
use aisle_event::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use utoipa::ToSchema;

/// The broker in numbers. Counts of messages are since the start of the node.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct MqttOverview {
    /// Where clients connect, such as `mqtts://192.168.1.10:8883`.
    pub listening: Vec<String>,
    /// What is wrong with the file of devices; what it said before is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices_problem: Option<String>,
    /// The bridges to other brokers.
    pub bridges: Vec<MqttBridge>,
    /// Clients that are there, those in the node itself too.
    pub clients: usize,
    /// Sessions, of clients that are there and of clients that are not.
    pub sessions: usize,
    /// Subscriptions of all sessions.
    pub subscriptions: usize,
    /// Retained messages.
    pub retained_messages: usize,
    /// Bytes of the retained messages.
    pub retained_bytes: usize,
    /// QoS 1 and 2 messages that wait for clients or for their acknowledgement.
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

/// How a bridge to another broker is doing. Counts are since the start of the node, times in milliseconds since 1970.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct MqttBridge {
    /// The bridge.
    pub name: String,
    /// The other broker.
    pub url: String,
    /// Messages can cross.
    pub connected: bool,
    /// Since when that is so.
    pub since_ms: u64,
    /// What went wrong last; kept after it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error_at_ms: Option<u64>,
    /// Connections that came about.
    pub connections_count: u64,
    /// Messages brought in.
    pub in_count: u64,
    /// Messages brought out.
    pub out_count: u64,
    /// Messages that did not cross and will not.
    pub refused_count: u64,
    /// Messages from the other broker that wait for the journal.
    pub in_held_count: usize,
    /// Messages that the other broker has not answered for.
    pub out_held_count: usize,
}

/// A page of sessions, by client identifier.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct MqttClients {
    /// The sessions of the page.
    pub clients: Vec<MqttClient>,
    /// There are more: ask for those `after` this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A session, and its client when that is there.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct MqttClient {
    /// The client's identifier.
    pub client: String,
    /// The device that it proved to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The client is there.
    pub connected: bool,
    /// How long the session outlives its connection, in seconds; absent for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry_s: Option<u32>,
    /// What it subscribed to.
    pub subscriptions: Vec<MqttSubscription>,
    /// QoS 1 and 2 messages that it has not acknowledged.
    pub queued_messages: usize,
    /// Their bytes.
    pub queued_bytes: usize,
    /// Of those, sent and not acknowledged.
    pub in_flight: usize,
    /// It has a will.
    pub will: bool,
    /// How it is connected; absent while it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<MqttConnection>,
}

/// What a client subscribed to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct MqttSubscription {
    /// Which topics.
    pub filter: String,
    /// How surely at most.
    #[schema(maximum = 2)]
    pub qos: u8,
}

/// How a client is connected.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct MqttConnection {
    /// Where it comes from.
    pub peer: String,
    /// By which transport.
    pub transport: String,
    /// Which version of the protocol it speaks.
    pub version: String,
    /// For how long it has been there, in seconds.
    pub connected_s: u64,
}

/// A page of retained messages, by topic.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct MqttRetainedMessages {
    /// The messages of the page.
    pub messages: Vec<MqttRetained>,
    /// There are more: ask for those `after` this topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A retained message.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct MqttRetained {
    /// Where.
    pub topic: String,
    /// Bytes of its payload.
    pub payload_bytes: usize,
    /// The payload when it is text; only its beginning when that is long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How surely it was published.
    #[schema(maximum = 2)]
    pub qos: u8,
    /// How long it is still of use, in seconds; absent for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining_s: Option<u32>,
    /// How long ago it came, in seconds.
    pub age_s: u64,
}

/// A message as it passes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct MqttMessage {
    /// When it passed, in milliseconds since 1970 by the node's clock.
    pub at_ms: i64,
    /// Where to.
    pub topic: String,
    /// How surely it was published.
    #[schema(maximum = 2)]
    pub qos: u8,
    /// It is or became the retained message of its topic.
    pub retain: bool,
    /// Bytes of its payload.
    pub payload_bytes: usize,
    /// The payload when it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The payload in hexadecimal digits when it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
}

impl MqttOverview {
    pub(super) fn of(mqtt: &Mqtt) -> Self {
        let Overview {
            clients,
            sessions,
            subscriptions,
            retained_messages,
            retained_bytes,
            queued_messages,
            queued_bytes,
            published,
            delivered,
            dropped_queue_full,
            dropped_expired,
            dropped_too_large,
            wills,
            sessions_expired,
            applied,
        } = mqtt.broker.overview();
        Self {
            listening: mqtt.addresses(),
            bridges: mqtt.bridges.iter().map(|bridge| bridge.get().into()).collect(),
            devices_problem: mqtt.broker.devices_problem().map(|problem| (*problem).clone()),
            clients,
            sessions,
            subscriptions,
            retained_messages,
            retained_bytes,
            queued_messages,
            queued_bytes,
            published,
            delivered,
            dropped_queue_full,
            dropped_expired,
            dropped_too_large,
            wills,
            sessions_expired,
            applied_seq: applied,
        }
    }
}

impl From<BridgeStatus> for MqttBridge {
    fn from(status: BridgeStatus) -> Self {
        let BridgeStatus {
            name,
            url,
            connected,
            since_ms,
            last_error,
            last_error_at_ms,
            connections_count,
            in_count,
            out_count,
            refused_count,
            in_held_count,
            out_held_count,
        } = status;
        Self {
            name,
            url,
            connected,
            since_ms,
            last_error,
            last_error_at_ms,
            connections_count,
            in_count,
            out_count,
            refused_count,
            in_held_count,
            out_held_count,
        }
    }
}

impl From<SessionView> for MqttClient {
    fn from(view: SessionView) -> Self {
        let subscription = |(filter, qos)| MqttSubscription { filter, qos };
        let connection = |client: aisle_broker::ClientView| MqttConnection {
            peer: client.peer,
            transport: client.transport.into(),
            version: client.version.into(),
            connected_s: client.connected_s,
        };
        Self {
            client: view.client,
            device: view.device,
            connected: view.connected,
            expiry_s: view.expiry_s,
            subscriptions: view.subscriptions.into_iter().map(subscription).collect(),
            queued_messages: view.queued_messages,
            queued_bytes: view.queued_bytes,
            in_flight: view.in_flight,
            will: view.will,
            connection: view.client_view.map(connection),
        }
    }
}

impl From<RetainedView> for MqttRetained {
    fn from(view: RetainedView) -> Self {
        let RetainedView { topic, payload_bytes, text, qos, remaining_s, age_s } = view;
        Self { topic, payload_bytes, text, qos, remaining_s, age_s }
    }
}

impl MqttMessage {
    pub(super) fn of(publish: &Publish, at: Timestamp) -> Self {
        let text = std::str::from_utf8(&publish.payload).ok().map(str::to_owned);
        let hex = text.is_none().then(|| {
            publish.payload.iter().fold(String::new(), |mut hex, byte| {
                // Writing into a string does not fail.
                let _ = write!(hex, "{byte:02x}");
                hex
            })
        });
        Self {
            at_ms: at.0,
            topic: publish.topic.to_string(),
            qos: publish.qos as u8,
            retain: publish.retain,
            payload_bytes: publish.payload.len(),
            text,
            hex,
        }
    }
}
