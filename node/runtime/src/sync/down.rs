//! What the hub wants the store to have, in the node: a thread that owns the machine and its folder, between the line and the appliers.
//!
//! ```text
//! line ─ DESIRED, pieces, held, welcomed ─> inbox ─> Planner over Folder ─ fetch, close, report ─> line
//!                                             ▲            └─ apply ─> Applier (on the runtime) ─┐
//!                                             └──────────────────── applied ─────────────────────┘
//! ```
//!
//! Without a hub it applies what is there already. What is wrong with the folder keeps only this from working. Not here: which piece comes when
//! (`aisle-content`), what applying is ([`super::apply`]). Guards invariant 5: nobody waits for this thread.

use super::{Desired as Wanted, Line, apply::Appliers, files, metrics::Metrics, words};
use aisle_content::{
    Config, Folder, Input, Item, Output, Planner, Shelf as _, ShelfError,
    trust::{HubsWord, manifest},
};
use aisle_protocol::{Message, Stream, control};
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

/// Something for the thread.
pub(super) enum Event {
    /// For the machine.
    Input(Input),
    /// The hub wants something.
    Desired(control::Desired),
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
        appliers: Appliers,
        metrics: Metrics,
        inbox: Inbox,
    ) -> io::Result<Self> {
        let Inbox { sender, receiver } = inbox;
        let stopping = Arc::new(AtomicBool::new(false));
        let worker = Worker {
            line,
            client,
            appliers,
            metrics,
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
    appliers: Appliers,
    metrics: Metrics,
    receiver: Receiver<Event>,
    sender: SyncSender<Event>,
    stopping: Arc<AtomicBool>,
    runtime: Handle,
    started: Instant,
}

impl Worker {
    fn run(self) {
        let Some((mut planner, mut folder)) = self.open() else { return };
        let mut inputs = VecDeque::from([Input::Tick]);
        loop {
            while let Some(input) = inputs.pop_front() {
                let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
                for output in planner.handle(now_ms, input, &mut folder) {
                    inputs.extend(self.act(output, &mut folder));
                }
            }
            self.show(&planner);
            let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let due = Duration::from_millis(planner.wake_at().saturating_sub(now_ms).max(1));
            let event = self.receiver.recv_timeout(due.min(SLEEP_MAX));
            if self.is_stopping() {
                return;
            }
            match event {
                Ok(Event::Input(input)) => inputs.push_back(input),
                Ok(Event::Desired(desired)) => inputs.extend(self.desired(&desired)),
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
        let mut folder = Folder::open(&files::content_dir(self.line.data()), bytes_max)?;
        let kinds = self.appliers.iter().map(|applier| applier.kind()).collect();
        let config = Config { kinds, seed: rand::random(), ..Config::default() };
        Ok((Planner::open(config, &mut folder)?, folder))
    }

    fn desired(&self, desired: &control::Desired) -> Option<Input> {
        match manifest(desired, &HubsWord) {
            Ok(manifest) => Some(Input::Desired(manifest)),
            Err(error) => {
                let generation = desired.generation;
                tracing::error!(generation, "what the hub wants is not followed: {}", words(&error));
                None
            }
        }
    }

    /// Does what the machine wants, and says what it should hear at once.
    fn act(&self, output: Output, folder: &mut Folder) -> Option<Input> {
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
                self.tell(|| self.client.report(report.clone()));
                None
            }
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

    /// Hands an item to its applier; what comes of it comes by the inbox.
    fn apply(&self, item: Item, folder: &mut Folder) -> Option<Input> {
        let (name, hash) = (item.name.clone(), item.content.hash);
        let refused = |reason: String| {
            let outcome = Err(reason);
            self.metrics.item(&item.name, &outcome);
            Some(Input::Applied { name: item.name.clone(), hash, outcome })
        };
        let Some(applier) = self.appliers.iter().find(|applier| applier.kind().name == item.kind()) else {
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
