//! What is counted of what headquarters orders.

use aisle_artefact::bundle::down::{Applied, ApplyError};
use aisle_converge::{Fleet, fleet::TakeError, signed::SignedError};
use aisle_fleet::report::Phase;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{counter::Counter, family::Family, gauge::ConstGauge},
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
    Refusals::register(registry);
}

/// Why a bundle was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    reason: &'static str,
}

/// Bundles that were brought by hand and not taken, or not to their end. Clones share their values.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusals(Family<Why, Counter>);

impl Refusals {
    /// Registers them, each reason from zero on.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let refusals = Self::default();
        for reason in REASONS {
            let _ = refusals.0.get_or_create(&Why { reason });
        }
        registry.register(
            "fleet_bundles_refused",
            "Bundles brought by hand that were refused: `bundle` is a damaged or foreign file, `metadata` and `content` are not what was signed, `expired` wants a newer bundle, \
             `order` is not this store's, `disk` wants room, `root` wants `aisle-node courier trust`; `aisle-node courier apply` says more",
            refusals.0.clone(),
        );
        refusals
    }

    /// Counts what came of one.
    pub(super) fn count(&self, applied: &Taken) {
        if let Some(reason) = reason(applied) {
            self.0.get_or_create(&Why { reason }).inc();
        }
    }
}

/// What comes of a bundle: what was taken, and what came of its order.
type Taken = Result<(Applied, Option<Result<u64, String>>), TakeError>;

const REASONS: [&str; 7] = ["bundle", "metadata", "content", "expired", "order", "disk", "root"];

fn reason(applied: &Taken) -> Option<&'static str> {
    let signed = match applied {
        Ok((_, Some(Err(_)))) | Err(TakeError::Refused(_)) => return Some("order"),
        Ok((applied, _)) if !applied.expired.is_empty() => return Some("expired"),
        Ok(_) => return None,
        Err(TakeError::Contents(_) | TakeError::Keep(_)) => return Some("disk"),
        Err(TakeError::Unusable) => return Some("root"),
        Err(TakeError::Signed(signed)) => signed,
    };
    Some(match signed {
        SignedError::Open { .. } | SignedError::NoRoot => "root",
        SignedError::Apply(ApplyError::Bundle(_)) => "bundle",
        SignedError::Apply(ApplyError::Update(_)) => "metadata",
        SignedError::Apply(
            ApplyError::Unlisted { .. } | ApplyError::Length { .. } | ApplyError::Content { .. },
        ) => "content",
        SignedError::Apply(ApplyError::NotOffered(_)) => "expired",
        SignedError::Apply(ApplyError::Keep { .. }) => "disk",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_artefact::bundle::BundleError;

    #[test]
    fn refused_bundles_are_counted_by_their_reason() {
        let mut registry = Registry::default();
        let refusals = Refusals::register(&mut registry);
        refusals.count(&Ok((Applied::default(), Some(Ok(3)))));
        refusals.count(&Ok((Applied::default(), Some(Err("it is another store's".into())))));
        let cut = || TakeError::Signed(SignedError::Apply(BundleError::Truncated.into()));
        refusals.count(&Err(cut()));
        refusals.count(&Err(cut()));
        refusals.count(&Err(TakeError::Keep(std::io::ErrorKind::StorageFull.into())));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for (reason, count) in [("bundle", 2), ("order", 1), ("disk", 1), ("root", 0), ("metadata", 0)] {
            let line = format!("fleet_bundles_refused_total{{reason=\"{reason}\"}} {count}\n");
            assert!(text.contains(&line), "{text}");
        }
    }
}
