//! A projection that lives in memory: a [`Fold`] of the journal, followed by one thread, published as views, kept as snapshots.
//!
//! ```text
//! journal ─tail─> Fold::apply ─> Fold::view ─swap─> readers, without a lock
//!    ▲                 │
//!    └── Fold::due ────┘  what follows from the state and must be known: an alarm, a task, a command that timed out
//! ```
//!
//! What a fold concludes goes through the journal like anything else: `due` proposes, the journal commits, and `apply` takes it
//! back. It is asked again only when all that it proposed has come back, so nothing is proposed twice, and what a crash took from the
//! way is proposed again.
//!
//! Not here: what any event means. The shop that kiosks read has its own projector, with rows on sled (`crate::state`).
//! Guards invariant 2: snapshots save time; without them the same state comes from the journal.

mod telemetry;
mod thread;

use crate::snapshot_file::SnapshotFiles;
use aisle_event::{Event, Timestamp};
use aisle_journal::Journal;
use arc_swap::ArcSwap;
use prometheus_client::registry::Registry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{Builder, JoinHandle},
    time::Instant,
};
use telemetry::Telemetry;
use thread::Thread;
use tokio::sync::watch;

/// A state that is nothing but the events before it.
pub trait Fold: Send + Sized + 'static {
    /// What readers see of it.
    type View: Send + Sync + 'static;

    /// True for the types that change it; the bytes of others are not even decoded.
    fn wants(&self, kind: u16) -> bool;

    /// Takes the next event, in the order of the journal. The same events give the same state.
    fn apply(&mut self, seq: u64, event: &Event);

    /// What follows from the state and is not in the journal yet. Called a few times a second, when everything that was durable
    /// a moment before is applied. It may note what it was asked and when, and nothing else: only events change the state.
    fn due(&mut self, now: Timestamp) -> Vec<Event>;

    /// What readers see from now on. Called after every batch.
    fn view(&self) -> Self::View;

    /// Puts away what the fold keeps in files of its own, before a snapshot says that it is there.
    ///
    /// # Errors
    /// When the files cannot be written; the snapshot waits then.
    fn put_away(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// All of it, for a snapshot.
    fn encode(&self) -> Vec<u8>;
}

/// How a fold is followed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// A snapshot is written after so many records of the journal, when there is a quiet moment.
    pub snapshot_every_records: u64,
    /// And after so many seconds, when there is anything new: what a fold puts away waits for no longer.
    pub snapshot_every_s: u32,
    /// Events that a fold may propose and that are not back yet; further ones wait.
    pub proposals_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { snapshot_every_records: 200_000, snapshot_every_s: 600, proposals_max: 1024 }
    }
}

/// What was found at the start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The last record in the snapshot that was used; 0 without one.
    pub snapshot: u64,
    /// Later snapshots that cannot be used, and why.
    pub passed_over: Vec<String>,
}

/// Why a fold is not followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The directory of its snapshots cannot be used.
    #[error("cannot use `{path}`")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The thread cannot be started.
    #[error("cannot start the thread `{name}`")]
    Thread {
        /// Which.
        name: String,
        /// Why.
        source: io::Error,
    },
}

/// The follower has stopped; the node must restart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Stopped {
    /// Why.
    pub reason: String,
}

/// Where a fold's snapshots are and what they are called.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The directory; it is made if it is missing.
    pub dir: &'a Path,
    /// The beginning of the file names, also that of the thread and the metrics: letters, digits and `-`.
    pub name: &'static str,
    /// The version of what the bytes mean.
    pub layout: u32,
}

struct Shared<V> {
    view: ArcSwap<V>,
    applied: watch::Sender<u64>,
    failed: Mutex<Option<String>>,
    stop: AtomicBool,
}

/// A fold that is being followed. Clones share one thread; the last one to go stops it, after a last snapshot.
pub struct Follower<V: Send + Sync + 'static>(Arc<Handle<V>>);

struct Handle<V> {
    shared: Arc<Shared<V>>,
    journal: Journal,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl<V: Send + Sync + 'static> Clone for Follower<V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<V: Send + Sync + 'static> fmt::Debug for Follower<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower").field("applied", &self.applied()).finish_non_exhaustive()
    }
}

impl<V> Drop for Handle<V> {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A panic in the thread was logged where it happened; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

impl<V: Send + Sync + 'static> Follower<V> {
    /// Starts from the latest snapshot that can be used, else from `new`, and follows the journal. Returns at once with what the
    /// snapshot holds.
    ///
    /// # Errors
    /// When the directory cannot be used, or no thread be started. A snapshot that cannot be used is passed over and named.
    pub fn start<F, E>(
        place: Place<'_>,
        config: Config,
        journal: &Journal,
        now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
        registry: &mut Registry,
        (new, decode): (impl FnOnce() -> F, impl Fn(&[u8]) -> Result<F, E>),
    ) -> Result<(Self, Found), FollowError>
    where
        F: Fold<View = V>,
        E: fmt::Display,
    {
        let unusable = |source| FollowError::Directory { path: place.dir.into(), source };
        std::fs::create_dir_all(place.dir).map_err(unusable)?;
        let files = SnapshotFiles {
            dir: place.dir.into(),
            name: place.name,
            journal: journal.id(),
            layout: place.layout,
            files_max: 2,
        };
        let (fold, found) = load(&files, journal, new, decode);
        let shared = Arc::new(Shared {
            view: ArcSwap::from_pointee(fold.view()),
            applied: watch::Sender::new(found.snapshot),
            failed: Mutex::new(None),
            stop: AtomicBool::new(false),
        });
        let thread = Thread {
            fold,
            applied: found.snapshot,
            snapshot: found.snapshot,
            shared: shared.clone(),
            files,
            config,
            journal: journal.clone(),
            now,
            proposed: None,
            ask_after: None,
            snapshot_at: Instant::now(),
            telemetry: Telemetry::new(place.name, registry),
        };
        let thread = Builder::new()
            .name(format!("aisle-{}", place.name))
            .spawn(move || thread.run())
            .map_err(|source| FollowError::Thread { name: place.name.into(), source })?;
        let handle = Handle { shared, journal: journal.clone(), thread: Mutex::new(Some(thread)) };
        Ok((Self(Arc::new(handle)), found))
    }

    /// What the fold looks like now. Takes no lock.
    #[must_use]
    pub fn view(&self) -> Arc<V> {
        self.0.shared.view.load_full()
    }

    /// The last record whose effects are in the view.
    #[must_use]
    pub fn applied(&self) -> u64 {
        *self.0.shared.applied.borrow()
    }

    /// Changes with every new view, to its last record.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.shared.applied.subscribe()
    }

    /// True when the view holds everything that is durable.
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        self.applied() >= self.0.journal.durable()
    }

    /// Waits until the view holds a record.
    ///
    /// # Errors
    /// When the follower has stopped before it got there.
    pub async fn wait_applied(&self, seq: u64) -> Result<(), Stopped> {
        let mut applied = self.0.shared.applied.subscribe();
        loop {
            if *applied.borrow_and_update() >= seq {
                return Ok(());
            }
            self.failure().map_or(Ok(()), |reason| Err(Stopped { reason }))?;
            if applied.changed().await.is_err() {
                return Err(Stopped { reason: "it was closed".into() });
            }
        }
    }

    /// Waits until the follower has stopped by itself, and says why. For the supervisor.
    pub async fn stopped(&self) -> String {
        let mut applied = self.0.shared.applied.subscribe();
        loop {
            if let Some(reason) = self.failure() {
                return reason;
            }
            if applied.changed().await.is_err() {
                return "it was closed".into();
            }
        }
    }

    fn failure(&self) -> Option<String> {
        self.0.shared.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn load<F, E: fmt::Display>(
    files: &SnapshotFiles,
    journal: &Journal,
    new: impl FnOnce() -> F,
    decode: impl Fn(&[u8]) -> Result<F, E>,
) -> (F, Found) {
    let mut found = Found::default();
    match files.read_latest(&(journal.first().saturating_sub(1)..=journal.durable())) {
        Ok(latest) => {
            found.passed_over = latest.passed_over;
            if let Some(snapshot) = latest.snapshot {
                match decode(&snapshot.body) {
                    Ok(fold) => {
                        found.snapshot = snapshot.applied;
                        return (fold, found);
                    }
                    Err(error) => {
                        found.passed_over.push(format!("snapshot {}: {error}", snapshot.applied));
                    }
                }
            }
        }
        Err(error) => found.passed_over.push(error.to_string()),
    }
    (new(), found)
}
