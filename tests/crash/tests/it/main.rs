//! A child killed with SIGKILL under load, again and again, on one directory and the real disk.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test says what it expects by failing"
)]

mod mqtt;
mod sync;

use aisle_crash::{Acknowledged, entries, payload};
use aisle_journal::{RealIo, read_only, verify};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

const KILLS: u64 = 200;

/// Starts the child, lets it acknowledge some batches and live a little longer, kills it, and gives every line.
fn kill_under_load(dir: &Path, round: u64) -> Vec<Acknowledged> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_aisle-crash-child"))
        .arg(dir)
        .arg(round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    // Some rounds end before the first acknowledgement, most in the middle of the work.
    for _ in 0..(round * 7) % 40 {
        assert!(out.read_line(&mut text).unwrap() > 0, "round {round}: the child ended by itself");
    }
    std::thread::sleep(Duration::from_micros(round * 997 % 15_000));
    child.kill().unwrap();
    out.read_to_string(&mut text).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), None, "round {round}: the child ended by itself with {status}");
    text.split_inclusive('\n').filter_map(Acknowledged::parse).collect()
}

/// What every record of a journal must be: its round and place in it, by sequence number.
#[derive(Default)]
struct Ledger {
    acknowledged: BTreeMap<u64, Vec<u8>>,
}

impl Ledger {
    fn note(&mut self, round: u64, lines: &[Acknowledged]) {
        for line in lines {
            assert_eq!(line.last - line.first + 1, entries(line.turn), "round {round}: {line}");
            for (seq, entry) in (line.first..=line.last).zip(0..) {
                let bytes = payload(round, line.writer, line.turn, entry);
                let before = self.acknowledged.insert(seq, bytes);
                assert_eq!(before, None, "round {round}: record {seq} was acknowledged twice");
            }
        }
    }

    /// Every acknowledged record is there as it was acknowledged, and every other one is what some writer wrote.
    fn check(&self, dir: &Path, round: u64, from: u64) {
        let mut next = from;
        for record in read_only(dir, Arc::new(RealIo), from).unwrap() {
            let record = record.unwrap_or_else(|error| panic!("round {round}: {error}"));
            assert_eq!(record.seq, next, "round {round}");
            next += 1;
            match self.acknowledged.get(&record.seq) {
                Some(bytes) => assert!(record.payload == *bytes, "round {round}: record {}", record.seq),
                None => assert_written(&record.payload, round, record.seq),
            }
        }
        if let Some((last, _)) = self.acknowledged.last_key_value() {
            assert!(next > *last, "round {round}: {last} was acknowledged, {next} is next");
        }
    }
}

/// A record that was never acknowledged may be there, but only whole.
fn assert_written(bytes: &[u8], round: u64, seq: u64) {
    let numbers: Vec<u64> =
        bytes[..32].chunks_exact(8).map(|number| u64::from_le_bytes(number.try_into().unwrap())).collect();
    let [written_in, writer, turn, entry] = numbers[..] else { panic!("{numbers:?}") };
    assert!(written_in <= round && entry < entries(turn), "round {round}: record {seq}: {numbers:?}");
    assert!(bytes == payload(written_in, writer, turn, entry), "round {round}: record {seq}");
}

#[test]
fn two_hundred_kills_under_load_lose_no_acknowledged_record_and_invent_none() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::default();
    let mut from = 1;
    for round in 0..KILLS {
        let lines = kill_under_load(dir.path(), round);
        ledger.note(round, &lines);
        // Each round looks at what is new; the last one at everything that was not trimmed.
        ledger.check(dir.path(), round, from);
        from = ledger.acknowledged.last_key_value().map_or(1, |(last, _)| last + 1);
    }
    let verified = verify(dir.path(), &RealIo).unwrap();
    assert!(verified.is_intact() && verified.gaps.is_empty(), "{verified:?}");
    ledger.check(dir.path(), KILLS, verified.first);
    let acknowledged = ledger.acknowledged.len();
    assert!(acknowledged > 1000, "only {acknowledged} records were acknowledged");
    println!("{KILLS} kills, {acknowledged} records acknowledged, {} there, none lost", verified.last);
}
