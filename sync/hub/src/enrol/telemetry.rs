//! What the port where boxes enrol tells of itself.

use crate::callers::Refusals;
use aisle_provisioning::code::Code;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfOutcome {
    outcome: String,
}

/// Its metrics. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Telemetry {
    answers: Family<OfOutcome, Counter>,
    callers: Refusals,
    cut: Counter,
    ends: Gauge,
}

impl Telemetry {
    /// Registers them.
    pub fn register(registry: &mut Registry) -> Self {
        let telemetry = Self {
            answers: Family::default(),
            callers: Refusals::register(registry),
            cut: Counter::default(),
            ends: Gauge::default(),
        };
        registry.register(
            "aisle_hub_enrolment_answers",
            "Answers to boxes, by `issued` or the code of the refusal. Many of one code: the table of codes says what to do.",
            telemetry.answers.clone(),
        );
        registry.register(
            "aisle_hub_connections_cut",
            "Connections of nodes that were ended because the node may not come in any more.",
            telemetry.cut.clone(),
        );
        registry.register(
            "aisle_hub_certificate_ends_seconds",
            "When this hub's own certificate ends, in seconds since 1970. Nearer than a few days: the issuing authority is locked or over.",
            telemetry.ends.clone(),
        );
        telemetry
    }

    pub(super) fn issued(&self) {
        self.answers.get_or_create(&OfOutcome { outcome: "issued".to_owned() }).inc();
    }

    pub(super) fn refused(&self, code: Code) {
        self.answers.get_or_create(&OfOutcome { outcome: code.to_string() }).inc();
    }

    /// Who never gets to ask, at this port and at that for people.
    pub(crate) fn callers(&self) -> Refusals {
        self.callers.clone()
    }

    pub(super) fn cut(&self, connections: usize) {
        self.cut.inc_by(connections as u64);
    }

    pub(super) fn ends(&self, at_ms: i64) {
        self.ends.set(at_ms / 1_000);
    }
}
