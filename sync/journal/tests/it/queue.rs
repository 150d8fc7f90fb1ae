//! The way in: limits, order, tickets, closing.

use crate::support::{KIND, append_numbered, entry, open, payloads, read_all, small};
use aisle_journal::{AppendError, CommitError, Committed, Config, Entry, SubmitError, fault::FaultIo};
use std::{thread, time::Duration};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_batch_is_refused_by_name_and_nothing_of_it_is_kept() {
    let config = Config { record_bytes_max: 100, queue_bytes_max: 1000, ..small() };
    let disk = FaultIo::new(1);
    let journal = open(&disk, config);
    let refused = |batch| journal.submit(batch).map(drop).unwrap_err();

    let long = refused(vec![entry(""), entry([0; 101])]);
    assert_eq!(long, SubmitError::RecordTooLong { entry: 1, bytes: 101, record_bytes_max: 100 });
    assert_eq!(long.to_string(), "entry 1 of the batch has 101 bytes; `record_bytes_max` is 100");
    let bytes = 10 * (100 + 26);
    let batch = refused(vec![entry([0; 100]); 10]);
    assert_eq!(batch, SubmitError::BatchTooLong { bytes, queue_bytes_max: 1000 });
    let reserved = refused(vec![entry(""), Entry { kind: 0, payload: Vec::new() }]);
    assert_eq!(reserved, SubmitError::ReservedKind { entry: 1 });
    assert_eq!(refused(Vec::new()), SubmitError::Empty);

    append_numbered(&journal, 1..=1, 0);
    assert_eq!(read_all(&journal, 1).len(), 1);
}

#[test]
fn a_full_queue_refuses_and_loses_nothing() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, Config { queue_bytes_max: 1000, ..small() });
    disk.hold_syncs();
    let mut tickets = Vec::new();
    let full = loop {
        match journal.submit(vec![entry([7; 74])]) {
            Ok(ticket) => tickets.push(ticket),
            Err(error) => break error,
        }
    };
    assert_eq!(full, SubmitError::Full { queue_bytes_max: 1000 });
    assert_eq!(tickets.len(), 10);

    let waiting = thread::spawn({
        let journal = journal.clone();
        move || journal.append(vec![entry("waited")])
    });
    disk.release_syncs();
    for (index, ticket) in (1..).zip(tickets) {
        assert_eq!(ticket.wait(), Ok(Committed { first: index, last: index }));
    }
    assert_eq!(waiting.join().unwrap(), Ok(Committed { first: 11, last: 11 }));
    assert_eq!(payloads(&journal, 1).len(), 11);
}

#[test]
fn nothing_is_acknowledged_or_readable_before_its_sync_returned() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    append_numbered(&journal, 1..=1, 0);
    disk.hold_syncs();
    let ticket = journal.submit(vec![entry("a")]).unwrap();
    assert!(disk.wait_for_held_sync(SOON));
    assert_eq!((journal.durable(), read_all(&journal, 1).len()), (1, 1));
    disk.release_syncs();
    assert_eq!(ticket.wait(), Ok(Committed { first: 2, last: 2 }));
    assert_eq!((journal.durable(), read_all(&journal, 1).len()), (2, 2));
}

#[test]
fn what_gathers_during_a_sync_becomes_one_commit() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    disk.hold_syncs();
    let first = journal.submit(vec![entry("a")]).unwrap();
    assert!(disk.wait_for_held_sync(SOON));
    let ops = disk.ops();
    let rest: Vec<_> = (0..50).map(|_| journal.submit(vec![entry("b")]).unwrap()).collect();
    disk.release_syncs();
    first.wait().unwrap();
    assert!(rest.into_iter().all(|ticket| ticket.wait().is_ok()));
    assert_eq!(disk.ops() - ops, 2, "one write and one sync");
}

#[test]
fn a_ticket_waits_on_a_runtime_and_without_one() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ticket = journal.submit(vec![entry("a")]).unwrap();
    assert_eq!(runtime.block_on(ticket), Ok(Committed { first: 1, last: 1 }));
    // Blocking inside a runtime is unwise, but it must not panic.
    let committed = runtime.block_on(async { journal.append(vec![entry("b"), entry("c")]) });
    assert_eq!(committed, Ok(Committed { first: 2, last: 3 }));
}

#[test]
fn a_task_that_blocks_on_many_appends_is_not_stopped_by_its_runtimes_budget() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let last = runtime.block_on(async {
        let task =
            tokio::spawn(
                async move { (0..1000).map(|_| journal.append(vec![entry("a")]).unwrap().last).max() },
            );
        task.await.unwrap()
    });
    assert_eq!(last, Some(1000));
}

#[test]
fn many_writers_get_numbers_without_gaps_in_their_own_order() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, Config { queue_bytes_max: 4000, ..small() });
    let writers: Vec<_> = (0..8_u8)
        .map(|writer| {
            let journal = journal.clone();
            thread::spawn(move || {
                let mut last = 0;
                for turn in 0..200_u8 {
                    let committed =
                        journal.append(vec![entry([writer, turn, 0]), entry([writer, turn, 1])]).unwrap();
                    assert_eq!(committed.last, committed.first + 1);
                    assert!(committed.first > last);
                    last = committed.last;
                }
            })
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    let records = read_all(&journal, 1);
    assert_eq!(records.len(), 8 * 200 * 2);
    assert!(records.iter().zip(1..).all(|(record, seq)| record.seq == seq && record.kind == KIND));
    for writer in 0..8 {
        let own: Vec<_> = records.iter().filter(|record| record.payload[0] == writer).collect();
        assert!(own.is_sorted_by_key(|record| (record.payload[1], record.payload[2])));
    }
    assert!(journal.verify().unwrap().is_intact());
}

#[test]
fn closing_commits_what_waits_and_takes_nothing_more() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    disk.hold_syncs();
    let tickets: Vec<_> = (0..5).map(|_| journal.submit(vec![entry("a")]).unwrap()).collect();
    let other = journal.clone();
    let closing = thread::spawn(move || journal.close());
    while !matches!(other.submit(vec![entry("late")]).map(drop), Err(SubmitError::Closed)) {
        thread::yield_now();
    }
    disk.release_syncs();
    closing.join().unwrap();
    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
    assert!(read_all(&other, 1).len() >= 5);
    assert_eq!(other.failed(), None);
}

#[test]
fn a_dropped_ticket_takes_nothing_back() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    drop(journal.submit(vec![entry("a")]).unwrap());
    append_numbered(&journal, 2..=2, 0);
    assert_eq!(payloads(&journal, 1)[0], b"a");
}

#[test]
fn a_failed_journal_tells_everyone_who_waits() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, Config { queue_bytes_max: 200, ..small() });
    disk.hold_syncs();
    let first = journal.submit(vec![entry([0; 74])]).unwrap();
    assert!(disk.wait_for_held_sync(SOON));
    let second = journal.submit(vec![entry([0; 74])]).unwrap();
    let third = thread::spawn({
        let journal = journal.clone();
        move || journal.append(vec![entry([0; 74])])
    });
    drop(disk.crash());
    assert!(matches!(first.wait(), Err(CommitError::Failed(_))));
    assert!(matches!(second.wait(), Err(CommitError::Failed(_))));
    assert!(matches!(third.join().unwrap(), Err(AppendError::Submit(SubmitError::Failed(_)))));
    let failure = journal.failed().unwrap().to_string();
    assert!(failure.starts_with("cannot sync `/aisle/journal/00000000000000000001.seg`: "), "{failure}");
}
