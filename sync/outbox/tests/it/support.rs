//! A store under test: its journal and its outbox on a disk in memory.

use crate::gate::{event, keys, node, policy, region, trusted};
use crate::hub::Hub;
use aisle_event::{Event, LogClass, StoreId};
use aisle_journal::{Entry, Journal, Record, fault::FaultIo};
use aisle_outbox::{Config, Notice, Opened, Outbox, Projector, Setup, Stepped, open_with};
use aisle_protocol::{PerClass, node::Outbox as _};
use aisle_residency::TrustedPolicy;
use prometheus_client::registry::Registry;
use std::{
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::Duration,
};

/// One type of each class leaves whole; everything else stays.
const RULES: &str = "[[rule]]\nto = [\"eu\"]\nfields = [\"NodeStarted.*<=3\", \"StockCounted.*<=3\", \"PluginRecovered.*<=4\", \"SessionEnded.reason\"]\naction = \"pass\"\n";

pub fn dir() -> PathBuf {
    "/aisle/outbox".into()
}

pub fn journal_dir() -> PathBuf {
    "/aisle/journal".into()
}

pub fn plain() -> TrustedPolicy {
    static PLAIN: LazyLock<TrustedPolicy> = LazyLock::new(|| trusted(&policy(RULES)));
    PLAIN.clone()
}

/// Small batches, sealed at once; files that are trimmed often.
pub fn small() -> Config {
    Config {
        events_max: 3,
        age_ms_max: PerClass::default(),
        quiet_records_max: 8,
        segment_bytes: 4096,
        keep_ms: 0,
        places_max: 16,
        snapshot_records_max: 10,
        ..Config::default()
    }
}

pub struct Store {
    pub disk: FaultIo,
    pub journal: Journal,
    pub projector: Projector,
    pub outbox: Outbox,
    pub notices: Vec<Notice>,
    pub now_ms: u64,
}

pub fn setup(policy: TrustedPolicy, config: Config) -> Setup {
    Setup {
        dir: dir(),
        store: StoreId::new("store-1").unwrap(),
        region: region("eu"),
        policy,
        token_keys: keys(),
        key: Arc::new(node()),
        contributor_key: [8; 32],
        config,
        begin_after: 0,
        is_first: false,
    }
}

pub fn open_journal(disk: &FaultIo) -> Result<Journal, String> {
    let config = aisle_journal::Config { segment_bytes: 1, ..Default::default() };
    let opened = Journal::open(&journal_dir(), config, disk.io(), &mut Registry::default());
    opened.map(|(journal, _)| journal).map_err(|error| error.to_string())
}

pub fn try_open(disk: &FaultIo, setup: Setup) -> Result<Store, String> {
    let journal = open_journal(disk)?;
    let entropy = Box::new(crate::gate::Seeded::new(disk.ops()));
    let opened = open_with(setup, &journal, disk.io(), &mut Registry::default(), entropy);
    let Opened { projector, outbox, notices } = opened.map_err(|error| format!("{error}: {error:?}"))?;
    Ok(Store { disk: disk.clone(), journal, projector, outbox, notices, now_ms: FaultIo::CLOCK_MS })
}

pub fn open(disk: &FaultIo, config: Config) -> Store {
    try_open(disk, setup(plain(), config)).unwrap()
}

pub fn entry(event: &Event) -> Entry {
    Entry { kind: event.kind().0, payload: event.encode() }
}

/// One event of each class that leaves, and some that stay.
pub fn mixed() -> Vec<Entry> {
    let names = [
        "node_started",
        "stock_counted",
        "searched",
        "plugin_recovered",
        "session_ended",
        "mqtt_sent",
        "node_started",
    ];
    names.iter().map(|name| entry(&event(name))).collect()
}

/// The class of a record of which something leaves by the plain policy.
pub fn leaves(record: &Record) -> Option<LogClass> {
    match record.kind {
        0x0401 => Some(LogClass::Sales),
        0x0303 => Some(LogClass::Stock),
        0x0905 => Some(LogClass::Telemetry),
        0x0107 => Some(LogClass::Bulk),
        _ => None,
    }
}

impl Store {
    pub fn happen(&self, entries: Vec<Entry>) -> Result<(), String> {
        self.journal.append(entries).map(drop).map_err(|error| error.to_string())
    }

    pub fn try_step(&mut self) -> Result<Stepped, String> {
        self.now_ms += 1;
        let stepped = self
            .projector
            .step(self.now_ms, Duration::ZERO)
            .map_err(|error| format!("{error}: {error:?}"))?;
        self.notices.extend(stepped.notices.iter().cloned());
        Ok(stepped)
    }

    pub fn step(&mut self) -> Stepped {
        self.try_step().unwrap()
    }

    pub fn seal_all(&mut self) {
        self.now_ms += 1;
        let notices = self.projector.seal_all(self.now_ms).unwrap();
        self.notices.extend(notices);
    }

    /// Sends what the hub has not.
    pub fn send(&mut self, hub: &mut Hub) {
        for class in LogClass::ALL {
            let epoch = self.outbox.log(class).unwrap().unwrap().epoch;
            let mut at = hub.through(class, epoch);
            while let Some(batch) = self.outbox.batch_after(class, at).unwrap() {
                hub.take(&batch);
                at = hub.through(class, epoch);
            }
        }
    }

    /// Tells of what the hub has.
    pub fn acknowledge(&mut self, hub: &Hub) {
        for class in LogClass::ALL {
            let epoch = self.outbox.log(class).unwrap().unwrap().epoch;
            if let Some(point) = hub.point(class, epoch) {
                assert!(self.outbox.acked(class, epoch, point));
            }
        }
    }

    /// Everything of the journal that leaves by the plain policy, by class: the hybrid times.
    pub fn expected(&self, class: LogClass) -> Vec<u64> {
        let records = self.journal.read(self.journal.first()).unwrap().map(Result::unwrap);
        records.filter(|record| leaves(record) == Some(class)).map(|record| record.hlc.0).collect()
    }

    pub fn epoch(&mut self, class: LogClass) -> aisle_protocol::Epoch {
        self.outbox.log(class).unwrap().unwrap().epoch
    }
}

/// The files of some directories.
pub fn backup(disk: &FaultIo, dirs: &[PathBuf]) -> Vec<(PathBuf, Vec<u8>)> {
    let of = |dir: &PathBuf| -> Vec<PathBuf> {
        disk.io().list(dir).unwrap().iter().map(|name| dir.join(name)).collect()
    };
    dirs.iter().flat_map(of).map(|path| (path.clone(), disk.contents(&path).unwrap())).collect()
}

/// Puts files back in the place of what is there now.
pub fn restore(disk: &FaultIo, dirs: &[PathBuf], backup: &[(PathBuf, Vec<u8>)]) {
    for dir in dirs {
        for name in disk.io().list(dir).unwrap() {
            disk.io().remove(&dir.join(name)).unwrap();
        }
    }
    backup.iter().for_each(|(path, bytes)| disk.put(path, bytes));
}
