//! Packets: one set of types for MQTT 3.1, 3.1.1 and 5, and the codec between them and bytes.
//!
//! What one version lacks is empty in its packets; what it cannot say is left out when a packet is written. So the rest of
//! the broker is written once for all versions.
//!
//! Not here: what a packet does. Guards invariant 10: bytes that are not a packet are refused before they cost memory.

mod codec;
mod connack;
mod connect;
mod disconnect;
mod kind;
mod malformed;
mod property;
mod publish;
mod reader;
mod subscribe;
mod writer;

pub use codec::Codec;
pub use kind::Kind;
pub use malformed::{EncodeError, Malformed};

use bytes::Bytes;
use bytestring::ByteString;
use std::num::NonZeroU16;

/// A protocol version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// MQTT 3.1, protocol level 3.
    V31,
    /// MQTT 3.1.1, protocol level 4.
    V311,
    /// MQTT 5, protocol level 5.
    V5,
}

/// How surely a message is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum QoS {
    /// 0
    #[default]
    AtMostOnce,
    /// 1
    AtLeastOnce,
    /// 2
    ExactlyOnce,
}

/// A packet identifier: never 0.
pub type PacketId = NonZeroU16;

/// One control packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// A client asks to come in.
    Connect(Box<Connect>),
    /// The answer to it.
    Connack(Box<Connack>),
    /// A message.
    Publish(Box<Publish>),
    /// QoS 1: it was taken.
    Puback(Ack),
    /// QoS 2, first answer: it was taken.
    Pubrec(Ack),
    /// QoS 2: its identifier may be forgotten.
    Pubrel(Ack),
    /// QoS 2, last answer: its identifier was forgotten.
    Pubcomp(Ack),
    /// A client asks for messages.
    Subscribe(Box<Subscribe>),
    /// The answer to it.
    Suback(Box<Suback>),
    /// A client asks for no more messages.
    Unsubscribe(Box<Unsubscribe>),
    /// The answer to it.
    Unsuback(Box<Suback>),
    /// Are you there?
    Pingreq,
    /// Yes.
    Pingresp,
    /// The connection ends in order, or with a reason.
    Disconnect(Box<Disconnect>),
    /// Extended authentication (MQTT 5); Aisle offers no method.
    Auth,
}

/// `name = value` pairs that the broker passes on untouched.
pub type UserProperties = Vec<(ByteString, ByteString)>;

/// CONNECT
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// Protocol level.
    pub version: Version,
    /// Set in the protocol level's highest bit by bridges (3.1.1): no message of its own comes back, and retained ones keep their flag.
    pub bridge: bool,
    /// Who; empty when the broker is to choose.
    pub client_id: ByteString,
    /// Begin anew, without the session of before.
    pub clean_start: bool,
    /// Seconds; 0 is never.
    pub keep_alive_s: u16,
    /// How long the session outlives the connection, in seconds; `u32::MAX` for ever. 3.1.1: 0 when clean, else `u32::MAX`.
    pub session_expiry_s: u32,
    /// How many QoS 1 and 2 messages the client takes at once.
    pub receive_max: u16,
    /// The longest packet that the client takes, in bytes.
    pub packet_bytes_max: Option<u32>,
    /// How many topic aliases the client takes.
    pub topic_alias_max: u16,
    /// The client wants reason strings and user properties on packets other than PUBLISH.
    pub problem_information: bool,
    /// The method of extended authentication, if asked for.
    pub auth_method: Option<ByteString>,
    /// The name it goes by.
    pub username: Option<ByteString>,
    /// Its secret.
    pub password: Option<Bytes>,
    /// What to publish when it goes without saying so.
    pub will: Option<Will>,
    /// Its own properties.
    pub user_properties: UserProperties,
}

/// What to publish when a client goes without saying so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Will {
    /// Where to.
    pub topic: ByteString,
    /// What.
    pub payload: Bytes,
    /// How surely.
    pub qos: QoS,
    /// As a retained message.
    pub retain: bool,
    /// How long after the connection ended, in seconds.
    pub delay_s: u32,
    /// With which properties.
    pub properties: MessageProperties,
}

/// CONNACK
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Connack {
    /// The session of before goes on.
    pub session_present: bool,
    /// Whether, and if not, why not. 3.1.1 gets the nearest of its own codes.
    pub reason: Reason,
    /// In words.
    pub reason_string: Option<ByteString>,
    /// When the broker shortened it, in seconds.
    pub session_expiry_s: Option<u32>,
    /// How many QoS 1 and 2 messages the broker takes at once.
    pub receive_max: Option<u16>,
    /// The longest packet that the broker takes, in bytes.
    pub packet_bytes_max: Option<u32>,
    /// When the broker chose it.
    pub assigned_client_id: Option<ByteString>,
    /// How many topic aliases the broker takes.
    pub topic_alias_max: u16,
    /// When the broker chose another, in seconds.
    pub server_keep_alive_s: Option<u16>,
}

/// PUBLISH
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Publish {
    /// It may have been sent before.
    pub dup: bool,
    /// How surely.
    pub qos: QoS,
    /// It is or becomes the retained message of its topic.
    pub retain: bool,
    /// Where to; empty when only the alias says it.
    pub topic: ByteString,
    /// Its number; none with QoS 0.
    pub packet_id: Option<PacketId>,
    /// What.
    pub payload: Bytes,
    /// A number that stands for the topic.
    pub topic_alias: Option<u16>,
    /// The subscriptions that it is sent for.
    pub subscription_ids: Vec<u32>,
    /// What else goes with it.
    pub properties: MessageProperties,
}

/// What goes with a message from its publisher to its subscribers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageProperties(pub Option<Box<MessagePropertyValues>>);

/// The values of [`MessageProperties`] when there are any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessagePropertyValues {
    /// The payload is UTF-8 text (payload format indicator 1).
    pub is_text: bool,
    /// How long the message is of use, in seconds from when the broker got it.
    pub expiry_s: Option<u32>,
    /// What the payload is, as a MIME type or by agreement.
    pub content_type: Option<ByteString>,
    /// Where an answer goes.
    pub response_topic: Option<ByteString>,
    /// What an answer belongs to.
    pub correlation_data: Option<Bytes>,
    /// Passed on untouched and in order.
    pub user: UserProperties,
}

/// PUBACK, PUBREC, PUBREL, PUBCOMP
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// Of which message.
    pub packet_id: PacketId,
    /// How it went; 3.1.1 cannot say.
    pub reason: Reason,
    /// In words.
    pub reason_string: Option<ByteString>,
}

/// SUBSCRIBE
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// Its number.
    pub packet_id: PacketId,
    /// Sent back with each message that matches, 1 to 268,435,455.
    pub id: Option<u32>,
    /// What is asked for; never empty.
    pub filters: Vec<(ByteString, SubscribeOptions)>,
}

/// How one filter is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SubscribeOptions {
    /// At most how surely.
    pub qos: QoS,
    /// Not what this client itself publishes.
    pub no_local: bool,
    /// The retain flag as it was published, not only on what was retained before.
    pub retain_as_published: bool,
    /// Whether retained messages come at once.
    pub retain_handling: RetainHandling,
}

/// Whether retained messages come when a client subscribes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum RetainHandling {
    /// Always.
    #[default]
    Send,
    /// When the subscription was not there before.
    SendIfNew,
    /// Never.
    DoNotSend,
}

/// SUBACK, UNSUBACK
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suback {
    /// Of which request.
    pub packet_id: PacketId,
    /// One for each filter: the granted QoS (0, 1, 2) or why not. UNSUBACK of 3.1.1 leaves them out.
    pub reasons: Vec<Reason>,
    /// In words.
    pub reason_string: Option<ByteString>,
}

/// UNSUBSCRIBE
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsubscribe {
    /// Its number.
    pub packet_id: PacketId,
    /// What is asked for no more; never empty.
    pub filters: Vec<ByteString>,
}

/// DISCONNECT
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Disconnect {
    /// Why. 3.1.1 clients say nothing, which is [`Reason::SUCCESS`]; 3.1.1 clients are told nothing, the connection is closed.
    pub reason: Reason,
    /// In words.
    pub reason_string: Option<ByteString>,
    /// Another expiry of the session, in seconds.
    pub session_expiry_s: Option<u32>,
}

/// A reason code, as in MQTT 5, section 2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Reason(pub u8);

impl Reason {
    /// It went well; normal disconnection; granted QoS 0.
    pub const SUCCESS: Self = Self(0x00);
    /// The client goes and wants its will published.
    pub const DISCONNECT_WITH_WILL: Self = Self(0x04);
    /// Taken, but nobody subscribes.
    pub const NO_MATCHING_SUBSCRIBERS: Self = Self(0x10);
    /// There was no such subscription.
    pub const NO_SUBSCRIPTION_EXISTED: Self = Self(0x11);
    /// No other reason fits or may be told.
    pub const UNSPECIFIED_ERROR: Self = Self(0x80);
    /// Bytes that are no packet.
    pub const MALFORMED_PACKET: Self = Self(0x81);
    /// A packet that may not come here.
    pub const PROTOCOL_ERROR: Self = Self(0x82);
    /// Right, but not taken by this broker.
    pub const IMPLEMENTATION_SPECIFIC_ERROR: Self = Self(0x83);
    /// A version that is not spoken here.
    pub const UNSUPPORTED_PROTOCOL_VERSION: Self = Self(0x84);
    /// A client id that is not allowed.
    pub const CLIENT_IDENTIFIER_NOT_VALID: Self = Self(0x85);
    /// Nobody is known by that name and secret.
    pub const BAD_USER_NAME_OR_PASSWORD: Self = Self(0x86);
    /// Known, but not allowed to do this.
    pub const NOT_AUTHORIZED: Self = Self(0x87);
    /// The broker cannot do it now.
    pub const SERVER_UNAVAILABLE: Self = Self(0x88);
    /// Too much to do; try later.
    pub const SERVER_BUSY: Self = Self(0x89);
    /// Sent away by a person.
    pub const ADMINISTRATIVE_ACTION: Self = Self(0x98);
    /// The broker stops.
    pub const SERVER_SHUTTING_DOWN: Self = Self(0x8B);
    /// The method of authentication is not offered.
    pub const BAD_AUTHENTICATION_METHOD: Self = Self(0x8C);
    /// Nothing came for one and a half times the keep alive.
    pub const KEEP_ALIVE_TIMEOUT: Self = Self(0x8D);
    /// Another connection has the same client id.
    pub const SESSION_TAKEN_OVER: Self = Self(0x8E);
    /// A filter that is not allowed.
    pub const TOPIC_FILTER_INVALID: Self = Self(0x8F);
    /// A topic that is not allowed.
    pub const TOPIC_NAME_INVALID: Self = Self(0x90);
    /// The packet identifier is in use.
    pub const PACKET_IDENTIFIER_IN_USE: Self = Self(0x91);
    /// There is no such packet identifier.
    pub const PACKET_IDENTIFIER_NOT_FOUND: Self = Self(0x92);
    /// More messages at once than was agreed.
    pub const RECEIVE_MAXIMUM_EXCEEDED: Self = Self(0x93);
    /// An alias that was not agreed.
    pub const TOPIC_ALIAS_INVALID: Self = Self(0x94);
    /// Longer than was agreed.
    pub const PACKET_TOO_LARGE: Self = Self(0x95);
    /// More, faster than is allowed.
    pub const MESSAGE_RATE_TOO_HIGH: Self = Self(0x96);
    /// A bound is reached.
    pub const QUOTA_EXCEEDED: Self = Self(0x97);
    /// The payload is not what it says.
    pub const PAYLOAD_FORMAT_INVALID: Self = Self(0x99);
    /// The connection rate is exceeded.
    pub const CONNECTION_RATE_EXCEEDED: Self = Self(0x9F);
    /// A shared subscription may not be this way.
    pub const SHARED_SUBSCRIPTIONS_NOT_SUPPORTED: Self = Self(0x9E);

    /// True from 0x80 on.
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.0 >= 0x80
    }
}

impl From<QoS> for Reason {
    fn from(qos: QoS) -> Self {
        Self(qos as u8)
    }
}

impl QoS {
    /// From its number.
    #[must_use]
    pub const fn from_u8(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::AtMostOnce),
            1 => Some(Self::AtLeastOnce),
            2 => Some(Self::ExactlyOnce),
            _ => None,
        }
    }
}
