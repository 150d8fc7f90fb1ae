//! Who signs what: the keys of each role and how many of them it takes.
//!
//! Guards: a threshold that can be met, no key twice in a role, and no key that is both offline (root, targets) and online (snapshot, timestamp),
//! since a hub that was broken into must not sign artefacts.

use crate::{
    key::{KeyId, PublicKey},
    kind::Kind,
    role::Role,
};
use std::collections::{BTreeSet, HashMap};
use tough::schema::{
    RoleKeys,
    decoded::{Decoded, Hex},
    key::Key,
};

/// The most keys of a role.
pub const KEYS_MAX: usize = 16;

/// The keys of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// Their public halves; 1 to [`KEYS_MAX`].
    pub keys: Vec<PublicKey>,
    /// How many must sign.
    pub threshold: u64,
}

/// The keys of the four roles at the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootPlan {
    /// Offline: says who all others are.
    pub root: Keys,
    /// Offline: says who signs which kind.
    pub targets: Keys,
    /// Online.
    pub snapshot: Keys,
    /// Online.
    pub timestamp: Keys,
}

/// Who signs artefacts of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// The kind.
    pub kind: Kind,
    /// Its keys.
    pub keys: Keys,
}

/// Why a plan cannot be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// None, or too many.
    #[error("`{role}` has {found} keys, expected 1 to {KEYS_MAX}")]
    Keys {
        /// Whose.
        role: Role,
        /// How many.
        found: usize,
    },
    /// A key twice.
    #[error("`{role}` has the key {key} twice")]
    Twice {
        /// Whose.
        role: Role,
        /// Which.
        key: KeyId,
    },
    /// Nobody could sign, or nobody needed to.
    #[error("`{role}` needs {threshold} of {keys} keys\nhint: at least one, at most as many as there are")]
    Threshold {
        /// Whose.
        role: Role,
        /// How many must sign.
        threshold: u64,
        /// How many could.
        keys: usize,
    },
    /// A key for offline use that lies at the hub.
    #[error(
        "the key {key} is of `{offline}`, which is offline, and of `{online}`, which is online\nhint: make another key for one of them"
    )]
    Online {
        /// Which.
        key: KeyId,
        /// What it is offline.
        offline: Role,
        /// What it is online.
        online: Role,
    },
    /// A kind twice.
    #[error("the kind `{kind}` is delegated twice")]
    Kind {
        /// Which.
        kind: Kind,
    },
}

impl Keys {
    /// One key that signs alone.
    #[must_use]
    pub fn one(key: &PublicKey) -> Self {
        Self { keys: vec![key.clone()], threshold: 1 }
    }

    fn check(&self, role: &Role) -> Result<(), PlanError> {
        let found = self.keys.len();
        if found == 0 || found > KEYS_MAX {
            return Err(PlanError::Keys { role: role.clone(), found });
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = self.keys.iter().find(|key| !seen.insert(key.id())) {
            return Err(PlanError::Twice { role: role.clone(), key: twice.id().clone() });
        }
        if self.threshold == 0 || self.threshold > found as u64 {
            return Err(PlanError::Threshold { role: role.clone(), threshold: self.threshold, keys: found });
        }
        Ok(())
    }

    pub(super) fn role_keys(&self) -> RoleKeys {
        RoleKeys {
            keyids: self.keys.iter().map(keyid).collect(),
            threshold: self.threshold.try_into().unwrap_or(std::num::NonZeroU64::MIN),
            _extra: HashMap::new(),
        }
    }

    pub(super) fn of(found: &[Decoded<Hex>], threshold: u64, keys: &HashMap<Decoded<Hex>, Key>) -> Self {
        let known = found.iter().filter_map(|keyid| keys.get(keyid));
        let keys = known.filter_map(|key| PublicKey::of_key(key.clone()).ok()).collect();
        Self { keys, threshold }
    }
}

impl RootPlan {
    pub(super) fn check(&self) -> Result<(), PlanError> {
        for (role, keys) in self.roles() {
            keys.check(&role)?;
        }
        for (offline, keys) in [(Role::Root, &self.root), (Role::Targets, &self.targets)] {
            for (online, others) in [(Role::Snapshot, &self.snapshot), (Role::Timestamp, &self.timestamp)] {
                if let Some(key) = keys.keys.iter().find(|key| others.keys.contains(key)) {
                    return Err(PlanError::Online { key: key.id().clone(), offline, online });
                }
            }
        }
        Ok(())
    }

    pub(super) fn roles(&self) -> [(Role, &Keys); 4] {
        [
            (Role::Root, &self.root),
            (Role::Targets, &self.targets),
            (Role::Snapshot, &self.snapshot),
            (Role::Timestamp, &self.timestamp),
        ]
    }
}

pub(super) fn check_delegations(delegations: &[Delegation]) -> Result<(), PlanError> {
    let mut seen = BTreeSet::new();
    for Delegation { kind, keys } in delegations {
        if !seen.insert(*kind) {
            return Err(PlanError::Kind { kind: *kind });
        }
        keys.check(&Role::Delegated(kind.folder().to_owned()))?;
    }
    Ok(())
}

pub(super) fn keyid(key: &PublicKey) -> Decoded<Hex> {
    key.id().as_bytes().to_vec().into()
}

pub(super) fn key_map<'a>(keys: impl IntoIterator<Item = &'a Keys>) -> HashMap<Decoded<Hex>, Key> {
    let keys = keys.into_iter().flat_map(|keys| &keys.keys);
    keys.map(|key| (keyid(key), key.key().clone())).collect()
}
