//! What a store does not take, whoever orders it: whole kinds, or single slots, each with a reason in words.
//!
//! It keeps what is new away and stops nothing that runs. Not here: where it is written down (the node's configuration), grants ([`crate::name::Grant`]).

use crate::{
    artefact::{InvalidSlot, Kind, Slot},
    reason::FAULT_BYTES_MAX,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// The most denials of a store.
pub const DENIES_MAX: usize = 64;
/// The longest reason of one, in bytes.
pub const WHY_BYTES_MAX: usize = FAULT_BYTES_MAX;

/// What is denied. `policy` means the kind, which is its only slot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denied {
    /// Everything of a kind.
    Kind(Kind),
    /// One slot.
    Slot(Slot),
}

impl From<Kind> for Denied {
    fn from(kind: Kind) -> Self {
        Self::Kind(kind)
    }
}

impl From<Slot> for Denied {
    fn from(slot: Slot) -> Self {
        Self::Slot(slot)
    }
}

impl FromStr for Denied {
    type Err = InvalidSlot;

    fn from_str(text: &str) -> Result<Self, InvalidSlot> {
        let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == text);
        kind.map_or_else(|| text.parse().map(Self::Slot), |kind| Ok(Self::Kind(kind)))
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => kind.fmt(f),
            Self::Slot(slot) => slot.fmt(f),
        }
    }
}

/// Everything that a store denies, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Denies(BTreeMap<Denied, String>);

impl Denies {
    /// Nothing is denied.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Denies something, in the place of what was said of it before.
    pub fn insert(&mut self, what: impl Into<Denied>, why: impl Into<String>) {
        self.0.insert(what.into(), why.into());
    }

    /// Why nothing new comes into a slot; nothing where it may. What is said of the slot itself counts before its kind.
    #[must_use]
    pub fn why(&self, slot: &Slot) -> Option<&str> {
        let of_slot = self.0.get(&Denied::Slot(slot.clone()));
        of_slot.or_else(|| self.0.get(&Denied::Kind(slot.kind()))).map(String::as_str)
    }

    /// True when a whole kind is denied.
    #[must_use]
    pub fn has(&self, kind: Kind) -> bool {
        self.0.contains_key(&Denied::Kind(kind))
    }

    /// Each with why.
    pub fn iter(&self) -> impl Iterator<Item = (&Denied, &str)> {
        self.0.iter().map(|(what, why)| (what, why.as_str()))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when nothing is denied.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Denies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(what, why)| (what.to_string(), why)))
    }
}

/// What is no slot here is passed over: a node may know kinds that its hub does not.
impl<'de> Deserialize<'de> for Denies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let said = BTreeMap::<String, String>::deserialize(deserializer)?;
        Ok(Self(said.into_iter().filter_map(|(what, why)| Some((what.parse().ok()?, why))).collect()))
    }
}
