//! What a node says of itself: desired, reported, drift, and why.
//!
//! Fields that are not known are passed over: a node may be newer than its hub. Not here: how it comes to be so ([`crate::converge`]), what a rollout makes
//! of it ([`crate::rollout`]), how it travels ([`crate::says`]).

use crate::{
    artefact::{Release, Slot, Want},
    desired::Stamp,
    gate::Health,
    hash::ContentHash,
    reason::Reason,
    version::Version,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    #[serde(default)]
    pub health: Option<Health>,
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
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NodeReport {
    /// The desired state that it goes by.
    pub desired: Option<Stamp>,
    /// Every slot that should hold something or does.
    pub slots: BTreeMap<Slot, SlotReport>,
    /// Its settings.
    pub settings: SettingsReport,
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
        self.slots.values().all(is_settled) && self.settings.wanted == self.settings.applied
    }
}
