//! The world of a run: one store, two hubs on one database, lines between them, and everything that can go wrong with each.
//!
//! Everything follows from the seed. After the last fault the world heals, and all that the store's journal holds must come to be at
//! the hub within a bound.

mod faults;
mod hubs;
mod line;
mod store;

use super::{
    checker::Checker,
    ledger::{Changes, Database, Tables, Transaction, at_once},
    mutant::Mutant,
    random::Random,
    store::{Disk, Happening, Receipted, Store},
};
use aisle_protocol::{
    Checked, LinkKind, LogClass, LogId, Stream, Version,
    hub::{self, AdmitError, Answer, Gate, Hub, Objection, Question, admit, locate, resume},
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
    pub unreceipted: u64,
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

/// Lets everything in whose receipt follows the last one, and holds the ledger to keeping its mark together with the cursor.
struct AnyRegion {
    mutant: Option<Mutant>,
}

impl Gate for AnyRegion {
    fn inspect(&self, log: &LogId, batch: &Checked, mark: &Bytes) -> Result<Bytes, Objection> {
        let last = Receipted::after(mark, log);
        let header = batch.header();
        assert!(last.through < header.end().seq, "{} of {log} is not new", header.first_seq);
        let next = last.next(header);
        if next.to_bytes() == batch.batch().receipt() || self.mutant == Some(Mutant::ReceiptSkipped) {
            Ok(next.to_bytes())
        } else {
            Err(Objection::Receipt(format!("not the one after {last:?}")))
        }
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
        let store = Store::new(&mut random, mutant);
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
