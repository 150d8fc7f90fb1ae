//! What goes into the machine and what comes out.

use crate::{
    artefact::{Release, Slot},
    denied::Denies,
    desired::{DesiredState, Stamp},
    gate::Health,
    hash::ContentHash,
    name::Grant,
    reason::Reason,
    report::NodeReport,
    setting::Settings,
    version::Version,
};
use aisle_event::Timestamp;
use std::collections::BTreeSet;

/// The time. The first counts from any moment on and only goes on while the node runs; the second is the day, where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Milliseconds of a clock that never leaps.
    pub running_ms: u64,
    /// The time of day, as a hub signed it or a clock that is trusted says it.
    pub wall: Option<Timestamp>,
}

/// What is the case around the machine, at the moment it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Around {
    /// Room on the disk.
    pub disk_free_bytes: u64,
    /// The contents that lie on it whole. What they say they are is not yet held against them.
    pub here: BTreeSet<ContentHash>,
    /// When the signed metadata ends; nothing where there is none to go by.
    pub metadata_until: Option<Timestamp>,
    /// The version of Aisle that runs.
    pub node_version: Option<Version>,
    /// What the store grants to plugins; everything where nothing is said.
    pub grants: Option<BTreeSet<Grant>>,
    /// What the store denies, and why.
    pub denies: Denies,
    /// Why nothing may be put in place just now: `a basket is being paid`.
    pub busy: Option<String>,
}

/// What an effect was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// [`Effect::Fetch`].
    Fetch,
    /// [`Effect::Verify`].
    Verify,
    /// [`Effect::SmokeTest`].
    SmokeTest,
    /// [`Effect::Activate`].
    Activate,
    /// [`Effect::Revert`].
    Revert,
    /// [`Effect::Remove`].
    Remove,
}

/// Why an effect came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// True when it would come to the same if it was done again: the artefact is to blame.
    pub is_final: bool,
    /// In words.
    pub text: String,
}

/// Something has happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// This is wanted, and its signature was good.
    Desired {
        /// Its version.
        stamp: Stamp,
        /// It.
        state: Box<DesiredState>,
    },
    /// An effect has come to an end.
    Done {
        /// Of which slot.
        slot: Slot,
        /// What it was about.
        stage: Stage,
        /// Which artefact it was about: for a revert or a removal the one that goes.
        hash: ContentHash,
        /// What came of it.
        outcome: Result<(), Trouble>,
    },
    /// Settings were applied, or not.
    SettingsDone {
        /// BLAKE3 of them.
        hash: ContentHash,
        /// What came of it: why some of them are not in force though they were taken; nothing where all are.
        outcome: Result<Vec<Reason>, Trouble>,
    },
    /// How what runs has done since it was put in place, or since the node started.
    Observed {
        /// Which slot.
        slot: Slot,
        /// Which artefact.
        hash: ContentHash,
        /// Everything since then, not only what is new.
        health: Health,
    },
    /// The node has noticed that something which runs is broken.
    Broke {
        /// Which slot.
        slot: Slot,
        /// Which artefact.
        hash: ContentHash,
        /// In words.
        text: String,
    },
    /// The node is about to stop in good order.
    Stopping,
    /// Time has passed, or something around has changed.
    Tick,
}

/// Something to do. Each may be asked for again after a restart, and must then come to the same.
#[expect(clippy::large_enum_variant, reason = "there are a few at a time, and not for long")]
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Make this durable, in the place of what was kept before, and only then do what follows.
    Keep(Vec<u8>),
    /// Get its bytes.
    Fetch {
        /// For which slot.
        slot: Slot,
        /// What.
        release: Release,
    },
    /// Hold its bytes against its hash and its signature.
    Verify {
        /// For which slot.
        slot: Slot,
        /// What.
        release: Release,
    },
    /// Try it beside what runs: load it, call it with recorded input, look at its budget.
    SmokeTest {
        /// For which slot.
        slot: Slot,
        /// What.
        release: Release,
    },
    /// Put it in the place of what runs, in one step.
    Activate {
        /// Which slot.
        slot: Slot,
        /// What.
        release: Release,
    },
    /// Put back what ran before, or nothing.
    Revert {
        /// Which slot.
        slot: Slot,
        /// What goes.
        from: Release,
        /// What comes.
        to: Option<Release>,
    },
    /// Take away what runs.
    Remove {
        /// Which slot.
        slot: Slot,
        /// What goes.
        release: Release,
    },
    /// These bytes are of no use; what of them was fetched may go.
    Discard {
        /// For which slot.
        slot: Slot,
        /// Which.
        hash: ContentHash,
    },
    /// Apply these settings. It is asked for once after each start as well, to hear how they stand.
    ApplySettings {
        /// BLAKE3 of them.
        hash: ContentHash,
        /// They.
        settings: Settings,
    },
    /// Tell headquarters how it stands.
    Report(NodeReport),
    /// People should know.
    Warn(String),
}
