//! What the node counts of sync beside what outbox and line count themselves.

use aisle_protocol::PolicyId;
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

/// The metrics; clones share their values.
#[derive(Debug, Clone, Default)]
pub(super) struct Metrics {
    policy_version: Gauge,
    policies_refused: Counter,
    certificates_taken: Counter,
    rebinds: Counter,
    items_applied: Counter,
    items_refused: Counter,
}

impl Metrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "policy_version",
            "The version of the residency policy that the gate follows",
            metrics.policy_version.clone(),
        );
        registry.register(
            "policies_refused",
            "Policies of the hub that were not followed; the log says why",
            metrics.policies_refused.clone(),
        );
        registry.register(
            "certificates_taken",
            "Times that other certificate files were taken over",
            metrics.certificates_taken.clone(),
        );
        registry.register(
            "rebinds",
            "Times that this machine's addresses changed and the line went on from a new socket",
            metrics.rebinds.clone(),
        );
        registry.register(
            "items_applied",
            "Items of what the hub wants of the store that were applied; each once more after a start",
            metrics.items_applied.clone(),
        );
        registry.register(
            "items_refused",
            "Times that an item of what the hub wants of the store could not be applied; it is tried again",
            metrics.items_refused.clone(),
        );
        metrics
    }

    pub(super) fn item(&self, name: &str, outcome: &Result<(), String>) {
        match outcome {
            Ok(()) => {
                self.items_applied.inc();
                tracing::info!(name, "what the hub wants is applied");
            }
            Err(reason) => {
                self.items_refused.inc();
                tracing::warn!(name, "what the hub wants is not applied: {reason}");
            }
        }
    }

    pub(super) fn follows(&self, policy: PolicyId) {
        self.policy_version.set(i64::from(policy.version));
        tracing::info!(%policy, "the gate follows a policy");
    }

    pub(super) fn refused(&self, policy: PolicyId, reason: &str) {
        self.policies_refused.inc();
        tracing::error!(%policy, "a policy that the hub has sent is not followed: {reason}");
    }

    pub(super) fn took_certificates(&self) {
        self.certificates_taken.inc();
        tracing::info!("other certificates are shown to the hub from the next connection on");
    }

    pub(super) fn rebound(&self) {
        self.rebinds.inc();
        tracing::info!("this machine's addresses have changed");
    }
}
