//! A file seen through a buffer that grows as far as one commit needs and is used again for the next.

use crate::io::{FileError, IoFile, during};
use std::{path::PathBuf, sync::Arc};

/// How much is read at once.
const CHUNK_BYTES: usize = 256 * 1024;
/// How much is looked at once when zeros are passed over.
const PAGE_BYTES: usize = 4096;

#[derive(Debug)]
pub(crate) struct Window {
    file: Arc<dyn IoFile>,
    path: PathBuf,
    size: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    pub(crate) fn new(file: Arc<dyn IoFile>, path: PathBuf) -> Result<Self, FileError> {
        let size = file.size().map_err(during("measure", &path))?;
        Ok(Self { file, path, size, start: 0, bytes: Vec::new() })
    }

    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// Forgets what was read ahead; the file may have grown there since.
    pub(crate) fn forget(&mut self) {
        self.bytes.clear();
    }

    /// Up to `len` bytes at `at`, fewer at the end of the file. Bytes from `keep` on stay buffered.
    pub(crate) fn get(&mut self, keep: u64, at: u64, len: usize) -> Result<&[u8], FileError> {
        let len = len.min(usize::try_from(self.size.saturating_sub(at)).unwrap_or(usize::MAX));
        if len == 0 {
            return Ok(&[]);
        }
        let end = at + len as u64;
        if at < self.start || self.start + (self.bytes.len() as u64) < end {
            self.fill(keep.min(at), end)?;
        }
        let from = usize::try_from(at - self.start).unwrap_or(usize::MAX);
        Ok(self.bytes.get(from..from.saturating_add(len)).unwrap_or_default())
    }

    fn fill(&mut self, keep: u64, end: u64) -> Result<(), FileError> {
        let buffered_to = self.start + self.bytes.len() as u64;
        if (self.start..=buffered_to).contains(&keep) {
            self.bytes.drain(..usize::try_from(keep - self.start).unwrap_or(usize::MAX));
        } else {
            self.bytes.clear();
        }
        self.start = keep;
        let have = self.bytes.len();
        let missing = usize::try_from(end - keep).unwrap_or(usize::MAX).saturating_sub(have);
        let room = usize::try_from(self.size - keep).unwrap_or(usize::MAX).saturating_sub(have);
        self.bytes.resize(have + missing.max(CHUNK_BYTES).min(room), 0);
        let rest = self.bytes.get_mut(have..).unwrap_or_default();
        let read = self.file.read_at(rest, keep + have as u64).map_err(during("read", &self.path))?;
        self.bytes.truncate(have + read);
        Ok(())
    }

    /// The end of the last byte at or behind `from` that is not zero; `None` when only zeros follow.
    pub(crate) fn last_nonzero(&mut self, from: u64) -> Result<Option<u64>, FileError> {
        let (mut at, mut last) = (from, None);
        while at < self.size {
            let chunk = self.get(at, at, CHUNK_BYTES)?;
            if chunk.is_empty() {
                break;
            }
            if !is_zero(chunk)
                && let Some(position) = chunk.iter().rposition(|byte| *byte != 0)
            {
                last = Some(at + position as u64 + 1);
            }
            at += chunk.len() as u64;
        }
        Ok(last)
    }

    /// The first byte at or behind `from` that is not zero; the file's size when there is none.
    pub(crate) fn first_nonzero(&mut self, from: u64) -> Result<u64, FileError> {
        let mut at = from;
        while at < self.size {
            let page = self.get(at, at, PAGE_BYTES)?;
            if page.is_empty() {
                break;
            }
            if !is_zero(page)
                && let Some(position) = page.iter().position(|byte| *byte != 0)
            {
                return Ok(at + position as u64);
            }
            at += page.len() as u64;
        }
        Ok(self.size)
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<16>();
    words.iter().all(|word| u128::from_ne_bytes(*word) == 0) && rest.iter().all(|byte| *byte == 0)
}
