//! The data directory: where its parts are, and opening them together.

use crate::config::Config;
use aisle_event::Timestamp;
use aisle_journal::{Journal, RealIo, Recovery};
use aisle_state::{Opened, State};
use anyhow::Context;
use prometheus_client::registry::Registry;
use std::{
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

impl Store {
    /// Opens journal and state. The journal's lock keeps every other process out.
    pub(crate) fn open(data: &Path, config: &Config, registry: &mut Registry) -> anyhow::Result<Self> {
        std::fs::create_dir_all(data)
            .with_context(|| format!("cannot use the data directory `{}`", data.display()))?;
        let (journal, recovery) =
            Journal::open(&journal_dir(data), config.journal, Arc::new(RealIo), registry)?;
        let (state, opened) = State::open(&state_dir(data), config.state.clone(), &journal, registry)?;
        let not_before = Timestamp(state.shop().as_of.ms().cast_signed());
        Ok(Self { dir: data.into(), journal, recovery, state, opened, not_before })
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
