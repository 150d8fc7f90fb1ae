//! The data directory: where its parts are, and opening them together.

use crate::config::Config;
use aisle_event::Timestamp;
use aisle_journal::{Journal, RealIo, Recovery, Veil};
use aisle_state::{Opened, State};
use aisle_vault::{Vault, VaultError};
use anyhow::Context;
use prometheus_client::registry::Registry;
use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// An open store: its journal and what the journal adds up to.
pub(crate) struct Store {
    dir: PathBuf,
    pub journal: Journal,
    pub recovery: Recovery,
    pub state: State,
    pub opened: Opened,
    /// The keys that persons' values are sealed with.
    pub vault: Arc<Vault>,
    /// Where the journal ended when what is derived from it was made anew at this start, because somebody was erased.
    pub rebuilt_at: Option<u64>,
    /// No event is dated before this: the journal's own time at the start.
    not_before: Timestamp,
}

/// Where the journal of a data directory is.
pub(crate) fn journal_dir(data: &Path) -> PathBuf {
    data.join("journal")
}

/// Where the state of a data directory is.
pub(crate) fn state_dir(data: &Path) -> PathBuf {
    data.join("state")
}

/// Where the keys of a data directory are.
fn keys_dir(data: &Path) -> PathBuf {
    data.join("keys")
}

/// What opens sealed values for a command that reads beside a running node. Where there are no keys, or they are not this user's to read,
/// values stay sealed: they read as absent.
pub(crate) fn reading_veil(data: &Path) -> anyhow::Result<Arc<dyn Veil>> {
    let vault = Vault::at(&keys_dir(data), Arc::new(RealIo));
    match vault.open_read_only() {
        Err(VaultError::File(error)) if error.source.kind() == io::ErrorKind::PermissionDenied => {}
        opened => opened?,
    }
    Ok(Arc::new(vault))
}

/// Takes away what names persons and is made anew from the journal: the index with its checkpoints, and what plugins keep.
fn remove_derived(data: &Path) -> anyhow::Result<()> {
    for dir in [state_dir(data), data.join("plugins").join(".state")] {
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.with_context(|| format!("cannot remove `{}`", dir.display()))?,
        }
    }
    Ok(())
}

impl Store {
    /// Opens journal and state. The journal's lock keeps every other process out.
    pub(crate) fn open(data: &Path, config: &Config, registry: &mut Registry) -> anyhow::Result<Self> {
        fs::create_dir_all(data)
            .with_context(|| format!("cannot use the data directory `{}`", data.display()))?;
        let keys = keys_dir(data);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&keys)
            .with_context(|| format!("cannot make `{}`", keys.display()))?;
        let vault = Arc::new(Vault::at(&keys, Arc::new(RealIo)));
        let veil: Arc<dyn Veil> = vault.clone();
        let (journal, recovery) =
            Journal::open_with(&journal_dir(data), config.journal, Arc::new(RealIo), Some(veil), registry)?;
        // Only now: the journal's lock keeps other processes from the keys too.
        vault.open()?;
        let rebuilt_at = if vault.wants_rebuild()? {
            tracing::info!("somebody was erased; the index is made anew without them");
            remove_derived(data)?;
            Some(journal.durable())
        } else {
            None
        };
        let (state, opened) = State::open(&state_dir(data), config.state.clone(), &journal, registry)?;
        let not_before = Timestamp(state.shop().as_of.ms().cast_signed());
        Ok(Self { dir: data.into(), journal, recovery, state, opened, vault, rebuilt_at, not_before })
    }

    /// Waits until the journal takes no more records, and says why.
    pub(crate) async fn journal_failed(&self) -> String {
        let mut durable = self.journal.watch();
        while durable.changed().await.is_ok() {}
        self.journal.failed().map_or_else(|| "the journal was closed".into(), |failure| failure.to_string())
    }

    /// Writes a checkpoint and closes. Everything acknowledged is durable already; this only makes the next start quicker.
    pub(crate) fn close(&self) {
        if let Err(error) = self.state.checkpoint() {
            tracing::warn!(%error, "no checkpoint at the end; a rebuild would replay more");
        }
        self.journal.clone().close();
        self.state.close();
    }

    /// Where reports of imports go.
    pub(crate) fn import_dir(&self) -> PathBuf {
        self.dir.join("import")
    }

    /// The time to date an event with.
    pub(crate) fn now(&self) -> Timestamp {
        now_not_before(self.not_before)
    }

    /// A clock for parts that must not read one themselves.
    pub(crate) fn clock(&self) -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
        let not_before = self.not_before;
        Arc::new(move || now_not_before(not_before))
    }

    /// How far the wall clock is behind the journal, in milliseconds; zero when it is not.
    pub(crate) fn clock_behind_ms(&self) -> u64 {
        self.not_before.ms_since(wall_clock())
    }
}

/// The wall clock, as it is; 1970 when it is set before that.
pub(crate) fn wall_clock() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
}

/// A box without a clock battery boots in 1970. Time never goes back behind what the journal has seen (invariant 7).
fn now_not_before(not_before: Timestamp) -> Timestamp {
    wall_clock().max(not_before)
}
