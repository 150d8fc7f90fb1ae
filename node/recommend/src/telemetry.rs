//! The counters, gauges and log lines of this crate. Counters are made once, so that counting on the way of a query
//! is one atomic addition.
//!
//! Not here: latency, which the caller measures with its clock.

use crate::{cache::Found, model::ModelSize};
use aisle_event::{
    Timestamp,
    shopper::{Rung, Slot},
};
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use std::{sync::atomic::AtomicU64, time::Duration};

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// What is counted.
#[derive(Debug)]
pub(crate) struct Telemetry {
    requests: Vec<((Slot, Rung), Counter)>,
    degraded: Counter,
    hits: Counter,
    misses: Counter,
    expired: Counter,
    sold_out: Counter,
    model_items: Gauge,
    model_sessions: Gauge,
    model_pairs: Gauge,
    model_as_of: Gauge<f64, AtomicU64>,
    delta_sessions: Gauge,
    training: Gauge<f64, AtomicU64>,
    rules_version: Gauge,
    rules_unknown: Gauge,
}

impl Telemetry {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("recommend");
        let requests = Family::<Labels<2>, Counter>::default();
        registry.register("requests", "Answers, by slot and by the rung that gave them", requests.clone());
        let cache = Family::<Labels<1>, Counter>::default();
        registry.register("cache_lookups", "Look-ups in the cache of answers, by outcome", cache.clone());
        let outcome = |text| cache.get_or_create_owned(&[("outcome", text)]);
        let each = |slot: Slot| {
            let requests = requests.clone();
            Rung::ALL.iter().map(move |&rung| {
                let labels = [("slot", slot.as_str()), ("rung", rung.as_str())];
                ((slot, rung), requests.get_or_create_owned(&labels))
            })
        };
        let this = Self {
            requests: Slot::ALL.iter().copied().flat_map(each).collect(),
            degraded: Counter::default(),
            hits: outcome("hit"),
            misses: outcome("miss"),
            expired: outcome("expired"),
            sold_out: outcome("sold-out"),
            model_items: Gauge::default(),
            model_sessions: Gauge::default(),
            model_pairs: Gauge::default(),
            model_as_of: Gauge::default(),
            delta_sessions: Gauge::default(),
            training: Gauge::default(),
            rules_version: Gauge::default(),
            rules_unknown: Gauge::default(),
        };
        registry.register(
            "degraded",
            "Answers without a model, or with one that is too old",
            this.degraded.clone(),
        );
        registry.register("model_items", "Items that the model knows", this.model_items.clone());
        registry.register("model_sessions", "Sessions that the model holds", this.model_sessions.clone());
        registry.register("model_pairs", "Pairs of items that the model holds", this.model_pairs.clone());
        registry.register_with_unit(
            "model_as_of",
            "The time up to which the model knows everything, since 1970",
            Unit::Seconds,
            this.model_as_of.clone(),
        );
        registry.register(
            "delta_sessions",
            "Sessions of today beside the model",
            this.delta_sessions.clone(),
        );
        registry.register_with_unit(
            "training",
            "How long the last training took",
            Unit::Seconds,
            this.training.clone(),
        );
        registry.register("rules_version", "The version of the rules", this.rules_version.clone());
        registry.register(
            "rules_unknown",
            "Products in the rules that nobody knows",
            this.rules_unknown.clone(),
        );
        this
    }

    pub(crate) fn answered(&self, slot: Slot, rung: Rung, degraded: bool) {
        if let Some((_, counter)) = self.requests.iter().find(|(labels, _)| *labels == (slot, rung)) {
            counter.inc();
        }
        if degraded {
            self.degraded.inc();
        }
    }

    pub(crate) fn looked_up(&self, found: &Found) {
        match found {
            Found::Hit(_) => self.hits.inc(),
            Found::Miss => self.misses.inc(),
            Found::Expired => self.expired.inc(),
            Found::SoldOut => self.sold_out.inc(),
        };
    }

    pub(crate) fn model_installed(&self, size: ModelSize, as_of: Timestamp) {
        self.model_items.set(size.items as i64);
        self.model_sessions.set(size.sessions as i64);
        self.model_pairs.set(size.pairs as i64);
        self.model_as_of.set(as_of.0 as f64 / 1000.0);
        self.delta_sessions.set(0);
        let ModelSize { items, sessions, pairs } = size;
        tracing::info!(items, sessions, pairs, as_of_ms = as_of.0, "model installed");
    }

    pub(crate) fn delta_installed(&self, sessions: usize) {
        self.delta_sessions.set(sessions as i64);
    }

    pub(crate) fn trained(&self, took: Duration) {
        self.training.set(took.as_secs_f64());
    }

    pub(crate) fn rules_installed(&self, version: u64, unknown: usize) {
        self.rules_version.set(version as i64);
        self.rules_unknown.set(unknown as i64);
        tracing::info!(version, unknown, "rules installed");
    }
}
