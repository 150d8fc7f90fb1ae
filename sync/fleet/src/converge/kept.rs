//! What survives a kill: one row of bytes, replaced whole.

use crate::{
    artefact::{Release, SLOTS_MAX, Slot},
    desired::{DesiredState, Stamp},
    hash::ContentHash,
    reason::Fault,
    version::Version,
};
use minicbor::{Decode, Encode};
use std::collections::BTreeMap;

/// The form that this build writes and reads.
const FORM: u16 = 1;
/// The most bytes that are kept.
pub const KEPT_BYTES_MAX: usize = 16 << 20;
/// How many versions of a slot are remembered as given up; the oldest is forgotten beyond it.
pub(super) const BAD_MAX: usize = 16;

/// A release that is brought in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Job {
    #[n(1)]
    pub(super) release: Release,
    #[n(2)]
    pub(super) round: u32,
}

/// A way back.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Return {
    #[n(1)]
    pub(super) from: Release,
    #[n(2)]
    pub(super) to: Option<Release>,
    #[n(3)]
    pub(super) fault: Fault,
}

/// Where a slot is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub(super) enum Step {
    #[n(0)]
    #[default]
    Rest,
    #[n(1)]
    Fetch(#[n(0)] Job),
    #[n(2)]
    Verify(#[n(0)] Job),
    #[n(3)]
    Test(#[n(0)] Job),
    #[n(4)]
    Ready(#[n(0)] Job),
    #[n(5)]
    Activate(#[n(0)] Job),
    #[n(6)]
    Revert(#[n(0)] Box<Return>),
    #[n(7)]
    Remove,
}

/// A version that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Bad {
    #[n(1)]
    pub(super) hash: ContentHash,
    /// In which round. A later one asks for it again.
    #[n(2)]
    pub(super) round: u32,
    #[n(3)]
    pub(super) fault: Fault,
}

/// What runs has to prove itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub(super) struct Trial {
    /// Which activation it was: the latest is the first to be blamed.
    #[n(1)]
    pub(super) order: u64,
    /// Starts that nobody ordered.
    #[n(2)]
    pub(super) starts: u32,
    /// For how long it has been watched; written down in steps, so that a clock alone keeps no disk busy.
    #[n(3)]
    pub(super) watched_ms: u64,
    /// Calls before the last start.
    #[n(4)]
    pub(super) calls: u64,
    /// So often the machine went down.
    #[n(5)]
    #[cbor(default)]
    pub(super) downs: u32,
}

/// One slot.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub(super) struct Track {
    #[n(1)]
    pub(super) running: Option<Release>,
    /// In which round it came.
    #[n(2)]
    #[cbor(default)]
    pub(super) running_round: u32,
    /// The last that proved itself.
    #[n(3)]
    pub(super) good: Option<Release>,
    #[n(4)]
    #[cbor(default)]
    pub(super) step: Step,
    /// Failures in a row in this step.
    #[n(5)]
    #[cbor(default)]
    pub(super) tries: u32,
    /// Of the last failure, or of what runs.
    #[n(6)]
    pub(super) fault: Option<Fault>,
    #[n(7)]
    #[cbor(default)]
    pub(super) bad: Vec<Bad>,
    /// There while what runs has to prove itself.
    #[n(8)]
    pub(super) trial: Option<Trial>,
    /// Starts that nobody ordered while it was verified, tried or put in place.
    #[n(9)]
    #[cbor(default)]
    pub(super) starts: u32,
    /// How often the bytes of what is brought in were not what was signed.
    #[n(10)]
    #[cbor(default)]
    pub(super) spoilt: u32,
    /// So often the machine went down while it was verified, tried or put in place.
    #[n(11)]
    #[cbor(default)]
    pub(super) downs: u32,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Kept {
    #[n(0)]
    form: u16,
    #[n(1)]
    pub(super) stamp: Option<Stamp>,
    #[n(2)]
    pub(super) desired: DesiredState,
    #[n(3)]
    #[cbor(default)]
    pub(super) tracks: BTreeMap<Slot, Track>,
    /// The highest minimum that was ever seen.
    #[n(4)]
    #[cbor(default)]
    pub(super) floors: BTreeMap<Slot, Version>,
    /// BLAKE3 of the settings that were applied last.
    #[n(5)]
    pub(super) settings: Option<ContentHash>,
    /// The last stop was ordered.
    #[n(6)]
    #[cbor(default)]
    pub(super) is_stopped: bool,
    /// How many activations there were.
    #[n(7)]
    #[cbor(default)]
    pub(super) activations: u64,
    /// Settings that were refused for good, and why.
    #[n(8)]
    pub(super) refused: Option<Refused>,
    /// BLAKE3 of the settings that were taken last, whether all of them are in force or not.
    #[n(9)]
    pub(super) taken: Option<ContentHash>,
    /// The start of the machine in which this was kept.
    #[n(10)]
    pub(super) boot: Option<u64>,
}

/// Settings that were refused for good.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Refused {
    #[n(1)]
    pub(super) hash: ContentHash,
    #[n(2)]
    pub(super) fault: Fault,
}

/// Why what was kept cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeptError {
    /// It is too long.
    #[error("what was kept has {bytes} bytes, at most {KEPT_BYTES_MAX} may be")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// It does not decode.
    #[error(
        "what was kept does not decode: {reason}\nhint: without it the node begins anew, from what it is told"
    )]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// It is of another form.
    #[error("what was kept is of form {found}; this build reads {FORM}")]
    Form {
        /// Which.
        found: u16,
    },
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            form: FORM,
            stamp: None,
            desired: DesiredState::new(),
            tracks: BTreeMap::new(),
            floors: BTreeMap::new(),
            settings: None,
            is_stopped: true,
            activations: 0,
            refused: None,
            taken: None,
            boot: None,
        }
    }
}

impl Kept {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, KeptError> {
        if bytes.len() > KEPT_BYTES_MAX {
            return Err(KeptError::TooLong { bytes: bytes.len() });
        }
        let malformed = |reason: String| KeptError::Malformed { reason };
        let Form { form } = minicbor::decode(bytes).map_err(|error| malformed(error.to_string()))?;
        if form != FORM {
            return Err(KeptError::Form { found: form });
        }
        let kept: Self = minicbor::decode(bytes).map_err(|error| malformed(error.to_string()))?;
        kept.desired.check().map_err(|error| malformed(error.to_string()))?;
        if kept.tracks.len() > 2 * SLOTS_MAX || kept.tracks.values().any(|track| track.bad.len() > BAD_MAX) {
            return Err(malformed("it holds more than is ever kept".into()));
        }
        Ok(kept)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        // Writing to a `Vec` has no way to fail.
        minicbor::to_vec(self).unwrap_or_default()
    }
}

/// What every form begins with.
#[derive(Decode)]
#[cbor(map)]
struct Form {
    #[n(0)]
    form: u16,
}

impl Step {
    /// The release that is brought in.
    pub(super) const fn job(&self) -> Option<&Job> {
        match self {
            Self::Fetch(job)
            | Self::Verify(job)
            | Self::Test(job)
            | Self::Ready(job)
            | Self::Activate(job) => Some(job),
            Self::Rest | Self::Revert(_) | Self::Remove => None,
        }
    }

    /// True while it is verified or tried.
    pub(super) const fn is_trying(&self) -> bool {
        matches!(self, Self::Verify(_) | Self::Test(_))
    }

    /// What is done with what is brought in, for people.
    pub(super) const fn doing(&self) -> &'static str {
        match self {
            Self::Verify(_) => "verified",
            Self::Test(_) => "tried",
            _ => "new",
        }
    }

    /// True while what runs is changed.
    pub(super) const fn is_turning(&self) -> bool {
        matches!(self, Self::Activate(_) | Self::Revert(_) | Self::Remove)
    }
}

impl Track {
    /// Goes to another step: what was counted in the last one does not count there.
    pub(super) fn go(&mut self, step: Step) {
        self.step = step;
        self.tries = 0;
        self.starts = 0;
        self.downs = 0;
    }

    /// True when the node or the machine stopped, unasked, while this was verified, tried or put in place.
    pub(super) const fn is_suspected(&self) -> bool {
        self.starts > 0 || self.downs > 0
    }

    /// Remembers that a version was given up.
    pub(super) fn give_up(&mut self, hash: ContentHash, round: u32, fault: Fault) {
        self.bad.retain(|bad| bad.hash != hash);
        if self.bad.len() >= BAD_MAX {
            self.bad.remove(0);
        }
        self.bad.push(Bad { hash, round, fault });
    }

    pub(super) fn bad(&self, hash: ContentHash, round: u32) -> Option<&Bad> {
        self.bad.iter().find(|bad| bad.hash == hash && bad.round >= round)
    }

    /// What is held against what runs is what it was given up for, and nothing else.
    pub(super) fn recall(&mut self) {
        let running = self.running.as_ref();
        let bad = running.and_then(|running| self.bad(running.hash, self.running_round));
        self.fault = bad.map(|bad| bad.fault.clone());
    }

    /// The last that proved itself, where it may come back in the place of this one.
    pub(super) fn fit(&self, from: &Release, floor: Option<&Version>) -> Option<Release> {
        let is_low = |good: &Release| floor.is_some_and(|floor| good.version.is_below(floor));
        self.good.clone().filter(|good| good.hash != from.hash && !is_low(good))
    }

    /// What comes back when this one could not be put in place: what runs, unless that was given up and there is something better.
    pub(super) fn way_back(&self, from: &Release, floor: Option<&Version>) -> Option<Release> {
        let running = self.running.clone()?;
        let better = self.bad(running.hash, self.running_round).and_then(|_| self.fit(from, floor));
        Some(better.unwrap_or(running))
    }

    pub(super) fn runs(&self, hash: ContentHash) -> bool {
        self.running.as_ref().is_some_and(|running| running.hash == hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A trial as builds kept it that knew nothing of the machine.
    #[derive(Debug, PartialEq, Encode, Decode)]
    #[cbor(map)]
    struct Before {
        #[n(1)]
        order: u64,
        #[n(2)]
        starts: u32,
        #[n(3)]
        watched_ms: u64,
        #[n(4)]
        calls: u64,
    }

    #[test]
    fn what_builds_kept_that_knew_nothing_of_the_machine_is_read_and_read_by_them() {
        let before = Before { order: 1, starts: 2, watched_ms: 3, calls: 4 };
        let trial: Trial = minicbor::decode(&minicbor::to_vec(&before).unwrap()).unwrap();
        assert_eq!(trial, Trial { order: 1, starts: 2, watched_ms: 3, calls: 4, downs: 0 });
        let after = minicbor::to_vec(Trial { downs: 7, ..trial }).unwrap();
        assert_eq!(minicbor::decode::<Before>(&after).unwrap(), before);
    }
}
