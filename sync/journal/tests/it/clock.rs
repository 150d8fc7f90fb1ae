//! The wall clock may lie; hybrid time rises all the same.

use crate::support::{append_numbered, open, read_all, small};
use aisle_journal::fault::FaultIo;

#[test]
fn a_clock_set_back_or_to_1970_keeps_hybrid_time_rising_over_restarts() {
    let disk = FaultIo::new(1);
    let mut next = 1;
    for clock_ms in [FaultIo::CLOCK_MS, 0, FaultIo::CLOCK_MS - 86_400_000, FaultIo::CLOCK_MS + 5, 0] {
        disk.set_clock_ms(clock_ms);
        let journal = open(&disk, small());
        append_numbered(&journal, next..next + 3, 4000);
        next += 3;
    }
    let records = read_all(&open(&disk, small()), 1);
    assert!(records.is_sorted_by(|a, b| a.hlc < b.hlc), "{records:?}");
    assert_eq!(records[9].hlc.ms(), FaultIo::CLOCK_MS + 5);
}

#[test]
fn hybrid_time_goes_on_from_a_journal_whose_records_were_trimmed() {
    let disk = FaultIo::new(1);
    let journal = open(&disk, small());
    append_numbered(&journal, 1..=2, 7000);
    let last = read_all(&journal, 2)[0].hlc;
    disk.set_clock_ms(0);
    append_numbered(&journal, 3..=3, 7000);
    journal.trim(3).unwrap();
    journal.close();
    let journal = open(&disk, small());
    append_numbered(&journal, 4..=4, 0);
    assert!(read_all(&journal, 3).iter().all(|record| record.hlc > last));
}
