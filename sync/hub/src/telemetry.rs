//! What the hub tells of itself: metrics in a registry that is passed in, and the log lines that go with them.

use crate::{database::Database, recent::Recent};
use aisle_event::StoreId;
use aisle_fleet::says::SaysError;
use aisle_protocol::{Checked, LogId, hub::Alert};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfClass {
    class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    question: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfReason {
    reason: &'static str,
}

/// The hub's metrics. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Telemetry {
    events: Family<OfClass, Counter>,
    bytes: Family<OfClass, Counter>,
    admissions: Histogram,
    conflicts: Counter,
    busy: Family<Of, Counter>,
    alerts: Family<OfReason, Counter>,
    says: Family<OfReason, Counter>,
    recent: Recent,
}

impl Telemetry {
    /// Registers them.
    pub fn register(registry: &mut Registry) -> Self {
        let telemetry = Self {
            events: Family::default(),
            bytes: Family::default(),
            admissions: Histogram::new(exponential_buckets(0.001, 2.0, 14)),
            conflicts: Counter::default(),
            busy: Family::default(),
            alerts: Family::default(),
            says: Family::default(),
            recent: Recent::default(),
        };
        let Self { events, bytes, admissions, conflicts, busy, alerts, says, .. } = &telemetry;
        registry.register(
            "aisle_hub_events_received",
            "Events in batches that came, those that were there already too. Flat while nodes are connected: look at alerts.",
            events.clone(),
        );
        registry.register_with_unit(
            "aisle_hub_batches",
            "What these batches weigh on the wire.",
            Unit::Bytes,
            bytes.clone(),
        );
        registry.register_with_unit(
            "aisle_hub_admission",
            "From a checked batch to its commit. Long: the database's disk is slow, or too much comes at once.",
            Unit::Seconds,
            admissions.clone(),
        );
        registry.register(
            "aisle_hub_admission_conflicts",
            "Admissions that another hub was faster with. Grows much: one store calls two hubs.",
            conflicts.clone(),
        );
        registry.register(
            "aisle_hub_busy",
            "Questions that the database did not answer in time. Grows: it is slow, full or gone.",
            busy.clone(),
        );
        registry.register(
            "aisle_hub_alerts",
            "Forks, refusals and peers that lie. Any: look at the log and at the store's quarantined logs.",
            alerts.clone(),
        );
        registry.register(
            "aisle_hub_reports_refused",
            "Reports of nodes of themselves that cannot be read, by reason: too much, no frame, no report. Any: a node runs a build that this hub does not know; the log names it.",
            says.clone(),
        );
        telemetry
    }

    pub(crate) fn admitted(&self, log: &LogId, batches: &[Checked], bytes: u64, elapsed: Duration) {
        let of = OfClass { class: log.class.as_str() };
        let events = batches.iter().map(|batch| u64::from(batch.header().count)).sum();
        self.events.get_or_create(&of).inc_by(events);
        self.bytes.get_or_create(&of).inc_by(bytes);
        self.admissions.observe(elapsed.as_secs_f64());
        tracing::debug!(%log, events, bytes, ?elapsed, "admitted");
    }

    /// The last alerts, for people.
    #[must_use]
    pub fn recent(&self) -> Recent {
        self.recent.clone()
    }

    pub(crate) fn conflict(&self) {
        self.conflicts.inc();
    }

    pub(crate) fn busy(&self, question: &'static str) {
        self.busy.get_or_create(&Of { question }).inc();
    }

    pub(crate) fn report_refused(&self, error: &SaysError) {
        let reason = match error {
            SaysError::Bound { .. } => "too_much",
            SaysError::Frame => "no_frame",
            _ => "no_report",
        };
        self.says.get_or_create(&OfReason { reason }).inc();
    }

    pub(crate) fn alert(&self, store: &StoreId, alert: &Alert) {
        let reason = match alert {
            Alert::CutOff { code, text, .. } => {
                tracing::warn!(%store, %code, text, "a peer was cut off");
                code.as_str()
            }
            Alert::TooLong { message, bytes, bytes_max, .. } => {
                tracing::warn!(%store, message, bytes, bytes_max, "a message was too long to be told");
                "too_long"
            }
            Alert::Refused { log, stop } => {
                tracing::warn!(%log, ?stop, "a log goes no further");
                stop.refusal().map_or("gap", |(code, _)| code.as_str())
            }
        };
        self.alerts.get_or_create(&OfReason { reason }).inc();
        self.recent.note(Database::now_ms(), store, alert);
    }
}
