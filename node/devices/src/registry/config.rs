//! What an operator can set about the register of devices.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bounds of the register. Each says what happens when it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Devices that are known at once, of every state; a further one that announces itself is not taken in, is counted, and is
    /// told of.
    pub devices_max: usize,
    /// Devices among them that wait for approval. At the bound a further announcement takes the place of the one that was
    /// silent longest, if that is over `heard_forget_h`; else it is not taken in, is counted, and is told of.
    pub unapproved_max: usize,
    /// A device that waits for approval and was not heard for so many hours makes room for others.
    pub heard_forget_h: u32,
    /// Retired devices that are remembered, so that they stay away; the one retired first is forgotten beyond it.
    pub retired_max: usize,
    /// Commands that are kept with a device, those under way included; the oldest that has ended goes first.
    pub commands_max: usize,
    /// Streams of one device; further ones are not looked at.
    pub streams_max: usize,
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
            devices_max: 5_000,
            unapproved_max: 500,
            heard_forget_h: 24,
            retired_max: 1_000,
            commands_max: 16,
            streams_max: 16,
        }
    }
}

impl Config {
    /// Checks that every bound leaves room for work.
    ///
    /// # Errors
    /// Names the first that does not.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let checks = [
            ("devices_max", self.devices_max, 1, 100_000, "1 to 100000"),
            ("unapproved_max", self.unapproved_max, 1, self.devices_max, "1 to `devices_max`"),
            ("heard_forget_h", self.heard_forget_h as usize, 1, 8_760, "1 to 8760"),
            ("retired_max", self.retired_max, 0, 100_000, "at most 100000"),
            ("commands_max", self.commands_max, 1, 256, "1 to 256"),
            ("streams_max", self.streams_max, 1, 64, "1 to 64"),
        ];
        match checks.into_iter().find(|(_, found, least, most, _)| !(least..=most).contains(&found)) {
            Some((field, found, _, _, expected)) => {
                Err(InvalidConfig { field, found: found.to_string(), expected })
            }
            None => Ok(()),
        }
    }
}
