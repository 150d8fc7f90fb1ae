//! From the journal to batches that a hub takes.

use crate::{
    gate::event,
    hub::Hub,
    support::{dir, entry, mixed, open, plain, setup, small, try_open},
};
use aisle_event::LogClass;
use aisle_journal::{RealIo, fault::FaultIo};
use aisle_outbox::Config;
use aisle_protocol::{PerClass, node::Outbox as _};

#[test]
fn everything_that_leaves_reaches_the_hub_once_in_order_with_its_receipt() {
    let disk = FaultIo::new(1);
    let (mut store, mut hub) = (open(&disk, small()), Hub::new());
    for _ in 0..20 {
        store.happen(mixed()).unwrap();
        assert!(store.step().caught_up);
        store.send(&mut hub);
        store.acknowledge(&hub);
    }
    for class in LogClass::ALL {
        assert_eq!(hub.times(class), store.expected(class), "{class}");
        assert_eq!(store.outbox.backlog(class), aisle_outbox::Backlog::default(), "{class}");
    }
}

#[test]
fn what_the_hub_has_is_known_after_a_power_cut() {
    let disk = FaultIo::new(1);
    let (mut store, mut hub) = (open(&disk, small()), Hub::new());
    store.happen(mixed()).unwrap();
    store.step();
    store.send(&mut hub);
    store.acknowledge(&hub);
    store.now_ms += 1_000;
    store.step();
    assert_eq!(store.outbox.needed_from(), 8);
    drop(store);
    let mut store = open(&disk.crash(), small());
    for class in LogClass::ALL {
        let log = store.outbox.log(class).unwrap().unwrap();
        assert_eq!((log.acked, log.acked.seq > 0), (log.last, true), "{class}");
    }
    // An acknowledgement of something else is none.
    let epoch = store.epoch(LogClass::Sales);
    let beyond = aisle_protocol::Point { seq: 99, head: Default::default() };
    assert!(!store.outbox.acked(LogClass::Sales, epoch, beyond));
    assert!(!store.outbox.acked(LogClass::Sales, aisle_protocol::Epoch([0; 16]), beyond));
}

#[test]
fn a_batch_is_closed_by_count_by_bytes_and_by_age() {
    let disk = FaultIo::new(1);
    let config = Config { age_ms_max: PerClass::from_fn(|_| 1_000), events_max: 5, ..small() };
    let mut store = open(&disk, config);
    let class = LogClass::Sales;
    store.happen(vec![entry(&event("node_started")); 12]).unwrap();
    store.step();
    assert_eq!(store.outbox.log(class).unwrap().unwrap().last.seq, 10, "two full ones");
    store.now_ms += 998;
    store.step();
    assert_eq!(store.outbox.log(class).unwrap().unwrap().last.seq, 10);
    store.step();
    assert_eq!(store.outbox.log(class).unwrap().unwrap().last.seq, 12, "the rest is old enough");
    // A clock that goes back begins the wait anew and ends it.
    store.happen(vec![entry(&event("node_started"))]).unwrap();
    store.step();
    store.now_ms -= 100_000;
    store.step();
    store.now_ms += 1_000;
    store.step();
    assert_eq!(store.outbox.log(class).unwrap().unwrap().last.seq, 13);

    let disk = FaultIo::new(1);
    let bytes = event("node_started").encode().len();
    let mut store = open(&disk, Config { bytes_max: bytes * 2, events_max: 100, ..small() });
    store.happen(vec![entry(&event("node_started")); 5]).unwrap();
    store.step();
    let mut hub = Hub::new();
    store.send(&mut hub);
    let first: Vec<u64> = hub.sent.keys().map(|(_, _, first)| *first).collect();
    assert_eq!(first, [1, 3, 5]);
}

#[test]
fn many_events_of_which_nothing_leaves_move_the_cursor_without_a_batch() {
    let disk = FaultIo::new(1);
    let mut store = open(&disk, small());
    for _ in 0..10 {
        store.happen(vec![entry(&event("searched")); 5]).unwrap();
        store.step();
    }
    assert_eq!(store.outbox.log(LogClass::Bulk).unwrap().unwrap().last.seq, 0);
    drop(store);
    let store = open(&disk.crash(), small());
    assert!(store.projector.next_seq() > 40, "{}", store.projector.next_seq());
}

#[test]
fn what_was_withheld_before_a_restart_stands_in_the_next_receipt() {
    let disk = FaultIo::new(1);
    let mut store = open(&disk, small());
    store.happen(vec![entry(&event("searched")); 9]).unwrap();
    store.step();
    drop(store);
    let disk = disk.crash();
    let mut store = open(&disk, small());
    assert_eq!(store.projector.next_seq(), 10);
    store.happen(vec![entry(&event("searched")), entry(&event("session_ended"))]).unwrap();
    store.step();
    let issued = aisle_outbox::receipts(&dir(), disk.io(), LogClass::Bulk, 1).unwrap();
    let issued: Vec<_> = issued.map(Result::unwrap).collect();
    assert_eq!((issued.len(), issued[0].receipt.withheld), (1, 10));
    let mut hub = Hub::new();
    store.send(&mut hub);
    assert_eq!(hub.times(LogClass::Bulk).len(), 1);
}

#[test]
fn a_record_that_is_no_event_and_an_event_that_is_too_large_stay_and_are_told() {
    let disk = FaultIo::new(1);
    let (mut store, mut hub) = (open(&disk, small()), Hub::new());
    let broken = aisle_journal::Entry { kind: 0x0401, payload: vec![0xff] };
    let unknown = aisle_journal::Entry { kind: 0x7777, payload: vec![0xa0] };
    store.happen(vec![broken, unknown, entry(&event("node_started"))]).unwrap();
    store.step();
    store.send(&mut hub);
    assert_eq!(hub.times(LogClass::Sales).len(), 1);
    assert_eq!(
        store
            .notices
            .iter()
            .filter(|notice| **notice == aisle_outbox::Notice::Undecodable { record: 1 })
            .count(),
        1
    );
}

#[test]
fn any_place_of_a_log_has_the_head_that_the_hub_computes() {
    let disk = FaultIo::new(1);
    let (mut store, mut hub) = (open(&disk, Config { events_max: 7, ..small() }), Hub::new());
    for _ in 0..60 {
        store.happen(mixed()).unwrap();
        store.step();
    }
    store.send(&mut hub);
    let class = LogClass::Sales;
    let (epoch, last) = {
        let log = store.outbox.log(class).unwrap().unwrap();
        (log.epoch, log.last)
    };
    let log = aisle_protocol::LogId { store: "store-1".parse().unwrap(), class, epoch };
    let mut chain = aisle_protocol::Chain::after(log.start());
    let mut points = vec![chain.point()];
    for item in &hub.logs[&(class, epoch)].items {
        points.push(chain.push(item.hlc, item.kind, &item.payload));
    }
    assert_eq!(*points.last().unwrap(), last);
    for point in &points {
        assert_eq!(store.outbox.head_at(class, point.seq).unwrap(), Some(point.head), "{}", point.seq);
    }
    assert_eq!(store.outbox.head_at(class, last.seq + 1).unwrap(), None);
    // Questions that narrow a place down end at every single event.
    for (after, through) in [(0, last.seq), (3, 60), (10, 11), (13, 15), (20, 20)] {
        let found = store.outbox.points(class, after, through, 4).unwrap();
        assert!(found.len() <= 4);
        assert!(
            found.iter().all(|point| points.contains(point) && point.seq > after && point.seq <= through)
        );
        assert_eq!(found.is_empty(), after == through, "{after} {through}");
    }
    for seq in (0..last.seq).rev() {
        let batch = store.outbox.batch_after(class, seq).unwrap().unwrap();
        assert!(batch.header().start().seq <= seq && seq < batch.header().end().seq);
    }
    assert!(store.outbox.batch_after(class, last.seq).unwrap().is_none());
}

#[test]
fn it_works_on_a_real_disk_and_another_process_cannot_have_it_too() {
    let root = tempfile::tempdir().unwrap();
    let io: std::sync::Arc<dyn aisle_journal::Io> = std::sync::Arc::new(RealIo);
    let mut registry = prometheus_client::registry::Registry::default();
    let config = aisle_journal::Config { segment_bytes: 1 << 20, ..Default::default() };
    let (journal, _) =
        aisle_journal::Journal::open(&root.path().join("journal"), config, io.clone(), &mut registry)
            .unwrap();
    journal.append(mixed()).unwrap();
    let setup = || aisle_outbox::Setup { dir: root.path().join("outbox"), ..setup(plain(), small()) };
    let mut opened = aisle_outbox::open(setup(), &journal, io.clone(), &mut registry).unwrap();
    opened.projector.seal_all(io.now_ms()).unwrap();
    let first = opened.outbox.batch_after(LogClass::Sales, 0).unwrap().unwrap();
    let error = aisle_outbox::open(setup(), &journal, io.clone(), &mut Default::default()).unwrap_err();
    assert!(format!("{error:?}").contains("InUse"), "{error:?}");
    drop(opened);
    let mut again = aisle_outbox::open(setup(), &journal, io.clone(), &mut Default::default()).unwrap();
    assert!(again.notices.is_empty(), "{:?}", again.notices);
    assert_eq!(again.outbox.batch_after(LogClass::Sales, 0).unwrap().unwrap(), first);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    assert!(text.contains("outbox_sealed_seq{class=\"sales\"} 2"), "{text}");
}

#[test]
fn settings_that_leave_no_room_are_refused_by_name() {
    let refused = |config| try_open(&FaultIo::new(1), setup(plain(), config)).err().unwrap();
    for (config, name) in [
        (Config { events_max: 0, ..small() }, "events_max"),
        (Config { bytes_max: 1 << 20, ..small() }, "bytes_max"),
        (Config { disk_bytes_max: 1, ..small() }, "disk_bytes_max"),
    ] {
        assert!(refused(config).contains(&format!("`{name}` is ")), "{name}");
    }
}

/// `cargo nextest run --release -p aisle-outbox --run-ignored only how_fast --no-capture`
#[test]
#[ignore = "a measurement, for a quiet machine"]
fn how_fast_a_backlog_is_sealed() {
    const EVENTS: usize = 100_000;
    let root = tempfile::tempdir().unwrap();
    let io: std::sync::Arc<dyn aisle_journal::Io> = std::sync::Arc::new(RealIo);
    let config = aisle_journal::Config::default();
    let (journal, _) = aisle_journal::Journal::open(
        &root.path().join("journal"),
        config,
        io.clone(),
        &mut Default::default(),
    )
    .unwrap();
    let names = ["sale_recorded", "stock_adjusted", "readings_taken", "product_viewed"];
    let entries: Vec<_> = names.iter().map(|name| entry(&event(name))).collect();
    for _ in 0..EVENTS / 1000 {
        journal.append(entries.iter().cycle().take(1000).cloned().collect()).unwrap();
    }
    let setup = aisle_outbox::Setup {
        dir: root.path().join("outbox"),
        ..setup(crate::gate::eu(), Config { age_ms_max: PerClass::default(), ..Config::default() })
    };
    let mut opened = aisle_outbox::open(setup, &journal, io.clone(), &mut Default::default()).unwrap();
    let begun = std::time::Instant::now();
    opened.projector.seal_all(io.now_ms()).unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    let waiting = LogClass::ALL.map(|class| opened.outbox.backlog(class));
    println!("{:.0} events a second; {waiting:?}", EVENTS as f64 / seconds);
}

#[test]
fn it_is_known_through_where_everything_is_sealed_whether_anything_of_it_leaves_or_not() {
    let disk = FaultIo::new(1);
    let mut store = open(&disk, Config { age_ms_max: PerClass::from_fn(|_| 1_000), ..small() });
    store.happen(vec![entry(&event("searched"))]).unwrap();
    store.step();
    assert_eq!(store.outbox.sealed_through(), 1, "nothing of it leaves");
    store.happen(vec![entry(&event("node_started"))]).unwrap();
    store.step();
    assert!(store.outbox.sealed_through() < 2, "it waits for its batch");
    store.now_ms += 1_000;
    store.step();
    assert_eq!(store.outbox.sealed_through(), 2);
    assert_eq!(store.outbox.backlog(LogClass::Sales).events, 1);
}
