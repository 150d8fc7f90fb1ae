//! The line to the hub in the node: opens the outbox, calls the hub, follows the policy it sends, says how it stands.
//!
//! ```text
//! journal ─> Outbox (its own thread) ─changes─> run ─sealed─> Client (its own thread) <──> hub
//!                    ▲ follow                    │ ▲ POLICY          │ load, budgets
//!                    └─ door <── signed artefact ─┘ └─────────────────┘
//!                    Down (its own thread): DESIRED, pieces ─> DATA/content ─> Applier ─> REPORT
//! ```
//!
//! Without a section `[sync]` nothing of this exists. What is wrong with files, certificates or the policy keeps sync from working and never
//! the shop: it is told in `/healthz`, and tried again. Not here: what may leave (`aisle-residency`), what is kept (`aisle-outbox`), sockets
//! (`aisle-transport`), what of a content is fetched when (`aisle-content`), carrying erasures out (`crate::erase`).
//! Guards invariants 5 (nobody waits for the hub) and 8 (an outbox whose disk fails ends the node).

mod addresses;
pub(crate) mod apply;
pub(crate) mod config;
mod door;
mod down;
pub(crate) mod files;
mod load;
mod metrics;
mod pace;
pub(crate) mod policy;
mod report;
mod run;
mod shelf;
mod told;

pub(crate) use config::{RawSync, Settings};
pub(crate) use door::TakeError;
pub(crate) use load::{InFlight, count};
pub(crate) use report::SyncReport;

use crate::{erase::Erasing, store::Store};
use aisle_content::plan::Standing;
use aisle_event::{CustomerRef, StoreId};
use aisle_outbox::Outbox;
use aisle_protocol::{LinkKind, LogClass};
use aisle_residency::{erasure::Ask, signing::VerifyingKey};
use aisle_transport::{
    client::{self, Phase, Status},
    tls::ClockSource,
};
use arc_swap::ArcSwapOption;
use prometheus_client::{encoding::text::encode_registry, registry::Registry};
use std::{
    error::Error,
    fmt,
    future::pending,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

/// How long the line may take to end; the hub's last word and the outbox's step take less than two seconds.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// The line to the hub. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Line(Arc<Shared>);

struct Shared {
    data: PathBuf,
    store: StoreId,
    settings: Settings,
    /// How the time is known that the hub's certificate is judged at.
    clock: ClockSource,
    load: Arc<InFlight>,
    /// The metrics of the outbox and the line, once they are there.
    registry: ArcSwapOption<Registry>,
    view: Mutex<View>,
    /// By which policies come in.
    door: Mutex<door::Door>,
}

/// What there is to see.
#[derive(Default)]
struct View {
    running: Option<Running>,
    receipt_key: Option<VerifyingKey>,
    /// What keeps sync from working.
    problem: Option<String>,
    /// What is wrong with the policy's file while another one is in force.
    policy: Option<String>,
    /// What is wrong with the certificates' files while others are shown.
    certificates: Option<String>,
    /// What is wrong with the folder of contents.
    content: Option<String>,
    /// What the hub wants of the store, and how far it is.
    desired: Option<Desired>,
}

/// What the hub wants of the store.
#[derive(Clone, PartialEq, Eq)]
struct Desired {
    generation: u64,
    items: Vec<Standing>,
}

struct Running {
    outbox: Outbox,
    status: watch::Receiver<Status>,
}

impl Line {
    /// A line that has not begun.
    pub(crate) fn new(data: &Path, store: StoreId, settings: Settings, clock: ClockSource) -> Self {
        let load = Arc::new(InFlight::new(settings.kiosk));
        let (registry, view, door) = (ArcSwapOption::empty(), Mutex::default(), Mutex::default());
        Self(Arc::new(Shared { data: data.into(), store, settings, clock, load, registry, view, door }))
    }

    /// Opens the outbox and calls the hub, beside everything else, until the node stops.
    pub(crate) fn start(
        &self,
        store: &Arc<Store>,
        hands: apply::Hands,
        erasing: &Erasing,
        stopping: &watch::Receiver<bool>,
    ) -> Syncing {
        let (sender, failed) = watch::channel(None);
        let parts = (store.clone(), hands, erasing.clone());
        let task = tokio::spawn(run::run(self.clone(), parts, stopping.clone(), sender));
        Syncing { task, failed }
    }

    /// Counts the kiosk's requests.
    pub(crate) fn load(&self) -> Arc<InFlight> {
        self.0.load.clone()
    }

    /// Writes the metrics of outbox and line, if they are there, without an end.
    pub(crate) fn encode(&self, text: &mut String) -> fmt::Result {
        match self.0.registry.load_full() {
            Some(registry) => encode_registry(text, &registry),
            None => Ok(()),
        }
    }

    /// What the batches take that wait for the hub, in bytes; 0 before the outbox is open.
    pub(crate) fn waiting_bytes(&self) -> u64 {
        let view = self.view();
        let waits = |running: &Running| {
            LogClass::ALL.into_iter().map(|class| running.outbox.backlog(class).bytes).sum::<u64>()
        };
        view.running.as_ref().map_or(0, waits)
    }

    /// What all batches may take on disk, in bytes.
    pub(crate) fn outbox_bytes_max(&self) -> u64 {
        self.settings().outbox.disk_bytes_max
    }

    /// Whether the hub knows the node now.
    pub(crate) fn is_connected(&self) -> bool {
        let view = self.view();
        view.running.as_ref().is_some_and(|running| running.status.borrow().phase == Phase::Connected)
    }

    /// Whether sales have a byte budget on a line of this kind.
    pub(crate) fn is_budgeted(&self) -> bool {
        let settings = self.settings();
        let of_link = match settings.link {
            LinkKind::Metered => &settings.budgets.metered,
            LinkKind::Lte => &settings.budgets.lte,
            LinkKind::Fibre => &settings.budgets.fibre,
        };
        of_link.sales.is_some()
    }

    fn settings(&self) -> &Settings {
        &self.0.settings
    }

    fn data(&self) -> &Path {
        &self.0.data
    }

    fn view(&self) -> MutexGuard<'_, View> {
        // Nothing in it is ever half changed.
        self.0.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line that works, or tries to.
pub(crate) struct Syncing {
    task: JoinHandle<()>,
    failed: watch::Receiver<Option<String>>,
}

impl Syncing {
    /// Waits until the outbox can no longer promise what it promises, and says why.
    pub(crate) async fn failed(&self) -> String {
        let mut failed = self.failed.clone();
        let reason = match failed.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone(),
            Err(_) => None,
        };
        match reason {
            Some(reason) => reason,
            None => pending().await,
        }
    }

    /// Waits for the end of a line whose node stops.
    pub(crate) async fn ended(self) {
        if timeout(END_TIMEOUT, self.task).await.is_err() {
            tracing::warn!("the line to the hub did not end in time; what it had under way is sent again");
        }
    }
}

/// The same for a node that may stand alone.
pub(crate) async fn failed(syncing: Option<&Syncing>) -> String {
    match syncing {
        Some(syncing) => syncing.failed().await,
        None => pending().await,
    }
}

/// Whom the hub is to be asked for when a customer is forgotten; `None` when it has no token of theirs.
///
/// # Errors
/// When the secrets or the policy cannot be read.
pub(crate) fn ask_of(
    data: &Path,
    settings: &Settings,
    customer: &CustomerRef,
) -> Result<Option<Ask>, String> {
    let secrets = files::Secrets::open(data, settings).map_err(|error| words(&error))?;
    let tokens = run::customers_tokens(data, settings, (&secrets.store, &secrets.token))?(customer);
    let region = settings.region.to_string();
    Ok((!tokens.is_empty()).then_some(Ask { region, tokens }))
}

/// Registers all metrics of sync without a hub, for a reference.
pub(crate) fn describe(registry: &mut Registry) {
    aisle_outbox::describe(registry);
    let of_sync = registry.sub_registry_with_prefix("sync");
    metrics::Metrics::register(of_sync);
    client::describe(of_sync);
}

/// An error with its causes on one line; hints go to the end.
pub(crate) fn words(error: &dyn Error) -> String {
    let (mut texts, mut source) = (vec![error.to_string()], error.source());
    while let Some(cause) = source {
        texts.push(cause.to_string());
        source = cause.source();
    }
    let parts = texts.iter().map(|text| text.split_once("\nhint: ").unwrap_or((text, "")));
    let (mut said, mut hints) = (Vec::new(), String::new());
    for (text, hint) in parts {
        said.push(text);
        if !hint.is_empty() {
            hints.push_str("\nhint: ");
            hints.push_str(hint);
        }
    }
    said.join(": ") + &hints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_with_its_causes_and_the_hint_at_the_end() {
        let source = std::io::Error::other("no such device\nhint: look at the cable");
        let error = files::FileError::Read { path: "a.pem".into(), source };
        assert_eq!(words(&error), "cannot read `a.pem`: no such device\nhint: look at the cable");
    }

    #[test]
    fn all_metrics_are_described_with_a_sample_each() {
        let mut registry = Registry::with_prefix("aisle");
        describe(&mut registry);
        let mut text = String::new();
        encode_registry(&mut text, &registry).unwrap();
        for name in ["aisle_outbox_epochs", "aisle_sync_connected", "aisle_sync_policy_version"] {
            assert!(text.contains(&format!("# HELP {name} ")), "{name} is not in {text}");
        }
    }
}
