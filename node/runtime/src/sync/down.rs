//! What the hub wants the store to have, in the node: a thread that owns the machine and its folder, between the line and the appliers.
//!
//! ```text
//! line ─ DESIRED, pieces, held, welcomed ─> inbox ─> Planner over Folder ─ fetch, close, report ─> line
//!            │ an order                       ▲            ├─ apply ─> Applier (on the runtime) ─┐
//!            └─> Fleet <── metadata, contents ┼────────────┘  of a plain manifest                │
//!                  └─ what the node says ─────┴──────────── applied ─────────────────────────────┘
//! ```
//!
//! The hub wants something by an *order*, signed with the key of its receipts, or by a plain manifest. Applying an item of an order says only that its bytes are here: when it is put in
//! place is the fleet's (`aisle-converge`). A node that trusts a root of signed metadata follows no plain manifest.
//!
//! Without a hub it applies what is there already. What is wrong with the folder keeps only this from working. Not here: which piece comes when
//! (`aisle-content`), what applying is ([`super::apply`]). Guards invariant 5: nobody waits for this thread; and that a node which goes by signatures takes nothing without.

use super::{Desired as Wanted, Line, apply::Hands, files, metrics::Metrics, told::Told, words};
use crate::{fleet, horizon};
use aisle_content::{
    Config, Folder, Input, Item, Manifest, Order, Output, Planner, Shelf as _, ShelfError,
    trust::{HubsWord, manifest},
};
use aisle_converge::{Fleet, fleet::METADATA};
use aisle_fleet::{ContentHash, says::NodeSays};
use aisle_protocol::{
    Hash, Message, Stream,
    control::{self, Applied, Octets, Report},
    limits::TEXT_BYTES_MAX,
};
use aisle_transport::client::{Client, Heard, NotTaken, Phase};
use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::{runtime::Handle, task::spawn_blocking};

/// What waits to be looked at. Four pieces are under way at most; what is dropped comes again.
const INBOX_MAX: usize = 64;
/// How long until a folder that cannot be used is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// The longest sleep; whatever happens ends it.
const SLEEP_MAX: Duration = Duration::from_secs(60);
/// How long until a line that takes nothing more is asked again.
const LINE_RETRY: Duration = Duration::from_millis(100);

/// Why an item of a plain manifest is not applied where a root is trusted.
const UNSIGNED: &str =
    "this node goes by signatures (it trusts a root of signed metadata), and this is no signed order";

/// Something for the thread.
pub(super) enum Event {
    /// For the machine.
    Input(Input),
    /// The hub wants something.
    Desired(control::Desired),
    /// The fleet has something new to say, or misses a content.
    Fleet,
    /// Look whether it is time to stop.
    Stop,
}

/// Where the thread hears from.
pub(super) struct Inbox {
    pub(super) sender: SyncSender<Event>,
    receiver: Receiver<Event>,
}

impl Inbox {
    pub(super) fn new() -> Self {
        let (sender, receiver) = sync_channel(INBOX_MAX);
        Self { sender, receiver }
    }
}

/// The thread.
pub(super) struct Down {
    sender: SyncSender<Event>,
    stopping: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// What of the line is for the thread.
pub(super) fn event(heard: &Heard) -> Option<Event> {
    let input = match heard {
        Heard::Welcomed(_) => Input::Connected,
        Heard::Untold(Message::ChunkWanted(_) | Message::Report(_)) => Input::Disconnected,
        Heard::Held { hash, for_ms } => Input::Held { hash: *hash, for_ms: *for_ms },
        Heard::Delivered { message: Message::Desired(desired), .. } => {
            return Some(Event::Desired(desired.clone()));
        }
        Heard::Delivered { message: Message::ChunkPart(part), .. } => Input::Part {
            hash: part.hash,
            offset: part.offset,
            bytes_total: part.bytes_total,
            bytes: part.bytes.0.clone(),
        },
        Heard::Delivered { stream: Stream::Chunk(hash), message: Message::Error(error) } => {
            Input::Refused { hash: *hash, text: error.text.clone() }
        }
        _ => return None,
    };
    Some(Event::Input(input))
}

impl Down {
    /// Starts the thread. Within a runtime, which appliers run on.
    pub(super) fn start(
        line: Line,
        client: Client,
        hands: Hands,
        metrics: Metrics,
        inbox: Inbox,
    ) -> io::Result<Self> {
        let Inbox { sender, receiver } = inbox;
        if let Some(fleet) = &hands.fleet {
            let to_thread = sender.clone();
            // What is dropped is seen with the next one, and at the latest with the next look.
            fleet.listen(Some(Box::new(move || drop(to_thread.try_send(Event::Fleet)))));
        }
        let stopping = Arc::new(AtomicBool::new(false));
        let worker = Worker {
            line,
            client,
            hands,
            metrics,
            told: Told::default(),
            reported: None,
            receiver,
            sender: sender.clone(),
            stopping: stopping.clone(),
            runtime: Handle::current(),
            started: Instant::now(),
        };
        let thread = thread::Builder::new().name("aisle-content".into()).spawn(move || worker.run())?;
        Ok(Self { sender, stopping, thread })
    }

    /// Ends the thread after what it does just now. Blocks until then.
    pub(super) fn stop(self) {
        self.stopping.store(true, Ordering::Relaxed);
        // A full inbox wakes it as well.
        let _ = self.sender.try_send(Event::Stop);
        if self.thread.join().is_err() {
            tracing::error!("the thread of contents has panicked");
        }
    }
}

struct Worker {
    line: Line,
    client: Client,
    hands: Hands,
    metrics: Metrics,
    /// What the hub was last told of the fleet.
    told: Told,
    /// What it was last told beside that.
    reported: Option<Report>,
    receiver: Receiver<Event>,
    sender: SyncSender<Event>,
    stopping: Arc<AtomicBool>,
    runtime: Handle,
    started: Instant,
}

impl Worker {
    fn run(mut self) {
        self.work();
        if let Some(fleet) = &self.hands.fleet {
            fleet.listen(None);
        }
    }

    fn work(&mut self) {
        let Some((mut planner, mut folder)) = self.open() else { return };
        let mut inputs = VecDeque::from([Input::Tick]);
        loop {
            inputs.extend(self.of_fleet(&mut planner));
            while let Some(input) = inputs.pop_front() {
                let is_new = matches!(input, Input::Connected);
                let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
                for output in planner.handle(now_ms, input, &mut folder) {
                    inputs.extend(self.act(output, &planner, &mut folder));
                }
                if is_new {
                    self.told.forget();
                }
            }
            let pause = self.say(&planner);
            self.show(&planner);
            let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let due = Duration::from_millis(planner.wake_at().saturating_sub(now_ms).max(1));
            let event = self.receiver.recv_timeout(due.min(pause.unwrap_or(SLEEP_MAX)).min(SLEEP_MAX));
            if self.is_stopping() {
                return;
            }
            match event {
                Ok(Event::Input(input)) => inputs.push_back(input),
                Ok(Event::Desired(desired)) => inputs.extend(self.desired(&desired)),
                Ok(Event::Fleet) => {}
                Ok(Event::Stop) => inputs.push_back(Input::Tick),
                Err(RecvTimeoutError::Timeout) => inputs.push_back(self.looked(&planner)),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Time has passed. A connection that was not heard of, since there was too much to hear, is noticed now.
    fn looked(&self, planner: &Planner) -> Input {
        let is_connected = self.client.status().borrow().phase == Phase::Connected;
        if is_connected && !planner.is_connected() { Input::Connected } else { Input::Tick }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Takes the folder, again and again until it can be used. `None` when it is time to stop.
    fn open(&self) -> Option<(Planner, Folder)> {
        loop {
            match self.try_open() {
                Ok(opened) => {
                    self.line.view().content = None;
                    return Some(opened);
                }
                Err(error) => {
                    let reason = words(&error);
                    let mut view = self.line.view();
                    if view.content.as_ref() != Some(&reason) {
                        tracing::error!("what the hub wants cannot be kept: {reason}");
                    }
                    view.content = Some(reason);
                }
            }
            let until = Instant::now() + RETRY;
            while Instant::now() < until {
                if self.is_stopping() {
                    return None;
                }
                thread::sleep(LINE_RETRY);
            }
        }
    }

    fn try_open(&self) -> Result<(Planner, Folder), ShelfError> {
        let bytes_max = self.line.settings().content.disk_bytes_max;
        let data = self.line.data().to_owned();
        let folder = Folder::open(&files::content_dir(&data), bytes_max)?;
        // What is left of the disk is for what the store records.
        let free = Box::new(move || horizon::free_bytes(&data));
        let mut folder = folder.with_reserve(fleet::disk_reserve_bytes(), free);
        let kinds = self.hands.kinds(self.hands.fleet.as_ref().is_some_and(|it| it.generation().is_some()));
        let config = Config { kinds, seed: rand::random(), ..Config::default() };
        Ok((Planner::open(config, &mut folder)?, folder))
    }

    fn desired(&mut self, desired: &control::Desired) -> Option<Input> {
        let (generation, document) = (desired.generation, &desired.manifest.0);
        if Order::is_one(document) {
            let Some(fleet) = &self.hands.fleet else {
                tracing::error!(
                    generation,
                    "the hub's order is not followed: this node's fleet cannot be used"
                );
                return None;
            };
            // Who refuses it says so.
            return fleet.order(document, Some(generation)).ok().map(Input::Desired);
        }
        match manifest(desired, &HubsWord) {
            Ok(manifest) => match self.hands.fleet.as_ref().filter(|fleet| fleet.is_trusting()) {
                None => Some(Input::Desired(manifest)),
                Some(fleet) => {
                    fleet.refuse(format!("generation {generation}: {UNSIGNED}"));
                    self.refuse(&manifest);
                    None
                }
            },
            Err(error) => {
                tracing::error!(generation, "what the hub wants is not followed: {}", words(&error));
                None
            }
        }
    }

    /// Tells the hub that nothing of a manifest is applied, and why.
    fn refuse(&mut self, manifest: &Manifest) {
        let refused = |item: &Item| Applied {
            name: item.name.clone(),
            version: item.version.clone(),
            hash: item.content.hash,
            ok: false,
            reason: Some(UNSIGNED.into()),
        };
        let applied = manifest.items().iter().map(refused).collect();
        self.report(Report { generation: manifest.generation(), applied, node: None });
    }

    /// Whether what the planner goes by is an order.
    fn is_ordered(&self, planner: &Planner) -> bool {
        let ordered = self.hands.fleet.as_ref().and_then(Fleet::generation);
        ordered.is_some() && ordered == planner.generation()
    }

    /// What the fleet has for the planner: an order that came by hand or before the last kill, and contents that it misses.
    fn of_fleet(&self, planner: &mut Planner) -> Vec<Input> {
        let Some(fleet) = &self.hands.fleet else { return Vec::new() };
        let is_newer = fleet.generation().is_some_and(|ordered| planner.generation() < Some(ordered));
        let ordered = is_newer.then(|| fleet.manifest()).flatten();
        planner.use_kinds(self.hands.kinds(is_newer || self.is_ordered(planner)));
        let lost = fleet.take_missing().into_iter().map(|ContentHash(hash)| Input::Lost { hash: Hash(hash) });
        ordered.map(Input::Desired).into_iter().chain(lost).collect()
    }

    /// Tells the hub how the node stands in its fleet, where that is news, or where it was told long ago. Gives how long it may wait else.
    fn say(&mut self, planner: &Planner) -> Option<Duration> {
        let fleet = self.hands.fleet.as_ref()?;
        let aisle_converge::Status { report, rehearsals, devices, .. } = fleet.status();
        // Where nobody ever ordered anything there is nothing to say.
        if fleet.generation().is_none() || !planner.is_connected() {
            return None;
        }
        let wait = self.told.wait((&report, &rehearsals), &devices, Instant::now());
        if !wait.is_zero() {
            return Some(wait);
        }
        let known = self.reported.clone().filter(|known| Some(known.generation) == planner.generation());
        let generation = planner.generation().unwrap_or(0);
        self.report(known.unwrap_or(Report { generation, applied: Vec::new(), node: None }));
        None
    }

    /// Reports, with what the node says of its fleet.
    fn report(&mut self, mut report: Report) {
        if let Some(fleet) = self.hands.fleet.as_ref().filter(|fleet| fleet.generation().is_some()) {
            let aisle_converge::Status { report: stands, rehearsals, devices, .. } = fleet.status();
            let says = NodeSays { report: stands, facts: (self.hands.facts)(), rehearsals, devices };
            match says.encode() {
                Ok(bytes) => report.node = Some(Octets(bytes.into())),
                Err(error) => tracing::error!("how the node stands is not told: {}", words(&error)),
            }
            self.told.tell((says.report, says.rehearsals), says.devices, Instant::now(), rand::random());
        }
        self.tell(|| self.client.report(report.clone()));
    }

    /// Does what the machine wants, and says what it should hear at once.
    fn act(&mut self, output: Output, planner: &Planner, folder: &mut Folder) -> Option<Input> {
        match output {
            Output::Ask(wanted) => {
                let for_ms = u64::try_from(LINE_RETRY.as_millis()).unwrap_or(u64::MAX);
                let is_full = self.client.fetch(wanted).is_err();
                is_full.then_some(Input::Held { hash: wanted.hash, for_ms })
            }
            Output::Close(hash) => {
                self.tell(|| self.client.close_chunk(hash));
                None
            }
            Output::Report(report) => {
                self.reported = Some(report.clone());
                self.report(report);
                None
            }
            Output::Apply(item) if self.is_ordered(planner) => Some(self.hand_over(&item, folder)),
            Output::Apply(item) => self.apply(item, folder),
            Output::Warn(text) => {
                tracing::error!("what the hub wants cannot be kept as it should be: {text}");
                None
            }
        }
    }

    /// Tells the line, which may have much to do just now.
    fn tell(&self, told: impl Fn() -> Result<(), NotTaken>) {
        while told().is_err() && !self.is_stopping() {
            thread::sleep(LINE_RETRY);
        }
    }

    /// Hands an item of an order to the fleet: its bytes are here.
    fn hand_over(&self, item: &Item, folder: &mut Folder) -> Input {
        let (name, hash) = (item.name.clone(), item.content.hash);
        let taken = match (&self.hands.fleet, folder.read(&hash)) {
            (None, _) => Err("this node's fleet cannot be used".to_owned()),
            (_, Err(error)) => Err(words(&error)),
            (Some(fleet), Ok(content)) if item.kind() == METADATA => {
                fleet.metadata(&content).map_err(|error| aisle_converge::fleet::words(&error))
            }
            (Some(fleet), Ok(_)) => {
                let arrived = fleet.arrived(&ContentHash(hash.0), &folder.path(&hash));
                arrived.map_err(|error| aisle_converge::fleet::words(&error))
            }
        };
        let outcome = taken.map_err(|mut reason| {
            reason.truncate(reason.floor_char_boundary(TEXT_BYTES_MAX));
            reason
        });
        self.metrics.item(&item.name, &outcome);
        Input::Applied { name, hash, outcome }
    }

    /// Hands an item of a plain manifest to its applier; what comes of it comes by the inbox.
    fn apply(&self, item: Item, folder: &mut Folder) -> Option<Input> {
        let (name, hash) = (item.name.clone(), item.content.hash);
        let refused = |reason: String| {
            let outcome = Err(reason);
            self.metrics.item(&item.name, &outcome);
            Some(Input::Applied { name: item.name.clone(), hash, outcome })
        };
        if self.hands.fleet.as_ref().is_some_and(Fleet::is_trusting) {
            return refused(UNSIGNED.into());
        }
        let Some(applier) = self.hands.plain.iter().find(|applier| applier.kind().name == item.kind()) else {
            return refused(format!("this node does not know what a `{}` is", item.kind()));
        };
        let content = match folder.read(&hash) {
            Ok(content) => content,
            Err(error) => return refused(words(&error)),
        };
        let applying = applier.apply(item, content);
        let (metrics, sender) = (self.metrics.clone(), self.sender.clone());
        self.runtime.spawn(async move {
            // Whoever panics there has refused it.
            let outcome = tokio::spawn(applying).await.unwrap_or_else(|error| Err(error.to_string()));
            metrics.item(&name, &outcome);
            let event = Event::Input(Input::Applied { name, hash, outcome });
            // The inbox may be full, and this must not be lost. Without the thread nobody wants to know.
            let _ = spawn_blocking(move || sender.send(event)).await;
        });
        None
    }

    fn show(&self, planner: &Planner) {
        let items = planner.standing();
        let wanted = planner.generation().map(|generation| Wanted { generation, items });
        let mut view = self.line.view();
        if view.desired != wanted {
            view.desired = wanted;
        }
    }
}
