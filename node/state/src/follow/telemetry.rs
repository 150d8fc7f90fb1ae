//! What a follower counts and logs. A log line and its metric come from one place.

use aisle_event::DecodeError;
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

#[derive(Debug, Default)]
pub(super) struct Telemetry {
    applied: Gauge,
    lost: Counter,
    undecodable: Counter,
    proposed: Counter,
    snapshots: Counter,
    snapshot_failures: Counter,
}

impl Telemetry {
    pub(super) fn new(name: &'static str, registry: &mut Registry) -> Self {
        let telemetry = Self::default();
        let registry = registry.sub_registry_with_prefix(name);
        registry.register(
            "applied_seq",
            "Last journal record in the projection; far behind the journal means that it cannot keep up",
            telemetry.applied.clone(),
        );
        registry.register(
            "lost",
            "Records that the journal could not give to the projection",
            telemetry.lost.clone(),
        );
        registry.register(
            "undecodable",
            "Records of the projection whose bytes do not decode",
            telemetry.undecodable.clone(),
        );
        registry.register(
            "concluded",
            "Events that followed from others and were written by the projection",
            telemetry.proposed.clone(),
        );
        registry.register("snapshots", "Snapshots written", telemetry.snapshots.clone());
        registry.register(
            "snapshot_failures",
            "Snapshots that could not be written; look at the disk",
            telemetry.snapshot_failures.clone(),
        );
        telemetry
    }

    pub(super) fn applied(&self, seq: u64) {
        self.applied.set(seq.cast_signed());
    }

    pub(super) fn lost(&self, records: u64) {
        self.lost.inc_by(records);
    }

    pub(super) fn undecodable(&self, seq: u64, error: &DecodeError) {
        tracing::warn!(seq, %error, "a record does not decode");
        self.undecodable.inc();
    }

    pub(super) fn proposed(&self, events: usize) {
        self.proposed.inc_by(events as u64);
    }

    pub(super) fn snapshot(&self, part: &'static str, applied: u64, written: Result<(), String>) {
        match written {
            Ok(()) => {
                tracing::debug!(part, applied, "a snapshot was written");
                self.snapshots.inc();
            }
            Err(reason) => {
                tracing::warn!(part, applied, reason, "a snapshot could not be written");
                self.snapshot_failures.inc();
            }
        }
    }
}
