//! Power cut at every operation of an erasure: it goes on, nobody else loses anything, and what was destroyed is all or nothing.

use crate::store::{ADA, BOB, Store, customer, kept, named, searched, sold};
use aisle_event::{Event, Timestamp};
use aisle_journal::fault::{FaultIo, Unsynced};

fn is_about_ada(event: &Event) -> bool {
    let text = format!("{event:?}");
    text.contains(ADA) || text.contains("insulin")
}

fn shop(disk: &FaultIo) -> Store {
    let store = Store::open(disk).unwrap();
    store.happen(&[searched("v1", "insulin pens")]);
    store.happen(&[named("v1", ADA), sold("K-2", "v2", Some(BOB))]);
    store.happen(&[sold("K-1", "v1", Some(ADA)), kept(&format!("used/{ADA}"), Some("1"))]);
    store
}

/// Asks for the erasure and does what can be done; stops where the power does.
fn erase(disk: &FaultIo) -> Result<(), String> {
    let store = Store::open(disk)?;
    let mut eraser = store.try_eraser().map_err(|error| error.to_string())?;
    let done = eraser
        .request(store.wanted("e-1", ADA), Timestamp(10))
        .and_then(|()| store.step(&mut eraser).map(drop))
        .map_err(|error| error.to_string());
    drop(eraser);
    store.journal.close();
    done
}

#[test]
fn an_erasure_survives_a_power_cut_at_any_operation() {
    let counted = FaultIo::new(1);
    drop(shop(&counted).close());
    let before = counted.ops();
    erase(&counted).unwrap();
    let after = counted.ops();
    assert!(after - before > 20, "there is something to cut");
    for unsynced in Unsynced::ALL {
        for cut in before..=after {
            let disk = FaultIo::new(cut);
            drop(shop(&disk).close());
            disk.crash_at(cut);
            let asked = erase(&disk).is_ok();
            let disk = disk.crash_with(unsynced);
            // Two starts: one goes on, the next has an index made anew.
            for _ in 0..2 {
                erase(&disk).unwrap_or_else(|error| panic!("cut at {cut}, {unsynced:?}: {error}"));
            }
            let store = Store::open(&disk).unwrap();
            let eraser = store.eraser();
            let progress = eraser.progress("e-1").unwrap();
            assert!(progress.proof.is_some(), "cut at {cut}, {unsynced:?}, asked {asked}");
            // Hers, that of the hour, and one more where it was lost whose the first one was.
            let keys = progress.destroyed.as_ref().unwrap().0.len();
            assert!((2..=3).contains(&keys), "cut at {cut}, {unsynced:?}: {keys}");
            let left = store.events();
            assert!(!left.iter().any(is_about_ada), "cut at {cut}, {unsynced:?}");
            assert!(left.contains(&sold("K-2", "v2", Some(BOB))), "cut at {cut}, {unsynced:?}");
            assert!(!store.lies_somewhere(ADA));
            assert_eq!(store.vault.unopened(), 0, "cut at {cut}, {unsynced:?}");
        }
    }
}

#[test]
fn what_was_acknowledged_opens_after_a_power_cut_at_any_operation() {
    let sales = |store: &Store| {
        (0..70).try_for_each(|number| {
            let sale = sold(&format!("K-{number}"), "v", Some(&format!("customer-{number}")));
            let batch = vec![crate::store::entry(&sale)];
            store.journal.append(batch).map(drop).map_err(|error| error.to_string())
        })
    };
    let counted = FaultIo::new(2);
    let store = Store::open(&counted).unwrap();
    let before = counted.ops();
    sales(&store).unwrap();
    let after = counted.ops();
    drop(store.close());
    for unsynced in Unsynced::ALL {
        for cut in (before..=after).step_by(3) {
            let disk = FaultIo::new(cut);
            let store = Store::open(&disk).unwrap();
            disk.crash_at(cut);
            sales(&store).ok();
            let durable = store.journal.durable();
            drop(store.close());
            let disk = disk.crash_with(unsynced);
            let store = Store::open(&disk).unwrap();
            let left = store.events();
            assert!(left.len() as u64 >= durable);
            for (number, event) in left.iter().enumerate() {
                let who = format!("customer-{number}");
                assert_eq!(
                    event,
                    &sold(&format!("K-{number}"), "v", Some(&who)),
                    "cut at {cut}, {unsynced:?}"
                );
            }
            assert_eq!(store.vault.unopened(), 0);
            // Whose a key is may be unknown now: the records lead to it.
            if !left.is_empty() {
                let mut eraser = store.eraser();
                eraser.request(store.wanted("e-1", "customer-0"), Timestamp(1)).unwrap();
                store.step(&mut eraser).unwrap();
                let text = format!("{:?}", store.events());
                assert!(
                    !text.contains(&format!("{:?}", customer("customer-0"))),
                    "cut at {cut}, {unsynced:?}"
                );
            }
        }
    }
}
