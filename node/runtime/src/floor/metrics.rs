//! What the floor's telemetry is on `/metrics`: read from the view and the archive when somebody asks.

use super::Floor;
use crate::scraped::{self, Scrape};
use aisle_event::device::AnomalyKind;
use prometheus_client::{
    encoding::EncodeMetric,
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};
use std::fmt;

/// Registers them.
pub(super) fn register(floor: &Floor, registry: &mut Registry) {
    scraped::register(registry, "telemetry", &floor.0, |parted, scrape| encode(&Floor(parted), scrape));
}

fn encode(floor: &Floor, mut scrape: Scrape<'_>) -> fmt::Result {
    let view = floor.view();
    let (left_out, archive) = (*view.telemetry.counters(), floor.archive().status());

    let mut streams = 0_u64;
    let mut open: Vec<(AnomalyKind, u64)> = AnomalyKind::ALL.iter().map(|kind| (*kind, 0)).collect();
    for stream in view.telemetry.streams() {
        streams += 1;
        for kind in stream.odd() {
            open.iter_mut().filter(|(known, _)| *known == kind).for_each(|(_, count)| *count += 1);
        }
    }
    let mut anomalies = scrape.family(
        "anomalies",
        "Streams that are odd now, by kind; the staff board says which",
        MetricType::Gauge,
    )?;
    for (kind, count) in open {
        ConstGauge::new(count).encode(anomalies.encode_family(&[("kind", kind.as_str())])?)?;
    }
    let mut readings = scrape.family(
        "left_out",
        "Readings that are in no minute since the journal began: too late, far from the stream's time, come twice, or of streams beyond `telemetry.streams_max`",
        MetricType::Counter,
    )?;
    let why = [
        ("late", left_out.late),
        ("far", left_out.far),
        ("twice", left_out.twice),
        ("refused", left_out.refused),
    ];
    for (why, count) in why {
        ConstCounter::new(count).encode(readings.encode_family(&[("why", why)])?)?;
    }

    scrape.gauge("streams", "Streams of numbers; bound: `telemetry.streams_max`", streams)?;
    scrape.gauge(
        "archive_bytes",
        "Bytes of the files of minutes; bound: `telemetry.archive_bytes_max`",
        archive.bytes,
    )?;
    scrape.gauge("archive_files", "Files of minutes", archive.files as u64)?;
    scrape.gauge(
        "archive_files_refused",
        "Files of an hour that the system refuses for now, so that the minutes wait in memory; `/healthz` names them and says why",
        archive.hours_refused as u64,
    )?;
    scrape.gauge(
        "archive_dates",
        "Days that have files of minutes; bound: `telemetry.keep_days`",
        archive.days as u64,
    )?;
    scrape.counter(
        "aggregates_shed",
        "Minutes that left memory before they were in a file, since the journal began; look at the disk",
        left_out.shed,
    )?;
    scrape.counter(
        "archive_dates_shed",
        "Days that were removed before their time for want of room, since the start; raise `telemetry.archive_bytes_max`",
        archive.days_shed,
    )?;
    scrape.counter(
        "archive_files_damaged",
        "Files of minutes that were set aside since the start; `/healthz` names them",
        archive.files_damaged,
    )
}
