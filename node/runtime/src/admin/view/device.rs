//! Devices, as administrators see them. One device is what the register says of it (`aisle_devices::registry`), with what it measures.

use super::telemetry::StreamLine;
use aisle_devices::{
    registry::{DeviceState, DeviceView},
    service::{COMMAND_TIMEOUT_S, HeardDevice, RefusedProfile},
};
use aisle_event::{Timestamp, device::Place};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A device in a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct DeviceLine {
    /// Its id.
    pub device: String,
    /// What it is.
    pub model: String,
    /// The profile that understands it; nothing when it speaks the contract.
    pub profile: Option<String>,
    /// Where it stands.
    pub state: DeviceState,
    /// Whether it is there; nothing while that was never said.
    pub online: Option<bool>,
    /// When it was heard last, as far as the journal tells.
    #[serde(with = "aisle_devices::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub last_heard: Timestamp,
    /// It is set to what it is to be set to; also when nothing was asked of it.
    pub in_sync: bool,
    /// Kinds of problems that were met with it, and oddities of its streams that last.
    pub problems: usize,
    /// What needs somebody first, in words.
    pub alert: Option<String>,
}

/// All that is known of a device.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct DeviceDetail {
    /// What the register says.
    #[serde(flatten)]
    pub device: DeviceView,
    /// What needs somebody first, in words.
    pub alert: Option<String>,
    /// What its streams of numbers measured last.
    pub telemetry: Vec<StreamLine>,
    /// What it says while it is not approved; lost at a restart.
    pub preview: Option<HeardDevice>,
}

/// Where a stream of a device measures. What is left out is taken back.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlacementBody {
    /// In which part of the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<PlaceName>)]
    pub place: Option<Place>,
    /// What lies on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// What one piece weighs, in grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(exclusive_minimum = 0, maximum = 1_000_000)]
    pub unit_weight_g: Option<f64>,
    /// What it shows when nothing lies on it, in grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -1_000_000, maximum = 1_000_000)]
    pub tare_g: Option<f64>,
    /// The cold chain unit that it watches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// Part of the store.
#[derive(ToSchema)]
#[schema(as = Place, rename_all = "snake_case")]
#[expect(dead_code, reason = "gives the schema; the event's own place writes it")]
pub(crate) enum PlaceName {
    Shelf,
    Backroom,
}

/// Where one of several streams measures.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StreamPlacement)]
pub(crate) struct PlacedStream {
    /// Which stream.
    pub stream: String,
    /// In which part of the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<PlaceName>)]
    pub place: Option<Place>,
    /// What lies on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// What one piece weighs, in grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(exclusive_minimum = 0, maximum = 1_000_000)]
    pub unit_weight_g: Option<f64>,
    /// What it shows when nothing lies on it, in grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -1_000_000, maximum = 1_000_000)]
    pub tare_g: Option<f64>,
    /// The cold chain unit that it watches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl PlacedStream {
    /// The stream, and where it measures.
    pub(crate) fn split(self) -> (String, PlacementBody) {
        let Self { stream, place, sku, unit_weight_g, tare_g, unit } = self;
        (stream, PlacementBody { place, sku, unit_weight_g, tare_g, unit })
    }
}

/// Letting a device take part.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeviceApproval)]
pub(crate) struct ApprovalBody {
    /// Who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256)]
    pub by: Option<String>,
    /// Where its streams measure.
    #[serde(default)]
    #[schema(max_items = 64)]
    pub placements: Vec<PlacedStream>,
}

/// The version that settings were given.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub(crate) struct SettingsVersion {
    /// Counts up with every change.
    pub version: u64,
}

/// What a device is to do.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CommandRequest)]
pub(crate) struct CommandBody {
    /// What goes with it: numbers, texts, true and false by name.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub args: Map<String, Value>,
    /// How long it may take; the device must not do it later.
    #[serde(default = "CommandBody::timeout_s")]
    #[schema(minimum = 1, maximum = 86_400, default = 10)]
    pub timeout_s: u32,
    /// Who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256)]
    pub by: Option<String>,
}

impl CommandBody {
    /// How long one waits that does not say.
    pub(crate) const fn timeout_s() -> u32 {
        COMMAND_TIMEOUT_S
    }
}

/// How a command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CommandState)]
pub(crate) enum Outcome {
    /// The device did it.
    Done,
    /// The device refused it.
    Refused,
    /// No answer came in time. The device must not do it later; whether it did is not known.
    TimedOut,
    /// It may still answer: look at the device's commands.
    UnderWay,
}

/// What came of a command.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = CommandAnswer)]
pub(crate) struct CommandAnswer {
    /// How it stands.
    pub outcome: Outcome,
    /// What came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value, required = false)]
    pub response: Option<Value>,
    /// Which of the device's commands it is, while it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub correlation: Option<String>,
}

/// The profiles by which foreign devices are understood.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct DeviceProfiles {
    /// Those in force, in the order in which they are asked.
    pub profiles: Vec<ProfileLine>,
    /// Files that are not in force as they stand.
    pub refused: Vec<RefusedProfile>,
}

/// A profile in force.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = DeviceProfile)]
pub(crate) struct ProfileLine {
    /// Its name.
    pub profile: String,
    /// The model that it is for.
    pub model: String,
    /// It comes with Aisle; otherwise it is a file of the store.
    pub builtin: bool,
    /// What such a device can be asked to do.
    pub commands: Vec<String>,
}
