//! What is counted of models.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    model: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Versioned {
    model: String,
    version: String,
}

/// The metrics. Names come from orders, and there are few of them.
#[derive(Debug)]
pub(crate) struct Telemetry {
    loaded: Family<Versioned, Gauge>,
    took: Family<Named, Histogram>,
    errors: Family<Named, Counter>,
    late: Family<Named, Counter>,
}

impl Telemetry {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let took: fn() -> Histogram = || Histogram::new(exponential_buckets(50e-6, 2.0, 16));
        let telemetry = Self {
            loaded: Family::default(),
            took: Family::new_with_constructor(took),
            errors: Family::default(),
            late: Family::default(),
        };
        let registry = registry.sub_registry_with_prefix("model");
        registry.register("loaded", "Models in force, by name and version; what was ordered and is not here wants a look at `aisle-node fleet status`", telemetry.loaded.clone());
        registry.register_with_unit("run", "How long models took to answer, with the wait for who asked before; above the card's `p99_us_max` it counts as late", Unit::Seconds, telemetry.took.clone());
        registry.register("run_errors", "Runs that failed, or gave what the card does not say; one in twenty and more take a new model back", telemetry.errors.clone());
        registry.register(
            "run_late",
            "Runs that took longer than the card allows: the box is busy, or the model too large for it",
            telemetry.late.clone(),
        );
        telemetry
    }

    /// These are in force now.
    pub(crate) fn loaded<'a>(&self, models: impl Iterator<Item = (&'a str, &'a str)>) {
        self.loaded.clear();
        for (model, version) in models {
            let labels = Versioned { model: model.to_owned(), version: version.to_owned() };
            self.loaded.get_or_create(&labels).set(1);
        }
    }

    /// One was asked.
    pub(crate) fn ran(&self, model: &str, us: u64, is_error: bool, is_late: bool) {
        let labels = Named { model: model.to_owned() };
        self.took.get_or_create(&labels).observe(us as f64 / 1e6);
        if is_error {
            self.errors.get_or_create(&labels).inc();
        }
        if is_late {
            self.late.get_or_create(&labels).inc();
        }
    }
}
