//! Plugins in the running node: which are installed, who is asked, what they keep, what they have done.
//!
//! ```text
//! journal ─> fold (one follower) ─> View ─> live chains ─> port (baskets, lists), reactions
//!    ▲                                         │
//!    └── install, kept, failed, acted <────────┘         files: DATA/plugins
//! ```
//!
//! Not here: the sandbox and what a plugin may answer (`aisle-plugin-host`), what the kiosk makes of an answer (`aisle-kiosk`).
//! Guards invariants 2 and 4: what is installed and kept comes from the journal alone; whatever a plugin does, the shop goes on.

mod action;
mod change;
pub(crate) mod command;
mod config;
mod figures;
mod files;
mod fold;
mod happening;
mod kept;
mod live;
mod load;
mod metrics;
mod minimum;
mod ordered;
mod port;
mod react;
mod rehearse;
pub(crate) mod report;
mod shop;

pub(crate) use change::ChangeError;
use config::COMPONENT_CEILING;
pub(crate) use config::Config;
pub(crate) use react::start as react;

use crate::store::Store;
use aisle_event::{
    Blob, Currency, Event, Name, Text, Timestamp, Unknown,
    plugin::{PluginKept, PluginWrite},
};
use aisle_fleet::Version;
use aisle_journal::{Committed, Entry, SubmitError};
use aisle_plugin_host::{Call, Host, HostConfig, Input, KvWrite, Plugin, Scene};
use aisle_state::follow::{self, Follower, Place};
use anyhow::Context;
use arc_swap::ArcSwap;
use figures::{Figures, Whole};
use files::Files;
use fold::{LAYOUT, View};
use jiff::tz::TimeZone;
use live::{Live, Runner, Ticks};
use minimum::Minimums;
use prometheus_client::registry::Registry;
use shop::Window;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, task::JoinSet};

/// How long a start waits for plugins to be loaded. The shop then opens without those that are missing, unless their manifests deny
/// what they were not asked about.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// What plugins keep in one event, in bytes: more than one write has, and less than the least `journal.record_bytes_max`.
const KEPT_BYTES_MAX: usize = 8 << 10;
/// What a write takes in an event beside its key and value, at most.
const WRITE_BYTES: usize = 16;

/// Plugins. Clones are one.
#[derive(Clone)]
pub(crate) struct Plugins(Arc<Parted>);

struct Parted {
    config: Config,
    host: Host,
    files: Files,
    follower: Follower<View>,
    store: Arc<Store>,
    window: Arc<Window>,
    live: ArcSwap<Live>,
    /// The last record whose installation is live.
    current: watch::Sender<u64>,
    /// Held by who installs, removes or loads: files are written and swept by one at a time.
    changing: tokio::sync::Mutex<()>,
    /// Components that the node did not come up with, by plugin: they are not loaded.
    held: Mutex<Vec<(String, String)>>,
    minimums: Minimums,
    /// What was loaded to be looked at before it was installed.
    fresh: Mutex<Option<Arc<Plugin>>>,
    /// Held by a sale from when it is priced until what plugins keep of it is known.
    selling: Arc<tokio::sync::Mutex<()>>,
    figures: Figures,
    ticks: Ticks,
    seeds: AtomicU64,
    dropped: AtomicU64,
    unlabelled: AtomicU64,
    disk_bytes: AtomicU64,
}

/// What runs beside the plugins. It ends when this is dropped.
pub(crate) struct Running(JoinSet<()>);

/// What is known of orders before anything is loaded.
#[derive(Debug, Default)]
pub(crate) struct Ordered {
    /// Components that the node did not come up with, by plugin.
    pub held: Vec<(String, String)>,
    /// The lowest version of each plugin that may be put in place.
    pub minimums: BTreeMap<String, Version>,
}

/// Why events were not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordError {
    /// The journal has no room at the moment.
    #[error("the journal has no room at the moment")]
    Busy,
    /// The journal takes no batch that long.
    #[error("it is longer than the journal's settings allow")]
    TooLong,
    /// The node goes down.
    #[error("the node stops")]
    Stopped,
}

/// Opens the plugins of a store, and waits until they can be asked. Within a runtime.
pub(crate) async fn open(
    data: &Path,
    (config, projection, ordered): (&Config, &follow::Config, Ordered),
    (store_name, currency, zone): (&str, Currency, TimeZone),
    store: &Arc<Store>,
    registry: &mut Registry,
) -> anyhow::Result<(Plugins, Running)> {
    let files = Files::open(data).context("cannot use the folder of plugins")?;
    let dir = data.join("plugins");
    let place = Place { dir: &dir.join(".state"), name: "plugins", layout: LAYOUT };
    let (follower, found) = Follower::start(
        place,
        projection.clone(),
        &store.journal,
        store.clock(),
        registry,
        (fold::Plugins::default, fold::Plugins::decode),
    )
    .context("cannot follow the journal")?;
    for why in &found.passed_over {
        tracing::warn!(why, "a snapshot of the plugins was passed over; it is made again from the journal");
    }
    let host = HostConfig {
        cache_dir: Some(dir.join(".native")),
        // What was installed under another setting runs on; installing looks at the setting.
        component_bytes_max: COMPONENT_CEILING,
        ..HostConfig::default()
    };
    let host = Host::new(host).context("cannot start the host of plugins")?;
    let plugins = Plugins(Arc::new(Parted {
        host,
        files,
        follower,
        store: store.clone(),
        window: Arc::new(Window::new(store_name, currency, zone)),
        live: ArcSwap::default(),
        current: watch::Sender::new(0),
        changing: tokio::sync::Mutex::default(),
        held: Mutex::new(ordered.held),
        minimums: Minimums::new(ordered.minimums),
        fresh: Mutex::default(),
        selling: Arc::default(),
        figures: Figures::new(config.recordings_max, config.recordings_bytes_max),
        ticks: Ticks::start(),
        // So that no two starts give the same.
        seeds: AtomicU64::new(store.now().0.unsigned_abs()),
        dropped: AtomicU64::new(0),
        unlabelled: AtomicU64::new(0),
        disk_bytes: AtomicU64::new(0),
        config: config.clone(),
    }));
    metrics::register(&plugins, registry);
    // A follower that has stopped takes the node down; whoever started it sees that.
    if plugins.0.follower.wait_applied(store.journal.durable()).await.is_ok() {
        plugins.expect();
        // What takes longer goes on, and has the files to itself until it is done.
        let refreshing = {
            let plugins = plugins.clone();
            tokio::spawn(async move { plugins.refresh().await })
        };
        if tokio::time::timeout(READY_WITHIN, refreshing).await.is_err() {
            tracing::error!(
                "the plugins are not loaded in time; the shop opens without those that are missing"
            );
        }
    }
    let mut tasks = JoinSet::new();
    tasks.spawn(plugins.clone().keep_current());
    Ok((plugins, Running(tasks)))
}

impl Plugins {
    /// What the journal says of plugins. Takes no lock.
    pub(crate) fn view(&self) -> Arc<View> {
        self.0.follower.view()
    }

    /// Those that run.
    fn live(&self) -> Arc<Live> {
        self.0.live.load_full()
    }

    /// Waits until the projection has stopped by itself, and says why.
    pub(crate) async fn stopped(&self) -> String {
        self.0.follower.stopped().await
    }

    /// What `random` follows from in the next call.
    fn seed(&self) -> u64 {
        // Neighbouring numbers give nothing alike (SplitMix64, Steele et al. 2014).
        let mut z = self.0.seeds.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Asks one version, and takes note of the call.
    fn call(&self, runner: &Runner, scene: &Scene, input: &Arc<Input>, now: Timestamp) -> Arc<Call> {
        let call = Arc::new(runner.plugin.call(scene, input));
        let hook = input.hook();
        for line in &call.log {
            tracing::debug!(plugin = runner.plugin.id(), %hook, level = ?line.level, line = line.text, "a plugin says");
        }
        self.0.figures.note(Whole {
            origin: runner.plugin.origin().clone(),
            at: scene.now,
            seed: scene.seed,
            input: input.clone(),
            call: call.clone(),
        });
        if let Some(event) = runner.note(hook, &call, now, self.0.ticks.ms()) {
            // Whoever is served now does not wait for it.
            if let Err(error) = self.0.store.journal.submit(entries(&[event])) {
                tracing::warn!(%error, "what became of a plugin is not in the journal");
            }
        }
        call
    }

    /// Writes events and waits until shop and plugins show them.
    async fn record(&self, events: &[Event]) -> Result<Committed, RecordError> {
        let ticket = self.0.store.journal.submit(entries(events)).map_err(|error| match error {
            SubmitError::Full { .. } => RecordError::Busy,
            SubmitError::RecordTooLong { .. } | SubmitError::BatchTooLong { .. } => RecordError::TooLong,
            _ => RecordError::Stopped,
        })?;
        let committed = ticket.await.map_err(|error| match error {
            aisle_journal::CommitError::NoSpace { .. } => RecordError::Busy,
            _ => RecordError::Stopped,
        })?;
        self.0.follower.wait_applied(committed.last).await.map_err(|_| RecordError::Stopped)?;
        self.0.store.state.wait_applied(committed.last).await.map_err(|_| RecordError::Stopped)?;
        Ok(committed)
    }
}

impl Running {
    /// Waits until changes of plugins are followed no more, and says why.
    pub(crate) async fn failed(&mut self) -> String {
        match self.0.join_next().await {
            Some(Err(error)) => format!("plugins are followed no more: {error}"),
            Some(Ok(())) | None => std::future::pending().await,
        }
    }
}

fn entries(events: &[Event]) -> Vec<Entry> {
    events.iter().map(|event| Entry { kind: event.kind().0, payload: event.encode() }).collect()
}

/// What a call keeps, as events that the journal takes whatever its settings.
fn kept_events(plugin: &Name, writes: &[KvWrite], at: Timestamp) -> Vec<Event> {
    let mut events: Vec<PluginKept> = Vec::new();
    let mut room = 0_usize;
    for write in writes {
        let Ok(key) = Text::new(write.key.as_str()) else { continue };
        let bytes = WRITE_BYTES + write.key.len() + write.value.as_ref().map_or(0, |value| value.0.len());
        let value = write.value.as_ref().map(|value| Blob(value.0.clone().into()));
        let write = PluginWrite { key, value, unknown: Unknown::default() };
        match events.last_mut() {
            Some(event) if bytes <= room => event.writes.push(write),
            _ => {
                room = KEPT_BYTES_MAX;
                let (plugin, unknown) = (plugin.clone(), Unknown::default());
                events.push(PluginKept { plugin, writes: vec![write], at, unknown });
            }
        }
        room = room.saturating_sub(bytes);
    }
    events.into_iter().map(Event::from).collect()
}
