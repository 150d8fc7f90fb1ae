//! New epochs: the hub lost what it had, or the store did.

use crate::{
    gate::event,
    hub::Hub,
    support::{
        Store, backup, dir, entry, journal_dir, leaves, mixed, open, open_journal, plain, restore, setup,
        small, try_open,
    },
};
use aisle_event::LogClass;
use aisle_journal::fault::{FaultIo, Unsynced};
use aisle_outbox::{Config, Notice, Why};
use aisle_protocol::node::Outbox as _;

const CLASS: LogClass = LogClass::Sales;

fn run(rounds: usize, config: Config) -> (Store, Hub) {
    let (mut store, mut hub) = (open(&FaultIo::new(1), config), Hub::new());
    for _ in 0..rounds {
        store.happen(mixed()).unwrap();
        store.step();
    }
    store.send(&mut hub);
    (store, hub)
}

fn begun(store: &Store, class: LogClass) -> Vec<(u64, Why)> {
    let of = |notice: &Notice| match notice {
        Notice::Begun { class: of, after, why, .. } if *of == class => Some((*after, why.clone())),
        _ => None,
    };
    store.notices.iter().filter_map(of).collect()
}

#[test]
fn a_new_epoch_holds_exactly_what_follows_the_place_that_the_hub_has() {
    let all = run(12, small()).0.expected(CLASS);
    for after in 0..=all.len() as u64 {
        let (mut store, _) = run(12, small());
        let epoch = store.epoch(CLASS);
        let head = store.outbox.head_at(CLASS, after).unwrap().unwrap();
        store.outbox.renew(CLASS, epoch, after);
        assert!(store.step().sealed);
        store.seal_all();
        assert_ne!(store.epoch(CLASS), epoch);
        let past = store.outbox.past(CLASS).unwrap();
        assert_eq!(past, [(epoch, aisle_protocol::Point { seq: after, head })]);
        let mut hub = Hub::new();
        store.send(&mut hub);
        let expected = &all[after as usize..];
        let found = hub.times(CLASS);
        // At a batch's begin one that the hub has already may come again.
        let extra = found.len() - expected.len();
        assert!(extra <= 1 && found[extra..] == *expected, "after {after}: {found:?} {expected:?}");
        // Other classes go on as they were, and asking again changes nothing.
        assert_eq!(hub.times(LogClass::Stock), store.expected(LogClass::Stock));
        store.outbox.renew(CLASS, epoch, after);
        let now = store.epoch(CLASS);
        store.step();
        assert_eq!(store.epoch(CLASS), now);
    }
}

#[test]
fn a_hub_that_was_set_back_behind_an_ended_epoch_gets_everything_after_it() {
    let (mut store, mut hub) = run(6, small());
    let first = store.epoch(CLASS);
    store.outbox.renew(CLASS, first, 9);
    store.step();
    store.happen(mixed()).unwrap();
    store.seal_all();
    store.send(&mut hub);
    let second = store.epoch(CLASS);
    store.outbox.renew(CLASS, first, 4);
    store.seal_all();
    let past = store.outbox.past(CLASS).unwrap();
    assert_eq!(past.iter().map(|(epoch, point)| (*epoch, point.seq)).collect::<Vec<_>>(), [(first, 4)]);
    assert_ne!(store.epoch(CLASS), second);
    let mut restored = Hub::new();
    store.send(&mut restored);
    let (found, all) = (restored.times(CLASS), store.expected(CLASS));
    assert!(found.ends_with(&all[4..]), "{found:?} {all:?}");
    // After a restart it is the same.
    let disk = store.disk.crash();
    drop(store);
    let mut store = open(&disk, small());
    assert!(store.notices.is_empty());
    assert_eq!(store.outbox.past(CLASS).unwrap().len(), 1);
    store.seal_all();
    store.send(&mut restored);
    assert_eq!(restored.times(CLASS), found);
}

#[test]
fn power_lost_anywhere_while_an_epoch_begins_loses_nothing() {
    let begin = |store: &mut Store| {
        let epoch = store.epoch(CLASS);
        store.outbox.renew(CLASS, epoch, 5);
        let stepped = store.try_step().map(drop);
        stepped.and_then(|()| store.try_step().map(drop))
    };
    let (mut store, _) = run(4, small());
    let before = store.disk.ops();
    begin(&mut store).unwrap();
    let after = store.disk.ops();
    assert!(after >= before + 4, "{before} {after}");
    for op in before + 1..=after {
        for unsynced in Unsynced::ALL {
            let (mut store, mut hub) = run(4, small());
            store.disk.crash_at(op);
            let _ = begin(&mut store);
            let disk = store.disk.crash_with(unsynced);
            drop(store);
            let mut store = open(&disk, small());
            store.seal_all();
            store.send(&mut hub);
            assert_eq!(hub.times_once(CLASS), store.expected(CLASS), "operation {op}, {unsynced:?}");
        }
    }
}

#[test]
fn a_store_whose_journal_was_restored_from_a_backup_begins_new_epochs_from_where_both_agree() {
    let disk = FaultIo::new(1);
    let (mut store, mut hub) = (open(&disk, small()), Hub::new());
    for _ in 0..3 {
        store.happen(mixed()).unwrap();
        store.step();
    }
    let backup = backup(&disk, &[journal_dir()]);
    for _ in 0..3 {
        store.happen(mixed()).unwrap();
        store.step();
    }
    store.send(&mut hub);
    let lost = store.expected(CLASS)[6..].to_vec();
    drop(store);
    restore(&disk, &[journal_dir()], &backup);
    let mut store = open(&disk, small());
    let begun = begun(&store, CLASS);
    assert!(matches!(begun[..], [(_, Why::JournalBehind { cursor: 42, durable: 21 })]), "{begun:?}");
    disk.set_clock_ms(FaultIo::CLOCK_MS + 1_000);
    store.happen(mixed()).unwrap();
    store.seal_all();
    store.send(&mut hub);
    // What the hub had of the lost part stays; what is in the journal now is there too.
    let found = hub.times_once(CLASS);
    let mut expected = [store.expected(CLASS), lost].concat();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn another_journal_begins_new_epochs_from_the_named_record() {
    let (store, _) = run(3, small());
    let disk = store.disk.clone();
    drop(store);
    restore(&disk, &[journal_dir()], &[]);
    let journal = open_journal(&disk).unwrap();
    journal.append(mixed()).unwrap();
    journal.append(mixed()).unwrap();
    drop(journal);
    let mut store =
        try_open(&disk, aisle_outbox::Setup { begin_after: 7, ..setup(plain(), small()) }).unwrap();
    assert_eq!(begun(&store, CLASS), [(7, Why::OtherJournal)]);
    let mut hub = Hub::new();
    store.seal_all();
    store.send(&mut hub);
    assert_eq!(hub.times(CLASS), store.expected(CLASS)[2..]);
}

#[test]
fn a_lost_directory_begins_new_epochs_from_the_named_record() {
    let (store, _) = run(3, small());
    let (disk, io) = (store.disk.clone(), store.disk.io());
    drop(store);
    for class in LogClass::ALL {
        let dir = dir().join(format!("p{}", class.number()));
        for name in io.list(&dir).unwrap() {
            io.remove(&dir.join(name)).unwrap();
        }
    }
    let mut store = open(&disk, small());
    for class in LogClass::ALL {
        assert_eq!(begun(&store, class), [(0, Why::New)]);
    }
    let mut hub = Hub::new();
    store.seal_all();
    store.send(&mut hub);
    assert_eq!(hub.times(CLASS), store.expected(CLASS));
}

#[test]
fn records_that_were_trimmed_from_the_journal_are_told_and_passed_over() {
    let disk = FaultIo::new(1);
    let journal = open_journal(&disk).unwrap();
    for _ in 0..40 {
        journal
            .append(vec![
                entry(&event("node_started")),
                aisle_journal::Entry { kind: 0x7777, payload: vec![0; 2000] },
            ])
            .unwrap();
    }
    let first = journal.trim(60).unwrap().first;
    assert!(first > 10);
    drop(journal);
    let (mut store, mut hub) = (open(&disk, small()), Hub::new());
    store.seal_all();
    assert!(store.notices.contains(&Notice::Missed { first: 1, last: first - 1 }), "{:?}", store.notices);
    store.send(&mut hub);
    assert_eq!(hub.times(CLASS), store.expected(CLASS));
    assert!(store.journal.read(first).unwrap().any(|record| leaves(&record.unwrap()) == Some(CLASS)));
}
