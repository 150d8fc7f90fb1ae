//! What an operator sets for the line to the hub. Times are milliseconds.

use crate::{Credentials, tls::ClockSource};
use aisle_protocol::node::Budgets;

/// Where a hub is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hub {
    /// Its DNS name or address; its certificate must have it among its names.
    pub name: String,
    /// Its UDP port for QUIC; `None` where it has none.
    pub quic_port: Option<u16>,
    /// Its TCP port for TLS; `None` where it has none.
    pub tls_port: Option<u16>,
}

/// The node's end of the line.
#[derive(Debug, Clone)]
pub struct Config {
    /// The hubs, called in turn: any of them takes any node. At least one.
    pub hubs: Vec<Hub>,
    /// What the node shows and whom it believes.
    pub credentials: Credentials,
    /// A time that is known to have been, in milliseconds since 1970: that of the last event in the journal. A clock behind it is not
    /// believed when a hub's certificate is looked at.
    pub clock_floor_ms: u64,
    /// How the time is known that a hub's certificate is judged at.
    pub clock: ClockSource,
    /// How many bytes each class may send on a line of each kind.
    pub budgets: Budgets,
    /// How long QUIC is tried before TLS is tried beside it.
    pub quic_head_start_ms: u64,
    /// How long TLS stays the first choice after QUIC has failed. Then QUIC is tried again, beside the connection that is in use.
    pub tls_keep_ms: u64,
    /// How long one path may take to open.
    pub path_timeout_ms: u64,
    /// What QUIC holds at most of what was written and not acknowledged, in bytes. More than `node::Config::in_flight_bytes_max`, so that sales
    /// never wait behind anything else here.
    pub send_bytes_max: u32,
    /// How long the hub gets to hear a last word.
    pub finish_ms: u64,
}

impl Config {
    /// The defaults.
    #[must_use]
    pub fn new(hubs: Vec<Hub>, credentials: Credentials) -> Self {
        Self {
            hubs,
            credentials,
            clock_floor_ms: 0,
            clock: ClockSource::System,
            budgets: Budgets::default(),
            quic_head_start_ms: 2_500,
            tls_keep_ms: 600_000,
            path_timeout_ms: 8_000,
            send_bytes_max: 6 << 20,
            finish_ms: 1_000,
        }
    }
}
