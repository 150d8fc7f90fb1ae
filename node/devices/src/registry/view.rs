//! What is known of each device, as readers see it. The fold keeps the same values: a view is no copy.
//!
//! Plain structs without behaviour beyond questions; how they change is in `fold` and `twin`.

use super::numbers::Numbers;
use aisle_event::{
    DeviceId, Measure, Name, Sku, Text, Timestamp,
    device::{CommandEnd, DeviceProblem, Measured, Place, StreamKind},
};
use imbl::OrdMap;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

/// All devices, by id.
#[derive(Debug, Clone, Serialize)]
pub struct DevicesView {
    /// The last record that is in this view.
    pub applied: u64,
    /// The devices.
    #[serde(serialize_with = "in_a_row")]
    pub devices: OrdMap<DeviceId, Arc<DeviceView>>,
    /// How many of each state.
    pub counts: Counts,
    /// Announcements in the journal that found no room.
    pub shed: u64,
    /// So many more devices that were not heard before find room.
    pub heard_room: usize,
    /// Streams of one device that are looked at.
    pub streams_max: usize,
    /// Commands that are kept with a device; no more may be under way at once.
    pub commands_max: usize,
    /// What staff must know of the register itself, in words.
    pub alert: Option<String>,
}

/// How many devices there are of each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Encode, Decode)]
pub struct Counts {
    /// Heard, not trusted.
    #[n(0)]
    pub heard: usize,
    /// Approved, those with a suspended approval included.
    #[n(1)]
    pub approved: usize,
    /// Retired.
    #[n(2)]
    pub retired: usize,
}

/// Where a device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// It was heard and waits for a person to approve it.
    #[n(0)]
    Heard,
    /// It takes part.
    #[n(1)]
    Approved,
    /// It was sent away; what it says is ignored until a person approves it again.
    #[n(2)]
    Retired,
}

/// One device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, ToSchema)]
#[schema(as = Device)]
pub struct DeviceView {
    /// Its id.
    #[n(0)]
    #[schema(value_type = String)]
    pub device: DeviceId,
    /// Where it stands.
    #[n(1)]
    pub state: DeviceState,
    /// Who said so last, and when; for a device that was only heard, when that was for the first time.
    #[n(2)]
    #[schema(value_type = Option<String>)]
    pub state_by: Option<Name>,
    /// Since when.
    #[n(3)]
    #[serde(with = "crate::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub state_at: Timestamp,
    /// Its approval is suspended because it says that it is another model. Approving it again ends this.
    #[n(4)]
    pub suspended: Option<Suspension>,
    /// What it is.
    #[n(5)]
    #[schema(value_type = String)]
    pub model: Name,
    /// The profile that understands it; nothing when it speaks the contract.
    #[n(6)]
    #[schema(value_type = Option<String>)]
    pub profile: Option<Name>,
    /// The version of its software.
    #[n(7)]
    #[schema(value_type = Option<String>)]
    pub firmware: Option<Name>,
    /// Its serial number.
    #[n(8)]
    #[schema(value_type = Option<String>)]
    pub serial: Option<Name>,
    /// The serial number that it gave before. When it comes back, two devices use one id.
    #[n(9)]
    #[schema(value_type = Option<String>)]
    pub serial_before: Option<Name>,
    /// How often it has started, by its own count.
    #[n(10)]
    pub boots: Option<u32>,
    /// It speaks CBOR rather than JSON.
    #[n(11)]
    pub cbor: bool,
    /// What it measures.
    #[n(12)]
    pub streams: Vec<StreamView>,
    /// The schema of its settings.
    #[n(13)]
    #[schema(value_type = Option<Value>)]
    pub schema: Option<Json>,
    /// Whether it is there; nothing while that was never said.
    #[n(14)]
    pub online: Option<bool>,
    /// Since when.
    #[n(15)]
    #[serde(with = "crate::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub online_since: Option<Timestamp>,
    /// When it was heard last, as far as the journal tells.
    #[n(16)]
    #[serde(with = "crate::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub last_heard: Timestamp,
    /// What it is to be set to, and what it says that it is set to.
    #[n(17)]
    pub twin: Twin,
    /// Commands, the newest last.
    #[n(18)]
    pub commands: Vec<CommandView>,
    /// What was wrong with it: the newest of each kind.
    #[n(19)]
    pub problems: Vec<ProblemView>,
    /// Something that must be said in the journal and was not said yet.
    #[serde(skip)]
    #[n(20)]
    pub(crate) unsaid: Option<Unsaid>,
}

/// Why an approval does not count until it is renewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, ToSchema)]
#[schema(as = DeviceSuspension)]
pub struct Suspension {
    /// The model that a person approved.
    #[n(0)]
    #[schema(value_type = String)]
    pub approved_model: Name,
    /// Since when.
    #[n(1)]
    #[serde(with = "crate::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// In words, with what to do.
    #[n(2)]
    #[schema(value_type = String)]
    pub detail: Name,
}

/// What the fold itself found, and what becomes a `DeviceFaulted`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Unsaid {
    #[n(0)]
    Model,
    #[n(1)]
    TwoDevices,
}

/// A stream of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, ToSchema)]
#[schema(as = DeviceStream)]
pub struct StreamView {
    /// Its name.
    #[n(0)]
    #[schema(value_type = String)]
    pub name: Name,
    /// What comes by it.
    #[n(1)]
    #[schema(value_type = String)]
    pub kind: StreamKind,
    /// What its numbers count.
    #[n(2)]
    #[schema(value_type = Option<String>)]
    pub measured: Option<Measured>,
    /// How often it speaks when all is well, in seconds.
    #[n(3)]
    pub interval_s: Option<u32>,
    /// Where it measures.
    #[n(4)]
    pub placement: Option<Placement>,
    /// The numbers that were seen of it.
    #[serde(skip)]
    #[n(5)]
    pub(crate) numbers: Numbers,
    /// The device does not announce it any more, or not yet; it is kept for its placement.
    #[n(6)]
    pub unannounced: bool,
}

/// Where a stream measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, ToSchema)]
#[schema(as = DevicePlacement)]
pub struct Placement {
    /// In which part of the store.
    #[n(0)]
    #[schema(value_type = Option<String>)]
    pub place: Option<Place>,
    /// What lies on it.
    #[n(1)]
    #[schema(value_type = Option<String>)]
    pub sku: Option<Sku>,
    /// What one piece weighs, in grams.
    #[n(2)]
    #[serde(deserialize_with = "measure")]
    #[schema(value_type = Option<f64>)]
    pub unit_weight: Option<Measure>,
    /// What it shows when nothing lies on it, in grams.
    #[n(3)]
    #[serde(deserialize_with = "measure")]
    #[schema(value_type = Option<f64>)]
    pub tare: Option<Measure>,
    /// The cold chain unit that it watches.
    #[n(4)]
    #[schema(value_type = Option<String>)]
    pub unit: Option<Name>,
    /// When it was said.
    #[n(5)]
    #[serde(with = "crate::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// Desired and reported settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, ToSchema)]
#[schema(as = DeviceTwin)]
pub struct Twin {
    /// What it is to be set to.
    #[n(0)]
    pub desired: Option<Desired>,
    /// What it says that it is set to.
    #[n(1)]
    pub reported: Option<Reported>,
    /// Both are the same version. A device that was never set is in sync.
    #[n(2)]
    pub in_sync: bool,
    /// Since when that is so.
    #[n(3)]
    #[serde(with = "crate::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
}

/// What a device is to be set to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, ToSchema)]
#[schema(as = DesiredSettings)]
pub struct Desired {
    /// Counts up.
    #[n(0)]
    pub version: u64,
    /// The whole of its settings.
    #[n(1)]
    #[schema(value_type = Value)]
    pub settings: Json,
    /// Who.
    #[n(2)]
    #[schema(value_type = Option<String>)]
    pub by: Option<Name>,
    /// When.
    #[n(3)]
    #[serde(with = "crate::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// What a device says that it is set to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, ToSchema)]
#[schema(as = ReportedSettings)]
pub struct Reported {
    /// The version in force.
    #[n(0)]
    pub version: u64,
    /// The settings in force.
    #[n(1)]
    #[schema(value_type = Value)]
    pub settings: Json,
    /// The version that it refused, if it did.
    #[n(2)]
    pub refused: Option<RefusedView>,
    /// It fell back to these after failing to start with others.
    #[n(3)]
    pub last_known_good: bool,
    /// When it was heard.
    #[n(4)]
    #[serde(with = "crate::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// Settings that a device refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, ToSchema)]
#[schema(as = RefusedSettings)]
pub struct RefusedView {
    /// Which version.
    #[n(0)]
    pub version: u64,
    /// The field.
    #[n(1)]
    #[schema(value_type = Option<String>)]
    pub path: Option<Name>,
    /// Why.
    #[n(2)]
    #[schema(value_type = Option<String>)]
    pub reason: Option<Name>,
}

/// A command to a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, ToSchema)]
#[schema(as = DeviceCommand)]
pub struct CommandView {
    /// What its answer carries.
    #[n(0)]
    #[schema(value_type = String)]
    pub correlation: Name,
    /// What it is to do.
    #[n(1)]
    #[schema(value_type = String)]
    pub command: Name,
    /// What went with it.
    #[n(2)]
    #[schema(value_type = Value)]
    pub request: Json,
    /// Who asked.
    #[n(3)]
    #[schema(value_type = Option<String>)]
    pub by: Option<Name>,
    /// When.
    #[n(4)]
    #[serde(with = "crate::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Until when an answer counts.
    #[n(5)]
    #[serde(with = "crate::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// How it ended; nothing while it is under way.
    #[n(6)]
    pub ended: Option<CommandEndView>,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, ToSchema)]
#[schema(as = DeviceCommandEnd)]
pub struct CommandEndView {
    /// How.
    #[n(0)]
    #[schema(value_type = String)]
    pub end: CommandEnd,
    /// What came back.
    #[n(1)]
    #[schema(value_type = Option<Value>)]
    pub response: Option<Json>,
    /// When.
    #[n(2)]
    #[serde(with = "crate::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// What was wrong with a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, ToSchema)]
#[schema(as = DeviceProblem)]
pub struct ProblemView {
    /// What.
    #[n(0)]
    #[schema(value_type = String)]
    pub problem: DeviceProblem,
    /// Where in the payload or the settings.
    #[n(1)]
    #[schema(value_type = Option<String>)]
    pub path: Option<Name>,
    /// In words, with what to do.
    #[n(2)]
    #[schema(value_type = String)]
    pub detail: Name,
    /// When it was said last.
    #[n(3)]
    #[serde(with = "crate::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How often it was said.
    #[n(4)]
    pub count: u64,
}

/// JSON as text: shared, and shown as what it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Json(#[n(0)] pub Text);

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<Value>(&self.0) {
            Ok(value) => value.serialize(serializer),
            Err(_) => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Text::new(value.to_string()).map(Self).map_err(D::Error::custom)
    }
}

impl DeviceView {
    /// Its readings count: it is approved, and that is not suspended.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.state == DeviceState::Approved && self.suspended.is_none()
    }

    /// It is understood by a profile and does not know the contract.
    #[must_use]
    pub const fn is_foreign(&self) -> bool {
        self.profile.is_some()
    }

    /// A stream that it announced.
    #[must_use]
    pub fn stream(&self, name: &str) -> Option<&StreamView> {
        self.streams.iter().find(|stream| stream.name.as_str() == name && !stream.unannounced)
    }

    /// A command that has not ended.
    #[must_use]
    pub fn open_command(&self, correlation: &str) -> Option<&CommandView> {
        self.commands
            .iter()
            .find(|command| command.correlation.as_str() == correlation && command.ended.is_none())
    }
}

/// Of a register that holds nothing yet, with room for as much as by default.
impl Default for DevicesView {
    fn default() -> Self {
        super::Devices::new(super::Config::default()).view()
    }
}

impl DevicesView {
    /// A device.
    #[must_use]
    pub fn get(&self, device: &str) -> Option<&Arc<DeviceView>> {
        self.devices.get(device)
    }
}

/// An amount as it is written, a number of units.
fn measure<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Measure>, D::Error> {
    let units = Option::<f64>::deserialize(deserializer)?;
    units.map(Measure::new).transpose().map_err(D::Error::custom)
}

fn in_a_row<S: Serializer>(
    devices: &OrdMap<DeviceId, Arc<DeviceView>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(devices.values().map(|device| &**device))
}
