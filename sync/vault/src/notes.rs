//! `erasures`: the journal's entries of erasures, kept beside the keys so that a start need not read the whole journal for them, and so
//! that they outlive its trimming.
//!
//! Lost, it is made again from the journal. Not here: what the entries say (`aisle_residency::erasure`).

use crate::intent::{contents, replace};
use aisle_journal::{FileError, Io};
use std::path::Path;

const MAGIC: &[u8; 8] = b"AISLENOT";
/// The longest file: the entries of every erasure that is remembered.
const BYTES_MAX: u64 = 1 << 30;

/// The entries of erasures through a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// The last record that was looked at.
    pub(crate) through: u64,
    /// Record and entry, in order.
    pub(crate) entries: Vec<(u64, Vec<u8>)>,
}

impl Notes {
    /// Reads them. What does not read is as if it were not there: the journal has it.
    pub(crate) fn read(io: &dyn Io, path: &Path) -> Result<Self, FileError> {
        let bytes = contents(io, path, BYTES_MAX)?.unwrap_or_default();
        Ok(Self::decode(&bytes).unwrap_or_default())
    }

    /// Writes them, durable when this returns.
    pub(crate) fn write(&self, io: &dyn Io, dir: &Path, path: &Path) -> Result<(), FileError> {
        replace(io, dir, path, &self.encode())
    }

    fn encode(&self) -> Vec<u8> {
        let mut body = self.through.to_le_bytes().to_vec();
        for (seq, entry) in &self.entries {
            body.extend_from_slice(&seq.to_le_bytes());
            body.extend_from_slice(&(entry.len() as u64).to_le_bytes());
            body.extend_from_slice(entry);
        }
        [&MAGIC[..], &crc32c::crc32c(&body).to_le_bytes(), &body].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (crc, body) = bytes.strip_prefix(MAGIC)?.split_first_chunk()?;
        if u32::from_le_bytes(*crc) != crc32c::crc32c(body) {
            return None;
        }
        let (through, mut rest) = body.split_first_chunk()?;
        let mut entries = Vec::new();
        while let Some((seq, after)) = rest.split_first_chunk() {
            let (length, after) = after.split_first_chunk()?;
            let (entry, after) =
                after.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
            entries.push((u64::from_le_bytes(*seq), entry.to_vec()));
            rest = after;
        }
        rest.is_empty().then_some(Self { through: u64::from_le_bytes(*through), entries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_read_back_and_damaged_ones_are_none() {
        let notes = Notes { through: 9, entries: vec![(3, b"asked".to_vec()), (7, Vec::new())] };
        let bytes = notes.encode();
        assert_eq!(Notes::decode(&bytes), Some(notes));
        for at in 0..bytes.len() {
            let mut turned = bytes.clone();
            turned[at] ^= 1;
            assert_eq!(Notes::decode(&turned), None, "byte {at}");
            assert_eq!(Notes::decode(&bytes[..at]), None, "cut at {at}");
        }
    }
}
