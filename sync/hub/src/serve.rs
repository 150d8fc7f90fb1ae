//! A hub that runs: the database opened, policies in force, stores and people let in.
//!
//! The only wiring. Not here: what the parts do. On the way down stores are told to come again later, then the database is closed.

use crate::{
    Config, Database, HubDesk,
    artefacts::{Artefacts, keep::Keeper},
    callers::Shown,
    console::{self, Console},
    content::Contents,
    database::DatabaseError,
    desk,
    enrol::{self, Door, Office, Patience, warden::Warden},
    fleet::{self, Engine, Wake},
    herald,
    http::{self, Api, Clock, Token, TokenError},
    key::{KeyError, signing_key},
    objects::PlaceError,
    people::{
        self, People,
        oidc::{Oidc, wire::WireError},
        secret::Secret,
    },
    policies::{self, Policies, PolicyFileError},
    presence::Presence,
    recent::Recent,
    relay::{Relay, RelayError},
    secure::{self, Secure},
    telemetry::Telemetry,
};
use aisle_protocol::hub;
use aisle_transport::{
    Credentials,
    server::{self, BindError, Connections, Keys, Server},
    tls::CredentialsError,
};
use prometheus_client::registry::Registry;
use std::{
    future::Future,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::JoinSet,
    time::{Duration, MissedTickBehavior, interval},
};

/// Why a hub does not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The policies.
    #[error(transparent)]
    Policies(#[from] PolicyFileError),
    /// The relay.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The database cannot keep what it says it has: it is not gone on with.
    #[error(
        "the database's disk failed, and what it has kept is not known\nhint: look at the disk; the next start takes up what is whole"
    )]
    Disk,
    /// The place of contents.
    #[error(transparent)]
    Contents(#[from] PlaceError),
    /// The key of receipts.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// What boxes enrol with.
    #[error(transparent)]
    Enrolment(#[from] enrol::OfficeError),
    /// The port where boxes enrol.
    #[error(transparent)]
    Door(#[from] enrol::ListenError),
    /// The way to the identity provider.
    #[error(transparent)]
    Oidc(#[from] WireError),
    /// A certificate or a secret cannot be read.
    #[error("cannot read `{path}` (`{key}`)")]
    Certificate {
        /// The setting.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The certificates cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// An address for stores cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The address for people cannot be listened on, or listening ended.
    #[error("cannot serve HTTP on {address}")]
    Http {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The same over TLS.
    #[error("cannot serve HTTP over TLS on {address} (`listen.https`)")]
    Https {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

/// A hub that listens.
pub struct Running {
    server: Server<HubDesk>,
    listener: TcpListener,
    api: Api,
    http: SocketAddr,
    secure: Option<Secure>,
    config: Config,
    policies: watch::Sender<Arc<Policies>>,
    relay: Option<Relay>,
    warden: Warden,
    engine: Engine,
    enrolling: Option<(Office, Door)>,
    recent: Recent,
    keeper: Keeper,
}

/// How often it is looked what runs out: the hub's own certificate, an issuing authority that was rotated.
const KEEP: Duration = Duration::from_secs(3_600);

impl Running {
    /// Opens everything and listens; nobody is served before [`Running::until`].
    ///
    /// # Errors
    /// When a part cannot be opened; names it.
    pub async fn start(config: &Config) -> Result<Self, ServeError> {
        let database = Database::open(&config.database, &config.bounds).await?;
        for node in &config.nodes {
            database.register_listed(node).await?;
        }
        for relay in &config.relays {
            database.register_relay(relay).await?;
        }
        database.part_all(&config.hub).await?;
        let policies = policies::enforce(config, &database).await?;
        if policies.wanted.is_none() {
            tracing::warn!("no policy is in force: every batch will be refused");
        }
        let policies = watch::Sender::new(Arc::new(policies));
        let mut registry = Registry::default();
        let limits = &config.raw.limits;
        let receipt_key = Arc::new(signing_key(&config.files.receipt_key)?);
        let receipts = receipt_key.verifying_key();
        let counted = Telemetry::register(&mut registry);
        let recent = counted.recent();
        let contents = Contents::new(config.files.contents.open(None)?);
        let artefacts = Artefacts::new(database.clone(), contents.clone(), &config.files.online_keys);
        let keeper = Keeper::register(artefacts.clone(), &mut registry);
        let wake = Wake::default();
        let engine = Engine::new(fleet::Parts {
            database: database.clone(),
            hub: config.hub.clone(),
            receipt_key: receipt_key.clone(),
            metadata: Arc::new(artefacts.clone()),
            wake: wake.clone(),
            clock: Clock::of_machine(),
            settings: fleet::Settings::default(),
        })
        .counted(&mut registry);
        let desk = HubDesk::new(
            desk::Config {
                region: config.region.clone(),
                hub: config.hub.clone(),
                chain: config.chain.clone(),
                checks_together_max: limits.checks_together_max as usize,
                retry_after_ms: limits.retry_after_ms,
                receipt_key,
            },
            database.clone(),
            policies.subscribe(),
            contents,
            counted,
        );
        let people = People::new(
            database.clone(),
            config.hub.clone(),
            config.people,
            people::telemetry::Telemetry::register(&mut registry),
        );
        let desk = desk.with_people(people.clone());
        let (sessions, board) = (desk.sessions(), desk.board());
        let telemetry = enrol::telemetry::Telemetry::register(&mut registry);
        let office = match &config.enrolment {
            None => None,
            Some(enrolment) => {
                let parts = enrol::Parts {
                    people: people.clone(),
                    board: board.clone(),
                    policies: policies.subscribe(),
                    receipt_key: receipts,
                    clock: Arc::new(enrol::now),
                    telemetry: telemetry.clone(),
                };
                Some(Office::open(config, enrolment, parts).await?)
            }
        };
        // Read after the office has perhaps renewed it.
        let credentials = credentials(config)?;
        let machine = hub::Config {
            region: config.region.to_string(),
            hub: config.hub.clone(),
            // What the desk says of it when a node comes counts.
            policy_wanted: None,
            ..hub::Config::default()
        };
        let secure = match config.listen.https {
            None => None,
            Some(address) => {
                let failed = |source| ServeError::Https { address, source };
                Some(Secure::open(address, &credentials, telemetry.callers()).await.map_err(failed)?)
            }
        };
        let bounds = server::Config {
            quic: Some(config.listen.quic),
            tls: config.listen.tls,
            connections_max: limits.connections_max as usize,
            retry_after_ms: limits.retry_after_ms,
            ..server::Config::new(credentials, config.chain.clone(), machine)
        };
        let server = Server::bind(bounds, Arc::new(desk), &mut registry)?;
        let enrolling = match office {
            None => None,
            Some(office) => Some((office.clone(), Door::open(office, Patience::default()).await?)),
        };
        let connections = server.connections();
        let warden = Warden { database: database.clone(), connections, sessions, board, telemetry };
        let relay = match &config.relay {
            None => None,
            Some(relay) => {
                let (database, policies) = (database.clone(), policies.subscribe());
                Some(Relay::open(relay.clone(), &config.hub, database, policies, &mut registry).await?)
            }
        };
        let address = config.listen.http;
        let failed = |source| ServeError::Http { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let http = listener.local_addr().map_err(failed)?;
        let api = Api {
            artefacts,
            database,
            token: Arc::new(Token::from_file(&config.files.token)?),
            enrolment: config.enrolment.clone().map(Arc::new),
            registry: Arc::new(registry),
            is_ready: Arc::new(AtomicBool::new(false)),
            people,
            site: Arc::new(config.site.clone()),
            oidc: oidc(config)?,
            policy_keys: Arc::new(config.policy_keys.clone()),
            clock: Clock::of_machine(),
            wake: wake.clone(),
            policies: policies.subscribe(),
            recent: recent.clone(),
        };
        Ok(Self {
            server,
            listener,
            api,
            http,
            secure,
            config: config.clone(),
            policies,
            relay,
            warden,
            engine,
            enrolling,
            recent,
            keeper,
        })
    }

    /// Where people and programs are served.
    #[must_use]
    pub const fn http_address(&self) -> SocketAddr {
        self.http
    }

    /// Where they are served over TLS.
    #[must_use]
    pub fn https_address(&self) -> Option<SocketAddr> {
        self.secure.as_ref().map(Secure::address)
    }

    /// Where stores call over QUIC.
    #[must_use]
    pub fn quic_address(&self) -> Option<SocketAddr> {
        self.server.quic_address()
    }

    /// Where stores call over TLS.
    #[must_use]
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.server.tls_address()
    }

    /// Where boxes enrol.
    #[must_use]
    pub fn enrolment_address(&self) -> Option<SocketAddr> {
        self.enrolling.as_ref().map(|(_, door)| door.address())
    }

    /// The stores that are connected: who is told something, who is cut.
    #[must_use]
    pub fn connections(&self) -> Connections {
        self.server.connections()
    }

    /// Serves until the future is ready, then goes down in order.
    ///
    /// # Errors
    /// When HTTP cannot be served any more.
    pub async fn until(self, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        let Self {
            server,
            listener,
            api,
            http: address,
            secure,
            config,
            policies,
            relay,
            warden,
            engine,
            enrolling,
            recent,
            keeper,
        } = self;
        let hub = config.hub.clone();
        tracing::info!(
            hub,
            quic = ?server.quic_address(),
            tls = ?server.tls_address(),
            http = %address,
            https = ?secure.as_ref().map(Secure::address),
            enrolment = ?enrolling.as_ref().map(|(_, door)| door.address()),
            database = %api.database.location(),
            "the hub serves"
        );
        let (down, is_down) = watch::channel(false);
        let database = api.database.clone();
        let telling = tokio::spawn(herald::run(database.clone(), server.connections()));
        let watching = tokio::spawn(warden.run(config.ban_look));
        let working = tokio::spawn(engine.run(went_down(is_down.clone())));
        let mut boxes = JoinSet::new();
        boxes.spawn(keeper.run());
        boxes.spawn(Presence::new(database.clone(), hub.clone()).run(server.connections()));
        if let Some((office, door)) = enrolling {
            boxes.spawn(keep(office, server.keys(), secure.as_ref().map(Secure::shown), config.clone()));
            boxes.spawn(door.run(is_down.clone()));
        }
        let ready = api.is_ready.clone();
        ready.store(true, Ordering::Relaxed);
        let console = Console::new(
            console::Parts {
                hub: hub.clone(),
                region: config.region.to_string(),
                api: api.clone(),
                policies: policies.subscribe(),
                recent,
                down: is_down.clone(),
            },
            console::Bounds::default(),
        );
        let interface = console::router(console, http::router(api));
        let secure = secure.map(|secure| tokio::spawn(secure.run(interface.clone(), is_down.clone())));
        let interface = interface.into_make_service_with_connect_info::<SocketAddr>();
        let pages = axum::serve(listener, interface).with_graceful_shutdown(went_down(is_down.clone()));
        let following = {
            let (database, connections, is_down) = (database.clone(), server.connections(), is_down.clone());
            let follow = async move {
                let down = went_down(is_down);
                policies::follow(&config, &database, &policies, &connections, down).await;
            };
            tokio::spawn(follow)
        };
        let relaying = relay.map(|relay| tokio::spawn(relay.run(is_down.clone())));
        let stores = server.run(went_down(is_down));
        let (mut pages, mut stores) = (std::pin::pin!(pages.into_future()), std::pin::pin!(stores));
        let mut served = Ok(());
        let mut gone = false;
        tokio::select! {
            // Nobody is told anything any more: what was promised is not known to have been kept.
            () = database.fails() => return Err(ServeError::Disk),
            () = shutdown => {}
            () = &mut stores => gone = true,
            ended = &mut pages => served = ended,
        }
        ready.store(false, Ordering::Relaxed);
        telling.abort();
        watching.abort();
        boxes.abort_all();
        down.send_replace(true);
        let going_down = async {
            if !gone {
                stores.await;
            }
            // A task that panicked has said so.
            let _ = following.await;
            let _ = working.await;
            if let Some(relaying) = relaying {
                let _ = relaying.await;
            }
            if let Some(secure) = secure {
                let _ = secure.await;
            }
            database.part_all(&hub).await
        };
        tokio::select! {
            () = database.fails() => return Err(ServeError::Disk),
            parted = going_down => parted?,
        }
        database.close().await;
        served.map_err(|source| ServeError::Http { address, source })
    }
}

/// Looks after what runs out, for as long as the hub serves.
async fn keep(office: Office, keys: Keys, people: Option<Shown>, config: Config) {
    let mut look = interval(KEEP);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first is at once, and was done at the start.
    look.tick().await;
    loop {
        look.tick().await;
        let renewed = match office.keep().await {
            Ok(is_new) => is_new,
            Err(error) => {
                tracing::error!(%error, source = ?std::error::Error::source(&error), "the hub's certificate was not looked after");
                continue;
            }
        };
        if !renewed {
            continue;
        }
        let renewed = credentials(&config).map_err(|error| error.to_string()).and_then(|shown| {
            let people = people.as_ref().map_or(Ok(()), |people| secure::renew(people, &shown));
            people.map_err(|error| error.to_string())?;
            keys.renew(&shown).map_err(|error| error.to_string())
        });
        if let Err(error) = renewed {
            tracing::error!(error, "stores and people are shown the old certificate still");
        }
    }
}

async fn went_down(mut down: watch::Receiver<bool>) {
    // A sender that is gone is down as well.
    let _ = down.wait_for(|is_down| *is_down).await;
}

fn oidc(config: &Config) -> Result<Option<Oidc>, ServeError> {
    let Some(mut provider) = config.oidc.clone() else { return Ok(None) };
    if let Some(path) = &config.oidc_secret {
        let text = std::fs::read_to_string(path).map_err(|source| ServeError::Certificate {
            key: "oidc.client_secret_file",
            path: path.clone(),
            source,
        })?;
        provider.client_secret = Some(Secret::given(text.trim()));
    }
    Ok(Some(Oidc::new(provider)?))
}

fn credentials(config: &Config) -> Result<Credentials, ServeError> {
    let read = |key, path: &Path| {
        std::fs::read(path).map_err(|source| ServeError::Certificate { key, path: path.to_owned(), source })
    };
    let files = &config.files;
    let chain = read("tls.certificate", &files.certificate)?;
    let key = read("tls.key", &files.key)?;
    let roots = read("tls.roots", &files.roots)?;
    Ok(Credentials::from_pem(&chain, &key, &roots)?)
}
