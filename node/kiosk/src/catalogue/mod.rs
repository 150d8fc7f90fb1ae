//! Finding products: by name, by number, by category, by age.
//!
//! The index belongs to one version of the catalogue. When that changes, one request starts a rebuild beside the
//! runtime; the others go on with the index that is there, or wait a moment for the new one. Products are always
//! resolved through the present snapshot, so a late index never shows an old price or a delisted product.
//! Guards invariant 6: at most one rebuild runs, and rebuilding takes at most a quarter of one core.

mod index;
mod text;

pub(crate) use index::Index;

use crate::app::App;
use aisle_state::Shop;
use arc_swap::ArcSwap;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// How long a request waits for an index that is being rebuilt, in milliseconds, before it takes the old one.
const WAIT_MS: u64 = 150;
/// How long a request waits, in milliseconds, before it looks whether a rebuild may start.
const RETRY_MS: u64 = 5;

/// The present index and the state of its rebuilding.
pub(crate) struct Catalogue {
    index: ArcSwap<Index>,
    building: AtomicBool,
    built: Notify,
    started: Instant,
    /// The next rebuild starts not before this, in milliseconds since `started`.
    rest_until_ms: AtomicU64,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self {
            index: ArcSwap::default(),
            building: AtomicBool::new(false),
            built: Notify::new(),
            started: Instant::now(),
            rest_until_ms: AtomicU64::new(0),
        }
    }
}

impl Catalogue {
    /// The index for a snapshot, or the latest there is when that one takes too long.
    pub(crate) async fn index(&self, app: &App, shop: &Arc<Shop>) -> Arc<Index> {
        let deadline = tokio::time::Instant::now() + Duration::from_millis(WAIT_MS);
        loop {
            let built = self.built.notified();
            tokio::pin!(built);
            built.as_mut().enable();
            let present = self.index.load_full();
            if present.version >= shop.catalogue_version || tokio::time::Instant::now() >= deadline {
                return present;
            }
            let pause = if self.refresh(app, shop) { WAIT_MS } else { RETRY_MS };
            let wake = deadline.min(tokio::time::Instant::now() + Duration::from_millis(pause));
            // Either way the loop looks again, and the deadline ends it.
            let _ = tokio::time::timeout_at(wake, built).await;
        }
    }

    /// The latest index; a newer one is made beside if it is due. Only the first one after a start is waited for.
    pub(crate) async fn present(&self, app: &App, shop: &Arc<Shop>) -> Arc<Index> {
        let present = self.index.load_full();
        if present.version >= shop.catalogue_version {
            return present;
        }
        if present.version == 0 {
            return self.index(app, shop).await;
        }
        self.refresh(app, shop);
        present
    }

    /// Starts a rebuild unless one runs or the last one was just now. True when one runs.
    fn refresh(&self, app: &App, shop: &Arc<Shop>) -> bool {
        let now_ms = self.now_ms();
        if self.building.swap(true, Ordering::AcqRel) {
            return true;
        }
        if now_ms < self.rest_until_ms.load(Ordering::Acquire) {
            self.building.store(false, Ordering::Release);
            return false;
        }
        let (app, shop) = (app.clone(), shop.clone());
        tokio::task::spawn_blocking(move || {
            let catalogue = &app.catalogue;
            let _done = Done(catalogue, catalogue.now_ms());
            catalogue.index.store(Arc::new(Index::build(&shop)));
        });
        true
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Ends a rebuild, also one that panicked: the next request may try again after a rest three times as long as it took.
struct Done<'a>(&'a Catalogue, u64);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        let Self(catalogue, began_ms) = *self;
        let now_ms = catalogue.now_ms();
        catalogue.rest_until_ms.store(now_ms + 3 * (now_ms - began_ms), Ordering::Release);
        catalogue.building.store(false, Ordering::Release);
        catalogue.built.notify_waiters();
    }
}
