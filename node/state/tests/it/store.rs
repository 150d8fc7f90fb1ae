//! A journal in memory and a state in a temporary directory.

use aisle_event::{
    Currency, DocumentId, Event, Money, Name, Quantity, SessionId, Sku, SourceName, Timestamp, Unit, Unknown,
    sale::{SaleLine, SaleRecorded},
    shopper::{BasketChanged, EndReason, ProductViewed, SessionEnded, SessionStarted},
    stock::{ProductListed, StockCounted},
};
use aisle_journal::{Entry, Journal, fault::FaultIo};
use aisle_state::{Config, OpenError, Opened, Shop, State};
use prometheus_client::registry::Registry;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tempfile::TempDir;

static MACHINES: AtomicU64 = AtomicU64::new(1);

pub struct StoreUnderTest {
    pub io: FaultIo,
    pub journal: Journal,
    pub state: Option<State>,
    pub opened: Opened,
    pub config: Config,
    dir: TempDir,
}

impl StoreUnderTest {
    pub fn start() -> Self {
        Self::start_with(Config::default())
    }

    pub fn start_with(config: Config) -> Self {
        // A journal's identity comes from its machine.
        let io = FaultIo::new(MACHINES.fetch_add(1, Ordering::Relaxed));
        io.set_clock_ms(1_700_000_000_000);
        let dir = tempfile::tempdir().unwrap();
        let journal = open_journal(&io);
        let (state, opened) =
            State::open(dir.path(), config.clone(), &journal, &mut Registry::default()).unwrap();
        Self { io, journal, state: Some(state), opened, config, dir }
    }

    pub fn state(&self) -> &State {
        self.state.as_ref().expect("started")
    }

    /// Closes the state, so that a test can spoil its files.
    pub fn stop_state(&mut self) {
        self.state = None;
    }

    pub fn start_state(&mut self) {
        self.try_start_state().unwrap();
    }

    pub fn try_start_state(&mut self) -> Result<(), OpenError> {
        let (state, opened) =
            State::open(self.dir.path(), self.config.clone(), &self.journal, &mut Registry::default())?;
        state.catch_up().unwrap();
        self.state = Some(state);
        self.opened = opened;
        Ok(())
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn index_dir(&self) -> PathBuf {
        self.dir.path().join("index")
    }

    pub fn append(&self, events: impl IntoIterator<Item = Event>) {
        let entries: Vec<Entry> =
            events.into_iter().map(|event| Entry { kind: event.kind().0, payload: event.encode() }).collect();
        self.journal.append(entries).unwrap();
    }

    /// Appends and waits until the snapshot has it.
    pub fn apply(&self, events: impl IntoIterator<Item = Event>) -> Arc<Shop> {
        self.append(events);
        self.state().catch_up().unwrap();
        self.state().shop()
    }
}

pub fn open_journal(io: &FaultIo) -> Journal {
    let config = aisle_journal::Config { segment_bytes: 64 << 10, ..aisle_journal::Config::default() };
    Journal::open(Path::new("/journal"), config, Arc::new(io.clone()), &mut Registry::default()).unwrap().0
}

pub fn at(minutes: i64) -> Timestamp {
    Timestamp(1_322_746_200_000 + minutes * 60_000)
}

pub fn sku(number: u32) -> Sku {
    Sku::new(format!("SKU-{number}")).unwrap()
}

pub fn session(number: u32) -> SessionId {
    SessionId::new(format!("session-{number}")).unwrap()
}

pub fn listed(number: u32, pence: i64) -> Event {
    ProductListed {
        sku: sku(number),
        name: Name::new(format!("Product {number}")).unwrap(),
        price: Money::new(pence, Currency::GBP),
        unit: Unit::Each,
        gtin: None,
        category: None,
        at: at(0),
        unknown: Unknown::default(),
    }
    .into()
}

pub fn counted(number: u32, pieces: i64) -> Event {
    StockCounted { sku: sku(number), on_hand: Quantity::each(pieces), at: at(1), unknown: Unknown::default() }
        .into()
}

pub fn started(number: u32) -> Event {
    let (kiosk, language, arm) = (None, None, Some(Name::new("ranking/a").unwrap()));
    SessionStarted { session: session(number), kiosk, language, at: at(2), arm, unknown: Unknown::default() }
        .into()
}

pub fn viewed(by: u32, number: u32) -> Event {
    ProductViewed { session: session(by), sku: sku(number), at: at(3), unknown: Unknown::default() }.into()
}

pub fn basket(by: u32, number: u32, pieces: i64) -> Event {
    BasketChanged {
        session: session(by),
        sku: sku(number),
        quantity: Quantity::each(pieces),
        at: at(4),
        arm: Some(Name::new("ranking/a").unwrap()),
        unknown: Unknown::default(),
    }
    .into()
}

pub fn ended(number: u32) -> Event {
    SessionEnded { session: session(number), reason: EndReason::Left, at: at(5), unknown: Unknown::default() }
        .into()
}

pub fn line(place: u32, number: u32, pieces: i64) -> SaleLine {
    SaleLine {
        line: place,
        sku: sku(number),
        quantity: Quantity::each(pieces),
        unit_price: Money::new(250, Currency::GBP),
        repriced: None,
        unknown: Unknown::default(),
    }
}

pub fn sale(document: &str, lines: Vec<SaleLine>) -> SaleRecorded {
    SaleRecorded {
        source: SourceName::new("till").unwrap(),
        document: DocumentId::new(document).unwrap(),
        lines,
        at: at(6),
        session: None,
        customer: None,
        country: None,
        idempotency_key: None,
        arm: None,
        adjustments: Vec::new(),
        points: Vec::new(),
        unknown: Unknown::default(),
    }
}

pub fn kiosk_sale(by: u32, document: &str, key: &str, lines: Vec<SaleLine>) -> SaleRecorded {
    SaleRecorded {
        source: SourceName::new("kiosk").unwrap(),
        session: Some(session(by)),
        idempotency_key: Some(Name::new(key).unwrap()),
        arm: Some(Name::new("ranking/a").unwrap()),
        ..sale(document, lines)
    }
}

/// What two shops must agree on, whatever way they came about.
pub fn essence(shop: &Shop) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        shop.applied,
        shop.as_of,
        shop.prices_as_of,
        shop.products
            .iter()
            .map(|(sku, product)| (sku.clone(), product.as_ref().clone()))
            .collect::<Vec<_>>(),
        {
            let mut sessions: Vec<_> =
                shop.sessions.values().map(|session| session.as_ref().clone()).collect();
            sessions.sort_by(|a, b| a.id.cmp(&b.id));
            sessions
        },
        shop.experiments.iter().map(|(arm, counters)| (arm.clone(), *counters)).collect::<Vec<_>>(),
    )
}
