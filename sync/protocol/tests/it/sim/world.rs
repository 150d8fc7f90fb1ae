//! The world of a run: one store, two hubs on one database, lines between them, and everything that can go wrong with each.
//!
//! Everything follows from the seed. After the last fault the world heals, and all that the store's journal holds must come to be at
//! the hub within a bound.

use super::{
    checker::Checker,
    ledger::{Changes, Database, Tables, Transaction},
    mutant::Mutant,
    random::Random,
    store::{Disk, Happening, Store},
};
use aisle_protocol::{
    LinkKind, LogClass, LogId, Stream, Version,
    hub::{self, AdmitError, Answer, Gate, Hub, Question, admit, locate, resume},
    node::{self, Node},
};
use bytes::Bytes;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

/// How a run went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub seed: u64,
    pub at_ms: u64,
    pub what: String,
}

/// What a run saw, so that a test can tell that there was something to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub events: u64,
    pub inputs: u64,
    pub acks: u64,
    pub connections: u64,
    pub conflicts: u64,
    pub forks: u64,
    pub renewals: u64,
    pub behind: u64,
    pub cut_off: u64,
    pub crashes: u64,
    pub restores: u64,
    pub healed_ms: u64,
    /// Changes with anything that happens, so that two runs can be told apart.
    pub trace: u64,
}

/// When faults end.
const CHAOS_MS: u64 = 60_000;
/// By when all must be well after that.
const HEALING_MS: u64 = 30 * 60 * 1000;
/// More inputs than any run needs: a machine that chases its own tail is found here.
const INPUTS_MAX: u64 = 400_000;

#[derive(Debug)]
enum Happens {
    ToNode {
        line: u64,
        stream: Stream,
        bytes: Bytes,
    },
    ToHub {
        line: u64,
        stream: Stream,
        bytes: Bytes,
    },
    NodeOpened(u64),
    NodeLost(u64),
    HubLost(u64),
    NodeTick,
    HubTick(u64),
    /// A transaction that was thought up wants to commit.
    Commit {
        line: u64,
        ticket: u64,
        changes: Box<Changes>,
        answer: Answer,
    },
    /// A commit is on disk.
    Answer {
        line: u64,
        ticket: u64,
        answer: Answer,
    },
    DatabaseSync,
    StoreSync,
    Append,
    Fault,
    NodeStart,
    HubStart(usize),
    Heal,
    PartitionEnd,
    DatabaseRoom,
}

struct Line {
    hub: usize,
    machine: Hub,
    /// When the last byte of each stream arrives, so that streams stay in order.
    up: BTreeMap<Stream, u64>,
    down: BTreeMap<Stream, u64>,
    tick_at: Option<u64>,
    is_open: bool,
}

struct AnyRegion;

impl Gate for AnyRegion {
    fn inspect(&self, _: &LogId, batch: &aisle_protocol::Checked) -> Result<(), String> {
        if batch.batch().receipt().as_ref() == b"ok" { Ok(()) } else { Err("no receipt".into()) }
    }
}

struct World {
    random: Random,
    now: u64,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    events: BTreeMap<u64, Happens>,
    order: u64,
    store: Store,
    node: Option<Node>,
    node_tick_at: Option<u64>,
    /// What the node's clock shows beside the true time; a clock that lies by years is further off than time is long.
    node_clock: i64,
    hub_clock: i64,
    line: Option<u64>,
    lines: BTreeMap<u64, Line>,
    lines_made: u64,
    hubs_up: [bool; 2],
    database: Database,
    backups: (Option<(Disk, u64)>, Option<Tables>),
    /// Frames are lost, doubled and put out of order even within a stream.
    is_wild: bool,
    is_partitioned: bool,
    is_database_full: bool,
    is_healed: bool,
    mutant: Option<Mutant>,
    next_id: u64,
    checker: Checker,
    tally: Tally,
    failure: Option<String>,
    /// `AISLE_TRACE=1` says what happens.
    is_told: bool,
}

/// Runs a world from a seed.
pub fn run(seed: u64, mutant: Option<Mutant>) -> Result<Tally, Failure> {
    let mut world = World::new(seed, mutant);
    match world.live() {
        Ok(()) => Ok(world.tally),
        Err(what) => Err(Failure { seed, at_ms: world.now, what }),
    }
}

impl World {
    fn new(seed: u64, mutant: Option<Mutant>) -> Self {
        let mut random = Random(seed);
        let store = Store::new(&mut random);
        let is_wild = random.one_in(4);
        Self {
            random,
            now: 1_000_000,
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            order: 0,
            store,
            node: None,
            node_tick_at: None,
            node_clock: 0,
            hub_clock: 0,
            line: None,
            lines: BTreeMap::new(),
            lines_made: 0,
            hubs_up: [true; 2],
            database: Database::default(),
            backups: (None, None),
            is_wild,
            is_partitioned: false,
            is_database_full: false,
            is_healed: false,
            mutant,
            next_id: 1,
            checker: Checker::default(),
            tally: Tally::default(),
            failure: None,
            is_told: std::env::var_os("AISLE_TRACE").is_some(),
        }
    }

    fn after(&mut self, ms: u64, happens: Happens) {
        self.order += 1;
        self.events.insert(self.order, happens);
        self.queue.push(Reverse((self.now + ms, self.order)));
    }

    fn tell(&self, what: impl FnOnce() -> String) {
        if self.is_told {
            println!("{:>9} {}", self.now - 1_000_000, what());
        }
    }

    fn note(&mut self, what: u64) {
        self.tally.trace =
            (self.tally.trace ^ what ^ self.now).wrapping_mul(0x0100_0000_01b3).rotate_left(17);
    }

    fn live(&mut self) -> Result<(), String> {
        self.after(0, Happens::NodeStart);
        self.after(0, Happens::Append);
        self.after(1_000, Happens::Fault);
        self.after(CHAOS_MS, Happens::Heal);
        let start = self.now;
        while let Some(Reverse((at, order))) = self.queue.pop() {
            self.now = at;
            let Some(happens) = self.events.remove(&order) else { continue };
            self.tally.inputs += 1;
            self.note(order);
            self.happen(happens);
            if let Some(what) = self.failure.take() {
                return Err(what);
            }
            if self.is_healed && self.is_converged() {
                self.tally.healed_ms = self.now - start - CHAOS_MS;
                return self.checker.finish(&self.database.durable, &self.store.disk.journal);
            }
            if self.now > start + CHAOS_MS + HEALING_MS {
                return Err(format!(
                    "not all is at the hub {HEALING_MS} ms after the last fault: {}",
                    self.lacking()
                ));
            }
            if self.tally.inputs > INPUTS_MAX {
                return Err(format!("{INPUTS_MAX} inputs and no end"));
            }
        }
        Err(self.lacking())
    }

    fn is_converged(&mut self) -> bool {
        let is_sealed = self.store.unsynced.is_empty()
            && LogClass::ALL.iter().all(|class| {
                let log = &self.store.disk.logs[class];
                let pending = self.store.disk.journal.iter().skip(log.projected);
                log.acked == log.last() && !pending.into_iter().any(|happening| happening.class == *class)
            });
        is_sealed
            && self.checker.lacks(&self.database.durable, &self.store.disk.journal).is_none()
            && self.node.as_ref().is_some_and(Node::is_open)
    }

    fn lacking(&self) -> String {
        let lacks = self.checker.lacks(&self.database.durable, &self.store.disk.journal);
        let logs = &self.store.disk.logs;
        let is_acked = logs.values().all(|log| log.acked == log.last());
        let what = if is_acked { "LOST: all is acknowledged" } else { "STUCK: not all is acknowledged" };
        let waits = (self.store.unsynced.len(), self.database.unsynced.len(), self.store.is_full);
        let places: Vec<_> =
            logs.values().map(|log| (log.floor.seq, log.acked.seq, log.last().seq)).collect();
        let node = format!("{:?}", self.node);
        let lanes = node.find("phase").and_then(|at| node.get(at..)).unwrap_or(&node);
        format!(
            "{what}, and event {lacks:?} is not at the hub; waits {waits:?}, logs {places:?}, node {lanes}"
        )
    }

    fn happen(&mut self, happens: Happens) {
        match happens {
            Happens::ToNode { line, stream, bytes } => {
                if self.line == Some(line) {
                    self.node(node::Input::Bytes { stream, bytes: &bytes });
                }
            }
            Happens::ToHub { line, stream, bytes } => {
                self.hub(line, hub::Input::Bytes { stream, bytes: &bytes });
            }
            Happens::NodeOpened(line) => {
                if self.line == Some(line) {
                    self.node(node::Input::Opened);
                }
            }
            Happens::NodeLost(line) => {
                if self.line == Some(line) {
                    self.line = None;
                    self.node(node::Input::Lost);
                }
            }
            Happens::HubLost(line) => {
                self.lines.remove(&line);
            }
            Happens::NodeTick => {
                self.node_tick_at = None;
                self.node(node::Input::Tick);
            }
            Happens::HubTick(line) => {
                if let Some(line) = self.lines.get_mut(&line) {
                    line.tick_at = None;
                }
                self.hub(line, hub::Input::Tick);
            }
            Happens::Commit { line, ticket, changes, answer } => self.commit(line, ticket, *changes, answer),
            Happens::Answer { line, ticket, answer } => self.hub(line, hub::Input::Answer { ticket, answer }),
            Happens::DatabaseSync => self.database.sync(),
            Happens::StoreSync => {
                self.store.sync();
                self.node(node::Input::Sealed);
                self.seal();
            }
            Happens::Append => self.append(),
            Happens::Fault => self.fault(),
            Happens::NodeStart => self.start_node(),
            Happens::HubStart(hub) => self.hubs_up[hub] = true,
            Happens::Heal => self.heal(),
            Happens::PartitionEnd => self.is_partitioned = false,
            Happens::DatabaseRoom => self.is_database_full = false,
        }
    }

    fn clock(&self, offset: i64) -> u64 {
        self.now.saturating_add_signed(offset)
    }

    // --- the store ---

    fn append(&mut self) {
        for _ in 0..self.random.within(1, 12) {
            let class = LogClass::ALL[self.random.within(0, 4) as usize];
            let happening =
                Happening { id: self.next_id, class, hlc: (self.now << 16) + self.next_id % 0x1_0000 };
            self.next_id += 1;
            if self.node.is_some() {
                self.store.disk.journal.push(happening);
                self.checker.happened(happening);
                self.tally.events += 1;
            }
        }
        self.seal();
        if !self.is_healed {
            let ms = self.random.within(50, 3_000);
            self.after(ms, Happens::Append);
        }
    }

    fn seal(&mut self) {
        if self.node.is_none() {
            return;
        }
        let mut sealed = false;
        for class in LogClass::ALL {
            sealed |= self.store.seal(class, &mut self.random);
        }
        if sealed || !self.store.unsynced.is_empty() {
            let ms = self.random.within(1, 60);
            self.after(ms, Happens::StoreSync);
        }
    }

    fn start_node(&mut self) {
        if self.node.is_some() {
            return;
        }
        self.store.sync();
        // The outbox takes in what the journal has before the node speaks.
        let random = &mut self.random;
        while LogClass::ALL.iter().filter(|class| self.store.seal(**class, random)).count() > 0 {
            self.store.sync();
        }
        let mut config = node::Config::new(self.store.id.clone(), "node-1");
        config.backoff_max_ms = 8_000;
        config.ack_timeout_ms = 15_000;
        config.link = LinkKind::Fibre;
        if self.random.one_in(3) {
            config.in_flight_bytes_max = 4_000;
        }
        if self.random.one_in(4) {
            config.versions = vec![Version::new(1, 1), Version::new(1, 0)];
        }
        self.node = Some(Node::new(config, self.random.number()));
        self.node(node::Input::Tick);
    }

    fn stop_node(&mut self) {
        self.node = None;
        self.node_tick_at = None;
        if let Some(line) = self.line.take() {
            self.linger(line);
        }
        let ms = self.random.within(100, 5_000);
        self.after(ms, Happens::NodeStart);
    }

    fn node(&mut self, input: node::Input<'_>) {
        let now = self.clock(self.node_clock);
        let Some(node) = &mut self.node else { return };
        let outputs = node.handle(now, input, &mut self.store);
        let wake = node.wake_at();
        for output in outputs {
            self.note(output_number(&output));
            self.node_output(output);
        }
        if wake != u64::MAX && self.node.is_some() {
            let at = self.now + wake.saturating_sub(now).max(1);
            if self.node_tick_at.is_none_or(|before| at < before) {
                self.node_tick_at = Some(at);
                self.after(at - self.now, Happens::NodeTick);
            }
        }
    }

    fn node_output(&mut self, output: node::Output) {
        self.tell(|| match &output {
            node::Output::Send { stream: Stream::Control, bytes } => format!("node says {}", said(bytes)),
            node::Output::Send { stream, bytes } => {
                let batch = aisle_protocol::Batch::parse(content(bytes)).unwrap();
                let header = batch.header();
                format!(
                    "node sends {stream:?} {:?} {}..={}",
                    header.epoch,
                    header.first_seq,
                    header.end().seq
                )
            }
            other => format!("node: {other:?}"),
        });
        match output {
            node::Output::Connect { attempt } => self.connect(attempt),
            node::Output::Send { stream, bytes } => {
                if let Some(line) = self.line {
                    self.carry(line, stream, &bytes, true);
                }
            }
            node::Output::Close { .. } => {
                if let Some(line) = self.line.take() {
                    self.linger(line);
                }
            }
            node::Output::Acked { class, epoch, through } => {
                self.store.note_acked(class, epoch, through, &mut self.random);
                let ms = self.random.within(1, 400);
                self.after(ms, Happens::StoreSync);
            }
            node::Output::Renew { class, epoch, after } => {
                self.tally.renewals += 1;
                self.store.renew(class, epoch, after, &mut self.random);
                let ms = self.random.within(1, 200);
                self.after(ms, Happens::StoreSync);
            }
            node::Output::Alert(node::Alert::HubBehind { .. }) => self.tally.behind += 1,
            node::Output::Alert(node::Alert::Diverged { .. }) => self.tally.forks += 1,
            _ => {}
        }
    }

    // --- the line ---

    fn connect(&mut self, attempt: u32) {
        self.tally.connections += 1;
        self.lines_made += 1;
        let line = self.lines_made;
        let hub = (attempt as usize + self.random.within(0, 2) as usize) % 2;
        self.line = Some(line);
        let ms = self.random.within(2, 400);
        if self.is_partitioned {
            return;
        }
        if !self.hubs_up[hub] || (!self.is_healed && self.random.one_in(12)) {
            return self.after(ms, Happens::NodeLost(line));
        }
        let mut config =
            hub::Config { region: "eu".into(), hub: format!("hub-{hub}"), ..hub::Config::default() };
        config.admit_batches_max = self.random.within(1, 6) as usize;
        let mut machine = Hub::new(config);
        let opened = machine
            .handle(self.clock(self.hub_clock), hub::Input::Opened { store: Some(self.store.id.clone()) });
        assert!(opened.is_empty());
        let (up, down) = (BTreeMap::new(), BTreeMap::new());
        self.lines.insert(line, Line { hub, machine, up, down, tick_at: None, is_open: true });
        self.after(ms, Happens::NodeOpened(line));
        self.hub(line, hub::Input::Tick);
    }

    /// The node's end of a line is gone; the hub still gets what is on its way, and hears of the end later.
    fn linger(&mut self, line: u64) {
        if let Some(line) = self.lines.get_mut(&line) {
            line.is_open = false;
        }
        let ms = self.random.within(1, 8_000);
        self.after(ms, Happens::HubLost(line));
    }

    fn lose_line(&mut self) {
        let Some(line) = self.line else { return };
        let ms = self.random.within(1, 2_000);
        self.after(ms, Happens::NodeLost(line));
        self.linger(line);
    }

    fn carry(&mut self, id: u64, stream: Stream, frame: &Bytes, is_up: bool) {
        if self.is_partitioned || (!is_up && self.line != Some(id)) {
            return;
        }
        let is_wild = self.is_wild && !self.is_healed;
        if is_wild && self.random.one_in(30) {
            return;
        }
        let copies = if is_wild && self.random.one_in(30) { 2 } else { 1 };
        for _ in 0..copies {
            let delay =
                if self.random.one_in(20) { self.random.within(1, 3_000) } else { self.random.within(5, 80) };
            let mut at = self.now + delay;
            let Some(line) = self.lines.get_mut(&id) else { return };
            if !is_wild {
                let last = if is_up { &mut line.up } else { &mut line.down };
                let last = last.entry(stream).or_default();
                at = at.max(*last);
                *last = at;
            }
            let cut = if is_wild { 0 } else { self.random.within(0, frame.len() as u64) as usize };
            for bytes in [frame.slice(..cut), frame.slice(cut..)] {
                let happens = if is_up {
                    Happens::ToHub { line: id, stream, bytes }
                } else {
                    Happens::ToNode { line: id, stream, bytes }
                };
                self.after(at - self.now, happens);
            }
        }
    }

    // --- the hubs ---

    fn hub(&mut self, id: u64, input: hub::Input<'_>) {
        let now = self.clock(self.hub_clock);
        let Some(line) = self.lines.get_mut(&id) else { return };
        let outputs = line.machine.handle(now, input);
        if let Some(wake) = line.machine.wake_at() {
            let at = self.now + wake.saturating_sub(now).max(1);
            if line.tick_at.is_none_or(|before| at < before) {
                line.tick_at = Some(at);
                self.after(at - self.now, Happens::HubTick(id));
            }
        }
        for output in outputs {
            match output {
                hub::Output::Send { stream, bytes } => {
                    self.tell(|| format!("hub on line {id} says {}", said(&bytes)));
                    if let Err(what) = self.checker.sent(&self.store.id, &bytes, &self.database.durable) {
                        self.failure.get_or_insert(what);
                    }
                    self.tally.acks += 1;
                    self.carry(id, stream, &bytes, false);
                }
                hub::Output::Ask { ticket, question } => self.ask(id, ticket, question),
                hub::Output::Alert(hub::Alert::CutOff { .. }) => self.tally.cut_off += 1,
                hub::Output::Close { .. } => {
                    let ms = self.random.within(1, 500);
                    self.after(ms, Happens::NodeLost(id));
                    self.after(ms, Happens::HubLost(id));
                }
                _ => {}
            }
        }
    }

    fn ask(&mut self, line: u64, ticket: u64, question: Question) {
        self.tell(|| format!("hub on line {line} asks {ticket}: {}", asked(&question)));
        let slow = if self.random.one_in(25) { 6_000 } else { 40 };
        let ms = self.random.within(1, slow);
        if !self.is_healed && self.random.one_in(40) {
            let answer = Answer::Busy { retry_after_ms: self.random.within(1, 4_000) };
            return self.after(ms, Happens::Answer { line, ticket, answer });
        }
        let mut transaction =
            Transaction { database: &self.database, changes: Changes::default(), mutant: self.mutant };
        let answer = match question {
            Question::Resume { logs } => {
                Answer::Resumed(logs.iter().map(|log| resume(&mut transaction, log).unwrap()).collect())
            }
            Question::Locate { log, points } => {
                Answer::Located(locate(&mut transaction, &log, &points).unwrap())
            }
            Question::Admit { log, batches } => {
                let checked = batches.into_iter().map(|batch| batch.check().unwrap()).collect::<Vec<_>>();
                match admit(&mut transaction, &AnyRegion, &log, &checked) {
                    Ok(decision) => {
                        let changes = Box::new(transaction.changes);
                        let answer = Answer::Admitted(decision);
                        return self.after(ms, Happens::Commit { line, ticket, changes, answer });
                    }
                    Err(AdmitError::Conflict) => Answer::Busy { retry_after_ms: 50 },
                    Err(AdmitError::Ledger(never)) => match never {},
                }
            }
        };
        self.after(ms, Happens::Answer { line, ticket, answer });
    }

    fn commit(&mut self, line: u64, ticket: u64, changes: Changes, answer: Answer) {
        self.tell(|| format!("commit of {ticket} on line {line}: {answer:?}"));
        // A hub that went down meanwhile has nothing to commit any more; one whose line is gone does.
        if !self.hubs_up.iter().any(|up| *up) {
            return;
        }
        let answer = if self.is_database_full {
            Answer::Busy { retry_after_ms: 500 }
        } else if self.database.commit(changes, self.mutant) {
            answer
        } else {
            self.tally.conflicts += 1;
            Answer::Busy { retry_after_ms: 50 }
        };
        let ms = self.random.within(1, 60);
        self.after(ms, Happens::DatabaseSync);
        let told = if self.mutant == Some(Mutant::AckBeforeCommit) { 0 } else { ms };
        self.after(told, Happens::Answer { line, ticket, answer });
    }

    /// A hub's process is killed: its lines end, its transactions with them.
    fn kill_hub(&mut self, hub: usize) {
        self.hubs_up[hub] = false;
        let gone: Vec<u64> =
            self.lines.iter().filter(|(_, line)| line.hub == hub).map(|(id, _)| *id).collect();
        for id in gone {
            self.lines.remove(&id);
            let ms = self.random.within(1, 4_000);
            self.after(ms, Happens::NodeLost(id));
            self.events.retain(|_, happens| {
                !matches!(happens,
                Happens::Commit { line, .. } | Happens::Answer { line, .. } if *line == id)
            });
        }
        let ms = self.random.within(100, 10_000);
        self.after(ms, Happens::HubStart(hub));
    }

    // --- what goes wrong ---

    fn fault(&mut self) {
        if self.is_healed {
            return;
        }
        let fault = self.random.within(0, 17);
        self.tell(|| format!("fault {fault}"));
        match fault {
            0..3 => self.lose_line(),
            3 => {
                self.is_partitioned = true;
                let ms = self.random.within(500, 20_000);
                self.after(ms, Happens::PartitionEnd);
                if self.random.one_in(2) {
                    self.lose_line();
                }
            }
            4..6 => {
                if self.node.is_some() {
                    self.tally.crashes += 1;
                    self.store.crash(&mut self.random);
                    self.stop_node();
                }
            }
            6 => {
                let hub = self.random.within(0, 2) as usize;
                self.kill_hub(hub);
            }
            7..9 => {
                self.tally.crashes += 1;
                self.kill_hub(0);
                self.kill_hub(1);
                self.database.crash(&mut self.random);
                self.events
                    .retain(|_, happens| !matches!(happens, Happens::Commit { .. } | Happens::DatabaseSync));
                if let Err(what) = self.checker.after_crash(&self.database.durable) {
                    self.failure.get_or_insert(what);
                }
            }
            9 => {
                let leap =
                    [600_000, -600_000, -(self.now as i64), 86_400_000][self.random.within(0, 4) as usize];
                if self.random.one_in(2) {
                    self.node_clock = leap;
                    self.node(node::Input::Tick);
                } else {
                    self.hub_clock = leap;
                }
            }
            10 => self.store.is_full = !self.store.is_full,
            11 => {
                // Only what is durable gets into a backup.
                self.backups.0 = Some((self.store.disk.clone(), self.tally.restores));
            }
            12 => self.backups.1 = Some(self.database.durable.clone()),
            15 => {
                self.is_database_full = true;
                let ms = self.random.within(500, 15_000);
                self.after(ms, Happens::DatabaseRoom);
            }
            13 => self.restore_store(),
            14 => self.restore_hubs(),
            _ => {
                if let Some(line) = self.line {
                    let retry_after_ms = self.random.within(1, 5_000);
                    self.hub(line, hub::Input::Overloaded { retry_after_ms });
                }
            }
        }
        let ms = self.random.within(200, 9_000);
        self.after(ms, Happens::Fault);
    }

    fn restore_store(&mut self) {
        // After the hub was set back too, nobody has what both forgot: that is a loss which no protocol mends.
        let Some((disk, restores)) = self.backups.0.clone() else { return };
        if restores != self.tally.restores || self.node.is_none() {
            return;
        }
        self.tally.restores += 1;
        self.store.disk = disk;
        self.store.unsynced.clear();
        self.backups.0 = None;
        self.backups.1 = None;
        self.stop_node();
    }

    fn restore_hubs(&mut self) {
        let Some(backup) = self.backups.1.take() else { return };
        self.tally.restores += 1;
        self.kill_hub(0);
        self.kill_hub(1);
        self.events.retain(|_, happens| !matches!(happens, Happens::Commit { .. } | Happens::DatabaseSync));
        self.database = Database { live: backup.clone(), durable: backup, unsynced: Vec::new() };
        self.checker.hub_restored(&self.database.durable);
        self.backups.0 = None;
    }

    fn heal(&mut self) {
        self.is_healed = true;
        self.is_partitioned = false;
        self.is_database_full = false;
        self.store.is_full = false;
        self.hubs_up = [true; 2];
        self.seal();
    }
}

fn output_number(output: &node::Output) -> u64 {
    match output {
        node::Output::Connect { attempt } => 100 + u64::from(*attempt),
        node::Output::Send { bytes, .. } => bytes.len() as u64,
        node::Output::Acked { through, .. } => through.seq << 8,
        node::Output::Renew { after, .. } => after << 16,
        _ => 1,
    }
}

fn content(frame: &Bytes) -> Bytes {
    let mut frames = aisle_protocol::frame::Frames::of(Stream::Up(LogClass::Sales));
    frames.push(frame);
    frames.next_frame().unwrap().unwrap()
}

fn said(frame: &Bytes) -> String {
    format!("{:?}", aisle_protocol::Message::decode(&content(frame)).unwrap())
}

fn asked(question: &Question) -> String {
    match question {
        Question::Admit { log, batches } => {
            let first = batches[0].header().first_seq;
            format!("admit {log} {first}..={}", batches.last().unwrap().header().end().seq)
        }
        other => format!("{other:?}"),
    }
}
