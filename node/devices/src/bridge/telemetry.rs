//! What bridges count, and what they say in the log: each line and its metric come from one place.

use super::{
    status::StatusHandle,
    verdict::{Quiet, Refusal},
};
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

type Bridge = [(&'static str, String); 1];
type Direction = [(&'static str, String); 2];
type Why = [(&'static str, String); 3];

/// The metrics of all bridges of a node. A clone is cheap.
#[derive(Debug, Clone)]
pub struct Metrics {
    connected: Family<Bridge, Gauge>,
    connections: Family<Bridge, Counter>,
    failures: Family<Bridge, Counter>,
    messages: Family<Direction, Counter>,
    message_bytes: Family<Direction, Counter>,
    refused: Family<Why, Counter>,
    held: Family<Direction, Gauge>,
    in_held: Family<Bridge, Gauge>,
}

impl Metrics {
    /// Registers them, below `bridge`.
    pub fn new(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("bridge");
        let this = Self {
            connected: Family::default(),
            connections: Family::default(),
            failures: Family::default(),
            messages: Family::default(),
            message_bytes: Family::default(),
            refused: Family::default(),
            held: Family::default(),
            in_held: Family::default(),
        };
        registry.register("connected", "1 when messages can cross", this.connected.clone());
        registry.register("connections", "Connections that came about", this.connections.clone());
        registry.register("failures", "Connections that ended or did not come about", this.failures.clone());
        registry.register("messages", "Messages that crossed, by direction", this.messages.clone());
        registry.register_with_unit(
            "message_payload",
            "Payload of messages that came to the bridge, by direction",
            Unit::Bytes,
            this.message_bytes.clone(),
        );
        registry.register(
            "refused",
            "Messages that will not cross, by direction and reason",
            this.refused.clone(),
        );
        registry.register("held", "Messages on their way, by direction", this.held.clone());
        registry.register_with_unit(
            "in_held",
            "Memory of messages that wait for the journal",
            Unit::Bytes,
            this.in_held.clone(),
        );
        this
    }

    pub(super) fn of(&self, name: &str, status: StatusHandle) -> Telemetry {
        let bridge = || [("bridge", name.to_owned())];
        let direction = |way: &str| [("bridge", name.to_owned()), ("direction", way.to_owned())];
        Telemetry {
            name: name.to_owned(),
            status,
            connected: self.connected.get_or_create_owned(&bridge()),
            connections: self.connections.get_or_create_owned(&bridge()),
            failures: self.failures.get_or_create_owned(&bridge()),
            messages_in: self.messages.get_or_create_owned(&direction("in")),
            messages_out: self.messages.get_or_create_owned(&direction("out")),
            bytes_in: self.message_bytes.get_or_create_owned(&direction("in")),
            bytes_out: self.message_bytes.get_or_create_owned(&direction("out")),
            held_in: self.held.get_or_create_owned(&direction("in")),
            held_out: self.held.get_or_create_owned(&direction("out")),
            in_held: self.in_held.get_or_create_owned(&bridge()),
            refused: self.refused.clone(),
            quiet_in: Quiet::default(),
            quiet_out: Quiet::default(),
        }
    }
}

/// What one bridge counts and says.
#[derive(Debug)]
pub(super) struct Telemetry {
    name: String,
    status: StatusHandle,
    connected: Gauge,
    connections: Counter,
    failures: Counter,
    messages_in: Counter,
    messages_out: Counter,
    bytes_in: Counter,
    bytes_out: Counter,
    held_in: Gauge,
    held_out: Gauge,
    in_held: Gauge,
    refused: Family<Why, Counter>,
    quiet_in: Quiet,
    quiet_out: Quiet,
}

impl Telemetry {
    pub(super) fn connected(&self, session_present: bool) {
        self.connected.set(1);
        self.connections.inc();
        self.status.lock().set_connected(true);
        tracing::info!(bridge = self.name, session_present, "bridge connected");
    }

    /// The connection ended as it was asked to.
    pub(super) fn stopped(&self) {
        self.connected.set(0);
        self.status.lock().set_connected(false);
        tracing::info!(bridge = self.name, "bridge stopped");
    }

    pub(super) fn failed(&self, error: &dyn std::fmt::Display, wait_ms: u64) {
        self.connected.set(0);
        self.failures.inc();
        let error = error.to_string();
        tracing::warn!(bridge = self.name, error, wait_ms, "bridge not connected");
        let mut status = self.status.lock();
        status.set_connected(false);
        status.set_error(error);
    }

    /// Something is wrong, and the connection goes on.
    pub(super) fn warn(&self, error: String) {
        tracing::warn!(bridge = self.name, error, "bridge");
        self.status.lock().set_error(error);
    }

    pub(super) fn came(&self, bytes: usize) {
        self.bytes_in.inc_by(bytes as u64);
    }

    pub(super) fn goes(&self, bytes: usize) {
        self.bytes_out.inc_by(bytes as u64);
    }

    pub(super) fn brought_in(&self) {
        self.messages_in.inc();
        self.status.lock().in_count += 1;
    }

    pub(super) fn brought_out(&self) {
        self.messages_out.inc();
        self.status.lock().out_count += 1;
    }

    pub(super) fn refused_in(&mut self, refusal: Refusal) {
        let silent = self.quiet_in.speak(refusal);
        self.refused("in", refusal, silent);
    }

    pub(super) fn refused_out(&mut self, refusal: Refusal) {
        let silent = self.quiet_out.speak(refusal);
        self.refused("out", refusal, silent);
    }

    fn refused(&self, direction: &'static str, refusal: Refusal, silent: Option<u64>) {
        let reason = refusal.as_str();
        let labels =
            [("bridge", self.name.clone()), ("direction", direction.into()), ("reason", reason.into())];
        self.refused.get_or_create_owned(&labels).inc();
        self.status.lock().refused_count += 1;
        if let Some(silent) = silent {
            tracing::warn!(
                bridge = self.name,
                direction,
                reason,
                and_before = silent,
                "message did not cross"
            );
        }
    }

    pub(super) fn held(&self, inward: usize, inward_bytes: usize, outward: usize) {
        let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.held_in.set(gauge(inward));
        self.held_out.set(gauge(outward));
        self.in_held.set(gauge(inward_bytes));
        let mut status = self.status.lock();
        status.in_held_count = inward;
        status.out_held_count = outward;
    }
}
