//! A segment: one preallocated file of records, named by its first sequence number.
//!
//! It starts with two pages that hold the same header: magic, format version, journal id, first sequence number, that
//! of the segment before it, and the chain's head and hybrid time up to it. One page may go bad. Behind the last
//! record the file is zeros. A segment comes into being under a temporary name, whole and synced, and is then renamed,
//! so a file with a segment's name always has a header.
//!
//! Not here: reading records (`walk`), taking damage out (`salvage`).

use crate::{
    chain::Head,
    io::{Access, FileError, Io, IoFile, during},
    record::Salt,
};
use aisle_event::Hlc;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where records start.
pub(crate) const RECORDS_FROM: u64 = 2 * PAGE_BYTES;
/// The version that this build writes, and the newest that it reads.
pub(crate) const VERSION: u32 = 1;

const PAGE_BYTES: u64 = 4096;
const MAGIC: [u8; 8] = *b"AISLEJNL";
const SUFFIX: &str = ".seg";
const TEMPORARY: &str = ".tmp";
const HEADER_BYTES: usize = 8 + 4 + 16 + 8 + 8 + 8 + 32 + 4;

/// What a segment says about itself and about what comes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) journal: [u8; 16],
    pub(crate) first: u64,
    /// The first sequence number of the segment before it; 0 for the first segment of all.
    pub(crate) previous: u64,
    /// The hybrid time of the last record before it.
    pub(crate) hlc: Hlc,
    /// The chain's head before its first record.
    pub(crate) head: Head,
}

impl Header {
    pub(crate) fn salt(&self) -> Salt {
        Salt::of(&self.journal)
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.journal);
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.extend_from_slice(&self.previous.to_le_bytes());
        bytes.extend_from_slice(&self.hlc.0.to_le_bytes());
        bytes.extend_from_slice(&self.head);
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, HeaderProblem> {
        Self::parse(bytes).unwrap_or(Err(HeaderProblem::Damaged))
    }

    /// `None` when the bytes end too early.
    fn parse(bytes: &[u8]) -> Option<Result<Self, HeaderProblem>> {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (version, rest) = rest.split_first_chunk::<4>()?;
        let (journal, rest) = rest.split_first_chunk::<16>()?;
        let (first, rest) = rest.split_first_chunk::<8>()?;
        let (previous, rest) = rest.split_first_chunk::<8>()?;
        let (hlc, rest) = rest.split_first_chunk::<8>()?;
        let (head, rest) = rest.split_first_chunk::<32>()?;
        let (checksum, _) = rest.split_first_chunk::<4>()?;
        if *magic != MAGIC {
            return Some(Err(HeaderProblem::Damaged));
        }
        let version = u32::from_le_bytes(*version);
        if version > VERSION {
            // The layout behind the version is the newer build's own.
            return Some(Err(HeaderProblem::Newer(version)));
        }
        let covered = bytes.get(..HEADER_BYTES - 4)?;
        if crc32c::crc32c(covered) != u32::from_le_bytes(*checksum) {
            return Some(Err(HeaderProblem::Damaged));
        }
        Some(Ok(Self {
            journal: *journal,
            first: u64::from_le_bytes(*first),
            previous: u64::from_le_bytes(*previous),
            hlc: Hlc(u64::from_le_bytes(*hlc)),
            head: *head,
        }))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderProblem {
    Damaged,
    Newer(u32),
}

/// The file name of the segment that starts at a sequence number. Twenty digits hold every one and sort as they do.
pub(crate) fn file_name(first: u64) -> String {
    format!("{first:020}{SUFFIX}")
}

/// The sequence number in a segment's file name.
pub(crate) fn first_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    if digits.len() != 20 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// True for a file that was being made when the power went.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.ends_with(TEMPORARY)
}

/// The first sequence numbers of the segments in a directory, ascending.
pub(crate) fn list(io: &dyn Io, dir: &Path) -> Result<Vec<u64>, FileError> {
    let names = io.list(dir).map_err(during("list", dir))?;
    let mut firsts: Vec<u64> = names.iter().filter_map(|name| first_of(name)).collect();
    firsts.sort_unstable();
    Ok(firsts)
}

/// A segment opened.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    pub(crate) file: Arc<dyn IoFile>,
    pub(crate) header: Header,
    /// Where a bad copy of the header stands; the other copy is good.
    pub(crate) bad_header: Option<u64>,
}

/// Why a segment does not open.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The machine refused something.
    #[error(transparent)]
    File(#[from] FileError),
    /// Both copies of the header are damaged.
    #[error("segment `{segment}` has no intact header")]
    Damaged {
        /// The segment's file name.
        segment: String,
    },
    /// A newer build wrote it.
    #[error("segment `{segment}` has format {found}; this build reads up to {VERSION}")]
    Newer {
        /// The segment's file name.
        segment: String,
        /// Its format.
        found: u32,
    },
}

impl Segment {
    pub(crate) fn open(io: &dyn Io, dir: &Path, first: u64, access: Access) -> Result<Self, SegmentError> {
        let name = file_name(first);
        let path = dir.join(&name);
        let file: Arc<dyn IoFile> = io.open(&path, access).map_err(during("open", &path))?.into();
        let copy = |offset| -> Result<_, FileError> {
            let mut bytes = [0; HEADER_BYTES];
            file.read_at(&mut bytes, offset).map_err(during("read", &path))?;
            // A whole header that speaks of another place belongs to another file.
            Ok(Header::decode(&bytes).and_then(|header| {
                if header.first == first { Ok(header) } else { Err(HeaderProblem::Damaged) }
            }))
        };
        let (header, bad_header) = match (copy(0)?, copy(PAGE_BYTES)?) {
            (Ok(header), Ok(_)) => (header, None),
            (Ok(header), Err(_)) => (header, Some(PAGE_BYTES)),
            (Err(_), Ok(header)) => (header, Some(0)),
            (Err(HeaderProblem::Newer(found)), _) | (_, Err(HeaderProblem::Newer(found))) => {
                return Err(SegmentError::Newer { segment: name, found });
            }
            (Err(HeaderProblem::Damaged), Err(HeaderProblem::Damaged)) => {
                return Err(SegmentError::Damaged { segment: name });
            }
        };
        Ok(Self { path, name, file, header, bad_header })
    }

    /// Makes a segment: whole, synced, then renamed. Without room, nothing is left behind.
    pub(crate) fn create(io: &dyn Io, dir: &Path, header: Header, bytes: u64) -> Result<Self, FileError> {
        let draft = Draft::new(io, dir, header)?;
        match draft.file.allocate(bytes).map_err(during("allocate", &draft.path)) {
            Ok(()) => draft.publish(),
            Err(error) => {
                draft.discard();
                Err(error)
            }
        }
    }

    /// Cuts everything from an offset on and makes it zeros again, durably.
    pub(crate) fn cut(&self, from: u64, bytes: u64) -> Result<(), FileError> {
        self.file.set_len(from).map_err(during("cut", &self.path))?;
        let allocated = self.file.allocate(bytes);
        match allocated {
            // The cut itself must not fail for want of room: the blocks are then reserved by the writes.
            Err(error) if crate::io::is_no_space(&error) => self.file.set_len(bytes),
            other => other,
        }
        .map_err(during("extend", &self.path))?;
        self.file.sync_data().map_err(during("sync", &self.path))
    }

    pub(crate) fn size(&self) -> Result<u64, FileError> {
        self.file.size().map_err(during("measure", &self.path))
    }
}

/// A segment that has not got its name yet.
pub(crate) struct Draft<'a> {
    io: &'a dyn Io,
    dir: &'a Path,
    pub(crate) path: PathBuf,
    pub(crate) file: Box<dyn IoFile>,
    header: Header,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(io: &'a dyn Io, dir: &'a Path, header: Header) -> Result<Self, FileError> {
        let path = dir.join(file_name(header.first) + TEMPORARY);
        let file = io.create(&path).map_err(during("create", &path))?;
        Ok(Self { io, dir, path, file, header })
    }

    /// Writes the header, syncs, and gives the file its name, replacing the one that has it.
    pub(crate) fn publish(self) -> Result<Segment, FileError> {
        let name = file_name(self.header.first);
        let path = self.dir.join(&name);
        let named = self
            .write_header()
            .and_then(|()| self.io.rename(&self.path, &path).map_err(during("rename", &self.path)));
        if let Err(error) = named {
            self.discard();
            return Err(error);
        }
        // From here on the segment is there, so no failure may look like one that can be tried again.
        self.io.sync_dir(self.dir).map_err(io::Error::other).map_err(during("sync", self.dir))?;
        Ok(Segment { path, name, file: self.file.into(), header: self.header, bad_header: None })
    }

    fn write_header(&self) -> Result<(), FileError> {
        let write = || -> io::Result<()> {
            let header = self.header.encode();
            self.file.write_at(&header, 0)?;
            self.file.write_at(&header, PAGE_BYTES)
        };
        write().map_err(during("write", &self.path))?;
        self.file.sync_data().map_err(during("sync", &self.path))
    }

    pub(crate) fn discard(self) {
        // Opening removes what a failure here leaves behind.
        let _ = self.io.remove(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_its_sequence_number_back() {
        for first in [1, 7, u64::MAX] {
            assert_eq!(first_of(&file_name(first)), Some(first));
        }
        for other in ["LOCK", "1.seg", "00000000000000000001.seg.tmp", "0000000000000000000x.seg"] {
            assert_eq!(first_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_header_decodes_to_what_was_encoded_and_a_newer_one_is_named() {
        let header = Header { journal: [1; 16], first: 2, previous: 1, hlc: Hlc(3), head: [4; 32] };
        let mut bytes = header.encode();
        assert_eq!(Header::decode(&bytes), Ok(header));
        bytes[8] = 2;
        assert_eq!(Header::decode(&bytes), Err(HeaderProblem::Newer(2)));
        bytes[8] = 1;
        bytes[30] ^= 1;
        assert_eq!(Header::decode(&bytes), Err(HeaderProblem::Damaged));
    }
}
