//! How clients reach the broker: listeners, handshakes, and one kind of stream for all of them.
//!
//! TCP, TLS (rustls with ring) and WebSocket end here; what comes out is a stream of bytes, where it came from, and the
//! certificate that the client showed. A handshake runs in a task of its own, bounded in time and number.
//!
//! Not here: what the bytes mean (`packet`), who may come in (`access`).
//! Guards: unless it is told to, the broker listens on private addresses only; slow or broken strangers cost a bounded amount.

mod address;
mod certificate;
mod config;
mod gate;
mod handshake;
mod identity;
mod inspect;
mod listeners;
mod stamp;
mod stream;
mod telemetry;
mod tls;
mod trust;
mod websocket;

pub use address::{Candidate, private_addresses, system_addresses};
pub use certificate::{CERTIFICATE_FILE, CertificateError, PRIVATE_KEY_FILE};
pub use config::{Listen, TransportConfig};
pub use identity::CertificateIdentity;
pub use inspect::{CertificateReport, inspect_certificate};
pub use listeners::{Interfaces, ListenError, Listeners, Listening};
pub(crate) use stamp::Stamp;
pub use stream::Stream;
pub use trust::{Judges, Shown, Trust};

use std::{fmt, net::SocketAddr};

/// What carries the packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Plain TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// WebSocket over plain TCP.
    WebSocket,
    /// WebSocket over TLS.
    WebSocketTls,
}

impl Transport {
    /// The scheme of its URLs, as MQTT clients write them.
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "mqtts",
            Self::WebSocket => "ws",
            Self::WebSocketTls => "wss",
        }
    }

    const fn is_encrypted(self) -> bool {
        matches!(self, Self::Tls | Self::WebSocketTls)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheme())
    }
}

/// A client that has been reached, all handshakes done.
#[derive(Debug)]
pub struct Accepted {
    /// Its bytes. What is written is sent for sure only by a flush.
    pub stream: Stream,
    /// Where it is.
    pub peer: SocketAddr,
    /// What carries its bytes.
    pub transport: Transport,
    /// The certificate that it showed, already checked against `client_ca_file`.
    pub certificate: Option<CertificateIdentity>,
    /// The same, to be asked whether it was taken back meanwhile.
    pub shown: Option<Shown>,
}

/// Where clients go once they are reached. Called from the tasks that accept them, so neither may block.
pub trait Door: Send + Sync + 'static {
    /// Whether to go on with a client at all, before anything is spent on it, while so many others are on their way to the door.
    fn admits(&self, peer: SocketAddr, transport: Transport, under_way: usize) -> bool {
        let _ = (peer, transport, under_way);
        true
    }

    /// Takes the client over.
    fn enter(&self, accepted: Accepted);
}

impl<F: Fn(Accepted) + Send + Sync + 'static> Door for F {
    fn enter(&self, accepted: Accepted) {
        self(accepted);
    }
}
