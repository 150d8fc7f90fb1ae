//! The loop of the client's thread: what happens goes into the machine, what the machine wants is done.
//!
//! Reading the outbox may block; it blocks this thread only, and packets are moved elsewhere. Not here: what is right
//! (`aisle_protocol::node`), how a connection is made ([`super::connector`]).

use super::{
    Command, Heard, Listener, Outbox, Parts, StartError,
    budget::Meter,
    config::Config,
    connector::{Connector, Making, Outcome},
    gate::{Gate, Held},
    preference::Preference,
    status::{Failure, Phase, Status},
    telemetry::Metrics,
};
use crate::{
    Path,
    link::{Carrier, End, Event, Link, Side},
};
use aisle_protocol::{
    ErrorCode, Hash, LinkKind, LogClass, Message, PerClass, Stream,
    control::ChunkWanted,
    node::{self, Alert, Budgets, Input, Node, Output},
};
use std::{
    collections::BTreeMap,
    future::pending,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// How often the status is looked at while something happens.
const SAMPLE_MS: u64 = 1_000;
/// How often the age of what waits is looked at, since a batch is read for it.
const LAG_SAMPLES: u64 = 5;

pub(super) struct Driver<O> {
    node: Node,
    outbox: O,
    gate: Gate,
    connector: Connector,
    preference: Preference,
    config: Config,
    kind: LinkKind,
    link: Option<Link>,
    making: Option<Making>,
    probing: Option<Making>,
    /// A connection that is there already for the machine's next wish.
    ready: Option<Carrier>,
    attempt: u32,
    status: Status,
    sampled: u64,
    samples: u64,
    udp_bytes: (u64, u64),
    again: Again,
    /// The most that may come of pieces that were asked for, by content.
    under_way: BTreeMap<Hash, u64>,
    metrics: Metrics,
    listener: Box<dyn Listener>,
    inbox: mpsc::Receiver<Command>,
    sealed: Arc<Notify>,
    sender: watch::Sender<Status>,
    started: Instant,
}

/// What doing an output gave the machine to hear.
#[derive(Debug, Default)]
struct Again {
    is_opened: bool,
    is_sealed: bool,
}

fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// What a select yields.
enum Turn {
    Command(Option<Command>),
    Event(Event),
    Made(Outcome),
    Probed(Outcome),
    Sealed,
    Time,
}

async fn made(making: &mut Option<Making>) -> Outcome {
    match making {
        Some(making) => making.await,
        None => pending().await,
    }
}

async fn event(link: &mut Option<Link>) -> Event {
    match link {
        Some(link) => link.event().await,
        None => pending().await,
    }
}

impl<O: Outbox> Driver<O> {
    #[expect(clippy::too_many_arguments, reason = "one call, from one place")]
    pub(super) fn new(
        config: Config,
        mut node: node::Config,
        seed: u64,
        parts: Parts<O>,
        metrics: Metrics,
        inbox: mpsc::Receiver<Command>,
        sealed: Arc<Notify>,
        sender: watch::Sender<Status>,
    ) -> Result<Self, StartError> {
        if !config.hubs.iter().any(|hub| hub.quic_port.is_some() || hub.tls_port.is_some()) {
            return Err(StartError::NoHub);
        }
        let connector = Connector::new(&config)?;
        let (meter, loaded) = Meter::open(config.budgets, parts.budgets, wall_ms(), 0);
        if let Err(error) = loaded {
            metrics.budget_failed(&error);
        }
        // They are counted here, since they outlive the machine.
        node.budgets =
            Budgets { metered: PerClass::default(), lte: PerClass::default(), fibre: PerClass::default() };
        let kind = node.link;
        let gate = Gate::new(meter, parts.load, kind);
        let status = Status { since_ms: wall_ms(), link: kind, ..Status::default() };
        Ok(Self {
            node: Node::new(node, seed),
            outbox: parts.outbox,
            gate,
            connector,
            preference: Preference::default(),
            config,
            kind,
            link: None,
            making: None,
            probing: None,
            ready: None,
            attempt: 0,
            status,
            sampled: 0,
            samples: 0,
            udp_bytes: (0, 0),
            again: Again::default(),
            under_way: BTreeMap::new(),
            metrics,
            listener: parts.listener,
            inbox,
            sealed,
            sender,
            started: Instant::now(),
        })
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) async fn run(mut self) {
        self.feed(Input::Tick);
        loop {
            let wake = tokio::time::Instant::from_std(self.started + Duration::from_millis(self.wake_at()));
            let turn = tokio::select! {
                biased;
                command = self.inbox.recv() => Turn::Command(command),
                event = event(&mut self.link) => Turn::Event(event),
                outcome = made(&mut self.making) => Turn::Made(outcome),
                outcome = made(&mut self.probing) => Turn::Probed(outcome),
                () = self.sealed.notified() => Turn::Sealed,
                () = tokio::time::sleep_until(wake) => Turn::Time,
            };
            match turn {
                Turn::Command(None) => return self.stop(None).await,
                Turn::Command(Some(Command::Stop(done))) => return self.stop(Some(done)).await,
                Turn::Command(Some(command)) => self.command(command),
                Turn::Event(event) => self.happened(event),
                Turn::Made(outcome) => self.made(outcome),
                Turn::Probed(outcome) => self.probed(outcome),
                Turn::Sealed => self.feed(Input::Sealed),
                Turn::Time => {
                    let is_due = self.gate.retry_at.is_some_and(|at| at <= self.now_ms());
                    self.feed(if is_due { Input::Sealed } else { Input::Tick });
                }
            }
            self.probe();
            self.sample(false);
        }
    }

    /// When to look again at the latest, by the client's own clock.
    fn wake_at(&self) -> u64 {
        let now = self.now_ms();
        let probe = self.preference.probe_at().filter(|_| self.may_probe());
        let sample = Some(self.sampled + SAMPLE_MS);
        let at =
            [self.gate.retry_at, probe, sample].into_iter().flatten().fold(self.node.wake_at(), u64::min);
        at.clamp(now, now + SAMPLE_MS)
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Tell(told) => {
                let (stream, message) = *told;
                self.feed(Input::Tell { stream, message });
            }
            Command::Link(kind) => {
                self.kind = kind;
                self.gate.kind = kind;
                self.status.link = kind;
                self.feed(Input::Link(kind));
            }
            Command::Fetch(wanted) => self.fetch(wanted),
            Command::CloseChunk(hash) => {
                if let Some(link) = &mut self.link {
                    link.close_stream(Stream::Chunk(hash));
                }
            }
            Command::Policy(policy) => self.feed(Input::Policy(policy)),
            Command::Renew(connector) => self.connector = *connector,
            Command::Rebind => {
                if let Err(end) = self.connector.rebind() {
                    self.failed(Path::Quic, &end);
                }
            }
            Command::Stop(_) => {}
        }
    }

    /// Asks for a piece, or says when it may be asked for.
    fn fetch(&mut self, wanted: ChunkWanted) {
        let (now, hash) = (self.now_ms(), wanted.hash);
        // Asked again, it comes in place of the first.
        self.under_way.remove(&hash);
        if let Some(until) = self.gate.fetch_blocked_until(now, self.under_way.values().sum()) {
            self.listener.heard(Heard::Held { hash, for_ms: until.saturating_sub(now) });
            return;
        }
        self.under_way.insert(hash, wanted.bytes_max);
        self.feed(Input::Tell { stream: Stream::Chunk(hash), message: wanted.into() });
    }

    /// What has come from the hub is charged to the line, whether it was asked for or not.
    fn charge(&mut self, stream: Stream, message: &Message) {
        let bytes = match message {
            Message::ChunkPart(part) => part.bytes.0.len(),
            Message::Desired(desired) => desired.manifest.0.len(),
            _ => 0,
        };
        if let Stream::Chunk(hash) = stream {
            self.under_way.remove(&hash);
        }
        self.gate.meter.spend(self.kind, LogClass::Bulk, bytes as u64);
        self.metrics.fetched(bytes as u64);
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Bytes(stream, bytes) => self.feed(Input::Bytes { stream, bytes: &bytes }),
            Event::Broken(code, text) => {
                self.hear(Alert::Refused { class: None, code, text: text.clone() });
                self.hang_up(code, text);
                self.enter(Phase::Waiting);
                self.feed(Input::Lost);
            }
            Event::Ended(end) => {
                let path = self.link.take().map_or(Path::Quic, |link| link.carrier().path());
                self.count_udp_end();
                self.ended(path, &end);
                self.enter(Phase::Waiting);
                self.feed(Input::Lost);
            }
        }
    }

    /// A connection is over that this end did not end.
    fn ended(&mut self, path: Path, end: &End) {
        if path == Path::Quic && self.status.phase == Phase::Greeting && end.reason == "timeout" {
            self.fell_silent();
        }
        self.failed(path, end);
    }

    fn fell_silent(&mut self) {
        self.preference.fell_silent(self.now_ms(), self.config.tls_keep_ms);
    }

    fn failed(&mut self, path: Path, end: &End) {
        self.metrics.failed(path, end);
        let text = format!("{path}: {}", end.text);
        self.status.last_error = Some(Failure { at_ms: wall_ms(), reason: end.reason.to_owned(), text });
    }

    fn made(&mut self, outcome: Outcome) {
        self.making = None;
        for (path, end) in &outcome.failed {
            self.failed(*path, end);
        }
        match outcome.carrier {
            None => {
                self.enter(Phase::Waiting);
                self.feed(Input::Lost);
            }
            Some(carrier) => {
                let because = outcome.failed.first().map(|(path, end)| format!("{path}: {}", end.text));
                self.opened(carrier, outcome.was_quic_tried, because);
                self.feed(Input::Opened);
            }
        }
    }

    fn opened(&mut self, carrier: Carrier, was_quic_tried: bool, because: Option<String>) {
        let (path, address) = (carrier.path(), carrier.address());
        self.preference.opened(path, was_quic_tried, self.now_ms(), self.config.tls_keep_ms);
        self.metrics.opened(path, address);
        if self.status.path != Some(path) {
            let because = because.unwrap_or_else(|| "it opened".into());
            if self.status.path.is_some() || path == Path::Tls {
                self.metrics.path_changed(path, &because);
            }
            self.listener.heard(Heard::Path { path, because });
        }
        self.status.path = Some(path);
        self.status.address = Some(address);
        self.udp_bytes = (0, 0);
        // What was under way on another connection does not come.
        self.under_way.clear();
        self.enter(Phase::Greeting);
        self.link = Some(Link::new(carrier, Side::Node));
    }

    fn enter(&mut self, phase: Phase) {
        if self.status.phase != phase {
            self.status.phase = phase;
            self.status.since_ms = wall_ms();
            let connected = (phase == Phase::Connected).then_some(self.status.path).flatten();
            self.metrics.connected(connected);
            self.sample(true);
        }
    }

    /// Lets the machine hear something, and does what it wants.
    fn feed(&mut self, input: Input<'_>) {
        let mut input = input;
        loop {
            let now = self.now_ms();
            self.gate.begin(now);
            let mut held = Held { outbox: &mut self.outbox, gate: &mut self.gate };
            for output in self.node.handle(now, input, &mut held) {
                self.act(output);
            }
            if std::mem::take(&mut self.again.is_opened) {
                input = Input::Opened;
            } else if std::mem::take(&mut self.again.is_sealed) {
                input = Input::Sealed;
            } else {
                return;
            }
        }
    }

    fn act(&mut self, output: Output) {
        match output {
            Output::Connect { attempt } => {
                self.attempt = attempt;
                self.hang_up(ErrorCode::UNAVAILABLE, String::new());
                if let Some(carrier) = self.ready.take() {
                    self.opened(carrier, false, Some("UDP gets through again".into()));
                    self.again.is_opened = true;
                } else {
                    let first = self.preference.first(self.now_ms());
                    self.making = Some(self.connector.make(attempt, first, self.kind));
                    self.enter(Phase::Connecting);
                }
            }
            Output::Send { stream, bytes } => {
                if let Stream::Up(class) = stream {
                    self.gate.meter.spend(self.kind, class, bytes.len() as u64);
                    self.metrics.sent(class, bytes.len() as u64);
                }
                if let Some(link) = &mut self.link {
                    link.send(stream, bytes);
                }
            }
            Output::Close { code } => {
                if code == ErrorCode::SLOW && self.status.phase == Phase::Greeting {
                    let path = self.status.path.unwrap_or(Path::Quic);
                    if path == Path::Quic {
                        self.fell_silent();
                    }
                    self.failed(path, &End::new("silent", "the hub does not answer"));
                }
                self.making = None;
                self.hang_up(code, code.to_string());
                self.enter(Phase::Waiting);
            }
            Output::Welcomed(welcome) => {
                if let Some(path) = self.status.path {
                    self.preference.welcomed(path);
                }
                self.status.hub = Some((welcome.hub.clone(), welcome.region.clone()));
                self.enter(Phase::Connected);
                self.listener.heard(Heard::Welcomed(welcome));
            }
            Output::Acked { class, epoch, through } => {
                self.status.acked_at_ms = Some(wall_ms());
                if let Err(error) = self.outbox.acked(class, epoch, through) {
                    self.hear(Alert::Outbox { class, reason: error.to_string() });
                }
            }
            Output::Renew { class, epoch, after } => match self.outbox.renew(class, epoch, after) {
                Ok(()) => self.again.is_sealed = true,
                Err(error) => self.hear(Alert::Outbox { class, reason: error.to_string() }),
            },
            Output::Deliver { stream, message } => {
                self.charge(stream, &message);
                self.listener.heard(Heard::Delivered { stream, message });
            }
            Output::Untold(message) => {
                if let Message::ChunkWanted(wanted) = &message {
                    self.under_way.remove(&wanted.hash);
                }
                self.listener.heard(Heard::Untold(message));
            }
            Output::Alert(alert) => self.hear(alert),
        }
    }

    fn hear(&mut self, alert: Alert) {
        if let Alert::Refused { code, text, .. } = &alert {
            let failure = Failure { at_ms: wall_ms(), reason: code.as_str().to_owned(), text: text.clone() };
            self.status.last_error = Some(failure);
        }
        self.metrics.alert(&alert);
        self.listener.heard(Heard::Alert(alert));
    }

    /// Ends the connection; the last word goes out in a task of its own.
    fn hang_up(&mut self, code: ErrorCode, text: String) {
        self.count_udp();
        if let Some(link) = self.link.take() {
            let patience = Duration::from_millis(self.config.finish_ms);
            tokio::spawn(async move { link.finish(code, &text, patience).await });
        }
        self.probing = None;
    }

    fn may_probe(&self) -> bool {
        let is_tls = self.link.as_ref().is_some_and(|link| link.carrier().path() == Path::Tls);
        is_tls && self.status.phase == Phase::Connected && self.probing.is_none()
    }

    /// Tries QUIC beside TLS when it is time.
    fn probe(&mut self) {
        if self.may_probe() && self.preference.probe_at().is_some_and(|at| at <= self.now_ms()) {
            self.probing = self.connector.probe(self.attempt, self.kind);
            let now = self.now_ms();
            self.preference.probed_in_vain(now, self.config.tls_keep_ms);
        }
    }

    fn probed(&mut self, outcome: Outcome) {
        self.probing = None;
        let Some(carrier) = outcome.carrier else {
            for (path, end) in &outcome.failed {
                tracing::debug!(%path, "UDP does not get through yet: {}", end.text);
            }
            return;
        };
        self.ready = Some(carrier);
        self.hang_up(ErrorCode::UNAVAILABLE, "UDP gets through again".into());
        self.enter(Phase::Waiting);
        self.feed(Input::Lost);
    }

    fn count_udp(&mut self) {
        let Some(bytes) = self.link.as_ref().and_then(|link| link.carrier().udp_bytes()) else { return };
        let before = std::mem::replace(&mut self.udp_bytes, bytes);
        self.metrics.udp(bytes.0.saturating_sub(before.0), bytes.1.saturating_sub(before.1));
    }

    fn count_udp_end(&mut self) {
        self.udp_bytes = (0, 0);
    }

    /// Looks how things stand, about once a second, and lets people know.
    fn sample(&mut self, at_once: bool) {
        let now = self.now_ms();
        if !at_once && now < self.sampled + SAMPLE_MS {
            return;
        }
        self.sampled = now;
        self.count_udp();
        if let Err(error) = self.gate.meter.save(wall_ms(), false) {
            self.metrics.budget_failed(&error);
        }
        let reads_lag = self.samples.is_multiple_of(LAG_SAMPLES);
        self.samples += 1;
        for class in LogClass::ALL {
            let Ok(Some(log)) = self.outbox.log(class) else { continue };
            let events = log.last.seq.saturating_sub(log.acked.seq);
            let lag_ms = match events {
                0 => Some(0),
                _ if reads_lag => self.lag_ms(class, log.acked.seq),
                _ => None,
            };
            let backlog = self.status.backlog.get_mut(class);
            backlog.events = events;
            backlog.lag_ms = lag_ms.unwrap_or(backlog.lag_ms);
            backlog.is_held = *self.gate.held.get(class) && events > 0;
        }
        let rtt = self.link.as_ref().and_then(|link| link.carrier().rtt());
        self.status.rtt_ms = rtt.map(|rtt| u64::try_from(rtt.as_millis()).unwrap_or(u64::MAX));
        if let Some(link) = &self.link {
            self.status.address = Some(link.carrier().address());
        }
        self.metrics.status(&self.status);
        self.sender.send_if_modified(|status| {
            let is_news = *status != self.status;
            if is_news {
                *status = self.status.clone();
            }
            is_news
        });
    }

    fn lag_ms(&mut self, class: LogClass, acked: u64) -> Option<u64> {
        let batch = self.outbox.batch_after(class, acked).ok().flatten()?;
        // An HLC has its milliseconds above 16 bits of counter.
        Some(wall_ms().saturating_sub(batch.header().hlc_base >> 16))
    }

    async fn stop(mut self, done: Option<oneshot::Sender<()>>) {
        self.count_udp();
        if let Some(link) = self.link.take() {
            let patience = Duration::from_millis(self.config.finish_ms);
            link.finish(
                ErrorCode::UNAVAILABLE,
                "the node goes down",
                patience.min(Duration::from_millis(200)),
            )
            .await;
        }
        if let Err(error) = self.gate.meter.save(wall_ms(), true) {
            self.metrics.budget_failed(&error);
        }
        self.enter(Phase::Stopped);
        if let Some(done) = done {
            // Whoever asked may have gone.
            let _ = done.send(());
        }
    }
}
