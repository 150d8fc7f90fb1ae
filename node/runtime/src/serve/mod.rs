//! `aisle-node run`: wires the parts, serves, watches, and goes down in order.
//!
//! The node stops by itself only when it can no longer promise what it promises: the journal failed (invariant 8) or the
//! index cannot be written. It then exits with code 70 so that the supervisor starts it again, and recovers from the journal.

pub(crate) mod again;
mod bridges;
mod broker;
mod health;
mod metrics;

use crate::{
    admin::{self, http::Admin, place::Place},
    cli::RunArgs,
    config::{self, Config},
    enrol,
    erase::{self, Erasing},
    fleet, floor, horizon, output, plugin, scrub,
    store::Store,
    sync::{self, Line},
    trainer,
};
use aisle_enrolment::{
    Enrolment,
    page::{self, FirstBoot},
};
use aisle_event::{
    Event, Name, Timestamp, Unknown,
    operation::{JournalQuarantined, NodeStarted, NodeStopped, StateRebuilt, StopReason},
};
use aisle_journal::{Entry, Quarantined};
use aisle_kiosk::{Kiosk, staff::Staff};
use aisle_recommend::{Recommender, Rules};
use anyhow::{Context, anyhow};
use axum::{Router, middleware, routing::get};
use bridges::Bridges;
use health::Health;
use metrics::Metrics;
use prometheus_client::registry::Registry;
use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

/// How long the thread of the node's identity may take to end.
const IDENTITY_ENDS_WITHIN: Duration = Duration::from_secs(5);

/// Why the node went down.
pub(crate) enum Ended {
    /// It was asked to.
    Asked,
    /// It could no longer keep its promises.
    Failed(String),
    /// It was claimed, and starts anew with its identity, at this address.
    Again(SocketAddr),
}

/// Runs the node until it is asked to stop or cannot go on.
pub(crate) async fn run(data: &Path, mut config: Config, args: &RunArgs) -> anyhow::Result<Ended> {
    let asked = Asked::listen()?;
    let address = again::listen().or(args.listen).unwrap_or(config.listen);
    let stopped_early = tokio::spawn(stopped_early(Asked::listen()?, config.overlay.clone()));
    // Nothing that headquarters may set has a say in these: another process has the port or the data, or the disk fails.
    let not_theirs = |error: anyhow::Error| {
        config.overlay.uncounted();
        error
    };
    let listener = listen(address).await.map_err(not_theirs)?;
    let mut registry = Registry::with_prefix("aisle");
    let store = Arc::new(Store::open(data, &config, &mut registry).map_err(not_theirs)?);
    note_start(&store).map_err(not_theirs)?;
    let noting = tokio::spawn(note_damage(store.clone()));
    let scrubber = scrub::start(store.journal.clone(), config.scrub.clone())
        .context("cannot start the scrubbing thread")?;
    let recommender = Arc::new(Recommender::new(config.recommend.clone(), &mut registry));
    let shop = store.state.shop();
    recommender.set_rules(Rules::new(config.rules.clone(), |sku| shop.products.contains_key(sku))?);
    let trainer =
        trainer::start(store.state.clone(), recommender.clone(), config.trainer.clone(), store.clock())
            .context("cannot start the training thread")?;
    let (enrolling, identity_problem) = enrol::open(data, &config);
    let (enrolment, worker) = enrolling.unzip();
    let of_enrolment = enrol::Metrics::register(&mut registry);
    config.mqtt.trust = enrol::trust(data, &config, enrolment.as_ref());
    let mqtt = match broker::open(data, &config, &store, &mut registry) {
        Ok(mqtt) => mqtt,
        Err(error) => {
            // Nor in the broker's ports and files.
            config.overlay.uncounted();
            let reason = broker::unreadable(&error).ok_or(error)?;
            tracing::error!(reason, "the node cannot keep its promises and stops");
            return Ok(Ended::Failed(reason));
        }
    };
    admin::token::make_if_missing(data)
        .with_context(|| format!("cannot write `{}`", admin::token::path(data).display()))?;
    floor::pin::make_if_missing(data)
        .with_context(|| format!("cannot write `{}`", floor::pin::path(data).display()))?;
    let zone = config.kiosk.time_zone.zone().clone();
    let clock = enrolment.as_ref().map_or_else(|| enrol::clock(data), |enrolment| enrolment.clock().clone());
    // Before anything that was ordered is loaded: what the node did not come up with is found out here.
    let ordered = fleet::open(data, &config, clock.clone());
    let of_plugins = ordered.as_ref().map(fleet::Opened::of_plugins).unwrap_or_default();
    let shop = (config.store.as_str(), config.currency, zone.clone());
    let how = (&config.plugins, &config.floor.projection, of_plugins);
    let (plugins, mut following) = plugin::open(data, how, shop, &store, &mut registry).await?;
    let shop = (config.store.as_str(), zone);
    let opening =
        || floor::open(data, &config.floor, shop, &store, (mqtt.broker(), plugins.clone()), &mut registry);
    let (floor, mut listening) = mqtt.within(opening)?;
    let (stop, stopping) = watch::channel(false);
    let bridges = Bridges::new(&config.bridges, config.store.as_str(), &mqtt.broker(), &mut registry)?;
    let looked_at = admin::Mqtt {
        broker: mqtt.broker(),
        listening: mqtt.listening(),
        bridges: bridges.statuses().into(),
    };
    let broker = looked_at.broker.clone();
    let erasing = Erasing::new(data, config.store.clone(), config.sync.clone(), store.clone());
    let source = enrol::clock_source(&config, enrolment.as_ref());
    let line = config.sync.clone().map(|settings| Line::new(data, config.store.clone(), settings, source));
    let watch = horizon::Watch::new(data, store.clone(), (enrolment.clone(), clock), line.clone());
    let models = aisle_model::Models::new(&mut registry);
    let (ordered, ordering) = match ordered {
        Some(opened) => {
            let parts = (&plugins, &models, &floor, &store);
            let begun = opened.begin(data, &config, parts, line.clone(), &mut registry);
            let (fleet, running) = begun.context("cannot start the threads of what headquarters orders")?;
            watch.set_fleet(fleet.clone());
            (Some(fleet), running)
        }
        None => (None, None),
    };
    floor.set_notices(enrol::notices(enrolment.clone(), watch.clone()));
    floor.set_unclaimed(enrol::is_unclaimed(&config, enrolment.clone()));
    let parts = (floor.clone(), plugins.clone(), models, erasing.clone());
    let by_order = (ordered.clone(), fleet::courier::Given::register(&mut registry));
    let of_identity = (enrolment.clone(), identity_problem.clone(), watch.clone());
    let admin =
        Admin::new(data, looked_at.clone(), parts, by_order, of_identity, stopping.clone(), store.clock());
    let packages = admin::http::packages(admin.clone());
    let more = admin::http::router(admin);
    let more = match enrolment.clone().filter(|_| enrol::has_first_page(&config)) {
        Some(enrolment) => more.merge(page::router(FirstBoot::new(enrolment)).into()),
        None => more,
    };
    let kiosk = aisle_kiosk::router(
        Kiosk {
            state: store.state.clone(),
            journal: store.journal.clone(),
            recommender: recommender.clone(),
            now: store.clock(),
            config: config.kiosk.clone(),
            plugins: Some(Arc::new(plugins.clone())),
            more,
            staff: Some(Staff {
                floor: Arc::new(floor.clone()),
                config: config.staff.clone(),
                pin: floor::pin::reader(data),
                key: admin::token::read(data).ok().flatten().map(|token| passes_key(&token)),
                stopping: stopping.clone(),
            }),
        },
        &mut registry,
    );
    let kiosk = match &line {
        Some(line) => kiosk.layer(middleware::from_fn_with_state(line.load(), sync::count)),
        None => kiosk,
    };
    let health = Arc::new(Health::new(
        config.store.clone(),
        store.clone(),
        recommender,
        looked_at,
        (floor.clone(), plugins.clone()),
        line.clone(),
        (enrolment.clone(), identity_problem, watch.clone()),
    ));
    let router = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .with_state(health)
        .route("/metrics", get(metrics::metrics))
        .with_state(Arc::new(Metrics { registry, line: line.clone() }))
        .merge(kiosk)
        .merge(packages);
    let mut reacting = plugin::react(&plugins, &floor).context("cannot start the thread of reactions")?;

    let devices = floor.control().clone();
    let mqtt = mqtt.start(async move { devices.listens().await })?;
    let bridging = bridges.start(&stopping);
    let bound = listener.local_addr().context("cannot tell where the node listens")?;
    let place = Place::take(data, bound)?;
    output::line(format!("listening on http://{bound}"))?;
    tracing::info!(%bound, store = %config.store, data = %data.display(), "serving");
    aisle_service::ready(&format!("store {}, kiosks at http://{bound}", config.store));
    // From here on a stop in order is told by its end.
    stopped_early.abort();
    // On the runtime that answers kiosks: when that hangs, the supervisor is to start the node again.
    let alive = tokio::spawn(aisle_service::heartbeat());
    // Last, since nobody waits for it.
    let syncing = line.as_ref().map(|line| {
        let (seen, data) = (watch.clone(), data.to_owned());
        let zone = floor.zone().iana_name().map(str::to_owned);
        let granted = fleet::Granted::of(&config);
        let hands = sync::apply::Hands {
            plain: Arc::from([sync::apply::plugins(plugins.clone())]),
            fleet: ordered.clone(),
            facts: Arc::new(move || fleet::facts(&data, &seen.latest(), zone.clone(), &granted)),
        };
        line.start(&store, hands, &erasing, &stopping)
    });
    let erasures = erasing.start(&stopping);
    let identity = worker.map(|worker| worker.start(stopping.clone())).transpose();
    let identity = identity.context("cannot start the thread of the node's identity")?;
    let mut beside = JoinSet::new();
    beside.spawn(look_ahead(watch, enrolment.clone(), of_enrolment));
    beside.spawn(lasts(config.overlay.clone()));
    if let Some(enrolment) = enrolment.clone() {
        beside.spawn(enrol::send_banned_away(enrolment, broker));
    }

    let drain = Duration::from_millis(config.shutdown_timeout_ms);
    let failing = async {
        tokio::select! {
            reason = failed(&store) => reason,
            reason = floor.stopped() => reason,
            reason = listening.failed() => reason,
            reason = plugins.stopped() => reason,
            reason = following.failed() => reason,
            reason = reacting.failed() => reason,
            reason = sync::failed(syncing.as_ref()) => reason,
            reason = erasing.failed() => reason,
        }
    };
    let claimed = enrol::claimed(enrolment.as_ref());
    let ended = serve(listener, router, (failing, claimed, bound), asked, (stop, stopping), drain).await?;
    if let Ended::Again(_) = &ended {
        // Without a note the broker goes on showing its own certificate.
        if let Err(error) = enrol::note_what_mqtt_shows(data, config.store.as_str()) {
            tracing::error!(%error, "cannot note what the broker shows");
        }
    }
    drop(beside);
    if !matches!(ended, Ended::Failed(_)) {
        config.overlay.lasted();
    }
    drop(place);
    drop(listening);
    // It writes what it reacted to, and waits for the floor to show it.
    drop(reacting);
    drop(following);
    bridging.ended().await;
    mqtt.close().await;
    if let Some(ordering) = ordering {
        // A node that stops because it has to must find out whether something new is to blame.
        let is_asked = !matches!(ended, Ended::Failed(_));
        let ended = tokio::task::spawn_blocking(move || ordering.stop(is_asked));
        if timeout(IDENTITY_ENDS_WITHIN, ended).await.is_err() {
            tracing::warn!("the thread of what headquarters orders did not end in time");
        }
    }
    drop(ordered);
    // The last to hold it writes its snapshot.
    drop(floor);
    drop(plugins);
    if let Some(syncing) = syncing {
        syncing.ended().await;
    }
    erase::ended(erasures).await;
    if let Some(identity) = identity {
        // It ends with the answer that it waits for; what it keeps is whole at any point.
        let ended = tokio::task::spawn_blocking(move || identity.join());
        if timeout(IDENTITY_ENDS_WITHIN, ended).await.is_err() {
            tracing::warn!("the thread of the node's identity did not end in time");
        }
    }
    trainer.stop();
    scrubber.stop();
    noting.abort();
    alive.abort();
    let reason = match &ended {
        Ended::Asked | Ended::Again(_) => StopReason::Requested,
        Ended::Failed(_) => StopReason::Fatal,
    };
    close(store, reason).await?;
    Ok(ended)
}

/// Waits until the node is asked to stop before it serves: that start does not count against what headquarters has set.
async fn stopped_early(mut asked: Asked, overlay: config::Overlay) {
    asked.wait().await;
    // It writes a file.
    let _ = tokio::task::spawn_blocking(move || overlay.uncounted()).await;
}

/// Notes that the node lasts with what headquarters has set.
async fn lasts(overlay: config::Overlay) {
    tokio::time::sleep(config::overlay::LASTS).await;
    // It writes a file.
    let _ = tokio::task::spawn_blocking(move || overlay.lasted()).await;
}

/// Looks at the survival horizon now and then. Never ends.
async fn look_ahead(watch: horizon::Watch, enrolment: Option<Enrolment>, metrics: enrol::Metrics) {
    let mut look = tokio::time::interval(horizon::LOOK);
    let mut changes = enrolment.as_ref().map(Enrolment::watch);
    loop {
        let changed = async {
            let is_there = match &mut changes {
                Some(changes) => changes.changed().await.is_ok(),
                None => false,
            };
            if !is_there {
                // The thread of the identity has ended, or there is none.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            _ = look.tick() => {}
            () = changed => {}
        }
        let (looked, status) = (watch.clone(), enrolment.as_ref().map(Enrolment::status).unwrap_or_default());
        // It reads a file and asks the disk.
        if let Ok(horizon) = tokio::task::spawn_blocking(move || looked.look()).await {
            metrics.show(&status, &horizon);
        }
    }
}

/// What passes of the staff board are sealed with: they outlive a restart, and end with the token.
fn passes_key(token: &str) -> [u8; 32] {
    blake3::derive_key("aisle 2026-11-21 passes of the staff board", token.as_bytes())
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow!("cannot listen on {address}: another program has that port\nhint: stop it, or set `http.listen` or `--listen`")
        }
        _ => anyhow!("cannot listen on {address}: {error}\nhint: set `http.listen` to an address of this machine"),
    })
}

/// The signals that ask the node to stop. Made before anything else, so that a long start stops in order too.
struct Asked {
    terminate: Signal,
    interrupt: Signal,
}

impl Asked {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?,
        })
    }

    async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Serves until a signal or a failure; then lets what is under way finish, for so long.
async fn serve(
    listener: TcpListener,
    router: Router,
    (failing, claimed, bound): (impl Future<Output = String>, impl Future<Output = ()>, SocketAddr),
    mut asked: Asked,
    (stop, mut stopping): (watch::Sender<bool>, watch::Receiver<bool>),
    drain: Duration,
) -> anyhow::Result<Ended> {
    let mut server = tokio::spawn(
        axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
            .with_graceful_shutdown(async move {
                // An error means that the sender is gone, which is as good a reason to stop.
                let _ = stopping.wait_for(|stop| *stop).await;
            })
            .into_future(),
    );
    let ended = tokio::select! {
        name = asked.wait() => {
            tracing::info!(signal = name, "asked to stop; finishing what is under way");
            Ended::Asked
        }
        reason = failing => {
            tracing::error!(reason, "the node cannot keep its promises and stops");
            Ended::Failed(reason)
        }
        () = claimed => {
            tracing::info!("claimed; the node starts anew with its identity");
            Ended::Again(bound)
        }
        served = &mut server => {
            served.context("the server stopped")?.context("the server stopped")?;
            Ended::Failed("the server stopped".into())
        }
    };
    match &ended {
        Ended::Asked => aisle_service::stopping("asked to stop; finishing what is under way"),
        Ended::Failed(reason) => aisle_service::stopping(reason),
        // It is the same process that serves again in a moment: whoever watches it must not take that for its end.
        Ended::Again(_) => {}
    }
    stop.send_replace(true);
    if !server.is_finished() && timeout(drain, &mut server).await.is_err() {
        tracing::warn!(drain_ms = drain.as_millis() as u64, "some connections did not finish in time");
        server.abort();
    }
    Ok(ended)
}

async fn failed(store: &Store) -> String {
    tokio::select! {
        reason = store.journal_failed() => reason,
        reason = store.state.stopped() => reason,
    }
}

/// Writes down what was found at the start, as evidence beside the trade.
fn note_start(store: &Store) -> anyhow::Result<()> {
    let at = store.now();
    let mut events: Vec<Event> = Vec::new();
    if let Some(rebuilt) = &store.opened.rebuilt {
        let (reason, from_seq) = (short(&rebuilt.reason), rebuilt.from_seq);
        events.push(StateRebuilt { reason, from_seq, at, unknown: Unknown::default() }.into());
    }
    let (version, cut_bytes) = (short(env!("CARGO_PKG_VERSION")), store.recovery.cut_bytes);
    events.push(NodeStarted { version, at, cut_bytes, unknown: Unknown::default() }.into());
    // Serving does not wait for this: a full disk must not keep the kiosks from reading.
    drop(store.journal.submit(entries(&events)).context("cannot note the start in the journal")?);
    Ok(())
}

/// Writes down every segment that is set aside, at the start or later: whoever meets damage reports it to the journal.
async fn note_damage(store: Arc<Store>) {
    let mut quarantined = store.journal.quarantined();
    let mut noted = 0;
    loop {
        let events: Vec<Event> = {
            let all = quarantined.borrow_and_update();
            let fresh = all.get(noted..).unwrap_or_default();
            noted = all.len();
            fresh.iter().flat_map(|one| damage(one, store.now())).collect()
        };
        // A journal that takes nothing more in has a worse problem, which is told elsewhere.
        if !events.is_empty()
            && let Ok(ticket) = store.journal.submit(entries(&events))
        {
            let _ = ticket.await;
        }
        if quarantined.changed().await.is_err() {
            return;
        }
    }
}

fn damage(quarantined: &Quarantined, at: Timestamp) -> impl Iterator<Item = Event> {
    quarantined.gaps.iter().map(move |gap| {
        JournalQuarantined {
            segment: short(&quarantined.segment),
            offset: gap.offset,
            first_seq: gap.first,
            records: gap.last.saturating_sub(gap.first) + 1,
            at,
            unknown: Unknown::default(),
        }
        .into()
    })
}

async fn close(store: Arc<Store>, reason: StopReason) -> anyhow::Result<()> {
    let event = NodeStopped { reason, at: store.now(), unknown: Unknown::default() };
    // A journal that has failed takes no more; what it acknowledged before is safe.
    if let Ok(ticket) = store.journal.submit(entries(&[event.into()])) {
        let _ = ticket.await;
    }
    tokio::task::spawn_blocking(move || store.close()).await.context("cannot close the store")
}

fn entries(events: &[Event]) -> Vec<Entry> {
    events.iter().map(|event| Entry { kind: event.kind().0, payload: event.encode() }).collect()
}

/// A text of our own as a name: control characters out, the end cut off.
fn short(text: &str) -> Name {
    let mut clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    clean.truncate(clean.floor_char_boundary(aisle_event::id::NAME_BYTES_MAX));
    Name::new(clean.trim()).unwrap_or_else(|_| unnamed())
}

#[expect(clippy::expect_used, reason = "the text is a constant and short enough")]
fn unnamed() -> Name {
    Name::new("unknown").expect("a constant")
}
