//! A rehearsal: each store plays what it has recorded through the candidate, and says what would have come out otherwise. Nothing of it is sold.
//!
//! ```text
//! POST …/rehearse ─> Candidate, in the orders of the stores ─> the node plays it ─> Played, in its REPORT ─> StoreRehearsal ─ merge ─> Rehearsal
//! ```
//!
//! Here is what nodes are asked ([`Candidate`]), what they say ([`Played`]), and how the words of many stores become one. The playing itself is the plugin
//! host's replay. Guards: what leaves the store are counts, and values that the node makes of numbers and of words of its own; never an input.

mod candidate;

pub use candidate::{
    CANDIDATES_BYTES_MAX, CANDIDATES_MAX, Candidate, CandidatesError, Findings, Played, candidates,
    encode_candidates,
};

use crate::{artefact::Slot, text::shown, version::Version};
use aisle_event::StoreId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most kinds of differences that a store tells of; the rest it counts.
pub const OF_STORE_MAX: usize = 32;
/// The most kinds of differences of all stores together.
pub const GROUPS_MAX: usize = 64;
/// The most stores that are named of a group.
pub const EXAMPLES_MAX: usize = 5;
/// The longest text, in characters; what is longer is cut.
pub const TEXT_CHARS_MAX: usize = 200;

/// One kind of difference at one store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Difference {
    /// What is another, without what is only true of one basket: `lines[].price`, `adjustments`, `failure`.
    pub what: String,
    /// What came out: the node's word, or a mean of numbers.
    pub was: String,
    /// What would have come out, told in the same way.
    pub would_be: String,
    /// How often.
    pub count: u64,
}

/// What a store says of a candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Why it was not played, where it was not: it is not signed, or does not load.
    #[serde(default)]
    pub refused: Option<String>,
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
    /// What came out, at the store that it came out at most often.
    pub was: String,
    /// What would have come out there.
    pub would_be: String,
    /// The first few stores, by name.
    #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
    pub examples: Vec<StoreId>,
}

/// Stores that did not play it, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RefusalGroup {
    /// Why not.
    pub why: String,
    /// In how many stores.
    pub stores: u64,
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
    /// How many stores had nothing recorded: they say nothing, and not that all is well.
    pub silent: u64,
    /// The first few of them, by name.
    #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
    pub silent_examples: Vec<StoreId>,
    /// Stores that did not play it, the most frequent reason first, at most [`GROUPS_MAX`] of them.
    pub refused: Vec<RefusalGroup>,
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
    let mut refused: BTreeMap<String, RefusalGroup> = BTreeMap::new();
    let mut groups: BTreeMap<String, DifferenceGroup> = BTreeMap::new();
    // The store that was counted last of each kind: one that names a kind twice is one store. And the most often that a store names it.
    let mut last: BTreeMap<String, StoreId> = BTreeMap::new();
    let mut most: BTreeMap<String, Option<u64>> = BTreeMap::new();
    for row in rows.into_values() {
        if let Some(why) = &row.refused {
            let why = shown(why, TEXT_CHARS_MAX);
            let group =
                refused.entry(why.clone()).or_insert(RefusalGroup { why, stores: 0, examples: Vec::new() });
            group.stores += 1;
            name(&mut group.examples, row.store);
            continue;
        }
        if row.calls == 0 {
            all.silent += 1;
            name(&mut all.silent_examples, row.store);
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
                was: String::new(),
                would_be: String::new(),
                examples: Vec::new(),
            });
            let most = most.entry(group.what.clone()).or_default();
            if most.is_none_or(|most| difference.count > most) {
                *most = Some(difference.count);
                group.was = shown(&difference.was, TEXT_CHARS_MAX);
                group.would_be = shown(&difference.would_be, TEXT_CHARS_MAX);
            }
            group.count = group.count.saturating_add(difference.count);
            if last.get(&group.what) != Some(&row.store) {
                last.insert(group.what.clone(), row.store.clone());
                group.stores += 1;
                name(&mut group.examples, row.store.clone());
            }
        }
    }
    all.refused = refused.into_values().collect();
    all.refused.sort_by_key(|group| std::cmp::Reverse(group.stores));
    all.refused.truncate(GROUPS_MAX);
    all.groups = groups.into_values().collect();
    all.groups.sort_by_key(|group| (std::cmp::Reverse(group.stores), std::cmp::Reverse(group.count)));
    all.left_out = all.groups.len().saturating_sub(GROUPS_MAX) as u64;
    all.groups.truncate(GROUPS_MAX);
    all
}

fn name(examples: &mut Vec<StoreId>, store: StoreId) {
    if examples.len() < EXAMPLES_MAX {
        examples.push(store);
    }
}
