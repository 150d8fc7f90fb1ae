//! Telemetry as of one record: what readers look at without a lock.
//!
//! Not here: aggregates over time (`query`).

use super::{
    bytes::{Damaged, Reader, Writer},
    config::Config,
    fold::{Counters, streams_of},
    query::Anomaly,
    raw::RawReading,
    stream::Stream,
};
use aisle_event::{
    DeviceId, Name, Timestamp,
    device::{AnomalyKind, Measured},
};
use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Which stream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[schema(as = TelemetryKey)]
pub struct StreamKey {
    /// Of which device.
    #[schema(value_type = String)]
    pub device: DeviceId,
    /// Its name there.
    #[schema(value_type = String)]
    pub stream: Name,
}

impl StreamKey {
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.sized(self.device.as_str().as_bytes());
        writer.sized(self.stream.as_str().as_bytes());
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let device = DeviceId::new(reader.text()?).map_err(|_| Damaged)?;
        let stream = Name::new(reader.text()?).map_err(|_| Damaged)?;
        Ok(Self { device, stream })
    }
}

/// Everything that is in memory, as of one record. Clones share it.
#[derive(Debug, Clone)]
pub struct View {
    pub(super) config: Arc<Config>,
    pub(super) streams: OrdMap<StreamKey, Arc<Stream>>,
    pub(super) counters: Counters,
}

impl View {
    /// What was left out, and why.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The settings that it was made with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Every stream of a device that is not retired, by device and name.
    pub fn streams(&self) -> impl Iterator<Item = StreamView<'_>> {
        let all = self.streams.iter().map(|(key, stream)| StreamView { key, stream });
        all.filter(|view| !view.stream.retired)
    }

    /// What is odd now about a device that is not retired, each with its stream.
    pub fn anomalies_of<'a>(&'a self, device: &'a DeviceId) -> impl Iterator<Item = (&'a Name, Anomaly)> {
        let of_it = streams_of(&self.streams, device);
        let live = of_it.filter(|(_, stream)| !stream.retired);
        live.flat_map(|(key, stream)| {
            StreamView { key, stream }.anomalies().into_iter().map(|anomaly| (&key.stream, anomaly))
        })
    }

    /// One stream.
    #[must_use]
    pub fn stream(&self, key: &StreamKey) -> Option<StreamView<'_>> {
        self.streams.get_key_value(key).map(|(key, stream)| StreamView { key, stream })
    }
}

/// One stream as of one record.
#[derive(Debug, Clone, Copy)]
pub struct StreamView<'a> {
    key: &'a StreamKey,
    pub(super) stream: &'a Stream,
}

impl<'a> StreamView<'a> {
    /// Which.
    #[must_use]
    pub const fn key(&self) -> &'a StreamKey {
        self.key
    }

    /// What its numbers count, when the device said it.
    #[must_use]
    pub const fn unit(&self) -> Option<Measured> {
        self.stream.unit
    }

    /// How often it is to speak, in seconds, when the device said it.
    #[must_use]
    pub const fn interval_s(&self) -> Option<u32> {
        self.stream.interval_s
    }

    /// The reading with the latest time.
    #[must_use]
    pub const fn newest(&self) -> Option<RawReading> {
        self.stream.newest
    }

    /// How many readings came too late for their minute, were far off in time, or came twice; and how many minutes left memory
    /// without being in a file.
    #[must_use]
    pub const fn left_out(&self) -> Counters {
        self.stream.left_out
    }

    /// The single readings from a time (inclusive) to another (exclusive), by time.
    #[must_use]
    pub fn raw(&self, from: Timestamp, to: Timestamp) -> Vec<RawReading> {
        let mut found: Vec<_> =
            self.stream.raw.iter().filter(|reading| (from..to).contains(&reading.at)).collect();
        found.sort_by_key(|reading| reading.at);
        found
    }

    /// How many single readings are kept.
    #[must_use]
    pub fn raw_len(&self) -> usize {
        self.stream.raw.len()
    }

    /// How many minutes are in memory.
    #[must_use]
    pub fn minutes_len(&self) -> usize {
        self.stream.minutes.len()
    }

    /// In what ways it is odd now.
    pub fn odd(&self) -> impl Iterator<Item = AnomalyKind> {
        AnomalyKind::ALL
            .iter()
            .zip(&self.stream.told)
            .filter(|(_, told)| told.is_some())
            .map(|(kind, _)| *kind)
    }

    /// What is odd now.
    #[must_use]
    pub fn anomalies(&self) -> Vec<Anomaly> {
        let told = AnomalyKind::ALL.iter().zip(&self.stream.told);
        told.filter_map(|(kind, told)| Some(Anomaly::of(*kind, told.as_ref()?, None))).collect()
    }

    /// What was odd in a time (from inclusive, to exclusive), in the order in which it began; what is over as far as it is remembered.
    #[must_use]
    pub fn anomalies_between(&self, from: Timestamp, to: Timestamp) -> Vec<Anomaly> {
        let past = self.stream.past.iter();
        let past = past.map(|past| Anomaly::of(past.kind, &past.told, Some(past.until)));
        let mut found: Vec<Anomaly> = past
            .chain(self.anomalies())
            .filter(|anomaly| anomaly.since < to && anomaly.until.is_none_or(|until| until >= from))
            .collect();
        found.sort_by_key(|anomaly| anomaly.since);
        found
    }
}
