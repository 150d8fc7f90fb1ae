//! Where the broker listens, and how long and how often it waits there.

use super::Trust;
use std::{net::SocketAddr, path::PathBuf};

/// Where the broker listens. An address is `IP:PORT`, or `store:PORT` for every private address of this machine, or `off`.
#[derive(Debug, Clone)]
pub struct TransportConfig {
    /// Where MQTT over TLS is spoken.
    pub tls_listen: String,
    /// Where MQTT is spoken in the clear: anybody on the network reads passwords and messages.
    pub tcp_listen: String,
    /// Where MQTT over WebSocket is spoken.
    pub websocket_listen: String,
    /// Whether WebSocket connections are encrypted.
    pub websocket_tls: bool,
    /// The certificate chain in PEM [default: DATA/mqtt/certificate.pem, made at the first start]. Reread when it changes.
    pub certificate_file: Option<PathBuf>,
    /// The private key of the certificate in PEM [default: DATA/mqtt/private-key.pem].
    pub private_key_file: Option<PathBuf>,
    /// Authorities whose client certificates are accepted, in PEM. Without it none are asked for.
    pub client_ca_file: Option<PathBuf>,
    /// What is known of client certificates besides.
    pub trust: Trust,
    /// How long a client may take for the TLS and WebSocket handshakes together.
    pub handshake_timeout_ms: u64,
    /// Handshakes under way. Beyond them clients wait unaccepted.
    pub handshakes_max: usize,
    /// Handshakes under way with one address, except this machine's own. Beyond them connections from it are closed.
    pub handshakes_per_address_max: usize,
    /// The longest WebSocket message.
    pub websocket_message_bytes_max: usize,
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self {
            tls_listen: "store:8883".into(),
            tcp_listen: "off".into(),
            websocket_listen: "off".into(),
            websocket_tls: true,
            certificate_file: None,
            private_key_file: None,
            client_ca_file: None,
            trust: Trust::default(),
            handshake_timeout_ms: 10_000,
            handshakes_max: 512,
            handshakes_per_address_max: 64,
            websocket_message_bytes_max: 1_024 * 1_024,
        }
    }
}

/// An address to listen on, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// Nowhere.
    Off,
    /// On every private address of this machine.
    Store(u16),
    /// There.
    At(SocketAddr),
}

impl Listen {
    /// Reads `off`, `store:PORT` or `IP:PORT`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            _ if text == "off" => Some(Self::Off),
            Some(("store", port)) => port.parse().ok().map(Self::Store),
            _ => text.parse().ok().map(Self::At),
        }
    }
}
