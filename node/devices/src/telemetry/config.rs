//! What an operator can set about telemetry.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of telemetry. Each bound says what happens when it is reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// At most so many streams of numbers are followed. At the bound those of retired devices go first; then readings of further
    /// streams are counted and left out.
    pub streams_max: usize,
    /// A reading goes into the minute that it belongs to while that is at most so many seconds behind the latest of its stream;
    /// a later one is counted and left out. 0 to 86400.
    pub late_s: u32,
    /// Readings so many seconds away from the latest of their stream, in either direction, are held until five in a row agree, or
    /// the node's own clock does; a clock that is off for a moment moves nothing. 3600 to 2592000.
    pub far_s: u32,
    /// At most so many minutes of a stream are in memory. They leave it for the archive hour by hour; at the bound the oldest is
    /// dropped and counted.
    pub minutes_max: usize,
    /// Single readings are kept for so many seconds.
    pub raw_window_s: u32,
    /// At most so many single readings of a stream are kept, 128 to 65536; at the bound the oldest go.
    pub raw_readings_max: usize,
    /// A query gives at most so many points; a longer one is refused, or takes a coarser resolution when it is free to.
    pub points_max: usize,
    /// How many days the archive keeps: the latest so many that it has. Older ones are removed.
    pub keep_days: u32,
    /// How many bytes the archive may take. At the bound the oldest days are removed, which is counted and shown.
    pub archive_bytes_max: u64,
    /// What is odd, and from when.
    pub anomaly: Anomalies,
}

/// When a stream of numbers is odd. Each sensor is held to its own history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Anomalies {
    /// How many false alarms a day a stream may give, all kinds together. The less, the further from its habit a value must be.
    pub false_alarms_per_day: f64,
    /// A stream's habit is learned for so many days before it is held to it. What a sensor can say at all holds from the start.
    pub learn_days: u32,
    /// A stream is silent when nothing came for so many of its intervals, and longer than it is wont to be. 2 to 1000.
    pub silent_intervals: u32,
    /// The same value is stuck after so many seconds at the least.
    pub stuck_s_min: u32,
    /// The same value is stuck after so many readings at the least. 3 to 10000.
    pub stuck_readings_min: u32,
}

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
#[error("`{field}` is {found}, expected {expected}")]
pub struct InvalidConfig {
    /// The field.
    pub field: &'static str,
    /// What it holds.
    pub found: String,
    /// What it may hold.
    pub expected: &'static str,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            streams_max: 2_000,
            late_s: 600,
            far_s: 86_400,
            minutes_max: 1_440,
            raw_window_s: 6 * 3_600,
            raw_readings_max: 2_048,
            points_max: 10_000,
            keep_days: 400,
            archive_bytes_max: 4 << 30,
            anomaly: Anomalies::default(),
        }
    }
}

impl Default for Anomalies {
    fn default() -> Self {
        Self {
            false_alarms_per_day: 0.05,
            learn_days: 7,
            silent_intervals: 5,
            stuck_s_min: 3_600,
            stuck_readings_min: 10,
        }
    }
}

impl Config {
    /// Checks that every setting leaves room for work.
    ///
    /// # Errors
    /// Names the first field that does not.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let anomaly = &self.anomaly;
        let rate = anomaly.false_alarms_per_day;
        [
            number("streams_max", self.streams_max, 1, 1 << 20, "1 to 1048576"),
            number("late_s", self.late_s as usize, 0, 86_400, "0 to 86400"),
            number("far_s", self.far_s as usize, 3_600, 30 * 86_400, "3600 to 2592000"),
            number("minutes_max", self.minutes_max, 180, 1 << 20, "180 to 1048576"),
            number("raw_readings_max", self.raw_readings_max, 128, 1 << 16, "128 to 65536"),
            number("points_max", self.points_max, 10, 1 << 20, "10 to 1048576"),
            number("keep_days", self.keep_days as usize, 1, 36_500, "1 to 36500"),
            number("anomaly.learn_days", anomaly.learn_days as usize, 1, 365, "1 to 365"),
            number("anomaly.silent_intervals", anomaly.silent_intervals as usize, 2, 1_000, "2 to 1000"),
            number(
                "anomaly.stuck_readings_min",
                anomaly.stuck_readings_min as usize,
                3,
                10_000,
                "3 to 10000",
            ),
        ]
        .into_iter()
        .collect::<Result<(), _>>()?;
        if !(rate > 0.0 && rate <= 100.0) {
            let (field, found) = ("anomaly.false_alarms_per_day", rate.to_string());
            return Err(InvalidConfig { field, found, expected: "more than 0, at most 100" });
        }
        Ok(())
    }
}

fn number(
    field: &'static str,
    found: usize,
    min: usize,
    max: usize,
    expected: &'static str,
) -> Result<(), InvalidConfig> {
    if (min..=max).contains(&found) {
        Ok(())
    } else {
        Err(InvalidConfig { field, found: found.to_string(), expected })
    }
}
