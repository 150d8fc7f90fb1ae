//! What sensors measured, as administrators see it. Points and oddities are those of `aisle_devices::telemetry`.

use aisle_devices::telemetry::{Anomaly, Counters, StreamKey, StreamView};
use aisle_event::{Timestamp, device::Measured};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A stream of numbers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = TelemetryStream)]
pub(crate) struct StreamLine {
    /// Which.
    #[serde(flatten)]
    pub key: StreamKey,
    /// What its numbers count, when the device said it.
    #[schema(value_type = Option<String>, example = "celsius")]
    pub unit: Option<Measured>,
    /// How often it is to speak, in seconds, when the device said it.
    pub interval_s: Option<u32>,
    /// The reading with the latest time.
    pub last: Option<ReadingLine>,
    /// How old that reading is, in seconds by the node's clock.
    pub age_s: Option<u64>,
    /// What is odd now.
    pub anomalies: Vec<Anomaly>,
    /// What was left out of it.
    pub left_out: Counters,
    /// Single readings that are kept.
    pub raw_readings: usize,
    /// Minutes that are in memory; others are in files.
    pub minutes_in_memory: usize,
}

/// One reading.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = TelemetryReading)]
pub(crate) struct ReadingLine {
    /// When it was measured.
    #[serde(with = "aisle_devices::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How much, in the stream's unit.
    pub value: f64,
}

/// All streams of numbers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct TelemetryOverview {
    /// By device and name.
    pub streams: Vec<StreamLine>,
    /// What was left out of all of them, since the journal began.
    pub left_out: Counters,
}

/// Single readings of a stream.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct RawTelemetry {
    /// Of which stream.
    #[serde(flatten)]
    pub key: StreamKey,
    /// What its numbers count, when the device said it.
    #[schema(value_type = Option<String>, example = "celsius")]
    pub unit: Option<Measured>,
    /// By time.
    pub readings: Vec<ReadingLine>,
}

impl StreamLine {
    /// A stream as of now.
    pub(crate) fn of(stream: StreamView<'_>, now: Timestamp) -> Self {
        let newest = stream.newest();
        Self {
            key: stream.key().clone(),
            unit: stream.unit(),
            interval_s: stream.interval_s(),
            last: newest.map(|newest| ReadingLine { at: newest.at, value: newest.value.units() }),
            age_s: newest.map(|newest| now.ms_since(newest.at) / 1000),
            anomalies: stream.anomalies(),
            left_out: stream.left_out(),
            raw_readings: stream.raw_len(),
            minutes_in_memory: stream.minutes_len(),
        }
    }
}
