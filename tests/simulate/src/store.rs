//! A store: its disk, what people know of it, and, while its process runs, the real journal, the real outbox and the real machine of the node.

use crate::{
    law::{self, Keys},
    mutant::{LyingDisk, Mutant},
    random::Random,
};
use aisle_event::StoreId;
use aisle_journal::{Io, Journal, fault::FaultIo};
use aisle_outbox::{Config, Notice, Opened, Outbox, Projector, Setup, Why, open_with};
use aisle_protocol::{
    Batch, Epoch, Head, Item, LogClass, LogId, PerClass, Point,
    node::{self, Log, Node, Outbox as Reads},
};
use aisle_residency::{Entropy, TrustedPolicy, entropy::NoEntropy};
use prometheus_client::registry::Registry;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

const JOURNAL: &str = "/aisle/journal";
const OUTBOX: &str = "/aisle/outbox";

/// The files of some directories.
pub(crate) type Files = Vec<(PathBuf, Vec<u8>)>;

/// The process of a store.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) journal: Journal,
    pub(crate) projector: Projector,
    pub(crate) outbox: Shown,
    pub(crate) node: Node,
    /// The wall clock at the start, and when that was: the outbox's thread goes on from there.
    pub(crate) wall_at_start_ms: u64,
    pub(crate) started_at: u64,
}

/// A store.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) id: StoreId,
    pub(crate) keys: Keys,
    pub(crate) disk: FaultIo,
    /// How the outbox is set.
    pub(crate) config: Config,
    /// What stands in its place in the list of policies.
    pub(crate) policy: usize,
    /// What its wall clock shows beside the true time.
    pub(crate) clock: i64,
    pub(crate) running: Option<Running>,
    /// Counts the processes.
    pub(crate) life: u64,
    /// The line that its machine asked for last.
    pub(crate) line: Option<u64>,
    pub(crate) tick_at: Option<u64>,
    pub(crate) step_at: Option<u64>,
    /// The power goes with one of the next operations.
    pub(crate) is_cut: bool,
    /// The next start finds an older disk.
    pub(crate) is_set_back: bool,
    pub(crate) backup: Option<Files>,
    /// True when the journal is trimmed behind the outbox. Then neither end is ever set back: a new epoch would lack what nobody has.
    pub(crate) is_trimmed: bool,
}

/// Why a process did not start.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// The disk failed, as it was told to.
    Disk(String),
    /// This must not be.
    Wrong(String),
}

struct Noise(Random);

impl Entropy for Noise {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        bytes.fill_with(|| self.0.number() as u8);
        Ok(())
    }
}

fn settings(random: &mut Random) -> Config {
    Config {
        events_max: random.within(1, 9) as usize,
        age_ms_max: PerClass::from_fn(|_| [0, 400, 2_000][random.within(0, 3) as usize]),
        quiet_records_max: random.within(1, 20),
        quiet_ms_max: 2_000,
        segment_bytes: 16 << 10,
        keep_ms: [0, 5_000, 1 << 40][random.within(0, 3) as usize],
        places_max: 16,
        step_records_max: random.within(1, 40) as usize,
        aggregate_lag_ms: 0,
        snapshot_records_max: random.within(1, 30),
        ..Config::default()
    }
}

impl Store {
    pub(crate) fn new(id: StoreId, keys: Keys, random: &mut Random) -> Self {
        Self {
            id,
            keys,
            disk: FaultIo::new(random.number()),
            config: settings(random),
            policy: 0,
            clock: 0,
            running: None,
            life: 0,
            line: None,
            tick_at: None,
            step_at: None,
            is_cut: false,
            is_set_back: false,
            backup: None,
            is_trimmed: false,
        }
    }

    fn io(&self, mutant: Option<Mutant>) -> Arc<dyn Io> {
        if mutant == Some(Mutant::AckBeforeFsync) {
            Arc::new(LyingDisk(self.disk.clone()))
        } else {
            self.disk.io()
        }
    }

    /// Opens the journal, and lets somebody look at it.
    pub(crate) fn open_journal(&self, mutant: Option<Mutant>) -> Result<Journal, Stopped> {
        use aisle_journal::OpenError as Refused;
        let config = aisle_journal::Config { segment_bytes: 1, ..Default::default() };
        match Journal::open(Path::new(JOURNAL), config, self.io(mutant), &mut Registry::default()) {
            Ok((journal, _)) => Ok(journal),
            Err(error @ (Refused::Corrupt { .. } | Refused::Missing { .. } | Refused::Foreign { .. })) => {
                Err(Stopped::Wrong(format!("LOST: the journal of {} does not open: {error}", self.id)))
            }
            Err(error) => Err(Stopped::Disk(error.to_string())),
        }
    }

    /// Starts what stands behind the journal: the outbox, which first takes in all that there is, and the machine.
    pub(crate) fn start(
        &mut self,
        journal: Journal,
        policy: &TrustedPolicy,
        random: &mut Random,
        (now, wall_ms): (u64, u64),
        mutant: Option<Mutant>,
    ) -> Result<(), Stopped> {
        let setup = Setup {
            dir: OUTBOX.into(),
            store: self.id.clone(),
            region: law::region(),
            policy: policy.clone(),
            token_keys: self.keys.tokens.clone(),
            key: Arc::new(self.keys.signing()),
            contributor_key: self.keys.seed,
            config: self.config.clone(),
            begin_after: 0,
            is_first: self.life == 0,
        };
        self.life += 1;
        let entropy = Box::new(Noise(Random(random.number())));
        let failed = |error: &dyn std::error::Error| Stopped::Disk(format!("{error}: {:?}", error.source()));
        let opened = open_with(setup, &journal, self.io(mutant), &mut Registry::default(), entropy);
        let Opened { mut projector, outbox, mut notices } = opened.map_err(|error| failed(&error))?;
        notices.extend(projector.seal_all(wall_ms).map_err(|error| failed(&error))?);
        if let Some(wrong) = wrong(&notices) {
            return Err(Stopped::Wrong(format!("LOST: the outbox of {}: {wrong}", self.id)));
        }
        let mut config = node::Config::new(self.id.clone(), "node-1");
        config.region = law::region().to_string();
        config.backoff_max_ms = 8_000;
        config.ack_timeout_ms = 15_000;
        config.policy = outbox.policy();
        if random.one_in(3) {
            config.in_flight_bytes_max = 4_000;
        }
        let node = Node::new(config, random.number());
        let outbox = Shown::new(outbox, self.id.clone(), mutant);
        let started =
            Running { journal, projector, outbox, node, wall_at_start_ms: wall_ms, started_at: now };
        self.running = Some(started);
        Ok(())
    }

    fn dirs(&self) -> Vec<PathBuf> {
        let classes = LogClass::ALL.map(|class| Path::new(OUTBOX).join(format!("p{}", class.number())));
        std::iter::once(JOURNAL.into()).chain(classes).collect()
    }

    /// Every file of the journal and of the outbox.
    pub(crate) fn files(&self) -> Files {
        let of = |dir: &PathBuf| -> Vec<PathBuf> {
            self.disk.io().list(dir).unwrap_or_default().iter().map(|name| dir.join(name)).collect()
        };
        let paths = self.dirs().iter().flat_map(of).collect::<Vec<_>>();
        paths.into_iter().map(|path| (path.clone(), self.disk.contents(&path).unwrap())).collect()
    }

    /// Puts files back in the place of what is there now; of the outbox alone, or of all.
    pub(crate) fn put_back(&mut self, files: &Files, is_outbox_only: bool) {
        let io = self.disk.io();
        let is_meant = |path: &Path| !is_outbox_only || path.starts_with(OUTBOX);
        for dir in self.dirs().iter().filter(|dir| is_meant(dir)) {
            for name in io.list(dir).unwrap_or_default() {
                io.remove(&dir.join(name)).unwrap();
            }
            if io.list(dir).is_ok() {
                io.sync_dir(dir).unwrap();
            }
        }
        files.iter().filter(|(path, _)| is_meant(path)).for_each(|(path, bytes)| self.disk.put(path, bytes));
    }
}

/// What an outbox must not say where nobody has flipped a bit.
pub(crate) fn wrong(notices: &[Notice]) -> Option<String> {
    let is_wrong = |notice: &&Notice| {
        matches!(
            notice,
            Notice::Begun { why: Why::Damaged { .. } | Why::OtherJournal, .. }
                | Notice::Missed { .. }
                | Notice::Undecodable { .. }
                | Notice::Shed { .. }
        )
    };
    notices.iter().find(is_wrong).map(|notice| format!("{notice:?}"))
}

/// The outbox as the machine reads it.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) outbox: Outbox,
    store: StoreId,
    mutant: Option<Mutant>,
    /// The first epoch of each class that was seen.
    first: BTreeMap<LogClass, Epoch>,
}

type ReadError = <Outbox as Reads>::Error;

impl Shown {
    fn new(outbox: Outbox, store: StoreId, mutant: Option<Mutant>) -> Self {
        Self { outbox, store, mutant, first: BTreeMap::new() }
    }

    /// The batch as it would be without a gate.
    fn bypassed(&mut self, class: LogClass, batch: Batch) -> Batch {
        let header = *batch.header();
        let first = *self.first.entry(class).or_insert(header.epoch);
        if self.mutant != Some(Mutant::GateBypassed) || first == header.epoch {
            return batch;
        }
        let raw = |item: Item| Item {
            payload: [&item.payload, crate::happening::CANARY.as_bytes()].concat().into(),
            ..item
        };
        let items: Vec<Item> = batch.items().unwrap().into_iter().map(raw).collect();
        let log = LogId { store: self.store.clone(), class, epoch: header.epoch };
        Batch::seal(&log, header.start(), &items, header.policy, |_| batch.receipt().clone()).unwrap()
    }
}

impl Reads for Shown {
    type Error = ReadError;

    fn log(&mut self, class: LogClass) -> Result<Option<Log>, ReadError> {
        self.outbox.log(class)
    }

    fn batch_after(&mut self, class: LogClass, seq: u64) -> Result<Option<Batch>, ReadError> {
        let batch = self.outbox.batch_after(class, seq)?;
        Ok(batch.map(|batch| self.bypassed(class, batch)))
    }

    fn head_at(&mut self, class: LogClass, seq: u64) -> Result<Option<Head>, ReadError> {
        self.outbox.head_at(class, seq)
    }

    fn points(
        &mut self,
        class: LogClass,
        after: u64,
        through: u64,
        points_max: usize,
    ) -> Result<Vec<Point>, ReadError> {
        // So few at once that finding the place takes several questions.
        self.outbox.points(class, after, through, points_max.min(4))
    }

    fn past(&mut self, class: LogClass) -> Result<Vec<(Epoch, Point)>, ReadError> {
        self.outbox.past(class)
    }
}
