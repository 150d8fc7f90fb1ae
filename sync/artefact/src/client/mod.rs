//! The client: what a node believes of the hub's metadata, and nothing that it was not shown.
//!
//! ```text
//! root ─ next root ─ … ─> timestamp ─> snapshot ─> targets ─> lists of kinds ─> Known: artefacts, and until when
//!        each signed by the one before    each of the version, length and hash that the one before says
//! ```
//!
//! Each step is kept on disk before the next one, as the specification wants it (what was seen once is never taken back). What a *whole*
//! update came to is kept beside it ([`known`]): what runs is judged by that, so it goes on running through updates that fail, roots that
//! change and metadata that runs out.
//!
//! Time is passed in. It has to be a time that the node trusts, like the hub's signed time, and not its clock alone: with a time that is too early
//! nothing is ever refused as run out; with one that is too late everything new is.
//!
//! Lives here: opening, keeping, the steps ([`refresh`]), the search for a target ([`find`]), what is known ([`known`]). Not here: transports
//! ([`crate::source`]), contents ([`crate::content`]), what to install.
//! Guards invariants 5 and 7: metadata that ran out, or a clock that lies, stops updates and nothing else.

mod error;
mod find;
mod known;
mod limits;
mod refresh;

pub use error::{OpenError, StateError, UpdateError};
pub use find::Found;
pub use known::{NotOffered, Standing, Update};
pub use limits::Limits;

use crate::{
    files::{DiskFiles, Files, replace},
    metadata::{Held, verify::Signers},
    role::{FileName, Role},
};
use known::Known;
use serde::de::DeserializeOwned;
use std::path::Path;
use tough::schema::{Root, Snapshot, Targets, Timestamp as TimestampBody};

/// What a node knows of a repository. One at a time may have the folder.
pub struct Client {
    files: Box<dyn Files>,
    limits: Limits,
    root: Held<Root>,
    timestamp: Option<Held<TimestampBody>>,
    snapshot: Option<Held<Snapshot>>,
    targets: Option<Held<Targets>>,
    known: Option<Known>,
}

impl Client {
    /// Begins to trust a root. It may have run out: the first update goes on from it.
    ///
    /// # Errors
    /// When another one is trusted here already, or it is none that signed itself.
    pub fn init(folder: &Path, root: &[u8], limits: Limits) -> Result<Self, OpenError> {
        let files = open(folder)?;
        Self::init_with(files, root, limits)
    }

    /// The same on other files than a disk's.
    ///
    /// # Errors
    /// As [`Client::init`].
    pub fn init_with(mut files: Box<dyn Files>, root: &[u8], limits: Limits) -> Result<Self, OpenError> {
        if let Some(bytes) = read(&*files, &Role::Root, &limits)? {
            let trusted: Held<Root> = Held::read(&Role::Root, bytes)?;
            return Err(OpenError::Trusted { version: trusted.document.version });
        }
        let held = first(root.to_vec())?;
        keep(&mut *files, &Role::Root, root)?;
        Ok(Self::of(files, limits, held))
    }

    /// Opens what is known. Whatever but the root does not read, or is not signed by who the root says, is as if it were not there: the next update
    /// fetches it.
    ///
    /// # Errors
    /// When no root is trusted here, it does not read, or the disk fails.
    pub fn open(folder: &Path, limits: Limits) -> Result<Self, OpenError> {
        Self::open_with(open(folder)?, limits)
    }

    /// The same on other files than a disk's.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn open_with(files: Box<dyn Files>, limits: Limits) -> Result<Self, OpenError> {
        let bytes = read(&*files, &Role::Root, &limits)?.ok_or(OpenError::NoRoot)?;
        let mut client = Self::of(files, limits, first(bytes)?);
        client.timestamp = client.local(&Role::Timestamp)?;
        client.snapshot = client.local(&Role::Snapshot)?;
        client.targets = client.local(&Role::Targets)?;
        client.known = Known::read(&*client.files)?;
        Ok(client)
    }

    fn of(files: Box<dyn Files>, limits: Limits, root: Held<Root>) -> Self {
        Self { files, limits, root, timestamp: None, snapshot: None, targets: None, known: None }
    }

    /// The version of the root that is trusted.
    #[must_use]
    pub const fn root_version(&self) -> u64 {
        self.root.document.version
    }

    /// What is kept of one of the roles at the top, if the root's keys have signed it.
    fn local<T: DeserializeOwned>(&self, role: &Role) -> Result<Option<Held<T>>, StateError> {
        let Some(bytes) = read(&*self.files, role, &self.limits)? else { return Ok(None) };
        let held: Option<Held<T>> = Held::read(role, bytes).ok();
        let is_signed = |held: &Held<T>| {
            Signers::top(&self.root.body, role).is_ok_and(|signers| signers.check(&held.document).is_ok())
        };
        Ok(held.filter(is_signed))
    }

    /// After another root: what its keys have not signed is known no more. So a version that somebody with an old key drove up is no bar to
    /// those who got a new one.
    fn forget_unsigned(&mut self) {
        let root = &self.root.body;
        let is_signed = |document: &crate::metadata::Document| {
            Signers::top(root, &document.role).is_ok_and(|signers| signers.check(document).is_ok())
        };
        self.timestamp.take_if(|held| !is_signed(&held.document));
        self.snapshot.take_if(|held| !is_signed(&held.document));
        self.targets.take_if(|held| !is_signed(&held.document));
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("root", &self.root.document.version).finish_non_exhaustive()
    }
}

fn open(folder: &Path) -> Result<Box<dyn Files>, StateError> {
    let name = || folder.display().to_string();
    let files = DiskFiles::open(folder).map_err(|source| StateError { name: name(), source })?;
    Ok(Box::new(files))
}

fn first(bytes: Vec<u8>) -> Result<Held<Root>, OpenError> {
    let held: Held<Root> = Held::read(&Role::Root, bytes)?;
    Signers::top(&held.body, &Role::Root)?.check(&held.document)?;
    Ok(held)
}

const fn bytes_max(role: &Role, limits: &Limits) -> u64 {
    match role {
        Role::Root => limits.root_bytes_max,
        Role::Timestamp => limits.timestamp_bytes_max,
        Role::Snapshot => limits.snapshot_bytes_max,
        Role::Targets | Role::Delegated(_) => limits.targets_bytes_max,
    }
}

/// What is kept of a role. What is too long was not written by us.
fn read(files: &dyn Files, role: &Role, limits: &Limits) -> Result<Option<Vec<u8>>, StateError> {
    let name = FileName::newest(role.clone()).to_string();
    match files.read(&name, bytes_max(role, limits)) {
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Ok(None),
        read => read.map_err(|source| StateError { name, source }),
    }
}

fn keep(files: &mut dyn Files, role: &Role, bytes: &[u8]) -> Result<(), StateError> {
    let name = FileName::newest(role.clone()).to_string();
    replace(files, &name, bytes).map_err(|source| StateError { name, source })
}
