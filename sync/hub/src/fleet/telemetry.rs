//! What the engine tells of the fleet and of itself, in a registry that is passed in.
//!
//! Of several hubs one lets the rules work, and only that one tells of rollouts and nodes: summed up over hubs, each is counted once.

use super::engine::Looked;
use crate::{
    database::fleet::{KeptRollout, MemberRow},
    http::fleet::members::Standing,
};
use aisle_event::Timestamp;
use aisle_fleet::RolloutPhase;
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
use std::{collections::BTreeMap, time::Duration};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPhase {
    phase: &'static str,
}

/// Every phase of a rollout: what there is none of is 0, and not missing.
const PHASES: [&str; 12] = [
    "draft",
    "preflight",
    "awaiting-approval",
    "ready",
    "running",
    "paused",
    "settling",
    "done",
    "finished",
    "rolling-back",
    "rolled-back",
    "aborted",
];

/// Its metrics. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Telemetry {
    rollouts: Family<OfPhase, Gauge>,
    held: Gauge,
    members: Family<OfPhase, Gauge>,
    drifting: Gauge,
    is_mine: Gauge,
    looked: Gauge,
    looks: Histogram,
    failures: Counter,
    orders: Counter,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            rollouts: Family::default(),
            held: Gauge::default(),
            members: Family::default(),
            drifting: Gauge::default(),
            is_mine: Gauge::default(),
            looked: Gauge::default(),
            looks: Histogram::new(exponential_buckets(0.001, 4.0, 9)),
            failures: Counter::default(),
            orders: Counter::default(),
        }
    }
}

impl Telemetry {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let telemetry = Self::default();
        let Self { rollouts, held, members, drifting, is_mine, looked, looks, failures, orders } = &telemetry;
        registry.register(
            "aisle_hub_rollouts",
            "Rollouts by how far they are, told by the hub that lets the rules work. `awaiting-approval` for long: nobody looks at approvals.",
            rollouts.clone(),
        );
        registry.register(
            "aisle_hub_rollouts_held",
            "Rollouts that a gate has stopped and that wait for a person. Any: look at the rollout's page, and say what is to become of it.",
            held.clone(),
        );
        registry.register(
            "aisle_hub_members",
            "Nodes of the fleet by how they stand: `settled`, `converging`, `drifting`, or `silent` where one never said.",
            members.clone(),
        );
        registry.register(
            "aisle_hub_slots_drifting",
            "Slots of all nodes that hold something else than they should. Grows: the fleet's page filters `is:drifting` nodes, each says why.",
            drifting.clone(),
        );
        registry.register(
            "aisle_hub_rules_held",
            "1 at the hub that lets the rules of the fleet work. 0 at all of them: rollouts stand still and no store gets an order.",
            is_mine.clone(),
        );
        registry.register_with_unit(
            "aisle_hub_rules_looked",
            "When the rules last had worked to their end, in seconds since 1970. A minute ago or more, at the hub that has them: look at its log.",
            Unit::Seconds,
            looked.clone(),
        );
        registry.register_with_unit(
            "aisle_hub_rules_look",
            "How long a look of the rules takes. Long: the fleet is large, or the database slow.",
            Unit::Seconds,
            looks.clone(),
        );
        registry.register(
            "aisle_hub_rules_failures",
            "Looks of the rules that failed. Grows: the database does not answer; the log says why.",
            failures.clone(),
        );
        registry.register(
            "aisle_hub_orders",
            "Orders that were made for stores, because what a node should run has changed.",
            orders.clone(),
        );
        telemetry
    }

    /// A look came to its end. One of a hub that has not the rules tells nothing of the fleet.
    pub(super) fn looked(&self, looked: &Looked, now: Timestamp, took: Duration) {
        self.is_mine.set(i64::from(looked.is_mine));
        if !looked.is_mine {
            self.rollouts.clear();
            self.members.clear();
            self.held.set(0);
            self.drifting.set(0);
            return;
        }
        self.looked.set(now.0 / 1_000);
        self.looks.observe(took.as_secs_f64());
        self.orders.inc_by(looked.orders as u64);
    }

    pub(super) fn failed(&self) {
        self.failures.inc();
    }

    pub(super) fn rollouts(&self, rollouts: &BTreeMap<String, KeptRollout>) {
        let is_held =
            |kept: &&KeptRollout| matches!(kept.rollout.phase(), RolloutPhase::Paused { by_gate: true, .. });
        self.held.set(count(rollouts.values().filter(is_held).count()));
        for phase in PHASES {
            let so_far = rollouts.values().filter(|kept| kept.rollout.phase().as_str() == phase).count();
            self.rollouts.get_or_create(&OfPhase { phase }).set(count(so_far));
        }
    }

    pub(super) fn members(&self, rows: &[MemberRow]) {
        for standing in Standing::ALL {
            let so = rows.iter().filter(|row| Standing::of(row) == standing).count();
            self.members.get_or_create(&OfPhase { phase: standing.as_str() }).set(count(so));
        }
        self.drifting.set(rows.iter().fold(0_i64, |sum, row| sum.saturating_add(row.drift.max(0))));
    }
}

fn count(many: usize) -> i64 {
    i64::try_from(many).unwrap_or(i64::MAX)
}

/// Every metric of the engine with everything that it may be of, for tests that hold texts against it.
#[cfg(test)]
pub(crate) fn shown(registry: &mut Registry) {
    let telemetry = Telemetry::register(registry);
    telemetry.rollouts(&BTreeMap::new());
    telemetry.members(&[]);
}
