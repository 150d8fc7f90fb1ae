//! [`Hub`]: the hub's end of one connection.

use super::{
    config::Config,
    lane::{Lane, Skip},
    ledger::{Decision, Stop},
};
use crate::{
    batch::Batch,
    clock::Clock,
    control::{Ack, Credit, Cursor, ErrorCode, Hello, Located, Message, RetryAfter, Version, Welcome},
    frame::{Frames, Stream, frame},
    log::{Epoch, LogClass, LogId, PerClass, Point},
};
use aisle_event::StoreId;
use bytes::Bytes;
use std::collections::BTreeMap;

/// What happens to a connection.
#[derive(Debug)]
pub enum Input<'a> {
    /// It is there, from the store that the peer's certificate names (`None`: nobody asked for one).
    Opened {
        /// The store.
        store: Option<StoreId>,
    },
    /// Bytes came on a stream, without those that open it.
    Bytes {
        /// The stream.
        stream: Stream,
        /// As many as came.
        bytes: &'a [u8],
    },
    /// A question is answered.
    Answer {
        /// The question's number.
        ticket: u64,
        /// The answer. An admission may be told only after its commit.
        answer: Answer,
    },
    /// Something for the node: POLICY or ERASE on the control stream, DESIRED, a piece. Passed over before WELCOME.
    Tell {
        /// The stream.
        stream: Stream,
        /// The message.
        message: Message,
    },
    /// The hub has too much to do, or goes down: the node is to come again after so many milliseconds.
    Overloaded {
        /// Not before.
        retry_after_ms: u64,
    },
    /// The connection is gone.
    Lost,
    /// Time has passed.
    Tick,
}

/// What the machine wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// How do these logs stand? Answer with [`super::resume`] for each.
    Resume {
        /// The logs of the HELLO, those of the past behind the others.
        logs: Vec<LogId>,
    },
    /// Which of these places are there? Answer with [`super::locate`].
    Locate {
        /// The log.
        log: LogId,
        /// The places.
        points: Vec<Point>,
    },
    /// Take these batches in: [`super::check`], then [`super::admit`] in a transaction, then commit.
    Admit {
        /// The log.
        log: LogId,
        /// The batches, in order.
        batches: Vec<Batch>,
    },
}

/// What it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To [`Question::Resume`], in the order of the logs.
    Resumed(Vec<Cursor>),
    /// To [`Question::Locate`].
    Located(Option<u64>),
    /// To [`Question::Admit`]: committed.
    Admitted(Decision),
    /// To [`Question::Admit`]: the first batch is not what it claims to be.
    Broken(String),
    /// To any: not now. Nothing was committed.
    Busy {
        /// Not before so many milliseconds.
        retry_after_ms: u64,
    },
}

/// Something that an operator should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alert {
    /// A peer was cut off.
    CutOff {
        /// Whose it said it is.
        store: Option<StoreId>,
        /// Why.
        code: ErrorCode,
        /// The same for people.
        text: String,
    },
    /// A message that was to be told is longer than its stream allows. It was not sent.
    TooLong {
        /// To whom.
        store: Option<StoreId>,
        /// The message's number.
        message: u32,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// A log is not taken any further.
    Refused {
        /// Which.
        log: LogId,
        /// Why.
        stop: Stop,
    },
}

/// What is to be done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Write a frame to a stream, opening it before where it is not open.
    Send {
        /// The stream.
        stream: Stream,
        /// The frame with its length.
        bytes: Bytes,
    },
    /// Find out, and answer under this number.
    Ask {
        /// The number.
        ticket: u64,
        /// The question.
        question: Question,
    },
    /// The node is known and welcome.
    Welcomed {
        /// What it said.
        hello: Hello,
        /// What is spoken.
        version: Version,
    },
    /// A message that the machine has no part in: REPORT, ERASED, a wanted piece, an error.
    Deliver {
        /// Where it came.
        stream: Stream,
        /// The message.
        message: Message,
    },
    /// Tell an operator, and count it.
    Alert(Alert),
    /// End the connection, once what was written before is out.
    Close {
        /// Why.
        code: ErrorCode,
    },
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing was heard; HELLO must come before this time.
    Expecting(u64),
    /// HELLO was heard and its logs are looked up.
    Resuming(u64),
    Open,
    Closed,
}

/// What a question was about.
#[derive(Debug)]
enum Asked {
    Resume(Box<Hello>, Version),
    Locate(LogClass, Epoch),
    Admit(LogId, Vec<Batch>),
}

/// The hub's end of one connection. Inputs in, outputs out; no socket, no clock, no database.
#[derive(Debug)]
pub struct Hub {
    config: Config,
    clock: Clock,
    phase: Phase,
    identity: Option<StoreId>,
    store: Option<StoreId>,
    frames: BTreeMap<Stream, (Frames, Option<u64>)>,
    lanes: PerClass<Lane>,
    asked: BTreeMap<u64, Asked>,
    tickets: u64,
    second: (u64, u32),
    outputs: Vec<Output>,
}

impl Hub {
    /// The end of a connection that is about to open.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            clock: Clock::default(),
            phase: Phase::Closed,
            identity: None,
            store: None,
            frames: BTreeMap::new(),
            lanes: PerClass::default(),
            asked: BTreeMap::new(),
            tickets: 0,
            second: (0, 0),
            outputs: Vec::new(),
        }
    }

    /// Takes an input at a time (milliseconds of a clock that should not go back) and says what is to be done.
    pub fn handle(&mut self, now_ms: u64, input: Input<'_>) -> Vec<Output> {
        let now = self.clock.advance(now_ms);
        match input {
            Input::Opened { store } => {
                self.identity = store;
                self.phase = Phase::Expecting(now.saturating_add(self.config.hello_timeout_ms));
            }
            Input::Lost => self.end(),
            _ if self.phase == Phase::Closed => {}
            Input::Bytes { stream, bytes } => self.bytes(stream, bytes),
            Input::Answer { ticket, answer } => self.answer(ticket, answer),
            Input::Tell { stream, message } => {
                if self.phase == Phase::Open {
                    self.pass_on(stream, &message);
                }
            }
            Input::Overloaded { retry_after_ms } => self.unavailable(retry_after_ms),
            Input::Tick => {}
        }
        self.pump();
        self.expire();
        std::mem::take(&mut self.outputs)
    }

    /// When the machine wants a [`Input::Tick`] at the latest, by the caller's clock.
    #[must_use]
    pub fn wake_at(&self) -> Option<u64> {
        let deadline = match self.phase {
            Phase::Expecting(at) | Phase::Resuming(at) => Some(at),
            Phase::Open => None,
            Phase::Closed => return None,
        };
        let frames = self.frames.values().filter_map(|(_, since)| *since);
        let partial = frames.min().map(|since| since.saturating_add(self.config.frame_timeout_ms));
        deadline.into_iter().chain(partial).min().map(|at| self.clock.outside(at))
    }

    /// The store that is at the other end, once it has said so.
    #[must_use]
    pub const fn store(&self) -> Option<&StoreId> {
        self.store.as_ref()
    }

    fn end(&mut self) {
        self.phase = Phase::Closed;
        self.frames.clear();
        self.lanes = PerClass::default();
        self.asked.clear();
    }

    fn send(&mut self, stream: Stream, message: &Message) {
        self.outputs.push(Output::Send { stream, bytes: frame(&message.encode()) });
    }

    /// Sends what somebody else made up, if the node can take it: a frame that is too long would end every connection.
    fn pass_on(&mut self, stream: Stream, message: &Message) {
        let (bytes, bytes_max) = (message.encode(), stream.frame_bytes_max());
        if bytes.len() <= bytes_max {
            self.outputs.push(Output::Send { stream, bytes: frame(&bytes) });
        } else {
            let (message, bytes, store) = (message.number(), bytes.len(), self.store.clone());
            self.outputs.push(Output::Alert(Alert::TooLong { store, message, bytes, bytes_max }));
        }
    }

    fn tell(&mut self, message: impl Into<Message>) {
        self.send(Stream::Control, &message.into());
    }

    fn close(&mut self, code: ErrorCode) {
        self.outputs.push(Output::Close { code });
        self.end();
    }

    fn unavailable(&mut self, retry_after_ms: u64) {
        self.tell(RetryAfter { ms: retry_after_ms, class: None });
        self.close(ErrorCode::UNAVAILABLE);
    }

    /// Ends a connection with somebody who does not keep to the protocol.
    fn cut_off(&mut self, code: ErrorCode, text: impl Into<String>) {
        let text = text.into();
        self.tell(Message::error(code, text.clone(), None));
        let store = self.store.clone().or_else(|| self.identity.clone());
        self.outputs.push(Output::Alert(Alert::CutOff { store, code, text }));
        self.close(code);
    }

    fn bytes(&mut self, stream: Stream, bytes: &[u8]) {
        let chunks = self.frames.keys().filter(|stream| matches!(stream, Stream::Chunk(_))).count();
        if !self.frames.contains_key(&stream) {
            match stream {
                Stream::Down => return self.cut_off(ErrorCode::UNEXPECTED, "the down stream is the hub's"),
                Stream::Chunk(_) if chunks >= self.config.chunk_streams_max => {
                    return self.cut_off(ErrorCode::FLOOD, "too many chunk streams");
                }
                _ => {}
            }
        }
        let now = self.clock.now_ms();
        let (mut frames, since) = self.frames.remove(&stream).unwrap_or_else(|| (Frames::of(stream), None));
        frames.push(bytes);
        let mut whole = 0_u32;
        loop {
            match frames.next_frame() {
                Ok(Some(content)) => {
                    whole += 1;
                    self.frame(stream, content);
                    if self.phase == Phase::Closed {
                        return;
                    }
                }
                Ok(None) => break,
                Err(error) => return self.cut_off(ErrorCode::MALFORMED, error.to_string()),
            }
        }
        let since = match since {
            _ if !frames.is_partial() => None,
            Some(since) if whole == 0 => Some(since),
            _ => Some(now),
        };
        // Nobody says when a stream ends: of a chunk stream only an unfinished frame is remembered.
        if frames.is_partial() || !matches!(stream, Stream::Chunk(_)) {
            self.frames.insert(stream, (frames, since));
        }
    }

    fn frame(&mut self, stream: Stream, content: Bytes) {
        if let Stream::Up(class) = stream {
            return self.batch(class, content);
        }
        let second = self.clock.now_ms() / 1000;
        self.second = if self.second.0 == second { (second, self.second.1 + 1) } else { (second, 1) };
        if self.second.1 > self.config.messages_per_s_max {
            return self.cut_off(ErrorCode::FLOOD, "too many messages");
        }
        match Message::decode(&content) {
            Err(error) => self.cut_off(ErrorCode::MALFORMED, error.to_string()),
            Ok(message) => match stream {
                Stream::Control => self.control(message),
                _ if self.phase != Phase::Open => {
                    self.cut_off(ErrorCode::UNEXPECTED, "a chunk is asked for after WELCOME");
                }
                _ => match message {
                    Message::ChunkWanted(_) => self.outputs.push(Output::Deliver { stream, message }),
                    Message::Unknown(_) => {}
                    _ => self.cut_off(ErrorCode::UNEXPECTED, "only pieces are asked for on a chunk stream"),
                },
            },
        }
    }

    fn batch(&mut self, class: LogClass, content: Bytes) {
        let bytes = content.len() as u64;
        let lane = self.lanes.get_mut(class);
        if !lane.receive(bytes) {
            return self.cut_off(ErrorCode::CREDIT, format!("more {class} than was granted"));
        }
        match Batch::parse(content) {
            Err(error) => self.cut_off(ErrorCode::BATCH, error.to_string()),
            Ok(batch) if batch.header().class != class => {
                self.cut_off(ErrorCode::BATCH, format!("a batch of another class on the stream of {class}"));
            }
            Ok(batch) => lane.push(batch),
        }
    }

    fn control(&mut self, message: Message) {
        match (message, &self.phase) {
            (Message::Hello(hello), Phase::Expecting(_)) => self.hello(hello),
            (Message::Unknown(_), _) => {}
            (_, Phase::Expecting(_)) => self.cut_off(ErrorCode::UNEXPECTED, "HELLO comes first"),
            (Message::Locate(locate), _) => {
                let Some(store) = self.store.clone() else { return };
                if self.asked.len() >= self.config.questions_max.saturating_add(LogClass::ALL.len()) {
                    return self.cut_off(ErrorCode::FLOOD, "too many questions at once");
                }
                let log = LogId { store, class: locate.class, epoch: locate.epoch };
                let question = Question::Locate { log, points: locate.points };
                self.ask(Asked::Locate(locate.class, locate.epoch), question);
            }
            (message @ (Message::Report(_) | Message::Erase(_) | Message::Erased(_)), _) => {
                self.outputs.push(Output::Deliver { stream: Stream::Control, message });
            }
            (Message::Error(error), _) => {
                let is_end = error.class.is_none();
                let code = error.code;
                self.outputs.push(Output::Deliver { stream: Stream::Control, message: error.into() });
                if is_end {
                    self.close(code);
                }
            }
            (message, _) => {
                self.cut_off(ErrorCode::UNEXPECTED, format!("message {} is no node's", message.number()));
            }
        }
    }

    fn ask(&mut self, asked: Asked, question: Question) {
        self.tickets += 1;
        self.asked.insert(self.tickets, asked);
        self.outputs.push(Output::Ask { ticket: self.tickets, question });
    }

    fn hello(&mut self, hello: Hello) {
        if self.identity.as_ref().is_some_and(|identity| *identity != hello.store) {
            return self.cut_off(ErrorCode::IDENTITY, "the certificate names another store");
        }
        let Some(version) = Version::negotiate(&self.config.versions, &hello.versions) else {
            let spoken: Vec<String> = self.config.versions.iter().map(ToString::to_string).collect();
            return self.cut_off(ErrorCode::VERSION, format!("this hub speaks {}", spoken.join(", ")));
        };
        self.store = Some(hello.store.clone());
        self.phase = Phase::Resuming(self.clock.now_ms().saturating_add(self.config.hello_timeout_ms));
        let log = |class, epoch| LogId { store: hello.store.clone(), class, epoch };
        let states = hello.logs.iter().chain(&hello.past);
        let logs = states.map(|state| log(state.class, state.epoch)).collect();
        self.ask(Asked::Resume(Box::new(hello), version), Question::Resume { logs });
    }

    fn answer(&mut self, ticket: u64, answer: Answer) {
        match (self.asked.remove(&ticket), answer) {
            (Some(Asked::Resume(hello, version)), Answer::Resumed(cursors)) => {
                self.phase = Phase::Open;
                self.tell(Welcome {
                    version,
                    region: self.config.region.clone(),
                    hub: self.config.hub.clone(),
                    policy_wanted: self.config.policy_wanted,
                    cursors,
                });
                self.outputs.push(Output::Welcomed { hello: *hello, version });
                LogClass::ALL.into_iter().for_each(|class| self.grant(class));
            }
            (Some(Asked::Locate(class, epoch)), Answer::Located(seq)) => {
                self.tell(Located { class, epoch, seq });
            }
            (Some(Asked::Admit(log, batches)), answer) => self.admitted(&log, &batches, answer),
            (Some(_), Answer::Busy { retry_after_ms }) => self.unavailable(retry_after_ms),
            // An answer to nothing, or to something else, changes nothing.
            _ => {}
        }
    }

    fn grant(&mut self, class: LogClass) {
        let window = self.config.window();
        if let Some((bytes, batches)) = self.lanes.get_mut(class).grant(window) {
            self.tell(Credit { class, bytes, batches });
        }
    }

    fn admitted(&mut self, log: &LogId, batches: &[Batch], answer: Answer) {
        let (class, epoch) = (log.class, log.epoch);
        let lane = self.lanes.get_mut(class);
        lane.is_asked = false;
        batches.iter().for_each(|batch| lane.done(batch));
        match answer {
            Answer::Admitted(Decision { through, stop }) => {
                let skip = match stop {
                    None => None,
                    Some(Stop::Gap) => Some(Skip::Beyond(epoch, through.seq)),
                    Some(_) => Some(Skip::All(epoch)),
                };
                skip.into_iter().for_each(|skip| lane.skip(skip));
                // What a stopped log has is told by its CURSOR; of a forked one the two ends mean different events.
                if through.seq > 0 && !matches!(stop, Some(Stop::Gap | Stop::Fork)) {
                    self.tell(Ack { class, epoch, through });
                }
                if let Some(stop) = stop {
                    self.stopped(log, through, stop);
                }
            }
            Answer::Broken(text) => return self.cut_off(ErrorCode::BATCH, text),
            Answer::Busy { retry_after_ms } => {
                let before = batches.first().map_or(0, |batch| batch.header().start().seq);
                lane.skip(Skip::Beyond(epoch, before));
                self.tell(RetryAfter { ms: retry_after_ms, class: Some(class) });
            }
            _ => return,
        }
        self.grant(class);
    }

    fn stopped(&mut self, log: &LogId, through: Point, stop: Stop) {
        let (class, epoch) = (log.class, log.epoch);
        match stop.refusal() {
            None => self.tell(Cursor { class, epoch, through, quarantined: false }),
            Some((code, text)) => {
                self.tell(Message::error(code, text, Some((class, epoch))));
                self.outputs.push(Output::Alert(Alert::Refused { log: log.clone(), stop }));
            }
        }
    }

    /// Asks for transactions where none is under way, the most valuable class first.
    fn pump(&mut self) {
        let (Phase::Open, Some(store)) = (&self.phase, self.store.clone()) else { return };
        for class in LogClass::ALL {
            let lane = self.lanes.get_mut(class);
            if lane.is_asked {
                continue;
            }
            if let Some((epoch, batches)) = lane.next(self.config.admit_batches_max) {
                lane.is_asked = true;
                let log = LogId { store: store.clone(), class, epoch };
                self.ask(Asked::Admit(log.clone(), batches.clone()), Question::Admit { log, batches });
            }
            self.grant(class);
        }
    }

    fn expire(&mut self) {
        let now = self.clock.now_ms();
        let is_late = match self.phase {
            Phase::Expecting(at) => at <= now,
            Phase::Resuming(at) if at <= now => {
                return self.unavailable(self.config.hello_timeout_ms);
            }
            _ => false,
        };
        if is_late {
            return self.cut_off(ErrorCode::SLOW, "no HELLO in time");
        }
        let timeout_ms = self.config.frame_timeout_ms;
        let is_slow =
            |since: &Option<u64>| since.is_some_and(|since| since.saturating_add(timeout_ms) <= now);
        if self.frames.values().any(|(_, since)| is_slow(since)) {
            self.cut_off(ErrorCode::SLOW, "a frame does not end");
        }
    }
}
