//! Aggregates: counted once, told once, whatever happens in between.

use crate::{
    gate::{event, policy, trusted},
    hub::Hub,
    support::{Store, entry, setup, small, try_open},
};
use aisle_event::{Event, LogClass, Timestamp};
use aisle_journal::{
    Entry,
    fault::{FaultIo, Unsynced},
};
use aisle_outbox::{Config, Setup};
use aisle_residency::{TrustedPolicy, aggregate};
use std::collections::BTreeMap;

const HOUR_MS: i64 = 3_600_000;

fn counting() -> TrustedPolicy {
    trusted(&policy(
        "[[rule]]\nto = [\"eu\"]\nfields = [\"SaleRecorded.at\", \"SaleRecorded.document\", \"SaleRecorded.lines.sku\", \"SaleRecorded.lines.quantity\"]\naction = \"aggregate\"\n\
         [[rule]]\nto = [\"eu\"]\nfields = [\"StockCounted.*<=3\"]\naction = \"pass\"\n\
         [[aggregate]]\nname = \"sold\"\nto = \"eu\"\nevent = \"SaleRecorded\"\ntime = \"SaleRecorded.at\"\nwindow = \"hour\"\nkeys = [{ field = \"SaleRecorded.lines.sku\" }]\nsums = [{ field = \"SaleRecorded.lines.quantity\", at_most = 100000 }]\neach = \"SaleRecorded.document\"\nk = 2\nrows_max = 10\n\
         noise = { epsilon = \"8.0\", budget = \"8000.0\", budget_days = 30 }\n",
    ))
}

/// Many sales of an hour: noise moves a count of this size hardly below `k`.
fn sales(hour: i64) -> Vec<Entry> {
    let Event::SaleRecorded(sale) = event("sale_recorded") else { unreachable!() };
    let of = |number: i64| -> Event {
        let mut sale = sale.clone();
        sale.document = format!("{hour}-{number}").parse().unwrap();
        sale.at = Timestamp(i64::try_from(FaultIo::CLOCK_MS).unwrap() + hour * HOUR_MS);
        sale.into()
    };
    (0..20).map(|number| entry(&of(number))).chain([entry(&event("stock_counted"))]).collect()
}

/// It is a certain hour.
fn strike(store: &mut Store, hour: i64) {
    store.now_ms = FaultIo::CLOCK_MS + (hour * HOUR_MS) as u64;
    store.disk.set_clock_ms(store.now_ms);
}

fn try_start(disk: &FaultIo, is_first: bool) -> Result<Store, String> {
    let config = Config { aggregate_lag_ms: 0, ..small() };
    try_open(disk, Setup { is_first, ..setup(counting(), config) })
}

fn work(disk: &FaultIo, hub: &mut Hub, hours: std::ops::Range<i64>) -> Result<Store, String> {
    let mut store = try_start(disk, true)?;
    for hour in hours {
        strike(&mut store, hour);
        store.happen(sales(hour))?;
        store.try_step()?;
        store.send(hub);
    }
    Ok(store)
}

/// What was told: how often of each window and group, with which content.
fn told(hub: &Hub) -> BTreeMap<Vec<u8>, Vec<Vec<u8>>> {
    let mut told: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
    for ((class, _), log) in &hub.logs {
        for item in log.items.iter().filter(|item| item.kind == aggregate::KIND.0) {
            assert_eq!(*class, LogClass::Stock);
            told.entry(window_and_group(&item.payload)).or_default().push(item.payload.to_vec());
        }
    }
    told
}

/// The part of an aggregate that names its window and group.
fn window_and_group(payload: &[u8]) -> Vec<u8> {
    let mut decoder = minicbor::Decoder::new(payload);
    decoder.map().unwrap();
    for _ in 0..4 {
        decoder.u64().unwrap();
        decoder.skip().unwrap();
    }
    payload[..decoder.position()].to_vec()
}

#[test]
fn a_window_is_told_once_with_what_was_counted_before_and_after_restarts() {
    let disk = FaultIo::new(1);
    let mut hub = Hub::with([counting()]);
    for part in [0..2, 2..3, 3..6] {
        drop(work(&disk, &mut hub, part).unwrap());
    }
    let told = told(&hub);
    assert!(told.len() >= 4, "{}", told.len());
    assert!(told.values().all(|values| values.len() == 1));
}

#[test]
fn power_lost_anywhere_tells_no_window_twice() {
    let ops = {
        let disk = FaultIo::new(0);
        let mut hub = Hub::with([counting()]);
        work(&disk, &mut hub, 0..4).unwrap();
        assert!(told(&hub).len() >= 3);
        disk.ops()
    };
    for op in (1..=ops).step_by(2) {
        for unsynced in [Unsynced::Keep, Unsynced::Drop] {
            let disk = FaultIo::new(op);
            disk.crash_at(op);
            let mut hub = Hub::with([counting()]);
            let _ = work(&disk, &mut hub, 0..4);
            let disk = disk.crash_with(unsynced);
            let mut store = work(&disk, &mut hub, 4..6).unwrap();
            store.seal_all();
            store.send(&mut hub);
            let told = told(&hub);
            assert!(told.values().all(|values| values.len() == 1), "operation {op}, {unsynced:?}");
        }
    }
}

#[test]
fn a_new_epoch_tells_again_word_for_word_and_draws_no_noise() {
    let disk = FaultIo::new(1);
    let mut hub = Hub::with([counting()]);
    let mut store = work(&disk, &mut hub, 0..6).unwrap();
    let before = told(&hub);
    let epoch = store.epoch(LogClass::Stock);
    store.outbox.renew(LogClass::Stock, epoch, 2);
    store.seal_all();
    store.send(&mut hub);
    assert_eq!(hub.order.iter().filter(|(class, _)| *class == LogClass::Stock).count(), 2);
    let after = told(&hub);
    assert_eq!(after.len(), before.len());
    assert!(after.values().any(|values| values.len() == 2), "something was told again");
    assert!(after.values().all(|values| values.iter().all(|value| *value == values[0])), "word for word");
}

#[test]
fn a_lost_state_forfeits_what_may_have_been_told() {
    let disk = FaultIo::new(1);
    let mut hub = Hub::with([counting()]);
    drop(work(&disk, &mut hub, 0..4).unwrap());
    let before = told(&hub);
    let (io, dir) = (disk.io(), crate::support::dir().join("p1"));
    for name in io.list(&dir).unwrap() {
        io.remove(&dir.join(name)).unwrap();
    }
    let mut store = try_start(&disk, false).unwrap();
    store.seal_all();
    for hour in 4..7 {
        strike(&mut store, hour);
        store.happen(sales(hour)).unwrap();
        store.step();
        // A start between: what is forfeited stays so.
        drop(store);
        store = try_start(&disk, false).unwrap();
    }
    store.seal_all();
    store.send(&mut hub);
    let after = told(&hub);
    assert!(before.keys().all(|key| after[key].len() == 1), "nothing is told twice");
    assert!(after.len() > before.len(), "and windows that begin later are told");
}

#[test]
fn a_clock_that_was_years_ahead_once_closes_no_window_early() {
    let disk = FaultIo::new(1);
    let mut hub = Hub::with([counting()]);
    let mut store = try_start(&disk, true).unwrap();
    disk.set_clock_ms(FaultIo::CLOCK_MS + 100_000 * HOUR_MS as u64);
    store.happen(sales(0)).unwrap();
    store.step();
    store.send(&mut hub);
    assert!(told(&hub).is_empty(), "the journal's time is ahead, the clock knows better");
    store.now_ms = FaultIo::CLOCK_MS + 200_000 * HOUR_MS as u64;
    store.happen(sales(1)).unwrap();
    store.step();
    // Both agree that it is over.
    store.send(&mut hub);
    assert!(!told(&hub).is_empty());
    assert!(told(&hub).values().all(|values| values.len() == 1));
}
