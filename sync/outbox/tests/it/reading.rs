//! What people ask afterwards.

use crate::{
    gate::{policy, region},
    hub::Hub,
    support::{dir, journal_dir, mixed, open, small},
};
use aisle_event::LogClass;
use aisle_journal::fault::FaultIo;
use aisle_outbox::{Progress, batches, dry_run, event_at, receipts, waiting};
use aisle_residency::Policy;

#[test]
fn receipts_are_read_beside_a_running_projector_and_each_follows_the_one_before() {
    let disk = FaultIo::new(1);
    let mut store = open(&disk, small());
    for _ in 0..10 {
        store.happen(mixed()).unwrap();
        store.step();
    }
    let read = |from| -> Vec<_> {
        receipts(&dir(), disk.io(), LogClass::Sales, from).unwrap().map(Result::unwrap).collect()
    };
    let all = read(1);
    assert_eq!(
        all.iter().map(|issued| issued.receipt.number).collect::<Vec<_>>(),
        (1..=10).collect::<Vec<_>>()
    );
    for pair in all.windows(2) {
        assert_eq!(pair[1].receipt.previous, pair[0].receipt.hash());
        assert_eq!(pair[1].header.start(), pair[0].header.end());
    }
    assert!(all.iter().all(|issued| issued.receipt.is_signed_by(&crate::gate::node().verifying_key())));
    assert_eq!(read(8).len(), 3);
    let mut hub = Hub::new();
    store.send(&mut hub);
}

#[test]
fn who_carries_batches_by_hand_is_given_those_that_no_hub_has() {
    let disk = FaultIo::new(1);
    let (mut store, mut hub) = (open(&disk, small()), Hub::new());
    let first = |class| {
        let waits = waiting(&dir(), disk.io(), class).unwrap().map(Result::unwrap);
        waits.map(|batch| batch.header().first_seq).collect::<Vec<_>>()
    };
    for _ in 0..3 {
        store.happen(mixed()).unwrap();
        store.step();
    }
    let all = first(LogClass::Sales);
    assert_eq!(all.len(), 3);
    store.send(&mut hub);
    store.acknowledge(&hub);
    store.now_ms += 1_000;
    store.step();
    for class in LogClass::ALL {
        assert_eq!(first(class), Vec::<u64>::new(), "{class}");
    }
    for _ in 0..2 {
        store.happen(mixed()).unwrap();
        store.step();
    }
    let waits = first(LogClass::Sales);
    assert_eq!((waits.len(), waits[0] > *all.last().unwrap()), (2, true), "{waits:?}");
    assert_eq!(batches(&dir(), disk.io(), LogClass::Sales).unwrap().count(), 5, "they are kept all the same");
    // A start writes down anew what it knows.
    drop(store);
    drop(open(&disk, small()));
    assert_eq!(first(LogClass::Sales), waits);
}

#[test]
fn a_dry_run_over_the_journal_says_what_another_policy_would_let_out() {
    let disk = FaultIo::new(1);
    let store = open(&disk, small());
    for _ in 0..10 {
        store.happen(mixed()).unwrap();
    }
    disk.set_clock_ms(FaultIo::CLOCK_MS + 10_000);
    for _ in 0..5 {
        store.happen(mixed()).unwrap();
    }
    store.happen(vec![aisle_journal::Entry { kind: 0x0401, payload: vec![0xff] }]).unwrap();
    let draft = policy("[[rule]]\nto = [\"eu\"]\nfields = [\"Searched.hits\"]\naction = \"pass\"\n");
    let draft = Policy::draft(draft.as_bytes()).unwrap();
    let mut told = Vec::new();
    let mut run = |since| {
        dry_run(&journal_dir(), (disk.io(), None), &draft, &region("eu"), since, |progress| {
            told.push(progress);
        })
        .unwrap()
    };
    let all = run(0);
    assert_eq!((all.run.events, all.run.leave, all.undecodable, all.missing), (105, 15, 1, 0));
    let late = run(FaultIo::CLOCK_MS + 10_000);
    assert_eq!((late.run.events, late.run.leave), (35, 5));
    assert_eq!(told, [Progress { read: 106, total: 106 }; 2]);
    assert_eq!(event_at(&journal_dir(), (disk.io(), None), 3).unwrap().unwrap().1.name(), "Searched");
    assert!(event_at(&journal_dir(), (disk.io(), None), 106).unwrap().is_none());
    assert!(event_at(&journal_dir(), (disk.io(), None), 107).unwrap().is_none());
}
