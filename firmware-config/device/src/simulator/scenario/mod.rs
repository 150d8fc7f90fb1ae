//! A scenario: which devices there are, what they look at, what goes wrong with them and when. A TOML file.
//!
//! Guards: a scenario that cannot be is refused whole, with the path of what is wrong; the number of devices and faults is bounded.

mod builtin;
mod check;
mod device;
mod fault;

pub use builtin::{BUILTIN, Builtin, builtin};
pub use device::{DeviceGroup, Encoding, Model};
pub use fault::{FaultConfig, FaultKind};

pub(super) use device::DevicePlan;
pub(super) use fault::{FaultPlan, Window, fault_seed, milliseconds};

use crate::floor::FloorConfig;
use serde::{Deserialize, Serialize};
use std::num::NonZero;

/// Devices of a scenario at most.
pub const DEVICES_MAX: u32 = 20_000;
/// Faults of a scenario at most.
pub const FAULTS_MAX: usize = 1_000;
/// Bytes of a scenario's text at most.
pub const SCENARIO_BYTES_MAX: usize = 1 << 20;

/// A scenario that was checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// How long and how fast.
    #[serde(default)]
    pub simulation: SimulationConfig,
    /// How devices connect.
    #[serde(default)]
    pub mqtt: MqttConfig,
    /// The shop that the devices stand in. Without one they measure something made up.
    #[serde(default)]
    pub floor: Option<FloorConfig>,
    /// The devices.
    pub devices: Vec<DeviceGroup>,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Vec<FaultConfig>,
}

/// How long a simulation runs and how fast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulationConfig {
    /// What it is about, in a few words.
    pub title: String,
    /// It ends by itself after so many simulated seconds; without a number it runs until it is stopped.
    pub duration_s: Option<f64>,
    /// Simulated seconds in a real second, 0.01 to 10,000. Devices measure that much more often, the shop lives that much faster;
    /// what devices write as the time stays the real one.
    pub speed: f64,
    /// The truth is written down so often, in simulated seconds.
    pub truth_interval_s: f64,
    /// All devices connect within so many real seconds, one after the other in random order.
    pub connect_within_s: f64,
}

impl Default for SimulationConfig {
    fn default() -> Self {
        Self {
            title: String::new(),
            duration_s: None,
            speed: 1.0,
            truth_interval_s: 60.0,
            connect_within_s: 5.0,
        }
    }
}

/// How devices connect. In user and password, `%device%` stands for the id of the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MqttConfig {
    /// The user; without one, devices connect as nobody.
    pub user: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// How long the broker waits for a sign of life, in seconds (half as much again).
    pub keep_alive_s: NonZero<u16>,
}

impl Default for MqttConfig {
    fn default() -> Self {
        Self { user: None, password: None, keep_alive_s: NonZero::new(60).unwrap_or(NonZero::<u16>::MIN) }
    }
}

/// Why a scenario was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// It is no TOML.
    #[error("the scenario is no TOML: {reason}")]
    Syntax {
        /// Where and why.
        reason: String,
    },
    /// A field is not as it must be.
    #[error("`{path}`: {reason}")]
    Field {
        /// Which, as `devices[2].model`.
        path: String,
        /// Why.
        reason: String,
    },
    /// A value cannot be.
    #[error("`{path}` is {found}, expected {expected}")]
    Value {
        /// Of which field, as `devices[2].count`.
        path: String,
        /// What it is.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// There is no built-in scenario of that name.
    #[error(
        "there is no scenario `{name}`\nhint: built in are {known}; anything else is the path of a TOML file"
    )]
    Unknown {
        /// The name.
        name: String,
        /// Those that are there.
        known: String,
    },
}

impl Scenario {
    /// Reads and checks a scenario.
    ///
    /// # Errors
    /// When it is no TOML, has a field that is not known, or a value that cannot be: with the path of the field.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        if text.len() > SCENARIO_BYTES_MAX {
            return Err(ScenarioError::Syntax {
                reason: format!("it has {} bytes, more than {SCENARIO_BYTES_MAX}", text.len()),
            });
        }
        let document = toml::Deserializer::parse(text)
            .map_err(|error| ScenarioError::Syntax { reason: error.to_string().trim_end().to_owned() })?;
        let scenario: Self =
            serde_path_to_error::deserialize(document).map_err(|error| ScenarioError::Field {
                path: error.path().to_string(),
                reason: error.inner().message().to_owned(),
            })?;
        scenario.validate()?;
        Ok(scenario)
    }

    /// How many devices there are.
    #[must_use]
    pub fn device_count(&self) -> u32 {
        self.devices.iter().map(|group| group.count).fold(0, u32::saturating_add)
    }

    /// The devices one by one, in the order of the file. A number of each tells it from others in everything random.
    pub(super) fn plan(&self) -> Vec<DevicePlan> {
        let numbered =
            self.devices.iter().flat_map(|group| (1..=group.count).map(move |number| (group, number)));
        numbered
            .enumerate()
            .map(|(index, (group, number))| group.plan(index, number, self.floor.as_ref()))
            .collect()
    }
}
