//! Why nodes failed, grouped, so that three hundred failures of one cause are one line.

use crate::{
    artefact::Slot,
    node::NodeId,
    reason::{FAULT_BYTES_MAX, Reason},
    text::{numberless, shown},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most groups that are told of; those with the most nodes first, the rest as one.
pub const GROUPS_MAX: usize = 32;
/// The most nodes that are named of a group.
pub const EXAMPLES_MAX: usize = 5;

/// Why a node failed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Cause {
    /// What failed.
    pub slot: Slot,
    /// The code of the reason, or of the fault behind it.
    pub code: String,
    /// In words.
    pub text: String,
}

impl Cause {
    /// Of a reason that a node gave. Where a version was given up the fault is the cause, and not that it was given up.
    #[must_use]
    pub fn of(slot: &Slot, reason: &Reason) -> Self {
        let (code, text) = match reason {
            Reason::KnownBad { fault, .. } | Reason::Failing { fault } | Reason::Reverting { fault } => {
                (fault.code.as_str(), fault.text.clone())
            }
            reason => (reason.code(), reason.to_string()),
        };
        Self { slot: slot.clone(), code: code.into(), text: shown(&text, FAULT_BYTES_MAX) }
    }

    /// What failures of one cause have in common: numbers in their words do not count.
    fn key(&self) -> (Slot, String, String) {
        (self.slot.clone(), self.code.clone(), numberless(&self.text))
    }
}

/// Nodes that failed for one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CauseGroup {
    /// The cause of the first of them; nothing where many causes are told of together.
    pub cause: Option<Cause>,
    /// How many.
    pub count: u64,
    /// The first few by name, at most [`EXAMPLES_MAX`].
    pub examples: Vec<NodeId>,
}

/// Groups causes, those with the most nodes first.
pub(crate) fn group<'a>(failed: impl Iterator<Item = (&'a NodeId, &'a Cause)>) -> Vec<CauseGroup> {
    let mut groups: BTreeMap<(Slot, String, String), CauseGroup> = BTreeMap::new();
    for (node, cause) in failed {
        let group = groups.entry(cause.key()).or_insert_with(|| CauseGroup {
            cause: Some(cause.clone()),
            count: 0,
            examples: Vec::new(),
        });
        group.count += 1;
        if group.examples.len() < EXAMPLES_MAX {
            group.examples.push(node.clone());
        }
    }
    let mut groups: Vec<CauseGroup> = groups.into_values().collect();
    // Equal ones stay in the order of their keys.
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    if groups.len() > GROUPS_MAX {
        let rest = groups.split_off(GROUPS_MAX - 1);
        let count = rest.iter().map(|group| group.count).sum();
        let examples = rest.into_iter().flat_map(|group| group.examples).take(EXAMPLES_MAX).collect();
        groups.push(CauseGroup { cause: None, count, examples });
    }
    groups
}
