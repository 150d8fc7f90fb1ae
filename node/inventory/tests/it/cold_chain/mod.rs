//! The cold chain from outside: a store with units and probes, told minute by minute.

mod clocks;
mod excursions;
mod properties;
mod reports;
mod verdicts;

use aisle_event::{
    Event, LotId, Measure, Name, Quantity, Sku, Timestamp, Unknown,
    cold_chain::{
        ColdGroup, ColdRule, ColdVerdict, ExcursionAcknowledged, ExcursionClosed, ExcursionOpened,
        UnitDefined,
    },
    device::{AnomalyKind, AnomalyOpened, DevicePlaced, Reading, ReadingsTaken},
    stock::StockReceived,
};
use aisle_inventory::cold_chain::{ColdChain, Config, State, UnitView};
use std::sync::Arc;

pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
/// 2026-11-21T00:00:00Z.
pub const MIDNIGHT: i64 = 1_795_219_200_000;

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A store whose journal is a list.
pub struct Store {
    pub config: Config,
    pub cold: ColdChain,
    pub journal: Vec<(u64, Event)>,
    pub now: i64,
    /// Due events are taken as they come.
    pub is_live: bool,
}

impl Store {
    pub fn new() -> Self {
        Self::with(Config::default())
    }

    pub fn with(config: Config) -> Self {
        config.validate().unwrap();
        let cold = ColdChain::new(config.clone());
        Self { config, cold, journal: Vec::new(), now: MIDNIGHT, is_live: true }
    }

    /// A store with one unit and one probe in it.
    pub fn with_a(group: ColdGroup) -> Self {
        let mut store = Self::new();
        store.define("fridge", group);
        store.place("probe", "fridge");
        store
    }

    pub fn fridge() -> Self {
        Self::with_a(ColdGroup::Chilled)
    }

    pub fn append(&mut self, event: impl Into<Event>) -> u64 {
        let seq = self.journal.len() as u64 + 1;
        let event = event.into();
        // What stands on disk is what is applied.
        let event = Event::decode(event.kind(), &event.encode()).unwrap();
        self.cold.apply(seq, &event);
        self.journal.push((seq, event));
        seq
    }

    /// Writes what is due until nothing is.
    pub fn settle(&mut self) {
        for _ in 0..64 {
            let due = self.cold.due(Timestamp(self.now));
            if due.is_empty() {
                return;
            }
            for event in due {
                self.append(event);
            }
        }
        panic!("due never ends: {:?}", self.cold.due(Timestamp(self.now)));
    }

    pub fn define(&mut self, unit: &str, group: ColdGroup) {
        self.append(UnitDefined {
            unit: name(unit),
            group,
            limit: None,
            grace_s: None,
            skus: vec![Sku::new("milk").unwrap()],
            at: Timestamp(self.now),
            removed: None,
            unknown: Unknown::default(),
        });
    }

    pub fn place(&mut self, device: &str, unit: &str) {
        self.append(DevicePlaced {
            device: device.parse().unwrap(),
            stream: name("celsius"),
            place: None,
            sku: None,
            unit_weight: None,
            tare: None,
            unit: Some(name(unit)),
            at: Timestamp(self.now),
            unknown: Unknown::default(),
        });
    }

    pub fn read_at(&mut self, device: &str, celsius: f64, at: i64) {
        self.append(ReadingsTaken {
            readings: vec![reading(device, celsius, at)],
            unknown: Unknown::default(),
        });
        if self.is_live {
            self.settle();
        }
    }

    /// A reading now, and a minute goes by.
    pub fn minute(&mut self, celsius: f64) {
        self.read_at("probe", celsius, self.now);
        self.now += MINUTE;
    }

    pub fn minutes(&mut self, count: i64, celsius: f64) {
        for _ in 0..count {
            self.minute(celsius);
        }
    }

    /// Time without a reading.
    pub fn silence(&mut self, minutes: i64) {
        for _ in 0..minutes {
            self.now += MINUTE;
            if self.is_live {
                self.settle();
            }
        }
    }

    pub fn acknowledge(&mut self, excursion: &Name, action: &str) {
        self.append(ExcursionAcknowledged {
            excursion: excursion.clone(),
            by: name("Mei"),
            action: Some(name(action)),
            at: Timestamp(self.now),
            unknown: Unknown::default(),
        });
        self.settle();
    }

    pub fn anomaly(&mut self, device: &str, kind: AnomalyKind, since: i64) {
        self.append(AnomalyOpened {
            device: device.parse().unwrap(),
            stream: name("celsius"),
            kind,
            detail: name("odd"),
            since: Timestamp(since),
            at: Timestamp(self.now),
            unknown: Unknown::default(),
        });
    }

    pub fn receive(&mut self, sku: &str, pieces: i64, lot: &str) {
        self.append(StockReceived {
            sku: Sku::new(sku).unwrap(),
            quantity: Quantity::each(pieces),
            lot: Some(LotId::new(lot).unwrap()),
            at: Timestamp(self.now),
            expires: None,
            unknown: Unknown::default(),
        });
    }

    pub fn unit(&self, unit: &str) -> Arc<UnitView> {
        Arc::clone(self.cold.view().units.get(unit).unwrap())
    }

    pub fn state(&self) -> State {
        self.unit("fridge").state(Timestamp(self.now), self.config.silent_s)
    }

    pub fn opened(&self) -> Vec<&ExcursionOpened> {
        self.journal
            .iter()
            .filter_map(
                |(_, event)| if let Event::ExcursionOpened(event) = event { Some(event) } else { None },
            )
            .collect()
    }

    pub fn closed(&self) -> Vec<&ExcursionClosed> {
        self.journal
            .iter()
            .filter_map(
                |(_, event)| if let Event::ExcursionClosed(event) = event { Some(event) } else { None },
            )
            .collect()
    }

    pub fn rules(&self) -> Vec<ColdRule> {
        self.opened().iter().map(|event| event.rule).collect()
    }

    pub fn verdicts(&self) -> Vec<ColdVerdict> {
        self.closed().iter().map(|event| event.verdict).collect()
    }

    pub fn records(&self) -> Vec<(u64, u16, Vec<u8>)> {
        self.journal.iter().map(|(seq, event)| (*seq, event.kind().0, event.encode())).collect()
    }
}

pub fn reading(device: &str, celsius: f64, at: i64) -> Reading {
    Reading {
        device: device.parse().unwrap(),
        stream: name("celsius"),
        value: Measure::new(celsius).unwrap(),
        at: Timestamp(at),
        number: None,
        boot: None,
        unknown: Unknown::default(),
    }
}
