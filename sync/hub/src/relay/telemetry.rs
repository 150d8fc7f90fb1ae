//! What the relay counts and says.

use aisle_event::{LogClass, StoreId};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfClass {
    class: &'static str,
}

/// The relay's metrics. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Telemetry {
    stores: Gauge,
    sealed: Family<OfClass, Counter>,
    withheld: Family<OfClass, Counter>,
    acknowledged: Family<OfClass, Counter>,
    epochs: Family<OfClass, Counter>,
    failures: Counter,
}

impl Telemetry {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let telemetry = Self::default();
        registry.register(
            "aisle_relay_stores",
            "Stores that this process relays now. At `relay.stores_max` for long: others wait.",
            telemetry.stores.clone(),
        );
        registry.register(
            "aisle_relay_events_sealed",
            "Events that passed the gate to the hub above and were sealed.",
            telemetry.sealed.clone(),
        );
        registry.register(
            "aisle_relay_events_withheld",
            "Events of which the gate let nothing on.",
            telemetry.withheld.clone(),
        );
        registry.register(
            "aisle_relay_events_acknowledged",
            "Events that the hub above has. Flat while sealed ones grow: look at `aisle-hub status`.",
            telemetry.acknowledged.clone(),
        );
        registry.register(
            "aisle_relay_epochs",
            "New epochs: this hub or the one above was restored from a backup.",
            telemetry.epochs.clone(),
        );
        registry.register(
            "aisle_relay_failures",
            "Relays of a store that ended with an error and are begun again. Grows: look at the log.",
            telemetry.failures.clone(),
        );
        telemetry
    }

    pub(super) fn began(&self, store: &StoreId) {
        self.stores.inc();
        tracing::debug!(%store, "a store is relayed");
    }

    pub(super) fn ended(&self, store: &StoreId) {
        self.stores.dec();
        tracing::debug!(%store, "a store is not relayed any more");
    }

    pub(super) fn moved(&self, class: LogClass, sealed: u64, withheld: u64) {
        let of = OfClass { class: class.as_str() };
        self.sealed.get_or_create(&of).inc_by(sealed);
        self.withheld.get_or_create(&of).inc_by(withheld);
    }

    pub(super) fn acknowledged(&self, class: LogClass, events: u64) {
        self.acknowledged.get_or_create(&OfClass { class: class.as_str() }).inc_by(events);
    }

    pub(super) fn turned(&self, store: &StoreId, class: LogClass, after: u64) {
        self.epochs.get_or_create(&OfClass { class: class.as_str() }).inc();
        tracing::warn!(%store, %class, after, "a relayed log goes on in a new epoch");
    }

    pub(super) fn failed(&self, store: &StoreId, error: &(dyn std::error::Error + 'static)) {
        self.failures.inc();
        tracing::warn!(%store, error, "the relay of a store is begun again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_protocol::{Epoch, LogId, hub::Alert};
    use std::{collections::BTreeSet, time::Duration};

    const RULES: &str = include_str!("../../../../deploy/edge/monitoring/aisle.rules.yml");
    const DASHBOARD: &str = include_str!("../../../../deploy/edge/monitoring/grafana.json");

    /// What a scrape could name, as the kind of each metric names its samples.
    fn samples() -> BTreeSet<String> {
        let mut registry = Registry::default();
        let (hub, relay) =
            (crate::telemetry::Telemetry::register(&mut registry), Telemetry::register(&mut registry));
        // What has labels is shown only once something was counted.
        let (store, class) = (StoreId::new("store-1").unwrap(), LogClass::Sales);
        hub.admitted(&LogId { store: store.clone(), class, epoch: Epoch([0; 16]) }, &[], 0, Duration::ZERO);
        hub.busy("cursor");
        hub.alert(&store, &Alert::TooLong { store: None, message: 0, bytes: 1, bytes_max: 0 });
        hub.report_refused(&aisle_fleet::says::SaysError::Frame);
        crate::fleet::shown(&mut registry);
        relay.moved(class, 1, 1);
        relay.acknowledged(class, 1);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let kinds = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        kinds
            .flat_map(|(name, kind)| match kind {
                "counter" => vec![format!("{name}_total")],
                // Words for people name the metric itself.
                "histogram" => {
                    ["", "_bucket", "_sum", "_count"].map(|suffix| format!("{name}{suffix}")).into()
                }
                _ => vec![name.to_owned()],
            })
            .collect()
    }

    #[test]
    fn every_metric_of_a_hub_that_rules_and_dashboard_name_is_there() {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let words = [RULES, DASHBOARD].into_iter().flat_map(|text| text.split(|c| !is_part(c)));
        let named: BTreeSet<&str> =
            words.filter(|word| word.starts_with("aisle_hub_") || word.starts_with("aisle_relay_")).collect();
        assert!(named.len() > 5, "{named:?}");
        let samples = samples();
        let unknown: Vec<_> = named.into_iter().filter(|name| !samples.contains(*name)).collect();
        assert!(unknown.is_empty(), "no such metric: {unknown:?}");
    }
}
