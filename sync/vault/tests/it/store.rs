//! A store on a disk in memory: journal, vault, eraser, and what happens in it.

use aisle_event::{
    CustomerRef, DocumentId, Event, EventType, Name, SessionId, SourceName, Text, Timestamp, Unknown,
    device::CodeScanned,
    plugin::{PluginKept, PluginWrite},
    sale::SaleRecorded,
    shopper::{CustomerNamed, Searched},
};
use aisle_journal::{Config, Entry, Journal, Veil, fault::FaultIo};
use aisle_residency::{erasure::Duty, signing::SigningKey};
use aisle_vault::{Around, EraseError, Eraser, Vault, Wanted};
use prometheus_client::registry::Registry;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

pub const ADA: &str = "ada-lovelace-1815";
pub const BOB: &str = "bob-4711";
pub const HOUR_MS: u64 = 3_600_000;

pub fn keys_dir() -> PathBuf {
    "/data/keys".into()
}

pub fn journal_dir() -> PathBuf {
    "/data/journal".into()
}

fn known() -> Unknown {
    Unknown::default()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn customer(text: &str) -> CustomerRef {
    CustomerRef::new(text).unwrap()
}

pub fn session(text: &str) -> SessionId {
    SessionId::new(text).unwrap()
}

pub fn named(visit: &str, who: &str) -> Event {
    let (session, customer) = (session(visit), Some(customer(who)));
    CustomerNamed { session, customer, tier: None, at: Timestamp(1), unknown: known() }.into()
}

pub fn searched(visit: &str, terms: &str) -> Event {
    Searched { session: session(visit), terms: name(terms), hits: 3, at: Timestamp(1), unknown: known() }
        .into()
}

pub fn sold(document: &str, visit: &str, who: Option<&str>) -> Event {
    SaleRecorded {
        source: SourceName::new("kiosk").unwrap(),
        document: DocumentId::new(document).unwrap(),
        lines: vec![],
        at: Timestamp(2),
        session: Some(session(visit)),
        customer: who.map(customer),
        country: None,
        idempotency_key: None,
        arm: None,
        adjustments: vec![],
        points: vec![],
        unknown: known(),
    }
    .into()
}

pub fn scanned(code: &str) -> Event {
    let device = aisle_event::DeviceId::new("reader-1").unwrap();
    let mut event = scan(device);
    event.code = Text::new(code).unwrap();
    event.into()
}

fn scan(device: aisle_event::DeviceId) -> CodeScanned {
    let bytes = CODE_SCANNED.trim().split_once(' ').unwrap().1;
    let bytes: Vec<u8> =
        (0..bytes.len()).step_by(2).map(|at| u8::from_str_radix(&bytes[at..at + 2], 16).unwrap()).collect();
    match Event::decode(EventType(0x060d), &bytes).unwrap() {
        Event::CodeScanned(event) => CodeScanned { device, ..event },
        other => panic!("{other:?}"),
    }
}

const CODE_SCANNED: &str = include_str!("../../../event/tests/golden/code_scanned.hex");

pub fn kept(key: &str, value: Option<&str>) -> Event {
    let value = value.map(|text| aisle_event::Blob(text.as_bytes().to_vec().into()));
    let writes = vec![PluginWrite { key: Text::new(key).unwrap(), value, unknown: known() }];
    PluginKept { plugin: name("coupons"), writes, at: Timestamp(3), unknown: known() }.into()
}

pub fn entry(event: &Event) -> Entry {
    Entry { kind: event.kind().0, payload: event.encode() }
}

pub fn signing() -> SigningKey {
    SigningKey::from_seed(&[9; 32]).unwrap()
}

pub struct Store {
    pub disk: FaultIo,
    pub journal: Journal,
    pub vault: Arc<Vault>,
    /// Where the journal ended when the index was made anew at the start.
    pub rebuilt_at: Option<u64>,
}

impl Store {
    pub fn open(disk: &FaultIo) -> Result<Self, String> {
        let vault = Arc::new(Vault::at(&keys_dir(), disk.io()));
        let veil: Arc<dyn Veil> = vault.clone();
        let config = Config { segment_bytes: 1, ..Config::default() };
        let opened =
            Journal::open_with(&journal_dir(), config, disk.io(), Some(veil), &mut Registry::default());
        let journal = opened.map_err(|error| error.to_string())?.0;
        vault.open().map_err(|error| error.to_string())?;
        let wants = vault.wants_rebuild().map_err(|error| error.to_string())?;
        let rebuilt_at = wants.then(|| journal.durable());
        Ok(Self { disk: disk.clone(), journal, vault, rebuilt_at })
    }

    pub fn happen(&self, batch: &[Event]) {
        self.journal.append(batch.iter().map(entry).collect()).unwrap();
    }

    pub fn events(&self) -> Vec<Event> {
        let records = self.journal.read(self.journal.first()).unwrap().map(Result::unwrap);
        records.map(|record| Event::decode(EventType(record.kind), &record.payload).unwrap()).collect()
    }

    pub fn eraser(&self) -> Eraser {
        self.try_eraser().unwrap()
    }

    pub fn try_eraser(&self) -> Result<Eraser, EraseError> {
        Eraser::open(self.journal.clone(), self.vault.clone())
    }

    pub fn wanted(&self, erasure: &str, who: &str) -> Wanted {
        Wanted {
            erasure: erasure.into(),
            person: self.vault.person(&customer(who)).unwrap(),
            asks: vec![],
            retain_until: None,
            retention_basis: None,
            reason: None,
        }
    }

    pub fn step(&self, eraser: &mut Eraser) -> Result<Vec<Duty>, EraseError> {
        let key = signing();
        let around = Around { now: Timestamp(50), rebuilt_at: self.rebuilt_at, key: &key, store: "store-1" };
        eraser.step(&around)
    }

    pub fn close(self) -> FaultIo {
        self.journal.close();
        self.disk
    }

    /// True when a text stands in any file of the store.
    pub fn lies_somewhere(&self, text: &str) -> bool {
        lies_in(&self.disk, &journal_dir(), text) || lies_in(&self.disk, &keys_dir(), text)
    }
}

pub fn lies_in(disk: &FaultIo, dir: &Path, text: &str) -> bool {
    let names = disk.io().list(dir).unwrap_or_default();
    let files = names.iter().filter_map(|name| disk.contents(&dir.join(name)));
    files.into_iter().any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
}
