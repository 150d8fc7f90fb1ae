//! What can go wrong in a conversation.

use super::{Malformed, Packet};
use std::{io, net::SocketAddr, time::Duration};

/// Why a raw client could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RawError {
    /// There is nobody at the address, or TLS was not agreed on.
    #[error("cannot reach a broker at `{address}`")]
    Reach {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// What TLS is to trust is no certificate.
    #[error("cannot trust the given certificate: {reason}")]
    Trust {
        /// Why.
        reason: String,
    },
    /// The connection broke.
    #[error("the connection broke")]
    Broken(#[from] io::Error),
    /// The broker closed the connection.
    #[error("the broker closed the connection")]
    Closed,
    /// Nothing came in time.
    #[error("the broker sent nothing for {0:?}")]
    Silent(Duration),
    /// The broker sent what no broker may send.
    #[error("the broker sent what is no packet")]
    Malformed(#[from] Malformed),
    /// CONNACK, PUBACK, PUBREC or SUBACK with a reason not to.
    #[error("the broker refused {what} with reason {reason:#04x}")]
    Refused {
        /// What.
        what: &'static str,
        /// The number on the wire.
        reason: u8,
    },
    /// A packet that answers nothing.
    #[error("the broker sent {packet:?} and not {expected}")]
    Unexpected {
        /// What came.
        packet: Box<Packet>,
        /// What was waited for.
        expected: &'static str,
    },
    /// More messages came than are kept for later.
    #[error("more than {0} packets came while another was waited for")]
    Flood(usize),
}
