//! The relay: what this hub holds of its stores goes on to a hub above, through the same gate again.
//!
//! ```text
//! logs of a store ─ Gate::relay ─ Draft, Batch::seal ─> relay_batches (database) ─> Shelf ─> aisle_transport::Client ─> hub above
//!        ▲                                                    │
//!   relay_cursors <──────────── one transaction, under a lease ┘
//! ```
//!
//! For the hub above a relay is a node like any other, with one connection for each store: it keeps the store's log as the store's, with
//! receipts by the relay's key. Any hub on the database may relay any store: a lease says which one does, and whoever lost it changes nothing.
//! What is sealed and how far was gone through for it are in the database, so they survive this process, and go back with it when it is
//! restored: then a new epoch begins, and the hub above knows again what it has.
//!
//! Not here: what the database keeps ([`crate::database`]), what may go on (`aisle-residency`), how it is sent (`aisle-transport`).
//! Guards invariants 1, 3 and 6.

mod lane;
mod secrets;
mod session;
mod shelf;
mod telemetry;

pub use secrets::{SecretError, Secrets};

use crate::{
    Database,
    config::Relay as Config,
    database::{DatabaseError, relay::Lease},
    policies::Policies,
};
use aisle_event::StoreId;
use aisle_residency::{Gate, signing::VerifyingKey};
use aisle_transport::{
    Credentials,
    identity::Relay as Name,
    tls::{CredentialsError, NameError},
};
use lane::Terms;
use prometheus_client::registry::Registry;
use session::Session;
use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use telemetry::Telemetry;
use tokio::{sync::watch, task::JoinSet};

/// A store whose relay failed is left alone for so long.
const REST: Duration = Duration::from_secs(5);

/// Why there is no relay.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// A file cannot be read.
    #[error("cannot read `{path}` (`{key}`)")]
    File {
        /// The setting.
        key: &'static str,
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The certificates cannot be used.
    #[error("the certificates of the relay cannot be used")]
    Credentials(#[from] CredentialsError),
    /// The certificate names no relay.
    #[error("`relay.certificate` is of no relay\nhint: its one URI is `spiffe://CHAIN/relay/NAME`")]
    Name(#[from] NameError),
    /// There is no secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Another hub on this database has another secret.
    #[error(
        "`relay.secret_file` gives the key {found:?}, and batches in this database were signed with {kept:?}\nhint: all hubs on one database have the same secret; copy it from the first one"
    )]
    OtherKey {
        /// What the file gives.
        found: VerifyingKey,
        /// What was used.
        kept: VerifyingKey,
    },
    /// The database could not.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// What the relay of every store needs.
struct Parts {
    config: Config,
    name: Name,
    credentials: Credentials,
    secrets: Secrets,
    database: Database,
    policies: watch::Receiver<Arc<Policies>>,
    telemetry: Telemetry,
}

impl Parts {
    /// The gate for a store by the policy that is in force, or why there is none.
    fn gate(&self, store: &StoreId) -> Result<Gate, String> {
        let policies = self.policies.borrow().clone();
        let Some(policy) = policies.in_force() else { return Err("no policy is in force".into()) };
        let keys = self.secrets.token_keys(policy, &self.config.region, store);
        Gate::new(policy, &self.config.region, keys).map_err(|error| error.to_string())
    }

    const fn terms<'a>(&'a self, lease: &'a Lease) -> Terms<'a> {
        Terms {
            database: &self.database,
            lease,
            lease_ms: self.config.lease_ms,
            region: &self.config.region,
            key: &self.secrets.key,
        }
    }
}

/// The relay of this process.
pub struct Relay {
    parts: Arc<Parts>,
    hub: String,
}

impl Relay {
    /// Reads what it needs. Nothing is relayed before [`Relay::run`].
    ///
    /// # Errors
    /// When a file cannot be used, or other hubs on the database have another secret.
    pub async fn open(
        config: Config,
        hub: &str,
        database: Database,
        policies: watch::Receiver<Arc<Policies>>,
        registry: &mut Registry,
    ) -> Result<Self, RelayError> {
        let credentials = credentials(&config)?;
        let name = credentials.relay()?;
        let secrets = Secrets::open(&config.secret, config.token_secret.as_deref())?;
        let found = secrets.key.verifying_key();
        let kept = database.relay_key(&found).await?;
        if kept != found {
            return Err(RelayError::OtherKey { found, kept });
        }
        let telemetry = Telemetry::register(registry);
        let parts = Parts { config, name, credentials, secrets, database, policies, telemetry };
        Ok(Self { parts: Arc::new(parts), hub: hub.to_owned() })
    }

    /// Relays until the hub goes down, and gives its leases back.
    pub async fn run(self, mut down: watch::Receiver<bool>) {
        let mut sessions = JoinSet::new();
        let mut busy: HashMap<StoreId, Option<Instant>> = HashMap::new();
        while !*down.borrow() {
            while let Some(ended) = sessions.try_join_next() {
                if let Ok((store, has_failed)) = ended {
                    let until = Instant::now() + REST;
                    if has_failed {
                        busy.insert(store, Some(until))
                    } else {
                        busy.remove(&store)
                    };
                }
            }
            busy.retain(|_, until| until.is_none_or(|until| until > Instant::now()));
            if let Err(error) = self.begin(&mut sessions, &mut busy, &down).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "it is not known what is to be relayed"
                );
            }
            tokio::select! {
                () = tokio::time::sleep(self.parts.config.every) => {}
                () = went_down(&mut down) => break,
            }
        }
        while sessions.join_next().await.is_some() {}
    }

    async fn begin(
        &self,
        sessions: &mut JoinSet<(StoreId, bool)>,
        busy: &mut HashMap<StoreId, Option<Instant>>,
        down: &watch::Receiver<bool>,
    ) -> Result<(), DatabaseError> {
        let parts = &self.parts;
        let free = parts.config.stores_max.saturating_sub(sessions.len());
        if free == 0 {
            return Ok(());
        }
        let rows_max = u32::try_from(free.saturating_add(busy.len())).unwrap_or(u32::MAX);
        let waiting = parts.database.relay_waiting(&self.hub, parts.config.lease_ms, rows_max).await?;
        let mut free = free;
        for (store, region) in waiting {
            if free == 0 || busy.contains_key(&store) {
                continue;
            }
            let lease = parts.database.relay_lease(&store, &self.hub, parts.config.lease_ms).await?;
            let Some(lease) = lease else { continue };
            free -= 1;
            let (parts, down) = (parts.clone(), down.clone());
            busy.insert(store.clone(), None);
            sessions.spawn(async move {
                let telemetry = parts.telemetry.clone();
                let ended = async {
                    match Session::open(parts, lease, &region).await? {
                        Some(session) => session.run(down).await,
                        None => Ok(()),
                    }
                };
                let ended: Result<(), session::SessionError> = ended.await;
                if let Err(error) = &ended {
                    telemetry.failed(&store, error);
                }
                (store, ended.is_err())
            });
        }
        Ok(())
    }
}

async fn went_down(down: &mut watch::Receiver<bool>) {
    // A sender that is gone is down as well.
    let _ = down.wait_for(|is_down| *is_down).await;
}

fn credentials(config: &Config) -> Result<Credentials, RelayError> {
    let read = |key, path: &PathBuf| {
        std::fs::read(path).map_err(|source| RelayError::File { key, path: path.clone(), source })
    };
    let chain = read("relay.certificate", &config.certificate)?;
    let key = read("relay.key", &config.key)?;
    let roots = read("relay.roots", &config.roots)?;
    Ok(Credentials::from_pem(&chain, &key, &roots)?)
}
