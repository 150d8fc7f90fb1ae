//! What the outbox says about itself: each notice is one log line and the metric that goes with it.

use crate::{log::ClassLog, notice::Notice};
use aisle_event::LogClass;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use tracing::{error, info, warn};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabel {
    class: &'static str,
}

impl ClassLabel {
    const fn of(class: LogClass) -> Self {
        Self { class: class.as_str() }
    }
}

/// The metrics; clones share their values.
#[derive(Debug, Clone, Default)]
pub(crate) struct Telemetry {
    sealed: Family<ClassLabel, Gauge>,
    waiting: Family<ClassLabel, Gauge>,
    kept: Family<ClassLabel, Gauge>,
    epochs: Family<ClassLabel, Counter>,
    shed: Family<ClassLabel, Counter>,
    projected: Gauge,
    missed: Counter,
    undecodable: Counter,
    too_large: Counter,
    untold: Counter,
    no_space: Counter,
}

impl Telemetry {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let all = Self::default();
        let registry = registry.sub_registry_with_prefix("outbox");
        registry.register(
            "sealed_seq",
            "The last event that is sealed, in the running epoch",
            all.sealed.clone(),
        );
        registry.register(
            "waiting_events",
            "Sealed events that no hub has acknowledged; look at the line when it only grows",
            all.waiting.clone(),
        );
        registry.register_with_unit(
            "kept",
            "What sealed batches take on disk",
            Unit::Bytes,
            all.kept.clone(),
        );
        registry.register(
            "epochs",
            "Epochs begun; each is a lost log or a hub that was set back",
            all.epochs.clone(),
        );
        registry.register("shed_events", "Events that were dropped for want of room", all.shed.clone());
        registry.register(
            "projected_seq",
            "The last journal record that all classes have gone through",
            all.projected.clone(),
        );
        registry.register(
            "missed_records",
            "Journal records that were gone before they were gone through",
            all.missed.clone(),
        );
        registry.register(
            "undecodable_records",
            "Journal records that are no event that can be read",
            all.undecodable.clone(),
        );
        registry.register(
            "too_large_events",
            "Events that are too large for a batch and stay",
            all.too_large.clone(),
        );
        registry.register(
            "untold_windows",
            "Windows of aggregates that were not told: their budget is used up",
            all.untold.clone(),
        );
        registry.register("no_space", "Times that the disk was full", all.no_space.clone());
        all
    }

    /// Registers all of them with a sample each, for a reference: what has no sample is not shown.
    pub(crate) fn describe(registry: &mut Registry) {
        let all = Self::new(registry);
        let label = ClassLabel::of(LogClass::Sales);
        for gauges in [&all.sealed, &all.waiting, &all.kept] {
            gauges.get_or_create(&label).set(0);
        }
        for counters in [&all.epochs, &all.shed] {
            counters.get_or_create(&label).inc_by(0);
        }
    }

    pub(crate) fn stands(&self, log: &ClassLog) {
        let label = ClassLabel::of(log.class);
        let index = log.index();
        self.sealed.get_or_create(&label).set(index.last.seq.cast_signed());
        let waiting = index.last.seq.saturating_sub(index.acked.seq);
        self.waiting.get_or_create(&label).set(waiting.cast_signed());
        self.kept.get_or_create(&label).set(index.bytes().cast_signed());
    }

    pub(crate) fn projected(&self, seq: u64) {
        self.projected.set(seq.cast_signed());
    }

    pub(crate) fn tell(&self, notice: &Notice) {
        match notice {
            Notice::Begun { class, epoch, after, why } => {
                self.epochs.get_or_create(&ClassLabel::of(*class)).inc();
                info!(%class, %epoch, after, %why, "the outbox begins a new epoch");
            }
            Notice::Shed { class, events, bytes } => {
                self.shed.get_or_create(&ClassLabel::of(*class)).inc_by(*events);
                error!(%class, events, bytes, "the outbox is full: the older half of what waited is dropped");
            }
            Notice::Full { bytes, bytes_max } => {
                error!(bytes, bytes_max, "the outbox is full, and nothing in it may be dropped");
            }
            Notice::NoSpace { class } => {
                self.no_space.inc();
                error!(%class, "no room on the disk: the outbox waits");
            }
            Notice::Missed { first, last } => {
                self.missed.inc_by(last.saturating_sub(*first).saturating_add(1));
                error!(first, last, "journal records were gone before the outbox had them");
            }
            Notice::Undecodable { record } => {
                self.undecodable.inc();
                warn!(record, "a journal record is no event that can be read: it stays");
            }
            Notice::TooLarge { record, bytes } => {
                self.too_large.inc();
                warn!(record, bytes, "an event is too large for a batch: it stays");
            }
            Notice::BudgetSpent { windows } => {
                self.untold.inc_by(*windows as u64);
                warn!(windows, "aggregates were not told: the budget of their noise is used up");
            }
            Notice::AggregatesDropped { count } => {
                warn!(count, "aggregates of an earlier epoch are not told again: the policy has changed");
            }
            Notice::NoEntropy => error!("there is no randomness for the noise of aggregates"),
        }
    }
}
