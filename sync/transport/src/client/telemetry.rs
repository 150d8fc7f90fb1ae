//! What the client counts and says. A log line and its metric come from one place.

use super::status::Status;
use crate::{Path, link::End};
use aisle_protocol::{LogClass, node::Alert};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use std::sync::atomic::AtomicU64;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PathLabel {
    path: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabel {
    path: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabel {
    class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DirectionLabel {
    direction: &'static str,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Metrics {
    connected: Family<PathLabel, Gauge>,
    opened: Family<PathLabel, Counter>,
    failures: Family<FailureLabel, Counter>,
    path_changes: Counter,
    sent: Family<ClassLabel, Counter>,
    fetched: Counter,
    udp: Family<DirectionLabel, Counter>,
    backlog: Family<ClassLabel, Gauge>,
    lag: Family<ClassLabel, Gauge<f64, AtomicU64>>,
    held: Family<ClassLabel, Gauge>,
    rtt: Gauge<f64, AtomicU64>,
    alerts: Family<KindLabel, Counter>,
    budget_failures: Counter,
}

impl Metrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "connected",
            "1 while the hub knows the node, by the path of the connection",
            metrics.connected.clone(),
        );
        registry.register("connections", "Connections that opened, by path", metrics.opened.clone());
        registry.register(
            "connection_failures",
            "Connections that could not be made or broke, by path and reason; many with `certificate_…` need a look at certificates and clocks",
            metrics.failures.clone(),
        );
        registry.register(
            "path_changes",
            "Times that connections went over to the other path; UDP is blocked somewhere when this grows",
            metrics.path_changes.clone(),
        );
        registry.register_with_unit(
            "sent",
            "Bytes of batches that went out, by class, those sent again included",
            Unit::Bytes,
            metrics.sent.clone(),
        );
        registry.register_with_unit(
            "fetched",
            "Bytes of manifests and pieces that came from the hub",
            Unit::Bytes,
            metrics.fetched.clone(),
        );
        registry.register_with_unit(
            "udp",
            "Bytes of UDP payload of QUIC connections, by direction",
            Unit::Bytes,
            metrics.udp.clone(),
        );
        registry.register(
            "backlog_events",
            "Sealed events that the hub has not acknowledged, by class",
            metrics.backlog.clone(),
        );
        registry.register_with_unit(
            "lag",
            "Age of the oldest sealed event that the hub has not acknowledged, by class",
            Unit::Seconds,
            metrics.lag.clone(),
        );
        registry.register(
            "held",
            "1 while a class waits for its byte budget or gives way to the kiosk",
            metrics.held.clone(),
        );
        registry.register_with_unit(
            "rtt",
            "Round trip to the hub over QUIC",
            Unit::Seconds,
            metrics.rtt.clone(),
        );
        registry.register(
            "alerts",
            "What an operator should look at, by kind; `diverged` and `hub_behind` come after a restore",
            metrics.alerts.clone(),
        );
        registry.register(
            "budget_save_failures",
            "Times that what was spent of the byte budgets could not be read or saved",
            metrics.budget_failures.clone(),
        );
        metrics
    }

    /// Registers all of them with a sample each, for a reference: what has no sample is not shown.
    pub(super) fn describe(registry: &mut Registry) {
        let metrics = Self::register(registry);
        metrics.connected(None);
        metrics.status(&Status::default());
        metrics.udp(0, 0);
        metrics.sent(LogClass::Sales, 0);
        let path = Path::Quic.as_str();
        metrics.opened.get_or_create(&PathLabel { path }).inc_by(0);
        metrics.failures.get_or_create(&FailureLabel { path, reason: "timeout" }).inc_by(0);
        metrics.alerts.get_or_create(&KindLabel { kind: "outbox" }).inc_by(0);
    }

    pub(super) fn opened(&self, path: Path, address: std::net::SocketAddr) {
        self.opened.get_or_create(&PathLabel { path: path.as_str() }).inc();
        tracing::info!(%path, %address, "the line to the hub is open");
    }

    pub(super) fn connected(&self, path: Option<Path>) {
        for each in Path::ALL {
            let is_it = i64::from(path == Some(each));
            self.connected.get_or_create(&PathLabel { path: each.as_str() }).set(is_it);
        }
    }

    pub(super) fn failed(&self, path: Path, end: &End) {
        self.failures.get_or_create(&FailureLabel { path: path.as_str(), reason: end.reason }).inc();
        tracing::info!(%path, reason = end.reason, "no line to the hub: {}", end.text);
    }

    pub(super) fn path_changed(&self, path: Path, because: &str) {
        self.path_changes.inc();
        tracing::warn!(%path, "the line to the hub goes another way: {because}");
    }

    pub(super) fn sent(&self, class: LogClass, bytes: u64) {
        self.sent.get_or_create(&label(class)).inc_by(bytes);
    }

    pub(super) fn fetched(&self, bytes: u64) {
        self.fetched.inc_by(bytes);
    }

    pub(super) fn udp(&self, sent: u64, received: u64) {
        self.udp.get_or_create(&DirectionLabel { direction: "out" }).inc_by(sent);
        self.udp.get_or_create(&DirectionLabel { direction: "in" }).inc_by(received);
    }

    pub(super) fn status(&self, status: &Status) {
        for (class, backlog) in status.backlog.iter() {
            let events = i64::try_from(backlog.events).unwrap_or(i64::MAX);
            self.backlog.get_or_create(&label(class)).set(events);
            self.lag.get_or_create(&label(class)).set(backlog.lag_ms as f64 / 1e3);
            self.held.get_or_create(&label(class)).set(backlog.is_held.into());
        }
        self.rtt.set(status.rtt_ms.unwrap_or(0) as f64 / 1e3);
    }

    pub(super) fn alert(&self, alert: &Alert) {
        let kind = match alert {
            Alert::HubBehind { .. } => "hub_behind",
            Alert::Diverged { .. } => "diverged",
            Alert::Refused { .. } => "refused",
            Alert::Outbox { .. } => "outbox",
            Alert::TooLong { .. } => "too_long",
        };
        self.alerts.get_or_create(&KindLabel { kind }).inc();
        tracing::warn!(kind, "sync: {alert:?}");
    }

    pub(super) fn budget_failed(&self, error: &std::io::Error) {
        self.budget_failures.inc();
        tracing::warn!("what was spent of the byte budgets cannot be kept: {error}");
    }
}

const fn label(class: LogClass) -> ClassLabel {
    ClassLabel { class: class.as_str() }
}
