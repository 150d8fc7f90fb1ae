//! What the journal says about itself: each event is one log line and the metrics that go with it.

use crate::{recovery::Recovery, ticket::Failure};
use prometheus_client::{
    metrics::{
        counter::Counter,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use std::{path::Path, time::Duration};
use tracing::{debug, error, info, trace, warn};

/// The journal's metrics; clones share their values.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    commits: Counter,
    records: Counter,
    bytes: Counter,
    commit_seconds: Histogram,
    commit_records: Histogram,
    queue_bytes: Gauge,
    durable_seq: Gauge,
    segments: Gauge,
    cut_bytes: Counter,
    quarantined_records: Counter,
    refused_for_space: Counter,
    failed: Gauge,
}

impl Metrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            commits: Counter::default(),
            records: Counter::default(),
            bytes: Counter::default(),
            // 50 µs to 1.6 s: from a disk with a write cache of its own to a worn-out card.
            commit_seconds: Histogram::new(exponential_buckets(50e-6, std::f64::consts::SQRT_2, 32)),
            commit_records: Histogram::new(exponential_buckets(1.0, 4.0, 9)),
            queue_bytes: Gauge::default(),
            durable_seq: Gauge::default(),
            segments: Gauge::default(),
            cut_bytes: Counter::default(),
            quarantined_records: Counter::default(),
            refused_for_space: Counter::default(),
            failed: Gauge::default(),
        };
        let registry = registry.sub_registry_with_prefix("journal");
        registry.register("commits", "Commits, each one fdatasync", metrics.commits.clone());
        registry.register("records", "Records committed", metrics.records.clone());
        registry.register_with_unit("written", "Bytes committed", Unit::Bytes, metrics.bytes.clone());
        registry.register_with_unit(
            "commit_duration",
            "From taking the queue to waking the writers",
            Unit::Seconds,
            metrics.commit_seconds.clone(),
        );
        registry.register("commit_records", "Records in a commit", metrics.commit_records.clone());
        registry.register_with_unit(
            "queue",
            "Bytes that wait for their commit or are in it",
            Unit::Bytes,
            metrics.queue_bytes.clone(),
        );
        registry.register("durable_seq", "The last durable sequence number", metrics.durable_seq.clone());
        registry.register("segments", "Segments in the directory", metrics.segments.clone());
        registry.register_with_unit(
            "cut",
            "Bytes of torn, never acknowledged tails cut at opening",
            Unit::Bytes,
            metrics.cut_bytes.clone(),
        );
        registry.register(
            "quarantined_records",
            "Acknowledged records that were damaged and set aside",
            metrics.quarantined_records.clone(),
        );
        registry.register(
            "refused_for_space_batches",
            "Batches refused because the disk is full",
            metrics.refused_for_space.clone(),
        );
        registry.register("failed", "1 when the journal has failed", metrics.failed.clone());
        metrics
    }
}

fn gauge(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The journal is open.
pub(crate) struct Opened<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) recovery: &'a Recovery,
}

impl Opened<'_> {
    pub(crate) fn emit(&self, metrics: &Metrics) {
        let Recovery { first, durable, segments, cut_bytes, quarantined, bad_headers, .. } = self.recovery;
        metrics.segments.set(gauge(*segments));
        metrics.durable_seq.set(gauge(*durable));
        metrics.cut_bytes.inc_by(*cut_bytes);
        let dir = self.dir.display();
        info!(%dir, first, durable, segments, "journal open");
        if *cut_bytes > 0 {
            warn!(%dir, cut_bytes, "a torn, never acknowledged tail was cut");
        }
        for damage in bad_headers {
            warn!(%dir, %damage, "a segment's header is read from its second copy");
        }
        for quarantined in quarantined {
            Quarantined { dir: self.dir, quarantined }.emit(metrics);
        }
    }
}

/// Damaged records were set aside.
pub(crate) struct Quarantined<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) quarantined: &'a crate::salvage::Quarantined,
}

impl Quarantined<'_> {
    pub(crate) fn emit(&self, metrics: &Metrics) {
        let crate::salvage::Quarantined { segment, file, gaps, .. } = self.quarantined;
        for gap in gaps {
            metrics.quarantined_records.inc_by(gap.records());
            error!(
                dir = %self.dir.display(), segment, file = %file.display(), offset = gap.offset, first = gap.first,
                records = gap.records(), "acknowledged records are damaged and were set aside"
            );
        }
    }
}

/// A commit is durable and its writers are awake.
pub(crate) struct Durable {
    pub(crate) last: u64,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) queue_bytes: usize,
    pub(crate) elapsed: Duration,
}

impl Durable {
    pub(crate) fn emit(&self, metrics: &Metrics) {
        metrics.commits.inc();
        metrics.records.inc_by(self.records);
        metrics.bytes.inc_by(self.bytes);
        metrics.commit_seconds.observe(self.elapsed.as_secs_f64());
        metrics.commit_records.observe(self.records as f64);
        metrics.queue_bytes.set(gauge(self.queue_bytes as u64));
        metrics.durable_seq.set(gauge(self.last));
        trace!(last = self.last, records = self.records, bytes = self.bytes, "commit durable");
    }
}

/// A new segment is in use.
pub(crate) struct Rolled<'a> {
    pub(crate) segment: &'a str,
    pub(crate) segments: u64,
}

impl Rolled<'_> {
    pub(crate) fn emit(&self, metrics: &Metrics) {
        metrics.segments.set(gauge(self.segments));
        debug!(segment = self.segment, segments = self.segments, "segment started");
    }
}

/// A segment was removed from the front.
pub(crate) struct TrimmedFront {
    pub(crate) segments: u64,
    pub(crate) first: u64,
}

impl TrimmedFront {
    pub(crate) fn emit(&self, metrics: &Metrics) {
        metrics.segments.set(gauge(self.segments));
        info!(segments = self.segments, first = self.first, "journal trimmed");
    }
}

/// Batches were refused because the disk is full.
pub(crate) struct Refused {
    pub(crate) batches: u64,
    pub(crate) needed_bytes: u64,
    pub(crate) available_bytes: u64,
}

impl Refused {
    pub(crate) fn emit(&self, metrics: &Metrics) {
        metrics.refused_for_space.inc_by(self.batches);
        let Self { batches, needed_bytes, available_bytes } = self;
        error!(batches, needed_bytes, available_bytes, "the disk is full; batches are refused");
    }
}

/// The journal takes no more records.
pub(crate) struct Failed<'a> {
    pub(crate) failure: &'a Failure,
}

impl Failed<'_> {
    pub(crate) fn emit(&self, metrics: &Metrics) {
        metrics.failed.set(1);
        error!(cause = %self.failure, "the journal has failed and takes no more records");
    }
}
