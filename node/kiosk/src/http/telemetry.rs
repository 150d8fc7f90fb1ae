//! What the kiosk counts. A log line and its metric come from one place.

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
use std::{collections::HashMap, sync::Arc, time::Duration};

/// The label of requests that no route was found for.
const UNMATCHED: &str = "unmatched";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabel {
    route: String,
}

/// Metrics of the kiosk, registered once.
#[derive(Debug, Clone)]
pub(crate) struct Telemetry {
    routes: Arc<HashMap<String, RouteMetrics>>,
    pub(crate) in_flight: Gauge,
    pub(crate) sessions: Counter,
    pub(crate) checkouts: Counter,
    pub(crate) replays: Counter,
    dropped: Counter,
    pricing_lost: Counter,
    ranking_lost: Counter,
    shed: Counter,
    timeouts: Counter,
    panics: Counter,
}

/// The metrics of one route, looked up once and not with every request.
#[derive(Debug)]
struct RouteMetrics {
    by_class: [Counter; 5],
    seconds: Histogram,
}

impl Telemetry {
    /// Registers everything, with one series for each of the routes.
    pub(crate) fn new<'a>(registry: &mut Registry, routes: impl Iterator<Item = &'a str>) -> Self {
        let requests = Family::<RequestLabels, Counter>::default();
        let durations = Family::<RouteLabel, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.000_1, 2.0, 16))
        });
        let metrics = |route: &str| RouteMetrics {
            by_class: ["1xx", "2xx", "3xx", "4xx", "5xx"]
                .map(|status| requests.get_or_create(&RequestLabels { route: route.into(), status }).clone()),
            seconds: durations.get_or_create(&RouteLabel { route: route.into() }).clone(),
        };
        let routes = routes
            .chain([UNMATCHED])
            .map(|route| (route.to_owned(), metrics(route)))
            .collect::<HashMap<_, _>>();
        let telemetry = Self {
            routes: Arc::new(routes),
            in_flight: Gauge::default(),
            sessions: Counter::default(),
            checkouts: Counter::default(),
            replays: Counter::default(),
            dropped: Counter::default(),
            pricing_lost: Counter::default(),
            ranking_lost: Counter::default(),
            shed: Counter::default(),
            timeouts: Counter::default(),
            panics: Counter::default(),
        };
        let kiosk = registry.sub_registry_with_prefix("kiosk");
        kiosk.register("http_requests", "Requests answered, by route and class of status", requests);
        kiosk.register_with_unit("http_duration", "Time to the answer, by route", Unit::Seconds, durations);
        kiosk.register("http_in_flight", "Requests being worked on", telemetry.in_flight.clone());
        kiosk.register(
            "http_shed",
            "Requests refused because too many were in flight",
            telemetry.shed.clone(),
        );
        kiosk.register("http_timeouts", "Requests that took too long", telemetry.timeouts.clone());
        kiosk.register("http_panics", "Requests whose handler panicked", telemetry.panics.clone());
        kiosk.register("sessions_started", "Sessions begun", telemetry.sessions.clone());
        kiosk.register("checkouts", "Baskets paid", telemetry.checkouts.clone());
        kiosk.register(
            "checkout_replays",
            "Checkouts that were repeated and answered with the first receipt",
            telemetry.replays.clone(),
        );
        kiosk.register(
            "observations_dropped",
            "Impressions, views and searches not recorded because the journal's queue was full",
            telemetry.dropped.clone(),
        );
        kiosk.register(
            "pricing_lost",
            "Baskets for which plugins gave no answer that can be used; see the log for why",
            telemetry.pricing_lost.clone(),
        );
        kiosk.register(
            "ranking_lost",
            "Lists for which plugins gave no answer that can be used; see the log for why",
            telemetry.ranking_lost.clone(),
        );
        telemetry
    }

    pub(crate) fn answered(&self, route: Option<&str>, status: u16, took: Duration) {
        // The document has no way to say that a parameter may hold slashes.
        let described = |route: &str| self.routes.get(&route.replace("{*", "{"));
        let metrics = route.and_then(|route| self.routes.get(route).or_else(|| described(route)));
        let Some(metrics) = metrics.or_else(|| self.routes.get(UNMATCHED)) else {
            return;
        };
        if let Some(counter) = metrics.by_class.get(usize::from(status / 100).wrapping_sub(1)) {
            counter.inc();
        }
        metrics.seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn dropped(&self) {
        self.dropped.inc();
    }

    pub(crate) fn pricing_lost(&self, fault: &str) {
        tracing::error!(fault, "plugins gave no answer that can be used for a basket");
        self.pricing_lost.inc();
    }

    pub(crate) fn ranking_lost(&self, fault: &str) {
        tracing::error!(fault, "plugins gave no answer that can be used for a list");
        self.ranking_lost.inc();
    }

    pub(crate) fn shed(&self) {
        self.shed.inc();
    }

    pub(crate) fn timed_out(&self, path: &str, ms: u64) {
        tracing::warn!(path, ms, "a request took too long");
        self.timeouts.inc();
    }

    pub(crate) fn panicked(&self, message: &str) {
        tracing::error!(message, "a handler panicked; the request was answered 500");
        self.panics.inc();
    }
}
