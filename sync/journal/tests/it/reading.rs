//! Reading: from anywhere, while writing, following.

use crate::support::{append_numbered, dir, entry, numbered, open, payloads, read_all, small};
use aisle_journal::{Committed, ReadError, chain::genesis, fault::FaultIo, head_before};
use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

#[test]
fn reading_starts_at_any_number_even_inside_a_commit() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    for _ in 0..30 {
        journal.append((0..7).map(|_| entry([1; 200])).collect()).unwrap();
    }
    for from in 1..=210 {
        let seqs: Vec<u64> = read_all(&journal, from).iter().map(|record| record.seq).collect();
        assert_eq!(seqs, (from..=210).collect::<Vec<_>>());
    }
    assert_eq!(read_all(&journal, 0).len(), 210);
    assert_eq!(read_all(&journal, 999), []);
}

#[test]
fn a_reader_that_came_to_the_end_goes_on_when_there_is_more() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    let mut reader = journal.read(1).unwrap();
    for round in 0..60 {
        assert!(reader.next().is_none());
        append_numbered(&journal, round * 3 + 1..=round * 3 + 3, 100);
        for number in 1..=3 {
            let record = reader.next().unwrap().unwrap();
            assert_eq!(
                (record.seq, &record.payload[..]),
                (round * 3 + number, &numbered(round * 3 + number, 100)[..])
            );
        }
        assert_eq!(reader.next_seq(), round * 3 + 4);
    }
}

#[test]
fn readers_keep_up_with_writers() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let mut tail = journal.tail(1);
            thread::spawn(move || {
                let mut next = 1;
                while next <= 2000 {
                    for record in tail.next_batch(17, Duration::from_secs(10)).unwrap() {
                        assert_eq!((record.seq, &record.payload[..]), (next, &numbered(next, 60)[..]));
                        next += 1;
                    }
                }
            })
        })
        .collect();
    append_numbered(&journal, 1..=2000, 60);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
}

#[test]
fn a_tail_waits_for_what_is_not_there_yet_and_gives_up_in_time() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    let mut tail = journal.tail(1);
    let started = Instant::now();
    assert_eq!(tail.next_batch(10, Duration::from_millis(50)).unwrap(), []);
    assert!(started.elapsed() >= Duration::from_millis(50));

    let waiting = thread::spawn(move || (tail.next_batch(10, Duration::from_secs(10)).unwrap(), tail));
    append_numbered(&journal, 1..=1, 0);
    let (batch, mut tail) = waiting.join().unwrap();
    assert_eq!(batch.len(), 1);
    append_numbered(&journal, 2..=30, 0);
    let batches: Vec<usize> = (0..3).map(|_| tail.next_batch(10, Duration::ZERO).unwrap().len()).collect();
    assert_eq!(batches, [10, 10, 9]);
}

#[test]
fn a_tail_of_a_closed_journal_gives_the_rest_and_then_says_so() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    let mut tail = journal.tail(1);
    append_numbered(&journal, 1..=3, 0);
    journal.close();
    assert_eq!(tail.next_batch(10, Duration::from_secs(10)).unwrap().len(), 3);
    assert!(matches!(tail.next_batch(10, Duration::from_secs(10)), Err(ReadError::Closed)));
}

#[test]
fn a_task_can_watch_the_durable_number() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    let mut watch = journal.watch();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ticket = journal.submit(vec![entry("a"), entry("b")]).unwrap();
    runtime.block_on(async {
        watch.wait_for(|durable| *durable == 2).await.unwrap();
        assert_eq!(ticket.await, Ok(Committed { first: 1, last: 2 }));
    });
}

#[test]
fn reading_what_was_trimmed_names_what_is_left() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    append_numbered(&journal, 1..=10, 3000);
    let mut before = journal.read(1).unwrap();
    let mut tail = journal.tail(1);
    let first = journal.trim(9).unwrap().first;
    assert!(first > 1);
    let expected = format!("record 1 was trimmed; the first one left is {first}");
    assert_eq!(journal.read(1).map(drop).unwrap_err().to_string(), expected);
    assert_eq!(before.next().unwrap().unwrap_err().to_string(), expected);
    assert_eq!(tail.next_batch(1, Duration::ZERO).unwrap_err().to_string(), expected);
    assert_eq!(payloads(&journal, first).len() as u64, 10 - first + 1);
}

#[test]
fn the_chains_head_is_known_before_every_record() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    let head = |seq| head_before(&dir(), disk.io().as_ref(), seq).unwrap();
    let mut between = vec![(1, genesis(&journal.id()))];
    for _ in 0..40 {
        let committed = journal.append((0..7).map(|_| entry([1; 200])).collect()).unwrap();
        between.push((committed.last + 1, journal.head()));
    }
    for (seq, expected) in &between {
        assert_eq!(head(*seq), Some(*expected), "{seq}");
    }
    let all: BTreeSet<_> = (1..=281).map(|seq| head(seq).expect("there is such a record")).collect();
    assert_eq!(all.len(), 281, "each is its own");
    assert_eq!((head(0), head(282)), (None, None));
}
