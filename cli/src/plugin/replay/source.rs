//! Where decisions come from: a file of recordings, a node's ring of them, or the journal of a store.
//!
//! One is in memory at a time. A line that is no recording ends the reading by its number: what was compared would not be what
//! the store decided.

use super::journal::{Basket, Baskets};
use aisle_plugin_host::{RECORDING_BYTES_MAX, Recording};
use anyhow::{Context, Result, bail};
use std::{
    io::{BufRead, Read},
    sync::Arc,
};

/// One thing that was decided, or would have been.
#[derive(Debug)]
pub(crate) enum Sample {
    /// A call of a store, with everything that it asked.
    Recorded(Box<Recording>),
    /// A basket that was sold, before any plugin.
    Sold(Box<Basket>),
}

/// Reads one after the other.
pub(crate) enum Source {
    /// Lines of JSON.
    Lines(Lines),
    /// A journal.
    Journal(Box<Baskets>),
    /// Kept in memory, for those who go through them again and again.
    Kept(Kept),
}

/// Recordings as lines of JSON.
pub(crate) struct Lines {
    reader: Box<dyn BufRead>,
    /// What they are called in complaints.
    name: String,
    number: u64,
    bytes: u64,
}

/// Recordings in memory, and how many of them were read.
pub(crate) struct Kept {
    all: Arc<[Recording]>,
    read: usize,
}

impl Source {
    /// Of what is kept in memory.
    pub(crate) fn kept(all: Arc<[Recording]>) -> Self {
        Self::Kept(Kept { all, read: 0 })
    }

    /// From a file or an answer.
    pub(crate) fn lines(reader: Box<dyn BufRead>, name: String) -> Self {
        Self::Lines(Lines { reader, name, number: 0, bytes: 0 })
    }

    /// The next one.
    ///
    /// # Errors
    /// When it cannot be read: by its line, and by the path in it.
    pub(crate) fn next(&mut self) -> Result<Option<Sample>> {
        match self {
            Self::Lines(lines) => Ok(lines.next()?.map(|it| Sample::Recorded(Box::new(it)))),
            Self::Journal(baskets) => Ok(baskets.next()?.map(|it| Sample::Sold(Box::new(it)))),
            Self::Kept(kept) => {
                let next = kept.all.get(kept.read).cloned();
                kept.read += usize::from(next.is_some());
                Ok(next.map(|it| Sample::Recorded(Box::new(it))))
            }
        }
    }

    /// The next one of recordings; nothing from a journal.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub(crate) fn next_recording(&mut self) -> Result<Option<Recording>> {
        match self.next()? {
            Some(Sample::Recorded(recording)) => Ok(Some(*recording)),
            Some(Sample::Sold(_)) | None => Ok(None),
        }
    }

    /// How far it is: bytes of lines, records of a journal.
    pub(crate) fn place(&self) -> u64 {
        match self {
            Self::Lines(lines) => lines.bytes,
            Self::Journal(baskets) => baskets.place().0,
            Self::Kept(_) => 0,
        }
    }

    /// Records of a journal that nobody can read any more.
    pub(crate) fn unread(&self) -> u64 {
        if let Self::Journal(baskets) = self { baskets.unread() } else { 0 }
    }
}

impl Lines {
    fn next(&mut self) -> Result<Option<Recording>> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let bytes_max = RECORDING_BYTES_MAX as u64 + 1;
            let read = (&mut self.reader).take(bytes_max).read_until(b'\n', &mut line);
            let read = read.with_context(|| format!("cannot read `{}` further", self.name))?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            self.bytes += read as u64;
            let place = || format!("`{}` line {}", self.name, self.number);
            if read > RECORDING_BYTES_MAX {
                bail!("{} is longer than {RECORDING_BYTES_MAX} bytes", place());
            }
            let text = std::str::from_utf8(&line).with_context(|| format!("{} is not UTF-8", place()))?;
            if text.trim().is_empty() {
                continue;
            }
            let recording = Recording::decode(text.trim_end()).with_context(|| {
                format!("{} is no recording\nhint: a node has them at `/v1/admin/plugins/ID/recordings`, one a line", place())
            })?;
            return Ok(Some(recording));
        }
    }
}
