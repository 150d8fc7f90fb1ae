//! Publishing: drafts that were signed take the place of what is in force, all of them at once or none.
//!
//! Guards: versions go up by one; what is published, and what stays beside it, is signed by the keys that are in force afterwards; a store that fetches
//! at any moment finds a whole set, since the timestamp goes last.

use super::{Draft, OpenError, Repository, Set, listed, newest_root};
use crate::{
    artefact::{Artefact, ArtefactError},
    digest::Digest,
    key::SigningKey,
    metadata::{
        Document, Held, ReadError, SPEC_VERSION,
        paths::covers,
        verify::{SignatureError, Signers},
        written,
    },
    role::{FileName, Role},
    shelf::{Shelf, ShelfError},
};
use aisle_event::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    num::NonZeroU64,
};
use tough::schema::{
    Delegations, Hashes, Metafile, Root, Signature, Snapshot, Targets, Timestamp as TimestampBody,
};

/// How many versions of each file stay for clients that are in the middle of an update. Roots stay for ever.
const KEPT_VERSIONS: u64 = 16;

/// The keys that lie at the hub.
#[derive(Debug)]
pub struct Online<'a> {
    /// Signs snapshots.
    pub snapshot: &'a SigningKey,
    /// Signs timestamps; may be the same key.
    pub timestamp: &'a SigningKey,
}

/// How long what is signed online is good for, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// Of snapshots.
    pub snapshot_ms: u64,
    /// Of timestamps. So long can somebody between hub and store hold an update back unnoticed, and so long is a bundle good.
    pub timestamp_ms: u64,
}

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The version of the timestamp.
    pub timestamp: u64,
    /// The version of the snapshot.
    pub snapshot: u64,
    /// When the first of everything runs out.
    pub first_expiry: Timestamp,
}

/// Why nothing is published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The shelf.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// There is a repository already.
    #[error("there is a repository here already, with root version {version}")]
    Exists {
        /// The version of its root.
        version: u64,
    },
    /// What was kept cannot be read.
    #[error("the repository cannot be read")]
    Open(#[source] Box<OpenError>),
    /// A draft is no metadata.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A draft, or what stays beside it, is not signed by the keys that count.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// A draft that is made by the hub itself.
    #[error("`{role}` is signed online, and not published as a draft")]
    NotOffline {
        /// Whose.
        role: Role,
    },
    /// Two drafts of a role.
    #[error("there are two drafts of `{role}`")]
    Twice {
        /// Whose.
        role: Role,
    },
    /// A draft of another version than the next one.
    #[error(
        "the draft of `{role}` is of version {found}, expected {expected}\nhint: make it again from what is in force, and sign it again"
    )]
    Version {
        /// Whose.
        role: Role,
        /// Its version.
        found: u64,
        /// The next one.
        expected: u64,
    },
    /// A draft that has run out.
    #[error(
        "the draft of `{role}` has run out at {since}\nhint: make it again with a later end, and sign it again"
    )]
    Expired {
        /// Whose.
        role: Role,
        /// When.
        since: String,
    },
    /// Without it there is no repository.
    #[error(
        "there is no draft of `{role}`\nhint: whatever is delegated needs a first list, even an empty one"
    )]
    Missing {
        /// Whose.
        role: Role,
    },
    /// A list for a role that nobody has.
    #[error("`{role}` is delegated to nobody\nhint: publish targets that delegate it together with it")]
    NotDelegated {
        /// Whose.
        role: Role,
    },
    /// What stays is not signed by the new keys.
    #[error(
        "`{role}` in force is not signed by the keys of the new draft\nhint: publish a new version of it together with the draft, signed by the new keys"
    )]
    Stale {
        /// Whose.
        role: Role,
        /// What is wrong with it.
        source: SignatureError,
    },
    /// A list names what is not its own.
    #[error("`{role}` names `{path}`, which it was not given")]
    OutsidePaths {
        /// Whose list.
        role: Role,
        /// The path.
        path: String,
    },
    /// A list names what is no artefact.
    #[error("`{role}` names what is no artefact")]
    Artefact {
        /// Whose list.
        role: Role,
        /// What is wrong with it.
        source: ArtefactError,
    },
    /// An artefact that becomes another one.
    #[error("`{path}` is published already with another content\nhint: give it a new version")]
    Changed {
        /// Which.
        path: String,
    },
    /// A key that is not the one that the root names.
    #[error("the key {key} at the hub is none of `{role}`")]
    OnlineKey {
        /// For what it is used.
        role: Role,
        /// Which.
        key: crate::key::KeyId,
    },
}

impl<S: Shelf> Repository<S> {
    /// Makes a repository of the first root, the first targets, and a first list of each kind that they delegate.
    ///
    /// # Errors
    /// When there is one already, a draft is missing or not signed as it must be, or the shelf refuses.
    pub fn init(
        mut shelf: S,
        drafts: Vec<Draft>,
        online: &Online<'_>,
        validity: Validity,
        now: Timestamp,
    ) -> Result<Self, PublishError> {
        if let Some(root) = newest_root(&shelf).map_err(|error| PublishError::Open(Box::new(error)))? {
            return Err(PublishError::Exists { version: root.document.version });
        }
        let mut drafts = by_role(drafts)?;
        let mut take = |role: Role| drafts.remove(&role).ok_or(PublishError::Missing { role });
        let root: Held<Root> = Held::of(take(Role::Root)?)?;
        let targets: Held<Targets> = Held::of(take(Role::Targets)?)?;
        for document in [&root.document, &targets.document] {
            follows(document, 0, now)?;
        }
        let mut set = Set { root, targets, kinds: BTreeMap::new(), snapshot: None, timestamp: None };
        set.take_kinds(drafts, now)?;
        set.check_offline()?;
        set.check_whole()?;
        set.sign_online(online, validity, now)?;
        let before = shelf.get(&FileName::newest(Role::Timestamp))?;
        let before = put(&mut shelf, before.as_deref(), &set)?;
        Ok(Self { shelf, set, before: Some(before) })
    }

    /// Publishes drafts together: a root, targets, lists of kinds, any of them.
    ///
    /// # Errors
    /// When one is not the next version, not signed by the keys that count, has run out, or leaves something in force that its new keys have not
    /// signed; when somebody else published meanwhile. Nothing is changed then.
    pub fn publish(
        &mut self,
        drafts: Vec<Draft>,
        online: &Online<'_>,
        validity: Validity,
        now: Timestamp,
    ) -> Result<Published, PublishError> {
        let mut drafts = by_role(drafts)?;
        let mut set = self.set.clone();
        if let Some(document) = drafts.remove(&Role::Root) {
            follows(&document, set.root.document.version, now)?;
            // By the keys of the one before; by its own it is held below.
            Signers::top(&set.root.body, &Role::Root)?.check(&document)?;
            set.root = Held::of(document)?;
        }
        if let Some(document) = drafts.remove(&Role::Targets) {
            follows(&document, set.targets.document.version, now)?;
            Signers::top(&set.root.body, &Role::Targets)?.check(&document)?;
            set.targets = Held::of(document)?;
            let delegated = delegated(&set.targets.body);
            set.kinds.retain(|role, _| delegated.contains(role.as_str()));
        }
        let new: BTreeSet<Role> = drafts.keys().cloned().collect();
        set.take_kinds(drafts, now)?;
        set.check_offline().map_err(|source| match &source {
            SignatureError::NoRole { role }
            | SignatureError::Threshold { role, .. }
            | SignatureError::Forged { role, .. }
            | SignatureError::ForeignKey { role, .. }
                if *role != Role::Root && !new.contains(role) =>
            {
                PublishError::Stale { role: role.clone(), source }
            }
            _ => source.into(),
        })?;
        set.check_whole()?;
        self.check_kept(&set)?;
        self.commit(set, online, validity, now)
    }

    /// Signs a new timestamp; a new snapshot too when half of its time is over, or the root names another key. To be done at least twice in the time
    /// that a timestamp is good.
    ///
    /// # Errors
    /// When the keys are not those of the root, or somebody else published meanwhile.
    pub fn refresh(
        &mut self,
        online: &Online<'_>,
        validity: Validity,
        now: Timestamp,
    ) -> Result<Published, PublishError> {
        self.commit(self.set.clone(), online, validity, now)
    }

    fn commit(
        &mut self,
        mut set: Set,
        online: &Online<'_>,
        validity: Validity,
        now: Timestamp,
    ) -> Result<Published, PublishError> {
        set.sign_online(online, validity, now)?;
        self.before = Some(put(&mut self.shelf, self.before.as_deref(), &set)?);
        self.set = set;
        self.prune()?;
        let versions = |document: Option<&Document>| document.map_or(0, |document| document.version);
        Ok(Published {
            timestamp: versions(self.set.timestamp.as_ref().map(|held| &held.document)),
            snapshot: versions(self.set.snapshot.as_ref().map(|held| &held.document)),
            first_expiry: self.expiries().first().map_or(now, |first| first.expires),
        })
    }

    /// An artefact that was published stays what it is, while it is listed.
    fn check_kept(&self, next: &Set) -> Result<(), PublishError> {
        for (role, held) in &next.kinds {
            let Some(before) = self.set.kinds.get(role) else { continue };
            let before: BTreeMap<_, _> = listed(&before.body).collect();
            for (id, artefact) in listed(&held.body) {
                let is_other =
                    |before: &Artefact| before.sha256 != artefact.sha256 || before.blake3 != artefact.blake3;
                if before.get(&id).is_some_and(is_other) {
                    return Err(PublishError::Changed { path: id.to_string() });
                }
            }
        }
        Ok(())
    }

    /// Removes the one version of each file that has become too old. Each publication makes at most one version of each, so one is enough.
    fn prune(&mut self) -> Result<(), PublishError> {
        let documents = [&self.set.targets.document].into_iter();
        let documents = documents.chain(self.set.kinds.values().map(|held| &held.document));
        let documents = documents.chain(self.set.snapshot.iter().map(|held| &held.document));
        let old = documents.filter_map(|document| {
            let version = document.version.checked_sub(KEPT_VERSIONS).filter(|version| *version > 0)?;
            Some(FileName::versioned(document.role.clone(), version))
        });
        let old: Vec<FileName> = old.collect();
        Ok(self.shelf.remove(&old)?)
    }
}

impl Set {
    fn take_kinds(&mut self, drafts: BTreeMap<Role, Document>, now: Timestamp) -> Result<(), PublishError> {
        for (role, document) in drafts {
            if !matches!(role, Role::Delegated(_)) {
                return Err(PublishError::NotOffline { role });
            }
            let delegations = self.targets.body.delegations.as_ref();
            let Some(delegations) =
                delegations.filter(|_| delegated(&self.targets.body).contains(role.as_str()))
            else {
                return Err(PublishError::NotDelegated { role });
            };
            // A list that comes back goes on where it was: clients remember.
            let known = self.snapshot.as_ref().and_then(|snapshot| snapshot.body.meta.get(&role.meta_path()));
            let before = self.kinds.get(&role).map_or(0, |held| held.document.version);
            follows(&document, before.max(known.map_or(0, |meta| meta.version.get())), now)?;
            Signers::delegated(&self.root.body, delegations, &role)?.check(&document)?;
            let held: Held<Targets> = Held::of(document)?;
            check_list(&role, delegations, &held.body)?;
            self.kinds.insert(role, held);
        }
        Ok(())
    }

    /// Whatever is delegated has a list.
    fn check_whole(&self) -> Result<(), PublishError> {
        for name in delegated(&self.targets.body) {
            let role = Role::Delegated(name.to_owned());
            if !self.kinds.contains_key(&role) {
                return Err(PublishError::Missing { role });
            }
        }
        Ok(())
    }

    fn sign_online(
        &mut self,
        online: &Online<'_>,
        validity: Validity,
        now: Timestamp,
    ) -> Result<(), PublishError> {
        let mut meta = self.snapshot.as_ref().map_or_else(HashMap::new, |held| held.body.meta.clone());
        // A role that was listed stays listed: clients refuse a snapshot that forgets one.
        for held in [&self.targets].into_iter().chain(self.kinds.values()) {
            meta.insert(held.document.role.meta_path(), metafile(held));
        }
        let signers = Signers::top(&self.root.body, &Role::Snapshot)?;
        let is_good = |held: &Held<Snapshot>| {
            let half = i64::try_from(validity.snapshot_ms / 2).unwrap_or(i64::MAX);
            held.body.meta == meta
                && held.document.expires >= now.saturating_add_ms(half)
                && signers.check(&held.document).is_ok()
        };
        let snapshot = match self.snapshot.take() {
            Some(held) if is_good(&held) => held,
            before => {
                let body = Snapshot {
                    spec_version: SPEC_VERSION.to_owned(),
                    version: next(before.as_ref().map(|held| held.document.version)),
                    expires: until(&Role::Snapshot, now, validity.snapshot_ms)?,
                    meta,
                    _extra: HashMap::new(),
                };
                let held = Held::of(signed(&Role::Snapshot, &body, online.snapshot)?)?;
                online_check(&signers, &held.document, online.snapshot)?;
                held
            }
        };
        let body = TimestampBody {
            spec_version: SPEC_VERSION.to_owned(),
            version: next(self.timestamp.as_ref().map(|held| held.document.version)),
            expires: until(&Role::Timestamp, now, validity.timestamp_ms)?,
            meta: HashMap::from([(Role::Snapshot.meta_path(), metafile(&snapshot))]),
            _extra: HashMap::new(),
        };
        let held = Held::of(signed(&Role::Timestamp, &body, online.timestamp)?)?;
        let signers = Signers::top(&self.root.body, &Role::Timestamp)?;
        online_check(&signers, &held.document, online.timestamp)?;
        (self.snapshot, self.timestamp) = (Some(snapshot), Some(held));
        Ok(())
    }
}

fn online_check(signers: &Signers<'_>, document: &Document, key: &SigningKey) -> Result<(), PublishError> {
    let role = document.role.clone();
    signers.check(document).map_err(|_| PublishError::OnlineKey { role, key: key.id().clone() })
}

fn by_role(drafts: Vec<Draft>) -> Result<BTreeMap<Role, Document>, PublishError> {
    let mut documents = BTreeMap::new();
    for draft in drafts {
        let role = draft.role().clone();
        if matches!(role, Role::Snapshot | Role::Timestamp) {
            return Err(PublishError::NotOffline { role });
        }
        if documents.insert(role.clone(), draft.into_document()).is_some() {
            return Err(PublishError::Twice { role });
        }
    }
    Ok(documents)
}

fn follows(document: &Document, before: u64, now: Timestamp) -> Result<(), PublishError> {
    let (role, found, expected) = (document.role.clone(), document.version, before.saturating_add(1));
    if found != expected {
        return Err(PublishError::Version { role, found, expected });
    }
    if document.expires <= now {
        return Err(PublishError::Expired { role, since: written(document.expires) });
    }
    Ok(())
}

fn delegated(targets: &Targets) -> BTreeSet<&str> {
    let roles = targets.delegations.iter().flat_map(|delegations| &delegations.roles);
    roles.map(|role| role.name.as_str()).collect()
}

fn check_list(role: &Role, delegations: &Delegations, list: &Targets) -> Result<(), PublishError> {
    let paths = delegations.roles.iter().find(|delegated| delegated.name == role.as_str());
    for (name, target) in &list.targets {
        if !paths.is_some_and(|delegated| covers(&delegated.paths, name.raw())) {
            let path = crate::id::shown(name.raw());
            return Err(PublishError::OutsidePaths { role: role.clone(), path });
        }
        Artefact::of_target(name.raw(), target)
            .map_err(|source| PublishError::Artefact { role: role.clone(), source })?;
    }
    Ok(())
}

fn metafile<T>(held: &Held<T>) -> Metafile {
    Metafile {
        length: Some(held.bytes.len() as u64),
        hashes: Some(Hashes {
            sha256: Digest::sha256(&held.bytes).0.to_vec().into(),
            _extra: HashMap::new(),
        }),
        version: NonZeroU64::new(held.document.version).unwrap_or(NonZeroU64::MIN),
        _extra: HashMap::new(),
    }
}

fn next(before: Option<u64>) -> NonZeroU64 {
    NonZeroU64::MIN.saturating_add(before.unwrap_or(0))
}

/// A time that metadata can have, in whatever type its field is of.
fn until<T: std::str::FromStr>(role: &Role, now: Timestamp, ms: u64) -> Result<T, PublishError> {
    let text = written(now.saturating_add_ms(i64::try_from(ms).unwrap_or(i64::MAX)));
    text.parse().map_err(|_| ReadError::Expires { role: role.clone(), found: text }.into())
}

fn signed(role: &Role, body: &impl serde::Serialize, key: &SigningKey) -> Result<Document, PublishError> {
    let json = |source| ReadError::Json { role: role.clone(), source };
    let signed = serde_json::to_value(body).map_err(json)?;
    let draft = Document::of(role, signed.clone(), Vec::new())?;
    let signature =
        Signature { keyid: key.id().as_bytes().to_vec().into(), sig: key.sign(&draft.message).into() };
    Ok(Document::of(role, signed, vec![signature])?)
}

/// Puts everything in place; what is there already is put there again, which changes nothing. Gives the timestamp's bytes.
fn put(shelf: &mut impl Shelf, before: Option<&[u8]>, set: &Set) -> Result<Vec<u8>, PublishError> {
    let mut files = set.files();
    let timestamp = files.pop();
    files.push((FileName::newest(Role::Root), set.root.bytes.clone()));
    files.extend(timestamp.clone());
    shelf.put(before, &files)?;
    Ok(timestamp.map(|(_, bytes)| bytes).unwrap_or_default())
}
