//! Writing a bundle in one pass. Equal contents give equal bytes: no times, no owners.
//!
//! Who writes to a stick writes beside, syncs and renames; a bundle that is cut off is noticed by who reads it.

use super::{End, Head, name::Name};
use serde::Serialize;
use std::io::{self, Read, Write};
use tar::{Builder, EntryType, Header};
use zstd::stream::write::Encoder;

/// Quick enough for a stick, and what is packed already does not get shorter by more.
const LEVEL: i32 = 3;

/// Why a bundle is not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file, or what goes into it.
    #[error("the bundle cannot be written")]
    Io(#[from] io::Error),
    /// A file of its own.
    #[error("the bundle's `{name}` cannot be written")]
    Json {
        /// Which.
        name: String,
        /// Why not.
        source: serde_json::Error,
    },
    /// Something longer than a reader takes.
    #[error("the bundle's entry `{name}` has {bytes} bytes, at most {bytes_max} may be")]
    TooLong {
        /// Which.
        name: String,
        /// How many it has.
        bytes: u64,
        /// How many it may have.
        bytes_max: u64,
    },
    /// More entries than a reader takes.
    #[error("the bundle has more than {max} entries\nhint: make several")]
    TooMany {
        /// How many may be.
        max: u64,
    },
}

pub(super) struct Writer<W: Write> {
    tar: Builder<Encoder<'static, W>>,
    entries: u64,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(writer: W, head: &Head) -> Result<Self, WriteError> {
        let mut encoder = Encoder::new(writer, LEVEL)?;
        encoder.include_checksum(true)?;
        let mut writer = Self { tar: Builder::new(encoder), entries: 0 };
        writer.own(&Name::Head, head)?;
        Ok(writer)
    }

    /// Writes an entry of exactly so many bytes.
    pub(super) fn add(&mut self, name: &Name, bytes: u64, content: impl Read) -> Result<(), WriteError> {
        self.entries = self.entries.saturating_add(1);
        self.append(name, bytes, content)
    }

    /// Writes an entry of JSON.
    pub(super) fn add_json(&mut self, name: &Name, value: &impl Serialize) -> Result<(), WriteError> {
        self.entries = self.entries.saturating_add(1);
        self.own(name, value)
    }

    pub(super) fn finish(mut self) -> Result<W, WriteError> {
        let end = End { entries: self.entries };
        self.own(&Name::End, &end)?;
        let mut writer = self.tar.into_inner()?.finish()?;
        writer.flush()?;
        Ok(writer)
    }

    fn own(&mut self, name: &Name, value: &impl Serialize) -> Result<(), WriteError> {
        let json = serde_json::to_vec(value)
            .map_err(|source| WriteError::Json { name: name.to_string(), source })?;
        self.append(name, json.len() as u64, json.as_slice())
    }

    fn append(&mut self, name: &Name, bytes: u64, content: impl Read) -> Result<(), WriteError> {
        let mut header = Header::new_ustar();
        header.set_path(name.to_string())?;
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(bytes);
        header.set_cksum();
        Ok(self.tar.append(&header, Exact { inner: content, left: bytes })?)
    }
}

/// Gives exactly so many bytes, or an error.
struct Exact<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = self.inner.read(buffer)?;
        if read == 0 && self.left > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it is shorter than was said"));
        }
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is longer than was said"))?;
        Ok(read)
    }
}
