//! Power cuts: every boundary between two operations, and every way in which unsynced bytes can survive.

use crate::support::{dir, entry, numbered, open, small, try_open};
use aisle_journal::{
    Committed, Config, Journal, Record,
    fault::{FaultIo, Unsynced},
};
use std::time::Duration;

/// What a run knows of its batches: the numbers of each one's payloads, and whether it was acknowledged.
#[derive(Default)]
struct Run {
    acknowledged: Vec<Committed>,
    submitted: u64,
    /// The first number that trimming may have removed up to.
    trimmed_below: u64,
}

/// Appends batches of one to three entries, each entry's payload its own sequence number, and trims now and then, until
/// it is done or the power goes.
fn work(journal: &Journal, run: &mut Run, batches: u64) {
    for batch in 0..batches {
        let entries =
            (1..=1 + batch % 3).map(|i| entry(numbered(run.submitted + i, 600))).collect::<Vec<_>>();
        run.submitted += entries.len() as u64;
        match journal.append(entries) {
            Ok(committed) => {
                assert_eq!(committed.last, run.submitted);
                run.acknowledged.push(committed);
            }
            Err(_) => return,
        }
        if batch % 9 == 8 {
            run.trimmed_below = committed_last(run).saturating_sub(15);
            if journal.trim(run.trimmed_below).is_err() {
                return;
            }
        }
    }
}

fn committed_last(run: &Run) -> u64 {
    run.acknowledged.last().map_or(0, |committed| committed.last)
}

/// No acknowledged record is lost, none invented, no batch is there in part, and the chain verifies.
fn check(disk: &FaultIo, run: &Run, context: &str) -> Journal {
    let (journal, recovery) = try_open(disk, small()).unwrap_or_else(|error| panic!("{context}: {error}"));
    let last = committed_last(run);
    assert!(recovery.durable >= last, "{context}: {} of {last} acknowledged are there", recovery.durable);
    assert!(
        recovery.durable == last || recovery.durable == run.submitted,
        "{context}: a batch is there in part: {} of {}",
        recovery.durable,
        run.submitted
    );
    let first = journal.first();
    assert!(first <= run.trimmed_below.max(1), "{context}: {first} is the first");
    let records: Vec<Record> = journal
        .read(first)
        .unwrap()
        .map(|record| record.unwrap_or_else(|error| panic!("{context}: {error}")))
        .collect();
    assert_eq!(records.len() as u64, recovery.durable + 1 - first, "{context}");
    for (record, seq) in records.iter().zip(first..) {
        assert_eq!((record.seq, &record.payload[..]), (seq, &numbered(seq, 600)[..]), "{context}");
    }
    assert!(records.is_sorted_by(|a, b| a.hlc < b.hlc), "{context}");
    let verified = journal.verify().unwrap();
    assert!(verified.is_intact(), "{context}: {verified:?}");
    assert_eq!(verified.head, journal.head(), "{context}");
    journal
}

/// The journal must go on after what it was put through.
fn go_on(journal: &Journal, run: &mut Run) {
    run.submitted = journal.durable();
    run.acknowledged = Vec::from_iter(
        (run.submitted > 0).then_some(Committed { first: run.submitted, last: run.submitted }),
    );
    work(journal, run, 3);
    assert_eq!(journal.durable(), run.submitted);
}

#[test]
fn power_lost_in_front_of_any_operation_loses_nothing_acknowledged_and_invents_nothing() {
    let ops = {
        let disk = FaultIo::new(0);
        let mut run = Run::default();
        work(&open(&disk, small()), &mut run, 40);
        assert_eq!(run.acknowledged.len(), 40);
        disk.ops()
    };
    assert!(ops > 100, "{ops} operations");
    for op in 1..=ops {
        for unsynced in Unsynced::ALL {
            let context = format!("power lost at operation {op} of {ops}, unsynced: {unsynced:?}");
            let disk = FaultIo::new(op);
            disk.crash_at(op);
            let mut run = Run::default();
            if let Ok((journal, _)) = try_open(&disk, small()) {
                work(&journal, &mut run, 40);
            }
            let disk = disk.crash_with(unsynced);
            let journal = check(&disk, &run, &context);
            go_on(&journal, &mut run);
            drop(journal);
            check(&disk.crash(), &run, &context);
        }
    }
}

#[test]
fn power_lost_again_while_recovering_loses_nothing() {
    for unsynced in [Unsynced::Keep, Unsynced::Tear, Unsynced::Shuffle] {
        for seed in 0..40 {
            // A commit that is written and not synced when the power goes.
            let disk = FaultIo::new(seed);
            let journal = open(&disk, small());
            let mut run = Run::default();
            work(&journal, &mut run, 10);
            disk.crash_at(disk.ops() + 2);
            work(&journal, &mut run, 1);
            let torn = disk.crash_with(unsynced);
            for op in 1..40 {
                let context = format!("seed {seed}, recovery cut at {op}, unsynced: {unsynced:?}");
                let disk = torn.crash_with(Unsynced::Keep);
                disk.crash_at(op);
                if let Ok((journal, _)) = try_open(&disk, small()) {
                    check(&disk.crash(), &run, &context);
                    drop(journal);
                    break;
                }
                check(&disk.crash_with(unsynced), &run, &context);
            }
        }
    }
}

/// Appends a record, loses power while the next, longer one is being synced, and gives what is left.
fn tear(disk: &FaultIo, config: Config) -> FaultIo {
    let journal = open(disk, config);
    journal.append(vec![entry("durable")]).unwrap();
    disk.hold_syncs();
    let ticket = journal.submit(vec![entry([5; 9000])]).unwrap();
    assert!(disk.wait_for_held_sync(Duration::from_secs(10)));
    let left = disk.crash_with(Unsynced::Tear);
    ticket.wait().unwrap_err();
    left
}

#[test]
fn a_torn_tail_is_cut_kept_and_reported() {
    let config = Config { segment_bytes: 100_000, ..small() };
    let mut cut = 0;
    for seed in 0..30 {
        let disk = tear(&FaultIo::new(seed), config);
        let (journal, recovery) = try_open(&disk, config).unwrap();
        if recovery.cut_bytes > 0 {
            cut += 1;
            assert_eq!(recovery.durable, 1, "seed {seed}");
            let tail = disk.contents(&recovery.kept_tail.unwrap()).unwrap();
            assert_eq!(tail.len() as u64, recovery.cut_bytes, "seed {seed}");
        }
        // Nothing of it is left behind the end.
        drop(journal);
        assert_eq!(try_open(&disk.crash(), config).unwrap().1.cut_bytes, 0, "seed {seed}");
    }
    assert!(cut > 10, "{cut} tails were torn");
}

#[test]
fn torn_tails_do_not_fill_the_quarantine() {
    let config = Config { segment_bytes: 1 << 20, ..small() };
    let (mut disk, mut kept) = (FaultIo::new(3), 0);
    for _ in 0..60 {
        disk = tear(&disk, config);
        kept += u64::from(try_open(&disk, config).unwrap().1.kept_tail.is_some());
    }
    assert!(kept > 20, "{kept} tails were torn");
    let left = disk.io().list(&dir().join("quarantine")).unwrap().len();
    assert!((1..=16).contains(&left), "{left} tails are left");
}
