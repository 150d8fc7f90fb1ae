//! Groups, overrides and saved filters: what people say about many nodes, about one store, and about nobody yet.
//!
//! A group holds for every node that its selector means, and for the stores that it lists. An override holds for one store, or for one box in it,
//! and says why; it may end by itself. Not here: what follows for a node ([`crate::desired`]).

use crate::{
    artefact::{ArtefactSet, SLOTS_MAX, Slot, fault_of_set},
    name::{FilterName, GroupName, Serial},
    selector::Selector,
    setting::{Settings, fault_of_settings},
    version::Version,
    window::Maintenance,
};
use aisle_event::{StoreId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The most groups of a fleet.
pub const GROUPS_MAX: usize = 1024;
/// The most stores that a group lists by name; beyond it there are labels.
pub const LISTED_MAX: usize = 10_000;
/// The longest text for people, in bytes.
pub const WHY_BYTES_MAX: usize = 500;

/// Why a group or an override cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {reason}")]
pub struct InvalidGroup {
    /// Which field.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

/// What a group or an override says. What it does not name it leaves to others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Says {
    /// What slots should hold.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<String, crate::artefact::Want>))]
    pub artefacts: ArtefactSet,
    /// Settings of the node.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<String, crate::setting::SettingValue>))]
    pub settings: Settings,
    /// Versions below which nothing may be brought in. The highest one said anywhere counts, whatever the priorities.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub minimums: BTreeMap<Slot, Version>,
    /// When something may be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<Maintenance>,
}

impl Says {
    pub(crate) fn check(&self) -> Result<(), InvalidGroup> {
        let told = |field, reason: Option<String>| {
            reason.map_or(Ok(()), |reason| Err(InvalidGroup { field, reason }))
        };
        told("artefacts", fault_of_set(&self.artefacts))?;
        told("settings", fault_of_settings(&self.settings))?;
        let many = self.minimums.len();
        told("minimums", (many > SLOTS_MAX).then(|| format!("has {many} slots, at most {SLOTS_MAX} may be")))
    }
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Group {
    /// Its name.
    pub name: GroupName,
    /// Where two groups say different things, the higher one counts; of equal ones the first by name.
    #[serde(default)]
    pub priority: i32,
    /// Whom it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Selector>,
    /// Stores that it means besides, at most [`LISTED_MAX`].
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
    pub stores: BTreeSet<StoreId>,
    /// What it says.
    #[serde(default)]
    pub says: Says,
}

impl Group {
    /// # Errors
    /// When something has no bound, or nobody is meant.
    pub fn check(&self) -> Result<(), InvalidGroup> {
        if self.who.is_none() && self.stores.is_empty() {
            let reason = "says nobody, nor does `stores`\nhint: `*` is every node".into();
            return Err(InvalidGroup { field: "who", reason });
        }
        let many = self.stores.len();
        if many > LISTED_MAX {
            let reason = format!("lists {many} stores, at most {LISTED_MAX} may be\nhint: use a label");
            return Err(InvalidGroup { field: "stores", reason });
        }
        self.says.check()
    }
}

/// What holds for one store whatever its groups say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Override {
    /// Which store.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub store: StoreId,
    /// Which box in it; all of them where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<Serial>,
    /// Why, for whoever wonders later. At most [`WHY_BYTES_MAX`] bytes.
    pub why: String,
    /// When it ends by itself, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<i64>))]
    pub until: Option<Timestamp>,
    /// What it says.
    #[serde(default)]
    pub says: Says,
}

impl Override {
    /// # Errors
    /// When something has no bound, or no reason is given.
    pub fn check(&self) -> Result<(), InvalidGroup> {
        if self.why.trim().is_empty() || self.why.len() > WHY_BYTES_MAX {
            let reason = format!("has {} bytes, expected 1 to {WHY_BYTES_MAX}", self.why.len());
            return Err(InvalidGroup { field: "why", reason });
        }
        self.says.check()
    }

    /// True while it holds.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// A selector that somebody gave a name, to look with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Filter {
    /// Its name.
    pub name: FilterName,
    /// Whom it means.
    pub who: Selector,
}
