//! The hub's end: takes QUIC and TLS, serves each connection by a machine of its own, asks the desk.
//!
//! ```text
//! accept ── handshake, certificate ──> session: hub::Hub ── questions ──> Desk
//!   bounds: connections, handshakes        │ Connections: tell a store, cut a node
//! ```
//!
//! Not here: SQL and what is kept (`aisle-hub`). Guards: nobody without a certificate of this chain gets further than the handshake; what is
//! spent on a stranger is bounded in number, time and bytes; one peer that lies or stalls harms no other.

mod accept;
mod config;
mod connections;
mod relay;
mod session;
mod telemetry;

pub use accept::Keys;
pub use config::Config;
pub use connections::{Connected, Connections};

use crate::{Desk, Path, desk::Busy, tls::CredentialsError};
use prometheus_client::registry::Registry;
use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};
use telemetry::Metrics;
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, timeout},
};

/// Why the hub's end does not start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// An address cannot be listened on.
    #[error("cannot listen for {path} on {address}: {source}")]
    Listen {
        /// For what.
        path: Path,
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The certificates cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// Nothing is listened on.
    #[error("neither QUIC nor TLS has an address\nhint: set at least one of them")]
    Nowhere,
}

/// What all connections share.
pub(crate) struct Shared<D> {
    config: Config,
    desk: Arc<D>,
    metrics: Metrics,
    connections: Connections,
    numbers: AtomicU64,
    started: Instant,
    /// As many as may be connected.
    places: Arc<Semaphore>,
    /// As many as may be in a handshake.
    handshakes: Arc<Semaphore>,
}

impl<D: Desk> Shared<D> {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// When a time of the machines is.
    fn at(&self, ms: u64) -> Instant {
        self.started + Duration::from_millis(ms)
    }

    const fn desk_timeout(&self) -> Duration {
        Duration::from_millis(self.config.desk_timeout_ms)
    }

    fn too_slow(&self) -> Busy {
        let reason = format!("no answer within {} ms", self.config.desk_timeout_ms);
        Busy { retry_after_ms: self.config.retry_after_ms, reason }
    }

    /// Waits for the desk, but not for ever.
    async fn asked<T, E: From<Busy> + std::fmt::Display>(
        &self,
        peer: &crate::desk::Peer,
        question: &'static str,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let answer = timeout(self.desk_timeout(), answer).await;
        let answer = answer.unwrap_or_else(|_| Err(self.too_slow().into()));
        answer.inspect_err(|error| self.metrics.busy(peer, question, error))
    }
}

/// The hub's end, listening.
pub struct Server<D> {
    shared: Arc<Shared<D>>,
    doors: accept::Doors,
}

impl<D: Desk> Server<D> {
    /// Listens. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When an address is taken, or the certificates cannot be used.
    pub fn bind(config: Config, desk: Arc<D>, registry: &mut Registry) -> Result<Self, BindError> {
        let doors = accept::Doors::open(&config)?;
        let shared = Shared {
            desk,
            metrics: Metrics::register(registry),
            connections: Connections::default(),
            numbers: AtomicU64::new(0),
            started: Instant::now(),
            places: Arc::new(Semaphore::new(config.connections_max)),
            handshakes: Arc::new(Semaphore::new(config.handshakes_max)),
            config,
        };
        Ok(Self { shared: Arc::new(shared), doors })
    }

    /// Where it listens for QUIC.
    #[must_use]
    pub fn quic_address(&self) -> Option<SocketAddr> {
        self.doors.quic_address()
    }

    /// Where it listens for TLS.
    #[must_use]
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.doors.tls_address()
    }

    /// What it shows, to be renewed while it runs.
    #[must_use]
    pub fn keys(&self) -> Keys {
        self.doors.keys()
    }

    /// Who is connected.
    #[must_use]
    pub fn connections(&self) -> Connections {
        self.shared.connections.clone()
    }

    /// Serves until the future is ready. Then nobody is let in any more, all nodes are told to come again later, and those that take
    /// longer than `finish_ms` to go are cut.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let (down, is_down) = watch::channel(false);
        let Self { shared, doors } = self;
        tokio::select! {
            () = doors.accept(&shared, &is_down) => {}
            () = shutdown => {}
        }
        // Whether anybody still listens does not matter.
        let _ = down.send(true);
        let all = u32::try_from(shared.config.connections_max).unwrap_or(u32::MAX);
        let patience = Duration::from_millis(shared.config.finish_ms.saturating_mul(2));
        let _ = timeout(patience, shared.places.acquire_many(all)).await;
        doors.close().await;
    }
}
