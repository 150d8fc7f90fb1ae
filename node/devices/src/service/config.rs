//! What an operator can set about listening to devices.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long a command waits for its answer when nobody says otherwise, in seconds: what a device that is awake needs at most.
pub const COMMAND_TIMEOUT_S: u32 = 10;

/// Settings of the service. Each bound says what happens when it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Messages that become one batch in the journal, at most; more wait for the next.
    pub batch_messages_max: usize,
    /// Messages that were taken from the broker and are not in the journal yet, at most; more wait in the session.
    pub in_flight_max: u16,
    /// The broker keeps messages for so many seconds for a service that is not there.
    pub session_expiry_s: u32,
    /// A longer payload is refused unread, in bytes.
    pub payload_bytes_max: usize,
    /// Messages a second of one device. Beyond it its numbers are dropped and counted; tags and scans only when a second burst
    /// is used up, too. Of what says what a device is, whether it is there and how it is set, the newest is always taken.
    pub device_messages_per_s_max: u32,
    /// Bytes a second of one device; as above.
    pub device_bytes_per_s_max: u32,
    /// A device that was silent may send so many seconds' worth at once.
    pub device_burst_s: u32,
    /// Devices whose rates and last words are kept in memory; beyond it what unapproved ones say is dropped and counted.
    pub tracked_max: usize,
    /// Unapproved devices whose last values are shown to whoever is to approve them; further ones are not shown.
    pub preview_max: usize,
    /// A reading that says that it is older, in hours, gets the node's time instead of its own.
    pub clock_behind_h: u32,
    /// A reading that says that it is from further ahead, in seconds, gets the node's time instead of its own.
    pub clock_ahead_s: u32,
    /// A device without a last will that is silent for so many of its intervals is taken for gone.
    pub silence_intervals: u32,
    /// But not before so many seconds.
    pub silence_s_min: u32,
    /// Such a device that does not say how often it speaks is taken for gone after so many seconds.
    pub silence_s_default: u32,
    /// The same thing is said again to be wrong with a device after so many seconds at the earliest.
    pub fault_again_s: u32,
    /// Desired settings are retained for so many days; they are published anew at half of that while the device has not taken
    /// them.
    pub desired_expiry_d: u32,
    /// The longest that a command may wait for its answer, in seconds; a longer wait is refused. At least 10, which is how long one
    /// waits when nobody says otherwise.
    pub command_timeout_s_max: u32,
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
            batch_messages_max: 1_000,
            in_flight_max: 2_000,
            session_expiry_s: 7 * 86_400,
            payload_bytes_max: 64 << 10,
            device_messages_per_s_max: 100,
            device_bytes_per_s_max: 64 << 10,
            device_burst_s: 10,
            tracked_max: 12_000,
            preview_max: 500,
            clock_behind_h: 7 * 24,
            clock_ahead_s: 300,
            silence_intervals: 3,
            silence_s_min: 60,
            silence_s_default: 86_400,
            fault_again_s: 3_600,
            desired_expiry_d: 90,
            command_timeout_s_max: 3_600,
        }
    }
}

impl Config {
    /// Checks that every setting leaves room for work.
    ///
    /// # Errors
    /// Names the first that does not.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let at_least = |field, found: u64, least: u64, expected| {
            if found < least {
                Err(InvalidConfig { field, found: found.to_string(), expected })
            } else {
                Ok(())
            }
        };
        let one = "at least 1";
        at_least("batch_messages_max", self.batch_messages_max as u64, 1, one)?;
        at_least("in_flight_max", self.in_flight_max.into(), 1, one)?;
        at_least("session_expiry_s", self.session_expiry_s.into(), 60, "at least 60")?;
        at_least("payload_bytes_max", self.payload_bytes_max as u64, 1_024, "at least 1024")?;
        at_least("device_messages_per_s_max", self.device_messages_per_s_max.into(), 1, one)?;
        at_least("device_bytes_per_s_max", self.device_bytes_per_s_max.into(), 1_024, "at least 1024")?;
        at_least("device_burst_s", self.device_burst_s.into(), 1, one)?;
        at_least("tracked_max", self.tracked_max as u64, 16, "at least 16")?;
        at_least("clock_behind_h", self.clock_behind_h.into(), 1, one)?;
        if self.clock_behind_h > 7 * 24 {
            let found = self.clock_behind_h.to_string();
            return Err(InvalidConfig { field: "clock_behind_h", found, expected: "at most 168" });
        }
        at_least("silence_intervals", self.silence_intervals.into(), 2, "at least 2")?;
        at_least("silence_s_min", self.silence_s_min.into(), 1, one)?;
        at_least("silence_s_default", self.silence_s_default.into(), 60, "at least 60")?;
        at_least("fault_again_s", self.fault_again_s.into(), 60, "at least 60")?;
        at_least("desired_expiry_d", self.desired_expiry_d.into(), 1, one)?;
        if self.desired_expiry_d > 3_650 {
            let found = self.desired_expiry_d.to_string();
            return Err(InvalidConfig { field: "desired_expiry_d", found, expected: "at most 3650" });
        }
        at_least(
            "command_timeout_s_max",
            self.command_timeout_s_max.into(),
            COMMAND_TIMEOUT_S.into(),
            "at least 10",
        )
    }
}
