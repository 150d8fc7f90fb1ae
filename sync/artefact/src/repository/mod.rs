//! The repository: what the hub says that stores may run, and who said so.
//!
//! ```text
//! offline: root keys ── root ──> targets keys ── targets ──> keys of a kind ── plugins, models, prices, …
//! online:  snapshot key ── which versions belong together;  timestamp key ── which snapshot is the newest
//!
//! Draft ─ sign ─ sign ─> publish ─> held against the keys that are in force ─> snapshot, timestamp ─> Shelf
//! ```
//!
//! Offline keys never come near: a hub makes drafts, people sign them elsewhere, and the hub publishes what came back. It signs the snapshot and
//! the timestamp itself, so who breaks into it can hold updates back until they run out, and nothing more.
//!
//! Lives here: who signs what ([`plan`]), what collects signatures ([`draft`]), publishing ([`publish`]). Not here: where it is kept
//! ([`crate::shelf`]), HTTP, databases, who may ask for what.
//! Guards: nothing is published that a client would refuse, a version is never published twice, and an artefact that was published
//! is never another one while it is listed.

mod draft;
mod plan;
mod publish;

pub use draft::{ARTEFACTS_MAX, DRAFT_BYTES_MAX, Draft, DraftError};
pub use plan::{Delegation, KEYS_MAX, Keys, PlanError, RootPlan};
pub use publish::{Online, PublishError, Published, Validity};

use crate::{
    artefact::Artefact,
    id::ArtefactId,
    key::KeyId,
    kind::Kind,
    metadata::{
        Held, ReadError,
        verify::{SignatureError, Signers},
    },
    role::{FileName, Role, RoleError},
    shelf::{Shelf, ShelfError},
};
use aisle_event::Timestamp;
use std::collections::BTreeMap;
use tough::schema::{RoleType, Root, Snapshot, Targets, Timestamp as TimestampBody};

/// A repository, with all that is in force read into memory.
#[derive(Debug)]
pub struct Repository<S> {
    shelf: S,
    set: Set,
    /// `timestamp.json` as it was when this was read.
    before: Option<Vec<u8>>,
}

/// What is in force.
#[derive(Debug, Clone)]
pub(crate) struct Set {
    pub(crate) root: Held<Root>,
    pub(crate) targets: Held<Targets>,
    pub(crate) kinds: BTreeMap<Role, Held<Targets>>,
    pub(crate) snapshot: Option<Held<Snapshot>>,
    pub(crate) timestamp: Option<Held<TimestampBody>>,
}

/// Why a repository does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The shelf.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// There is none.
    #[error("there is no repository here\nhint: `Repository::init` makes one of signed drafts")]
    Nothing,
    /// A file that must be there is not.
    #[error("`{name}` is missing\nhint: put it back from a backup of the hub, or from a mirror")]
    Missing {
        /// Which.
        name: FileName,
    },
    /// A file is no metadata.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file is not signed as it must be.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// A file names a role that cannot be one.
    #[error(transparent)]
    Role(#[from] RoleError),
}

/// What runs out, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// Whose metadata.
    pub role: Role,
    /// Its version.
    pub version: u64,
    /// When it runs out.
    pub expires: Timestamp,
    /// Who signed it.
    pub signed_by: Vec<KeyId>,
}

/// What becomes of the artefacts of a kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Those that come.
    pub add: Vec<Artefact>,
    /// Those that go. What runs of them goes on running.
    pub remove: Vec<ArtefactId>,
}

/// Why a change cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The kind was not delegated.
    #[error(
        "nobody was given the kind `{kind}`\nhint: publish targets that delegate it, together with a first list of it"
    )]
    Kind {
        /// Which.
        kind: Kind,
    },
    /// That version is there already, and it is something else.
    #[error("`{id}` is there already with another content\nhint: give it a new version")]
    Exists {
        /// Which.
        id: ArtefactId,
    },
    /// What should go is not there.
    #[error("there is no `{id}`")]
    Unknown {
        /// Which.
        id: ArtefactId,
    },
    /// No draft can be made of it.
    #[error(transparent)]
    Draft(#[from] DraftError),
}

impl<S: Shelf> Repository<S> {
    /// Reads what is in force, and holds it against the keys. A snapshot or a timestamp that is not signed by the keys of the root is passed over:
    /// the next [`Repository::refresh`] signs new ones, so that a publication that was killed after its root can be finished.
    ///
    /// # Errors
    /// When there is none, or a file is missing or not what it should be.
    pub fn open(shelf: S) -> Result<Self, OpenError> {
        let before = shelf.get(&FileName::newest(Role::Timestamp))?;
        let root = newest_root(&shelf)?.ok_or(OpenError::Nothing)?;
        let bytes = before.clone().ok_or(OpenError::Missing { name: FileName::newest(Role::Timestamp) })?;
        let timestamp: Held<TimestampBody> = Held::read(&Role::Timestamp, bytes)?;
        let version =
            timestamp.body.meta.get(&Role::Snapshot.meta_path()).map_or(0, |meta| meta.version.get());
        let snapshot: Held<Snapshot> = read(&shelf, &FileName::versioned(Role::Snapshot, version))?;
        let version_of =
            |role: &Role| snapshot.body.meta.get(&role.meta_path()).map_or(0, |meta| meta.version.get());
        let targets: Held<Targets> =
            read(&shelf, &FileName::versioned(Role::Targets, version_of(&Role::Targets)))?;
        let mut kinds = BTreeMap::new();
        for delegated in targets.body.delegations.iter().flat_map(|delegations| &delegations.roles) {
            let role = Role::delegated(&delegated.name)?;
            let held = read(&shelf, &FileName::versioned(role.clone(), version_of(&role)))?;
            kinds.insert(role, held);
        }
        let set = Set { root, targets, kinds, snapshot: Some(snapshot), timestamp: Some(timestamp) };
        set.check_offline()?;
        Ok(Self { shelf, set, before })
    }

    /// Where it is kept.
    pub const fn shelf(&self) -> &S {
        &self.shelf
    }

    /// Where it is kept, to be worked on.
    pub const fn shelf_mut(&mut self) -> &mut S {
        &mut self.shelf
    }

    /// Who the four roles at the top are.
    #[must_use]
    pub fn root_plan(&self) -> RootPlan {
        let root = &self.set.root.body;
        let keys = |role| match root.roles.get(&role) {
            Some(of) => Keys::of(&of.keyids, of.threshold.get(), &root.keys),
            None => Keys { keys: Vec::new(), threshold: 0 },
        };
        RootPlan {
            root: keys(RoleType::Root),
            targets: keys(RoleType::Targets),
            snapshot: keys(RoleType::Snapshot),
            timestamp: keys(RoleType::Timestamp),
        }
    }

    /// Who signs which kind.
    #[must_use]
    pub fn delegations(&self) -> Vec<Delegation> {
        let Some(delegations) = &self.set.targets.body.delegations else { return Vec::new() };
        let roles = delegations.roles.iter();
        roles
            .filter_map(|role| {
                let kind = Kind::of_folder(&role.name)?;
                Some(Delegation {
                    kind,
                    keys: Keys::of(&role.keyids, role.threshold.get(), &delegations.keys),
                })
            })
            .collect()
    }

    /// The artefacts that are published, by identifier.
    #[must_use]
    pub fn artefacts(&self) -> BTreeMap<ArtefactId, Artefact> {
        self.set.kinds.values().flat_map(|held| listed(&held.body)).collect()
    }

    /// What runs out, the first first.
    #[must_use]
    pub fn expiries(&self) -> Vec<Expiry> {
        let set = &self.set;
        let documents = [&set.root.document, &set.targets.document]
            .into_iter()
            .chain(set.kinds.values().map(|held| &held.document))
            .chain(set.snapshot.iter().map(|held| &held.document))
            .chain(set.timestamp.iter().map(|held| &held.document));
        let mut expiries: Vec<Expiry> = documents
            .map(|document| Expiry {
                role: document.role.clone(),
                version: document.version,
                expires: document.expires,
                signed_by: document.signatures.iter().map(|signature| KeyId::of(&signature.keyid)).collect(),
            })
            .collect();
        expiries.sort_by(|a, b| a.expires.cmp(&b.expires).then_with(|| a.role.cmp(&b.role)));
        expiries
    }

    /// The next root, to be signed by the keys of the one in force and by its own.
    ///
    /// # Errors
    /// When the plan cannot be right.
    pub fn next_root(&self, plan: &RootPlan, expires: Timestamp) -> Result<Draft, DraftError> {
        Draft::root(self.set.root.document.version.saturating_add(1), plan, expires)
    }

    /// The next targets at the top, to be signed by the targets keys.
    ///
    /// # Errors
    /// When the delegations cannot be right.
    pub fn next_targets(&self, delegations: &[Delegation], expires: Timestamp) -> Result<Draft, DraftError> {
        Draft::targets(self.set.targets.document.version.saturating_add(1), delegations, expires)
    }

    /// The next list of a kind, to be signed by its keys. The same list with a later end is how it is kept from running out.
    ///
    /// # Errors
    /// When the kind was not delegated, or the change does not fit what is there.
    pub fn next_artefacts(
        &self,
        kind: Kind,
        change: &Change,
        expires: Timestamp,
    ) -> Result<Draft, ChangeError> {
        let role = Role::Delegated(kind.folder().to_owned());
        let held = self.set.kinds.get(&role).ok_or(ChangeError::Kind { kind })?;
        let mut artefacts: BTreeMap<ArtefactId, Artefact> = listed(&held.body).collect();
        for id in &change.remove {
            if artefacts.remove(id).is_none() {
                return Err(ChangeError::Unknown { id: id.clone() });
            }
        }
        for artefact in &change.add {
            let before = artefacts.insert(artefact.id.clone(), artefact.clone());
            let is_other =
                |before: &Artefact| before.blake3 != artefact.blake3 || before.sha256 != artefact.sha256;
            if before.as_ref().is_some_and(is_other) {
                return Err(ChangeError::Exists { id: artefact.id.clone() });
            }
        }
        let version = held.document.version.saturating_add(1);
        Ok(Draft::artefacts(kind, version, artefacts.values(), expires)?)
    }

    /// All files that a client may ask for, oldest root first: what is served, mirrored, and put into a bundle.
    ///
    /// # Errors
    /// When an older root is missing.
    pub fn files(&self) -> Result<Vec<(FileName, Vec<u8>)>, OpenError> {
        let mut files = Vec::new();
        for version in 1..self.set.root.document.version {
            let name = FileName::versioned(Role::Root, version);
            let bytes = self.shelf.get(&name)?.ok_or_else(|| OpenError::Missing { name: name.clone() })?;
            files.push((name, bytes));
        }
        files.extend(self.set.files());
        Ok(files)
    }
}

impl Set {
    /// What is in force, by the names that a client asks for; the timestamp last.
    fn files(&self) -> Vec<(FileName, Vec<u8>)> {
        fn file<T>(held: &Held<T>) -> (FileName, Vec<u8>) {
            (FileName::versioned(held.document.role.clone(), held.document.version), held.bytes.clone())
        }
        let mut files = vec![file(&self.root), file(&self.targets)];
        files.extend(self.kinds.values().map(file));
        files.extend(self.snapshot.iter().map(file));
        let timestamp = self.timestamp.iter();
        files.extend(timestamp.map(|held| (FileName::newest(Role::Timestamp), held.bytes.clone())));
        files
    }

    /// Holds everything that is signed offline against the keys that are in force.
    fn check_offline(&self) -> Result<(), SignatureError> {
        let root = &self.root.body;
        Signers::top(root, &Role::Root)?.check(&self.root.document)?;
        Signers::top(root, &Role::Targets)?.check(&self.targets.document)?;
        for (role, held) in &self.kinds {
            let delegations = self.targets.body.delegations.as_ref();
            let delegations = delegations.ok_or_else(|| SignatureError::NoRole { role: role.clone() })?;
            Signers::delegated(root, delegations, role)?.check(&held.document)?;
        }
        Ok(())
    }
}

/// What of a role's targets is an artefact.
fn listed(targets: &Targets) -> impl Iterator<Item = (ArtefactId, Artefact)> {
    let read =
        targets.targets.iter().filter_map(|(name, target)| Artefact::of_target(name.raw(), target).ok());
    read.map(|artefact| (artefact.id.clone(), artefact))
}

fn read<T: serde::de::DeserializeOwned>(shelf: &impl Shelf, name: &FileName) -> Result<Held<T>, OpenError> {
    let bytes = shelf.get(name)?.ok_or_else(|| OpenError::Missing { name: name.clone() })?;
    Ok(Held::read(name.role(), bytes)?)
}

/// Goes from the root that was marked as the newest to the last that is there: who publishes marks it after it is there.
fn newest_root(shelf: &impl Shelf) -> Result<Option<Held<Root>>, OpenError> {
    let marked = shelf.get(&FileName::newest(Role::Root))?;
    let first = || shelf.get(&FileName::versioned(Role::Root, 1));
    let Some(bytes) = marked.map_or_else(first, |bytes| Ok(Some(bytes)))? else { return Ok(None) };
    let mut root: Held<Root> = Held::read(&Role::Root, bytes)?;
    loop {
        let next = FileName::versioned(Role::Root, root.document.version.saturating_add(1));
        let Some(bytes) = shelf.get(&next)? else { return Ok(Some(root)) };
        let after: Held<Root> = Held::read(&Role::Root, bytes)?;
        if after.document.version <= root.document.version {
            return Err(OpenError::Missing { name: next });
        }
        root = after;
    }
}
