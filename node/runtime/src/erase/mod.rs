//! Erasures in the running node: asked for by an administrator or by the hub, carried out beside everything else.
//!
//! What an erasure is and how its keys are destroyed is `aisle-vault`'s; here is when. The index is made anew at the node's next start, since
//! no part of it may be missing while the shop sells. Guards invariant 8: when a sync of the keys has failed, the node ends.

use crate::{
    store::Store,
    sync::{self, files},
};
use aisle_event::{CustomerRef, Name, StoreId, Timestamp};
use aisle_protocol::Hash;
use aisle_residency::erasure::Progress;
use aisle_vault::{Around, EraseError, Eraser, Wanted};
use anyhow::Context;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    task::{JoinHandle, spawn_blocking},
    time::{interval, sleep, timeout},
};

/// How often it is looked whether an erasure can go on.
const LOOK: Duration = Duration::from_secs(10);
/// How often it is looked whether the keys' disk has failed.
const LOOK_AT_KEYS: Duration = Duration::from_secs(1);
/// How long the end may take: what is cut off goes on at the next start.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// The erasures of the store. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Erasing(Arc<Shared>);

struct Shared {
    data: PathBuf,
    name: StoreId,
    sync: Option<sync::Settings>,
    store: Arc<Store>,
    eraser: Mutex<Option<Eraser>>,
    /// How far they were after the last step, oldest first.
    seen: Mutex<Vec<Progress>>,
    problem: Mutex<Option<String>>,
    wake: Notify,
}

/// Who is to be erased, as an administrator says it.
pub(crate) struct Ask {
    pub customer: CustomerRef,
    pub reason: Option<Name>,
    pub retain_until: Option<Timestamp>,
    pub basis: Option<String>,
}

/// A person whom a hub is still to forget.
pub(crate) struct Owing {
    /// The name of the erasure.
    pub erasure: String,
    /// The record that says that the keys are gone.
    pub gone_at: u64,
    /// What the hub knows the person by.
    pub tokens: Vec<String>,
}

/// Nothing behind these locks is ever half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Erasing {
    /// Of a store that is open. Nothing is done before [`Self::start`].
    pub(crate) fn new(data: &Path, name: StoreId, sync: Option<sync::Settings>, store: Arc<Store>) -> Self {
        let (eraser, seen, problem) = (Mutex::default(), Mutex::default(), Mutex::default());
        let wake = Notify::new();
        Self(Arc::new(Shared { data: data.into(), name, sync, store, eraser, seen, problem, wake }))
    }

    /// Carries erasures out until the node stops.
    pub(crate) fn start(&self, stopping: &watch::Receiver<bool>) -> JoinHandle<()> {
        let (this, mut stopping) = (self.clone(), stopping.clone());
        tokio::spawn(async move {
            loop {
                this.blocking(Self::look).await;
                tokio::select! {
                    () = asked(&mut stopping) => break,
                    () = this.0.wake.notified() => {}
                    () = sleep(LOOK) => {}
                }
            }
            this.blocking(|this| {
                if let Some(Err(error)) = lock(&this.0.eraser).as_mut().map(Eraser::rest) {
                    tracing::warn!(%error, "the next start reads more of the journal for erasures");
                }
            })
            .await;
        })
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Self) -> T + Send + 'static) -> Option<T> {
        let this = self.clone();
        spawn_blocking(move || work(&this)).await.ok()
    }

    /// Waits until the keys' disk has failed, and says how.
    pub(crate) async fn failed(&self) -> String {
        let mut look = interval(LOOK_AT_KEYS);
        loop {
            look.tick().await;
            if let Some(reason) = self.0.store.vault.failed() {
                return format!("the keys of persons cannot be kept: {reason}");
            }
        }
    }

    /// Does what can be done now; what is wrong is told once and tried again.
    fn look(&self) {
        let problem = self.step().err().map(|error| sync::words(&error));
        let mut told = lock(&self.0.problem);
        if let Some(problem) = problem.as_ref().filter(|problem| told.as_ref() != Some(*problem)) {
            tracing::error!("erasures do not go on, the shop does: {problem}");
        }
        *told = problem;
    }

    fn step(&self) -> Result<(), StepError> {
        let shared = &*self.0;
        let mut guard = lock(&shared.eraser);
        let eraser = opened(shared, &mut guard)?;
        if eraser.iter().next().is_none() {
            return Ok(());
        }
        let key = files::receipt_key(&shared.data, shared.sync.as_ref())?;
        let around = Around {
            now: shared.store.now(),
            rebuilt_at: shared.store.rebuilt_at,
            key: &key,
            store: shared.name.as_str(),
        };
        let done = eraser.step(&around);
        self.show(eraser);
        done?;
        Ok(())
    }

    fn show(&self, eraser: &Eraser) {
        *lock(&self.0.seen) = eraser.iter().cloned().collect();
    }

    /// Asks for a customer's erasure. Durable when this returns; gives its name.
    pub(crate) async fn request(&self, ask: Ask) -> anyhow::Result<String> {
        let requested = self.blocking(move |this| {
            let shared = &*this.0;
            let mut guard = lock(&shared.eraser);
            let eraser = opened(shared, &mut guard)?;
            let now = shared.store.now();
            let erasure = format!("e-{}-{:08x}", now.0, rand::random::<u32>());
            let asks = match &shared.sync {
                Some(settings) => {
                    sync::ask_of(&shared.data, settings, &ask.customer).map_err(StepError::Hub)?
                }
                None => None,
            };
            let wanted = Wanted {
                erasure: erasure.clone(),
                person: eraser.person(Ok(&ask.customer)),
                asks: asks.into_iter().collect(),
                retain_until: ask.retain_until,
                retention_basis: ask.basis,
                reason: ask.reason,
            };
            eraser.request(wanted, now)?;
            this.show(eraser);
            Ok::<_, StepError>(erasure)
        });
        let erasure = requested.await.context("the node stops")??;
        self.0.wake.notify_one();
        Ok(erasure)
    }

    /// Asks for the erasure of whoever a token of the hub's names. Asked again, nothing changes. `tokens` are those of a customer.
    pub(crate) async fn request_for_hub(
        &self,
        id: Hash,
        token: String,
        tokens: impl Fn(&CustomerRef) -> Vec<String> + Send + 'static,
    ) -> anyhow::Result<()> {
        let requested = self.blocking(move |this| {
            let shared = &*this.0;
            let mut guard = lock(&shared.eraser);
            let eraser = opened(shared, &mut guard)?;
            let erasure = of_hub(&id);
            if eraser.progress(&erasure).is_some() {
                return Ok(());
            }
            let customer = eraser.customer_with_token(&token, tokens)?;
            let wanted = Wanted {
                erasure,
                person: eraser.person(customer.as_ref().ok_or(token.as_str())),
                asks: Vec::new(),
                retain_until: None,
                retention_basis: None,
                reason: None,
            };
            eraser.request(wanted, shared.store.now())?;
            this.show(eraser);
            Ok::<_, StepError>(())
        });
        requested.await.context("the node stops")??;
        self.0.wake.notify_one();
        Ok(())
    }

    /// The receipt of an erasure that the hub has asked for, once all is done.
    pub(crate) fn receipt_for_hub(&self, id: &Hash) -> Option<Vec<u8>> {
        let name = of_hub(id);
        lock(&self.0.seen).iter().find(|it| it.request.erasure == name)?.proof.clone()
    }

    /// Whom the hub of a region has not forgotten yet, of those whose keys are gone.
    pub(crate) fn to_ask(&self, region: &str) -> Vec<Owing> {
        let of = |it: &Progress| {
            let is_open = it.proof.is_none() && !it.hubs.contains_key(region);
            let (_, gone_at) = it.destroyed.as_ref().filter(|_| is_open)?;
            let ask = it.request.asks.iter().find(|ask| ask.region == region)?;
            Some(Owing { erasure: it.request.erasure.clone(), gone_at: *gone_at, tokens: ask.tokens.clone() })
        };
        lock(&self.0.seen).iter().filter_map(of).collect()
    }

    /// Keeps a hub's receipt, which was checked. Durable when this returns.
    pub(crate) async fn hub_erased(
        &self,
        erasure: String,
        region: String,
        proof: Vec<u8>,
    ) -> anyhow::Result<()> {
        let kept = self.blocking(move |this| {
            let shared = &*this.0;
            let mut guard = lock(&shared.eraser);
            let eraser = opened(shared, &mut guard)?;
            eraser.hub_erased(&erasure, &region, proof, shared.store.now())?;
            this.show(eraser);
            Ok::<_, StepError>(())
        });
        kept.await.context("the node stops")??;
        self.0.wake.notify_one();
        Ok(())
    }

    /// How far all are, oldest first.
    pub(crate) fn all(&self) -> Vec<Progress> {
        lock(&self.0.seen).clone()
    }

    /// What keeps them from going on.
    pub(crate) fn problem(&self) -> Option<String> {
        lock(&self.0.problem).clone()
    }
}

async fn asked(stopping: &mut watch::Receiver<bool>) {
    // An error means that the node is as good as gone.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// The name of an erasure that the hub has asked for.
fn of_hub(id: &Hash) -> String {
    format!("hub-{id}")
}

fn opened<'a>(shared: &Shared, slot: &'a mut Option<Eraser>) -> Result<&'a mut Eraser, EraseError> {
    match slot {
        Some(eraser) => Ok(eraser),
        empty => {
            let eraser = Eraser::open(shared.store.journal.clone(), shared.store.vault.clone())?;
            Ok(empty.insert(eraser))
        }
    }
}

/// Why erasures do not go on.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Erase(#[from] EraseError),
    #[error("the hub could not be asked to forget the customer, too: {0}")]
    Hub(String),
    #[error("the key that receipts are signed with cannot be used")]
    Key(#[from] files::FileError),
}

/// Waits for the end of what is under way when the node stops.
pub(crate) async fn ended(task: JoinHandle<()>) {
    if timeout(END_TIMEOUT, task).await.is_err() {
        tracing::warn!("an erasure did not come to a stop in time; it goes on at the next start");
    }
}
