//! What plugins do, on `/metrics`: read from the figures when somebody asks.

use super::{
    Parted, Plugins,
    figures::{BUCKETS_US, Summary},
};
use aisle_plugin_host::Hook;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};
use std::{
    fmt,
    sync::{Arc, Weak, atomic::Ordering},
};

/// Registers them.
pub(super) fn register(plugins: &Plugins, registry: &mut Registry) {
    let figures = Figures(Arc::downgrade(&plugins.0));
    registry.sub_registry_with_prefix("plugin").register_collector(Box::new(figures));
}

/// Holds the plugins weakly: their last holder writes a snapshot, and the registry may outlive that.
struct Figures(Weak<Parted>);

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Figures")
    }
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(plugins) = self.0.upgrade().map(Plugins) else { return Ok(()) };
        calls(&plugins, &mut encoder)?;
        breakers(&plugins, &mut encoder)?;
        let (live, (recordings, recording_bytes)) = (plugins.live(), plugins.0.figures.kept());
        let mut gauge = |name: &str, help: &str, value: u64| {
            ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
        };
        gauge(
            "installed",
            "Plugins that are installed; bound: `plugins.plugins_max`",
            live.slots.len() as u64,
        )?;
        gauge(
            "left_out",
            "Plugins that are installed and cannot be loaded; `/healthz` says why",
            live.left_out().count() as u64,
        )?;
        gauge(
            "recordings",
            "Calls that are kept whole; bound: `plugins.recordings_max` for each hook of a plugin",
            recordings as u64,
        )?;
        gauge(
            "recording_bytes",
            "Bytes of the calls that are kept whole; bound: `plugins.recordings_bytes_max`",
            recording_bytes as u64,
        )?;
        gauge(
            "disk_bytes",
            "Bytes of installed plugins on disk; bound: `plugins.disk_bytes_max`",
            plugins.0.disk_bytes.load(Ordering::Relaxed),
        )?;
        let mut counter = |name: &str, help: &str, value: u64| {
            ConstCounter::new(value).encode(encoder.encode_descriptor(
                name,
                help,
                None,
                MetricType::Counter,
            )?)
        };
        counter(
            "actions_dropped",
            "Actions of reactions that were not carried out: beyond `plugins.actions_per_hour_max`, or about nothing that there is",
            plugins.0.dropped.load(Ordering::Relaxed),
        )?;
        counter(
            "labels_missing",
            "Texts for shelf labels of products that have none",
            plugins.0.unlabelled.load(Ordering::Relaxed),
        )
    }
}

/// A figure of all calls: its name, what it says, its kind, where it comes from.
type Sum = (&'static str, &'static str, MetricType, fn(&Summary) -> u64);

fn calls(plugins: &Plugins, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let all = plugins.0.figures.all();
    let mut outcomes = encoder.encode_descriptor(
        "calls",
        "Calls of plugins by how they ended: `ok`, or how they failed",
        None,
        MetricType::Counter,
    )?;
    for ((plugin, hook), summary) in &all {
        for (outcome, count) in &summary.outcomes {
            let labels = [("plugin", plugin.as_str()), ("hook", hook.as_str()), ("outcome", *outcome)];
            ConstCounter::new(*count).encode(outcomes.encode_family(&labels)?)?;
        }
    }
    let mut within = encoder.encode_descriptor(
        "calls_within",
        "Calls that took at most so many microseconds; `+Inf` is all of them",
        None,
        MetricType::Counter,
    )?;
    for ((plugin, hook), summary) in &all {
        let bounds = BUCKETS_US.iter().map(ToString::to_string).chain(["+Inf".into()]);
        for (bound, count) in bounds.zip(summary.buckets.into_iter().chain([summary.calls])) {
            let labels = [("plugin", plugin.as_str()), ("hook", hook.as_str()), ("micros", bound.as_str())];
            ConstCounter::new(count).encode(within.encode_family(&labels)?)?;
        }
    }
    let sums: [Sum; 3] = [
        ("call_micros", "Time of all calls of plugins, in microseconds", MetricType::Counter, |it| it.micros),
        ("fuel", "Fuel of all calls of plugins", MetricType::Counter, |it| it.fuel),
        (
            "memory_bytes_peak",
            "The largest memory of a call of a plugin, in bytes",
            MetricType::Gauge,
            |it| it.memory_bytes,
        ),
    ];
    for (name, help, kind, of) in &sums {
        let mut family = encoder.encode_descriptor(name, help, None, *kind)?;
        for ((plugin, hook), summary) in &all {
            let labels = [("plugin", plugin.as_str()), ("hook", hook.as_str())];
            let encoder = family.encode_family(&labels)?;
            match kind {
                MetricType::Counter => ConstCounter::new(of(summary)).encode(encoder)?,
                _ => ConstGauge::new(of(summary)).encode(encoder)?,
            }
        }
    }
    Ok(())
}

fn breakers(plugins: &Plugins, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let (live, now_ms) = (plugins.live(), plugins.0.ticks.ms());
    let mut open = encoder.encode_descriptor(
        "breaker_open",
        "1 while a plugin failed too often and is not asked; the version before stands in for it, or nobody",
        None,
        MetricType::Gauge,
    )?;
    for (id, slot) in &live.slots {
        let Ok(runner) = &slot.current else { continue };
        for hook in Hook::ALL {
            if !runner.plugin.manifest().hooks.contains(&hook) {
                continue;
            }
            let is_open = runner.stands(hook, now_ms).is_some_and(|stands| stands.open);
            let labels = [("plugin", id.as_str()), ("hook", hook.as_str())];
            ConstGauge::new(u64::from(is_open)).encode(open.encode_family(&labels)?)?;
        }
    }
    Ok(())
}
