//! A full disk and a failing one: clean errors, a reason, and nothing acknowledged lost.

use crate::support::{append_numbered, dir, entry, open, payloads, read_all, segments, small, try_open};
use aisle_journal::{
    AppendError, CommitError, OpenError, Ticket,
    fault::{Fault, FaultIo, Op},
};
use std::time::Duration;

fn no_space(error: &AppendError) -> bool {
    matches!(error, AppendError::Commit(CommitError::NoSpace { .. }))
}

#[test]
fn a_full_disk_refuses_the_append_cleanly_and_the_journal_goes_on_when_room_returns() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    append_numbered(&journal, 1..=4, 1900);
    disk.set_free_bytes(100);
    let error = journal.append(vec![entry([1; 1900])]).unwrap_err();
    assert!(no_space(&error), "{error}");
    assert_eq!(error.to_string(), "no room for a batch of 16384 bytes: 100 bytes are free");
    assert_eq!((journal.durable(), journal.failed()), (4, None));
    assert_eq!(segments(&disk), [1]);
    assert_eq!(disk.io().list(&dir()).unwrap().iter().filter(|name| name.ends_with(".tmp")).count(), 0);
    // What fits in the room that is left still goes in.
    append_numbered(&journal, 5..=5, 10);
    disk.set_free_bytes(1 << 20);
    append_numbered(&journal, 6..=9, 1900);
    assert_eq!(payloads(&journal, 1).len(), 9);
    assert!(journal.verify().unwrap().is_intact());
}

#[test]
fn a_write_without_room_leaves_nothing_behind_and_the_journal_goes_on() {
    for seed in 0..20 {
        let disk = FaultIo::new(seed);
        let journal = open(&disk, small());
        append_numbered(&journal, 1..=2, 100);
        disk.fail_next(Op::Write, Fault::Enospc);
        let error = journal.append(vec![entry([9; 1500]), entry([9; 1500])]).unwrap_err();
        assert!(no_space(&error), "seed {seed}: {error}");
        append_numbered(&journal, 3..=4, 100);
        let disk = disk.crash();
        let (journal, recovery) = try_open(&disk, small()).unwrap();
        assert_eq!((recovery.durable, recovery.cut_bytes), (4, 0), "seed {seed}");
        assert_eq!(payloads(&journal, 1).len(), 4);
    }
}

#[test]
fn what_was_numbered_behind_a_refused_commit_is_numbered_anew() {
    for seed in 0..20 {
        let disk = FaultIo::new(seed);
        let journal = open(&disk, small());
        disk.hold_syncs();
        let first = journal.submit(vec![entry("first")]).unwrap();
        assert!(disk.wait_for_held_sync(Duration::from_secs(10)));
        // More than one commit's worth gathers while the sync is held.
        let rest: Vec<_> = (0..10).map(|_| journal.submit(vec![entry([1; 900])]).unwrap()).collect();
        disk.fail_next(Op::Write, Fault::Enospc);
        disk.release_syncs();
        assert_eq!(first.wait().unwrap().last, 1, "seed {seed}");
        let mut committed = 1;
        for answer in rest.into_iter().map(Ticket::wait) {
            match answer {
                Ok(numbers) => {
                    committed += 1;
                    assert_eq!((numbers.first, numbers.last), (committed, committed), "seed {seed}");
                }
                Err(error) => assert!(matches!(error, CommitError::NoSpace { .. }), "seed {seed}: {error}"),
            }
        }
        assert!(committed < 11, "seed {seed}");
        append_numbered(&journal, committed + 1..=committed + 3, 100);
        assert!(journal.verify().unwrap().is_intact());
        let journal = open(&disk.crash(), small());
        assert_eq!(payloads(&journal, 1).len() as u64, committed + 3, "seed {seed}");
    }
}

#[test]
fn every_way_in_which_a_new_segment_can_lack_room_is_clean() {
    for op in [Op::Create, Op::Allocate, Op::Write, Op::Sync, Op::Rename] {
        let disk = FaultIo::new(1);
        let journal = open(&disk, small());
        append_numbered(&journal, 1..=4, 1900);
        disk.fail_next(op, Fault::Enospc);
        let error = journal.append(vec![entry([1; 1900])]).unwrap_err();
        assert!(no_space(&error), "{op:?}: {error}");
        append_numbered(&journal, 5..=6, 1900);
        let disk = disk.crash();
        let journal = open(&disk, small());
        assert_eq!(payloads(&journal, 1).len(), 6, "{op:?}");
    }
}

#[test]
fn a_failed_write_or_sync_is_fatal_and_says_why() {
    for (op, verb) in [(Op::Write, "write"), (Op::Sync, "sync")] {
        let disk = FaultIo::new(1);
        let journal = open(&disk, small());
        append_numbered(&journal, 1..=3, 10);
        disk.fail_next(op, Fault::Eio);
        let error = journal.append(vec![entry("lost")]).unwrap_err();
        let path = "/aisle/journal/00000000000000000001.seg";
        let expected =
            format!("the journal has failed: cannot {verb} `{path}`: Input/output error (os error 5)");
        assert_eq!(error.to_string(), expected);
        assert_eq!(journal.append(vec![entry("later")]).unwrap_err().to_string(), expected);
        assert!(journal.failed().unwrap().to_string().contains("Input/output error"));
        assert_eq!((journal.durable(), read_all(&journal, 1).len()), (3, 3));
        drop(journal);
        let journal = open(&disk.crash(), small());
        assert_eq!(journal.durable(), 3);
    }
}

#[test]
fn a_commit_whose_sync_failed_is_durable_once_a_restart_has_shown_it() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    append_numbered(&journal, 1..=3, 10);
    disk.fail_sync();
    journal.append(vec![entry("in the page cache alone")]).unwrap_err();
    drop(journal);
    // The process is new, the page cache is not: the commit reads well.
    let journal = open(&disk, small());
    assert_eq!(journal.durable(), 4);
    append_numbered(&journal, 5..=5, 10);
    let journal = open(&disk.crash(), small());
    assert_eq!(journal.durable(), 5);
    assert_eq!(payloads(&journal, 4)[0], b"in the page cache alone");
}

#[test]
fn a_disk_that_fails_while_opening_is_named() {
    let disk = FaultIo::new(1);
    append_numbered(&open(&disk, small()), 1..=3, 10);
    for op in [Op::CreateDir, Op::SyncDir, Op::Lock, Op::Read, Op::Write, Op::Sync] {
        disk.fail_next(op, Fault::Eio);
        let error = try_open(&disk, small()).map(drop).unwrap_err();
        assert!(matches!(error, OpenError::File(_) | OpenError::Corrupt { .. }), "{op:?}: {error}");
        assert!(error.to_string().contains("/aisle"), "{op:?}: {error}");
        disk.heal();
    }
    assert_eq!(open(&disk, small()).durable(), 3);
}

#[test]
fn no_room_for_the_first_segment_says_how_to_get_by() {
    let disk = FaultIo::new(1);
    disk.set_free_bytes(10);
    let error = try_open(&disk, small()).map(drop).unwrap_err();
    assert!(error.hint().unwrap().contains("segment_bytes"), "{error}");
}
