//! How an entry of a desired state was decided: by whom, over whom, and why they lost. For people, and for nobody's decision.

use crate::{
    artefact::Slot,
    name::{GroupName, RolloutId},
};
use aisle_event::StoreId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How many of those that lost are told of, the nearest first.
pub const PASSED_MAX: usize = 8;

/// Who said it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Source {
    /// A group.
    Group {
        /// Its name.
        name: GroupName,
        /// How much it counts.
        priority: i32,
    },
    /// A rollout.
    Rollout {
        /// Which.
        rollout: RolloutId,
    },
    /// A rollout that was taken back, and nobody else says anything: the slot is emptied.
    TakenBack {
        /// Which.
        rollout: RolloutId,
    },
    /// An override.
    Override {
        /// Of which store.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        store: StoreId,
        /// Why it is there.
        why: String,
    },
}

/// Why somebody's word did not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Because {
    /// An override counts more than a rollout, and a rollout more than a group.
    WeakerKind,
    /// Another group has a higher priority.
    LowerPriority,
    /// Another group has the same priority and comes first by name.
    LaterByName,
    /// Another rollout was started later.
    EarlierRollout,
    /// An override for the box counts more than one for the store.
    WiderOverride,
    /// The version is below the minimum.
    BelowMinimum,
}

/// Somebody whose word did not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Passed {
    /// Who.
    pub source: Source,
    /// What they said: a version, or `absent`.
    pub said: String,
    /// Why it did not count.
    pub because: Because,
}

/// How one entry was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Why {
    /// Whose word counts; nobody's, where all that was said is below the minimum.
    pub source: Option<Source>,
    /// Those that said something else, the nearest first, at most [`PASSED_MAX`].
    pub over: Vec<Passed>,
}

impl Why {
    /// True where two of the same weight disagree, and the order of names decided.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.over.iter().any(|passed| passed.because == Because::LaterByName)
    }

    /// In one line, for the page of a store.
    #[must_use]
    pub fn told(&self, slot: &Slot) -> String {
        let by = self
            .source
            .as_ref()
            .map_or_else(|| "nobody: all that was said is below the minimum".to_owned(), ToString::to_string);
        let over: Vec<String> = self
            .over
            .iter()
            .map(|Passed { source, said, because }| format!("{source} said {said}, but {because}"))
            .collect();
        let over = if over.is_empty() { String::new() } else { format!("; {}", over.join("; ")) };
        format!("`{slot}`: by {by}{over}")
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group { name, priority } => write!(f, "group `{name}` (priority {priority})"),
            Self::Rollout { rollout } => write!(f, "rollout `{rollout}`"),
            Self::TakenBack { rollout } => write!(f, "rollout `{rollout}`, which was taken back"),
            Self::Override { store, why } => write!(f, "the override of `{store}` ({why})"),
        }
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WeakerKind => "an override counts more than a rollout, and a rollout more than a group",
            Self::LowerPriority => "its priority is lower",
            Self::LaterByName => "its priority is the same and its name comes later",
            Self::EarlierRollout => "it was started earlier",
            Self::WiderOverride => "the override for the box counts more",
            Self::BelowMinimum => "that is below the minimum",
        })
    }
}
