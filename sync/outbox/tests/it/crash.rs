//! Power cuts in front of every operation on the disk, with every way in which unsynced bytes can survive.

use crate::{
    hub::Hub,
    support::{Store, mixed, plain, setup, small, try_open},
};
use aisle_event::LogClass;
use aisle_journal::fault::{Fault, FaultIo, Op, Unsynced};

/// Sells, seals, sends and acknowledges until it is done or the power goes.
fn work(disk: &FaultIo, hub: &mut Hub, rounds: u64) -> Result<Store, String> {
    let mut store = try_open(disk, setup(plain(), small()))?;
    for round in 0..rounds {
        store.happen(mixed())?;
        store.try_step()?;
        if round % 2 == 1 {
            store.send(hub);
        }
        if round % 3 == 2 {
            store.acknowledge(hub);
        }
    }
    Ok(store)
}

/// What was sent is there byte for byte or acknowledged; everything arrives once, in order.
fn check(store: &mut Store, hub: &mut Hub, context: &str) {
    store.seal_all();
    store.send(hub);
    for class in LogClass::ALL {
        assert_eq!(hub.times(class), store.expected(class), "{context}: {class}");
        let epochs = hub.order.iter().filter(|(of, _)| *of == class).count();
        assert!(epochs <= 1, "{context}: {class}");
    }
}

fn cut_everywhere(modes: &[Unsynced]) {
    const ROUNDS: u64 = 9;
    let ops = {
        let disk = FaultIo::new(0);
        let mut hub = Hub::new();
        let mut store = work(&disk, &mut hub, ROUNDS).unwrap();
        check(&mut store, &mut hub, "nothing goes wrong");
        disk.ops()
    };
    println!("{ops} operations");
    assert!(ops > 80, "{ops} operations");
    for op in 1..=ops {
        for unsynced in modes {
            let context = format!("power lost at operation {op} of {ops}, unsynced: {unsynced:?}");
            let disk = FaultIo::new(op);
            disk.crash_at(op);
            let mut hub = Hub::new();
            let _ = work(&disk, &mut hub, ROUNDS);
            let disk = disk.crash_with(*unsynced);
            let mut store =
                try_open(&disk, setup(plain(), small())).unwrap_or_else(|error| panic!("{context}: {error}"));
            check(&mut store, &mut hub, &context);
            if op % 3 != 0 {
                continue;
            }
            store.acknowledge(&hub);
            drop(store);
            let mut store = work(&disk, &mut hub, 2).unwrap_or_else(|error| panic!("{context}: {error}"));
            check(&mut store, &mut hub, &context);
        }
    }
}

#[test]
fn power_lost_anywhere_seals_nothing_twice_and_leaves_nothing_out_when_unsynced_bytes_stay_or_go() {
    cut_everywhere(&[Unsynced::Keep, Unsynced::Drop]);
}

#[test]
fn power_lost_anywhere_seals_nothing_twice_and_leaves_nothing_out_when_unsynced_bytes_are_torn() {
    cut_everywhere(&[Unsynced::Tear, Unsynced::Shuffle]);
}

#[test]
fn a_disk_that_fails_anywhere_stops_the_outbox_and_a_start_goes_on() {
    let ops = {
        let disk = FaultIo::new(0);
        work(&disk, &mut Hub::new(), 6).unwrap();
        disk.ops()
    };
    let mut stopped = 0;
    for op in 1..=ops {
        let context = format!("operation {op} of {ops} fails");
        let disk = FaultIo::new(op);
        disk.fail_at(op, Fault::Eio);
        let mut hub = Hub::new();
        stopped += usize::from(work(&disk, &mut hub, 6).is_err());
        // Half of the starts follow a power cut, which takes what a failed sync left in memory.
        let disk = if op % 2 == 0 { disk.crash() } else { disk };
        disk.heal();
        let mut store =
            try_open(&disk, setup(plain(), small())).unwrap_or_else(|error| panic!("{context}: {error}"));
        check(&mut store, &mut hub, &context);
    }
    assert!(stopped > 50, "{stopped} of {ops}");
}

#[test]
fn a_full_disk_holds_everything_back_and_loses_nothing() {
    let disk = FaultIo::new(3);
    let mut hub = Hub::new();
    let mut store = work(&disk, &mut hub, 5).unwrap();
    store.happen(mixed()).unwrap();
    disk.fail_every(Op::Write, Fault::Enospc);
    disk.fail_every(Op::Allocate, Fault::Enospc);
    for _ in 0..3 {
        assert!(store.step().no_space);
    }
    let full = store.notices.iter().filter(|notice| matches!(notice, aisle_outbox::Notice::NoSpace { .. }));
    assert_eq!(full.count(), 1);
    disk.heal();
    store.happen(mixed()).unwrap();
    assert!(!store.step().no_space);
    check(&mut store, &mut hub, "room again");
}
