//! What the service counts, and what it says in the log: each line and its metric come from one place.

use aisle_event::device::DeviceProblem;
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// Why something that came is not in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Dropped {
    /// The device is not approved.
    Untrusted,
    /// The device was never announced.
    Unknown,
    /// It was retained: it is no news.
    Retained,
    /// The number was there before.
    Duplicate,
    /// The device sends too much.
    Flood,
    /// It cannot be read, or cannot be true.
    Refused,
    /// There is no room for another device.
    Shed,
    /// The device was retired.
    Retired,
    /// Nobody waits for this answer.
    Unasked,
}

impl Dropped {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted",
            Self::Unknown => "unknown",
            Self::Retained => "retained",
            Self::Duplicate => "duplicate",
            Self::Flood => "flood",
            Self::Refused => "refused",
            Self::Shed => "shed",
            Self::Retired => "retired",
            Self::Unasked => "unasked",
        }
    }
}

type Label = [(&'static str, &'static str); 1];

/// The service's metrics. A clone is cheap.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    messages: Counter,
    readings: Counter,
    batches: Counter,
    dropped: Family<Label, Counter>,
    problems: Family<Label, Counter>,
    held_up: Counter,
    connected: Gauge,
    tracked: Gauge,
    published: Family<Label, Counter>,
}

impl Metrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("devices");
        let this = Self {
            messages: Counter::default(),
            readings: Counter::default(),
            batches: Counter::default(),
            dropped: Family::default(),
            problems: Family::default(),
            held_up: Counter::default(),
            connected: Gauge::default(),
            tracked: Gauge::default(),
            published: Family::default(),
        };
        registry.register("messages", "Messages of devices that were looked at", this.messages.clone());
        registry.register(
            "readings",
            "Numbers of approved devices that went to the journal",
            this.readings.clone(),
        );
        registry.register("batches", "Batches of events that went to the journal", this.batches.clone());
        registry.register(
            "dropped",
            "What devices said that is not in the journal, by reason; `flood` and `shed` want a look at the staff board",
            this.dropped.clone(),
        );
        registry.register(
            "problems",
            "What was wrong with what devices sent, by kind; the journal holds at most one an hour for each device",
            this.problems.clone(),
        );
        registry.register(
            "held_up",
            "Times that the journal had no room; devices wait meanwhile, and nothing is lost",
            this.held_up.clone(),
        );
        registry.register("connected", "1 while the service is at the broker", this.connected.clone());
        registry.register(
            "tracked",
            "Devices whose rates and last words are in memory",
            this.tracked.clone(),
        );
        registry.register(
            "published",
            "What was published to devices: desired settings, commands, and what was cleared",
            this.published.clone(),
        );
        this
    }

    pub(super) fn dropped(&self, why: Dropped) {
        self.dropped.get_or_create_owned(&[("reason", why.as_str())]).inc();
    }

    pub(super) fn problem(&self, problem: DeviceProblem) {
        self.problems.get_or_create_owned(&[("kind", problem.as_str())]).inc();
    }

    pub(super) fn fault(&self, device: &str, problem: DeviceProblem, detail: &str) {
        tracing::warn!(device, problem = problem.as_str(), detail, "device faulted");
    }

    pub(super) fn committed(&self, messages: usize, readings: usize, events: usize) {
        self.messages.inc_by(messages as u64);
        self.readings.inc_by(readings as u64);
        self.batches.inc_by(u64::from(events > 0));
    }

    pub(super) fn held_up(&self, why: &dyn std::fmt::Display) {
        self.held_up.inc();
        tracing::warn!(%why, "what devices sent waits for the journal");
    }

    pub(super) fn connected(&self) {
        self.connected.set(1);
        tracing::info!("listening to devices");
    }

    pub(super) fn disconnected(&self, why: &str) {
        self.connected.set(0);
        tracing::warn!(why, "not listening to devices; trying again");
    }

    pub(super) fn tracked(&self, count: usize) {
        self.tracked.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    pub(super) fn published(&self, what: &'static str) {
        self.published.get_or_create_owned(&[("what", what)]).inc();
    }
}
