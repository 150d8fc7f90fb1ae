//! Reading a bundle in one pass. Each entry's type, name and length is looked at before a byte of it is read.
//!
//! The tar is read raw: what extends names or lengths (GNU long names, pax headers, sparse files) is an entry of a type that is refused, and is
//! not held in memory first.

use super::{BundleError, Direction, End, FORM, Head, Limits, ORDER_BYTES_MAX, error::Unpacked, name::Name};
use crate::{digest::Digest, id::shown};
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeSet,
    io::{self, Read},
};
use tar::EntryType;

/// The largest window of the frame, as a power of two: 8 MiB of memory.
const WINDOW_LOG_MAX: u32 = 23;
/// The most bytes of the small files of the bundle itself.
const OWN_BYTES_MAX: u64 = 4096;
/// The most bytes behind the last entry: tar fills up its last record.
const PADDING_BYTES_MAX: u64 = 64 << 10;

/// An entry between head and end.
pub(super) struct Entry<'a> {
    pub(super) name: &'a Name,
    /// How long it is.
    pub(super) bytes: u64,
    pub(super) content: &'a mut dyn Read,
}

/// Shows each entry to `visit`, in order. What is not read of one is passed over.
pub(super) fn walk<R: Read, E: From<BundleError>>(
    reader: R,
    limits: &Limits,
    expected: Option<Direction>,
    mut visit: impl FnMut(&Head, Entry<'_>) -> Result<(), E>,
) -> Result<Head, E> {
    let mut decoder = zstd::stream::read::Decoder::new(reader).map_err(BundleError::of)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(BundleError::of)?;
    let max = limits.unpacked_bytes_max;
    let mut archive = tar::Archive::new(Bounded { inner: decoder, left: max, max });
    let (mut head, mut end): (Option<Head>, Option<End>) = (None, None);
    let (mut seen, mut found, mut metadata_bytes) = (BTreeSet::new(), 0_u64, 0_u64);
    for entry in archive.entries().map_err(BundleError::of)?.raw(true) {
        let mut entry = entry.map_err(BundleError::of)?;
        let name = checked(&entry)?;
        let bytes = entry.size();
        if end.is_some() || (name == Name::Head) != head.is_none() {
            return Err(BundleError::Name { name: name.to_string() }.into());
        }
        if !seen.insert(name.clone()) {
            return Err(BundleError::Duplicate { name: name.to_string() }.into());
        }
        if seen.len() as u64 > limits.entries_max {
            return Err(BundleError::TooMuch { what: "the entries", max: limits.entries_max }.into());
        }
        let bytes_max = match name {
            Name::Head | Name::End | Name::CarriedHead(_) => OWN_BYTES_MAX,
            Name::Metadata(_) => limits.metadata_bytes_max.saturating_sub(metadata_bytes),
            Name::Order => ORDER_BYTES_MAX,
            Name::Content(_) => limits.content_bytes_max,
            Name::Carried(_) => limits.carried_bytes_max,
        };
        if bytes > bytes_max {
            return Err(BundleError::TooLong { name: name.to_string(), bytes, bytes_max }.into());
        }
        match (&name, &head) {
            (Name::Head, _) => head = Some(open(&name, &mut entry, expected)?),
            (Name::End, _) => end = Some(json(&name, &mut entry)?),
            (_, None) => return Err(BundleError::Name { name: name.to_string() }.into()),
            (_, Some(head)) => {
                if matches!(name, Name::Metadata(_)) {
                    metadata_bytes = metadata_bytes.saturating_add(bytes);
                }
                let is_up = matches!(name, Name::Carried(_) | Name::CarriedHead(_));
                if is_up != (head.direction == Direction::Up) {
                    return Err(BundleError::Name { name: name.to_string() }.into());
                }
                found = found.saturating_add(1);
                visit(head, Entry { name: &name, bytes, content: &mut entry })?;
            }
        }
    }
    drain(archive.into_inner())?;
    let (Some(head), Some(End { entries: said })) = (head, end) else {
        return Err(BundleError::Truncated.into());
    };
    if found != said {
        return Err(BundleError::Count { found, said }.into());
    }
    Ok(head)
}

fn checked<R: Read>(entry: &tar::Entry<'_, R>) -> Result<Name, BundleError> {
    let bytes = entry.path_bytes();
    let name = || shown(&String::from_utf8_lossy(&bytes));
    let header = entry.header();
    match header.entry_type() {
        EntryType::Regular => {}
        EntryType::Link | EntryType::Symlink => return Err(BundleError::Link { name: name() }),
        other => return Err(BundleError::Type { name: name(), kind: char::from(other.as_byte()) }),
    }
    if header.as_ustar().is_none() {
        return Err(BundleError::Dialect { name: name() });
    }
    Name::read(&bytes)
}

fn open(name: &Name, content: &mut dyn Read, expected: Option<Direction>) -> Result<Head, BundleError> {
    let head: Head = json(name, content)?;
    if head.form != FORM {
        return Err(BundleError::Form { found: head.form });
    }
    match expected {
        Some(expected) if expected != head.direction => {
            Err(BundleError::Direction { found: head.direction, expected })
        }
        _ => Ok(head),
    }
}

/// All of an entry whose length was bounded.
pub(super) fn whole(content: &mut dyn Read) -> Result<Vec<u8>, BundleError> {
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes).map_err(BundleError::of)?;
    Ok(bytes)
}

pub(super) fn json<T: DeserializeOwned>(name: &Name, content: &mut dyn Read) -> Result<T, BundleError> {
    serde_json::from_slice(&whole(content)?)
        .map_err(|source| BundleError::Json { name: name.to_string(), source })
}

/// Reads to the end of the frame, so that one that is cut off, or goes on, is noticed.
fn drain(rest: impl Read) -> Result<(), BundleError> {
    let mut padding = Vec::new();
    rest.take(PADDING_BYTES_MAX.saturating_add(1)).read_to_end(&mut padding).map_err(BundleError::of)?;
    let is_padding = padding.len() as u64 <= PADDING_BYTES_MAX && padding.iter().all(|byte| *byte == 0);
    if is_padding { Ok(()) } else { Err(BundleError::Trailing) }
}

/// Lets so many bytes through.
struct Bounded<R> {
    inner: R,
    left: u64,
    max: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| io::Error::other(Unpacked(self.max)))?;
        Ok(read)
    }
}

/// What is in a bundle, for people. Nothing of it was believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Which way it goes.
    pub direction: Direction,
    /// Who says that they made it.
    pub from: String,
    /// The files of metadata.
    pub metadata: Vec<String>,
    /// How many bytes the order has, where there is one.
    pub order_bytes: Option<u64>,
    /// The contents with their lengths in bytes.
    pub contents: Vec<(Digest, u64)>,
    /// How many entries go up.
    pub carried: u64,
}

/// Looks into a bundle and does nothing.
///
/// # Errors
/// When it is none, or beyond a bound.
pub fn inspect(reader: impl Read, limits: &Limits) -> Result<Summary, BundleError> {
    let (mut metadata, mut order_bytes, mut contents, mut carried) = (Vec::new(), None, Vec::new(), 0);
    let head = walk(reader, limits, None, |_, entry| {
        match entry.name {
            Name::Metadata(file) => metadata.push(file.clone()),
            Name::Order => order_bytes = Some(entry.bytes),
            Name::Content(digest) => contents.push((*digest, entry.bytes)),
            Name::Carried(_) => carried += 1,
            Name::Head | Name::End | Name::CarriedHead(_) => {}
        }
        Ok::<(), BundleError>(())
    })?;
    let (direction, from) = (head.direction, shown(&head.from));
    Ok(Summary { direction, from, metadata, order_bytes, contents, carried })
}
