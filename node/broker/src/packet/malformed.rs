//! Why bytes are no packet, and why a packet cannot be bytes.
//!
//! Not here: what to do about it; the connection answers and closes.

use super::{Kind, Reason};

/// Bytes that are no packet, or no packet that may come here. The connection cannot go on after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what} (reason code 0x{:02X})", packet.map_or("packet", Kind::name), reason.0)]
pub struct Malformed {
    /// The nearest reason code of MQTT 5.
    pub reason: Reason,
    /// Which packet it was to be, when its first byte said so.
    pub packet: Option<Kind>,
    /// In words.
    pub what: &'static str,
}

impl Malformed {
    pub(super) const fn new(reason: Reason, what: &'static str) -> Self {
        Self { reason, packet: None, what }
    }

    /// It cannot be parsed.
    pub(super) const fn bytes(what: &'static str) -> Self {
        Self::new(Reason::MALFORMED_PACKET, what)
    }

    /// It can be parsed, but may not be said.
    pub(super) const fn protocol(what: &'static str) -> Self {
        Self::new(Reason::PROTOCOL_ERROR, what)
    }
}

/// Why a packet was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// No CONNECT was decoded that said how to write.
    #[error("no protocol version is agreed on yet")]
    NoVersion,
    /// A field or the whole does not fit into what the standard has for it, or into what the peer takes.
    #[error("`{what}` has {bytes} bytes, at most {bytes_max} can be sent")]
    TooLong {
        /// Which field, or `packet`.
        what: &'static str,
        /// So long it is.
        bytes: usize,
        /// So long it may be.
        bytes_max: usize,
    },
    /// The version has no words for it, and saying less would say something else.
    #[error("{what} cannot be said in this version of the protocol")]
    Unsayable {
        /// What.
        what: &'static str,
    },
}
