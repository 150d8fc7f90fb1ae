//! The handle that the rest of the node holds: snapshots, single rows, waiting, health.

use crate::{
    checkpoint,
    config::{Config, InvalidConfig},
    history::Visit,
    imports::{self, LineSet},
    index::{Index, IndexError, Tree},
    open::{self, JournalFacts, Opened, Rebuilt},
    projector::Projector,
    receipts::Receipt,
    shop::Shop,
    telemetry::Telemetry,
};
use aisle_event::{DocumentId, SourceName};
use aisle_journal::Journal;
use arc_swap::ArcSwap;
use prometheus_client::registry::Registry;
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{Builder, JoinHandle},
    time::Duration,
};
use tokio::sync::watch;

/// Why the state could not be opened. An index that cannot be used is no reason: that one is made again.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A bound leaves no room for work.
    #[error("the state's configuration was refused")]
    Config(#[from] InvalidConfig),
    /// The directory cannot be used.
    #[error("cannot use the state directory `{path}`")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not even a new index can be made.
    #[error(
        "cannot make an index in `{path}`: {reason}\nhint: check that the disk has room and can be written"
    )]
    Index {
        /// Where.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Another process works with the index.
    #[error("another process holds the index in `{path}`\nhint: stop the other node on this data directory")]
    Held {
        /// Where.
        path: PathBuf,
    },
    /// The projector thread cannot be started.
    #[error("cannot start the projector thread")]
    Thread(#[source] io::Error),
}

/// Why a question could not be answered.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StateError {
    /// The index gave an error.
    #[error("the index cannot be read: {reason}\nhint: a restart makes it again")]
    Index {
        /// What it said.
        reason: String,
    },
    /// The projector has stopped; the node must restart.
    #[error("the state has stopped: {reason}\nhint: a restart makes the index again from the journal")]
    Stopped {
        /// Why.
        reason: String,
    },
}

impl From<IndexError> for StateError {
    fn from(error: IndexError) -> Self {
        Self::Index { reason: error.to_string() }
    }
}

/// How the state is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The last record that it holds.
    pub applied: u64,
    /// Why the index was made again at the last start, if it was.
    pub rebuilt: Option<Rebuilt>,
    /// Why it has stopped, if it has.
    pub failed: Option<String>,
    /// Records whose bytes do not decode.
    pub undecodable: u64,
    /// Events that had nothing to act on: an unknown product, another unit.
    pub without_effect: u64,
    /// Records that the journal could not give because they were damaged.
    pub lost: u64,
}

/// What the projector thread and the handles share.
#[derive(Debug)]
pub(crate) struct Shared {
    shop: ArcSwap<Shop>,
    applied: watch::Sender<u64>,
    pub(crate) checkpointed: watch::Sender<u64>,
    failed: Mutex<Option<String>>,
    pub(crate) stop: AtomicBool,
    pub(crate) checkpoint_asked: AtomicBool,
    pub(crate) telemetry: Telemetry,
}

impl Shared {
    pub(crate) fn publish(&self, shop: &Shop) {
        self.shop.store(Arc::new(shop.clone()));
        self.telemetry.published(shop);
        self.applied.send_replace(shop.applied);
    }

    pub(crate) fn fail(&self, reason: String) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
        // Wakes everyone who waits, so that they see the reason.
        self.applied.send_modify(|_| ());
        self.checkpointed.send_modify(|_| ());
    }

    fn failure(&self) -> Option<String> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The state of the shop. Clones share one projector; the last one to go stops it.
#[derive(Debug, Clone)]
pub struct State(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    index: Index,
    journal: Journal,
    opened: Opened,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Handle {
    /// Ends the projector, which brings the index up to date; nothing where it has ended.
    fn close(&self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A panic in the thread was logged where it happened; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

impl State {
    /// Ends following the journal, with the index on the disk as far as it has come. The last owner does that as well when it goes; a process that ends does not wait for owners
    /// in threads of its own.
    pub fn close(&self) {
        self.0.close();
    }

    /// Opens the state in a directory and starts to follow the journal. Returns at once with what the index holds;
    /// [`State::catch_up`] waits for the rest.
    ///
    /// # Errors
    /// When the configuration is refused, or the directory cannot be used at all. A damaged index is moved aside and made again.
    pub fn open(
        dir: &Path,
        config: Config,
        journal: &Journal,
        registry: &mut Registry,
    ) -> Result<(Self, Opened), OpenError> {
        config.validate()?;
        let facts = JournalFacts { id: journal.id(), first: journal.first(), durable: journal.durable() };
        let loaded = open::load(dir, &config, facts)?;
        let shared = Arc::new(Shared {
            shop: ArcSwap::from_pointee(loaded.shop.clone()),
            applied: watch::Sender::new(loaded.shop.applied),
            checkpointed: watch::Sender::new(0),
            failed: Mutex::new(None),
            stop: AtomicBool::new(false),
            checkpoint_asked: AtomicBool::new(false),
            telemetry: Telemetry::new(registry),
        });
        shared.publish(&loaded.shop);
        if let Some(rebuilt) = &loaded.opened.rebuilt {
            shared.telemetry.rebuilt(rebuilt);
        }
        let projector = Projector {
            shared: shared.clone(),
            checkpointed: checkpoint::list(dir).first().map_or(0, |latest| latest.applied),
            dir: dir.into(),
            config,
            journal: journal.clone(),
            journal_id: facts.id,
            index: loaded.index.clone(),
            unwritten: Default::default(),
            shop: loaded.shop,
        };
        let thread = Builder::new()
            .name("aisle-projector".into())
            .spawn(move || projector.run())
            .map_err(OpenError::Thread)?;
        let state = Self(Arc::new(Handle {
            shared,
            index: loaded.index,
            journal: journal.clone(),
            opened: loaded.opened.clone(),
            thread: Mutex::new(Some(thread)),
        }));
        Ok((state, loaded.opened))
    }

    /// The shop as it is now. Takes no lock.
    #[must_use]
    pub fn shop(&self) -> Arc<Shop> {
        self.0.shared.shop.load_full()
    }

    /// Waits until the snapshot holds a record.
    ///
    /// # Errors
    /// When the projector has stopped before it got there.
    pub async fn wait_applied(&self, seq: u64) -> Result<(), StateError> {
        let shared = &self.0.shared;
        let mut applied = shared.applied.subscribe();
        loop {
            if *applied.borrow_and_update() >= seq {
                return Ok(());
            }
            if let Some(reason) = shared.failure() {
                return Err(StateError::Stopped { reason });
            }
            if applied.changed().await.is_err() {
                return Err(StateError::Stopped { reason: "it was closed".into() });
            }
        }
    }

    /// Blocks until the snapshot holds everything that is durable now.
    ///
    /// # Errors
    /// When the projector has stopped before it got there.
    pub fn catch_up(&self) -> Result<(), StateError> {
        let target = self.0.journal.durable();
        while self.shop().applied < target {
            if let Some(reason) = self.0.shared.failure() {
                return Err(StateError::Stopped { reason });
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Which lines of a document are in the journal.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn imported(&self, source: &SourceName, document: &DocumentId) -> Result<LineSet, StateError> {
        Ok(self.0.index.get(Tree::Documents, &imports::key(source, document))?.unwrap_or_default())
    }

    /// The receipt that a checkout with this idempotency key produced.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn receipt(&self, idempotency_key: &str) -> Result<Option<Receipt>, StateError> {
        match self.0.index.get::<String>(Tree::Keys, idempotency_key.as_bytes())? {
            Some(document) => self.receipt_of(&document),
            None => Ok(None),
        }
    }

    /// The receipt with this document number.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn receipt_of(&self, document: &str) -> Result<Option<Receipt>, StateError> {
        Ok(self.0.index.get(Tree::Receipts, document.as_bytes())?)
    }

    /// Every visit and sale that is kept, oldest first.
    pub fn history(&self) -> impl Iterator<Item = Result<Visit, StateError>> + use<> {
        self.0.index.rows(Tree::History).map(|row| row.map_err(Into::into))
    }

    /// Blocks until a checkpoint of what is applied now was written or has failed. Says how far the latest one goes.
    ///
    /// # Errors
    /// When the projector has stopped.
    pub fn checkpoint(&self) -> Result<u64, StateError> {
        let shared = &self.0.shared;
        let done = shared.checkpointed.subscribe();
        shared.checkpoint_asked.store(true, Ordering::Release);
        while !done.has_changed().unwrap_or(true) {
            if let Some(reason) = shared.failure() {
                return Err(StateError::Stopped { reason });
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(*done.borrow())
    }

    /// How the state is.
    #[must_use]
    pub fn health(&self) -> Health {
        let shop = self.shop();
        Health {
            applied: shop.applied,
            rebuilt: self.0.opened.rebuilt.clone(),
            failed: self.0.shared.failure(),
            undecodable: shop.counts.undecodable,
            without_effect: shop.counts.without_effect,
            lost: shop.counts.lost,
        }
    }

    /// Waits until the state has stopped by itself, and says why. For the supervisor.
    pub async fn stopped(&self) -> String {
        let mut applied = self.0.shared.applied.subscribe();
        loop {
            if let Some(reason) = self.0.shared.failure() {
                return reason;
            }
            if applied.changed().await.is_err() {
                return "it was closed".into();
            }
        }
    }
}
