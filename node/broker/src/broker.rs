//! [`Broker`]: opened from the journal, started, listened with, looked at, closed.

use crate::{
    access::{Devices, Identity, Refused},
    clock::{Clock, Moment, Timeline},
    config::{Config, InvalidConfig, Limits},
    connection::{Ending, Rate, refusal},
    core::{Core, Overview, RetainedView, SessionView},
    driver::{Registry as Present, wire},
    image::{self, Image, LAYOUT},
    op::Op,
    packet::{Connack, Connect, Malformed, Reason},
    sequence::Sequence,
    store::Store,
    telemetry::{self, Metrics},
    topic::Filter,
    transport::{Accepted, CertificateIdentity, Door, ListenError, Listeners, Transport},
};
use aisle_event::mqtt::MqttSessionEnd;
use aisle_journal::{Journal, OnCorruption, QuarantineError, ReadError};
use aisle_state::snapshot_file::SnapshotFiles;
use bytestring::ByteString;
use prometheus_client::registry::Registry;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinSet;

/// Checkpoints that are kept.
const CHECKPOINTS_MAX: usize = 2;
/// How often it is looked whether a checkpoint is due.
const CHECKPOINT_POLL: Duration = Duration::from_secs(5);
/// A checkpoint is also due after so many of those looks with anything new.
const CHECKPOINT_POLLS_MAX: u32 = 60;
/// How long clients may take to leave when the broker closes.
const FAREWELL: Duration = Duration::from_secs(5);
/// More sockets than clients, for those who have not said yet who they are.
const SOCKETS_PER_CLIENT: usize = 2;

/// Why the broker could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting was refused.
    #[error("the broker's configuration was refused")]
    Config(#[from] InvalidConfig),
    /// The credentials cannot be used.
    #[error(transparent)]
    Access(#[from] crate::access::OpenError),
    /// The directory for checkpoints cannot be used.
    #[error("cannot use `{path}`")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The journal cannot be read.
    #[error("cannot replay the journal")]
    Journal(#[from] ReadError),
}

/// What was found at the opening.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened {
    /// The last record in the checkpoint that was used; 0 without one.
    pub checkpoint: u64,
    /// Records of the broker that were applied after it.
    pub replayed: u64,
    /// Records of the broker that do not decode.
    pub undecodable: u64,
    /// Records that the journal could not give because they were damaged.
    pub lost: u64,
    /// Checkpoints that could not be used, and why.
    pub passed_over: Vec<String>,
}

/// What all tasks of the broker share.
pub(crate) struct Shared {
    pub(crate) sequence: Sequence,
    pub(crate) registry: Arc<Present>,
    pub(crate) devices: Devices,
    config: Config,
    files: SnapshotFiles,
    pub(crate) next_conn: AtomicU64,
    /// QoS 0 messages that slow clients lost.
    pub(crate) dropped: Arc<AtomicU64>,
    /// QoS 0 messages that were refused.
    pub(crate) refused: AtomicU64,
    /// Times that a client had to wait for the journal.
    pub(crate) held: AtomicU64,
    sockets: AtomicU64,
    arrivals: Mutex<Rate>,
    metrics: Metrics,
    checkpointed: AtomicU64,
}

/// The broker. Clones are one broker.
#[derive(Clone)]
pub struct Broker(pub(crate) Arc<Shared>);

/// The broker's tasks. They end when this is dropped.
#[derive(Debug)]
pub struct Running {
    _tasks: JoinSet<()>,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker").finish_non_exhaustive()
    }
}

impl Broker {
    /// Opens the broker: latest checkpoint, then the records after it. Blocks for as long as that takes.
    ///
    /// `data` is the node's directory; the broker uses `mqtt/` in it. `record_bytes_max` is the journal's.
    ///
    /// # Errors
    /// When a setting is refused, or what is on disk cannot be read.
    pub fn open(
        data: &Path,
        store: &str,
        config: Config,
        record_bytes_max: usize,
        journal: Journal,
        registry: &mut Registry,
    ) -> Result<(Self, Opened), OpenError> {
        config.validate(record_bytes_max)?;
        let dir = data.join("mqtt");
        std::fs::create_dir_all(&dir).map_err(|source| OpenError::Directory { path: dir.clone(), source })?;
        let devices =
            Devices::open(data.join(crate::access::DEVICES_FILE), store, config.access(), registry)?;
        let registry = registry.sub_registry_with_prefix("mqtt");
        let files = SnapshotFiles {
            dir: dir.clone(),
            name: "sessions",
            journal: journal.id(),
            layout: LAYOUT,
            files_max: CHECKPOINTS_MAX,
        };
        let (state, opened, last) = recover(&files, &journal, config.limits);
        let state = state?;
        let clock = Clock::start(last);
        let mut core = Core::new(state);
        core.recover(clock.now_ms());
        let sequence = Sequence::new(journal, clock, core);
        let arrivals = Mutex::new(Rate::new(config.limits.connections_per_s_max, clock.now_ms()));
        let shared = Arc::new(Shared {
            sequence,
            registry: Arc::default(),
            devices,
            files,
            next_conn: AtomicU64::new(1),
            dropped: Arc::default(),
            refused: AtomicU64::new(0),
            held: AtomicU64::new(0),
            sockets: AtomicU64::new(0),
            arrivals,
            metrics: Metrics::register(registry),
            checkpointed: AtomicU64::new(opened.checkpoint),
            config,
        });
        telemetry::collect(&shared, registry);
        telemetry::Opening { opened: &opened }.emit();
        Ok((Self(shared), opened))
    }

    /// Starts the broker's tasks, within a tokio runtime.
    #[must_use]
    pub fn start(&self) -> Running {
        let mut tasks = JoinSet::new();
        let shared = self.0.clone();
        // Those who were there when the node went.
        shared.sequence.with_core(|_| ());
        tasks.spawn(async move { shared.sequence.route().await });
        let shared = self.0.clone();
        tasks.spawn(async move { shared.sequence.retry().await });
        let shared = self.0.clone();
        tasks.spawn(async move { shared.sequence.tick().await });
        let broker = self.clone();
        tasks.spawn(async move { broker.checkpoints().await });
        let broker = self.clone();
        tasks.spawn(async move { broker.publish_sys().await });
        tasks.spawn(self.0.devices.clone().watch());
        Running { _tasks: tasks }
    }

    /// Binds what the configuration says. Clients come in once [`Listeners::run`] is given this broker's [`Self::door`].
    ///
    /// # Errors
    /// Names the key that cannot be fulfilled.
    pub fn bind(&self, data: &Path, registry: &mut Registry) -> Result<Listeners, ListenError> {
        Listeners::bind(&self.0.config.transport(), data, registry)
    }

    /// Where clients go once they are reached.
    #[must_use]
    pub fn door(&self) -> Arc<dyn Door> {
        Arc::new(Entrance(self.0.clone()))
    }

    /// Sends everybody away, waits for them to be gone, and writes a checkpoint.
    pub async fn close(&self) {
        self.0.registry.close_all(Reason::SERVER_SHUTTING_DOWN, "the node stops");
        let gone = async {
            while self.0.registry.len() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(FAREWELL, gone).await.is_err() {
            tracing::warn!(clients = self.0.registry.len(), "some clients did not leave in time");
        }
        self.checkpoint().await;
    }

    /// The broker in numbers.
    #[must_use]
    pub fn overview(&self) -> Overview {
        self.0.sequence.core().overview()
    }

    /// Sessions by client identifier, those after `after`, at most `count`.
    #[must_use]
    pub fn sessions(&self, after: &str, count: usize) -> Vec<SessionView> {
        let mut sessions = self.0.sequence.core().sessions(after, count);
        for session in &mut sessions {
            session.connection = self.0.registry.view(&session.client);
        }
        sessions
    }

    /// Retained messages under a filter, in order of topic, those after `after`, at most `count`.
    #[must_use]
    pub fn retained(&self, filter: &Filter, after: &str, count: usize) -> Vec<RetainedView> {
        let now_ms = self.0.sequence.clock.now_ms();
        self.0.sequence.core().retained(filter, after, count, now_ms)
    }

    /// Sends a client away, and removes its session when asked to; comes back when that is durable. False when there is neither.
    pub async fn kick(&self, client: &str, remove_session: bool) -> bool {
        const POLL: Duration = Duration::from_millis(5);
        let key = || self.0.sequence.core().store.by_client.get(client).copied();
        let session = key();
        let was_there =
            self.0.registry.close(client, Reason::ADMINISTRATIVE_ACTION, "sent away by an administrator");
        if remove_session && session.is_some() {
            while self.0.registry.view(client).is_some() {
                tokio::time::sleep(POLL).await;
            }
            // A clean session has gone with its connection, and the client may be back with another.
            if key() == session {
                let op = Op::Ended {
                    client: ByteString::from(client),
                    reason: MqttSessionEnd::Removed,
                    opened: None,
                };
                self.0.sequence.submit_ops(vec![op].into());
            }
            while key() == session {
                tokio::time::sleep(POLL).await;
            }
        }
        was_there || remove_session && session.is_some()
    }

    /// Sends away every client that came in by a certificate of this device, under whatever identifier; what is kept of their sessions stays, for one
    /// that comes by another credential. Those that came by its password are not meant. Gives how many there were.
    pub fn close_certified(&self, device: &str) -> usize {
        self.0.registry.close_certified(device, Reason::NOT_AUTHORIZED, "its certificate was taken back")
    }

    /// The last record that a checkpoint holds: the journal may be trimmed below it.
    #[must_use]
    pub fn checkpointed(&self) -> u64 {
        self.0.checkpointed.load(Ordering::Acquire)
    }

    /// The bounds.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.0.limits()
    }

    /// What is wrong with the credentials file, if anything.
    #[must_use]
    pub fn devices_problem(&self) -> Option<Arc<String>> {
        self.0.devices.problem()
    }

    async fn checkpoints(&self) {
        let mut polls = 0;
        loop {
            tokio::time::sleep(CHECKPOINT_POLL).await;
            polls += 1;
            let new = self.0.sequence.core().store.applied.saturating_sub(self.checkpointed());
            if new >= self.0.config.checkpoint_every_records || new > 0 && polls >= CHECKPOINT_POLLS_MAX {
                self.checkpoint().await;
                polls = 0;
            }
        }
    }

    /// Writes a checkpoint if there is anything new.
    pub async fn checkpoint(&self) {
        let image = Image::of(&self.0.sequence.core().store);
        if image.applied <= self.checkpointed() {
            return;
        }
        let shared = self.0.clone();
        let written = tokio::task::spawn_blocking(move || {
            let written = shared.files.write(image.applied, &image.encode());
            telemetry::Checkpointed { applied: image.applied, written: &written }.emit(&shared.metrics);
            if written.is_ok() {
                shared.checkpointed.store(image.applied, Ordering::Release);
            }
        });
        // A panic was reported; the next one may go better.
        drop(written.await);
    }

    async fn publish_sys(&self) {
        let interval = Duration::from_secs(self.0.config.sys_interval_s.into());
        if interval.is_zero() {
            return;
        }
        let started = std::time::Instant::now();
        loop {
            let overview = self.overview();
            let now_ms = self.0.sequence.clock.now_ms();
            let values = crate::sys::values(&overview, started.elapsed());
            self.0.sequence.with_core(|core| {
                values.into_iter().for_each(|(topic, value)| core.publish_sys(topic, value, now_ms));
            });
            tokio::time::sleep(interval).await;
        }
    }
}

impl Shared {
    pub(crate) fn limits(&self) -> Limits {
        self.config.limits
    }

    /// Finds out who a client is, and its identifier.
    pub(crate) async fn identify(
        &self,
        connect: &Connect,
        certificate: Option<&CertificateIdentity>,
    ) -> Result<(Identity, ByteString), Connack> {
        // Who is there already may come again: its old connection makes room. Those for whom there is none use nothing up of the
        // rate, which is then left for who comes again.
        let full = self.registry.outsiders() >= self.config.limits.connections_max;
        if full && !self.registry.holds(&connect.client_id) {
            return Err(refusal(Reason::SERVER_BUSY, "too many clients are there"));
        }
        let now_ms = self.sequence.clock.now_ms();
        if self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).take(1, now_ms) > 0 {
            return Err(refusal(Reason::CONNECTION_RATE_EXCEEDED, "too many clients come at once"));
        }
        let chosen = |device: Option<&str>| match device {
            _ if !connect.client_id.is_empty() => ByteString::from(&*connect.client_id),
            Some(device) => format!("{device}-{:016x}", rand::random::<u64>()).into(),
            None => format!("auto-{:016x}", rand::random::<u64>()).into(),
        };
        if connect.username.is_none() && certificate.is_none() {
            let client = chosen(None);
            let identity = self.devices.anonymous(&client).map_err(refused_identity)?;
            return Ok((identity, client));
        }
        let show = async || match (&connect.username, certificate) {
            (Some(user), _) => {
                let password = connect.password.as_deref().unwrap_or_default();
                self.devices.verify(user, password).await
            }
            (None, Some(certificate)) => self.devices.by_certificate(certificate),
            (None, None) => Err(Refused::Anonymous),
        };
        let shown = match show().await {
            // A device that was added a moment ago need not wait until the file is looked at again.
            Err(Refused::Credentials) if self.devices.reload_if_changed().await => show().await,
            shown => shown,
        };
        let identity = shown.map_err(refused_identity)?;
        let client = chosen(Some(&identity.device));
        Ok((identity, client))
    }

    pub(crate) fn no_connect(&self) {
        self.metrics.no_connect();
    }

    pub(crate) fn refused_connect(&self, client: &str, peer: SocketAddr, connack: &Connack) {
        telemetry::Refusing { client, peer, connack }.emit(&self.metrics);
    }

    pub(crate) fn malformed(&self, malformed: &Malformed) {
        self.metrics.malformed(malformed);
    }

    pub(crate) fn throttled(&self) {
        self.metrics.throttled();
    }

    pub(crate) fn ended(&self, ending: &Ending) {
        self.metrics.ended(ending);
    }
}

fn refused_identity(refused: Refused) -> Connack {
    let reason = match refused {
        Refused::Credentials => Reason::BAD_USER_NAME_OR_PASSWORD,
        Refused::Disabled | Refused::OtherStore | Refused::Anonymous => Reason::NOT_AUTHORIZED,
        Refused::TooSoon { .. } => Reason::CONNECTION_RATE_EXCEEDED,
        Refused::Busy => Reason::SERVER_BUSY,
        Refused::ClientId => Reason::CLIENT_IDENTIFIER_NOT_VALID,
    };
    Connack { reason, reason_string: Some(refused.to_string().into()), ..Connack::default() }
}

/// The door for clients over sockets.
struct Entrance(Arc<Shared>);

impl Door for Entrance {
    fn admits(&self, _peer: SocketAddr, _transport: Transport, under_way: usize) -> bool {
        let max = self.0.config.limits.connections_max.saturating_mul(SOCKETS_PER_CLIENT);
        let sockets = self.0.sockets.load(Ordering::Relaxed).saturating_add(under_way as u64);
        let admitted = sockets < max as u64;
        if !admitted {
            self.0.metrics.too_many_sockets();
        }
        admitted
    }

    fn enter(&self, accepted: Accepted) {
        let shared = self.0.clone();
        shared.sockets.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            let counted = Socket(shared.clone());
            wire::serve(shared, accepted).await;
            drop(counted);
        });
    }
}

/// Counts a socket for as long as it is served.
struct Socket(Arc<Shared>);

impl Drop for Socket {
    fn drop(&mut self) {
        self.0.sockets.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The store as the disk has it, and the time of the last record.
fn recover(
    files: &SnapshotFiles,
    journal: &Journal,
    limits: Limits,
) -> (Result<Store, ReadError>, Opened, Option<Moment>) {
    let mut opened = Opened::default();
    let mut store = Store::new(limits);
    let bounds = journal.first().saturating_sub(1)..=journal.durable();
    match files.read_latest(&bounds) {
        Ok(latest) => {
            opened.passed_over = latest.passed_over;
            if let Some(snapshot) = latest.snapshot {
                match image::decode(&snapshot.body, snapshot.applied, limits) {
                    Ok(decoded) => {
                        store = decoded;
                        opened.checkpoint = snapshot.applied;
                    }
                    Err(error) => {
                        opened.passed_over.push(format!("checkpoint {}: {error}", snapshot.applied));
                    }
                }
            }
        }
        Err(error) => opened.passed_over.push(error.to_string()),
    }
    match replay(&mut store, journal, &mut opened) {
        Ok(last) => (Ok(store), opened, last),
        Err(error) => (Err(error), opened, None),
    }
}

fn replay(store: &mut Store, journal: &Journal, opened: &mut Opened) -> Result<Option<Moment>, ReadError> {
    // One record before, for its time.
    let from = store.applied.max(1).max(journal.first());
    let applied = store.applied;
    let mut timeline = Timeline::new((applied > 0).then_some(store.time_ms));
    let mut reader = journal.read(from)?;
    let mut set_aside = None;
    loop {
        let mut broken = None;
        let records = std::iter::from_fn(|| match reader.next()? {
            Ok(record) => Some((record.seq, record.kind, record.hlc.ms(), record.payload)),
            Err(error) => {
                broken = Some(error);
                None
            }
        });
        let replayed = image::replay(store, applied, &mut timeline, records);
        opened.replayed += replayed.records;
        opened.undecodable += replayed.undecodable;
        match broken {
            None => return Ok(timeline.last()),
            Some(ReadError::Gap { first, last, .. }) => {
                opened.lost += last.saturating_sub(first) + 1;
                reader.continue_after_gap();
            }
            Some(error @ ReadError::Corrupt { seq, .. })
                if journal.on_corruption() == OnCorruption::Quarantine =>
            {
                // The projector may have met it first; what is still there after that stays.
                let sound = matches!(journal.quarantine(seq), Ok(_) | Err(QuarantineError::Intact { .. }));
                if !sound || set_aside.replace(seq) == Some(seq) {
                    return Err(error);
                }
                reader = journal.read(seq)?;
            }
            Some(error) => return Err(error),
        }
    }
}
