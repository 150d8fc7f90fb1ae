//! Opening: first time, again, by two, without permission.

use crate::support::{append_numbered, dir, open, payloads, read_all, small, try_open};
use aisle_journal::{
    Config, Journal, OpenError, RealIo,
    fault::{Fault, FaultIo, Op},
};
use prometheus_client::{encoding::text::encode, registry::Registry};
use std::{error::Error, sync::Arc};

#[test]
fn an_empty_directory_becomes_an_empty_journal() {
    let disk = FaultIo::new(1);
    let (journal, recovery) = try_open(&disk, Config::default()).unwrap();
    assert_eq!((journal.first(), journal.durable()), (1, 0));
    assert_eq!((recovery.first, recovery.durable, recovery.segments, recovery.cut_bytes), (1, 0, 1, 0));
    assert_eq!(read_all(&journal, 1), []);
}

#[test]
fn what_was_appended_is_there_after_a_restart_and_numbers_go_on() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, Config::default());
    append_numbered(&journal, 1..=5, 10);
    let (id, head) = (journal.id(), journal.head());
    journal.close();

    let (journal, recovery) = try_open(&disk, Config::default()).unwrap();
    assert_eq!((recovery.durable, recovery.cut_bytes), (5, 0));
    assert_eq!((journal.id(), journal.head()), (id, head));
    append_numbered(&journal, 6..=7, 10);
    assert_eq!(payloads(&journal, 1).len(), 7);
    assert!(journal.verify().unwrap().is_intact());
}

#[test]
fn the_real_disk_keeps_records_and_gives_the_lock_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a").join("journal");
    for round in 0..3_u64 {
        let (journal, recovery) =
            Journal::open(&path, small(), Arc::new(RealIo), &mut Registry::default()).unwrap();
        assert_eq!(recovery.durable, round * 40);
        append_numbered(&journal, round * 40 + 1..=round * 40 + 40, 300);
        assert_eq!(payloads(&journal, 1).len() as u64, round * 40 + 40);
        assert!(journal.verify().unwrap().is_intact());
    }
}

#[test]
fn a_second_opener_is_refused_by_the_name_of_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let journal = || Journal::open(dir.path(), small(), Arc::new(RealIo), &mut Registry::default());
    let first = journal().unwrap();
    let error = journal().unwrap_err();
    let OpenError::InUse { pid, .. } = &error else { panic!("{error}") };
    assert_eq!(*pid, Some(std::process::id()));
    assert!(error.to_string().contains(&dir.path().display().to_string()), "{error}");
    assert!(error.hint().unwrap().contains("another directory"));
    drop(first);
    journal().unwrap();
}

#[test]
fn tools_read_beside_a_running_node() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    append_numbered(&journal, 1..=100, 300);
    let read: Vec<_> = aisle_journal::read_only(&dir(), disk.io(), 1).unwrap().map(Result::unwrap).collect();
    assert_eq!(read, read_all(&journal, 1));
    let verified = aisle_journal::verify(&dir(), disk.io().as_ref()).unwrap();
    assert!(verified.is_intact());
    assert_eq!((verified.first, verified.last, verified.records), (1, 100, 100));
    assert_eq!(verified.head, journal.head());
    let stats = aisle_journal::stats(&dir(), disk.io().as_ref()).unwrap();
    assert_eq!((stats.id, stats.first, stats.last, stats.head), (Some(journal.id()), 1, 100, journal.head()));
    assert_eq!(stats.segments, crate::support::segments(&disk).len() as u64);
}

#[test]
fn tools_say_that_an_empty_directory_has_no_journal() {
    let disk = FaultIo::new(1);
    disk.io().create_dir(&dir()).unwrap();
    assert_eq!(aisle_journal::stats(&dir(), disk.io().as_ref()).unwrap().id, None);
    assert_eq!(aisle_journal::verify(&dir(), disk.io().as_ref()).unwrap().segments, 0);
    assert_eq!(aisle_journal::read_only(&dir(), disk.io(), 1).unwrap().count(), 0);
}

#[test]
fn a_read_only_directory_is_named_with_what_to_do() {
    let disk = FaultIo::new(1);
    disk.fail_every(Op::Lock, Fault::Erofs);
    let error = try_open(&disk, Config::default()).unwrap_err();
    assert_eq!(error.to_string(), "cannot lock `/aisle/journal/LOCK`");
    assert!(error.source().unwrap().to_string().contains("Read-only"), "{error:?}");
    assert!(error.hint().unwrap().contains("write"), "{error:?}");
}

#[test]
fn a_file_where_the_directory_should_be_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().join("journal");
    let error =
        Journal::open(&path, small(), Arc::new(RealIo), &mut Registry::default()).map(drop).unwrap_err();
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
}

#[test]
fn a_half_made_segment_is_removed() {
    let disk = FaultIo::new(1);
    append_numbered(&open(&disk, small()), 1..=3, 0);
    let leftover = dir().join("00000000000000000004.seg.tmp");
    disk.put(&leftover, b"half a segment");
    let (journal, recovery) = try_open(&disk, small()).unwrap();
    assert_eq!((recovery.removed_temporaries, journal.durable()), (1, 3));
    assert_eq!(disk.contents(&leftover), None);
}

#[test]
fn metrics_tell_what_happened() {
    let disk = FaultIo::new(1);
    let mut registry = Registry::default();
    let (journal, _) = Journal::open(&dir(), small(), disk.io(), &mut registry).unwrap();
    append_numbered(&journal, 1..=3, 0);
    journal.close();
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    for line in [
        "journal_commits_total 3",
        "journal_records_total 3",
        "journal_durable_seq 3",
        "journal_queue_bytes 0",
        "journal_segments 1",
        "journal_failed 0",
        "journal_commit_duration_seconds_count 3",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}
