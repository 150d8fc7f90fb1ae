//! The messages of the contract, the same in JSON and CBOR.
//!
//! Evolution is additive: unknown keys are passed over, optional ones may be missing, required ones are named when they are.
//! Texts and lists have bounds, so that a device needs no heap. Not here: topics ([`crate::topic`]), what settings may be
//! ([`crate::setting`]), how bytes are read ([`crate::wire`]).

use crate::{
    fault::Fault,
    setting::{Field, Settings},
    unit::Unit,
};
use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

pub use crate::wire::{EncodeError, Encoding, decode, encode};

/// The version of the contract that is spoken here. A device that says another is refused.
pub const CONTRACT: u16 = 1;
/// The largest message of the contract in either encoding, in bytes: an announce with all its fields full.
pub const MESSAGE_BYTES_MAX: usize = 16 << 10;

/// What a device says about itself: `announce`, retained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Announce {
    /// The version of the contract: [`CONTRACT`].
    #[serde(deserialize_with = "contract")]
    pub contract: u16,
    /// What it is.
    pub model: String<32>,
    /// What tells it from another one of the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String<32>>,
    /// The version of its software.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String<32>>,
    /// How often it has started.
    pub boots: u32,
    /// What it measures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<StreamInfo, 8>,
    /// What can be set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Field, 16>,
}

fn contract<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    match u16::deserialize(deserializer)? {
        CONTRACT => Ok(CONTRACT),
        other => {
            Err(serde::de::Error::custom(format_args!("is {other}, expected {CONTRACT}: another contract")))
        }
    }
}

/// A stream that a device has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamInfo {
    /// Its name, unique within the device.
    pub name: String<24>,
    /// What comes by it.
    pub kind: StreamKind,
    /// What its numbers count; for numbers only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// How often it speaks when all is well, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_s: Option<u32>,
}

/// What comes by a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamKind {
    /// Numbers of one unit.
    Number,
    /// RFID tags in a zone.
    Tags,
    /// Scanned codes.
    Code,
}

/// Whether a device is there: `status`, retained. Its last will says `online = false`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// It is.
    pub online: bool,
    /// How often it has started.
    pub boots: u32,
    /// Why it went, or why it started again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String<32>>,
}

/// Numbers of one stream, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Telemetry {
    /// The start of the device that the numbers of the samples belong to.
    pub boot: u32,
    /// What the values count.
    pub unit: Unit,
    /// What was measured.
    pub samples: Vec<Sample, 16>,
}

/// One number that was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Its number among those of the stream since the device started.
    pub n: u32,
    /// When, in milliseconds since 1970; nothing when the device has no believable clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
    /// How much. Always finite.
    #[serde(serialize_with = "finite")]
    pub v: f64,
}

/// RFID tags that a reader saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tags {
    /// The start of the device that the number belongs to.
    pub boot: u32,
    /// The number of the message.
    pub n: u32,
    /// When, in milliseconds since 1970; nothing when the device has no believable clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
    /// It looked at the whole zone: what is not listed was not seen.
    pub complete: bool,
    /// The tags, as 24 hexadecimal digits (SGTIN-96).
    pub tags: Vec<String<24>, 64>,
}

/// A code that was scanned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Code {
    /// The start of the device that the number belongs to.
    pub boot: u32,
    /// The number of the message.
    pub n: u32,
    /// When, in milliseconds since 1970; nothing when the device has no believable clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
    /// What was read.
    pub code: String<64>,
    /// What lay on the scale, in grams.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "finite_or_none")]
    pub weight_g: Option<f64>,
}

/// What a device is to be set to: `config/desired`, retained. The whole of it: what is not named is as the schema has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Desired {
    /// One more than the version before.
    pub version: u64,
    /// The settings.
    pub settings: Settings,
}

/// What a device is set to: `config/reported`, retained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reported {
    /// The version in force.
    pub version: u64,
    /// The settings in force.
    pub settings: Settings,
    /// What was refused since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
    /// It fell back to these after failing to start with others.
    #[serde(default)]
    pub last_known_good: bool,
}

/// Settings that a device refused, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Their version.
    pub version: u64,
    /// The setting that is wrong; empty when it is none alone.
    pub path: String<48>,
    /// Why.
    pub reason: String<96>,
}

impl Refused {
    /// Settings of a version that had a fault.
    #[must_use]
    pub fn new(version: u64, fault: Fault) -> Self {
        Self { version, path: fault.path, reason: fault.reason }
    }
}

/// What a device is asked to do: `cmd/<name>/req`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// What the answer will carry.
    pub id: String<36>,
    /// What goes with it.
    #[serde(default)]
    pub args: Settings,
    /// After so many seconds nobody waits for it any more, and it must not be done.
    pub ttl_s: u32,
}

/// What came of a request: `cmd/<name>/res`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// The request's.
    pub id: String<36>,
    /// It was done.
    pub ok: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String<96>>,
    /// What came back.
    #[serde(default)]
    pub result: Settings,
}

/// JSON has no word for other numbers, and nobody has a use for them.
fn finite<S: serde::Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        serializer.serialize_f64(*value)
    } else {
        Err(serde::ser::Error::custom("a value is no finite number"))
    }
}

fn finite_or_none<S: serde::Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => finite(value, serializer),
        None => serializer.serialize_none(),
    }
}
