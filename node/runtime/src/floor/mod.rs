//! The store's floor in the running node: devices, what they measured, stock positions, cold chain, tasks.
//!
//! ```text
//! journal ─> fold (one follower) ─> View ─> staff board (port), admin API, charts, reports
//!    ▲                                │
//!    └── service (MQTT), act <────────┘
//! ```
//!
//! Not here: what any of it means (`aisle-devices`, `aisle-inventory`), pages (`aisle-kiosk`). Only wiring, and the shapes that one
//! part has for another.

mod act;
mod board;
mod device;
mod fold;
mod label;
mod metrics;
pub(crate) mod pin;
mod port;
pub(crate) mod report;
mod sensors;
mod stock;
mod unit;

pub(crate) use fold::View;

use crate::plugin::Plugins;
use crate::store::{Store, journal_dir};
use aisle_broker::Broker;
use aisle_devices::{
    registry::{self, DevicesView},
    service::{self, Control, ProfileDir, Service},
    telemetry::{self, Archive},
};
use aisle_event::Timestamp;
use aisle_inventory::{cold_chain, position, task};
use aisle_state::{
    Shop,
    follow::{self, Follower, Place},
};
use anyhow::Context;
use fold::{LAYOUT, Parts};
use jiff::tz::TimeZone;
use port::Made;
use prometheus_client::registry::Registry;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};
use tokio::{sync::watch, task::JoinSet};

/// How often the directory of profiles is looked at.
const PROFILES_EVERY: Duration = Duration::from_secs(2);

/// The settings of every part of the floor, checked.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub devices: registry::Config,
    pub service: service::Config,
    pub telemetry: telemetry::Config,
    pub positions: position::Config,
    pub cold_chain: cold_chain::Config,
    pub tasks: task::Config,
    pub projection: follow::Config,
}

/// Something that staff should know of the node itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    /// In words, with what to do.
    pub words: String,
    /// It cannot wait.
    pub is_urgent: bool,
}

/// Says whether the box is still to be claimed, whenever it is asked.
pub(crate) type IsUnclaimed = Arc<dyn Fn() -> bool + Send + Sync>;

/// Says what there is to know of the node itself, whenever it is asked.
pub(crate) type Notices = Arc<dyn Fn() -> Vec<Notice> + Send + Sync>;

/// The floor. Clones are one.
#[derive(Clone)]
pub(crate) struct Floor(Arc<Parted>);

struct Parted {
    follower: Follower<View>,
    control: Control,
    archive: Arc<Archive>,
    plugins: Plugins,
    store: Arc<Store>,
    store_name: String,
    journal_dir: PathBuf,
    zone: TimeZone,
    made: Mutex<Option<Made>>,
    /// Held by who closes something: it is looked whether it is open, and said that it is not, in one.
    closing: tokio::sync::Mutex<()>,
    changes: watch::Sender<u64>,
    notices: OnceLock<Notices>,
    unclaimed: OnceLock<IsUnclaimed>,
}

/// What runs beside the floor. It ends when this is dropped.
pub(crate) struct Running {
    service: service::Running,
    tasks: JoinSet<()>,
}

/// Where profiles of foreign devices are.
pub(crate) fn profiles_dir(data: &Path) -> PathBuf {
    data.join("devices").join("profiles")
}

/// Where minutes of telemetry are.
pub(crate) fn telemetry_dir(data: &Path) -> PathBuf {
    data.join("telemetry")
}

/// Opens the floor and listens to devices. Within a runtime, whose threads then listen.
pub(crate) fn open(
    data: &Path,
    settings: &Settings,
    (store_name, zone): (&str, TimeZone),
    store: &Arc<Store>,
    (broker, plugins): (Broker, Plugins),
    registry: &mut Registry,
) -> anyhow::Result<(Floor, Running)> {
    let archive =
        Archive::open(&telemetry_dir(data), &settings.telemetry).context("cannot open the telemetry")?;
    let archive = Arc::new(archive);
    let place = Place { dir: &data.join("floor"), name: "floor", layout: LAYOUT };
    let decode = |bytes: &[u8]| Parts::decode(settings, archive.clone(), bytes);
    let (follower, found) = Follower::start(
        place,
        settings.projection.clone(),
        &store.journal,
        store.clock(),
        registry,
        (|| Parts::new(settings, archive.clone()), decode),
    )
    .context("cannot follow the journal")?;
    for why in &found.passed_over {
        tracing::warn!(why, "a snapshot of the floor was passed over; it is made again from the journal");
    }
    let mut profiles = ProfileDir::new(profiles_dir(data));
    let loaded = profiles.load().context("cannot read the device profiles")?;
    let in_force = loaded.map(|loaded| loaded.profiles).unwrap_or_default();
    let view = follower.clone();
    let (control, service) = Service::start(
        broker,
        store.journal.clone(),
        store_name,
        in_force,
        Arc::new(move || register(&view)),
        store.clock(),
        settings.service.clone(),
        registry,
    )
    .context("the device service was refused")?;
    let floor = Floor(Arc::new(Parted {
        follower,
        control: control.clone(),
        archive,
        plugins,
        store: store.clone(),
        store_name: store_name.into(),
        journal_dir: journal_dir(data),
        zone,
        made: Mutex::default(),
        closing: tokio::sync::Mutex::default(),
        changes: watch::Sender::new(0),
        notices: OnceLock::new(),
        unclaimed: OnceLock::new(),
    }));
    metrics::register(&floor, registry);
    let mut tasks = JoinSet::new();
    tasks.spawn(ProfileDir::new(profiles_dir(data)).watch(control, PROFILES_EVERY));
    tasks.spawn(floor.clone().tell_changes());
    Ok((floor, Running { service, tasks }))
}

/// The register, which is as of every record that is applied, whether or not that was one of its own.
fn register(follower: &Follower<View>) -> Arc<DevicesView> {
    // In this order: a view taken later holds at least this record.
    let applied = follower.applied();
    let devices = follower.view().devices.clone();
    if devices.applied >= applied { devices } else { Arc::new(DevicesView { applied, ..(*devices).clone() }) }
}

impl Floor {
    /// The floor as of now. Takes no lock.
    pub(crate) fn view(&self) -> Arc<View> {
        self.0.follower.view()
    }

    /// What a person may do with devices.
    pub(crate) fn control(&self) -> &Control {
        &self.0.control
    }

    /// Minutes that are in files.
    pub(crate) fn archive(&self) -> &Archive {
        &self.0.archive
    }

    /// The zone that days are of.
    pub(crate) fn zone(&self) -> &TimeZone {
        &self.0.zone
    }

    /// Shows on the board what there is to know of the node itself, from now on. Only the first counts.
    pub(crate) fn set_notices(&self, notices: Notices) {
        let _ = self.0.notices.set(notices);
    }

    /// Shows the way to the first page while the box is to be claimed. Only the first counts.
    pub(crate) fn set_unclaimed(&self, unclaimed: IsUnclaimed) {
        let _ = self.0.unclaimed.set(unclaimed);
    }

    /// What there is to know of the node itself.
    fn notices(&self) -> Vec<Notice> {
        self.0.notices.get().map(|notices| notices()).unwrap_or_default()
    }

    /// The goods on offer.
    pub(crate) fn shop(&self) -> Arc<Shop> {
        self.0.store.state.shop()
    }

    /// The node's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.store.now()
    }

    /// The last record that is in the view, and whether that is all.
    pub(crate) fn progress(&self) -> (u64, bool) {
        (self.0.follower.applied(), self.0.follower.is_caught_up())
    }

    /// Waits until the view holds a record.
    pub(crate) async fn wait_applied(&self, seq: u64) -> Result<(), follow::Stopped> {
        self.0.follower.wait_applied(seq).await
    }

    /// Waits until the projection has stopped by itself, and says why.
    pub(crate) async fn stopped(&self) -> String {
        self.0.follower.stopped().await
    }
}

impl Running {
    /// Waits until devices are listened to no more, or boards are told of no more, and says why.
    pub(crate) async fn failed(&mut self) -> String {
        tokio::select! {
            failed = self.service.failed() => failed.to_string(),
            Some(Err(error)) = self.tasks.join_next() => format!("a task of the floor has stopped: {error}"),
        }
    }
}
