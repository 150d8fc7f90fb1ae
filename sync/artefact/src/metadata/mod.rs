//! Metadata as it is read: bounded bytes become a document, whose signatures can be held against keys, and then what it says.
//!
//! What was signed is the canonical form of the JSON that came, unknown fields included; what is read is that same JSON. So nothing can be signed
//! as one thing and read as another.
//!
//! Lives here: the document, its head, and its typed body ([`Held`]). Not here: whose signatures count ([`verify`]), which paths a delegation
//! covers ([`paths`]), in which order what is asked for ([`crate::client`]).

pub(crate) mod paths;
pub(crate) mod verify;

use crate::{digest::Digest, id::shown, key::KeyId, role::Role};
use aisle_event::Timestamp;
use olpc_cjson::CanonicalFormatter;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{collections::BTreeSet, num::NonZeroU64};
use tough::schema::{Root, Signature, Snapshot, Targets};

/// The most signatures of a document.
pub const SIGNATURES_MAX: usize = 64;
/// The part of the specification's version that must agree.
const SPEC: &str = "1.";
/// The specification that is written here.
pub(crate) const SPEC_VERSION: &str = "1.0.31";

/// Why bytes are no metadata of a role.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// They are not what signed metadata looks like.
    #[error("metadata of `{role}` does not read")]
    Json {
        /// Whose it should be.
        role: Role,
        /// Why not.
        source: serde_json::Error,
    },
    /// Metadata of another type.
    #[error("metadata of `{role}` is of type `{found}`")]
    Type {
        /// Whose it should be.
        role: Role,
        /// What it says it is.
        found: String,
    },
    /// Of another specification.
    #[error("metadata of `{role}` is of version {found} of the specification; this build reads 1.x")]
    Spec {
        /// Whose it is.
        role: Role,
        /// What it says.
        found: String,
    },
    /// A time that is none.
    #[error("metadata of `{role}`: `expires` is `{found}`, expected a time as in `2030-01-31T00:00:00Z`")]
    Expires {
        /// Whose it is.
        role: Role,
        /// What it says.
        found: String,
    },
    /// It has no canonical form, so nobody can have signed it.
    #[error("metadata of `{role}` has no canonical form")]
    Canonical {
        /// Whose it is.
        role: Role,
        /// Why not.
        source: serde_json::Error,
    },
    /// More signatures than are looked at.
    #[error("metadata of `{role}` has {found} signatures, at most {SIGNATURES_MAX} may be")]
    Signatures {
        /// Whose it is.
        role: Role,
        /// How many there are.
        found: usize,
    },
    /// One key has signed twice.
    #[error("metadata of `{role}` has two signatures of the key {key}")]
    DuplicateSignature {
        /// Whose it is.
        role: Role,
        /// Which key.
        key: KeyId,
    },
}

#[derive(Deserialize)]
struct Envelope {
    signed: Value,
    signatures: Vec<Signature>,
}

/// What all roles begin with.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "_type")]
    kind: String,
    spec_version: String,
    version: NonZeroU64,
    expires: String,
}

/// Metadata whose signatures were not looked at yet.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) role: Role,
    pub(crate) version: u64,
    pub(crate) expires: Timestamp,
    pub(crate) signatures: Vec<Signature>,
    /// What was signed.
    pub(crate) message: Vec<u8>,
    signed: Value,
}

impl Document {
    /// Reads bytes that may be anybody's, and that were bounded by whoever fetched them.
    pub(crate) fn read(role: &Role, bytes: &[u8]) -> Result<Self, ReadError> {
        let json = |source| ReadError::Json { role: role.clone(), source };
        let Envelope { signed, signatures } = serde_json::from_slice(bytes).map_err(json)?;
        Self::of(role, signed, signatures)
    }

    pub(crate) fn of(role: &Role, signed: Value, signatures: Vec<Signature>) -> Result<Self, ReadError> {
        let head =
            Head::deserialize(&signed).map_err(|source| ReadError::Json { role: role.clone(), source })?;
        if head.kind != role.type_name() {
            return Err(ReadError::Type { role: role.clone(), found: shown(&head.kind) });
        }
        if !head.spec_version.starts_with(SPEC) {
            return Err(ReadError::Spec { role: role.clone(), found: shown(&head.spec_version) });
        }
        let expires: jiff::Timestamp = head
            .expires
            .parse()
            .map_err(|_| ReadError::Expires { role: role.clone(), found: shown(&head.expires) })?;
        if signatures.len() > SIGNATURES_MAX {
            return Err(ReadError::Signatures { role: role.clone(), found: signatures.len() });
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = signatures.iter().find(|signature| !seen.insert(signature.keyid.to_vec())) {
            return Err(ReadError::DuplicateSignature { role: role.clone(), key: KeyId::of(&twice.keyid) });
        }
        let message =
            canonical(&signed).map_err(|source| ReadError::Canonical { role: role.clone(), source })?;
        Ok(Self {
            role: role.clone(),
            version: head.version.get(),
            expires: Timestamp(expires.as_millisecond()),
            signatures,
            message,
            signed,
        })
    }

    /// What it says.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, ReadError> {
        T::deserialize(&self.signed).map_err(|source| ReadError::Json { role: self.role.clone(), source })
    }

    /// Its bytes: the canonical form of all of it, so that equal metadata is equal bytes.
    pub(crate) fn write(&self) -> Result<Vec<u8>, ReadError> {
        #[derive(Serialize)]
        struct Whole<'a> {
            signed: &'a Value,
            signatures: &'a [Signature],
        }
        canonical(&Whole { signed: &self.signed, signatures: &self.signatures })
            .map_err(|source| ReadError::Canonical { role: self.role.clone(), source })
    }
}

/// Metadata with what it says and the bytes it came in.
#[derive(Debug, Clone)]
pub(crate) struct Held<T> {
    pub(crate) document: Document,
    pub(crate) body: T,
    pub(crate) bytes: Vec<u8>,
}

impl<T: DeserializeOwned> Held<T> {
    pub(crate) fn read(role: &Role, bytes: Vec<u8>) -> Result<Self, ReadError> {
        let document = Document::read(role, &bytes)?;
        let body = document.body()?;
        Ok(Self { document, body, bytes })
    }

    pub(crate) fn of(document: Document) -> Result<Self, ReadError> {
        let (body, bytes) = (document.body()?, document.write()?);
        Ok(Self { document, body, bytes })
    }
}

/// The canonical form of JSON.
pub(crate) fn canonical(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, CanonicalFormatter::new());
    value.serialize(&mut serializer)?;
    Ok(bytes)
}

/// A time as metadata writes it: whole seconds, the next one where there is a part of one.
pub(crate) fn written(time: Timestamp) -> String {
    let seconds = time.0.div_euclid(1000).saturating_add(i64::from(time.0.rem_euclid(1000) > 0));
    let seconds = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
    seconds.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// What can be said of metadata without any key: for people who look into a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// Whose it says it is.
    pub role: Role,
    /// Its version.
    pub version: u64,
    /// When it runs out.
    pub expires: Timestamp,
    /// SHA-256 of the bytes.
    pub sha256: Digest,
    /// Who says that they have signed it. Nothing was verified.
    pub signed_by: Vec<KeyId>,
    /// What it names: other files of metadata, delegated roles, or paths of targets.
    pub names: Vec<String>,
}

/// Looks into metadata without believing it.
///
/// # Errors
/// When it is no metadata of that role.
pub fn inspect(role: &Role, bytes: &[u8]) -> Result<Inspected, ReadError> {
    let document = Document::read(role, bytes)?;
    let mut names: Vec<String> = match role {
        Role::Root => document.body::<Root>()?.roles.keys().map(ToString::to_string).collect(),
        Role::Timestamp => document.body::<tough::schema::Timestamp>()?.meta.into_keys().collect(),
        Role::Snapshot => document.body::<Snapshot>()?.meta.into_keys().collect(),
        Role::Targets | Role::Delegated(_) => {
            let Targets { targets, delegations, .. } = document.body()?;
            let roles = delegations.into_iter().flat_map(|delegations| delegations.roles);
            let roles = roles.map(|role| role.name);
            targets.keys().map(|name| name.raw().to_owned()).chain(roles).collect()
        }
    };
    names.iter_mut().for_each(|name| *name = shown(name));
    names.sort_unstable();
    let signed_by = document.signatures.iter().map(|signature| KeyId::of(&signature.keyid)).collect();
    Ok(Inspected {
        role: role.clone(),
        version: document.version,
        expires: document.expires,
        sha256: Digest::sha256(bytes),
        signed_by,
        names,
    })
}
