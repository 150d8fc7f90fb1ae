//! What may run in a store, at the hub: the repository of signed artefacts over the database, which all hubs on it share.
//!
//! ```text
//! add ─> Contents, a draft ─ people sign it elsewhere ─> publish ─ one transaction ─> database ─┬─> metadata_content ─> manifests
//!                                      online key ─> keep: a timestamp every day ───────────────┘    courier ─> a stick
//! ```
//!
//! Lives here: opening and publishing ([`Artefacts`]), the keys that lie at the hub ([`online`]), keys of people on their own machines ([`keys`]), the first
//! ceremony ([`ceremony`]), describing contents ([`add`]), what is asked about releases ([`release`]), what keeps metadata from running out
//! ([`keep`]), sticks ([`courier`]). Not here: the rules, which are those of `aisle_artefact`; SQL; HTTP.
//! Guards: nothing is published that a node would refuse, whoever asks for it, and no offline key is ever read by a hub that serves.

pub mod add;
pub mod ceremony;
pub mod courier;
pub mod keep;
pub mod keys;
pub mod online;
pub mod release;
pub mod slots;
pub mod sweep;

use crate::{
    content::Contents,
    database::{Database, DatabaseError, NotPut},
    people::audit::Line,
};
use aisle_artefact::{
    Draft, FileName, Repository, Role,
    repository::{OpenError, PublishError, Published, Validity},
    shelf::{Memory, Written},
};
use aisle_event::Timestamp;
use online::{OnlineError, OnlineKeys};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// A day in milliseconds.
pub const DAY_MS: u64 = 24 * 3_600_000;
/// How long what is signed online is good for: so long can somebody between hub and store hold news back unnoticed.
pub const VALIDITY: Validity = Validity { snapshot_ms: 30 * DAY_MS, timestamp_ms: 7 * DAY_MS };
/// How often a publication is made again that another one overtook. What was signed by people stays what it is.
const ATTEMPTS_MAX: u32 = 5;

/// A repository, as far as it is in force.
pub type InForce = Repository<Memory>;

/// The repository of signed artefacts of all hubs on a database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Artefacts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: Database,
    contents: Contents,
    online_keys: PathBuf,
    /// What was read last, with the timestamp that it was read by.
    seen: Mutex<Option<(Vec<u8>, Arc<InForce>)>>,
    /// The metadata as a content, by the version of its timestamp.
    bundled: Mutex<Option<release::Metadata>>,
}

/// Why what is in force cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// What it has is not what was published.
    #[error("the metadata of artefacts in the database is not what was published")]
    Repository(#[from] OpenError),
    /// It was not read to its end, because the process ends.
    #[error("the metadata of artefacts was not read to its end")]
    Ended,
}

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum NotPublished {
    /// What is in force cannot be looked at.
    #[error(transparent)]
    Look(#[from] LookError),
    /// The keys at the hub.
    #[error(transparent)]
    Online(#[from] OnlineError),
    /// The drafts.
    #[error(transparent)]
    Refused(#[from] PublishError),
    /// It could not be put in place.
    #[error(transparent)]
    Put(#[from] NotPut),
    /// There is nothing to keep fresh.
    #[error("there is no repository of artefacts yet\nhint: `aisle-hub artefact init` begins one")]
    Nothing,
}

impl NotPublished {
    /// True when what was asked for is wrong, and not the hub.
    #[must_use]
    pub const fn is_of_drafts(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Nothing)
    }
}

/// What is to be done to a repository.
#[derive(Debug, Clone)]
enum Work {
    Publish(Vec<Draft>),
    Refresh,
    /// From a timestamp of this version.
    RefreshFrom(u64),
}

impl Artefacts {
    /// Over a database, with contents in a place, and online keys in a file, which is read each time that something is signed.
    #[must_use]
    pub fn new(database: Database, contents: Contents, online_keys: &Path) -> Self {
        let (seen, bundled) = (Mutex::new(None), Mutex::new(None));
        Self(Arc::new(Inner { database, contents, online_keys: online_keys.to_owned(), seen, bundled }))
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.0.database
    }

    /// Where contents lie.
    #[must_use]
    pub fn contents(&self) -> &Contents {
        &self.0.contents
    }

    /// The file of the online keys.
    #[must_use]
    pub fn online_keys(&self) -> &Path {
        &self.0.online_keys
    }

    /// What is in force; nothing where nobody has published yet. Read again when somebody has published meanwhile, and held against its keys.
    ///
    /// # Errors
    /// When the database cannot say, or says what was not published.
    pub async fn in_force(&self) -> Result<Option<Arc<InForce>>, LookError> {
        let newest = FileName::newest(Role::Timestamp);
        let Some(mark) = self.0.database.metadata_file(&newest).await? else { return Ok(None) };
        if let Some((seen, repository)) = &*self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
            && *seen == mark
        {
            return Ok(Some(repository.clone()));
        }
        let memory = Memory::of(self.0.database.metadata_files().await?);
        // What was read may be newer than the mark; then it is looked at once more the next time.
        let opened = tokio::task::spawn_blocking(move || Repository::open(memory)).await;
        let repository = Arc::new(opened.map_err(|_| LookError::Ended)??);
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = Some((mark, repository.clone()));
        Ok(Some(repository))
    }

    /// The root that nodes trust first, where there is one.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn first_root(&self) -> Result<Option<Vec<u8>>, DatabaseError> {
        first_root(&self.0.database).await
    }

    /// Publishes drafts that were signed, all of them or none: the first ones make the repository. The row of the audit log is written with them.
    ///
    /// # Errors
    /// When one is not signed as it must be, does not fit what is in force, or the hub could not.
    pub async fn publish(
        &self,
        drafts: Vec<Draft>,
        line: Option<Line>,
        now: Timestamp,
    ) -> Result<Published, NotPublished> {
        self.work(Work::Publish(drafts), line, now, ATTEMPTS_MAX).await
    }

    /// Signs a new timestamp, and a new snapshot when half of its time is over.
    ///
    /// # Errors
    /// When there is no repository, or the keys here are not those of its root.
    pub async fn refresh(&self, now: Timestamp) -> Result<Published, NotPublished> {
        self.work(Work::Refresh, None, now, ATTEMPTS_MAX).await
    }

    /// The same if what is in force is still this: of several hubs that find it old one renews it.
    async fn refresh_from(&self, seen: &InForce, now: Timestamp) -> Result<Published, NotPublished> {
        let version = release::timestamp_version(seen);
        self.work(Work::RefreshFrom(version), None, now, 1).await
    }

    async fn work(
        &self,
        work: Work,
        line: Option<Line>,
        now: Timestamp,
        attempts_max: u32,
    ) -> Result<Published, NotPublished> {
        let mut attempts = 0_u32;
        loop {
            attempts = attempts.saturating_add(1);
            let keys = OnlineKeys::read(&self.0.online_keys)?;
            let files = self.0.database.metadata_files().await.map_err(LookError::from)?;
            let work = work.clone();
            let done = tokio::task::spawn_blocking(move || worked(files, work, &keys, now)).await;
            let (published, written) = done.map_err(|_| LookError::Ended)??;
            let line = line.clone().map(|line| {
                line.became(json!({
                    "timestamp": published.timestamp, "snapshot": published.snapshot, "files": names(&written),
                }))
            });
            let mut raced = None;
            for written in written {
                // What is too old is taken out with what is new.
                let Written::Put { before, files } = written else { continue };
                match self.0.database.put_metadata(before.as_deref(), &files, line.as_ref()).await {
                    Err(NotPut::Raced) if attempts < attempts_max => raced = Some(()),
                    put => put?,
                }
            }
            if raced.is_none() {
                return Ok(published);
            }
        }
    }
}

/// The root that nodes trust first, where there is one.
///
/// # Errors
/// When the database cannot say.
pub async fn first_root(database: &Database) -> Result<Option<Vec<u8>>, DatabaseError> {
    database.metadata_file(&FileName::versioned(Role::Root, 1)).await
}

fn names(written: &[Written]) -> Vec<String> {
    let files = written.iter().flat_map(|written| match written {
        Written::Put { files, .. } => files.as_slice(),
        Written::Remove(_) => &[],
    });
    files.map(|(name, _)| name.to_string()).collect()
}

/// Does it in memory, and says what is to be written.
fn worked(
    files: Vec<(FileName, Vec<u8>)>,
    work: Work,
    keys: &OnlineKeys,
    now: Timestamp,
) -> Result<(Published, Vec<Written>), NotPublished> {
    let is_new = files.is_empty();
    let from = if let Work::RefreshFrom(version) = work { Some(version) } else { None };
    let (memory, online) = (Memory::of(files), keys.online());
    let drafts = match (work, is_new) {
        (Work::Refresh | Work::RefreshFrom(_), true) => return Err(NotPublished::Nothing),
        (Work::Publish(drafts), true) => {
            let mut made = Repository::init(memory, drafts, &online, VALIDITY, now)?;
            let first_expiry = made.expiries().first().map_or(now, |first| first.expires);
            let published = Published { timestamp: 1, snapshot: 1, first_expiry };
            return Ok((published, made.shelf_mut().take_written()));
        }
        (Work::Refresh | Work::RefreshFrom(_), false) => None,
        (Work::Publish(drafts), false) => Some(drafts),
    };
    let mut repository = Repository::open(memory).map_err(LookError::from)?;
    if from.is_some_and(|from| from != release::timestamp_version(&repository)) {
        return Err(NotPut::Raced.into());
    }
    let published = match drafts {
        None => repository.refresh(&online, VALIDITY, now)?,
        Some(drafts) => repository.publish(drafts, &online, VALIDITY, now)?,
    };
    Ok((published, repository.shelf_mut().take_written()))
}
