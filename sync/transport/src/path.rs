//! How a connection goes: over QUIC, or over TLS where UDP does not get through.

use std::fmt;

/// The way of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Path {
    /// QUIC on UDP.
    Quic,
    /// Streams multiplexed over TLS on TCP.
    Tls,
}

impl Path {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Quic, Self::Tls];

    /// Its name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quic => "quic",
            Self::Tls => "tls",
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
