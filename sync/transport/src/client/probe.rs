//! Trying a hub: one path to it, until both ends have accepted each other's certificate. For people who look why nothing comes through.
//!
//! Guards: nothing is said, so a hub that hears from the same node elsewhere does not take this for its next connection.

use super::{
    config::{Config, Hub},
    connector::Connector,
};
use crate::{
    Path,
    link::{End, Event, Link, Side},
    tls::CredentialsError,
};
use aisle_protocol::{ErrorCode, LinkKind};
use std::{net::SocketAddr, time::Duration};
use tokio::time::timeout;

/// With TLS 1.3 the end that calls is done before the other one has looked at its certificate; a refusal comes within this time.
const VERDICT: Duration = Duration::from_millis(1_500);
/// How long hanging up may take.
const HANG_UP: Duration = Duration::from_millis(500);

/// Why a path to a hub does not open.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The certificates cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The hub has no port for it.
    #[error("no port is named for {path}")]
    NoPort {
        /// For which path.
        path: Path,
    },
    /// It was tried.
    #[error("{text}")]
    Refused {
        /// A short name, as in metrics.
        reason: &'static str,
        /// For people.
        text: String,
    },
}

impl From<End> for ProbeError {
    fn from(end: End) -> Self {
        Self::Refused { reason: end.reason, text: end.text }
    }
}

/// Opens a path to a hub, waits for the hub's refusal, and hangs up. Takes `path_timeout_ms` and two seconds at most; must be called within a
/// tokio runtime.
///
/// # Errors
/// When it does not open, or one end refuses the other; says which.
pub async fn probe(config: &Config, hub: &Hub, path: Path) -> Result<SocketAddr, ProbeError> {
    let hub = match path {
        Path::Quic => Hub { tls_port: None, ..hub.clone() },
        Path::Tls => Hub { quic_port: None, ..hub.clone() },
    };
    if hub.quic_port.or(hub.tls_port).is_none() {
        return Err(ProbeError::NoPort { path });
    }
    let connector = Connector::new(&Config { hubs: vec![hub], ..config.clone() })?;
    let outcome = connector.make(0, path, LinkKind::Fibre).await;
    let Some(carrier) = outcome.carrier else {
        let failed = outcome.failed.into_iter().next().map(|(_, end)| end);
        return Err(failed.unwrap_or_else(|| End::new("lost", "the connection did not open")).into());
    };
    let address = carrier.address();
    let mut link = Link::new(carrier, Side::Node);
    match timeout(VERDICT, link.event()).await {
        Ok(Event::Ended(end)) => Err(end.into()),
        Ok(Event::Broken(code, text)) => Err(ProbeError::Refused { reason: code.as_str(), text }),
        Ok(Event::Bytes(..)) | Err(_) => {
            link.finish(ErrorCode::UNAVAILABLE, "it was only tried whether the hub is there", HANG_UP).await;
            Ok(address)
        }
    }
}
