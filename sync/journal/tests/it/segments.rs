//! Segments: rolling over, trimming, batches of every size.

use crate::support::{append_numbered, dir, entry, open, payloads, segments, small, try_open};
use aisle_journal::{Config, OpenError, Trimmed, fault::FaultIo};

#[test]
fn segments_roll_over_and_are_named_by_their_first_number() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    append_numbered(&journal, 1..=20, 1900);
    // 8 KiB for records; three commits of 2,001 bytes fit, and a fourth.
    assert_eq!(segments(&disk), [1, 5, 9, 13, 17]);
    assert_eq!(payloads(&journal, 1).len(), 20);
    assert!(journal.verify().unwrap().is_intact());
}

#[test]
fn a_batch_larger_than_a_segment_gets_one_of_its_own_size() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    let large = || (0..50).map(|_| entry([3; 1000])).collect::<Vec<_>>();
    journal.append(large()).unwrap();
    append_numbered(&journal, 51..=51, 0);
    journal.append(large()).unwrap();
    append_numbered(&journal, 102..=102, 0);
    assert_eq!(segments(&disk), [1, 51, 52, 102]);
    assert_eq!(payloads(&journal, 1).len(), 102);
    journal.close();
    let journal = open(&disk, small());
    assert_eq!(payloads(&journal, 1).len(), 102);
    assert!(journal.verify().unwrap().is_intact());
}

#[test]
fn trimming_removes_whole_segments_and_a_restart_agrees() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    append_numbered(&journal, 1..=20, 1900);
    assert_eq!(journal.trim(5).unwrap(), Trimmed { segments: 1, first: 5 });
    assert_eq!(journal.trim(12).unwrap(), Trimmed { segments: 1, first: 9 });
    assert_eq!(journal.trim(12).unwrap(), Trimmed { segments: 0, first: 9 });
    let head = journal.head();
    journal.close();

    let disk = disk.crash();
    let (journal, recovery) = try_open(&disk, small()).unwrap();
    assert_eq!((recovery.first, recovery.durable), (9, 20));
    assert_eq!(journal.head(), head);
    assert_eq!(payloads(&journal, 9).len(), 12);
    assert!(journal.verify().unwrap().is_intact());
    append_numbered(&journal, 21..=30, 1900);
}

#[test]
fn the_last_segment_is_never_trimmed() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    append_numbered(&journal, 1..=20, 1900);
    assert_eq!(journal.trim(u64::MAX).unwrap(), Trimmed { segments: 4, first: 17 });
    assert_eq!(payloads(&journal, 17).len(), 4);
}

#[test]
fn a_missing_segment_is_noticed_at_opening() {
    let disk = FaultIo::new(1);
    append_numbered(&open(&disk, small()), 1..=20, 1900);
    disk.io().remove(&dir().join("00000000000000000009.seg")).unwrap();
    let error = try_open(&disk, small()).map(drop).unwrap_err();
    assert!(matches!(error, OpenError::Missing { previous: 9, .. }), "{error}");
    assert!(error.hint().unwrap().contains("backup"));
}

#[test]
fn a_segment_of_another_journal_is_noticed_at_opening() {
    let disks = [FaultIo::new(1), FaultIo::new(2)];
    disks.iter().for_each(|disk| append_numbered(&open(disk, small()), 1..=8, 1900));
    let path = dir().join("00000000000000000005.seg");
    disks[0].put(&path, &disks[1].contents(&path).unwrap());
    let error = try_open(&disks[0], small()).map(drop).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
}

#[test]
fn a_segment_size_can_change_between_runs() {
    let disk = FaultIo::new(1);
    for (round, segment_bytes) in [1_u64, 100_000, 1, 20_000].into_iter().enumerate() {
        let journal = open(&disk, Config { segment_bytes, ..small() });
        let next = round as u64 * 10 + 1;
        append_numbered(&journal, next..next + 10, 1900);
        assert_eq!(payloads(&journal, 1).len() as u64, next + 9);
    }
}
