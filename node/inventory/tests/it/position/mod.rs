//! Stock positions from outside.

mod accuracy;
mod any_events;
mod course;

use aisle_event::{
    Currency, DeviceId, DocumentId, Event, Measure, Money, Name, Quantity, Sku, SourceName, Timestamp, Unit,
    Unknown,
    device::{AnomalyClosed, AnomalyKind, AnomalyOpened, DevicePlaced, Place, Reading, ReadingsTaken},
    inventory::{PlaceCounted, StockMoved},
    sale::{SaleLine, SaleRecorded},
    stock::{ProductListed, StockReceived},
};

pub fn sku(name: &str) -> Sku {
    Sku::new(name).unwrap()
}

pub fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

pub fn device(name: &str) -> DeviceId {
    DeviceId::new(name).unwrap()
}

pub fn listed(of: &str, gtin: Option<&str>, at: i64) -> Event {
    let price = Money { minor: 100, currency: Currency::EUR };
    let gtin = gtin.map(|gtin| gtin.parse().unwrap());
    let unit = Unit::Each;
    let at = Timestamp(at);
    ProductListed {
        sku: sku(of),
        name: name(of),
        price,
        unit,
        gtin,
        category: None,
        at,
        unknown: Unknown::default(),
    }
    .into()
}

pub fn sold(of: &str, quantity: Quantity, at: i64) -> Event {
    let unit_price = Money { minor: 100, currency: Currency::EUR };
    SaleRecorded {
        source: SourceName::new("till").unwrap(),
        document: DocumentId::new("1").unwrap(),
        lines: vec![SaleLine {
            line: 1,
            sku: sku(of),
            quantity,
            unit_price,
            repriced: None,
            unknown: Unknown::default(),
        }],
        at: Timestamp(at),
        session: None,
        customer: None,
        country: None,
        idempotency_key: None,
        arm: None,
        adjustments: Vec::new(),
        points: Vec::new(),
        unknown: Unknown::default(),
    }
    .into()
}

pub fn received(of: &str, quantity: Quantity, at: i64) -> Event {
    StockReceived {
        sku: sku(of),
        quantity,
        lot: None,
        at: Timestamp(at),
        expires: None,
        unknown: Unknown::default(),
    }
    .into()
}

pub fn moved(of: &str, quantity: Quantity, at: i64) -> Event {
    let (from, to) = (Place::Backroom, Place::Shelf);
    StockMoved { sku: sku(of), from, to, quantity, at: Timestamp(at), by: None, unknown: Unknown::default() }
        .into()
}

pub fn counted(of: &str, place: Place, on_hand: Quantity, at: i64) -> Event {
    PlaceCounted { sku: sku(of), place, on_hand, at: Timestamp(at), by: None, unknown: Unknown::default() }
        .into()
}

pub fn scale(on: &str, of: &str, unit_g: f64, at: i64) -> Event {
    DevicePlaced {
        device: device(on),
        stream: name("weight"),
        place: Some(Place::Shelf),
        sku: Some(sku(of)),
        unit_weight: Some(Measure::new(unit_g).unwrap()),
        tare: None,
        unit: None,
        at: Timestamp(at),
        unknown: Unknown::default(),
    }
    .into()
}

pub fn weighed(on: &str, grams: f64, at: i64) -> Event {
    let reading = Reading {
        device: device(on),
        stream: name("weight"),
        value: Measure::new(grams).unwrap(),
        at: Timestamp(at),
        number: None,
        boot: None,
        unknown: Unknown::default(),
    };
    ReadingsTaken { readings: vec![reading], unknown: Unknown::default() }.into()
}

pub fn odd(on: &str, kind: AnomalyKind, at: i64) -> Event {
    let (since, at, detail) = (Timestamp(at), Timestamp(at), name("stuck at 500 g"));
    AnomalyOpened {
        device: device(on),
        stream: name("weight"),
        kind,
        detail,
        since,
        at,
        unknown: Unknown::default(),
    }
    .into()
}

pub fn usual(on: &str, kind: AnomalyKind, at: i64) -> Event {
    let at = Timestamp(at);
    AnomalyClosed { device: device(on), stream: name("weight"), kind, at, unknown: Unknown::default() }.into()
}
