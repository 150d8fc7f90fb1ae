//! A rehearsal: each store plays what it has recorded through the candidate, and says what would have come out otherwise. Nothing of it is sold.
//!
//! Here is what stores report and how reports of many stores become one. The playing itself is the plugin host's replay; only what differs leaves the store,
//! and it leaves by the policy like everything else.

use crate::{artefact::Slot, text::shown, version::Version};
use aisle_event::StoreId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The most kinds of differences that a store tells of; the rest it counts.
pub const OF_STORE_MAX: usize = 32;
/// The most kinds of differences of all stores together.
pub const GROUPS_MAX: usize = 64;
/// The most stores that are named of a group.
pub const EXAMPLES_MAX: usize = 5;
/// The longest text, in characters; what is longer is cut.
const TEXT_CHARS_MAX: usize = 200;

/// One kind of difference at one store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Difference {
    /// What is another, without what is only true of one basket: `lines[].price`, `adjustments`, `failure`.
    pub what: String,
    /// What came out, at the first time.
    pub was: String,
    /// What would have come out.
    pub would_be: String,
    /// How often.
    pub count: u64,
}

/// What a store says of a candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StoreRehearsal {
    /// Which store.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub store: StoreId,
    /// What was tried.
    pub slot: Slot,
    /// In which version.
    pub version: Version,
    /// How many calls were played.
    pub calls: u64,
    /// Calls that came out the same.
    pub same: u64,
    /// Calls in which the candidate failed.
    pub failed: u64,
    /// What was another, at most [`OF_STORE_MAX`] kinds.
    pub differences: Vec<Difference>,
}

/// One kind of difference in all stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DifferenceGroup {
    /// What is another.
    pub what: String,
    /// In how many stores.
    pub stores: u64,
    /// How often.
    pub count: u64,
    /// What came out, at the first store by name.
    pub was: String,
    /// What would have come out there.
    pub would_be: String,
    /// The first few stores, by name.
    #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
    pub examples: Vec<StoreId>,
}

/// What all stores say of a candidate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Rehearsal {
    /// How many stores played it.
    pub stores: u64,
    /// Stores that had nothing recorded: they say nothing, and not that all is well.
    #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
    pub silent: BTreeSet<StoreId>,
    /// How many calls were played.
    pub calls: u64,
    /// Calls that came out the same.
    pub same: u64,
    /// Calls in which the candidate failed.
    pub failed: u64,
    /// What was another, in most stores first, at most [`GROUPS_MAX`] kinds.
    pub groups: Vec<DifferenceGroup>,
    /// How many kinds are left out.
    pub left_out: u64,
}

/// Makes one of what many stores say. A store that says something twice counts with what it said last.
#[must_use]
pub fn merge(rows: impl IntoIterator<Item = StoreRehearsal>) -> Rehearsal {
    let rows: BTreeMap<(StoreId, Slot), StoreRehearsal> =
        rows.into_iter().map(|row| ((row.store.clone(), row.slot.clone()), row)).collect();
    let mut all = Rehearsal::default();
    let mut groups: BTreeMap<String, DifferenceGroup> = BTreeMap::new();
    for row in rows.into_values() {
        if row.calls == 0 {
            all.silent.insert(row.store);
            continue;
        }
        all.stores += 1;
        all.calls = all.calls.saturating_add(row.calls);
        all.same = all.same.saturating_add(row.same.min(row.calls));
        all.failed = all.failed.saturating_add(row.failed.min(row.calls));
        for difference in row.differences.into_iter().take(OF_STORE_MAX) {
            let what = shown(&difference.what, TEXT_CHARS_MAX);
            let group = groups.entry(what.clone()).or_insert_with(|| DifferenceGroup {
                what,
                stores: 0,
                count: 0,
                was: shown(&difference.was, TEXT_CHARS_MAX),
                would_be: shown(&difference.would_be, TEXT_CHARS_MAX),
                examples: Vec::new(),
            });
            group.count = group.count.saturating_add(difference.count);
            if group.examples.last() != Some(&row.store) {
                group.stores += 1;
                if group.examples.len() < EXAMPLES_MAX {
                    group.examples.push(row.store.clone());
                }
            }
        }
    }
    all.groups = groups.into_values().collect();
    all.groups.sort_by_key(|group| (std::cmp::Reverse(group.stores), std::cmp::Reverse(group.count)));
    all.left_out = all.groups.len().saturating_sub(GROUPS_MAX) as u64;
    all.groups.truncate(GROUPS_MAX);
    all
}
