//! Files of the archive of telemetry: any bytes are minutes, or are set aside and told.
//!
//! A checksum hides what lies behind it from chance. So the input is a file, or a table, or a block, and what stands around it is
//! made to fit.

use super::story::{BEGIN, NOW, STORY, name, tell};
use aisle_devices::telemetry::{Archive, Config, Query, Resolution, StreamKey, Telemetry, query};
use aisle_event::DeviceId;
use flate2::{Compression, write::DeflateEncoder};
use jiff::tz::TimeZone;
use std::{fs, io::Write, path::Path};
use tempfile::TempDir;

/// The hour of the story's beginning.
const FILE: &str = "2025-11-21T09.hour";
/// One in so many inputs is also written over, which costs syncs of the disk.
const WRITTEN_OVER: u8 = 32;

fn key() -> StreamKey {
    StreamKey { device: DeviceId::new("fridge-7").expect("a device"), stream: name("air") }
}

/// The first byte chooses what the rest is: a file, its table and blocks, or the only block of a file.
///
/// # Panics
/// When a file is neither read nor told as damaged, or the archive cannot be written after it.
pub fn telemetry_archive(input: &[u8]) {
    let Some((choice, rest)) = input.split_first() else { return };
    let bytes = match choice % 3 {
        0 => rest.to_vec(),
        1 => {
            let Some((len, rest)) = rest.split_first_chunk::<2>() else { return };
            let (table, blocks) = rest.split_at(rest.len().min(u16::from_le_bytes(*len).into()));
            file(table, blocks)
        }
        _ => of_block(rest),
    };
    let dir = in_memory();
    let path = dir.path().join(FILE);
    fs::write(&path, &bytes).expect("a file can be written");
    let archive = Archive::open(dir.path(), &Config::default()).expect("the archive opens");
    let mut telemetry: Telemetry = tell(STORY.len() / 2);
    let hour =
        Query { key: key(), from: BEGIN, to: NOW, resolution: Resolution::Minute, zone: TimeZone::UTC };
    let series = query(&telemetry.view(), Some(&archive), &hour).expect("it is a good question");
    for point in &series.points {
        assert!(point.count > 0 && point.min <= point.max, "{point:?}");
    }
    let is_kept = path.exists();
    assert!(is_kept || !archive.status().damaged.is_empty(), "a file is gone and nobody is told");
    if choice / 3 % WRITTEN_OVER == 0 {
        telemetry.persist(&archive).expect("it can be written");
        let after = query(&telemetry.view(), Some(&archive), &hour).expect("it is a good question");
        assert!(after.points.len() >= series.points.len(), "minutes were lost by writing more");
    }
}

/// Where syncing costs nothing, if there is such a place.
fn in_memory() -> TempDir {
    let shared = Path::new("/dev/shm");
    let made = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() };
    made.expect("a temporary directory")
}

fn file(table: &[u8], blocks: &[u8]) -> Vec<u8> {
    let mut bytes = b"AISLTEL1".to_vec();
    bytes.extend_from_slice(&u32::try_from(table.len()).expect("a table").to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(table).to_le_bytes());
    bytes.extend_from_slice(table);
    bytes.extend_from_slice(blocks);
    bytes
}

/// A file with one stream, that of the story.
fn of_block(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).expect("memory takes it");
    let packed = encoder.finish().expect("memory takes it");
    let mut table = Vec::new();
    number(&mut table, 1);
    for text in [key().device.as_str(), key().stream.as_str()] {
        number(&mut table, text.len() as u64);
        table.extend_from_slice(text.as_bytes());
    }
    let minute = BEGIN.0.cast_unsigned() / 60_000;
    for one in [0, packed.len() as u64, plain.len() as u64, crc32c::crc32c(&packed).into()] {
        number(&mut table, one);
    }
    for zigzag in [minute * 2, (minute + 59) * 2] {
        number(&mut table, zigzag);
    }
    file(&table, &packed)
}

/// LEB128.
fn number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// The story's hour as a file, as a table with blocks, and its blocks unpacked.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let dir = in_memory();
    let archive = Archive::open(dir.path(), &Config::default()).expect("the archive opens");
    tell::<Telemetry>(STORY.len()).persist(&archive).expect("it can be written");
    let whole = fs::read(dir.path().join(FILE)).expect("the hour is over");
    let (head, rest) = whole.split_first_chunk::<16>().expect("a head");
    let [.., a, b, c, d, _, _, _, _] = *head;
    let len = u32::from_le_bytes([a, b, c, d]);
    let table = u16::try_from(len).expect("a short table").to_le_bytes();
    let blocks = rest.get(len as usize..).expect("blocks");
    let mut plain = Vec::new();
    // What follows the first block is not unpacked.
    std::io::Read::read_to_end(&mut flate2::read::DeflateDecoder::new(blocks), &mut plain).expect("a block");
    vec![[&[0], &whole[..]].concat(), [&[1], &table[..], rest].concat(), [&[2], &plain[..]].concat()]
}
