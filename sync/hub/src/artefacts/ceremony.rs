//! The first ceremony and the changes after it: drafts made from who is to sign what.
//!
//! Not here: signing, which people do elsewhere ([`super::keys`]); publishing ([`super::Artefacts::publish`]). Guards: what nobody has named stays as it is in force.

use super::{DAY_MS, InForce};
use aisle_artefact::{
    Draft, Kind, PublicKey, Role,
    repository::{ChangeError, Delegation, DraftError, Keys, RootPlan},
};
use aisle_event::Timestamp;
use std::collections::BTreeMap;

/// Who signs what, from the beginning on.
#[derive(Debug, Clone)]
pub struct Beginning {
    /// Who says who everybody is.
    pub root: Keys,
    /// Who says who signs which kind.
    pub targets: Keys,
    /// Who signs which kind.
    pub kinds: BTreeMap<Kind, Keys>,
    /// The keys at the hub: of snapshots, of timestamps.
    pub online: (PublicKey, PublicKey),
    /// When the root runs out.
    pub root_expires: Timestamp,
    /// When everything else runs out that is signed offline.
    pub expires: Timestamp,
}

/// So many days from now.
#[must_use]
pub fn in_days(now: Timestamp, days: u32) -> Timestamp {
    let ms = DAY_MS.saturating_mul(u64::from(days));
    now.saturating_add_ms(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// What a draft's file is called.
#[must_use]
pub fn file_name(role: &Role) -> String {
    format!("{role}.draft.json")
}

impl Beginning {
    /// The first drafts: root, targets, and an empty list of each kind.
    ///
    /// # Errors
    /// When who signs what cannot be right.
    pub fn drafts(&self) -> Result<Vec<Draft>, DraftError> {
        let (snapshot, timestamp) = &self.online;
        let plan = RootPlan {
            root: self.root.clone(),
            targets: self.targets.clone(),
            snapshot: Keys::one(snapshot),
            timestamp: Keys::one(timestamp),
        };
        let delegations =
            self.kinds.iter().map(|(kind, keys)| Delegation { kind: *kind, keys: keys.clone() });
        let delegations: Vec<Delegation> = delegations.collect();
        let mut drafts =
            vec![Draft::root(1, &plan, self.root_expires)?, Draft::targets(1, &delegations, self.expires)?];
        for kind in self.kinds.keys() {
            drafts.push(Draft::artefacts(*kind, 1, [], self.expires)?);
        }
        Ok(drafts)
    }
}

/// What is to be another in the next root. What is not named stays.
#[derive(Debug, Clone, Default)]
pub struct NextRoot {
    /// Who says who everybody is.
    pub root: Option<Keys>,
    /// Who says who signs which kind.
    pub targets: Option<Keys>,
    /// The keys at the hub: of snapshots, of timestamps.
    pub online: Option<(PublicKey, PublicKey)>,
}

impl NextRoot {
    /// The next root.
    ///
    /// # Errors
    /// When who signs what cannot be right.
    pub fn draft(self, in_force: &InForce, expires: Timestamp) -> Result<Draft, DraftError> {
        let before = in_force.root_plan();
        let (snapshot, timestamp) = match self.online {
            Some((snapshot, timestamp)) => (Keys::one(&snapshot), Keys::one(&timestamp)),
            None => (before.snapshot, before.timestamp),
        };
        let plan = RootPlan {
            root: self.root.unwrap_or(before.root),
            targets: self.targets.unwrap_or(before.targets),
            snapshot,
            timestamp,
        };
        in_force.next_root(&plan, expires)
    }
}

/// The next targets, with other keys for some kinds. A kind that was not delegated yet comes with its first list, as the second draft and on.
///
/// # Errors
/// When who signs what cannot be right.
pub fn next_targets(
    in_force: &InForce,
    kinds: &BTreeMap<Kind, Keys>,
    withdrawn: &[Kind],
    expires: Timestamp,
) -> Result<Vec<Draft>, DraftError> {
    let mut delegations: BTreeMap<Kind, Keys> =
        in_force.delegations().into_iter().map(|delegation| (delegation.kind, delegation.keys)).collect();
    let is_new = |kind: &&Kind| !delegations.contains_key(kind);
    let new: Vec<Kind> = kinds.keys().filter(is_new).copied().collect();
    delegations.extend(kinds.iter().map(|(kind, keys)| (*kind, keys.clone())));
    delegations.retain(|kind, _| !withdrawn.contains(kind));
    let delegations: Vec<Delegation> =
        delegations.into_iter().map(|(kind, keys)| Delegation { kind, keys }).collect();
    let mut drafts = vec![in_force.next_targets(&delegations, expires)?];
    for kind in new {
        drafts.push(Draft::artefacts(kind, 1, [], expires)?);
    }
    Ok(drafts)
}

/// The next list of a kind without some artefacts; the same list with a later end, where none is named.
///
/// # Errors
/// When the kind was not delegated, or one is not there.
pub fn next_list(
    in_force: &InForce,
    kind: Kind,
    remove: Vec<aisle_artefact::ArtefactId>,
    expires: Timestamp,
) -> Result<Draft, ChangeError> {
    let change = aisle_artefact::repository::Change { add: Vec::new(), remove };
    in_force.next_artefacts(kind, &change, expires)
}
