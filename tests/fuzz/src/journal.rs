//! The journal: its records, its control records, and whole segments as a disk may give them back.

use aisle_journal::{
    Config, Entry, Journal, OnCorruption, OpenError, QuarantineError, ReadError,
    control::Control,
    fault::FaultIo,
    record::{self, Salt},
    verify,
};
use prometheus_client::registry::Registry;
use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// More input than a few segments' worth finds nothing more.
const INPUT_BYTES_MAX: usize = 64 << 10;
const RECORDS_FROM: usize = 8192;
const KIND: u16 = 0x0201;

/// The first four bytes are the salt, the rest may be a record.
///
/// # Panics
/// When a decoded record does not lie within its input.
pub fn record(input: &[u8]) {
    let Some((salt, bytes)) = input.split_first_chunk::<4>() else { return };
    if let Ok(frame) = record::decode(bytes, Salt(u32::from_le_bytes(*salt))) {
        assert_eq!(frame.payload.len() as u64, u64::from(frame.header.payload_bytes));
        assert!(frame.header.record_bytes() <= bytes.len() as u64);
        assert!(frame.chained.ends_with(frame.payload));
    }
}

/// The first eight bytes are the sequence number, the rest may be the payload of a control record.
///
/// # Panics
/// When a decoded control record contradicts itself.
pub fn control(input: &[u8]) {
    let Some((seq, payload)) = input.split_first_chunk::<8>() else { return };
    match Control::decode(u64::from_le_bytes(*seq), payload) {
        Some(Control::Marker(marker)) => assert!(1 <= marker.first && marker.first <= marker.last),
        Some(Control::Gap(gap)) => assert!(1 <= gap.first && gap.records() <= gap.last),
        None => {}
    }
}

/// The input stands where the records of the last segment should be.
///
/// # Panics
/// When opening, reading or appending breaks a promise.
pub fn recovery(input: &[u8]) {
    let written = written();
    let (path, bytes) = &written.segments[written.segments.len() - 1];
    let mut segment = bytes[..RECORDS_FROM].to_vec();
    segment.extend_from_slice(&input[..input.len().min(INPUT_BYTES_MAX)]);
    let disk = written.disk();
    disk.put(path, &segment);
    check_tools(&disk);
    drop(open(&disk, OnCorruption::Refuse));
    match open(&disk, OnCorruption::Quarantine) {
        Ok(journal) => check(&disk, journal),
        // Earlier segments may end elsewhere than this one starts, but both have their headers.
        Err(error) => panic!("the journal does not open: {error}"),
    }
}

/// The input stands for the first of two segments, header and all.
///
/// # Panics
/// When opening, reading or setting aside breaks a promise.
pub fn segment(input: &[u8]) {
    let written = written();
    let (path, _) = &written.segments[0];
    let disk = written.disk();
    disk.put(path, &input[..input.len().min(INPUT_BYTES_MAX)]);
    check_tools(&disk);
    // Without a header of this journal there is nothing to go on from.
    let Ok(journal) = open(&disk, OnCorruption::Quarantine) else { return };
    match journal.quarantine(1) {
        Ok(_) | Err(QuarantineError::Intact { .. }) => check(&disk, journal),
        Err(error) => panic!("a segment with a header cannot be set aside: {error}"),
    }
}

/// Tools must get to an end on any disk, whatever they say of it.
fn check_tools(disk: &FaultIo) {
    let io = disk.io();
    drop(verify(&dir(), io.as_ref()));
    drop(aisle_journal::stats(&dir(), io.as_ref()));
    if let Ok(reader) = aisle_journal::read_only(&dir(), io, 1) {
        let mut last = 0;
        for record in reader.map_while(Result::ok) {
            assert!(record.seq > last, "record {} comes after {last}", record.seq);
            last = record.seq;
        }
    }
}

/// Every number up to the last is a record or in a gap, the journal goes on, and opening again finds nothing to do.
fn check(disk: &FaultIo, journal: Journal) {
    let mut next = journal.first();
    let mut reader = match journal.read(next) {
        Ok(reader) => reader,
        Err(error) => panic!("the first record cannot be read: {error}"),
    };
    loop {
        match reader.next() {
            Some(Ok(record)) => {
                assert_eq!(record.seq, next);
                next += 1;
            }
            Some(Err(ReadError::Gap { first, last, .. })) => {
                assert_eq!(first, next);
                assert!(last >= first);
                next = last + 1;
                reader.continue_after_gap();
            }
            Some(Err(error)) => panic!("record {next} cannot be read: {error}"),
            None => break,
        }
    }
    let durable = journal.durable();
    assert_eq!(next, durable + 1);
    match journal.verify() {
        Ok(verified) => assert!(verified.is_intact(), "{verified:?}"),
        Err(error) => panic!("{error}"),
    }
    match journal.append(vec![Entry { kind: KIND, payload: vec![1; 3] }]) {
        Ok(committed) => assert_eq!((committed.first, committed.last), (durable + 1, durable + 1)),
        Err(error) => panic!("the journal does not go on: {error}"),
    }
    journal.close();
    match Journal::open(&dir(), Config::default(), disk.io(), &mut Registry::default()) {
        Ok((journal, recovery)) => {
            assert_eq!(
                (journal.durable(), recovery.cut_bytes, recovery.quarantined.len()),
                (durable + 1, 0, 0)
            );
        }
        Err(error) => panic!("the journal does not open again: {error}"),
    }
}

fn open(disk: &FaultIo, on_corruption: OnCorruption) -> Result<Journal, OpenError> {
    let config = Config { segment_bytes: 1, on_corruption, ..Config::default() };
    Journal::open(&dir(), config, disk.io(), &mut Registry::default()).map(|(journal, _)| journal)
}

fn dir() -> PathBuf {
    PathBuf::from("/journal")
}

/// A journal of two segments, written once.
struct Written {
    salt: Salt,
    segments: Vec<(PathBuf, Vec<u8>)>,
}

impl Written {
    fn disk(&self) -> FaultIo {
        let disk = FaultIo::new(0);
        self.segments.iter().for_each(|(path, bytes)| disk.put(path, bytes));
        disk
    }

    fn records(&self, segment: usize) -> Vec<u8> {
        let bytes = &self.segments[segment].1[RECORDS_FROM..];
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        bytes[..end].to_vec()
    }
}

fn written() -> &'static Written {
    static WRITTEN: OnceLock<Written> = OnceLock::new();
    WRITTEN.get_or_init(|| {
        let disk = FaultIo::new(0);
        let journal = open(&disk, OnCorruption::Refuse).expect("an empty disk");
        for batch in 0..40_usize {
            let entry = |length| Entry { kind: KIND, payload: vec![batch as u8; length] };
            let batch = (0..1 + batch % 3).map(|i| entry(i * 100 + batch)).collect();
            journal.append(batch).expect("a healthy disk");
        }
        let salt = Salt::of(&journal.id());
        journal.close();
        let mut names = disk.io().list(&dir()).expect("a healthy disk");
        names.retain(|name| name.ends_with(".seg"));
        names.sort_unstable();
        assert_eq!(names.len(), 2, "the examples need two segments");
        let contents = |path: &Path| disk.contents(path).expect("a file that was listed");
        let segments = names.iter().map(|name| dir().join(name)).map(|path| (path.clone(), contents(&path)));
        Written { salt, segments: segments.collect() }
    })
}

pub(crate) fn record_examples() -> Vec<Vec<u8>> {
    let written = written();
    let mut input = written.salt.0.to_le_bytes().to_vec();
    input.extend(written.records(0).into_iter().take(600));
    vec![input]
}

pub(crate) fn control_examples() -> Vec<Vec<u8>> {
    let marker = [&9_u64.to_le_bytes()[..], &[1], &7_u64.to_le_bytes(), &[3; 32]].concat();
    let gap =
        [&9_u64.to_le_bytes()[..], &[2], &7_u64.to_le_bytes(), &77_u64.to_le_bytes(), b"a.seg.1"].concat();
    vec![marker, gap]
}

pub(crate) fn recovery_examples() -> Vec<Vec<u8>> {
    vec![Vec::new(), written().records(1)]
}

pub(crate) fn segment_examples() -> Vec<Vec<u8>> {
    vec![written().segments[0].1.clone()]
}
