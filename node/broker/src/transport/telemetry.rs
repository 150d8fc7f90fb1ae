//! What transports say about themselves: each event is one log line and the metrics that go with it.

use super::{CertificateError, Transport};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use std::{fmt, io, net::SocketAddr, path::Path};
use tracing::{debug, error, info, warn};

#[derive(Debug, Clone)]
pub(super) struct Metrics {
    accepted: Family<By, Counter>,
    failed: Family<FailedBy, Counter>,
    accept_errors: Counter,
    pub(super) handshakes: Gauge,
    addresses: Gauge,
    certificate_broken: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct By {
    transport: Transport,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailedBy {
    transport: Transport,
    reason: &'static str,
}

impl EncodeLabelValue for Transport {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.scheme().encode(encoder)
    }
}

/// Why a client did not get through.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was too slow.
    Timeout,
    /// No TLS came about.
    Tls(Option<io::Error>),
    /// No WebSocket came about.
    WebSocket(Box<tokio_tungstenite::tungstenite::Error>),
    /// Its address has too many handshakes under way.
    TooMany,
    /// The door did not admit it.
    NotAdmitted,
    /// Its certificate is not of a device of this store.
    Foreign,
    /// Its certificate was taken back.
    Banned,
}

impl Failure {
    const fn reason(&self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Tls(_) => "tls",
            Self::WebSocket(_) => "websocket",
            Self::TooMany => "too_many",
            Self::NotAdmitted => "not_admitted",
            Self::Foreign => "foreign",
            Self::Banned => "banned",
        }
    }
}

impl Metrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            accepted: Family::default(),
            failed: Family::default(),
            accept_errors: Counter::default(),
            handshakes: Gauge::default(),
            addresses: Gauge::default(),
            certificate_broken: Gauge::default(),
        };
        let registry = registry.sub_registry_with_prefix("mqtt");
        registry.register(
            "transport_accepted",
            "Clients that came through all handshakes",
            metrics.accepted.clone(),
        );
        registry.register(
            "transport_refused",
            "Clients that did not; many `tls` are devices that do not know the certificate, or the wrong port; `foreign` show a certificate of another store",
            metrics.failed.clone(),
        );
        registry.register(
            "transport_accept_errors",
            "Failures to take a connection from the system; when it grows, the process is out of files",
            metrics.accept_errors.clone(),
        );
        registry.register(
            "transport_handshakes",
            "Handshakes under way; at its bound new clients wait",
            metrics.handshakes.clone(),
        );
        registry.register("transport_addresses", "Addresses that are listened on", metrics.addresses.clone());
        registry.register(
            "transport_certificate_broken",
            "1 while the certificate's files cannot be used and those read before are; the log says why",
            metrics.certificate_broken.clone(),
        );
        metrics
    }

    pub(super) fn accepted(&self, transport: Transport) {
        self.accepted.get_or_create(&By { transport }).inc();
    }

    pub(super) fn refused(&self, transport: Transport, peer: SocketAddr, failure: &Failure) {
        let reason = failure.reason();
        self.failed.get_or_create(&FailedBy { transport, reason }).inc();
        let cause: Option<&dyn fmt::Display> = match failure {
            Failure::Tls(Some(error)) => Some(error),
            Failure::WebSocket(error) => Some(error),
            _ => None,
        };
        debug!(%transport, %peer, reason, cause = cause.map(tracing::field::display), "a client did not get through");
    }

    pub(super) fn accept_failed(&self, address: SocketAddr, cause: &io::Error) {
        self.accept_errors.inc();
        warn!(%address, %cause, "cannot take a connection; trying again");
    }

    pub(super) fn listening(&self, transport: Transport, address: SocketAddr) {
        self.addresses.inc();
        info!(%transport, %address, "listening for MQTT");
    }

    pub(super) fn stopped(&self, transport: Transport, address: SocketAddr) {
        self.addresses.dec();
        info!(%transport, %address, "the address is gone; no longer listening for MQTT");
    }

    pub(super) fn cannot_listen(key: &'static str, address: SocketAddr, cause: &io::Error) {
        debug!(key, %address, %cause, "cannot listen yet; trying again");
    }

    pub(super) fn certificate_made(path: &Path) {
        info!(path = %path.display(), "made a self-signed certificate; give a copy of it to the devices");
    }

    pub(super) fn certificate_renewed(&self, path: &Path) {
        self.certificate_broken.set(0);
        info!(path = %path.display(), "certificates read again");
    }

    pub(super) fn certificate_broken(&self, path: &Path, cause: &CertificateError) {
        self.certificate_broken.set(1);
        let source = std::error::Error::source(cause).map(ToString::to_string);
        error!(path = %path.display(), %cause, source, "changed certificates cannot be used; those read before are");
    }
}
