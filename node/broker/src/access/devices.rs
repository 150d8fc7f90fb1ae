//! The devices of the store: loaded, watched, asked.
//!
//! A password check costs milliseconds and megabytes on purpose, so it runs on a few blocking threads behind a bounded queue, and
//! its success is remembered under a key that this process alone knows. A failure takes as long for a device that does not exist.
//!
//! Guards invariant 6 (threads, queue and memory are bounded) and the rule that a broken edit locks nobody out.

use super::{
    backoff::Backoff,
    config::AccessConfig,
    file,
    identity::{Identity, Proof},
    password::{self, PASSWORD_BYTES_MAX},
    recent::Recent,
    rights::{RightsError, check_level},
    table::{Entry, Table},
    telemetry::Metrics,
};
use crate::{
    access::Rights,
    transport::{CertificateIdentity, Stamp},
};
use arc_swap::{ArcSwap, ArcSwapOption};
use argon2::PasswordHash;
use prometheus_client::registry::Registry;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::{Semaphore, watch};

/// How often the file is looked at.
const POLL: Duration = Duration::from_secs(1);

/// How long it must have stayed as it is before it is read.
const SETTLED: Duration = Duration::from_millis(100);

/// No device's id is as long; failures are not counted by longer names.
const USER_BYTES_MAX: usize = 256;

/// The devices of the store. Clones share them.
#[derive(Debug, Clone)]
pub struct Devices(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    store: String,
    config: AccessConfig,
    table: ArcSwap<Table>,
    problem: ArcSwapOption<String>,
    seen: Mutex<Option<Stamp>>,
    changes: watch::Sender<u64>,
    /// Verified pairs, as digests under `key`.
    known: Mutex<Recent<[u8; 32], ()>>,
    key: [u8; 32],
    backoff: Mutex<Backoff>,
    waiting: Arc<Semaphore>,
    checking: Arc<Semaphore>,
    unmatchable: Option<PasswordHash>,
    metrics: Metrics,
}

/// Why the devices cannot be opened at all. A broken file is no such reason: see [`Devices::problem`].
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store's id would be more or less than one level of a topic.
    #[error(
        "`store.id` is `{store}`: {reason}\nhint: it stands for `%store%` in topics; use letters, digits, `-`, `_` and `.`"
    )]
    Store {
        /// The id.
        store: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// What anonymous clients may do is written wrong.
    #[error("`mqtt.anonymous` cannot be granted")]
    Anonymous(#[source] RightsError),
}

/// Why a client is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such device, or not its password, or not a certificate that it may use.
    #[error("unknown device or wrong credentials")]
    Credentials,
    /// The certificate is of a device of another store.
    #[error("the certificate is for a device of another store")]
    OtherStore,
    /// The credentials are right, but the device was disabled.
    #[error("the device is disabled")]
    Disabled,
    /// Too many wrong passwords in a row.
    #[error("too many wrong passwords; try again in {} s", retry_after.as_secs() + 1)]
    TooSoon {
        /// How long further attempts are refused unchecked.
        retry_after: Duration,
    },
    /// Too many clients wait for their password to be checked.
    #[error("too many clients are logging in; try again")]
    Busy,
    /// No credentials were given, and they are asked for.
    #[error("credentials are needed")]
    Anonymous,
    /// An anonymous client's id belongs to a device, or is no level of a topic.
    #[error("this client id needs credentials or cannot be used")]
    ClientId,
}

impl Devices {
    /// Opens the credentials file. Without one there are no devices; with a broken one there are none until it is mended, so
    /// that the rest of the node runs.
    ///
    /// # Errors
    /// When the store's id or the rights of anonymous clients cannot be.
    pub fn open(
        path: PathBuf,
        store: &str,
        config: AccessConfig,
        registry: &mut Registry,
    ) -> Result<Self, OpenError> {
        check_level(store).map_err(|reason| OpenError::Store { store: store.into(), reason })?;
        if let Some(anonymous) = &config.anonymous {
            Rights::new(&anonymous.publish, &anonymous.subscribe, "client", store)
                .map_err(OpenError::Anonymous)?;
        }
        let devices = Self(Arc::new(Shared {
            path,
            store: store.into(),
            table: ArcSwap::default(),
            problem: ArcSwapOption::empty(),
            seen: Mutex::default(),
            changes: watch::Sender::new(0),
            known: Mutex::new(Recent::new(config.passwords_remembered_max)),
            key: rand::random(),
            backoff: Mutex::new(Backoff::new(
                config.failures_remembered_max,
                config.failures_free,
                Duration::from_millis(config.failure_wait_max_ms),
            )),
            waiting: Arc::new(Semaphore::new(
                config.password_checks() + config.password_checks_waiting_max.min(Semaphore::MAX_PERMITS / 2),
            )),
            checking: Arc::new(Semaphore::new(config.password_checks())),
            unmatchable: password::unmatchable(),
            metrics: Metrics::register(registry),
            config,
        }));
        devices.reload();
        Ok(devices)
    }

    /// Reads the file again whenever it changes; looks once a second, and never ends.
    pub async fn watch(self) {
        let mut poll = tokio::time::interval(POLL);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            poll.tick().await;
            let stamp = Stamp::of(&self.0.path);
            if stamp == *lock(&self.0.seen) {
                continue;
            }
            // An editor may empty a file before it writes it: half of a list would send everybody else away.
            tokio::time::sleep(SETTLED).await;
            if stamp == Stamp::of(&self.0.path) {
                let devices = self.clone();
                // Its result is in `problem`; it can only be cancelled with the runtime.
                drop(tokio::task::spawn_blocking(move || devices.reload()).await);
            }
        }
    }

    /// Reads the file now. Gives whether it could be read; when not, what it said before holds.
    pub fn reload(&self) -> bool {
        let shared = &*self.0;
        // The stamp is older than the text, so a change between the two is seen next time.
        let mut seen = lock(&shared.seen);
        *seen = Stamp::of(&shared.path);
        let table = file::read(&shared.path).and_then(|text| {
            text.map_or_else(|| Ok(Table::default()), |text| Table::parse(&shared.path, &text, &shared.store))
        });
        match table {
            Ok(table) => {
                shared.metrics.loaded(&shared.path, table.len());
                shared.table.store(Arc::new(table));
                shared.problem.store(None);
                shared.changes.send_modify(|version| *version += 1);
                true
            }
            Err(error) => {
                shared.metrics.broken(&shared.path, &error);
                shared.problem.store(Some(Arc::new(error.to_string())));
                false
            }
        }
    }

    /// Reads the file now if it has changed. Gives whether it had.
    pub async fn reload_if_changed(&self) -> bool {
        if Stamp::of(&self.0.path) == *lock(&self.0.seen) {
            return false;
        }
        let devices = self.clone();
        // It can only be cancelled with the runtime.
        tokio::task::spawn_blocking(move || devices.reload()).await.unwrap_or(false)
    }

    /// What is wrong with the file as it is now.
    pub fn problem(&self) -> Option<Arc<String>> {
        self.0.problem.load_full()
    }

    /// Counts the changes of the file that were taken over. After each, [`Devices::renew`] says who must go.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// How many devices are listed.
    pub fn count(&self) -> usize {
        self.0.table.load().len()
    }

    /// The same client by what the file says now; `None` when it would no longer be let in.
    pub fn renew(&self, identity: &Identity) -> Option<Identity> {
        let table = self.0.table.load();
        match &identity.entry {
            Some(then) => {
                let now = table.get(&then.id).filter(|now| then.same_credentials(now, identity.proof))?;
                Some(table.identity(now, identity.proof))
            }
            None => (!table.owns(&identity.device)).then(|| identity.clone()),
        }
    }

    /// Lets in a device by its password, as soon as that has been checked.
    ///
    /// Dropping the future gives up the place in the queue; a check that has begun runs to its end, and its success is
    /// remembered for the next attempt.
    pub async fn verify(&self, user: &str, password: &[u8]) -> Result<Identity, Refused> {
        let refused = |reason| Err(self.0.metrics.refused(user, reason));
        if user.len() > USER_BYTES_MAX || password.len() > PASSWORD_BYTES_MAX {
            return refused(Refused::Credentials);
        }
        let entry = self.0.table.load().get(user).cloned();
        if let Some(entry) = &entry
            && self.0.is_known(entry, password)
        {
            return self.let_in(entry, Proof::Password);
        }
        if let Some(retry_after) = lock(&self.0.backoff).wait(user, Instant::now()) {
            return refused(Refused::TooSoon { retry_after });
        }
        let Ok(place) = self.0.waiting.clone().try_acquire_owned() else {
            return refused(Refused::Busy);
        };
        let waiting = Waiting::new(&self.0.metrics);
        let Ok(turn) = self.0.checking.clone().acquire_owned().await else {
            return refused(Refused::Busy);
        };
        let (shared, user_, password) = (self.0.clone(), user.to_owned(), password.to_vec());
        let checked = tokio::task::spawn_blocking(move || {
            let _held = (place, turn, waiting);
            shared.check(&user_, entry, &password)
        });
        match checked.await {
            Ok(Some(entry)) => self.let_in(&entry, Proof::Password),
            Ok(None) => refused(Refused::Credentials),
            Err(_stopping) => refused(Refused::Busy),
        }
    }

    /// Lets in a device by a certificate that the store's authority has signed. One that names a store has to name this one.
    pub fn by_certificate(&self, certificate: &CertificateIdentity) -> Result<Identity, Refused> {
        let name = certificate.device().unwrap_or_default();
        // One authority may vouch for many stores, and a device of each may have the same name.
        if certificate.store().is_some_and(|store| store != self.0.store) {
            return Err(self.0.metrics.refused(name, Refused::OtherStore));
        }
        let entry = self.0.table.load().get(name).filter(|entry| entry.certificate).cloned();
        match entry {
            Some(entry) => self.let_in(&entry, Proof::Certificate),
            None => Err(self.0.metrics.refused(name, Refused::Credentials)),
        }
    }

    /// Lets in a client without credentials, where that is allowed, under a client id that is no device's.
    pub fn anonymous(&self, client_id: &str) -> Result<Identity, Refused> {
        let refused = |reason| Err(self.0.metrics.refused(client_id, reason));
        let Some(anonymous) = &self.0.config.anonymous else {
            return refused(Refused::Anonymous);
        };
        if check_level(client_id).is_err() || self.0.table.load().owns(client_id) {
            return refused(Refused::ClientId);
        }
        match Rights::new(&anonymous.publish, &anonymous.subscribe, client_id, &self.0.store) {
            Ok(rights) => {
                self.0.metrics.let_in(Proof::Nothing);
                Ok(Identity {
                    device: client_id.to_owned(),
                    rights,
                    proof: Proof::Nothing,
                    entry: None,
                    nested: Box::default(),
                })
            }
            // The patterns are right; a long client id made one too long.
            Err(_too_long) => refused(Refused::ClientId),
        }
    }

    /// Settles what the file says at this moment, which may be later than when the check began.
    fn let_in(&self, then: &Arc<Entry>, proof: Proof) -> Result<Identity, Refused> {
        let table = self.0.table.load();
        match table.get(&then.id) {
            Some(now) if now.enabled && then.same_credentials(now, proof) => {
                self.0.metrics.let_in(proof);
                Ok(table.identity(now, proof))
            }
            Some(now) if !now.enabled => Err(self.0.metrics.refused(&then.id, Refused::Disabled)),
            _ => Err(self.0.metrics.refused(&then.id, Refused::Credentials)),
        }
    }
}

impl Shared {
    /// On a blocking thread. Gives the entry whose password it is.
    fn check(&self, user: &str, entry: Option<Arc<Entry>>, password: &[u8]) -> Option<Arc<Entry>> {
        let began = Instant::now();
        let hash = entry.as_ref().and_then(|entry| entry.password.as_ref()).map(|password| &password.hash);
        let right = hash.or(self.unmatchable.as_ref()).is_some_and(|hash| password::matches(password, hash));
        self.metrics.checked(began.elapsed());
        let found = entry.filter(|_| right);
        match found.as_ref().and_then(|entry| self.digest(entry, password)) {
            Some(digest) => {
                lock(&self.known).insert(digest, ());
                lock(&self.backoff).succeeded(user);
            }
            None => lock(&self.backoff).failed(user, Instant::now()),
        }
        found
    }

    fn is_known(&self, entry: &Entry, password: &[u8]) -> bool {
        self.digest(entry, password).is_some_and(|digest| lock(&self.known).get(&digest).is_some())
    }

    /// Stands for the pair and for the hash it was checked against: a new password in the file makes it worthless.
    fn digest(&self, entry: &Entry, password: &[u8]) -> Option<[u8; 32]> {
        let hash = entry.password.as_ref()?.text.as_bytes();
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in [entry.id.as_bytes(), hash, password] {
            hasher.update(&part.len().to_le_bytes()).update(part);
        }
        Some(hasher.finalize().into())
    }
}

/// One client more in the queue, until dropped.
struct Waiting(Metrics);

impl Waiting {
    fn new(metrics: &Metrics) -> Self {
        metrics.waiting.inc();
        Self(metrics.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.dec();
    }
}

/// What is behind these locks is whole between any two statements, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
