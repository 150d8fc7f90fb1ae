//! Decay: a flipped bit is reported with segment and offset and set aside, never passed over.

use crate::support::{
    append_numbered, dir, entry, numbered, offset_of, open, payloads, quarantine, read_all, segment_path,
    segments, small, try_open,
};
use aisle_journal::{
    Journal, OpenError, Problem, QuarantineError, ReadError, Record,
    fault::{Fault, FaultIo, Op},
};

/// The payloads that a reader gives, and the gaps that it meets.
fn read_past_gaps(journal: &Journal) -> (Vec<Record>, Vec<(u64, u64)>) {
    let mut reader = journal.read(journal.first()).unwrap();
    let (mut records, mut gaps) = (Vec::new(), Vec::new());
    loop {
        match reader.next() {
            Some(Ok(record)) => records.push(record),
            Some(Err(ReadError::Gap { first, last, .. })) => {
                gaps.push((first, last));
                assert!(reader.next().is_none(), "a gap stops the reader until it is told to go on");
                reader.continue_after_gap();
            }
            Some(Err(error)) => panic!("{error}"),
            None => return (records, gaps),
        }
    }
}

fn flip(disk: &FaultIo, segment: u64, number: u64) -> u64 {
    let path = segment_path(segment);
    let payload_at = offset_of(disk, &path, &numbered(number, 40));
    assert!(disk.flip_bit(&path, payload_at + 20, 3));
    payload_at - 26
}

#[test]
fn a_flipped_bit_in_the_last_segment_is_refused_with_segment_and_offset() {
    let disk = FaultIo::new(1);
    append_numbered(&open(&disk, small()), 1..=9, 40);
    let at = flip(&disk, 1, 4);
    let error = try_open(&disk, small()).map(drop).unwrap_err();
    let OpenError::Corrupt { segment, offset, seq, .. } = &error else { panic!("{error}") };
    assert_eq!((segment.as_str(), *offset, *seq), ("00000000000000000001.seg", at, 4));
    assert!(error.to_string().starts_with(&format!(
        "segment `00000000000000000001.seg` is damaged at byte {at}, record 4: the record has the checksum"
    )));
    assert!(error.hint().unwrap().contains("quarantine"));
}

#[test]
fn a_flipped_bit_in_the_last_segment_is_quarantined_and_readers_meet_a_gap() {
    let disk = FaultIo::new(1);
    append_numbered(&open(&disk, small()), 1..=9, 40);
    let at = flip(&disk, 1, 4);
    let damaged = disk.contents(&segment_path(1)).unwrap();

    let (journal, recovery) = try_open(&disk, quarantine(small())).unwrap();
    assert_eq!((recovery.durable, recovery.cut_bytes), (9, 0));
    let [quarantined] = &recovery.quarantined[..] else { panic!("{recovery:?}") };
    assert_eq!(quarantined.file, dir().join("quarantine/00000000000000000001.seg.1"));
    assert_eq!(disk.contents(&quarantined.file).unwrap(), damaged);
    let [gap] = &quarantined.gaps[..] else { panic!("{recovery:?}") };
    assert_eq!((gap.first, gap.last, gap.offset), (4, 4, at));

    let (records, gaps) = read_past_gaps(&journal);
    assert_eq!(gaps, [(4, 4)]);
    let seqs: Vec<u64> = records.iter().map(|record| record.seq).collect();
    assert_eq!(seqs, [1, 2, 3, 5, 6, 7, 8, 9]);
    append_numbered(&journal, 10..=40, 400);
    assert_eq!(journal.verify().unwrap().gaps.len(), 1);
    assert!(journal.verify().unwrap().is_intact());
    assert_eq!(read_all(&journal, 5).len(), 36);

    // The repair outlives the power and is not made twice.
    drop(journal);
    let (journal, recovery) = try_open(&disk.crash(), small()).unwrap();
    assert_eq!(recovery.quarantined, []);
    assert_eq!(read_past_gaps(&journal).1, [(4, 4)]);
}

#[test]
fn every_bit_of_the_last_segment_is_accounted_for() {
    let written = FaultIo::new(1);
    let journal = open(&written, small());
    for batch in [1..=1, 2..=4, 5..=5_u64] {
        journal.append(batch.map(|number| entry(numbered(number, 3))).collect()).unwrap();
    }
    drop(journal);
    let path = segment_path(1);
    let bytes = written.contents(&path).unwrap();
    let last_commit = offset_of(&written, &path, &numbered(5, 3)) - 26;
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64;
    for offset in 8192..=end {
        let bit = (offset % 8) as u8;
        let disk = FaultIo::new(1);
        disk.put(&path, &bytes);
        assert!(disk.flip_bit(&path, offset, bit));
        let (journal, recovery) = try_open(&disk, quarantine(small())).unwrap();
        if offset >= last_commit {
            // Nothing shows that the last commit was ever acknowledged: it looks like a torn write.
            assert_eq!((recovery.durable, recovery.cut_bytes > 0), (4, true), "{offset}.{bit}");
            continue;
        }
        assert_eq!((recovery.quarantined.len(), recovery.cut_bytes), (1, 0), "{offset}.{bit}");
        let (records, gaps) = read_past_gaps(&journal);
        let lost: u64 = gaps.iter().map(|(first, last)| last - first + 1).sum();
        assert_eq!(records.len() as u64 + lost, 5, "{offset}.{bit}");
        assert!(lost <= 1, "{offset}.{bit}: {gaps:?}");
        assert!(records.iter().all(|record| record.payload == numbered(record.seq, 3)));
    }
}

#[test]
fn damage_in_a_sealed_segment_stops_readers_until_it_is_quarantined() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    append_numbered(&journal, 1..=200, 40);
    let first = segments(&disk)[1];
    let at = flip(&disk, first, first + 2);

    let mut reader = journal.read(1).unwrap();
    let error = reader.find_map(Result::err).unwrap();
    let ReadError::Corrupt { segment, offset, seq, .. } = &error else { panic!("{error}") };
    assert_eq!((segment, *offset, *seq), (&format!("{first:020}.seg"), at, first + 2));
    let verified = journal.verify().unwrap();
    assert_eq!(verified.damages.len(), 1);
    assert_eq!((verified.damages[0].offset, verified.records), (at, 199));

    let quarantined = journal.quarantine(first + 2).unwrap();
    assert_eq!((quarantined.gaps[0].first, quarantined.gaps[0].last), (first + 2, first + 2));
    reader.continue_after_gap();
    assert!(matches!(reader.find_map(Result::err), Some(ReadError::Gap { .. })));
    reader.continue_after_gap();
    assert_eq!(reader.last().unwrap().unwrap().seq, 200);
    assert!(journal.verify().unwrap().is_intact());
    assert!(matches!(journal.quarantine(first + 2), Err(QuarantineError::Intact { .. })));
    assert!(matches!(journal.quarantine(200), Err(QuarantineError::Active { .. })));
}

#[test]
fn verify_reports_every_damage_and_not_only_the_first() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    append_numbered(&journal, 1..=200, 40);
    let firsts = segments(&disk);
    let mut expected = Vec::new();
    for first in &firsts[..3] {
        for number in [first + 2, first + 5, first + 6] {
            expected.push((format!("{first:020}.seg"), flip(&disk, *first, number), number));
        }
    }
    disk.flip_bit(&segment_path(firsts[1]), 20, 0);
    let verified = journal.verify().unwrap();
    let records: Vec<_> = verified
        .damages
        .iter()
        .filter(|damage| matches!(damage.problem, Problem::Record(_)))
        .map(|damage| (damage.segment.clone(), damage.offset, damage.seq))
        .collect();
    assert_eq!(records, expected);
    let headers = verified.damages.iter().filter(|damage| damage.problem == Problem::HeaderCopy);
    assert_eq!(headers.map(|damage| damage.offset).collect::<Vec<_>>(), [0]);
    assert_eq!(verified.records, 200 - 9);
    assert_eq!(verified.last, 200);
}

#[test]
fn a_damaged_copy_of_a_header_is_reported_and_the_other_one_used() {
    for offset in [0, 12, 40, 4096, 4150] {
        let disk = FaultIo::new(1);
        append_numbered(&open(&disk, small()), 1..=3, 40);
        disk.flip_bit(&segment_path(1), offset, 0);
        let (journal, recovery) = try_open(&disk, small()).unwrap();
        assert_eq!(payloads(&journal, 1).len(), 3);
        assert_eq!(recovery.bad_headers.len(), 1);
        assert_eq!(recovery.bad_headers[0].offset, offset / 4096 * 4096);
    }
}

#[test]
fn both_copies_of_a_header_damaged_is_refused_under_either_policy() {
    let disk = FaultIo::new(1);
    append_numbered(&open(&disk, small()), 1..=3, 40);
    disk.flip_bit(&segment_path(1), 20, 0);
    disk.flip_bit(&segment_path(1), 4096 + 20, 0);
    for config in [small(), quarantine(small())] {
        let error = try_open(&disk, config).map(drop).unwrap_err();
        assert!(matches!(error, OpenError::Corrupt { problem: Problem::Header, .. }), "{error}");
        assert!(error.hint().unwrap().contains("backup"));
    }
    let verified = aisle_journal::verify(&dir(), disk.io().as_ref()).unwrap();
    assert_eq!(verified.damages[0].problem, Problem::Header);
}

#[test]
fn a_record_that_was_rewritten_with_a_right_checksum_breaks_the_chain() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    append_numbered(&journal, 1..=5, 40);
    let salt = aisle_journal::record::Salt::of(&journal.id());
    drop(journal);
    let path = segment_path(1);
    let mut bytes = disk.contents(&path).unwrap();
    let at = offset_of(&disk, &path, &numbered(3, 40)) as usize;
    bytes[at + 8] ^= 0xff;
    // The forger knows the format and mends the checksum.
    let start = at - 26;
    let length: [u8; 4] = bytes[start..start + 4].try_into().unwrap();
    let sum = crc32c::crc32c_append(crc32c::crc32c_append(salt.0, &length), &bytes[start + 8..at + 48]);
    bytes[start + 4..start + 8].copy_from_slice(&sum.to_le_bytes());
    disk.put(&path, &bytes);

    let error = try_open(&disk, small()).map(drop).unwrap_err();
    assert!(matches!(error, OpenError::Corrupt { problem: Problem::Chain, seq: 3, .. }), "{error}");
    let (journal, _) = try_open(&disk, quarantine(small())).unwrap();
    let (records, gaps) = read_past_gaps(&journal);
    assert_eq!((records.len(), gaps), (4, vec![(3, 3)]));
}

#[test]
fn the_chain_goes_on_from_a_marker_whose_records_are_all_lost() {
    // In the last segment: record 8 is lost, its marker is not, and record 9 is torn.
    let disk = FaultIo::new(1);
    append_numbered(&open(&disk, small()), 1..=9, 40);
    flip(&disk, 1, 8);
    let (journal, _) = try_open(&disk, quarantine(small())).unwrap();
    drop(journal);
    flip(&disk, 1, 9);
    for last in [9, 10, 11] {
        let (journal, recovery) = try_open(&disk, small()).unwrap();
        assert_eq!((recovery.durable, recovery.quarantined.len()), (last - 1, 0));
        append_numbered(&journal, last..=last, 40);
        assert!(journal.verify().unwrap().is_intact());
    }

    // In a sealed segment: the next one must still join up.
    let journal = open(&disk, small());
    append_numbered(&journal, 12..=200, 40);
    let last = segments(&disk)[2] - 1;
    flip(&disk, segments(&disk)[1], last);
    journal.quarantine(last).unwrap();
    assert!(journal.verify().unwrap().is_intact());
    assert_eq!(read_past_gaps(&journal).1, [(8, 8), (last, last)]);
}

#[test]
fn a_whole_page_of_zeros_in_the_middle_is_damage_and_not_the_end() {
    let disk = FaultIo::new(1);
    append_numbered(&open(&disk, small()), 1..=50, 40);
    let path = segment_path(1);
    let mut bytes = disk.contents(&path).unwrap();
    bytes[8192..12288].fill(0);
    disk.put(&path, &bytes);
    let error = try_open(&disk, small()).map(drop).unwrap_err();
    assert!(matches!(error, OpenError::Corrupt { offset: 8192, seq: 1, .. }), "{error}");
    let (journal, recovery) = try_open(&disk, quarantine(small())).unwrap();
    let (records, gaps) = read_past_gaps(&journal);
    assert_eq!((gaps.len(), gaps[0].0), (1, 1));
    assert_eq!(records.len() as u64, 50 - gaps[0].1);
    assert_eq!(recovery.durable, 50);
}

#[test]
fn a_full_disk_during_quarantine_leaves_the_segment_as_it_was() {
    let disk = FaultIo::new(1);
    append_numbered(&open(&disk, small()), 1..=9, 40);
    flip(&disk, 1, 4);
    let damaged = disk.contents(&segment_path(1)).unwrap();
    for op in [Op::Create, Op::Write, Op::Allocate, Op::Sync, Op::Rename] {
        disk.fail_next(op, Fault::Enospc);
        let error = try_open(&disk, quarantine(small())).map(drop).unwrap_err();
        assert!(matches!(error, OpenError::File(_)), "{op:?}: {error}");
        assert_eq!(disk.contents(&segment_path(1)).unwrap(), damaged, "{op:?}");
    }
    let (journal, _) = try_open(&disk, quarantine(small())).unwrap();
    assert_eq!(read_past_gaps(&journal).1, [(4, 4)]);
}
