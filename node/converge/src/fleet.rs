//! The node's side of its fleet, as the rest of the node has it: orders, metadata and contents go in, a report comes out.
//!
//! Opened before anything that was ordered is loaded, so that a node which does not come up with something new finds out ([`Fleet::fallen`]); begun when those are
//! there who put things in place. Not here: the thread ([`crate::worker`]), what a stick brings ([`crate::courier`]).

use crate::{
    applier::{Applier, SetsNode},
    contents::{Contents, ContentsError},
    driver::{Driver, DriverError},
    orders::{Mine, Orders, Refused, Verifies},
    rehearse::Rehearsals,
    signed::{Signed, SignedError},
    status::Status,
    worker::{Event, Worker},
};
use aisle_artefact::files::DiskFiles;
use aisle_content::Manifest;
use aisle_event::{StoreId, Timestamp};
use aisle_fleet::{
    Around, ContentHash, Converger, Denies, Effect, Grant, Input, NodeReport, Now, Reason, Release, Slot,
    Version, converge::Config, device::SlotDevices, says::REASONS_MAX,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Instant,
};

/// The name of the item that brings signed metadata.
pub const METADATA: &str = "metadata";
/// What waits for the thread. Who would have to wait says so and comes again.
const INBOX_MAX: usize = 256;

/// What is the case around the node, at the moment it is asked. Nothing of it may take long.
pub trait Surroundings: Send + Sync {
    /// The time of day, where it is known well enough to open a window by.
    fn wall(&self) -> Option<Timestamp>;

    /// The time that signed metadata is judged at: one that the node trusts.
    fn trusted(&self) -> Timestamp;

    /// Room on the disk, in bytes.
    fn disk_free_bytes(&self) -> u64;

    /// The version of Aisle that runs.
    fn version(&self) -> Option<Version>;

    /// Why nothing may be put in place just now.
    fn busy(&self) -> Option<String>;

    /// What the store grants to plugins; everything where nothing is said.
    fn grants(&self) -> Option<BTreeSet<Grant>> {
        None
    }

    /// What the store denies, and why.
    fn denies(&self) -> Denies {
        Denies::default()
    }
}

/// Hears that there is something new: a report, or contents that are missing. It must not wait.
pub type Listener = Box<dyn Fn() + Send + Sync>;

/// What it is made of.
pub struct Parts {
    /// The node's data.
    pub data: PathBuf,
    /// The store.
    pub store: StoreId,
    /// The node's serial number, where it has one.
    pub serial: Option<String>,
    /// Whether a signature is a hub's; nothing where no hub is known.
    pub verifies: Option<Verifies>,
    /// What the machine goes by; its kinds are those that have an applier.
    pub config: Config,
    /// What is around.
    pub around: Arc<dyn Surroundings>,
}

/// Why there is no fleet for this node.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The machine's memory.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// The contents.
    #[error(transparent)]
    Contents(#[from] ContentsError),
    /// The folder.
    #[error("cannot use `{path}`")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Why an item of an order was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// What is signed cannot be used.
    #[error("the signed metadata cannot be used")]
    Unusable,
    /// Signed metadata that is refused.
    #[error(transparent)]
    Signed(#[from] SignedError),
    /// An order that is refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A content that cannot be taken.
    #[error(transparent)]
    Contents(#[from] ContentsError),
    /// The folder.
    #[error("the contents cannot be kept")]
    Keep(#[source] io::Error),
}

/// The node's side of its fleet. Clones are one.
#[derive(Clone)]
pub struct Fleet(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) contents: Contents,
    /// Nothing where it cannot be used: then nothing new may be put in place.
    pub(crate) signed: Mutex<Option<Signed>>,
    pub(crate) orders: Mutex<Orders>,
    pub(crate) rehearsals: Mutex<Rehearsals>,
    pub(crate) around: Arc<dyn Surroundings>,
    pub(crate) view: Mutex<View>,
    pub(crate) sender: SyncSender<Event>,
    /// What is left of the disk for what the store records.
    pub(crate) disk_reserve_bytes: u64,
    serial: Option<String>,
    started: Instant,
    listener: Mutex<Option<Listener>>,
    waiting: Mutex<Option<Waiting>>,
}

/// What there is to see.
#[derive(Default)]
pub(crate) struct View {
    pub(crate) report: NodeReport,
    pub(crate) problem: Option<String>,
    pub(crate) refused: Option<String>,
    /// What became of what runs at the devices that it means.
    pub(crate) devices: BTreeMap<Slot, SlotDevices>,
    /// Contents that are wanted and not here.
    pub(crate) missing: BTreeSet<ContentHash>,
    /// Those of them that come back in the place of what fell, whatever the order says.
    pub(crate) returning: BTreeSet<ContentHash>,
    /// The highest minimums that were ever ordered.
    pub(crate) floors: BTreeMap<Slot, Version>,
    /// Why nothing is kept, and so nothing is changed.
    pub(crate) held: Option<String>,
    /// The metadata that was tried last, whatever came of it.
    pub(crate) tried: Option<ContentHash>,
    pub(crate) fallen: u64,
}

/// Until there is somebody to put things in place.
struct Waiting {
    driver: Driver,
    effects: Vec<Effect>,
    receiver: Receiver<Event>,
}

/// The fleet while its thread runs.
pub struct Running {
    sender: SyncSender<Event>,
    thread: JoinHandle<()>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing behind these locks is ever half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the fleet keeps its own.
#[must_use]
pub fn folder(data: &Path) -> PathBuf {
    data.join("fleet")
}

/// Where signed metadata is kept.
#[must_use]
pub fn signed_folder(data: &Path) -> PathBuf {
    data.join("artefacts")
}

/// An error with its causes on one line.
#[must_use]
pub fn words(error: &dyn Error) -> String {
    let (mut text, mut source) = (error.to_string(), error.source());
    while let Some(cause) = source {
        // What is transparent has said it already.
        let said = cause.to_string();
        if !text.ends_with(&said) {
            let (before, hint) =
                text.split_once("\nhint: ").map_or((text.as_str(), None), |(a, b)| (a, Some(b)));
            let hint = hint.map_or_else(String::new, |hint| format!("\nhint: {hint}"));
            text = format!("{before}: {said}{hint}");
        }
        source = cause.source();
    }
    text
}

impl Fleet {
    /// Goes on from what was kept. What has not come up often enough is given up here, before it is loaded.
    ///
    /// # Errors
    /// When the disk fails, or what was kept is of a later form. The shop goes on without a fleet.
    pub fn open(parts: Parts) -> Result<Self, OpenError> {
        let config = parts.config.clone();
        let folder = folder(&parts.data);
        let (shared, receiver) = Self::shared(parts)?;
        let files = DiskFiles::open(&folder).map_err(|source| OpenError::Folder { path: folder, source })?;
        let mut driver = Driver::open(Box::new(files), config)?;
        let effects = match driver.handle(shared.now(), &shared.around(), Input::Tick) {
            // There will be room again; until then nothing is done.
            Err(error @ DriverError::NoRoom(_)) => {
                let problem = words(&error);
                tracing::error!("{problem}");
                lock(&shared.view).held = Some(problem);
                Vec::new()
            }
            effects => effects?,
        };
        lock(&shared.view).floors.clone_from(driver.machine().floors());
        lock(&shared.view).report = driver.machine().report();
        *lock(&shared.waiting) = Some(Waiting { driver, effects, receiver });
        Ok(Self(Arc::new(shared)))
    }

    /// For a command while no node runs: takes what a stick brings and puts nothing in place. What was put in place last is not blamed for anything by this.
    ///
    /// # Errors
    /// As [`Fleet::open`].
    pub fn beside(parts: Parts) -> Result<Self, OpenError> {
        let report = look(&parts.data)?.report();
        let (shared, _) = Self::shared(parts)?;
        lock(&shared.view).report = report;
        Ok(Self(Arc::new(shared)))
    }

    fn shared(parts: Parts) -> Result<(Shared, Receiver<Event>), OpenError> {
        let Parts { data, store, serial, verifies, config, around } = parts;
        let folder = folder(&data);
        let files = || DiskFiles::open(&folder);
        let at = |source| OpenError::Folder { path: folder.clone(), source };
        let contents = Contents::open(&folder.join("contents"))?;
        let orders =
            Orders::open(Box::new(files().map_err(at)?), store, serial.clone(), verifies).map_err(at)?;
        let mut rehearsals = Rehearsals::open(Box::new(files().map_err(at)?));
        rehearsals.ask(orders.mine().map(|mine| mine.rehearse).unwrap_or_default());
        let mut view = View::default();
        let signed = Signed::open(&signed_folder(&data)).map_err(|error| {
            let problem = words(&error);
            tracing::error!("nothing new is put in place: {problem}");
            view.problem = Some(problem);
        });
        let (sender, receiver) = sync_channel(INBOX_MAX);
        let shared = Shared {
            contents,
            signed: Mutex::new(signed.ok()),
            orders: Mutex::new(orders),
            rehearsals: Mutex::new(rehearsals),
            around,
            view: Mutex::new(view),
            sender,
            disk_reserve_bytes: config.disk_reserve_bytes,
            serial,
            started: Instant::now(),
            listener: Mutex::default(),
            waiting: Mutex::default(),
        };
        Ok((shared, receiver))
    }

    /// What must not be loaded: it was put in place last, and the node did not come up with it.
    #[must_use]
    pub fn fallen(&self) -> Vec<(Slot, Release)> {
        let waiting = lock(&self.0.waiting);
        // What is not kept yet is as true.
        let effects =
            waiting.iter().flat_map(|waiting| waiting.effects.iter().chain(waiting.driver.pending()));
        let fallen = effects.filter_map(|effect| match effect {
            Effect::Revert { slot, from, .. } => Some((slot.clone(), from.clone())),
            _ => None,
        });
        fallen.collect()
    }

    /// The highest minimum of each slot that was ever ordered: no version below it may be put in place by anybody.
    #[must_use]
    pub fn minimums(&self) -> BTreeMap<Slot, Version> {
        lock(&self.0.view).floors.clone()
    }

    /// Begins: from now on what is ordered is carried out by these; without somebody who sets the node, settings of it are refused. Only the first call does anything.
    ///
    /// # Errors
    /// When there are no threads for it.
    pub fn start(
        &self,
        appliers: Vec<Arc<dyn Applier>>,
        sets: Option<Arc<dyn SetsNode>>,
    ) -> io::Result<Option<Running>> {
        let Some(Waiting { driver, effects, receiver }) = lock(&self.0.waiting).take() else {
            return Ok(None);
        };
        let worker = Worker::new(self.clone(), driver, (appliers, sets), receiver)?;
        let sender = self.0.sender.clone();
        let thread =
            std::thread::Builder::new().name("aisle-fleet".into()).spawn(move || worker.run(effects))?;
        Ok(Some(Running { sender, thread }))
    }

    /// Who hears of something new. The last one counts.
    pub fn listen(&self, listener: Option<Listener>) {
        *lock(&self.0.listener) = listener;
        self.0.notify();
    }

    /// Takes an order, from the line or from a stick. It is durable when this returns; gives what the store fetches by it.
    ///
    /// # Errors
    /// When it must not be followed.
    pub fn order(&self, document: &[u8], announced: Option<u64>) -> Result<Manifest, Refused> {
        let taken = lock(&self.0.orders).take(document, announced);
        match &taken {
            Ok(_) => {
                let asked = lock(&self.0.orders).mine().map(|mine| mine.rehearse);
                lock(&self.0.rehearsals).ask(asked.unwrap_or_default());
                lock(&self.0.view).refused = None;
                self.0.wake(Event::Ordered);
            }
            Err(error) => self.refuse(words(error)),
        }
        taken
    }

    /// Notes that something was not followed, for people.
    pub fn refuse(&self, why: String) {
        tracing::error!("what the hub orders is not followed: {why}");
        lock(&self.0.view).refused = Some(why);
        self.0.notify();
    }

    /// What the store fetches by the order that is followed.
    #[must_use]
    pub fn manifest(&self) -> Option<Manifest> {
        lock(&self.0.orders).manifest().cloned()
    }

    /// The bytes of an artefact that is here.
    ///
    /// # Errors
    /// When it is not here, or spoilt.
    pub fn read(&self, release: &Release) -> Result<Vec<u8>, ContentsError> {
        self.0.contents.read(release)
    }

    /// The generation of the order that is followed.
    #[must_use]
    pub fn generation(&self) -> Option<u64> {
        lock(&self.0.orders).generation()
    }

    /// True when what is not signed is refused.
    #[must_use]
    pub fn is_trusting(&self) -> bool {
        // What cannot be opened has to be mended before anything unsigned is taken again.
        lock(&self.0.signed).as_ref().is_none_or(Signed::is_trusting)
    }

    /// Begins to trust a root. True when it is new.
    ///
    /// # Errors
    /// When another one is trusted, or it is none.
    pub fn trust(&self, root: &[u8]) -> Result<bool, TakeError> {
        let is_new = lock(&self.0.signed).as_mut().ok_or(TakeError::Unusable)?.trust(root)?;
        self.0.wake(Event::Metadata);
        Ok(is_new)
    }

    /// Takes the metadata that an order brings. Without a root there is nothing to hold it against, and nothing is done.
    ///
    /// # Errors
    /// When it is refused; what was known counts on.
    pub fn metadata(&self, bundle: &[u8]) -> Result<(), TakeError> {
        let now = self.0.around.trusted();
        let updated = match lock(&self.0.signed).as_mut() {
            None => Err(TakeError::Unusable),
            Some(signed) if !signed.is_trusting() => Ok(()),
            Some(signed) => signed.update(bundle, now).map(drop).map_err(TakeError::from),
        };
        lock(&self.0.view).tried = Some(ContentHash::of(bundle));
        self.0.wake(Event::Metadata);
        updated
    }

    /// A content that an order names has come, and lies here. It is taken where this node wants it.
    ///
    /// # Errors
    /// When it cannot be taken.
    pub fn arrived(&self, hash: &ContentHash, path: &Path) -> Result<(), TakeError> {
        let mine = lock(&self.0.orders).mine();
        let is_wanted = mine.is_some_and(|mine| wants(&mine, hash)) || self.0.misses(hash);
        if is_wanted {
            self.0.contents.take(hash, path)?;
        }
        lock(&self.0.view).missing.remove(hash);
        self.0.wake(Event::Arrived);
        Ok(())
    }

    /// Contents that are wanted and not here; each is told of once.
    #[must_use]
    pub fn take_missing(&self) -> BTreeSet<ContentHash> {
        std::mem::take(&mut lock(&self.0.view).missing)
    }

    /// How the node stands.
    #[must_use]
    pub fn status(&self) -> Status {
        let (root_version, until) = {
            let signed = lock(&self.0.signed);
            let signed = signed.as_ref();
            (signed.and_then(Signed::root_version), signed.and_then(Signed::until))
        };
        let (generation, hub, ordered_at_ms) = {
            let orders = lock(&self.0.orders);
            let made = orders.made();
            (orders.generation(), made.map(|(hub, _)| hub.to_owned()), made.map(|(_, at)| at))
        };
        let rehearsals = lock(&self.0.rehearsals).played();
        let view = lock(&self.0.view);
        let mut report = view.report.clone();
        if view.held.is_some() {
            // Headquarters hears it where it asks why nothing happens.
            let why = || Reason::Busy { with: "its disk does not keep what is to be changed".into() };
            let slots = report.slots.values_mut().map(|slot| &mut slot.reasons);
            for reasons in slots.chain([&mut report.settings.reasons]) {
                reasons.insert(0, why());
                reasons.truncate(REASONS_MAX);
            }
        }
        Status {
            serial: self.0.serial.clone(),
            root_version,
            metadata_until_ms: until.map(|until| until.0),
            generation,
            hub,
            ordered_at_ms,
            refused: view.refused.clone(),
            problem: view.held.clone().or_else(|| view.problem.clone()),
            report,
            rehearsals,
            devices: view.devices.clone(),
        }
    }

    /// When signed metadata runs out.
    #[must_use]
    pub fn metadata_until(&self) -> Option<Timestamp> {
        lock(&self.0.signed).as_ref().and_then(Signed::until)
    }

    /// The signed list of one kind that runs out first, and when.
    #[must_use]
    pub fn first_list(&self) -> Option<(String, Timestamp)> {
        lock(&self.0.signed).as_ref().and_then(Signed::first_list)
    }

    /// How often something was taken back since the start.
    #[must_use]
    pub fn fell(&self) -> u64 {
        lock(&self.0.view).fallen
    }
}

/// Whether a state names a content.
pub(crate) fn wants(mine: &Mine, hash: &ContentHash) -> bool {
    let releases = mine.state.slots.values().filter_map(|wanted| wanted.want.release());
    releases.into_iter().any(|release| release.hash == *hash)
}

impl Shared {
    /// The time, by both clocks.
    pub(crate) fn now(&self) -> Now {
        let running_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now { running_ms, wall: self.around.wall() }
    }

    /// What is the case.
    pub(crate) fn around(&self) -> Around {
        Around {
            disk_free_bytes: self.around.disk_free_bytes(),
            here: self.contents.here(),
            metadata_until: lock(&self.signed).as_ref().and_then(Signed::until),
            node_version: self.around.version(),
            grants: self.around.grants(),
            denies: self.around.denies(),
            busy: self.around.busy(),
        }
    }

    /// True for a content that is needed though no order names it: for a rehearsal, or because it comes back in the place of what fell.
    pub(crate) fn misses(&self, hash: &ContentHash) -> bool {
        let is_returning = lock(&self.view).returning.contains(hash);
        is_returning || lock(&self.rehearsals).wants(hash)
    }

    /// Wakes the thread. A full inbox wakes it as well.
    pub(crate) fn wake(&self, event: Event) {
        let _ = self.sender.try_send(event);
    }

    /// Tells whoever listens that there is something new.
    pub(crate) fn notify(&self) {
        if let Some(listener) = &*lock(&self.listener) {
            listener();
        }
    }
}

impl Running {
    /// Ends the thread. `ordered` says that the node stops because it was asked to, and not because it failed. Blocks until that is kept, where it can be; what is put
    /// in place just now goes on at the next start.
    pub fn stop(self, ordered: bool) {
        if self.sender.send(Event::Stop { ordered }).is_err() || self.thread.join().is_err() {
            tracing::error!("the thread of the fleet has panicked");
        }
    }
}

/// What the machine kept, for who looks beside a node that runs, or without one.
///
/// # Errors
/// When it cannot be read.
pub fn look(data: &Path) -> Result<Converger, OpenError> {
    let path = folder(data);
    let files = DiskFiles::open(&path).map_err(|source| OpenError::Folder { path, source })?;
    Ok(crate::driver::look(&files)?)
}
