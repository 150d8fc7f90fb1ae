//! What the state counts and logs. A log line and its metric come from one place.

use crate::{open::Rebuilt, shop::Shop};
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

/// Metrics of the state, registered once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Telemetry {
    applied: Gauge,
    rebuilds: Counter,
    checkpoints: Counter,
    checkpoint_failures: Counter,
    checkpoint_seq: Gauge,
    products: Gauge,
    sessions: Gauge,
    history: Gauge,
    undecodable: Gauge,
    without_effect: Gauge,
    lost: Gauge,
}

impl Telemetry {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let telemetry = Self::default();
        let state = registry.sub_registry_with_prefix("state");
        state.register("applied_seq", "Last journal record that the state holds", telemetry.applied.clone());
        state.register(
            "rebuilds",
            "Times the index was made again because it could not be used",
            telemetry.rebuilds.clone(),
        );
        state.register("checkpoints", "Checkpoints written", telemetry.checkpoints.clone());
        state.register(
            "checkpoint_failures",
            "Checkpoints that could not be written",
            telemetry.checkpoint_failures.clone(),
        );
        state.register(
            "checkpoint_seq",
            "Last record in the latest checkpoint",
            telemetry.checkpoint_seq.clone(),
        );
        state.register("products", "Products on offer", telemetry.products.clone());
        state.register("sessions", "Open kiosk sessions", telemetry.sessions.clone());
        state.register("history", "Visits and sales kept for recommendations", telemetry.history.clone());
        state.register("undecodable", "Records whose bytes do not decode", telemetry.undecodable.clone());
        state.register(
            "without_effect",
            "Events that had nothing to act on",
            telemetry.without_effect.clone(),
        );
        state.register("lost", "Records that the journal could not give", telemetry.lost.clone());
        telemetry
    }

    pub(crate) fn published(&self, shop: &Shop) {
        self.applied.set(shop.applied.cast_signed());
        self.products.set(shop.products.len().cast_signed() as i64);
        self.sessions.set(shop.sessions.len().cast_signed() as i64);
        self.history.set(shop.counts.history.cast_signed());
        self.undecodable.set(shop.counts.undecodable.cast_signed());
        self.without_effect.set(shop.counts.without_effect.cast_signed());
        self.lost.set(shop.counts.lost.cast_signed());
    }

    pub(crate) fn rebuilt(&self, rebuilt: &Rebuilt) {
        self.rebuilds.inc();
        tracing::warn!(
            reason = rebuilt.reason,
            from_seq = rebuilt.from_seq,
            quarantine = ?rebuilt.quarantine,
            passed_over = ?rebuilt.passed_over,
            "the index could not be used and is made again"
        );
    }

    pub(crate) fn checkpointed(&self, applied: u64) {
        self.checkpoints.inc();
        self.checkpoint_seq.set(applied.cast_signed());
        tracing::info!(applied, "checkpoint written");
    }

    pub(crate) fn checkpoint_failed(&self, error: &dyn std::error::Error) {
        self.checkpoint_failures.inc();
        tracing::error!(%error, source = ?error.source(), "checkpoint not written; the journal keeps what it would hold");
    }
}
