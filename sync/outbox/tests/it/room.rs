//! Room: what is acknowledged goes, what is worth least goes first, sales never.

use crate::{
    gate::event,
    hub::Hub,
    support::{dir, entry, mixed, open, small},
};
use aisle_event::LogClass;
use aisle_journal::{Entry, fault::FaultIo};
use aisle_outbox::{Config, Notice};
use aisle_protocol::node::Outbox as _;

fn files(disk: &FaultIo, class: LogClass) -> usize {
    disk.io().list(&dir().join(format!("p{}", class.number()))).unwrap().len()
}

#[test]
fn acknowledged_batches_go_after_their_time_and_the_log_goes_on() {
    let disk = FaultIo::new(1);
    let (mut store, mut hub) = (open(&disk, small()), Hub::new());
    let class = LogClass::Sales;
    let mut files_most = 0;
    for round in 0..300 {
        store.happen(mixed()).unwrap();
        store.step();
        if round % 10 == 9 {
            store.send(&mut hub);
            store.acknowledge(&hub);
        }
        files_most = files_most.max(files(&disk, class));
    }
    let log = store.outbox.log(class).unwrap().unwrap();
    assert!(log.floor.seq > 300 && log.floor.seq <= log.acked.seq, "{log:?}");
    assert!(files_most < 8, "{files_most} files");
    assert!(store.outbox.batch_after(class, 0).unwrap().is_none(), "gone");
    assert_eq!(hub.times(class), store.expected(class));
    // It is found again as it was, and what the hub lost comes from the journal.
    drop(store);
    let disk = disk.crash();
    let mut store = open(&disk, small());
    assert!(store.notices.is_empty(), "{:?}", store.notices);
    let again = store.outbox.log(class).unwrap().unwrap();
    assert_eq!((again.epoch, again.last), (log.epoch, log.last));
    assert!(again.acked.seq >= again.floor.seq);
    store.outbox.renew(class, log.epoch, 100);
    store.seal_all();
    let mut restored = Hub::new();
    store.send(&mut restored);
    let (found, all) = (restored.times(class), store.expected(class));
    assert!(found.ends_with(&all[100..]), "{} of {}", found.len(), all.len());
    // As far as it is remembered: at most so many are sent that the hub has.
    assert!(found.len() < all.len() - 60, "{} of {}", found.len(), all.len());
}

#[test]
fn batches_that_are_not_acknowledged_are_kept_however_old() {
    let disk = FaultIo::new(1);
    let mut store = open(&disk, small());
    for _ in 0..100 {
        store.happen(mixed()).unwrap();
        store.now_ms += 86_400_000;
        store.step();
    }
    let mut hub = Hub::new();
    store.send(&mut hub);
    for class in LogClass::ALL {
        assert_eq!(hub.times(class), store.expected(class));
    }
}

#[test]
fn at_the_bound_bulk_goes_then_telemetry_then_stock_and_sales_never() {
    let disk = FaultIo::new(1);
    let config = Config { disk_bytes_max: 48 << 10, ..small() };
    let mut store = open(&disk, config);
    let names = ["node_started", "stock_counted", "plugin_recovered", "session_ended"];
    let entries: Vec<Entry> = names.iter().map(|name| entry(&event(name))).collect();
    let mut shed = Vec::new();
    for _ in 0..150 {
        store.happen(entries.clone()).unwrap();
        shed.extend(store.step().notices.into_iter().filter_map(|notice| match notice {
            Notice::Shed { class, events, .. } => {
                assert!(events > 0);
                Some(class)
            }
            _ => None,
        }));
    }
    store.seal_all();
    assert_eq!(shed.first(), Some(&LogClass::Bulk), "{shed:?}");
    assert!(shed.contains(&LogClass::Stock), "{shed:?}");
    assert!(!shed.contains(&LogClass::Sales));
    let first = |class| shed.iter().position(|of| *of == class).unwrap();
    assert!(first(LogClass::Bulk) < first(LogClass::Telemetry));
    assert!(first(LogClass::Telemetry) < first(LogClass::Stock));
    let mut hub = Hub::new();
    store.send(&mut hub);
    assert_eq!(hub.times(LogClass::Sales), store.expected(LogClass::Sales), "all sales are there");
    for class in [LogClass::Bulk, LogClass::Telemetry] {
        let (found, all) = (hub.times(class), store.expected(class));
        assert!(found.len() < all.len() && all.ends_with(&found), "{class}: the youngest are left");
        // The hub is told of the gap by the epoch that ended without its events.
        assert!(!store.outbox.past(class).unwrap().is_empty());
    }
    assert!(store.notices.iter().any(|notice| matches!(notice, Notice::Full { .. })));
}
