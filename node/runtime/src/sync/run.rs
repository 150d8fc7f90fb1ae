//! From the start to the end of sync: opens, runs, closes, and tries again when something could not be used.
//!
//! Order at the start: files, policy, outbox; everything that the journal holds is sealed; only then the hub is called. At the end the hub
//! is left first, then the outbox stops; both before the journal closes. Guards invariant 8.

use super::{
    Line, Running, Settings, addresses,
    apply::Hands,
    down::{self, Down, Inbox},
    files::{self, Secrets},
    metrics::Metrics,
    policy::{self, InForce},
    shelf::Shelf,
    words,
};
use crate::{
    erase::Erasing,
    store::{Store, wall_clock},
};
use aisle_event::{CustomerRef, StoreId};
use aisle_journal::{AppendError, CommitError, FileError, ReadError, RealIo};
use aisle_outbox::{Driver, DriverError, OpenError, Opened, Outbox, Setup, StepError};
use aisle_protocol::{
    Hash, LogClass, Message, PolicyId,
    control::{self, Erased, Octets},
    node,
};
use aisle_residency::{Gate, erasure::Proof};
use aisle_transport::{
    client::{self, BudgetFile, Client, Heard, RenewError},
    tls::ClockSource,
};
use prometheus_client::registry::Registry;
use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    net::IpAddr,
    path::Path,
    sync::{Arc, mpsc::SyncSender},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    task::spawn_blocking,
    time::{MissedTickBehavior, interval, sleep},
};

/// How long until it is tried again, where something could not be used.
const RETRY: Duration = Duration::from_secs(10);
/// How often things are looked at that nobody tells.
const LOOK: Duration = Duration::from_secs(1);
/// This machine's addresses are looked at with every so many looks.
const ADDRESSES_LOOKS: u32 = 5;
/// The certificates' files are: a renewed one is shown before the hub has forgotten the one before.
const FILES_LOOKS: u32 = 5;
/// Messages of the hub that wait to be looked at; what is beyond comes again with the next connection.
const HEARD_MAX: usize = 64;
/// The most erasures of the hub that are under way at once, for their receipts.
const OWED_MAX: usize = 4_096;
/// The most erasures that the hub is asked for at once; the others come when those are answered.
const ASKED_MAX: usize = 32;
/// How often it is asked, in looks.
const ERASURES_LOOKS: u32 = 10;
/// How often it is asked again for what it has not answered, in looks.
const ASKED_AGAIN_LOOKS: u32 = 600;
/// A longer receipt of a hub is none.
const PROOF_BYTES_MAX: usize = 4_096;
/// The longest token that somebody is named by.
const TOKEN_BYTES_MAX: usize = 128;

/// Why sync ended.
enum Ended {
    /// The disk of the outbox fails: the node must not go on.
    Disk(String),
    /// Something cannot be used. The shop goes on, and it is tried again.
    Problem(String),
}

fn problem(error: &dyn Error) -> Ended {
    Ended::Problem(words(error))
}

/// Runs sync until the node stops or must stop.
pub(super) async fn run(
    line: Line,
    (store, hands, erasing): (Arc<Store>, Hands, Erasing),
    mut stopping: watch::Receiver<bool>,
    failed: watch::Sender<Option<String>>,
) {
    loop {
        match session(&line, &store, &hands, &erasing, &mut stopping).await {
            Ok(()) => return,
            Err(Ended::Disk(reason)) => {
                line.view().problem = Some(reason.clone());
                failed.send_replace(Some(reason));
                return;
            }
            Err(Ended::Problem(reason)) => tell(&line, reason),
        }
        tokio::select! {
            () = asked(&mut stopping) => return,
            () = sleep(RETRY) => {}
        }
    }
}

/// Says once what is wrong, however often it is met.
fn tell(line: &Line, reason: String) {
    let mut view = line.view();
    if view.problem.as_ref() != Some(&reason) {
        tracing::error!("sync does not work, the shop goes on: {reason}");
    }
    view.problem = Some(reason);
}

async fn asked(stopping: &mut watch::Receiver<bool>) {
    // An error means that the node is as good as gone.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// Everything that is there before the hub is called.
struct Prepared {
    driver: Driver,
    outbox: Outbox,
    policy: PolicyId,
    secrets: Secrets,
    registry: Registry,
    config: client::Config,
    node: node::Config,
    stamp: Stamp,
}

type Stamp = [Option<(std::time::SystemTime, u64)>; 3];

/// Opens the outbox and seals all that the journal holds. Takes as long as it takes; `None` when the node stops meanwhile.
fn prepare(line: &Line, store: &Store, stopping: &watch::Receiver<bool>) -> Result<Option<Prepared>, Ended> {
    let (data, settings) = (line.data(), line.settings());
    let secrets = Secrets::open(data, settings).map_err(|error| problem(&error))?;
    line.view().receipt_key = Some(secrets.key.verifying_key());
    let stamp = files::stamp(settings);
    let (credentials, own) =
        files::credentials(settings, line.0.store.as_str()).map_err(|error| problem(&error))?;
    let kept = files::policy_path(data);
    // Nobody brings another one until this one is kept.
    let door = line.door();
    let found = policy::in_force(&settings.policy_file, &kept, &settings.policy_keys)
        .map_err(|error| problem(&error))?;
    let InForce { policy, fresh, notice } = found;
    if let Some(notice) = &notice {
        tracing::warn!("{notice}");
    }
    line.view().policy = notice;
    let region = &settings.region;
    let token_keys = policy::token_keys(&policy, region, &secrets.store, &secrets.token);
    Gate::new(&policy, region, token_keys.clone()).map_err(|error| problem(&error))?;
    if let Some(fresh) = fresh {
        fresh.keep(&kept).map_err(|error| problem(&error))?;
    }
    drop(door);
    let setup = Setup {
        dir: files::outbox_dir(data, region),
        store: line.0.store.clone(),
        region: region.clone(),
        policy: policy.clone(),
        token_keys,
        key: secrets.key.clone(),
        contributor_key: secrets.contributor_key(),
        config: settings.outbox.clone(),
        begin_after: 0,
        is_first: files::is_first(data, region).map_err(|error| problem(&error))?,
    };
    let mut registry = Registry::with_prefix("aisle");
    let opened = aisle_outbox::open(setup, &store.journal, Arc::new(RealIo), &mut registry);
    let Opened { mut projector, outbox, .. } = opened.map_err(|error| of_open(&error))?;
    files::note_begun(data, region).map_err(|error| problem(&error))?;
    let now_ms = u64::try_from(wall_clock().0).unwrap_or(0);
    loop {
        if *stopping.borrow() {
            return Ok(None);
        }
        match projector.step(now_ms, Duration::ZERO) {
            Ok(stepped) if stepped.caught_up || stepped.no_space => break,
            Ok(_) => {}
            Err(StepError::Journal(ReadError::Closed)) => return Ok(None),
            Err(error) => return Err(of_step(&error)),
        }
    }
    projector.seal_all(now_ms).map_err(|error| of_step(&error))?;
    let driver = Outbox::spawn(projector, |_| {}).map_err(|error| problem(&error))?;
    let send_bytes_max = settings.line.in_flight_bytes_max.saturating_add(2 << 20);
    let config = client::Config {
        // A clock that once leapt ahead has dated the journal too; what hubs have signed has not.
        clock_floor_ms: match &line.0.clock {
            ClockSource::System => store.state.shop().as_of.ms(),
            ClockSource::AtLeast(_) => 0,
        },
        clock: line.0.clock.clone(),
        budgets: settings.budgets,
        quic_head_start_ms: settings.line.quic_head_start_ms,
        tls_keep_ms: settings.line.tls_keep_ms,
        path_timeout_ms: settings.line.path_timeout_ms,
        send_bytes_max,
        ..client::Config::new(settings.hubs.clone(), credentials)
    };
    let node = node::Config {
        region: policy.home().to_string(),
        software: concat!("aisle-node ", env!("CARGO_PKG_VERSION")).into(),
        link: settings.link,
        policy: outbox.policy(),
        backoff_max_ms: settings.line.reconnect_ms_max,
        in_flight_bytes_max: settings.line.in_flight_bytes_max.into(),
        ..node::Config::new(line.0.store.clone(), own.identity.node)
    };
    let policy = policy.id();
    Ok(Some(Prepared { driver, outbox, policy, secrets, registry, config, node, stamp }))
}

async fn session(
    line: &Line,
    store: &Arc<Store>,
    hands: &Hands,
    erasing: &Erasing,
    stopping: &mut watch::Receiver<bool>,
) -> Result<(), Ended> {
    let (of_thread, in_store, stop) = (line.clone(), store.clone(), stopping.clone());
    let preparing = spawn_blocking(move || prepare(&of_thread, &in_store, &stop));
    let prepared = preparing.await.map_err(|error| Ended::Problem(format!("the outbox: {error}")))?;
    let Some(prepared) = prepared? else { return Ok(()) };
    let Prepared { driver, outbox, policy, secrets, mut registry, config, node, stamp } = prepared;
    let (sender, mut inbox) = mpsc::channel(HEARD_MAX);
    let of_down = Inbox::new();
    let to_down = of_down.sender.clone();
    let parts = client::Parts {
        outbox: Shelf(outbox.clone()),
        budgets: Box::new(BudgetFile::new(files::budget_path(line.data()))),
        load: line.load(),
        listener: Box::new(move |heard: Heard| pass_on(&sender, &to_down, heard)),
    };
    let of_sync = registry.sub_registry_with_prefix("sync");
    let metrics = Metrics::register(of_sync);
    let client =
        Client::start(config, node, rand::random(), parts, of_sync).map_err(|error| problem(&error))?;
    line.0.registry.store(Some(Arc::new(registry)));
    metrics.follows(policy);
    {
        let mut view = line.view();
        view.problem = None;
        view.certificates = None;
        view.running = Some(Running { outbox: outbox.clone(), status: client.status() });
    }
    let addresses = addresses::now();
    line.open_door(driver.follower(), policy, &secrets);
    let line = line.clone();
    let down = Down::start(line.clone(), client.clone(), hands.clone(), metrics.clone(), of_down);
    let down = down.map_err(|error| tracing::error!(%error, "cannot start the thread of contents")).ok();
    let mut session = Session {
        line,
        driver,
        client,
        outbox,
        secrets,
        metrics,
        down,
        erasing: erasing.clone(),
        owed: BTreeSet::new(),
        asked: BTreeMap::new(),
        told: policy,
        addresses,
        stamp,
    };
    session.until(stopping, &mut inbox).await;
    session.end().await
}

/// Passes on what the rest of the node has to do with. Called on the client's thread.
fn pass_on(sender: &mpsc::Sender<Message>, to_down: &SyncSender<down::Event>, heard: Heard) {
    let is_heard = match (down::event(&heard), heard) {
        (Some(event), _) => to_down.try_send(event).is_ok(),
        (None, Heard::Delivered { message, .. }) => sender.try_send(message).is_ok(),
        (None, _) => true,
    };
    if !is_heard {
        tracing::warn!("the hub says more than is listened to; it says it again with the next connection");
    }
}

/// Sync while it works.
struct Session {
    line: Line,
    driver: Driver,
    client: Client,
    outbox: Outbox,
    secrets: Secrets,
    metrics: Metrics,
    /// What fetches and applies what the hub wants; absent where there is no thread for it.
    down: Option<Down>,
    erasing: Erasing,
    /// Erasures of which the hub has no receipt yet.
    owed: BTreeSet<Hash>,
    /// Erasures that the hub was asked for, by the number they were asked under.
    asked: BTreeMap<Hash, String>,
    /// The policy that the client says the gate follows.
    told: PolicyId,
    addresses: BTreeSet<IpAddr>,
    stamp: Stamp,
}

impl Session {
    /// Runs until the node stops, or the outbox can go no further.
    async fn until(&mut self, stopping: &mut watch::Receiver<bool>, inbox: &mut mpsc::Receiver<Message>) {
        let mut changes = self.outbox.changes();
        let mut looks = 0_u32;
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.driver.is_running() {
            tokio::select! {
                () = asked(stopping) => return,
                Ok(()) = changes.changed() => self.client.sealed(),
                Some(message) = inbox.recv() => self.heard(message).await,
                _ = look.tick() => {
                    looks = looks.wrapping_add(1);
                    self.look(looks);
                }
            }
        }
    }

    /// Leaves the hub, then ends the outbox.
    async fn end(self) -> Result<(), Ended> {
        let Self { line, driver, client, outbox, down, .. } = self;
        line.close_door();
        // Who looks at the outbox keeps its files.
        line.view().running = None;
        drop(outbox);
        if let Some(down) = down {
            // It ends after the piece that it has in its hands.
            let _ = spawn_blocking(move || down.stop()).await;
        }
        client.stop().await;
        match spawn_blocking(move || driver.stop()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(DriverError::Step(error))) => Err(of_step(&error)),
            Ok(Err(error)) => Err(problem(&error)),
            Err(error) => Err(Ended::Problem(format!("the outbox: {error}"))),
        }
    }

    fn look(&mut self, looks: u32) {
        let follows = self.outbox.policy();
        if follows != self.told && self.client.policy(follows).is_ok() {
            self.told = follows;
            self.metrics.follows(follows);
        }
        if looks.is_multiple_of(ADDRESSES_LOOKS) {
            let now = addresses::now();
            if now != self.addresses && self.client.rebind().is_ok() {
                self.addresses = now;
                self.metrics.rebound();
            }
        }
        self.give_receipts();
        if looks.is_multiple_of(ERASURES_LOOKS) {
            self.ask_to_forget(looks.is_multiple_of(ASKED_AGAIN_LOOKS));
        }
        if looks.is_multiple_of(FILES_LOOKS) {
            self.look_at_certificates();
        }
    }

    /// Takes other certificates over. Where one file of the three has come and the others have not yet, it is tried again.
    fn look_at_certificates(&mut self) {
        let (stamp, store) = (files::stamp(self.line.settings()), self.line.0.store.as_str());
        if stamp == self.stamp {
            return;
        }
        let wrong = match files::credentials(self.line.settings(), store) {
            Err(error) => Some(words(&error)),
            Ok((credentials, _)) => match self.client.renew(credentials) {
                Ok(()) => {
                    self.stamp = stamp;
                    self.metrics.took_certificates();
                    None
                }
                Err(RenewError::NotTaken(_)) => None,
                Err(error) => Some(words(&error)),
            },
        };
        let mut view = self.line.view();
        if let Some(wrong) = wrong.as_ref().filter(|wrong| view.certificates.as_ref() != Some(*wrong)) {
            tracing::error!("the certificates' files have changed and cannot be used: {wrong}");
        }
        view.certificates = wrong;
    }

    async fn heard(&mut self, message: Message) {
        match message {
            Message::Policy(policy) => self.policy(policy).await,
            Message::Erase(erase) => self.erase(erase).await,
            Message::Erased(erased) => self.has_forgotten(erased).await,
            other => {
                let number = other.number();
                tracing::warn!(number, "the hub asks for something that this node does not do");
            }
        }
    }

    /// Begins what the hub asks for. It asks with every connection until it has the receipt.
    async fn erase(&mut self, control::Erase { id, subject }: control::Erase) {
        let asked = match String::from_utf8(subject.0.to_vec()) {
            Ok(token) if token.len() <= TOKEN_BYTES_MAX => self.begin(id, token).await,
            _ => Err("the hub names nobody by a token".into()),
        };
        match asked {
            Ok(()) if self.owed.len() < OWED_MAX => {
                self.owed.insert(id);
            }
            Ok(()) => tracing::warn!(%id, "more erasures are asked for than are answered at once"),
            Err(reason) => tracing::error!(%id, "an erasure that the hub asks for is not begun: {reason}"),
        }
    }

    async fn begin(&mut self, id: Hash, token: String) -> Result<(), String> {
        let (line, erasing) = (self.line.clone(), self.erasing.clone());
        let (store_secret, token_secret) = (self.secrets.store, self.secrets.token);
        let reading = spawn_blocking(move || {
            customers_tokens(line.data(), line.settings(), (&store_secret, &token_secret))
        });
        let tokens = reading.await.unwrap_or_else(|error| Err(error.to_string()))?;
        erasing.request_for_hub(id, token, tokens).await.map_err(|error| format!("{error:#}"))
    }

    /// Sends the receipts that are there by now.
    fn give_receipts(&mut self) {
        let (erasing, client) = (&self.erasing, &self.client);
        self.owed.retain(|id| match erasing.receipt_for_hub(id) {
            None => true,
            // Where it is not taken, it is tried with the next look; where it is lost, the hub asks again.
            Some(receipt) => client.erased(Erased { id: *id, receipt: Octets(receipt.into()) }).is_err(),
        });
    }

    /// Asks the hub to forget whom the store has forgotten, once it has everything that may name them.
    fn ask_to_forget(&mut self, again: bool) {
        let is_out = |gone_at: u64| {
            self.outbox.sealed_through() >= gone_at
                && LogClass::ALL.into_iter().all(|class| self.outbox.backlog(class).events == 0)
        };
        let region = self.line.settings().region.to_string();
        let owing = self.erasing.to_ask(&region).into_iter().filter(|owing| is_out(owing.gone_at));
        let named = owing.map(|owing| (asked_as(&self.line.0.store, &owing.erasure), owing));
        // The hub goes through all events of the store for each: it gets the time.
        let due: Vec<_> =
            named.filter(|(id, _)| again || !self.asked.contains_key(id)).take(ASKED_MAX).collect();
        for (id, owing) in due {
            let subject = Octets(owing.tokens.join("\n").into_bytes().into());
            // Where it is not taken, or is lost, it is asked again.
            if self.client.erase(control::Erase { id, subject }).is_ok() {
                self.asked.insert(id, owing.erasure);
            }
        }
    }

    /// Keeps the hub's receipt.
    async fn has_forgotten(&mut self, Erased { id, receipt }: Erased) {
        let Some(erasure) = self.asked.get(&id).cloned() else {
            tracing::warn!(%id, "a receipt for an erasure that the hub was not asked for");
            return;
        };
        let settings = self.line.settings();
        let (keys, region) = (&settings.hub_receipt_keys, settings.region.to_string());
        let is_of = |key| Proof::open(&receipt.0, key).is_ok_and(|proof| proof.erasure == id.to_string());
        let is_good = receipt.0.len() <= PROOF_BYTES_MAX && (keys.is_empty() || keys.iter().any(is_of));
        if !is_good {
            tracing::error!(%id, erasure, "the hub's receipt of an erasure is signed by none of `sync.hub_receipt_keys`");
            return;
        }
        match self.erasing.hub_erased(erasure, region, receipt.0.to_vec()).await {
            Ok(()) => drop(self.asked.remove(&id)),
            Err(error) => tracing::error!(%id, "the hub's receipt of an erasure is not kept: {error:#}"),
        }
    }

    async fn policy(&mut self, control::Policy { id, document }: control::Policy) {
        if self.line.policy_in_force() == Some(id) {
            return;
        }
        let line = self.line.clone();
        let taking = spawn_blocking(move || line.take_policy(&document.0, Some(id)));
        let taken = taking.await.map_err(|error| error.to_string());
        if let Err(reason) = taken.and_then(|taken| taken.map_err(|error| words(&error))) {
            self.metrics.refused(id, &reason);
            let text = format!("the hub's policy, {id}, is not followed: {reason}");
            self.line.view().policy = Some(text);
        }
    }
}

/// What the hub's region has for a customer, by the policy in force.
pub(super) fn customers_tokens(
    data: &Path,
    settings: &Settings,
    (store_secret, token_secret): (&[u8; 32], &[u8; 32]),
) -> Result<impl Fn(&CustomerRef) -> Vec<String> + Send + use<>, String> {
    let kept = files::policy_path(data);
    let found = policy::in_force(&settings.policy_file, &kept, &settings.policy_keys);
    let policy = found.map_err(|error| words(&error))?.policy;
    let region = settings.region.clone();
    let keys = policy::token_keys(&policy, &region, store_secret, token_secret);
    Ok(move |customer: &CustomerRef| policy::customer_tokens(&policy, &region, &keys, customer))
}

/// The number that the hub is asked under; the same each time.
fn asked_as(store: &StoreId, erasure: &str) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key("aisle 2026-11-22 number of a store's erasure");
    for part in [store.as_str().as_bytes(), &[0], erasure.as_bytes()] {
        hasher.update(part);
    }
    Hash(*hasher.finalize().as_bytes())
}

fn of_open(error: &OpenError) -> Ended {
    let is_disk = match error {
        OpenError::Append { source, .. } => is_commit(source),
        OpenError::Step(step) => is_disk(step),
        OpenError::File(error) => is_sync(error),
        _ => false,
    };
    if is_disk { disk(error) } else { problem(error) }
}

fn of_step(error: &StepError) -> Ended {
    if is_disk(error) { disk(error) } else { problem(error) }
}

fn disk(error: &dyn Error) -> Ended {
    Ended::Disk(format!("the outbox cannot keep its promises: {}", words(error)))
}

fn is_disk(error: &StepError) -> bool {
    match error {
        StepError::Append { source, .. } => is_commit(source),
        StepError::File(error) => is_sync(error),
        _ => false,
    }
}

/// After a failed sync nobody knows what is on the disk.
const fn is_commit(error: &AppendError) -> bool {
    matches!(error, AppendError::Commit(CommitError::Failed(_)))
}

fn is_sync(error: &FileError) -> bool {
    error.action == "sync"
}
