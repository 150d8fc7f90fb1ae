//! `erasing`: which keys an erasure is about to destroy, durable before the first one is. So they go all or not at all, whatever happens
//! in between, and the journal's entry can still name them afterwards.

use aisle_journal::{FileError, Io, io::Access};
use aisle_residency::seal::{KeyId, PersonId};
use std::{io, path::Path};

const MAGIC: &[u8; 8] = b"AISLEERA";
/// The longest file: every key of a full ring.
const BYTES_MAX: u64 = 80 << 20;

/// What is being destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Intent {
    pub(crate) erasure: String,
    pub(crate) person: PersonId,
    /// The last record with something of the person in the clear.
    pub(crate) clear_through: u64,
    /// Slot and key.
    pub(crate) keys: Vec<(u64, KeyId)>,
}

/// The rest of the bytes, taken from the front.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }
}

impl Intent {
    fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend_from_slice(&self.clear_through.to_le_bytes());
        body.extend_from_slice(&self.person.0);
        body.extend_from_slice(&(self.keys.len() as u64).to_le_bytes());
        for (slot, key) in &self.keys {
            body.extend_from_slice(&slot.to_le_bytes());
            body.extend_from_slice(&key.0);
        }
        body.extend_from_slice(self.erasure.as_bytes());
        [&MAGIC[..], &crc32c::crc32c(&body).to_le_bytes(), &body].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = Rest(bytes.strip_prefix(MAGIC)?);
        if u32::from_le_bytes(rest.take()?) != crc32c::crc32c(rest.0) {
            return None;
        }
        let clear_through = u64::from_le_bytes(rest.take()?);
        let person = PersonId(rest.take()?);
        let count = u64::from_le_bytes(rest.take()?);
        let mut keys = Vec::new();
        for _ in 0..count {
            keys.push((u64::from_le_bytes(rest.take()?), KeyId(rest.take()?)));
        }
        let erasure = String::from_utf8(rest.0.to_vec()).ok()?;
        Some(Self { erasure, person, clear_through, keys })
    }

    /// Writes it, durable when this returns.
    pub(crate) fn write(&self, io: &dyn Io, dir: &Path, path: &Path) -> Result<(), FileError> {
        replace(io, dir, path, &self.encode())
    }

    /// Reads it, if there is one. What does not read is an error of its own.
    pub(crate) fn read(io: &dyn Io, path: &Path) -> Result<Option<Result<Self, ()>>, FileError> {
        Ok(contents(io, path, BYTES_MAX)?.map(|bytes| Self::decode(&bytes).ok_or(())))
    }
}

/// Puts a file in the place of what was there, durable when this returns.
pub(crate) fn replace(io: &dyn Io, dir: &Path, path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let fresh = path.with_extension("new");
    let during = |action: &'static str| {
        let path = fresh.clone();
        move |source| FileError { action, path, source }
    };
    let file = io.create(&fresh).map_err(during("make"))?;
    file.write_at(bytes, 0).map_err(during("write"))?;
    file.sync_data().map_err(during("sync"))?;
    io.rename(&fresh, path).map_err(during("rename"))?;
    io.sync_dir(dir).map_err(during("sync"))
}

/// What is in a file; `None` when it is not there.
pub(crate) fn contents(io: &dyn Io, path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>, FileError> {
    let during = |action: &'static str| move |source| FileError { action, path: path.to_path_buf(), source };
    let file = match io.open(path, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(during("open"))?,
    };
    let bytes = file.size().map_err(during("measure"))?.min(bytes_max);
    let mut buffer = vec![0; usize::try_from(bytes).unwrap_or(0)];
    let filled = file.read_at(&mut buffer, 0).map_err(during("read"))?;
    buffer.truncate(filled);
    Ok(Some(buffer))
}

/// Takes a file away, durable when this returns. Fine when it is not there.
pub(crate) fn remove(io: &dyn Io, dir: &Path, path: &Path) -> Result<(), FileError> {
    let during = |action: &'static str| move |source| FileError { action, path: path.to_path_buf(), source };
    match io.remove(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        removed => removed.map_err(during("remove"))?,
    }
    io.sync_dir(dir).map_err(during("sync"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intent_reads_back_and_one_with_a_turned_bit_does_not() {
        let keys = vec![(0, KeyId([1; 8])), (7, KeyId([2; 8]))];
        let intent = Intent { erasure: "e-1".into(), person: PersonId([3; 16]), clear_through: 9, keys };
        let bytes = intent.encode();
        assert_eq!(Intent::decode(&bytes), Some(intent));
        for at in 0..bytes.len() {
            let mut turned = bytes.clone();
            turned[at] ^= 4;
            assert_eq!(Intent::decode(&turned), None, "byte {at}");
            assert_eq!(Intent::decode(&bytes[..at]), None, "cut at {at}");
        }
    }
}
