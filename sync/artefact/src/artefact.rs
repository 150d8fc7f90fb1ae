//! An artefact as its target says: length, digests, and our custom fields.
//!
//! The custom fields stand below `custom.aisle` of the target. Fields that are not known are passed over: what an older node must not
//! overlook is said by raising `node_min`. The identifier stands there again, and must agree with the path, so that a target that was copied to
//! another place is none.
//!
//! Not here: who may sign one ([`crate::client`] asks the roles), fetching it.

use crate::{
    digest::Digest,
    id::{ArtefactId, IdError, shown},
    kind::Kind,
};
use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::HashMap, io::Read};
use tough::schema::{Hashes, Target};

/// Where our fields stand in `custom`.
const CUSTOM: &str = "aisle";
/// The most grants that an artefact can need.
pub const GRANTS_MAX: usize = 32;
/// The most bytes of the name of a grant.
pub const GRANT_BYTES_MAX: usize = 64;

/// What a node must have before an artefact is of use to it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Needs {
    /// Free disk in bytes beside the content itself: what compiling or unpacking it takes.
    #[serde(default)]
    pub disk_bytes: u64,
    /// What the store must grant it, by name; at most [`GRANTS_MAX`].
    #[serde(default)]
    pub grants: Vec<String>,
}

/// An artefact that somebody who may has signed, or is about to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artefact {
    /// Which.
    pub id: ArtefactId,
    /// How long its content is, in bytes.
    pub bytes: u64,
    /// SHA-256 of its content: what TUF names it by.
    pub sha256: Digest,
    /// BLAKE3 of its content: what contents are kept and fetched by.
    pub blake3: Digest,
    /// The oldest node that can use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_min: Option<Version>,
    /// What it needs.
    #[serde(default)]
    pub needs: Needs,
}

/// Why a target is no artefact.
#[derive(Debug, thiserror::Error)]
pub enum ArtefactError {
    /// Its path names none.
    #[error(transparent)]
    Id(#[from] IdError),
    /// It is no target at all.
    #[error("target `{path}` does not read")]
    Target {
        /// Where it lies.
        path: String,
        /// Why not.
        source: serde_json::Error,
    },
    /// Our fields are not there.
    #[error("target `{path}` has no `custom.aisle`, so it says neither its kind nor its needs")]
    NoCustom {
        /// Where it lies.
        path: String,
    },
    /// Our fields do not read.
    #[error("target `{path}`: `custom.aisle` does not read")]
    Custom {
        /// Where it lies.
        path: String,
        /// Why not.
        source: serde_json::Error,
    },
    /// Path and fields name two artefacts.
    #[error("target `{path}`: `custom.aisle.{field}` is `{found}`, which is not what its path says")]
    Disagrees {
        /// Where it lies.
        path: String,
        /// Which field.
        field: &'static str,
        /// What it says.
        found: String,
    },
    /// A value beyond its bound.
    #[error("target `{path}`: `{field}` is {found}, at most {max} may be")]
    Bound {
        /// Where it lies.
        path: String,
        /// Which field.
        field: &'static str,
        /// What it is.
        found: u64,
        /// What it may be.
        max: u64,
    },
    /// A content without a byte.
    #[error("target `{path}`: `length` is 0, and a content has at least one byte")]
    Empty {
        /// Where it lies.
        path: String,
    },
    /// A hash that is none.
    #[error("target `{path}`: `hashes.sha256` does not have 64 hexadecimal digits")]
    Sha256 {
        /// Where it lies.
        path: String,
    },
    /// A grant that cannot be one.
    #[error("target `{path}`: `custom.aisle.needs.grants` names `{grant}`, which is no name of a grant")]
    Grant {
        /// Where it lies.
        path: String,
        /// The name.
        grant: String,
    },
}

/// Why no artefact can be made of a content.
#[derive(Debug, thiserror::Error)]
pub enum DescribeError {
    /// The content cannot be read.
    #[error("cannot read the content of `{id}`")]
    Read {
        /// Of which.
        id: ArtefactId,
        /// Why not.
        source: std::io::Error,
    },
    /// It has no byte, or too many.
    #[error("the content of `{id}` has {bytes} bytes or more, expected 1 to {max}")]
    Length {
        /// Of which.
        id: ArtefactId,
        /// How many were seen.
        bytes: u64,
        /// How many may be.
        max: u64,
    },
    /// What it needs cannot be right.
    #[error(transparent)]
    Needs(#[from] ArtefactError),
}

/// Our fields as they are written.
#[derive(Serialize, Deserialize)]
struct Custom {
    kind: Kind,
    name: String,
    version: String,
    blake3: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    node_min: Option<Version>,
    #[serde(default)]
    needs: Needs,
}

impl Artefact {
    /// Reads a content to its end and says what is to be signed of it.
    ///
    /// # Errors
    /// When it cannot be read, is empty or longer than its kind may be, or the needs are beyond their bounds.
    pub fn describe(
        id: ArtefactId,
        content: impl Read,
        node_min: Option<Version>,
        needs: Needs,
    ) -> Result<Self, DescribeError> {
        let max = id.kind().bytes_max();
        let mut bounded = content.take(max.saturating_add(1));
        let (mut sha256, mut blake3) =
            (ring::digest::Context::new(&ring::digest::SHA256), blake3::Hasher::new());
        let (mut buffer, mut bytes) = (vec![0; 64 << 10], 0_u64);
        loop {
            let read =
                bounded.read(&mut buffer).map_err(|source| DescribeError::Read { id: id.clone(), source })?;
            let piece = buffer.get(..read).unwrap_or_default();
            if piece.is_empty() {
                break;
            }
            sha256.update(piece);
            blake3.update(piece);
            bytes = bytes.saturating_add(piece.len() as u64);
        }
        if bytes == 0 || bytes > max {
            return Err(DescribeError::Length { id, bytes, max });
        }
        let sha256 = Digest::from_slice(sha256.finish().as_ref());
        let blake3 = Digest(*blake3.finalize().as_bytes());
        let artefact = Self { id, bytes, sha256, blake3, node_min, needs };
        artefact.check()?;
        Ok(artefact)
    }

    /// Reads a target as it stands in metadata: JSON, which may be anybody's.
    ///
    /// # Errors
    /// When it is none, or none of an artefact.
    pub fn decode(path: &str, target: &[u8]) -> Result<Self, ArtefactError> {
        let target = serde_json::from_slice(target)
            .map_err(|source| ArtefactError::Target { path: shown(path), source })?;
        Self::of_target(path, &target)
    }

    /// The target that stands in metadata, as JSON.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // A target is text and numbers: writing it to a `Vec` has no way to fail.
        serde_json::to_vec(&self.target()).unwrap_or_default()
    }

    pub(crate) fn of_target(path: &str, target: &Target) -> Result<Self, ArtefactError> {
        let id: ArtefactId = path.parse()?;
        let path = || shown(path);
        let custom = target.custom.get(CUSTOM).ok_or_else(|| ArtefactError::NoCustom { path: path() })?;
        let custom =
            Custom::deserialize(custom).map_err(|source| ArtefactError::Custom { path: path(), source })?;
        let sha256: [u8; 32] =
            target.hashes.sha256.to_vec().try_into().map_err(|_| ArtefactError::Sha256 { path: path() })?;
        let says = [
            ("kind", custom.kind.as_str(), id.kind().as_str()),
            ("name", custom.name.as_str(), id.name().as_str()),
            ("version", custom.version.as_str(), &id.version().to_string()),
        ];
        if let Some((field, found, _)) = says.into_iter().find(|(_, found, expected)| found != expected) {
            return Err(ArtefactError::Disagrees { path: path(), field, found: shown(found) });
        }
        let Custom { blake3, node_min, needs, .. } = custom;
        let artefact = Self { id, bytes: target.length, sha256: Digest(sha256), blake3, node_min, needs };
        artefact.check()?;
        Ok(artefact)
    }

    pub(crate) fn target(&self) -> Target {
        let custom = Custom {
            kind: self.id.kind(),
            name: self.id.name().to_string(),
            version: self.id.version().to_string(),
            blake3: self.blake3,
            node_min: self.node_min.clone(),
            needs: self.needs.clone(),
        };
        let custom = serde_json::to_value(custom).unwrap_or(Value::Null);
        Target {
            length: self.bytes,
            hashes: Hashes { sha256: self.sha256.0.to_vec().into(), _extra: HashMap::new() },
            custom: HashMap::from([(CUSTOM.to_owned(), custom)]),
            _extra: HashMap::new(),
        }
    }

    fn check(&self) -> Result<(), ArtefactError> {
        let path = || self.id.to_string();
        let bound = |field, found, max| {
            if found > max { Err(ArtefactError::Bound { path: path(), field, found, max }) } else { Ok(()) }
        };
        if self.bytes == 0 {
            return Err(ArtefactError::Empty { path: path() });
        }
        bound("length", self.bytes, self.id.kind().bytes_max())?;
        bound("custom.aisle.needs.grants", self.needs.grants.len() as u64, GRANTS_MAX as u64)?;
        let is_good = |grant: &&String| {
            (1..=GRANT_BYTES_MAX).contains(&grant.len())
                && grant.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/".contains(c))
        };
        match self.needs.grants.iter().find(|grant| !is_good(grant)) {
            Some(grant) => Err(ArtefactError::Grant { path: path(), grant: shown(grant) }),
            None => Ok(()),
        }
    }
}
