//! What a node says of itself: desired, reported, drift, and why.
//!
//! A node may be newer than its hub: fields that are not known are passed over, and slots, phases and reasons that are not are kept by their names. Not here: how it comes to be so ([`crate::converge`]), what a rollout makes
//! of it ([`crate::rollout`]), how it travels ([`crate::says`]).

use crate::{
    artefact::{Release, Slot, Want},
    desired::Stamp,
    gate::Health,
    hash::ContentHash,
    reason::Reason,
    says::REASONS_MAX,
    text::shown,
    version::Version,
};
use serde::{
    Deserialize, Serialize,
    de::{self, IntoDeserializer as _},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// The most characters of a name that is not known here.
const NAME_CHARS_MAX: usize = 128;

/// How far a slot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Phase {
    /// It is as it should be, and has proved itself.
    Settled,
    /// Nobody says what it should be; what runs is left as it is.
    Left,
    /// It waits for something.
    Waiting,
    /// Its bytes come in.
    Fetching,
    /// They are held against what was signed.
    Verifying,
    /// It is tried before anybody depends on it.
    Testing,
    /// It is put in place.
    Activating,
    /// It runs, and is watched.
    Watching,
    /// What ran before is put back.
    Reverting,
    /// It is taken away.
    Removing,
    /// The node does not do it, until something else is wanted.
    Refused,
    /// A node of a later build has a name for it, which stands among the reasons.
    Other,
}

impl Phase {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Left => "left",
            Self::Waiting => "waiting",
            Self::Fetching => "fetching",
            Self::Verifying => "verifying",
            Self::Testing => "testing",
            Self::Activating => "activating",
            Self::Watching => "watching",
            Self::Reverting => "reverting",
            Self::Removing => "removing",
            Self::Refused => "refused",
            Self::Other => "other",
        }
    }
}

/// A release, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Brief {
    /// Its version.
    pub version: Version,
    /// BLAKE3 of its bytes.
    pub hash: ContentHash,
}

impl From<&Release> for Brief {
    fn from(release: &Release) -> Self {
        Self { version: release.version.clone(), hash: release.hash }
    }
}

/// What a slot should hold, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Asked {
    /// Nothing.
    Absent,
    /// This.
    Release(Brief),
}

impl From<&Want> for Asked {
    fn from(want: &Want) -> Self {
        want.release().map_or(Self::Absent, |release| Self::Release(release.into()))
    }
}

/// How one slot stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "SlotRead")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SlotReport {
    /// What it should hold; nothing where nobody says.
    pub wanted: Option<Asked>,
    /// In which round it was asked for.
    pub round: u32,
    /// What it holds.
    pub running: Option<Brief>,
    /// What it would go back to.
    pub good: Option<Brief>,
    /// How far it is.
    pub phase: Phase,
    /// Why it is not settled; the first is what has to go first.
    pub reasons: Vec<Reason>,
    /// How what runs has done in live traffic since it was put in place, where that is known.
    pub health: Option<Health>,
}

/// How a slot stands as somebody wrote it, perhaps of a later build.
#[derive(Deserialize)]
struct SlotRead {
    wanted: Option<Asked>,
    round: u32,
    running: Option<Brief>,
    good: Option<Brief>,
    phase: String,
    reasons: Vec<Reason>,
    #[serde(default)]
    health: Option<Health>,
}

impl From<SlotRead> for SlotReport {
    fn from(read: SlotRead) -> Self {
        let SlotRead { wanted, round, running, good, phase: said, mut reasons, health } = read;
        let known: Result<Phase, de::value::Error> = Phase::deserialize(said.as_str().into_deserializer());
        let phase = known.unwrap_or_else(|_| {
            if reasons.len() < REASONS_MAX {
                let text = shown(&said, NAME_CHARS_MAX);
                reasons.push(Reason::Other { what: "phase".into(), text });
            }
            Phase::Other
        });
        Self { wanted, round, running, good, phase, reasons, health }
    }
}

impl SlotReport {
    /// True while it holds something else than it should.
    #[must_use]
    pub fn is_drift(&self) -> bool {
        match (&self.wanted, &self.running) {
            (None, _) | (Some(Asked::Absent), None) => false,
            (Some(Asked::Absent), Some(_)) | (Some(Asked::Release(_)), None) => true,
            (Some(Asked::Release(wanted)), Some(running)) => wanted.hash != running.hash,
        }
    }
}

/// How the node's settings stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SettingsReport {
    /// BLAKE3 of those that should be.
    pub wanted: Option<ContentHash>,
    /// BLAKE3 of those that are.
    pub applied: Option<ContentHash>,
    /// Why they differ.
    pub reasons: Vec<Reason>,
}

/// What a node says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "NodeRead")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NodeReport {
    /// The desired state that it goes by.
    pub desired: Option<Stamp>,
    /// Every slot that should hold something or does.
    pub slots: BTreeMap<Slot, SlotReport>,
    /// Its settings.
    pub settings: SettingsReport,
    /// Slots that a node of a later build has and that are not known here, each with how far it is, in its words.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<String, String>,
}

/// What a node says as somebody wrote it, perhaps of a later build.
#[derive(Deserialize)]
struct NodeRead {
    desired: Option<Stamp>,
    slots: BTreeMap<String, Value>,
    settings: SettingsReport,
    #[serde(default)]
    others: BTreeMap<String, String>,
}

impl From<NodeRead> for NodeReport {
    fn from(NodeRead { desired, slots, settings, others: said }: NodeRead) -> Self {
        let (mut known, mut others) = (BTreeMap::new(), BTreeMap::new());
        for (name, phase) in said {
            others.insert(shown(&name, NAME_CHARS_MAX), shown(&phase, NAME_CHARS_MAX));
        }
        for (name, value) in slots {
            match (name.parse::<Slot>(), SlotReport::deserialize(&value)) {
                (Ok(slot), Ok(of_slot)) => drop(known.insert(slot, of_slot)),
                _ => {
                    let phase = value.get("phase").and_then(Value::as_str).unwrap_or_default();
                    others.insert(shown(&name, NAME_CHARS_MAX), shown(phase, NAME_CHARS_MAX));
                }
            }
        }
        Self { desired, slots: known, settings, others }
    }
}

impl NodeReport {
    /// The slots that hold something else than they should.
    pub fn drift(&self) -> impl Iterator<Item = (&Slot, &SlotReport)> {
        self.slots.iter().filter(|(_, slot)| slot.is_drift())
    }

    /// True when everything is as it should be, and has proved itself.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let is_settled = |slot: &SlotReport| matches!(slot.phase, Phase::Settled | Phase::Left);
        let others = |phase: &String| ["settled", "left"].contains(&phase.as_str());
        self.slots.values().all(is_settled)
            && self.others.values().all(others)
            && self.settings.wanted == self.settings.applied
    }
}
