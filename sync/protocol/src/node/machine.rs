//! [`Node`]: the node's end, over all its connections one after the other.

use super::{
    config::Config,
    lane::{Lane, State},
    outbox::Outbox,
};
use crate::{
    batch::PolicyId,
    clock::{Clock, Jitter},
    control::{ErrorCode, ErrorMessage, Hello, LinkKind, LogState, Message, RetryAfter, Welcome},
    frame::{Frames, Stream, frame},
    limits::PAST_MAX,
    log::{Epoch, LogClass, PerClass, Point},
};
use bytes::Bytes;
use std::collections::BTreeMap;

/// What happens to the node's end.
#[derive(Debug)]
pub enum Input<'a> {
    /// The connection that was asked for is there.
    Opened,
    /// Bytes came on a stream, without those that open it.
    Bytes {
        /// The stream.
        stream: Stream,
        /// As many as came.
        bytes: &'a [u8],
    },
    /// The connection that was asked for last is gone, or could not be made. What comes late of an earlier one is to be dropped by who
    /// drives the machine, this and all else.
    Lost,
    /// The outbox has more, or has begun a new epoch.
    Sealed,
    /// Something for the hub: REPORT or ERASED on the control stream, a wanted piece on its stream.
    Tell {
        /// The stream.
        stream: Stream,
        /// The message.
        message: Message,
    },
    /// The line is of another kind now.
    Link(LinkKind),
    /// The gate applies another policy now. The hub hears of it with the next HELLO, and by the batches.
    Policy(PolicyId),
    /// Time has passed.
    Tick,
}

/// Something that an operator should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alert {
    /// The hub has less than it acknowledged: it was restored from a backup. It gets again what is still here.
    HubBehind {
        /// Of which class.
        class: LogClass,
        /// What it has.
        hub: u64,
        /// What it had acknowledged.
        acked: u64,
    },
    /// The hub has more than this outbox, or something else under the same number: this node was restored from a backup or copied.
    Diverged {
        /// Of which class.
        class: LogClass,
        /// The epoch that ends with it.
        epoch: Epoch,
        /// The last place that both have.
        common: u64,
    },
    /// The hub refused something.
    Refused {
        /// Of which class; the connection when it is absent.
        class: Option<LogClass>,
        /// Why.
        code: ErrorCode,
        /// The same for people.
        text: String,
    },
    /// A message that was to be told is longer than its stream allows. It was not sent.
    TooLong {
        /// The message's number.
        message: u32,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// The outbox cannot be read.
    Outbox {
        /// Of which class.
        class: LogClass,
        /// Why.
        reason: String,
    },
}

/// What is to be done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Make a connection. Attempts are counted from 0 since the last connection that was of use, so that addresses can be taken in turn.
    Connect {
        /// How many attempts failed before.
        attempt: u32,
    },
    /// Write a frame to a stream, opening it before where it is not open.
    Send {
        /// The stream.
        stream: Stream,
        /// The frame with its length.
        bytes: Bytes,
    },
    /// End the connection. No [`Input::Lost`] is needed for it.
    Close {
        /// Why.
        code: ErrorCode,
    },
    /// The hub knows the node.
    Welcomed(Welcome),
    /// Everything up to here is durable at the hub and may be trimmed. Keeping note of it may wait: it is said again.
    Acked {
        /// The class.
        class: LogClass,
        /// The epoch.
        epoch: Epoch,
        /// Up to where.
        through: Point,
    },
    /// Begin a new epoch that holds every event after this place of the old one, and all that come; then say
    /// [`Input::Sealed`]. It is said again after a crash, so it takes effect once, when the new epoch is durable.
    Renew {
        /// The class.
        class: LogClass,
        /// The epoch that the place is in: the running one, which ends, or one that ended before.
        epoch: Epoch,
        /// The last event that the hub has of it.
        after: u64,
    },
    /// A message that the machine has no part in: POLICY, ERASE, DESIRED, a piece.
    Deliver {
        /// Where it came.
        stream: Stream,
        /// The message.
        message: Message,
    },
    /// A message that could not be told: there is no connection. Tell it again after [`Output::Welcomed`].
    Untold(Message),
    /// Tell an operator, and count it.
    Alert(Alert),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// No connection until this time.
    Waiting(u64),
    /// One is being made; it must be there by this time.
    Connecting(u64),
    /// HELLO is said; WELCOME must come by this time.
    Greeting(u64),
    Open,
}

/// The most that one RETRY_AFTER counts for.
const RETRY_AFTER_MS_MAX: u64 = 24 * 60 * 60 * 1000;
/// The most streams that a frame may be unfinished on at once.
const CHUNK_STREAMS_MAX: usize = 64;

/// The node's end. Inputs in, outputs out; no socket, no clock, no randomness but the seed's.
#[derive(Debug)]
pub struct Node {
    pub(super) config: Config,
    pub(super) clock: Clock,
    jitter: Jitter,
    pub(super) phase: Phase,
    attempts: u32,
    /// True once this connection was of some use.
    pub(super) has_progress: bool,
    open_since_ms: u64,
    retry_after_ms: u64,
    pub(super) lanes: PerClass<Lane>,
    frames: BTreeMap<Stream, Frames>,
    pub(super) outputs: Vec<Output>,
}

impl Node {
    /// A node that is about to connect for the first time: with the first input it asks for it. Different nodes should have different
    /// seeds.
    #[must_use]
    pub fn new(config: Config, seed: u64) -> Self {
        Self {
            config,
            clock: Clock::default(),
            jitter: Jitter::new(seed),
            phase: Phase::Waiting(0),
            attempts: 0,
            has_progress: false,
            open_since_ms: 0,
            retry_after_ms: 0,
            lanes: PerClass::default(),
            frames: BTreeMap::new(),
            outputs: Vec::new(),
        }
    }

    /// Takes an input at a time (milliseconds of a clock that should not go back) and says what is to be done.
    pub fn handle<O: Outbox>(&mut self, now_ms: u64, input: Input<'_>, outbox: &mut O) -> Vec<Output> {
        let now = self.clock.advance(now_ms);
        match input {
            Input::Opened => self.opened(outbox),
            Input::Bytes { stream, bytes } => self.bytes(stream, bytes, outbox),
            Input::Lost => {
                if !matches!(self.phase, Phase::Waiting(_)) {
                    self.back_off();
                }
            }
            Input::Sealed => self.sealed(outbox),
            Input::Tell { stream, message } => match self.phase {
                Phase::Open => self.pass_on(stream, &message),
                _ => self.outputs.push(Output::Untold(message)),
            },
            Input::Link(link) => self.config.link = link,
            Input::Policy(policy) => self.config.policy = policy,
            Input::Tick => {}
        }
        self.expire();
        if matches!(self.phase, Phase::Waiting(at) if at <= now) {
            self.phase = Phase::Connecting(now.saturating_add(self.config.connect_timeout_ms));
            self.outputs.push(Output::Connect { attempt: self.attempts });
        }
        self.pump(outbox);
        std::mem::take(&mut self.outputs)
    }

    /// When the machine wants a [`Input::Tick`] at the latest, by the caller's clock.
    #[must_use]
    pub fn wake_at(&self) -> u64 {
        let now = self.clock.now_ms();
        let deadline = match self.phase {
            Phase::Waiting(at) | Phase::Connecting(at) | Phase::Greeting(at) => at,
            Phase::Open => u64::MAX,
        };
        let lanes = self.lanes.iter().flat_map(|(class, lane)| {
            let mut spent = lane.spent;
            let budget = spent.blocked_until(self.config.budgets.allowance(self.config.link, class), now);
            [lane.paused_until, lane.ack_due(self.config.ack_timeout_ms), budget]
        });
        let at = lanes.flatten().fold(deadline, u64::min);
        if at == u64::MAX { u64::MAX } else { self.clock.outside(at) }
    }

    /// True between WELCOME and the end of the connection.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// How many bytes of batches a class has sent in the running window of its budget.
    #[must_use]
    pub fn spent_bytes(&self, class: LogClass) -> u64 {
        self.lanes.get(class).spent.bytes
    }

    /// Counts bytes against the budget of a class that this machine did not send: those before a restart, or of the transport.
    pub fn charge(&mut self, class: LogClass, bytes: u64) {
        self.lane(class).spent.charge(bytes);
    }

    pub(super) const fn lane(&mut self, class: LogClass) -> &mut Lane {
        self.lanes.get_mut(class)
    }

    pub(super) fn send(&mut self, stream: Stream, message: &Message) {
        self.outputs.push(Output::Send { stream, bytes: frame(&message.encode()) });
    }

    /// Sends what somebody else made up, if the hub can take it: a frame that is too long would end every connection.
    fn pass_on(&mut self, stream: Stream, message: &Message) {
        let (bytes, bytes_max) = (message.encode(), stream.frame_bytes_max());
        if bytes.len() <= bytes_max {
            self.outputs.push(Output::Send { stream, bytes: frame(&bytes) });
        } else {
            self.alert(Alert::TooLong { message: message.number(), bytes: bytes.len(), bytes_max });
        }
    }

    pub(super) fn alert(&mut self, alert: Alert) {
        self.outputs.push(Output::Alert(alert));
    }

    /// Reads from the outbox; what cannot be read stops its class until the next connection.
    pub(super) fn read<T: Default, E: std::fmt::Display>(
        &mut self,
        class: LogClass,
        read: Result<T, E>,
    ) -> T {
        read.unwrap_or_else(|error| {
            self.lane(class).state = State::Refused(ErrorCode::UNAVAILABLE);
            self.alert(Alert::Outbox { class, reason: error.to_string() });
            T::default()
        })
    }

    fn opened<O: Outbox>(&mut self, outbox: &mut O) {
        if !matches!(self.phase, Phase::Connecting(_)) {
            return;
        }
        self.frames.clear();
        let (mut logs, mut past) = (Vec::new(), Vec::new());
        for class in LogClass::ALL {
            self.lane(class).open();
            let ended = outbox.past(class);
            let ended = self.read(class, ended);
            let old = ended.len().saturating_sub(PAST_MAX / LogClass::ALL.len());
            let young = ended.iter().skip(old);
            past.extend(young.map(|(epoch, end)| LogState { class, epoch: *epoch, acked: *end, last: *end }));
            let has_past = !ended.is_empty();
            let log = outbox.log(class);
            if let Some(log) = self.read(class, log) {
                let lane = self.lane(class);
                lane.flow(log.epoch, log.acked.seq);
                // A hub that was set back behind the past epochs has nothing of this one, and takes nothing that goes on in it.
                lane.waits_for_cursor = has_past && log.acked.seq == 0;
                logs.push(LogState { class, epoch: log.epoch, acked: log.acked, last: log.last });
            }
        }
        let hello = Hello {
            versions: self.config.versions.clone(),
            store: self.config.store.clone(),
            node: self.config.node.clone(),
            region: self.config.region.clone(),
            link: self.config.link,
            logs,
            policy: self.config.policy,
            software: self.config.software.clone(),
            past,
        };
        self.send(Stream::Control, &hello.into());
        self.phase = Phase::Greeting(self.clock.now_ms().saturating_add(self.config.hello_timeout_ms));
    }

    /// Waits before the next attempt: a time between zero and a bound that doubles ("full jitter": M. Brooker, "Exponential Backoff
    /// And Jitter", 2015), and what the hub asked for besides.
    fn back_off(&mut self) {
        let now = self.clock.now_ms();
        // A hub that welcomes a node and then sends it away is no better than one that does not answer.
        let is_steady =
            self.is_open() && now.saturating_sub(self.open_since_ms) >= self.config.backoff_max_ms;
        if std::mem::take(&mut self.has_progress) || is_steady {
            self.attempts = 0;
        }
        let bound = self
            .config
            .backoff_base_ms
            .saturating_mul(1 << self.attempts.min(32))
            .min(self.config.backoff_max_ms);
        // Nodes that were all sent away until the same time must not come back at the same time.
        let asked = std::mem::take(&mut self.retry_after_ms).min(RETRY_AFTER_MS_MAX);
        let wait = asked.saturating_add(self.jitter.up_to(bound.max(asked / 2)));
        self.attempts = self.attempts.saturating_add(1);
        self.phase = Phase::Waiting(now.saturating_add(wait));
        self.frames.clear();
        LogClass::ALL.into_iter().for_each(|class| self.lane(class).open());
    }

    pub(super) fn close(&mut self, code: ErrorCode) {
        self.outputs.push(Output::Close { code });
        self.back_off();
    }

    /// The hub does not keep to the protocol.
    pub(super) fn give_up(&mut self, code: ErrorCode, text: impl Into<String>) {
        let text = text.into();
        self.send(Stream::Control, &Message::error(code, text.clone(), None));
        self.alert(Alert::Refused { class: None, code, text });
        self.close(code);
    }

    fn is_connected(&self) -> bool {
        matches!(self.phase, Phase::Greeting(_) | Phase::Open)
    }

    fn bytes<O: Outbox>(&mut self, stream: Stream, bytes: &[u8], outbox: &mut O) {
        if !self.is_connected() {
            return;
        }
        if !self.frames.contains_key(&stream) && self.frames.len() >= CHUNK_STREAMS_MAX {
            return self.give_up(ErrorCode::FLOOD, "too many streams");
        }
        let mut frames = self.frames.remove(&stream).unwrap_or_else(|| Frames::of(stream));
        frames.push(bytes);
        loop {
            match frames.next_frame() {
                Ok(Some(content)) => self.frame(stream, &content, outbox),
                Ok(None) => break,
                Err(error) => return self.give_up(ErrorCode::MALFORMED, error.to_string()),
            }
            if !self.is_connected() {
                return;
            }
        }
        // Nobody says when a stream ends: of a chunk stream only an unfinished frame is remembered.
        if frames.is_partial() || !matches!(stream, Stream::Chunk(_)) {
            self.frames.insert(stream, frames);
        }
    }

    fn frame<O: Outbox>(&mut self, stream: Stream, content: &[u8], outbox: &mut O) {
        let message = match Message::decode(content) {
            Ok(message) => message,
            Err(error) => return self.give_up(ErrorCode::MALFORMED, error.to_string()),
        };
        match (stream, message) {
            (_, Message::Unknown(_)) => {}
            (Stream::Control, message) => self.control(message, outbox),
            (Stream::Down, message @ Message::Desired(_))
            | (Stream::Chunk(_), message @ (Message::ChunkPart(_) | Message::Error(_))) => {
                self.outputs.push(Output::Deliver { stream, message });
            }
            (_, message) => {
                let text = format!("message {} does not belong on its stream", message.number());
                self.give_up(ErrorCode::UNEXPECTED, text);
            }
        }
    }

    fn control<O: Outbox>(&mut self, message: Message, outbox: &mut O) {
        match message {
            Message::Welcome(welcome) => self.welcome(welcome, outbox),
            Message::Cursor(cursor) => self.cursor(&cursor, outbox),
            Message::Credit(credit) => self.lane(credit.class).credit(credit.bytes, credit.batches),
            Message::Ack(ack) => self.ack(&ack, outbox),
            Message::Located(located) => self.located(&located, outbox),
            Message::RetryAfter(retry) => self.retry_after(retry),
            Message::Error(error) => self.refused(error, outbox),
            message @ (Message::Policy(_) | Message::Erase(_) | Message::Erased(_)) => {
                self.outputs.push(Output::Deliver { stream: Stream::Control, message });
            }
            message => {
                let text = format!("message {} is no hub's", message.number());
                self.give_up(ErrorCode::UNEXPECTED, text);
            }
        }
    }

    fn welcome<O: Outbox>(&mut self, welcome: Welcome, outbox: &mut O) {
        if !matches!(self.phase, Phase::Greeting(_)) {
            return;
        }
        if !self.config.versions.contains(&welcome.version) {
            let text = format!("the hub chose version {}, which was not offered", welcome.version);
            return self.give_up(ErrorCode::VERSION, text);
        }
        self.phase = Phase::Open;
        self.open_since_ms = self.clock.now_ms();
        let cursors = welcome.cursors.clone();
        self.outputs.push(Output::Welcomed(welcome));
        for cursor in &cursors {
            self.compare_past(cursor, outbox);
        }
        for cursor in &cursors {
            self.compare(cursor, outbox);
        }
    }

    fn retry_after(&mut self, retry: RetryAfter) {
        let ms = retry.ms.min(RETRY_AFTER_MS_MAX);
        let Some(class) = retry.class else {
            self.retry_after_ms = ms;
            return self.close(ErrorCode::UNAVAILABLE);
        };
        let until = self.clock.now_ms().saturating_add(ms).saturating_add(self.jitter.up_to(ms / 2));
        let lane = self.lane(class);
        if lane.state == State::Flowing {
            lane.paused_until = Some(until);
            lane.rewind(lane.acked);
        }
    }

    fn refused<O: Outbox>(&mut self, error: ErrorMessage, outbox: &mut O) {
        let ErrorMessage { code, text, class, epoch } = error;
        self.alert(Alert::Refused { class, code, text });
        let Some(class) = class else { return self.close(code) };
        if epoch.is_some_and(|epoch| epoch != self.lane(class).epoch) {
            return;
        }
        if code == ErrorCode::FORK {
            self.diverge(class, outbox);
            return;
        }
        let is_renewed = code == ErrorCode::RECEIPT && self.begins_anew(class);
        let lane = self.lane(class);
        if !is_renewed && lane.state == State::Flowing {
            lane.state = State::Refused(code);
            lane.rewind(lane.acked);
        }
    }

    /// Looks whether the outbox has begun new epochs.
    fn sealed<O: Outbox>(&mut self, outbox: &mut O) {
        if !self.is_connected() {
            return;
        }
        for class in LogClass::ALL {
            let log = outbox.log(class);
            let Some(log) = self.read(class, log) else { continue };
            let lane = self.lane(class);
            if lane.epoch != log.epoch || lane.state == State::Absent {
                lane.flow(log.epoch, log.acked.seq);
            }
        }
    }

    fn expire(&mut self) {
        let now = self.clock.now_ms();
        match self.phase {
            Phase::Connecting(at) | Phase::Greeting(at) if at <= now => self.close(ErrorCode::SLOW),
            Phase::Open => {
                let timeout_ms = self.config.ack_timeout_ms;
                if self.lanes.iter().any(|(_, lane)| lane.ack_due(timeout_ms).is_some_and(|due| due <= now)) {
                    self.close(ErrorCode::SLOW);
                }
            }
            _ => {}
        }
        for class in LogClass::ALL {
            let lane = self.lane(class);
            lane.paused_until = lane.paused_until.filter(|until| *until > now);
        }
    }

    /// Sends what may be sent, the most valuable class first. Before WELCOME that is what every hub grants at once.
    fn pump<O: Outbox>(&mut self, outbox: &mut O) {
        if !self.is_connected() {
            return;
        }
        for class in LogClass::ALL {
            while self.send_next(class, outbox) {}
        }
    }

    fn send_next<O: Outbox>(&mut self, class: LogClass, outbox: &mut O) -> bool {
        let now = self.clock.now_ms();
        let in_flight: u64 = self.lanes.iter().map(|(_, lane)| lane.in_flight_bytes()).sum();
        let share = self.config.in_flight_bytes_max / 4 * (4 - u64::from(class.number()));
        let allowance = self.config.budgets.allowance(self.config.link, class);
        let is_greeting = matches!(self.phase, Phase::Greeting(_));
        let lane = self.lane(class);
        if is_greeting && lane.waits_for_cursor {
            return false;
        }
        if lane.state != State::Flowing || lane.paused_until.is_some() || in_flight >= share {
            return false;
        }
        if lane.is_starved(now) || lane.spent.blocked_until(allowance, now).is_some() {
            return false;
        }
        let batch = outbox.batch_after(class, lane.sent);
        let Some(batch) = self.read(class, batch) else {
            self.look_for_gap(class, outbox);
            return false;
        };
        let (end, bytes) = (batch.header().end().seq, batch.bytes().len() as u64);
        let lane = self.lane(class);
        if batch.header().epoch != lane.epoch || end <= lane.sent {
            return false;
        }
        if !lane.has_credit(bytes) {
            lane.starve(bytes, now);
            return false;
        }
        lane.send(end, bytes, now);
        self.outputs.push(Output::Send { stream: Stream::Up(class), bytes: frame(batch.bytes()) });
        true
    }
}
