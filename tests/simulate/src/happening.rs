//! What happens in the stores: sales, counts, plugins, views, and things that must not leave. Each has a number that the law lets out and, where
//! its type has a person, the canary.

use crate::random::Random;
use aisle_event::{
    Currency, CustomerRef, DocumentId, Event, LogClass, Money, Name, Quantity, SessionId, Sku, SourceName,
    Timestamp, Unknown,
    plugin::{PluginHook, PluginRecovered},
    sale::{ReturnRecorded, SaleLine, SaleRecorded},
    shopper::{CustomerNamed, ProductViewed},
    stock::StockCounted,
};

/// The customer who must be in no byte that leaves.
pub(crate) const CANARY: &str = "CANARY-carla-1975";
/// What stands in front of the number of an event, and how many digits it has.
const MARK: &[u8] = b"id-";
const DIGITS: usize = 9;

/// The number that a payload carries.
pub(crate) fn id_of(payload: &[u8]) -> Option<u64> {
    let at = payload.windows(MARK.len()).position(|window| window == MARK)? + MARK.len();
    std::str::from_utf8(payload.get(at..at + DIGITS)?).ok()?.parse().ok()
}

fn line(sku: &str, pieces: i64) -> SaleLine {
    SaleLine {
        line: 1,
        sku: Sku::new(sku).unwrap(),
        quantity: Quantity::each(pieces),
        unit_price: Money::new(199, Currency::EUR),
        repriced: None,
        unknown: Unknown::default(),
    }
}

/// Makes something happen, with a number, at a time of the store's clock.
pub(crate) fn happen(random: &mut Random, id: u64, now_ms: u64) -> Event {
    let mark = format!("id-{id:0DIGITS$}");
    let at = Timestamp(now_ms.cast_signed());
    let session = SessionId::new(CANARY).unwrap();
    let customer = Some(CustomerRef::new(CANARY).unwrap());
    match random.within(0, 12) {
        0..4 => SaleRecorded {
            source: SourceName::new("till").unwrap(),
            document: DocumentId::new(&mark).unwrap(),
            lines: (0..random.within(1, 4)).map(|_| line("milk", 1)).collect(),
            at,
            session: Some(session),
            customer,
            country: None,
            idempotency_key: Some(Name::new(CANARY).unwrap()),
            arm: None,
            adjustments: Vec::new(),
            points: Vec::new(),
            unknown: Unknown::default(),
        }
        .into(),
        4..6 => StockCounted {
            sku: Sku::new(&mark).unwrap(),
            on_hand: Quantity::each(random.within(0, 500).cast_signed()),
            at,
            unknown: Unknown::default(),
        }
        .into(),
        6..8 => PluginRecovered {
            plugin: Name::new(&mark).unwrap(),
            version: Name::new("1.0.0").unwrap(),
            hook: PluginHook::Pricing,
            at,
            unknown: Unknown::default(),
        }
        .into(),
        8..10 => {
            ProductViewed { session, sku: Sku::new(&mark).unwrap(), at, unknown: Unknown::default() }.into()
        }
        10 => CustomerNamed {
            session,
            customer,
            tier: Some(Name::new(&mark).unwrap()),
            at,
            unknown: Unknown::default(),
        }
        .into(),
        _ => ReturnRecorded {
            source: SourceName::new("till").unwrap(),
            document: DocumentId::new(&mark).unwrap(),
            lines: vec![line(if random.one_in(2) { "milk" } else { "bread" }, 1)],
            at,
            customer,
            country: None,
            unknown: Unknown::default(),
        }
        .into(),
    }
}

/// The class of an event that could leave.
pub(crate) fn class_of(event: &Event) -> Option<LogClass> {
    LogClass::of(event)
}
