//! What plugins do, on `/metrics`: read from the figures when somebody asks.

use super::Plugins;
use crate::scraped::{self, Scrape};
use aisle_plugin_host::Hook;
use prometheus_client::{
    encoding::EncodeMetric,
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};
use std::{fmt, sync::atomic::Ordering};

/// Registers them.
pub(super) fn register(plugins: &Plugins, registry: &mut Registry) {
    scraped::register(registry, "plugin", &plugins.0, |parted, mut scrape| {
        let plugins = Plugins(parted);
        calls(&plugins, &mut scrape)?;
        breakers(&plugins, &mut scrape)?;
        totals(&plugins, &mut scrape)
    });
}

fn calls(plugins: &Plugins, scrape: &mut Scrape<'_>) -> fmt::Result {
    let all: Vec<_> =
        plugins.0.figures.all().into_iter().map(|(key, figures)| (key, figures.summary(), figures)).collect();
    let mut outcomes = scrape.family(
        "calls",
        "Calls of plugins by how they ended: `ok`, or how they failed",
        MetricType::Counter,
    )?;
    for ((plugin, hook), summary, _) in &all {
        for (outcome, count) in &summary.outcomes {
            let labels = [("plugin", plugin.as_str()), ("hook", hook.as_str()), ("outcome", *outcome)];
            ConstCounter::new(*count).encode(outcomes.encode_family(&labels)?)?;
        }
    }
    let mut seconds = scrape.seconds("call_duration", "Time of calls of plugins")?;
    for ((plugin, hook), _, figures) in &all {
        let labels = [("plugin", plugin.as_str()), ("hook", hook.as_str())];
        figures.seconds().encode(seconds.encode_family(&labels)?)?;
    }
    let mut fuel = scrape.family("fuel", "Fuel of all calls of plugins", MetricType::Counter)?;
    for ((plugin, hook), summary, _) in &all {
        let labels = [("plugin", plugin.as_str()), ("hook", hook.as_str())];
        ConstCounter::new(summary.fuel).encode(fuel.encode_family(&labels)?)?;
    }
    let help = "The largest memory of a call of a plugin, in bytes";
    let mut memory = scrape.family("memory_bytes_peak", help, MetricType::Gauge)?;
    for ((plugin, hook), summary, _) in &all {
        let labels = [("plugin", plugin.as_str()), ("hook", hook.as_str())];
        ConstGauge::new(summary.memory_bytes).encode(memory.encode_family(&labels)?)?;
    }
    Ok(())
}

fn breakers(plugins: &Plugins, scrape: &mut Scrape<'_>) -> fmt::Result {
    let (live, now_ms) = (plugins.live(), plugins.0.ticks.ms());
    let mut open = scrape.family(
        "breaker_open",
        "1 while a plugin failed too often and is not asked; the version before stands in for it, or nobody",
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

fn totals(plugins: &Plugins, scrape: &mut Scrape<'_>) -> fmt::Result {
    let (live, (recordings, recording_bytes)) = (plugins.live(), plugins.0.figures.kept());
    scrape.gauge(
        "installed",
        "Plugins that are installed; bound: `plugins.plugins_max`",
        live.slots.len() as u64,
    )?;
    scrape.gauge(
        "left_out",
        "Plugins that are installed and cannot be loaded; `/healthz` says why",
        live.left_out().count() as u64,
    )?;
    scrape.gauge(
        "recordings",
        "Calls that are kept whole; bound: `plugins.recordings_max` for each hook of a plugin",
        recordings as u64,
    )?;
    scrape.gauge(
        "recording_bytes",
        "Bytes of the calls that are kept whole; bound: `plugins.recordings_bytes_max`",
        recording_bytes as u64,
    )?;
    scrape.gauge(
        "disk_bytes",
        "Bytes of installed plugins on disk; bound: `plugins.disk_bytes_max`",
        plugins.0.disk_bytes.load(Ordering::Relaxed),
    )?;
    scrape.counter(
        "actions_dropped",
        "Actions of reactions that were not carried out: beyond `plugins.actions_per_hour_max`, or about nothing that there is",
        plugins.0.dropped.load(Ordering::Relaxed),
    )?;
    scrape.counter(
        "labels_missing",
        "Texts for shelf labels of products that have none",
        plugins.0.unlabelled.load(Ordering::Relaxed),
    )
}
