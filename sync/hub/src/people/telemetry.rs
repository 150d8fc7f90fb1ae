//! What is counted of people: sign-ins, refusals, waits. In a registry that is passed in; the audit log says who and why.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfReason {
    reason: &'static str,
}

/// The counters. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Telemetry {
    sign_ins: Family<Of, Counter>,
    refusals: Family<OfReason, Counter>,
}

impl Telemetry {
    /// Registers them.
    pub fn register(registry: &mut Registry) -> Self {
        let telemetry = Self::default();
        registry.register(
            "aisle_hub_sign_ins",
            "Sign-ins by what came of them. `wrong` or `blocked` grows much: somebody tries passwords; the audit log says from where.",
            telemetry.sign_ins.clone(),
        );
        registry.register(
            "aisle_hub_refusals",
            "Requests of people and programs that were refused, by reason. Grows: somebody lacks a role, or tries what they may not.",
            telemetry.refusals.clone(),
        );
        telemetry
    }

    pub(crate) fn sign_in(&self, outcome: &'static str) {
        self.sign_ins.get_or_create(&Of { outcome }).inc();
    }

    pub(crate) fn refused(&self, reason: &'static str) {
        self.refusals.get_or_create(&OfReason { reason }).inc();
    }
}
