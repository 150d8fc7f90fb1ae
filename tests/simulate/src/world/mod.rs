//! The world of a run: stores, two hubs on one database, lines between them, and everything that can go wrong with each.
//!
//! Everything follows from the seed: what happens and when, epochs, keys, noise, what a power cut leaves. Time is a number that goes from one
//! event to the next. After the last fault the world heals, and all that the journals hold must come to be at the hub within a bound.

mod faults;
mod hubs;
mod line;
mod stores;

use crate::{
    checker::Checker,
    database::{Changes, Database, ReceiptGate, Tables},
    law::{self, Keys},
    mutant::Mutant,
    random::Random,
    store::Store,
};
use aisle_event::StoreId;
use aisle_journal::fault::FaultIo;
use aisle_protocol::{
    LogClass, Message, Stream,
    frame::Frames,
    hub::{self, Answer, Hub},
    node::{self, Outbox as _},
};
use aisle_residency::TrustedPolicy;
use bytes::Bytes;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    fmt,
};

/// How a run went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The seed that it began with.
    pub seed: u64,
    /// When, in milliseconds of the world.
    pub at_ms: u64,
    /// What, with one word in capitals in front that says of which kind.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {} after {} ms: {}", self.seed, self.at_ms, self.what)
    }
}

macro_rules! tally {
    ($($(#[$doc:meta])* $count:ident,)+) => {
        /// What a run saw, so that a test can tell that there was something to see.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Tally {
            $($(#[$doc])* pub $count: u64,)+
            /// The longest time from the last fault until all was well, in milliseconds.
            pub healed_ms_max: u64,
            /// Changes with anything that happens, so that two runs can be told apart.
            pub trace: u64,
        }

        impl Tally {
            /// Takes another run in.
            pub fn add(&mut self, other: &Self) {
                $(self.$count += other.$count;)+
                self.healed_ms_max = self.healed_ms_max.max(other.healed_ms_max);
                self.trace = self.trace.rotate_left(1) ^ other.trace;
            }

            /// Every count with its name.
            #[must_use]
            pub fn counts(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($count), self.$count)),+]
            }
        }
    };
}

tally! {
    /// Events that a journal acknowledged.
    events,
    /// What happened in the world.
    inputs,
    /// Batches that left a store.
    batches,
    /// What hubs said.
    answers,
    /// Connections that were asked for.
    connections,
    /// Power cuts of stores, in the middle of something or between.
    power_cuts,
    /// Processes of stores that ended otherwise.
    exits,
    /// Disks that were full when something was to be written.
    no_space,
    /// Failed writes and syncs.
    disk_errors,
    /// Clocks that were set.
    clock_jumps,
    /// Policies that came into force.
    policies,
    /// Processes of hubs that were killed.
    hub_kills,
    /// Crashes of the hubs' database.
    database_crashes,
    /// Commits that met another one.
    conflicts,
    /// Stores that were set back to a backup.
    stores_restored,
    /// Hubs that were.
    hubs_restored,
    /// Partitions.
    partitions,
    /// Epochs that had to end.
    renewals,
    /// Hubs that had less than they acknowledged, as a store saw it.
    hubs_behind,
    /// Logs that parted.
    forks,
    /// Receipts that did not follow.
    receipts_refused,
    /// Peers that were cut off.
    cut_off,
}

/// When faults end, in one world or another.
const CHAOS_MS: [u64; 3] = [10_000, 20_000, 40_000];
/// By when all must be well after that.
const HEALING_MS: u64 = 30 * 60 * 1000;
/// More inputs than any run needs: a machine that chases its own tail is found here.
const INPUTS_MAX: u64 = 200_000;
/// How often it is looked whether all is well.
const LOOK_MS: u64 = 250;
/// What a clock that is right shows at first: twenty seconds before an hour is over, so that windows of aggregates end.
const WALL_MS: u64 = FaultIo::CLOCK_MS + (46 * 60 + 20) * 1000;

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
    NodeTick(usize),
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
    /// The outbox of a store goes on.
    Step(usize),
    Append(usize),
    Start(usize),
    /// The power of a store goes, if it has not gone since: which of its lives.
    PowerCut(usize, u64),
    /// A store's disk has room again.
    Room(usize),
    Fault,
    HubStart(usize),
    Heal,
    PartitionEnd,
    DatabaseRoom,
    Look,
}

struct Line {
    store: usize,
    hub: usize,
    machine: Hub,
    /// When the last byte of each stream arrives, so that streams stay in order.
    up: BTreeMap<Stream, u64>,
    down: BTreeMap<Stream, u64>,
    tick_at: Option<u64>,
}

struct World {
    random: Random,
    now: u64,
    /// When faults end.
    chaos_ms: u64,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    events: BTreeMap<u64, Happens>,
    order: u64,
    policies: Vec<TrustedPolicy>,
    stores: Vec<Store>,
    hub_clock: i64,
    lines: BTreeMap<u64, Line>,
    lines_made: u64,
    hubs_up: [bool; 2],
    database: Database,
    gate: ReceiptGate,
    hub_backup: Option<Tables>,
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
    is_told: bool,
}

/// Runs a world from a seed; told, it says on stdout what happens in it.
///
/// # Errors
/// When anything was lost, doubled, put out of order, made up or leaked, or when it does not heal.
pub(crate) fn run(seed: u64, mutant: Option<Mutant>, is_told: bool) -> Result<Tally, Failure> {
    let mut world = World::new(seed, mutant, is_told);
    match world.live() {
        Ok(()) => Ok(world.tally),
        Err(what) => Err(Failure { seed, at_ms: world.now, what }),
    }
}

impl World {
    fn new(seed: u64, mutant: Option<Mutant>, is_told: bool) -> Self {
        let mut random = Random(seed);
        let is_wild = random.one_in(4);
        let chaos_ms = CHAOS_MS[random.within(0, CHAOS_MS.len() as u64) as usize];
        let policies = law::policies();
        let count = random.within(1, 3);
        let named: Vec<(StoreId, Keys)> = (1..=count)
            .map(|number| (StoreId::new(format!("store-{number}")).unwrap(), Keys::new(random.bytes())))
            .collect();
        let checker = Checker::new(&policies, &named);
        let gate = ReceiptGate::new(&policies, named.iter().map(|(id, keys)| (id.clone(), keys)), mutant);
        let mut stores: Vec<Store> =
            named.into_iter().map(|(id, keys)| Store::new(id, keys, &mut random)).collect();
        // What was trimmed goes into no new epoch: in such worlds nobody is set back.
        let is_trimmed = random.one_in(4);
        stores.iter_mut().for_each(|store| store.is_trimmed = is_trimmed);
        Self {
            random,
            now: 0,
            chaos_ms,
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            order: 0,
            policies,
            stores,
            hub_clock: 0,
            lines: BTreeMap::new(),
            lines_made: 0,
            hubs_up: [true; 2],
            database: Database::default(),
            gate,
            hub_backup: None,
            is_wild,
            is_partitioned: false,
            is_database_full: false,
            is_healed: false,
            mutant,
            next_id: 1,
            checker,
            tally: Tally::default(),
            failure: None,
            is_told,
        }
    }

    fn after(&mut self, ms: u64, happens: Happens) {
        self.order += 1;
        self.events.insert(self.order, happens);
        self.queue.push(Reverse((self.now + ms, self.order)));
    }

    #[allow(clippy::print_stdout, reason = "a trace is what was asked for")]
    fn tell(&self, what: impl FnOnce() -> String) {
        if self.is_told {
            println!("{:>9} {}", self.now, what());
        }
    }

    fn note(&mut self, what: u64) {
        self.tally.trace =
            (self.tally.trace ^ what ^ self.now).wrapping_mul(0x0100_0000_01b3).rotate_left(17);
    }

    fn fail(&mut self, outcome: Result<(), String>) {
        if let Err(what) = outcome {
            self.tell(|| format!("WRONG: {what}"));
            self.failure.get_or_insert(what);
        }
    }

    fn live(&mut self) -> Result<(), String> {
        for store in 0..self.stores.len() {
            self.after(0, Happens::Start(store));
            self.after(1, Happens::Append(store));
        }
        self.after(1_000, Happens::Fault);
        self.after(self.chaos_ms, Happens::Heal);
        while let Some(Reverse((at, order))) = self.queue.pop() {
            self.now = at;
            let Some(happens) = self.events.remove(&order) else { continue };
            self.tally.inputs += 1;
            self.note(order);
            let is_look = matches!(happens, Happens::Look);
            self.happen(happens);
            if let Some(what) = self.failure.take() {
                return Err(what);
            }
            if is_look && self.is_well() {
                self.tally.healed_ms_max = self.now - self.chaos_ms;
                return self.checker.finish(&self.database.durable, &self.gate);
            }
            if self.now > self.chaos_ms + HEALING_MS {
                return Err(format!("STUCK: {HEALING_MS} ms after the last fault: {}", self.lacking()));
            }
            if self.tally.inputs > INPUTS_MAX {
                return Err(format!("STUCK: {INPUTS_MAX} inputs and no end: {}", self.lacking()));
            }
        }
        Err(format!("STUCK: nothing happens any more: {}", self.lacking()))
    }

    /// True when every store runs, is connected, and has nothing that a hub lacks.
    fn is_well(&mut self) -> bool {
        let is_done = self.stores.iter().all(|store| {
            store.running.as_ref().is_some_and(|running| {
                let has_none = |class: &LogClass| running.outbox.outbox.backlog(*class).events == 0;
                running.node.is_open()
                    && running.projector.next_seq() > running.journal.durable()
                    && LogClass::ALL.iter().all(has_none)
            })
        });
        is_done && self.database.unsynced.is_empty() && self.checker.lacks(&self.database.durable).is_none()
    }

    fn lacking(&mut self) -> String {
        let lacks = self.checker.lacks(&self.database.durable);
        let mut text = format!("event {lacks:?} is not at the hub");
        for store in &mut self.stores {
            let Some(running) = &mut store.running else {
                text += &format!("; {} does not run", store.id);
                continue;
            };
            let node = format!("{:?}", running.node);
            let lanes = node.find("phase").and_then(|at| node.get(at..)).unwrap_or(&node).to_owned();
            let logs = LogClass::ALL.map(|class| {
                let log = running.outbox.log(class).ok().flatten();
                log.map(|log| (log.floor.seq, log.acked.seq, log.last.seq))
            });
            text += &format!(
                "; {}: next {} of {}, logs {logs:?}, node {lanes}",
                store.id,
                running.projector.next_seq(),
                running.journal.durable()
            );
        }
        text
    }

    fn happen(&mut self, happens: Happens) {
        match happens {
            Happens::ToNode { line, stream, bytes } => {
                if let Some(store) = self.of_line(line) {
                    self.node(store, node::Input::Bytes { stream, bytes: &bytes });
                }
            }
            Happens::ToHub { line, stream, bytes } => {
                self.hub(line, hub::Input::Bytes { stream, bytes: &bytes });
            }
            Happens::NodeOpened(line) => {
                if let Some(store) = self.of_line(line) {
                    self.node(store, node::Input::Opened);
                }
            }
            Happens::NodeLost(line) => {
                if let Some(store) = self.of_line(line) {
                    self.stores[store].line = None;
                    self.node(store, node::Input::Lost);
                }
            }
            Happens::HubLost(line) => {
                self.lines.remove(&line);
            }
            Happens::NodeTick(store) => {
                if self.stores[store].tick_at == Some(self.now) {
                    self.stores[store].tick_at = None;
                    self.node(store, node::Input::Tick);
                }
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
            Happens::Step(store) => self.step(store),
            Happens::Append(store) => self.append(store),
            Happens::Start(store) => self.start(store),
            Happens::PowerCut(store, life) => {
                if self.stores[store].life == life && self.stores[store].running.is_some() {
                    self.cut_power(store);
                }
            }
            Happens::Room(store) => self.stores[store].disk.heal(),
            Happens::Fault => self.fault(),
            Happens::HubStart(hub) => self.hubs_up[hub] = true,
            Happens::Heal => self.heal(),
            Happens::PartitionEnd => self.is_partitioned = false,
            Happens::DatabaseRoom => self.is_database_full = false,
            Happens::Look => self.after(LOOK_MS, Happens::Look),
        }
    }

    /// The store whose line of now this is.
    fn of_line(&self, line: u64) -> Option<usize> {
        self.stores.iter().position(|store| store.line == Some(line))
    }

    /// What a store's wall clock shows.
    fn wall(&self, store: usize) -> u64 {
        (WALL_MS + self.now).saturating_add_signed(self.stores[store].clock)
    }
}

fn content(frame: &Bytes) -> Bytes {
    let mut frames = Frames::of(Stream::Up(LogClass::Sales));
    frames.push(frame);
    frames.next_frame().unwrap().unwrap()
}

fn said(frame: &Bytes) -> String {
    format!("{:?}", Message::decode(&content(frame)).unwrap())
}
