//! A journal under test, on a disk in memory.

use aisle_journal::{
    Committed, Config, Entry, Journal, OnCorruption, OpenError, Record, Recovery, fault::FaultIo,
};
use prometheus_client::registry::Registry;
use std::path::{Path, PathBuf};

pub(crate) const KIND: u16 = 0x0201;

pub(crate) fn dir() -> PathBuf {
    "/aisle/journal".into()
}

/// Segments of the smallest size, 16 KiB, so that they roll over often.
pub(crate) fn small() -> Config {
    Config { segment_bytes: 1, ..Config::default() }
}

pub(crate) fn quarantine(config: Config) -> Config {
    Config { on_corruption: OnCorruption::Quarantine, ..config }
}

pub(crate) fn try_open(disk: &FaultIo, config: Config) -> Result<(Journal, Recovery), OpenError> {
    Journal::open(&dir(), config, disk.io(), &mut Registry::default())
}

pub(crate) fn open(disk: &FaultIo, config: Config) -> Journal {
    try_open(disk, config).unwrap().0
}

pub(crate) fn entry(payload: impl AsRef<[u8]>) -> Entry {
    Entry { kind: KIND, payload: payload.as_ref().to_vec() }
}

/// Appends `count` records of one commit each, whose payloads are their numbers and some filling.
pub(crate) fn append_numbered(journal: &Journal, numbers: impl IntoIterator<Item = u64>, filling: usize) {
    for number in numbers {
        let committed = journal.append(vec![entry(numbered(number, filling))]).unwrap();
        assert_eq!(committed, Committed { first: number, last: number });
    }
}

pub(crate) fn numbered(number: u64, filling: usize) -> Vec<u8> {
    let mut payload = number.to_le_bytes().to_vec();
    payload.resize(8 + filling, number as u8);
    payload
}

pub(crate) fn read_all(journal: &Journal, from: u64) -> Vec<Record> {
    journal.read(from).unwrap().map(Result::unwrap).collect()
}

pub(crate) fn payloads(journal: &Journal, from: u64) -> Vec<Vec<u8>> {
    read_all(journal, from).into_iter().map(|record| record.payload.to_vec()).collect()
}

pub(crate) fn segment_path(first: u64) -> PathBuf {
    dir().join(format!("{first:020}.seg"))
}

/// The first sequence numbers of the segments on a disk.
pub(crate) fn segments(disk: &FaultIo) -> Vec<u64> {
    let mut firsts: Vec<u64> = disk
        .io()
        .list(&dir())
        .unwrap()
        .iter()
        .filter_map(|name| name.strip_suffix(".seg")?.parse().ok())
        .collect();
    firsts.sort_unstable();
    firsts
}

/// Where a needle stands in a file.
pub(crate) fn offset_of(disk: &FaultIo, path: &Path, needle: &[u8]) -> u64 {
    let bytes = disk.contents(path).unwrap();
    bytes.windows(needle.len()).position(|window| window == needle).unwrap() as u64
}
