//! What is counted of what headquarters orders.

use aisle_converge::Fleet;
use aisle_fleet::report::Phase;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::gauge::ConstGauge,
    registry::Registry,
};
use std::fmt;

const PHASES: [Phase; 11] = [
    Phase::Settled,
    Phase::Left,
    Phase::Waiting,
    Phase::Fetching,
    Phase::Verifying,
    Phase::Testing,
    Phase::Activating,
    Phase::Watching,
    Phase::Reverting,
    Phase::Removing,
    Phase::Refused,
];

/// Looks at the fleet when somebody asks.
struct Looked(Option<Fleet>);

impl fmt::Debug for Looked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Looked")
    }
}

impl Collector for Looked {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let status = self.0.as_ref().map(Fleet::status).unwrap_or_default();
        let fell = self.0.as_ref().map_or(0, Fleet::fell);
        {
            let slots = ConstGauge::new(0_i64);
            let mut family = encoder.encode_descriptor(
                "fleet_slots",
                "Places that headquarters orders, by how far they are; `refused` and `waiting` for long want a look at `aisle-node fleet status`",
                None,
                slots.metric_type(),
            )?;
            for phase in PHASES {
                let labels = [("phase", phase.as_str())];
                let count = ConstGauge::new(i64::try_from(status.count(phase)).unwrap_or(i64::MAX));
                count.encode(family.encode_family(&labels)?)?;
            }
        }
        let mut gauge = |name: &str, help: &str, value: i64| {
            let gauge = ConstGauge::new(value);
            let encoded = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(encoded)
        };
        let drift = i64::try_from(status.drift().count()).unwrap_or(i64::MAX);
        gauge("fleet_drift", "Places that hold something else than they should", drift)?;
        gauge(
            "fleet_reverts",
            "How often something was taken back since the start",
            i64::try_from(fell).unwrap_or(i64::MAX),
        )?;
        gauge(
            "fleet_order_generation",
            "The generation of the order that is followed; 0 before the first",
            status.generation.and_then(|generation| i64::try_from(generation).ok()).unwrap_or(0),
        )?;
        gauge(
            "artefacts_trusted",
            "1 when only what is signed is taken; 0 says that no root of signed metadata is trusted",
            i64::from(status.root_version.is_some()),
        )?;
        gauge(
            "artefacts_until_seconds",
            "When the signed metadata runs out, in seconds since 1970: from then on nothing new is put in place; 0 where there is none",
            status.metadata_until_ms.map_or(0, |until| until / 1_000),
        )
    }
}

/// Registers them.
pub(super) fn register(fleet: &Fleet, registry: &mut Registry) {
    registry.register_collector(Box::new(Looked(Some(fleet.clone()))));
}

/// The same without a fleet, for a reference.
pub(crate) fn describe(registry: &mut Registry) {
    registry.register_collector(Box::new(Looked(None)));
}
