//! The projector on its thread.

use crate::{
    gate::keys,
    hub::Hub,
    support::{mixed, open, plain, small},
};
use aisle_event::LogClass;
use aisle_journal::fault::FaultIo;
use aisle_outbox::Outbox;
use aisle_protocol::node::Outbox as _;
use std::time::{Duration, Instant};

/// Waits until something is so. The bound is there to end a test that fails.
fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_thread_seals_what_happens_tells_who_sends_and_begins_epochs_when_asked() {
    let disk = FaultIo::new(1);
    let store = open(&disk, small());
    let (journal, mut outbox) = (store.journal.clone(), store.outbox.clone());
    let mut changes = outbox.changes();
    changes.borrow_and_update();
    let (told, hears) = std::sync::mpsc::channel();
    let driver = Outbox::spawn(store.projector, move |notice| told.send(notice.clone()).unwrap()).unwrap();
    for _ in 0..50 {
        journal.append(mixed()).unwrap();
    }
    until(|| outbox.log(LogClass::Sales).unwrap().unwrap().last.seq == 100);
    assert!(changes.has_changed().unwrap());
    let epoch = outbox.log(LogClass::Sales).unwrap().unwrap().epoch;
    outbox.renew(LogClass::Sales, epoch, 60);
    until(|| {
        let log = outbox.log(LogClass::Sales).unwrap().unwrap();
        log.epoch != epoch && log.last.seq >= 40
    });
    assert!(matches!(hears.recv().unwrap(), aisle_outbox::Notice::Begun { .. }));
    driver.follow(plain(), keys()).unwrap();
    assert!(driver.is_running());
    driver.stop().unwrap();
    drop(store.outbox);
    drop(store.journal);
    drop((outbox, journal));
    // Nothing holds the files any more, and everything is there.
    let mut store = open(&disk, small());
    let mut hub = Hub::new();
    store.seal_all();
    store.send(&mut hub);
    assert_eq!(hub.times(LogClass::Stock), store.expected(LogClass::Stock));
    assert!(store.expected(LogClass::Sales).ends_with(&hub.times(LogClass::Sales)[1..]));
}

#[test]
fn what_was_acknowledged_last_is_known_after_an_orderly_end() {
    let disk = FaultIo::new(1);
    let store = open(&disk, small());
    let (journal, mut outbox) = (store.journal.clone(), store.outbox.clone());
    let driver = Outbox::spawn(store.projector, |_| {}).unwrap();
    for _ in 0..50 {
        journal.append(mixed()).unwrap();
    }
    until(|| outbox.log(LogClass::Sales).unwrap().unwrap().last.seq == 100);
    let log = outbox.log(LogClass::Sales).unwrap().unwrap();
    assert!(outbox.acked(LogClass::Sales, log.epoch, log.last));
    driver.stop().unwrap();
    drop((store.outbox, store.journal, outbox, journal));
    let mut store = open(&disk, small());
    assert_eq!(store.outbox.log(LogClass::Sales).unwrap().unwrap().acked, log.last);
}

#[test]
fn the_thread_ends_with_the_journal() {
    let disk = FaultIo::new(1);
    let store = open(&disk, small());
    let driver = Outbox::spawn(store.projector, |_| {}).unwrap();
    store.journal.append(mixed()).unwrap();
    store.journal.clone().close();
    until(|| !driver.is_running());
    driver.stop().unwrap();
}
