//! The bytes of one file of the archive.
//!
//! `magic, length of the table, checksum of the table, table, blocks`. The table has a line for each stream: key, place, lengths and
//! checksum of its block. A block is the stream's minutes column by column (`minute`), deflated (RFC 1951). So one stream is read
//! with two reads, however many there are. Checksums are CRC32C (RFC 3720, appendix B.4). Numbers outside the table are little-endian.
//!
//! Not here: names and when a file is written (`super`).

use super::{
    super::{
        bytes::{Damaged, Reader, Writer},
        minute::{self, BLOCK_MINUTES_MAX, Minute},
        view::StreamKey,
    },
    Rows,
};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use std::{
    fs::File,
    io::{self, Read, Write},
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

const MAGIC: &[u8; 8] = b"AISLTEL1";
const HEAD_BYTES: usize = 16;
/// No table is longer: a million streams.
const TABLE_BYTES_MAX: u32 = 256 << 20;
/// No minute takes more, with every bin that a minute may have.
const MINUTE_BYTES_MAX: usize = 1024;

#[derive(Debug)]
pub(super) enum ReadError {
    File(io::Error),
    Damaged(&'static str),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged("it is cut short"),
            _ => Self::File(error),
        }
    }
}

/// A line of the table.
struct Line {
    key: StreamKey,
    /// From the end of the table.
    at: u64,
    packed: usize,
    len: usize,
    crc: u32,
    first: i64,
    last: i64,
}

pub(super) fn encode(rows: &Rows) -> Vec<u8> {
    let (mut table, mut blocks) = (Writer::default(), Vec::new());
    table.len(rows.values().filter(|minutes| !minutes.is_empty()).count());
    for (key, minutes) in rows {
        let (Some((first, _)), Some((last, _))) = (minutes.first(), minutes.last()) else { continue };
        let minutes: Vec<(i64, &Minute)> =
            minutes.iter().map(|(number, minute)| (*number, minute.as_ref())).collect();
        let mut plain = Writer::default();
        minute::write(&minutes, false, &mut plain);
        let plain = plain.into_vec();
        let packed = deflate(&plain);
        key.write(&mut table);
        table.len(blocks.len());
        table.len(packed.len());
        table.len(plain.len());
        table.number(crc32c::crc32c(&packed));
        table.signed(*first);
        table.signed(*last);
        blocks.extend_from_slice(&packed);
    }
    let table = table.into_vec();
    let mut bytes = Vec::with_capacity(HEAD_BYTES + table.len() + blocks.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(table.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&table).to_le_bytes());
    bytes.extend_from_slice(&table);
    bytes.extend_from_slice(&blocks);
    bytes
}

fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    // Writing into memory does not fail.
    let _ = encoder.write_all(plain);
    encoder.finish().unwrap_or_default()
}

struct Opened {
    file: File,
    lines: Vec<Line>,
    /// Where the blocks begin.
    blocks: u64,
}

fn open(path: &Path) -> Result<Opened, ReadError> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut head = [0; HEAD_BYTES];
    file.read_exact_at(&mut head, 0)?;
    let (magic, numbers) = head.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(ReadError::Damaged("it does not begin as an archive of telemetry"));
    }
    let number = |at: usize| {
        numbers.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
    };
    let (len, crc) = (number(0), number(4));
    let blocks = HEAD_BYTES as u64 + u64::from(len);
    if len > TABLE_BYTES_MAX || blocks > bytes {
        return Err(ReadError::Damaged("its table is cut short"));
    }
    let mut table = vec![0; len as usize];
    file.read_exact_at(&mut table, HEAD_BYTES as u64)?;
    if crc32c::crc32c(&table) != crc {
        return Err(ReadError::Damaged("the checksum of its table is wrong"));
    }
    let lines = lines(&mut Reader::new(&table), bytes - blocks)
        .map_err(|Damaged| ReadError::Damaged("its table cannot be read"))?;
    Ok(Opened { file, lines, blocks })
}

fn lines(reader: &mut Reader<'_>, bytes: u64) -> Result<Vec<Line>, Damaged> {
    let mut lines = Vec::new();
    for _ in 0..reader.len()? {
        let line = Line {
            key: StreamKey::read(reader)?,
            at: reader.number()?,
            packed: reader.number()?,
            len: reader.number()?,
            crc: reader.number()?,
            first: reader.signed()?,
            last: reader.signed()?,
        };
        if line.packed as u64 > bytes || line.len > BLOCK_MINUTES_MAX * MINUTE_BYTES_MAX {
            return Err(Damaged);
        }
        lines.push(line);
    }
    Ok(lines)
}

impl Opened {
    fn block(&self, line: &Line) -> Result<Vec<(i64, Minute)>, ReadError> {
        let at = self.blocks.checked_add(line.at).ok_or(ReadError::Damaged("a block lies outside of it"))?;
        let mut packed = vec![0; line.packed];
        self.file.read_exact_at(&mut packed, at)?;
        if crc32c::crc32c(&packed) != line.crc {
            return Err(ReadError::Damaged("the checksum of a block is wrong"));
        }
        let mut plain = Vec::with_capacity(line.len);
        let read = DeflateDecoder::new(packed.as_slice()).take(line.len as u64 + 1).read_to_end(&mut plain);
        if read.ok() != Some(line.len) {
            return Err(ReadError::Damaged("a block does not unpack"));
        }
        let mut reader = Reader::new(&plain);
        minute::read(false, &mut reader)
            .and_then(|minutes| reader.end().map(|()| minutes))
            .map_err(|Damaged| ReadError::Damaged("a block cannot be read"))
    }
}

/// The minutes of one stream; none when it is not in the file, or not between these.
pub(super) fn read_one(
    path: &Path,
    key: &StreamKey,
    from: i64,
    to: i64,
) -> Result<Vec<(i64, Minute)>, ReadError> {
    let opened = open(path)?;
    let line = opened.lines.iter().find(|line| line.key == *key && line.first < to && line.last >= from);
    line.map_or(Ok(Vec::new()), |line| opened.block(line))
}

/// Everything that can be read, and what is wrong with the rest.
pub(super) fn read_all(path: &Path) -> Result<(Rows, Option<&'static str>), ReadError> {
    let opened = open(path)?;
    let (mut rows, mut wrong) = (Rows::new(), None);
    for line in &opened.lines {
        match opened.block(line) {
            Ok(minutes) => {
                let minutes = minutes.into_iter().map(|(number, minute)| (number, Arc::new(minute)));
                rows.insert(line.key.clone(), minutes.collect());
            }
            Err(ReadError::Damaged(what)) => wrong = Some(what),
            Err(error) => return Err(error),
        }
    }
    Ok((rows, wrong))
}
