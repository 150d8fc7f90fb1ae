//! Why something is not as it should be: reasons with codes that stay, for nodes, preflights and pages alike; and faults, which are what went
//! wrong when something was tried.
//!
//! A code is for programs and never changes its meaning; the text beside it is for people and may. All codes stand in `FLEET.md`, which a test
//! holds against this file. In a chain of reasons the first is the one that has to go first. A node may be newer than who reads it: what is not known here
//! keeps its code and what it says ([`Reason::Other`], [`FaultCode::Other`]).

use crate::{
    artefact::{Kind, Slot},
    name::Grant,
    setting::SettingKey,
    text::shown,
    version::Version,
};
use aisle_event::Timestamp;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::fmt;

/// The longest text of a fault, in bytes; what is longer is cut.
pub const FAULT_BYTES_MAX: usize = 300;
/// The most characters of a code that is not known here.
const CODE_CHARS_MAX: usize = 64;
/// The most characters of what a reason says that is not known here.
const OTHER_CHARS_MAX: usize = 200;

/// What kind of thing went wrong.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode,
)]
#[serde(rename_all = "kebab-case")]
#[cbor(index_only)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum FaultCode {
    /// Its bytes did not come.
    #[n(0)]
    FetchFailed,
    /// Its bytes are not what was signed.
    #[n(1)]
    VerifyFailed,
    /// It did not pass its trial before anybody depends on it.
    #[n(2)]
    SmokeTestFailed,
    /// It could not be put in place.
    #[n(3)]
    ActivateFailed,
    /// The node did not come up with it, several times in a row.
    #[n(4)]
    CrashLoop,
    /// It trapped too often in live traffic.
    #[n(5)]
    Trapped,
    /// It answered wrongly or too late too often in live traffic.
    #[n(6)]
    Errored,
    /// The node noticed something else that is wrong with it.
    #[n(7)]
    Broke,
    /// What ran before could not be put back.
    #[n(8)]
    RevertFailed,
    /// It could not be taken away.
    #[n(9)]
    RemoveFailed,
    /// Settings were refused.
    #[n(10)]
    SettingsRefused,
    /// A node of a later build has a name for it; the text begins with it.
    #[n(11)]
    Other,
}

impl FaultCode {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::FetchFailed,
        Self::VerifyFailed,
        Self::SmokeTestFailed,
        Self::ActivateFailed,
        Self::CrashLoop,
        Self::Trapped,
        Self::Errored,
        Self::Broke,
        Self::RevertFailed,
        Self::RemoveFailed,
        Self::SettingsRefused,
        Self::Other,
    ];

    /// Its code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FetchFailed => "fetch-failed",
            Self::VerifyFailed => "verify-failed",
            Self::SmokeTestFailed => "smoke-test-failed",
            Self::ActivateFailed => "activate-failed",
            Self::CrashLoop => "crash-loop",
            Self::Trapped => "trapped",
            Self::Errored => "errored",
            Self::Broke => "broke",
            Self::RevertFailed => "revert-failed",
            Self::RemoveFailed => "remove-failed",
            Self::SettingsRefused => "settings-refused",
            Self::Other => "other",
        }
    }
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Encode, Decode)]
#[serde(from = "FaultRead")]
#[cbor(map)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Fault {
    /// Its kind.
    #[n(1)]
    pub code: FaultCode,
    /// In words.
    #[n(2)]
    pub text: String,
}

/// A fault as somebody wrote it, perhaps of a later build.
#[derive(Deserialize)]
struct FaultRead {
    code: String,
    #[serde(default)]
    text: String,
}

impl From<FaultRead> for Fault {
    fn from(FaultRead { code, text }: FaultRead) -> Self {
        match FaultCode::ALL.into_iter().find(|known| known.as_str() == code) {
            Some(code) => Self { code, text },
            None => Self::new(FaultCode::Other, &[shown(&code, CODE_CHARS_MAX), text].join(": ")),
        }
    }
}

impl Fault {
    /// Of a kind, in words; cut to [`FAULT_BYTES_MAX`].
    #[must_use]
    pub fn new(code: FaultCode, text: &str) -> Self {
        let mut text = shown(text, FAULT_BYTES_MAX);
        while text.len() > FAULT_BYTES_MAX {
            text.pop();
        }
        Self { code, text }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text.as_str() {
            "" => f.write_str(self.code.as_str()),
            text => write!(f, "{} ({text})", self.code.as_str()),
        }
    }
}

/// Why something is not as it should be, or would not be. Fields that are not known are passed over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
// What is derived is a function; the trait's is below, and falls back to `Other`.
#[serde(remote = "Self", tag = "code", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the text of each says what its fields are")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Reason {
    /// Refused for good, until something else is wanted.
    UnknownKind {
        kind: String,
    },
    BelowMinimum {
        version: Version,
        minimum: Version,
    },
    KnownBad {
        version: Version,
        fault: Fault,
    },
    Banned {
        version: Version,
        why: String,
    },
    PolicyDenies {
        why: String,
    },
    NodeTooOld {
        needs: Version,
        has: Option<Version>,
    },
    GrantMissing {
        grants: Vec<Grant>,
    },
    /// Waits.
    MetadataExpired,
    ClockUnknown,
    DiskFull {
        missing_bytes: u64,
    },
    FetchQueue {
        ahead: u64,
    },
    RetryLater {
        fault: Fault,
        tries: u32,
    },
    WindowClosed {
        #[cfg_attr(feature = "schema", schema(value_type = Option<i64>))]
        opens: Option<Timestamp>,
        local: String,
    },
    Busy {
        with: String,
    },
    OtherActivation {
        slot: Slot,
    },
    Stopped,
    /// Goes on.
    Fetching,
    Verifying,
    SmokeTesting,
    Activating,
    Removing,
    Reverting {
        fault: Fault,
    },
    Watching {
        minutes_left: u64,
    },
    NotCalledYet {
        calls: u64,
        calls_min: u64,
    },
    /// Runs, and not well.
    Failing {
        fault: Fault,
    },
    NothingGood {
        minimum: Option<Version>,
    },
    /// Said beforehand, of a store.
    OfflineLong {
        hours: u64,
    },
    WindowShort {
        longest_minutes: u16,
        needs_minutes: u16,
    },
    HeldByOverride {
        why: String,
    },
    Excluded,
    /// What was taken, and does not count yet.
    NextStart {
        keys: Vec<SettingKey>,
    },
    /// What there is no way back from.
    OnlyForward,
    /// Said by a node of a later build.
    Other {
        what: String,
        text: String,
    },
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let said = Map::deserialize(deserializer)?;
        Ok(Self::known(&Value::Object(said.clone())).unwrap_or_else(|_| Self::other(&said)))
    }
}

impl Reason {
    /// Reads one that this build knows.
    ///
    /// # Errors
    /// When it is none, or of a later build.
    pub fn known(said: &Value) -> Result<Self, serde_json::Error> {
        Self::deserialize(said)
    }

    /// What a later build says, as far as it can be told without knowing it: its code, and what stands beside.
    fn other(said: &Map<String, Value>) -> Self {
        let word = |value: &Value| match value {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        let what = said.get("code").map_or_else(|| "unnamed".into(), word);
        let beside = || {
            let beside = said.iter().filter(|(key, _)| *key != "code");
            beside.map(|(key, value)| format!("{key} {}", word(value))).collect::<Vec<_>>().join(", ")
        };
        let text = said.get("text").map_or_else(beside, word);
        Self::Other { what: shown(&what, CODE_CHARS_MAX), text: shown(&text, OTHER_CHARS_MAX) }
    }

    /// Its code; of one that is not known here, the code that it came with.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::UnknownKind { .. } => "unknown-kind",
            Self::BelowMinimum { .. } => "below-minimum",
            Self::KnownBad { .. } => "known-bad",
            Self::Banned { .. } => "banned",
            Self::PolicyDenies { .. } => "policy-denies",
            Self::NodeTooOld { .. } => "node-too-old",
            Self::GrantMissing { .. } => "grant-missing",
            Self::MetadataExpired => "metadata-expired",
            Self::ClockUnknown => "clock-unknown",
            Self::DiskFull { .. } => "disk-full",
            Self::FetchQueue { .. } => "fetch-queue",
            Self::RetryLater { .. } => "retry-later",
            Self::WindowClosed { .. } => "window-closed",
            Self::Busy { .. } => "busy",
            Self::OtherActivation { .. } => "other-activation",
            Self::Stopped => "stopped",
            Self::Fetching => "fetching",
            Self::Verifying => "verifying",
            Self::SmokeTesting => "smoke-testing",
            Self::Activating => "activating",
            Self::Removing => "removing",
            Self::Reverting { .. } => "reverting",
            Self::Watching { .. } => "watching",
            Self::NotCalledYet { .. } => "not-called-yet",
            Self::Failing { .. } => "failing",
            Self::NothingGood { .. } => "nothing-good",
            Self::OfflineLong { .. } => "offline-long",
            Self::WindowShort { .. } => "window-short",
            Self::HeldByOverride { .. } => "held-by-override",
            Self::Excluded => "excluded",
            Self::NextStart { .. } => "next-start",
            Self::OnlyForward => "only-forward",
            Self::Other { what, .. } => what,
        }
    }

    /// True for what time alone does not mend: somebody has to want something else.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::UnknownKind { .. }
                | Self::BelowMinimum { .. }
                | Self::KnownBad { .. }
                | Self::Banned { .. }
                | Self::PolicyDenies { .. }
                | Self::NodeTooOld { .. }
                | Self::GrantMissing { .. }
                | Self::OnlyForward
        )
    }

    /// This node does not know what such a thing is.
    #[must_use]
    pub fn unknown(kind: Kind) -> Self {
        Self::UnknownKind { kind: kind.as_str().into() }
    }
}

/// Bytes as people say them, rounded up so that nobody makes too little room.
pub(crate) fn room(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    let unit = UNITS.into_iter().find(|(size, _)| bytes >= *size);
    unit.map_or_else(|| format!("{bytes} B"), |(size, unit)| format!("{} {unit}", bytes.div_ceil(size)))
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKind { kind } => write!(f, "this node does not know what a `{kind}` is"),
            Self::BelowMinimum { version, minimum } => {
                write!(f, "{version} is below the minimum {minimum}")
            }
            Self::KnownBad { version, fault } => {
                write!(f, "{version} was given up: {fault}\nhint: retry it, or release another version")
            }
            Self::Banned { version, why } => write!(f, "{version} is banned: {why}"),
            Self::PolicyDenies { why } => write!(f, "the store's policy denies it: {why}"),
            Self::NodeTooOld { needs, has: Some(has) } => {
                write!(f, "it needs Aisle {needs}, and the node runs {has}")
            }
            Self::NodeTooOld { needs, has: None } => {
                write!(f, "it needs Aisle {needs}, and it is not known what the node runs")
            }
            Self::GrantMissing { grants } => {
                f.write_str("the store does not grant ")?;
                for (place, grant) in grants.iter().enumerate() {
                    write!(f, "{}`{grant}`", if place == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Self::MetadataExpired => {
                f.write_str("metadata expired: waits until a hub or a bundle brings newer")
            }
            Self::ClockUnknown => f.write_str("waits until the node knows what time it is"),
            Self::DiskFull { missing_bytes } => write!(f, "waits for {} free disk", room(*missing_bytes)),
            Self::FetchQueue { ahead } => write!(f, "waits for {ahead} others to be fetched"),
            Self::RetryLater { fault, tries } => write!(f, "is tried again, after {tries} times: {fault}"),
            Self::WindowClosed { opens: Some(_), local } => {
                write!(f, "waits for the maintenance window until {local}")
            }
            Self::WindowClosed { opens: None, .. } => {
                f.write_str("waits for a maintenance window, and none opens within two weeks")
            }
            Self::Busy { with } => write!(f, "waits, for the store is busy: {with}"),
            Self::OtherActivation { slot } => write!(f, "waits for `{slot}` to be changed"),
            Self::Stopped => f.write_str("the node is about to stop"),
            Self::Fetching => f.write_str("is being fetched"),
            Self::Verifying => f.write_str("is being verified"),
            Self::SmokeTesting => f.write_str("is being tried before anybody depends on it"),
            Self::Activating => f.write_str("is being put in place"),
            Self::Removing => f.write_str("is being taken away"),
            Self::Reverting { fault } => write!(f, "goes back to what ran before: {fault}"),
            Self::Watching { minutes_left } => write!(f, "is watched for {minutes_left} more minutes"),
            Self::NotCalledYet { calls, calls_min } => {
                write!(f, "was called {calls} times in live traffic, of {calls_min} that say something")
            }
            Self::Failing { fault } => write!(f, "does not do well: {fault}"),
            Self::NothingGood { minimum: Some(minimum) } => {
                write!(f, "there is nothing to go back to: what ran before is below the minimum {minimum}")
            }
            Self::NothingGood { minimum: None } => f.write_str("there is nothing to go back to"),
            // Of whom nothing was ever heard no hours can be counted.
            Self::OfflineLong { hours: u64::MAX } => f.write_str("has never been heard of"),
            Self::OfflineLong { hours } => write!(f, "has not been heard of for {hours} hours"),
            Self::WindowShort { longest_minutes, needs_minutes } => write!(
                f,
                "its longest maintenance window has {longest_minutes} minutes, and {needs_minutes} are needed"
            ),
            Self::HeldByOverride { why } => write!(f, "an override says otherwise: {why}"),
            Self::Excluded => f.write_str("is excluded"),
            Self::NextStart { keys } => {
                f.write_str("waits for the node's next start: ")?;
                for (place, key) in keys.iter().enumerate() {
                    write!(f, "{}`{key}`", if place == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Self::OnlyForward => {
                f.write_str("goes only forward: once in force it is not put back, and only a later version takes its place")
            }
            Self::Other { what, text } if text.is_empty() => f.write_str(what),
            Self::Other { what, text } => write!(f, "{what}: {text}"),
        }
    }
}
