//! Something new: its content is kept with tree and delta, described, and put into the next draft of its kind's list, which who answers for the kind signs.
//!
//! Not here: signing and publishing. Guards: the package of a plugin or a model says the name and the version that it is brought under, and a version that is signed never becomes
//! another content.

use super::{Artefacts, InForce, LookError};
use crate::publish::{PublishError, Publisher};
use aisle_artefact::{
    Artefact, ArtefactId, Draft, Kind, Needs, Role,
    artefact::DescribeError,
    id::IdError,
    repository::{Change, ChangeError, DraftError},
};
use aisle_content::{ModelPackage, PluginPackage, package::PackageError};
use aisle_event::Timestamp;
use aisle_protocol::Hash;
use bytes::Bytes;
use figment::{
    Figment,
    providers::{Format as _, Toml},
};
use serde::Deserialize;

/// What is to be brought.
#[derive(Debug, Clone)]
pub struct NewArtefact {
    /// What it is.
    pub kind: Kind,
    /// What it is called.
    pub name: String,
    /// Which version.
    pub version: String,
    /// The oldest node that can use it.
    pub node_min: Option<semver::Version>,
    /// Free disk in bytes that it takes beside its content.
    pub disk_bytes: u64,
    /// What a store must grant it. Of a plugin: what its manifest asks for, where none is named.
    pub grants: Vec<String>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Added {
    /// As it is to be signed.
    pub artefact: Artefact,
    /// The next list of its kind.
    pub draft: Draft,
    /// From which version a delta was made, and how many bytes it has.
    pub delta: Option<(ArtefactId, u64)>,
}

/// Why it was not brought.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// Nothing can be called that.
    #[error(transparent)]
    Id(#[from] IdError),
    /// What is in force cannot be looked at.
    #[error(transparent)]
    Look(#[from] LookError),
    /// Nobody has published anything yet.
    #[error("there is no repository of artefacts yet\nhint: `aisle-hub artefact init` begins one")]
    Nothing,
    /// Its content is no package of a plugin.
    #[error(
        "the content is no package of a plugin\nhint: give the folder with `plugin.toml` and `plugin.wasm`"
    )]
    Package(#[from] PackageError),
    /// Its content is no package of a model.
    #[error(
        "the content is no package of a model\nhint: give the folder with `model.toml` and `model.onnx`, or what `aisle model pack` makes of it"
    )]
    Model(#[source] PackageError),
    /// Its manifest or card does not read.
    #[error("its `{file}` does not read: {reason}")]
    Manifest {
        /// Which file.
        file: &'static str,
        /// Why not.
        reason: String,
    },
    /// The package says something else.
    #[error("`{field}` is \"{found}\" in its `{file}`, and \"{wanted}\" is wanted")]
    Says {
        /// Which file.
        file: &'static str,
        /// Which field.
        field: &'static str,
        /// What it says.
        found: String,
        /// What was said here.
        wanted: String,
    },
    /// It cannot be described.
    #[error(transparent)]
    Describe(#[from] DescribeError),
    /// It does not fit what is in force.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The draft that it should go into does not read.
    #[error(transparent)]
    Draft(#[from] DraftError),
    /// The draft that it should go into is of another list.
    #[error(
        "the draft is of `{found}`, version {version}; the next list is that of `{role}`, version {next}\nhint: make it anew"
    )]
    Onto {
        /// Whose it is.
        found: Role,
        /// Its version.
        version: u64,
        /// Whose it should be.
        role: Role,
        /// The version that it should be.
        next: u64,
    },
    /// The content cannot be kept.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// What is looked at of a plugin's manifest or a model's card. The node reads all of it.
#[derive(Debug, Deserialize)]
struct Said {
    id: String,
    version: String,
    #[serde(default)]
    grants: Vec<String>,
}

impl Artefacts {
    /// Keeps a content, with a delta from the version before where that is shorter, and makes the next list of its kind: the one in force, or a draft that is not
    /// published yet, and this.
    ///
    /// # Errors
    /// When it is not what it is said to be, does not fit what is in force, or cannot be kept.
    pub async fn add(
        &self,
        new: NewArtefact,
        bytes: Bytes,
        onto: Option<&Draft>,
        expires: Timestamp,
    ) -> Result<Added, AddError> {
        let id = ArtefactId::new(new.kind, &new.name, &new.version)?;
        let in_force = self.in_force().await?.ok_or(AddError::Nothing)?;
        let mut grants = new.grants;
        match new.kind {
            Kind::Plugin => {
                let package = PluginPackage::decode(&bytes)?;
                let asked = said(&id, "plugin.toml", &package.manifest)?;
                if grants.is_empty() {
                    grants = asked;
                }
            }
            Kind::Model => {
                let package = ModelPackage::decode(&bytes).map_err(AddError::Model)?;
                said(&id, "model.toml", &package.card)?;
            }
            _ => {}
        }
        let needs = Needs { disk_bytes: new.disk_bytes, grants };
        let content = bytes.clone();
        let described = {
            let id = id.clone();
            let describe = move || Artefact::describe(id, content.as_ref(), new.node_min, needs);
            tokio::task::spawn_blocking(describe).await.map_err(|_| LookError::Ended)??
        };
        // Before anything is kept, so that what does not fit leaves nothing behind.
        let draft = next(&in_force, &described, onto, expires)?;
        let publisher = Publisher { database: self.database().clone(), contents: self.contents().clone() };
        let kept = publisher.add(bytes, &id.to_string()).await?;
        let delta = match before(&in_force, &described) {
            None => None,
            Some(before) => match publisher.fold(&Hash(before.blake3.0), &kept.hash).await {
                Ok(delta) => delta.map(|delta| (before.id, delta.content.bytes)),
                // Without a delta a store fetches all of it.
                Err(PublishError::Delta { .. } | PublishError::Unknown { .. }) => None,
                Err(error) => return Err(error.into()),
            },
        };
        Ok(Added { artefact: described, draft, delta })
    }
}

/// What a package asks for, after it was seen to be the one that is meant.
fn said(id: &ArtefactId, file: &'static str, text: &str) -> Result<Vec<String>, AddError> {
    let read = Figment::from(Toml::string(text)).extract::<Said>();
    let manifest = read.map_err(|error| AddError::Manifest { file, reason: error.to_string() })?;
    let says =
        [("id", manifest.id, id.name().to_string()), ("version", manifest.version, id.version().to_string())];
    match says.into_iter().find(|(_, found, wanted)| found != wanted) {
        Some((field, found, wanted)) => {
            let found = found.chars().filter(|c| !c.is_control()).take(64).collect();
            Err(AddError::Says { file, field, found, wanted })
        }
        None => Ok(manifest.grants),
    }
}

/// The version of the same that comes before it.
fn before(in_force: &InForce, artefact: &Artefact) -> Option<Artefact> {
    let artefacts = in_force.artefacts().into_values();
    let same = artefacts.filter(|known| {
        let (known, id) = (&known.id, &artefact.id);
        known.kind() == id.kind() && known.name() == id.name() && known.version() < id.version()
    });
    same.max_by(|a, b| a.id.version().cmp(b.id.version()))
}

fn next(
    in_force: &InForce,
    artefact: &Artefact,
    onto: Option<&Draft>,
    expires: Timestamp,
) -> Result<Draft, AddError> {
    let kind = artefact.id.kind();
    let mut change = Change { add: vec![artefact.clone()], remove: Vec::new() };
    let Some(onto) = onto else { return Ok(in_force.next_artefacts(kind, &change, expires)?) };
    let listed = onto.listed()?;
    let gone = |known: &ArtefactId| known.kind() == kind && !listed.iter().any(|there| there.id == *known);
    change.remove = in_force.artefacts().into_keys().filter(gone).collect();
    // Last, so that the draft cannot have it with another content.
    change.add = listed;
    if change.add.iter().any(|there| there.id == artefact.id && there.blake3 != artefact.blake3) {
        return Err(ChangeError::Exists { id: artefact.id.clone() }.into());
    }
    change.add.push(artefact.clone());
    let draft = in_force.next_artefacts(kind, &change, expires)?;
    if (onto.role(), onto.version()) != (draft.role(), draft.version()) {
        let (found, version) = (onto.role().clone(), onto.version());
        return Err(AddError::Onto { found, version, role: draft.role().clone(), next: draft.version() });
    }
    Ok(draft)
}
