//! What the floor's telemetry is on `/metrics`: read from the view and the archive when somebody asks.

use super::{Floor, Parted};
use aisle_event::device::AnomalyKind;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};
use std::{
    fmt,
    sync::{Arc, Weak},
};

/// Registers them.
pub(super) fn register(floor: &Floor, registry: &mut Registry) {
    let figures = Figures(Arc::downgrade(&floor.0));
    registry.sub_registry_with_prefix("telemetry").register_collector(Box::new(figures));
}

/// Holds the floor weakly: its last holder writes its snapshot, and the registry may outlive that.
struct Figures(Weak<Parted>);

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Figures")
    }
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(floor) = self.0.upgrade().map(Floor) else { return Ok(()) };
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
        let mut anomalies = encoder.encode_descriptor(
            "anomalies",
            "Streams that are odd now, by kind; the staff board says which",
            None,
            MetricType::Gauge,
        )?;
        for (kind, count) in open {
            ConstGauge::new(count).encode(anomalies.encode_family(&[("kind", kind.as_str())])?)?;
        }
        let mut readings = encoder.encode_descriptor(
            "left_out",
            "Readings that are in no minute since the journal began: too late, far from the stream's time, come twice, or of streams beyond `telemetry.streams_max`",
            None,
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

        let mut gauge = |name: &str, help: &str, value: u64| {
            ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
        };
        gauge("streams", "Streams of numbers; bound: `telemetry.streams_max`", streams)?;
        gauge(
            "archive_bytes",
            "Bytes of the files of minutes; bound: `telemetry.archive_bytes_max`",
            archive.bytes,
        )?;
        gauge("archive_files", "Files of minutes", archive.files as u64)?;
        gauge(
            "archive_dates",
            "Days that have files of minutes; bound: `telemetry.keep_days`",
            archive.days as u64,
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
            "aggregates_shed",
            "Minutes that left memory before they were in a file, since the journal began; look at the disk",
            left_out.shed,
        )?;
        counter(
            "archive_dates_shed",
            "Days that were removed before their time for want of room, since the start; raise `telemetry.archive_bytes_max`",
            archive.days_shed,
        )?;
        counter(
            "archive_files_damaged",
            "Files of minutes that were set aside since the start; `/healthz` names them",
            archive.files_damaged,
        )
    }
}
