//! A draft: metadata that collects signatures. It is a file that goes from one holder of a key to the next, none of whom sees another's key.
//!
//! A draft says of itself whose metadata it is; that is not signed, and is held against what is signed when it is published. Who signs looks at
//! [`Draft::summary`] first.

use super::plan::{Delegation, PlanError, RootPlan, check_delegations, key_map, keyid};
use crate::{
    artefact::{Artefact, ArtefactError},
    id::shown,
    key::{KeyId, SigningKey},
    kind::Kind,
    metadata::{Document, ReadError, SPEC_VERSION, written},
    role::{Role, RoleError},
};
use aisle_event::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    num::NonZeroU64,
};
use tough::{
    TargetName,
    schema::{DelegatedRole, Delegations, PathPattern, PathSet, RoleType, Root, Signature, Targets},
};

/// The most bytes of the file of a draft.
pub const DRAFT_BYTES_MAX: usize = 8 << 20;
/// The most artefacts of a kind: so many, described at length, stay below the bound of a node.
pub const ARTEFACTS_MAX: usize = 4096;

/// Why there is no draft.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// The plan cannot be right.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The bytes are no file of a draft.
    #[error("this is no draft of metadata")]
    Form(#[source] serde_json::Error),
    /// It is for nobody.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// What it holds is no metadata.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A version or a time that metadata cannot have.
    #[error("`{field}` of `{role}` cannot be written")]
    Value {
        /// Of whose metadata.
        role: Role,
        /// Which.
        field: &'static str,
    },
    /// It lists what is no artefact.
    #[error(transparent)]
    Artefact(#[from] ArtefactError),
    /// Too much of it.
    #[error("{what} is {found}, at most {max} may be")]
    Bound {
        /// What.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// How much there may be.
        max: usize,
    },
    /// An artefact of another kind.
    #[error("`{path}` is none of the kind `{kind}`")]
    Kind {
        /// The artefact.
        path: String,
        /// The kind.
        kind: Kind,
    },
}

/// Metadata that collects signatures.
#[derive(Debug, Clone)]
pub struct Draft {
    document: Document,
    signed: Value,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Whose metadata it is.
    draft: String,
    signed: Value,
    signatures: Vec<Signature>,
}

fn value<T>(role: &Role, field: &'static str, found: Option<T>) -> Result<T, DraftError> {
    found.ok_or_else(|| DraftError::Value { role: role.clone(), field })
}

impl Draft {
    /// A root: who everybody is.
    ///
    /// # Errors
    /// When the plan cannot be right.
    pub fn root(version: u64, plan: &RootPlan, expires: Timestamp) -> Result<Self, DraftError> {
        plan.check()?;
        let role = Role::Root;
        let kinds = [RoleType::Root, RoleType::Targets, RoleType::Snapshot, RoleType::Timestamp];
        let root = Root {
            spec_version: SPEC_VERSION.to_owned(),
            consistent_snapshot: true,
            version: value(&role, "version", NonZeroU64::new(version))?,
            expires: value(&role, "expires", written(expires).parse().ok())?,
            keys: key_map(plan.roles().map(|(_, keys)| keys)),
            roles: kinds.into_iter().zip(plan.roles().map(|(_, keys)| keys.role_keys())).collect(),
            _extra: HashMap::new(),
        };
        Self::of(&role, &root)
    }

    /// The targets at the top: who signs which kind. They name no artefact themselves.
    ///
    /// # Errors
    /// When the delegations cannot be right.
    pub fn targets(version: u64, delegations: &[Delegation], expires: Timestamp) -> Result<Self, DraftError> {
        check_delegations(delegations)?;
        let mut roles = Vec::new();
        for Delegation { kind, keys } in delegations {
            let pattern = PathPattern::new(kind.paths()).ok();
            let keys_of = keys.role_keys();
            roles.push(DelegatedRole {
                name: kind.folder().to_owned(),
                keyids: keys_of.keyids,
                threshold: keys_of.threshold,
                paths: PathSet::Paths(vec![value(&Role::Targets, "paths", pattern)?]),
                terminating: true,
                targets: None,
            });
        }
        let keys = key_map(delegations.iter().map(|delegation| &delegation.keys));
        let delegations = Some(Delegations { keys, roles });
        Self::any_targets(&Role::Targets, version, BTreeMap::new(), delegations, expires)
    }

    /// The artefacts of a kind: all that a store may have of it.
    ///
    /// # Errors
    /// When one is of another kind, or there are too many.
    pub fn artefacts<'a>(
        kind: Kind,
        version: u64,
        artefacts: impl IntoIterator<Item = &'a Artefact>,
        expires: Timestamp,
    ) -> Result<Self, DraftError> {
        let mut listed = BTreeMap::new();
        for artefact in artefacts {
            let path = artefact.id.to_string();
            if artefact.id.kind() != kind {
                return Err(DraftError::Kind { path, kind });
            }
            listed.insert(path, artefact);
        }
        let (found, max) = (listed.len(), ARTEFACTS_MAX);
        if found > max {
            return Err(DraftError::Bound { what: "the count of artefacts of a kind", found, max });
        }
        Self::any_targets(&Role::delegated(kind.folder())?, version, listed, None, expires)
    }

    fn any_targets(
        role: &Role,
        version: u64,
        artefacts: BTreeMap<String, &Artefact>,
        delegations: Option<Delegations>,
        expires: Timestamp,
    ) -> Result<Self, DraftError> {
        let mut targets = HashMap::new();
        for (path, artefact) in artefacts {
            let name = TargetName::new(path).ok();
            targets.insert(value(role, "targets", name)?, artefact.target());
        }
        let body = Targets {
            spec_version: SPEC_VERSION.to_owned(),
            version: value(role, "version", NonZeroU64::new(version))?,
            expires: value(role, "expires", written(expires).parse().ok())?,
            targets,
            delegations,
            _extra: HashMap::new(),
        };
        Self::of(role, &body)
    }

    pub(super) fn of(role: &Role, body: &impl Serialize) -> Result<Self, DraftError> {
        let signed = serde_json::to_value(body).map_err(DraftError::Form)?;
        let document = Document::of(role, signed.clone(), Vec::new())?;
        Ok(Self { document, signed })
    }

    /// Reads the file of a draft, which may be anybody's.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(bytes: &[u8]) -> Result<Self, DraftError> {
        let (found, max) = (bytes.len(), DRAFT_BYTES_MAX);
        if found > max {
            return Err(DraftError::Bound { what: "the length of the draft", found, max });
        }
        let File { draft, signed, signatures } = serde_json::from_slice(bytes).map_err(DraftError::Form)?;
        let role: Role = draft.parse()?;
        let document = Document::of(&role, signed.clone(), signatures)?;
        Ok(Self { document, signed })
    }

    /// The file that goes to the next holder of a key.
    ///
    /// # Errors
    /// When it cannot be written, which what was read can.
    pub fn write(&self) -> Result<Vec<u8>, DraftError> {
        let file = File {
            draft: self.document.role.to_string(),
            signed: self.signed.clone(),
            signatures: self.document.signatures.clone(),
        };
        serde_json::to_vec_pretty(&file).map_err(DraftError::Form)
    }

    /// Signs it, in place of an earlier signature of the same key. Whether that key counts is seen when it is published.
    pub fn sign(&mut self, key: &SigningKey) {
        let keyid = keyid(key.public());
        self.document.signatures.retain(|signature| signature.keyid != keyid);
        let sig = key.sign(&self.document.message).into();
        self.document.signatures.push(Signature { keyid, sig });
    }

    /// Whose metadata it is.
    #[must_use]
    pub const fn role(&self) -> &Role {
        &self.document.role
    }

    /// Which version of it.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.document.version
    }

    /// When it will run out.
    #[must_use]
    pub const fn expires(&self) -> Timestamp {
        self.document.expires
    }

    /// In whose names it was signed so far.
    #[must_use]
    pub fn signed_by(&self) -> Vec<KeyId> {
        self.document.signatures.iter().map(|signature| KeyId::of(&signature.keyid)).collect()
    }

    /// The artefacts that it lists; none where it is no list of a kind.
    ///
    /// # Errors
    /// When it lists what is no artefact.
    pub fn listed(&self) -> Result<Vec<Artefact>, DraftError> {
        if !matches!(self.role(), Role::Delegated(_)) {
            return Ok(Vec::new());
        }
        let targets: Targets = self.document.body()?;
        let read = targets.targets.iter().map(|(name, target)| Artefact::of_target(name.raw(), target));
        Ok(read.collect::<Result<_, _>>()?)
    }

    /// What it says, in lines for who is to sign it.
    ///
    /// # Errors
    /// When it says nothing that metadata of that role says.
    pub fn summary(&self) -> Result<Vec<String>, DraftError> {
        let role = self.role();
        let mut lines =
            vec![format!("{role}, version {}, until {}", self.version(), written(self.expires()))];
        let keys = |name: &str, threshold: u64, keyids: &[tough::schema::decoded::Decoded<_>]| {
            let keyids: Vec<String> = keyids.iter().map(|keyid| KeyId::of(keyid).to_string()).collect();
            format!("{name}: {threshold} of {}", keyids.join(", "))
        };
        match role {
            Role::Root => {
                let root: Root = self.document.body()?;
                let mut roles: Vec<String> = root
                    .roles
                    .iter()
                    .map(|(role, of)| keys(&role.to_string(), of.threshold.get(), &of.keyids))
                    .collect();
                roles.sort_unstable();
                lines.extend(roles);
            }
            Role::Targets | Role::Delegated(_) => {
                let targets: Targets = self.document.body()?;
                for of in targets.delegations.iter().flat_map(|delegations| &delegations.roles) {
                    lines.push(keys(&shown(&of.name), of.threshold.get(), &of.keyids));
                }
                let mut paths: Vec<String> = targets
                    .targets
                    .iter()
                    .map(|(name, target)| format!("{} ({} bytes)", shown(name.raw()), target.length))
                    .collect();
                paths.sort_unstable();
                lines.extend(paths);
            }
            Role::Timestamp | Role::Snapshot => {}
        }
        Ok(lines)
    }

    pub(super) fn into_document(self) -> Document {
        self.document
    }
}
