//! What is asked about signed artefacts by who orders them for stores: a release, its content, and all metadata as one content.
//!
//! Not here: which store should have what ([`crate::database`] has it), sticks ([`super::courier`]).

use super::{Artefacts, InForce, LookError};
use crate::{
    database::DatabaseError,
    publish::{PublishError, Publisher},
};
use aisle_artefact::{
    Artefact, ArtefactId, Kind, Role,
    bundle::{WriteError, down},
    id::IdError,
};
use aisle_content::Content;
use aisle_fleet::{ContentHash, Needs, Release, name::InvalidName, version::InvalidVersion};
use aisle_protocol::Hash;
use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError},
};

/// Who the bundle of metadata says it is from: the same at every hub, so that equal metadata is one content.
const FROM: &str = "hub";

/// What such a content is called, before the version of its timestamp.
pub(super) const METADATA: &str = "metadata ";

/// All metadata as one content: a bundle downwards without contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    /// The version of its timestamp.
    pub version: u64,
    /// The bundle.
    pub content: Content,
}

/// Why there is no content of metadata.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// What is in force cannot be looked at.
    #[error(transparent)]
    Look(#[from] LookError),
    /// It cannot be bundled.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// It cannot be kept.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// Why there is no release.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// What is in force cannot be looked at.
    #[error(transparent)]
    Look(#[from] LookError),
    /// Nothing can be called that.
    #[error(transparent)]
    Id(#[from] IdError),
    /// Nobody has signed it.
    #[error(
        "`{id}` is not among the signed artefacts\\nhint: `aisle-hub artefact list` shows them; `aisle-hub artefact add` brings one"
    )]
    Unlisted {
        /// Which.
        id: ArtefactId,
    },
    /// Its version is none to a fleet.
    #[error("`{id}` has a version that no fleet goes by")]
    Version {
        /// Which.
        id: ArtefactId,
        /// Why not.
        source: InvalidVersion,
    },
    /// It wants a grant that no store can give.
    #[error("`{id}` needs a grant that no store gives")]
    Grant {
        /// Which.
        id: ArtefactId,
        /// Why not.
        source: InvalidName,
    },
}

/// The kind of artefact that a slot of a node holds.
#[must_use]
pub const fn kind_of_slot(kind: aisle_fleet::Kind) -> Kind {
    match kind {
        aisle_fleet::Kind::Policy => Kind::Policy,
        aisle_fleet::Kind::Catalogue => Kind::Catalogue,
        aisle_fleet::Kind::Prices => Kind::Prices,
        aisle_fleet::Kind::DeviceProfiles => Kind::DeviceProfile,
        aisle_fleet::Kind::DeviceSettings => Kind::DeviceSettings,
        aisle_fleet::Kind::Model => Kind::Model,
        aisle_fleet::Kind::Plugin => Kind::Plugin,
    }
}

/// A signed artefact as the fleet's rules see it.
///
/// # Errors
/// When its version or a grant is none to them.
pub fn release_of(artefact: &Artefact) -> Result<Release, ReleaseError> {
    let id = || artefact.id.clone();
    let version = |text: &semver::Version| {
        text.to_string().parse().map_err(|source| ReleaseError::Version { id: id(), source })
    };
    let grants = artefact.needs.grants.iter().map(|grant| {
        grant.parse::<aisle_fleet::Grant>().map_err(|source| ReleaseError::Grant { id: id(), source })
    });
    Ok(Release {
        version: version(artefact.id.version())?,
        hash: ContentHash(artefact.blake3.0),
        bytes: artefact.bytes,
        needs: Needs {
            node_version_min: artefact.node_min.as_ref().map(version).transpose()?,
            grants: grants.collect::<Result<BTreeSet<_>, _>>()?,
            disk_bytes: artefact.needs.disk_bytes,
        },
    })
}

impl Artefacts {
    /// A release that was signed.
    ///
    /// # Errors
    /// When nobody has signed it, or it is none to a fleet.
    pub async fn release(&self, kind: Kind, name: &str, version: &str) -> Result<Release, ReleaseError> {
        let id = ArtefactId::new(kind, name, version)?;
        let in_force = self.in_force().await?;
        let found = in_force.and_then(|repository| repository.artefacts().remove(&id));
        release_of(&found.ok_or(ReleaseError::Unlisted { id })?)
    }

    /// A content that is here, with the tree of its pieces: what an item of a manifest says of it.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn content(&self, hash: &Hash) -> Result<Option<Content>, DatabaseError> {
        self.database().content_of(hash).await
    }

    /// All metadata as one content in Contents; nothing where nobody has published yet. Made anew when the timestamp has changed.
    ///
    /// # Errors
    /// When it cannot be looked at, or not be kept.
    pub async fn metadata_content(&self) -> Result<Option<Metadata>, MetadataError> {
        let Some(in_force) = self.in_force().await? else { return Ok(None) };
        let version = timestamp_version(&in_force);
        let known = *self.0.bundled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.filter(|known| known.version == version) {
            return Ok(Some(known));
        }
        let bundle = tokio::task::spawn_blocking(move || bundled(&in_force)).await;
        let bundle = bundle.map_err(|_| LookError::Ended)??;
        let publisher = Publisher { database: self.database().clone(), contents: self.contents().clone() };
        let content = publisher.add(bundle.into(), &format!("{METADATA}{version}")).await?;
        let metadata = Metadata { version, content };
        *self.0.bundled.lock().unwrap_or_else(PoisonError::into_inner) = Some(metadata);
        Ok(Some(metadata))
    }
}

fn bundled(in_force: &Arc<InForce>) -> Result<Vec<u8>, MetadataError> {
    let files = in_force.files().map_err(LookError::from)?;
    let none: [(Artefact, &[u8]); 0] = [];
    Ok(down::export(Vec::new(), FROM, &files, None, none)?)
}

/// The version of the timestamp that is in force.
#[must_use]
pub fn timestamp_version(in_force: &InForce) -> u64 {
    let expiries = in_force.expiries();
    expiries.iter().find(|expiry| expiry.role == Role::Timestamp).map_or(0, |expiry| expiry.version)
}
