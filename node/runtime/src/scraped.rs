//! Metrics that are read when somebody asks for them, off a part of the node that may be gone by then.
//!
//! Not here: metrics that are counted where things happen. Guards that the registry, which outlives the parts, keeps none of them
//! from its end: their last holder writes a snapshot.

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};
use std::{
    fmt,
    sync::{Arc, Weak},
};

/// Registers what `encode` reads off the part, each name behind this prefix.
pub(crate) fn register<T: Send + Sync + 'static>(
    registry: &mut Registry,
    prefix: &str,
    part: &Arc<T>,
    encode: fn(Arc<T>, Scrape<'_>) -> fmt::Result,
) {
    let scraped = Scraped { part: Arc::downgrade(part), encode };
    registry.sub_registry_with_prefix(prefix).register_collector(Box::new(scraped));
}

struct Scraped<T> {
    part: Weak<T>,
    encode: fn(Arc<T>, Scrape<'_>) -> fmt::Result,
}

impl<T> fmt::Debug for Scraped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scraped")
    }
}

impl<T: Send + Sync + 'static> Collector for Scraped<T> {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.part.upgrade().map_or(Ok(()), |part| (self.encode)(part, Scrape(encoder)))
    }
}

/// Where the figures go.
pub(crate) struct Scrape<'a>(DescriptorEncoder<'a>);

impl Scrape<'_> {
    /// A figure that goes up and down.
    pub(crate) fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        ConstGauge::new(value).encode(self.family(name, help, MetricType::Gauge)?)
    }

    /// A figure that only goes up.
    pub(crate) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        ConstCounter::new(value).encode(self.family(name, help, MetricType::Counter)?)
    }

    /// Several figures of one name, told apart by labels.
    pub(crate) fn family<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        self.0.encode_descriptor(name, help, None, kind)
    }

    /// Several histograms of seconds, told apart by labels.
    pub(crate) fn seconds<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        self.0.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)
    }
}
