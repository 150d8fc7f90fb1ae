//! What an operator sets for the hub's end. Times are milliseconds.

use crate::Credentials;
use aisle_protocol::hub;
use std::net::SocketAddr;

/// The hub's end.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where QUIC is taken; port 0 takes any.
    pub quic: Option<SocketAddr>,
    /// Where TLS is taken; port 0 takes any. 443 gets through most firewalls.
    pub tls: Option<SocketAddr>,
    /// What the hub shows and whom it believes.
    pub credentials: Credentials,
    /// The chain whose nodes are let in: the trust domain of their certificates. `None` leaves it to the desk.
    pub chain: Option<String>,
    /// The machine of each connection.
    pub hub: hub::Config,
    /// The most connections at once.
    pub connections_max: usize,
    /// The most connections of one store at once; the newest win. A node that calls again replaces itself first.
    pub store_connections_max: usize,
    /// The most handshakes under way. With half as many, callers over QUIC must first prove their address.
    pub handshakes_max: usize,
    /// How long a handshake may take.
    pub handshake_timeout_ms: u64,
    /// How long a question to the desk may take.
    pub desk_timeout_ms: u64,
    /// The most questions of one connection that are under way at the desk; nothing is read from it while there are so many.
    pub questions_max: usize,
    /// When a node that finds the hub too busy is to come again, where the desk does not say.
    pub retry_after_ms: u64,
    /// What a connection may hold of bytes that have come and were not read, in bytes.
    pub receive_bytes_max: u32,
    /// What waits to be written to a connection, in bytes; nothing is read from it while there is so much.
    pub send_bytes_max: u32,
    /// How long something may wait to be written while the node takes nothing.
    pub stall_timeout_ms: u64,
    /// How long a node gets to hear a last word.
    pub finish_ms: u64,
}

impl Config {
    /// The defaults.
    #[must_use]
    pub fn new(credentials: Credentials, chain: Option<String>, hub: hub::Config) -> Self {
        Self {
            quic: None,
            tls: None,
            credentials,
            chain,
            hub,
            connections_max: 10_000,
            store_connections_max: 4,
            handshakes_max: 256,
            handshake_timeout_ms: 10_000,
            desk_timeout_ms: 30_000,
            questions_max: 16,
            retry_after_ms: 5_000,
            receive_bytes_max: 4 << 20,
            send_bytes_max: 2 << 20,
            stall_timeout_ms: 120_000,
            finish_ms: 2_000,
        }
    }
}
