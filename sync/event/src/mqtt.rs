//! What the store's MQTT broker must not forget: messages it acknowledged, sessions, and how far each delivery is.
//!
//! The broker's state is a fold of these, in order. Section numbers are those of MQTT 5 (OASIS, 2019).
//!
//! Not here: what a message means; that is for those who read it.

use crate::{
    opaque::{Blob, Text},
    record::{code, record},
};

code! {
    /// How surely a message is delivered (4.3).
    pub enum MqttQos {
        /// QoS 0
        AtMostOnce = 0 "at_most_once",
        /// QoS 1
        AtLeastOnce = 1 "at_least_once",
        /// QoS 2
        ExactlyOnce = 2 "exactly_once",
    }

    /// Why a session is no more.
    pub enum MqttSessionEnd {
        /// Nobody came back for it in time.
        Expired = 0 "expired",
        /// Its client began anew, or had asked for a session that ends with its connection.
        Replaced = 1 "replaced",
        /// A person removed it.
        Removed = 2 "removed",
    }
}

record! {
    /// A message that was acknowledged, or that is retained.
    pub struct MqttPublished {
        /// Where to.
        1 open topic: Text,
        /// What. It may be anything, so it is treated as the most private.
        2 sensitive payload: Blob,
        /// How surely its publisher sent it.
        3 open qos: MqttQos,
        /// It is the retained message of its topic from now on; an empty payload removes that.
        4 open retain: bool,
        /// The client that published it, or whose will it is.
        5 pseudonymous client: Text,
        /// Its packet identifier, where that must be known until it is released: QoS 2 in a session that is kept.
        6 open packet_id: Option<u16>,
        /// What goes with it to its subscribers.
        7 nested(MqttProperties) properties: Option<MqttProperties>,
        /// It is the will of its client, which is thereby used up.
        8 open will: Option<bool>,
    }

    /// What goes with a message from its publisher to its subscribers (3.3.2.3).
    pub struct MqttProperties {
        /// The payload is UTF-8 text.
        1 open text: Option<bool>,
        /// How long the message is of use, in seconds.
        2 open expiry_s: Option<u32>,
        /// What the payload is.
        3 open content_type: Option<Text>,
        /// Where an answer goes.
        4 open response_topic: Option<Text>,
        /// What an answer belongs to.
        5 sensitive correlation_data: Option<Blob>,
        /// Names and values, taking turns.
        6 sensitive user: Vec<Text>,
    }

    /// A client came in, and its session or its will must outlive the node.
    pub struct MqttSessionOpened {
        /// Its client identifier.
        1 pseudonymous client: Text,
        /// The device that it proved to be.
        2 pseudonymous device: Option<Text>,
        /// The session of before, if there is one, is no more.
        3 open clean_start: bool,
        /// How long the session outlives the connection, in seconds; the largest number is for ever.
        4 open expiry_s: u32,
        /// What to publish when it goes without saying so.
        5 nested(MqttWill) will: Option<MqttWill>,
    }

    /// What to publish when a client goes without saying so (3.1.2.5).
    pub struct MqttWill {
        /// Where to.
        1 open topic: Text,
        /// What.
        2 sensitive payload: Blob,
        /// How surely.
        3 open qos: MqttQos,
        /// As a retained message.
        4 open retain: bool,
        /// How long after the connection ended, in seconds.
        5 open delay_s: Option<u32>,
        /// With which properties.
        6 nested(MqttProperties) properties: Option<MqttProperties>,
    }

    /// A client went.
    pub struct MqttSessionClosed {
        /// Its client identifier.
        1 pseudonymous client: Text,
        /// How long the session is kept, when the client said so at the end.
        2 open expiry_s: Option<u32>,
        /// It said goodbye: its will is not published.
        3 open will_discarded: bool,
        /// The record of the opening that this ends; nothing when the client has come back since.
        4 open opened: Option<u64>,
    }

    /// A session is no more: its subscriptions and what waited in it are gone.
    pub struct MqttSessionEnded {
        /// Its client identifier.
        1 pseudonymous client: Text,
        /// Why.
        2 open reason: MqttSessionEnd,
        /// The record of its last opening, when it is only to end if its client has not come back since.
        3 open opened: Option<u64>,
    }

    /// A client with a session that is kept asked for messages.
    pub struct MqttSubscribed {
        /// Its client identifier.
        1 pseudonymous client: Text,
        /// Sent back with each message.
        2 open id: Option<u32>,
        /// What it asked for and was granted.
        3 nested(MqttSubscription) filters: Vec<MqttSubscription>,
    }

    /// One filter and how it was asked for (3.8.3.1).
    pub struct MqttSubscription {
        /// The topic filter.
        1 open filter: Text,
        /// At most how surely.
        2 open qos: MqttQos,
        /// Bit 0: no local; bit 1: retain as published; bits 2 and 3: retain handling.
        3 open options: u16,
    }

    /// A client with a session that is kept asked for no more messages.
    pub struct MqttUnsubscribed {
        /// Its client identifier.
        1 pseudonymous client: Text,
        /// What it asked for no more.
        2 open filters: Vec<Text>,
    }

    /// A publisher released QoS 2 messages (PUBREL): their identifiers may be used again.
    pub struct MqttReleased {
        /// Its client identifier.
        1 pseudonymous client: Text,
        /// Which.
        2 open packet_ids: Vec<u16>,
    }

    /// QoS 2 messages are about to be sent to a subscriber under these identifiers, and under no others.
    pub struct MqttSent {
        /// Its client identifier.
        1 pseudonymous client: Text,
        /// Which messages.
        2 nested(MqttDelivery) deliveries: Vec<MqttDelivery>,
    }

    /// A message in a session's queue, by the record that put it there.
    pub struct MqttDelivery {
        /// The sequence number of that record.
        1 open seq: u64,
        /// When that is a subscription: the sequence number of the retained message.
        2 open origin: Option<u64>,
        /// The packet identifier.
        3 open packet_id: Option<u16>,
    }

    /// A subscriber has these QoS 2 messages (PUBREC): they are never sent again, only released.
    pub struct MqttReceived {
        /// Its client identifier.
        1 pseudonymous client: Text,
        /// Which.
        2 nested(MqttDelivery) deliveries: Vec<MqttDelivery>,
    }

    /// A subscriber is done with these messages, or they are no longer of use: they leave its queue.
    pub struct MqttDelivered {
        /// Its client identifier.
        1 pseudonymous client: Text,
        /// Which.
        2 nested(MqttDelivery) deliveries: Vec<MqttDelivery>,
    }
}
