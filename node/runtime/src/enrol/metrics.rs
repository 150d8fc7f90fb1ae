//! What is counted of the enrolment and of the survival horizon.

use crate::horizon::Horizon;
use aisle_enrolment::{Standing, Status};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};
use std::sync::atomic::AtomicU64;

/// Which thing runs out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct What {
    what: String,
}

/// How headquarters thinks of the node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct By {
    standing: &'static str,
}

/// The metrics; clones share their values.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    days: Family<What, Gauge<f64, AtomicU64>>,
    standing: Family<By, Gauge>,
    claimed: Gauge,
    devices_banned: Gauge,
}

const STANDINGS: [(Standing, &str); 4] = [
    (Standing::Good, "good"),
    (Standing::Suspended, "suspended"),
    (Standing::Banned, "banned"),
    (Standing::Unknown, "unknown"),
];

impl Metrics {
    /// Registers them.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.sub_registry_with_prefix("horizon").register(
            "days",
            "Days until something runs out that would hurt a store without a line; what lasts, or nobody knows, is left out",
            metrics.days.clone(),
        );
        let registry = registry.sub_registry_with_prefix("enrolment");
        registry.register(
            "standing",
            "1 for what headquarters thinks of this node, as last heard; `suspended` and `banned` do not connect",
            metrics.standing.clone(),
        );
        registry.register(
            "claimed",
            "1 once the node has a certificate of its chain",
            metrics.claimed.clone(),
        );
        registry.register(
            "devices_banned",
            "Devices of this store whose certificates were taken back",
            metrics.devices_banned.clone(),
        );
        metrics
    }

    /// Shows what is known now.
    pub(crate) fn show(&self, status: &Status, horizon: &Horizon) {
        self.days.clear();
        for item in &horizon.items {
            if let Some(days) = item.days {
                self.days.get_or_create(&What { what: item.name.clone() }).set(days);
            }
        }
        for (standing, name) in STANDINGS {
            let is = status.is_claimed() && status.standing == standing;
            self.standing.get_or_create(&By { standing: name }).set(i64::from(is));
        }
        self.claimed.set(i64::from(status.is_claimed()));
        self.devices_banned.set(i64::try_from(status.devices_banned).unwrap_or(i64::MAX));
    }

    /// A sample of each, for a reference.
    pub(crate) fn describe(registry: &mut Registry) {
        let metrics = Self::register(registry);
        metrics.days.get_or_create(&What { what: "certificate".into() }).set(0.0);
        metrics.standing.get_or_create(&By { standing: "good" }).set(0);
    }
}
