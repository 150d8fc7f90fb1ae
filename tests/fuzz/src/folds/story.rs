//! What happened in a shop, so that a fold of it holds something of everything: a fridge that warms, a shelf that is sold from, and one
//! event of each type.

use super::Fold;
use aisle_event::{
    DeviceId, Event, EventType, Gtin, Measure, Money, Name, Quantity, Sku, Timestamp, Unknown,
    cold_chain::{ColdGroup, UnitDefined},
    device::{DeviceApproved, DevicePlaced, Place, Reading, ReadingsTaken},
    inventory::{PlaceCounted, StockMoved, TaskKind},
    stock::ProductListed,
};
use aisle_inventory::task::{About, Wanted};
use std::sync::LazyLock;

/// When it began: 2025-11-21 09:00 UTC.
pub(super) const BEGIN: Timestamp = Timestamp(1_763_715_600_000);
const MINUTES: i64 = 90;
/// When it is over.
pub(super) const NOW: Timestamp = Timestamp(BEGIN.0 + MINUTES * 60_000);
pub(super) const SKU: &str = "85123A";
pub(super) const UNIT: &str = "dairy";

/// All of it.
pub(super) static STORY: LazyLock<Vec<Event>> = LazyLock::new(|| {
    let mut events = setting();
    events.extend((0..MINUTES).map(minute));
    // The examples of `aisle-event` come last: some of them end things.
    events.extend(crate::event::examples().iter().filter_map(|example| {
        let (kind, payload) = example.split_first_chunk::<2>()?;
        Event::decode(EventType(u16::from_le_bytes(*kind)), payload).ok()
    }));
    events
});

/// A fold that heard so many events of it, and what was due on the way.
pub(super) fn tell<F: Fold>(until: usize) -> F {
    let mut fold = F::new();
    let mut seq = 0;
    for event in STORY.iter().take(until) {
        seq += 1;
        fold.hear(seq, event);
    }
    for event in fold.due(NOW) {
        seq += 1;
        fold.hear(seq, &event);
    }
    fold
}

/// What staff are to do.
pub(super) fn wanted() -> Vec<Wanted> {
    vec![Wanted {
        kind: TaskKind::FillShelf,
        about: About::Sku(sku()),
        quantity: Some(Quantity::each(3)),
        confidence_permille: 900,
        why: name("the shelf is probably empty"),
    }]
}

pub(super) fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn sku() -> Sku {
    Sku::new(SKU).expect("a SKU")
}

fn device() -> DeviceId {
    DeviceId::new("fridge-7").expect("a device")
}

fn measure(units: f64) -> Measure {
    Measure::new(units).expect("a finite number")
}

fn setting() -> Vec<Event> {
    let (at, unknown) = (BEGIN, Unknown::default);
    let placed = |stream: &str, unit: Option<Name>| DevicePlaced {
        device: device(),
        stream: name(stream),
        place: unit.is_none().then_some(Place::Shelf),
        sku: unit.is_none().then(sku),
        unit_weight: unit.is_none().then(|| measure(250.0)),
        tare: None,
        unit,
        at,
        unknown: unknown(),
    };
    vec![
        ProductListed {
            sku: sku(),
            name: name("White hanging heart"),
            price: Money::new(255, "GBP".parse().expect("a currency")),
            unit: aisle_event::Unit::Each,
            gtin: Some("4006381333931".parse::<Gtin>().expect("a GTIN")),
            category: None,
            at,
            unknown: unknown(),
        }
        .into(),
        DeviceApproved { device: device(), by: None, at, unknown: unknown() }.into(),
        UnitDefined {
            unit: name(UNIT),
            group: ColdGroup::Chilled,
            limit: None,
            grace_s: None,
            skus: vec![sku()],
            at,
            removed: None,
            unknown: unknown(),
        }
        .into(),
        placed("air", Some(name(UNIT))).into(),
        placed("load", None).into(),
        PlaceCounted {
            sku: sku(),
            place: Place::Backroom,
            on_hand: Quantity::each(40),
            at,
            by: None,
            unknown: unknown(),
        }
        .into(),
        StockMoved {
            sku: sku(),
            from: Place::Backroom,
            to: Place::Shelf,
            quantity: Quantity::each(20),
            at,
            by: None,
            unknown: unknown(),
        }
        .into(),
    ]
}

/// The fridge's door stands open from the thirtieth minute on; every third minute a piece is taken.
fn minute(minute: i64) -> Event {
    let reading = |stream: &str, value: f64| Reading {
        device: device(),
        stream: name(stream),
        value: measure(value),
        at: BEGIN.saturating_add_ms(minute * 60_000),
        number: u32::try_from(minute).ok(),
        boot: Some(1),
        unknown: Unknown::default(),
    };
    let (warming, sold) = ((minute - 30).max(0) as f64, (minute / 3).min(20) as f64);
    let readings = vec![reading("air", 3.9 + warming * 0.25), reading("load", (20.0 - sold) * 250.0)];
    ReadingsTaken { readings, unknown: Unknown::default() }.into()
}
