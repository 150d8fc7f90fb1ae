//! What the routes answer and the commands read: one definition for both ends.
//!
//! What is said of the broker, its bridges and the devices is what they say of themselves (`aisle_broker`'s and `aisle_devices`' views).

pub(crate) mod cold_chain;
pub(crate) mod device;
pub(crate) mod enrolment;
pub(crate) mod erasure;
pub(crate) mod fleet;
pub(crate) mod model;
pub(crate) mod plugin;
pub(crate) mod stock;
pub(crate) mod task;
pub(crate) mod telemetry;

use super::Mqtt;
use aisle_broker::{Overview, packet::Publish};
use aisle_devices::bridge::{BridgeStatus, StatusHandle};
use aisle_event::Timestamp;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Part of a list, in the order of what its items are called by. The description names it by [`described_page`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Page<T> {
    /// The items of the page.
    pub items: Vec<T>,
    /// There are more: ask for those `after` this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A page of these as the description has it: `described_page!(DevicePage, Page_DeviceLine, DeviceLine)` for `body = DevicePage`. What `utoipa` writes for a type
/// with parameters asks for `Cow<str>::as_ref()` and leaves open of what, and `typed_path`, which comes with `tough`, gives it a second answer.
macro_rules! described_page {
    ($name:ident, $schema:ident, $item:ty) => {
        /// Part of a list, in the order of what its items are called by.
        #[derive(serde::Serialize, utoipa::ToSchema)]
        #[schema(as = $schema)]
        struct $name {
            /// The items of the page.
            items: Vec<$item>,
            /// There are more: ask for those `after` this one.
            #[serde(skip_serializing_if = "Option::is_none")]
            next: Option<String>,
        }
    };
}
pub(crate) use described_page;

/// The broker: where it listens, and in numbers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct MqttOverview {
    /// Where clients connect, such as `mqtts://192.168.1.10:8883`.
    pub listening: Vec<String>,
    /// What is wrong with the file of devices; what it said before is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices_problem: Option<String>,
    /// The bridges to other brokers.
    pub bridges: Vec<BridgeStatus>,
    /// In numbers.
    #[serde(flatten)]
    pub broker: Overview,
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

impl<T> Page<T> {
    /// The first `limit` of what was found when one more was asked for.
    pub(super) fn of(mut found: Vec<T>, limit: usize, called: impl Fn(&T) -> &str) -> Self {
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|last| called(last).to_owned());
        Self { items: found, next }
    }
}

impl MqttOverview {
    pub(super) fn of(mqtt: &Mqtt) -> Self {
        Self {
            listening: mqtt.addresses(),
            devices_problem: mqtt.broker.devices_problem().map(|problem| (*problem).clone()),
            bridges: mqtt.bridges.iter().map(StatusHandle::get).collect(),
            broker: mqtt.broker.overview(),
        }
    }
}

impl MqttMessage {
    pub(super) fn of(publish: &Publish, at: Timestamp) -> Self {
        let text = std::str::from_utf8(&publish.payload).ok().map(str::to_owned);
        let hex = text.is_none().then(|| HEXLOWER.encode(&publish.payload));
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
