//! What an operator can set about the staff board.

use crate::config::InvalidConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the staff board. Each bound says what happens when it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StaffConfig {
    /// Who signed in stays so for so many hours.
    pub signed_in_h: u32,
    /// So many wrong PINs from one address cost no waiting. From all addresses together it is ten times as many.
    pub wrong_pins_free: u32,
    /// Each further one doubles the wait, which starts at a second, up to so many seconds.
    pub wrong_pin_wait_max_s: u32,
    /// How many pages are kept up to date at once; a further one is answered 503 and looks for itself twice a minute.
    pub live_lines_max: usize,
    /// A line on which nothing happens says so every so many seconds.
    pub live_heartbeat_s: u32,
    /// A page hears of changes at most once in so many milliseconds.
    pub live_interval_ms: u64,
    /// A page that takes nothing from its line for so many seconds loses it.
    pub live_stalled_max_s: u32,
    /// A line ends after so many minutes, and the page, if it is still there and signed in, takes a new one.
    pub live_line_max_min: u32,
}

impl Default for StaffConfig {
    fn default() -> Self {
        Self {
            signed_in_h: 12,
            wrong_pins_free: 3,
            wrong_pin_wait_max_s: 300,
            live_lines_max: 64,
            live_heartbeat_s: 10,
            live_interval_ms: 250,
            live_stalled_max_s: 30,
            live_line_max_min: 60,
        }
    }
}

impl StaffConfig {
    /// Checks that every setting leaves room for work.
    ///
    /// # Errors
    /// Names the first field that does not.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let within = |field, found: u64, least: u64, most: u64, expected| {
            if (least..=most).contains(&found) {
                Ok(())
            } else {
                Err(InvalidConfig { field, found: found.to_string(), expected })
            }
        };
        within("signed_in_h", self.signed_in_h.into(), 1, 168, "1 to 168")?;
        within("wrong_pins_free", self.wrong_pins_free.into(), 1, 10, "1 to 10")?;
        within("wrong_pin_wait_max_s", self.wrong_pin_wait_max_s.into(), 1, 3600, "1 to 3600")?;
        within("live_lines_max", self.live_lines_max as u64, 1, 10_000, "1 to 10000")?;
        within("live_heartbeat_s", self.live_heartbeat_s.into(), 1, 60, "1 to 60")?;
        within("live_interval_ms", self.live_interval_ms, 20, 60_000, "20 to 60000")?;
        if self.live_stalled_max_s <= self.live_heartbeat_s {
            return Err(InvalidConfig {
                field: "live_stalled_max_s",
                found: self.live_stalled_max_s.to_string(),
                expected: "more than `live_heartbeat_s`",
            });
        }
        within("live_line_max_min", self.live_line_max_min.into(), 1, 1440, "1 to 1440")
    }
}
