//! Locks for what must not happen twice or at the same time: one checkout per key, one end per session.
//!
//! A fixed number of locks is shared by hash, so that memory is bounded whatever keys clients choose. A checkout takes
//! its key's lock first and its session's second; nobody takes them the other way round, so nobody waits in a circle.
//! Two keys that share a lock wait for each other without need, which is harmless.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// How many locks of each kind there are.
const LOCKS: usize = 256;

/// The locks of all checkouts and sessions.
pub(crate) struct Locks {
    hasher: RandomState,
    keys: Vec<Arc<Mutex<()>>>,
    sessions: Vec<Arc<RwLock<()>>>,
}

impl Default for Locks {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            keys: (0..LOCKS).map(|_| Arc::default()).collect(),
            sessions: (0..LOCKS).map(|_| Arc::default()).collect(),
        }
    }
}

impl Locks {
    /// Held while a checkout with this key is decided and committed.
    pub(crate) async fn key(&self, key: &str) -> OwnedMutexGuard<()> {
        self.pick(&self.keys, key).lock_owned().await
    }

    /// Held while a session is changed; the session cannot end meanwhile.
    pub(crate) async fn change(&self, session: &str) -> OwnedRwLockReadGuard<()> {
        self.pick(&self.sessions, session).read_owned().await
    }

    /// Held while a session is ended; nothing else can change it meanwhile.
    pub(crate) async fn end(&self, session: &str) -> OwnedRwLockWriteGuard<()> {
        self.pick(&self.sessions, session).write_owned().await
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the remainder of the length is within it, and it is never zero"
    )]
    fn pick<T>(&self, locks: &[Arc<T>], text: &str) -> Arc<T> {
        locks[self.hasher.hash_one(text) as usize % locks.len()].clone()
    }
}
