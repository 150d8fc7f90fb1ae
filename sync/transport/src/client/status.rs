//! How the line stands, for the staff board, `/healthz` and people.

use crate::Path;
use aisle_protocol::{LinkKind, PerClass};
use std::net::SocketAddr;

/// What the client is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// No connection; the next attempt comes by itself.
    #[default]
    Waiting,
    /// One is being made.
    Connecting,
    /// One is there and the hub has not answered yet.
    Greeting,
    /// The hub knows the node.
    Connected,
    /// The client was stopped.
    Stopped,
}

impl Phase {
    /// Its name in logs and on pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Connecting => "connecting",
            Self::Greeting => "greeting",
            Self::Connected => "connected",
            Self::Stopped => "stopped",
        }
    }
}

/// What went wrong last. It stays after things went right again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// When, in milliseconds since 1970 as this machine's clock has it.
    pub at_ms: u64,
    /// A short name, as in metrics: `timeout`, `refused`, `certificate_expired`, ….
    pub reason: String,
    /// For people.
    pub text: String,
}

/// What a class has that the hub has not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Sealed events.
    pub events: u64,
    /// How old the oldest of them is, in milliseconds; 0 when there is none.
    pub lag_ms: u64,
    /// True while the class waits for its budget or for the kiosk.
    pub is_held: bool,
}

/// How the line stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// What it is about.
    pub phase: Phase,
    /// Since when, in milliseconds since 1970.
    pub since_ms: u64,
    /// How the last connection goes or went.
    pub path: Option<Path>,
    /// Where its other end is.
    pub address: Option<SocketAddr>,
    /// The hub's name and region, as it said last.
    pub hub: Option<(String, String)>,
    /// What the line costs, as set.
    pub link: LinkKind,
    /// From a packet to its answer, in milliseconds; not known on TLS.
    pub rtt_ms: Option<u64>,
    /// When the hub last acknowledged something, in milliseconds since 1970.
    pub acked_at_ms: Option<u64>,
    /// By class.
    pub backlog: PerClass<Backlog>,
    /// What went wrong last.
    pub last_error: Option<Failure>,
}
