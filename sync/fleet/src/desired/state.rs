//! The desired state of a node: what slots should hold, settings, minimums, maintenance; its canonical bytes and its version.
//!
//! Deterministic CBOR: maps by ascending key, definite lengths. Bytes that are not what this build would write for the same state are refused,
//! so that a hash stands for one state only. The node is not named in it: equal states of ten thousand nodes are made once, and whose it is stands
//! in what carries it, which is signed.

use crate::{
    artefact::{ArtefactSet, SLOTS_MAX, Slot, Want},
    hash::ContentHash,
    setting::{Settings, fault_of_settings},
    version::Version,
    window::Maintenance,
};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The form that this build writes and reads.
pub const FORM: u16 = 1;
/// The most bytes of a state.
pub const STATE_BYTES_MAX: usize = 256 << 10;

/// What a slot should hold, and how often it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[cbor(map)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Wanted {
    /// What.
    #[n(1)]
    pub want: Want,
    /// Grows when people ask for a version again that nodes have given up. What a node gave up in an earlier round it tries again.
    #[n(2)]
    #[cbor(default)]
    pub round: u32,
}

/// What a node should be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode)]
#[cbor(map)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DesiredState {
    #[n(0)]
    #[serde(skip)]
    form: u16,
    /// What slots should hold. What is not named is left as it is.
    #[n(1)]
    #[cbor(default)]
    pub slots: BTreeMap<Slot, Wanted>,
    /// Versions below which nothing may be brought in.
    #[n(2)]
    #[cbor(default)]
    pub minimums: BTreeMap<Slot, Version>,
    /// Settings of the node.
    #[n(3)]
    #[cbor(default)]
    #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<String, crate::setting::SettingValue>))]
    pub settings: Settings,
    /// When something may be changed; at any time where nothing is said.
    #[n(4)]
    pub maintenance: Option<Maintenance>,
}

/// Which version of its desired state a node should be at. It stays while the state does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[cbor(map)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Stamp {
    /// Grows with every change, from 1.
    #[n(1)]
    pub version: u64,
    /// BLAKE3 of the canonical bytes.
    #[n(2)]
    pub hash: ContentHash,
}

/// Why a state cannot be, or bytes are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DesiredError {
    /// They are too long.
    #[error("the desired state has {bytes} bytes, at most {STATE_BYTES_MAX} may be")]
    TooLong {
        /// How long they are.
        bytes: usize,
    },
    /// They do not decode.
    #[error("the desired state does not decode: {reason}")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// A later form.
    #[error("the desired state is of form {found}; this build reads {FORM}")]
    Form {
        /// Which.
        found: u16,
    },
    /// The same state has other bytes.
    #[error("the desired state is not written as it has to be, so its hash would mean nothing")]
    NotCanonical,
    /// Something in it cannot be.
    #[error("`{field}`: {reason}")]
    Field {
        /// Which field.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl DesiredState {
    /// A state that says nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { form: FORM, ..Self::default() }
    }

    /// What a slot should hold, where something is said of it.
    #[must_use]
    pub fn wanted(&self, slot: &Slot) -> Option<&Wanted> {
        self.slots.get(slot)
    }

    /// Its canonical bytes.
    ///
    /// # Errors
    /// When something in it cannot be, or it is too long.
    pub fn encode(&self) -> Result<Vec<u8>, DesiredError> {
        self.check()?;
        let bytes = self.bytes();
        if bytes.len() > STATE_BYTES_MAX {
            return Err(DesiredError::TooLong { bytes: bytes.len() });
        }
        Ok(bytes)
    }

    fn bytes(&self) -> Vec<u8> {
        // Writing to a `Vec` has no way to fail.
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// BLAKE3 of its canonical bytes.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        ContentHash::of(&self.bytes())
    }

    /// Reads what may be anybody's.
    ///
    /// # Errors
    /// When it is no state, is written otherwise than it has to be, or something in it cannot be.
    pub fn decode(bytes: &[u8]) -> Result<Self, DesiredError> {
        if bytes.len() > STATE_BYTES_MAX {
            return Err(DesiredError::TooLong { bytes: bytes.len() });
        }
        let malformed =
            |error: minicbor::decode::Error| DesiredError::Malformed { reason: error.to_string() };
        let Form { form } = minicbor::decode(bytes).map_err(malformed)?;
        if form != FORM {
            return Err(DesiredError::Form { found: form });
        }
        let state: Self = minicbor::decode(bytes).map_err(malformed)?;
        state.check()?;
        if state.bytes() != bytes {
            return Err(DesiredError::NotCanonical);
        }
        Ok(state)
    }

    /// Holds it against its bounds and against itself.
    ///
    /// # Errors
    /// Names the first field that cannot be.
    pub fn check(&self) -> Result<(), DesiredError> {
        let told = |field: &dyn ToString, reason: String| {
            Err(DesiredError::Field { field: field.to_string(), reason })
        };
        for (field, many) in [("slots", self.slots.len()), ("minimums", self.minimums.len())] {
            if many > SLOTS_MAX {
                return told(&field, format!("has {many} entries, at most {SLOTS_MAX} may be"));
            }
        }
        for (slot, wanted) in &self.slots {
            let Some(release) = wanted.want.release() else { continue };
            if let Some(fault) = release.fault() {
                return told(slot, fault);
            }
            if let Some(minimum) = self.minimums.get(slot).filter(|minimum| release.version.is_below(minimum))
            {
                return told(slot, format!("{} is below the minimum {minimum}", release.version));
            }
        }
        if let Some(fault) = fault_of_settings(&self.settings) {
            return told(&"settings", fault);
        }
        match self.maintenance.as_ref().and_then(Maintenance::fault) {
            Some(fault) => told(&"maintenance", fault),
            None => Ok(()),
        }
    }

    /// The artefacts in it, without rounds.
    #[must_use]
    pub fn artefacts(&self) -> ArtefactSet {
        self.slots.iter().map(|(slot, wanted)| (slot.clone(), wanted.want.clone())).collect()
    }
}

impl Stamp {
    /// The version that a state gets behind the last one: the same for the same state.
    #[must_use]
    pub fn following(last: Option<Self>, hash: ContentHash) -> Self {
        match last {
            Some(last) if last.hash == hash => last,
            last => Self { version: last.map_or(0, |last| last.version).saturating_add(1), hash },
        }
    }
}

/// What every form begins with.
#[derive(Decode)]
#[cbor(map)]
struct Form {
    #[n(0)]
    form: u16,
}
