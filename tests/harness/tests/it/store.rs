//! Writing a generated shop into a journal.

use aisle_event::{Event, EventType, Timestamp};
use aisle_harness::shop::{Plan, Shop, WriteError, write};
use aisle_journal::{RealIo, read_only};
use std::sync::Arc;

const PLAN: Plan =
    Plan { seed: 9, products: 60, days: 4, visits_per_day: 30, end: Timestamp(1_763_582_400_000) };

#[test]
fn the_journal_holds_the_shop_event_by_event() {
    let data = tempfile::tempdir().unwrap();
    let mut commits = 0;
    let written = write(data.path(), Shop::open(PLAN).unwrap(), |_| commits += 1).unwrap();
    let records = read_only(&data.path().join("journal"), Arc::new(RealIo), 1).unwrap();
    let journal: Vec<Event> = records
        .map(|record| record.unwrap())
        .map(|record| Event::decode(EventType(record.kind), &record.payload).unwrap())
        .collect();
    assert_eq!(journal, Shop::open(PLAN).unwrap().collect::<Vec<_>>());
    assert_eq!(written.events, journal.len() as u64);
    assert!(written.sales > 0 && written.sessions > 0 && commits > 0);
}

#[test]
fn a_journal_with_trade_in_it_is_left_alone() {
    let data = tempfile::tempdir().unwrap();
    write(data.path(), Shop::open(PLAN).unwrap(), |_| {}).unwrap();
    let again = write(data.path(), Shop::open(PLAN).unwrap(), |_| {});
    assert!(matches!(again, Err(WriteError::NotEmpty { .. })));
}
