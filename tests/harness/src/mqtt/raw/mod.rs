//! A small and fast MQTT client that checks nothing before it sends: for load, for hostile clients, for clients that die.
//!
//! [`RawClient`] for a conversation; [`write`](mod@write) and [`frame`] for those who keep thousands of messages on their way
//! and cannot afford a [`Packet`] each.

mod client;
mod error;
mod packet;
mod properties;
mod stream;
pub mod write;

pub use client::RawClient;
pub use error::RawError;
pub use packet::{Connack, Frame, Malformed, Packet, frame};
pub use properties::Properties;
pub use stream::{Stream, Tls};

use bytes::Bytes;

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    /// MQTT 3.1.1
    #[default]
    V311,
    /// MQTT 5
    V5,
}

/// CONNECT. What 3.1.1 cannot say is left out there.
#[derive(Debug, Clone)]
pub struct Connect {
    /// What is spoken.
    pub version: Version,
    /// Who; empty when the broker is to choose.
    pub client_id: String,
    /// Begin anew; 3.1.1: and keep nothing.
    pub clean_start: bool,
    /// Seconds; 0 is never.
    pub keep_alive_s: u16,
    /// How long the session outlives the connection, in seconds (MQTT 5).
    pub session_expiry_s: Option<u32>,
    /// How many QoS 1 and 2 messages the client takes at once (MQTT 5).
    pub receive_max: Option<u16>,
    /// The longest packet that the client takes, in bytes (MQTT 5).
    pub packet_bytes_max: Option<u32>,
    /// How many topic aliases the client takes (MQTT 5).
    pub topic_alias_max: Option<u16>,
    /// More properties, as they stand on the wire (MQTT 5).
    pub properties: Vec<u8>,
    /// The name it goes by.
    pub username: Option<String>,
    /// Its secret.
    pub password: Option<Vec<u8>>,
    /// What to publish when it goes without saying so.
    pub will: Option<Will>,
}

impl Connect {
    /// A clean session without a keep alive.
    #[must_use]
    pub fn clean(version: Version, client_id: impl Into<String>) -> Self {
        Self {
            version,
            client_id: client_id.into(),
            clean_start: true,
            keep_alive_s: 0,
            session_expiry_s: None,
            receive_max: None,
            packet_bytes_max: None,
            topic_alias_max: None,
            properties: Vec::new(),
            username: None,
            password: None,
            will: None,
        }
    }

    /// A session that is kept for ever, and taken up again when there is one.
    #[must_use]
    pub fn kept(version: Version, client_id: impl Into<String>) -> Self {
        Self { clean_start: false, session_expiry_s: Some(u32::MAX), ..Self::clean(version, client_id) }
    }
}

/// What to publish when a client goes without saying so.
#[derive(Debug, Clone, Default)]
pub struct Will {
    /// Where to.
    pub topic: String,
    /// What.
    pub payload: Vec<u8>,
    /// 0, 1 or 2.
    pub qos: u8,
    /// As a retained message.
    pub retain: bool,
    /// As they stand on the wire (MQTT 5).
    pub properties: Vec<u8>,
}

/// PUBLISH, to send or received.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Publish {
    /// Where to.
    pub topic: String,
    /// What.
    pub payload: Bytes,
    /// 0, 1 or 2; 3 can be sent by those who want to see what happens.
    pub qos: u8,
    /// It is or becomes the retained message of its topic.
    pub retain: bool,
    /// It may have been sent before.
    pub dup: bool,
    /// Its number, with QoS 1 and 2.
    pub packet_id: u16,
    /// What goes with it (MQTT 5).
    pub properties: Properties,
}

/// The packets that answer a PUBLISH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ack {
    /// QoS 1: it was taken.
    Puback = 0x40,
    /// QoS 2, first answer: it was taken.
    Pubrec = 0x50,
    /// QoS 2: its identifier may be forgotten.
    Pubrel = 0x62,
    /// QoS 2, last answer: its identifier was forgotten.
    Pubcomp = 0x70,
}
