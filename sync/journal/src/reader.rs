//! [`Reader`]: the records from a sequence number on, whole commits only, each checked against the chain.
//!
//! A live reader ends at what is durable when it gets there and can be asked again later. A reader of files alone
//! ([`read_only`]) serves tools beside a running node: it takes no lock and ends at the last whole commit.
//!
//! Not here: waiting for more (`tail`). Guards invariant 1 for readers: a gap or damage is an error, never silence.

use crate::{
    control::Gap,
    damage::{Damage, Problem},
    io::{Access, FileError, Io},
    journal::Shared,
    record::Record,
    segment::{self, Segment, SegmentError},
    segments::Segments,
    veil::Veil,
    walk::{Bad, Step, Walk},
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why the next record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The record was trimmed.
    #[error("record {seq} was trimmed; the first one left is {first}")]
    Trimmed {
        /// The record that was asked for.
        seq: u64,
        /// The first one that is left.
        first: u64,
    },
    /// Damaged records were taken out here. [`Reader::continue_after_gap`] goes on behind them.
    #[error("records {first} to {last} were damaged and are in `quarantine/{file}` at byte {offset}")]
    Gap {
        /// The first record that is not there.
        first: u64,
        /// The last one.
        last: u64,
        /// The file in `quarantine/` that holds the segment as it was.
        file: String,
        /// Where in it the damage starts, in bytes.
        offset: u64,
    },
    /// Records are damaged. [`crate::Journal::quarantine`] makes a gap of them.
    #[error("segment `{segment}` is damaged at byte {offset}, record {seq}: {problem}")]
    Corrupt {
        /// The segment's file name.
        segment: String,
        /// Where the damage starts, in bytes from the start of the file.
        offset: u64,
        /// The first sequence number that cannot be read.
        seq: u64,
        /// What is wrong.
        problem: Problem,
    },
    /// A segment does not open.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// The machine refused something.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is nothing more to follow: the journal was closed or has failed.
    #[error("the journal is closed")]
    Closed,
    /// An earlier call ended in an error and nobody has said to go on.
    #[error("reading stopped at record {seq}")]
    Stopped {
        /// The record that would be next.
        seq: u64,
    },
}

impl From<Damage> for ReadError {
    fn from(Damage { segment, offset, seq, problem }: Damage) -> Self {
        Self::Corrupt { segment, offset, seq, problem }
    }
}

#[derive(Debug)]
enum Source {
    Live(Arc<Shared>),
    Files { io: Arc<dyn Io>, dir: PathBuf, segments: Segments },
}

impl Source {
    fn segments(&self) -> &Segments {
        match self {
            Self::Live(shared) => &shared.segments,
            Self::Files { segments, .. } => segments,
        }
    }

    fn open(&self, first: u64) -> Result<Walk, SegmentError> {
        let (io, dir) = match self {
            Self::Live(shared) => (&shared.io, &shared.dir),
            Self::Files { io, dir, .. } => (io, dir),
        };
        Ok(Walk::new(&Segment::open(io.as_ref(), dir, first, Access::Read)?)?)
    }
}

/// Reads records in order. After an error it gives nothing more until it is told to go on.
#[derive(Debug)]
pub struct Reader {
    source: Source,
    next: u64,
    /// The last record that may be read, as far as was known when the buffer was filled.
    readable: u64,
    /// The segment's first record, and where in the segment the reader is.
    walk: Option<(u64, Walk)>,
    ready: std::vec::IntoIter<Record>,
    veil: Option<Arc<dyn Veil>>,
    stopped: bool,
}

/// Reads a journal's files from a sequence number on, without a lock, beside a running node or without one. Commits that
/// are made meanwhile may or may not be met, synced or not.
///
/// # Errors
/// When the directory cannot be read, or the record was trimmed.
pub fn read_only(dir: &Path, io: Arc<dyn Io>, from: u64) -> Result<Reader, ReadError> {
    read_only_with(dir, io, None, from)
}

/// As [`read_only`], with what uncovers payloads.
///
/// # Errors
/// As [`read_only`].
pub fn read_only_with(
    dir: &Path,
    io: Arc<dyn Io>,
    veil: Option<Arc<dyn Veil>>,
    from: u64,
) -> Result<Reader, ReadError> {
    let segments = Segments::new(&segment::list(io.as_ref(), dir)?);
    Reader::new(Source::Files { io, dir: dir.into(), segments }, veil, from)
}

impl Reader {
    pub(crate) fn live(shared: Arc<Shared>, from: u64) -> Result<Self, ReadError> {
        let veil = shared.veil.clone();
        Self::new(Source::Live(shared), veil, from)
    }

    fn new(source: Source, veil: Option<Arc<dyn Veil>>, from: u64) -> Result<Self, ReadError> {
        let (seq, first) = (from.max(1), source.segments().first());
        if seq < first {
            return Err(ReadError::Trimmed { seq, first });
        }
        Ok(Self::starting(source, veil, seq))
    }

    /// A live reader that says only when it reads that its start was trimmed.
    pub(crate) fn unchecked(shared: Arc<Shared>, from: u64) -> Self {
        let veil = shared.veil.clone();
        Self::starting(Source::Live(shared), veil, from.max(1))
    }

    fn starting(source: Source, veil: Option<Arc<dyn Veil>>, next: u64) -> Self {
        Self { source, next, readable: 0, walk: None, ready: Vec::new().into_iter(), veil, stopped: false }
    }

    /// Gives payloads as they lie on the disk.
    pub(crate) fn covered(self) -> Self {
        Self { veil: None, ..self }
    }

    /// The sequence number of the next record.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.ready.as_slice().first().map_or(self.next, |record| record.seq)
    }

    /// Goes on after an error: behind a gap, or at the same record again after anything else.
    pub fn continue_after_gap(&mut self) {
        self.stopped = false;
    }

    /// True after an error, until told to go on.
    pub(crate) const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Reads the next commit; false when there is none yet.
    fn advance(&mut self) -> Result<bool, ReadError> {
        if let Source::Live(shared) = &self.source
            && self.next > self.readable
        {
            self.readable = shared.durable();
            if self.next > self.readable {
                return Ok(false);
            }
            // What was read ahead of the last durable commit was not yet what it is now.
            if let Some((_, walk)) = &mut self.walk {
                walk.window().forget();
            }
        }
        let trimmed = |segments: &Segments| ReadError::Trimmed { seq: self.next, first: segments.first() };
        let Some((first, following)) = self.source.segments().holding(self.next) else {
            return match self.source.segments().all().is_empty() {
                true => Ok(false),
                false => Err(trimmed(self.source.segments())),
            };
        };
        // Opened only now that its records are durable: an empty segment may still be replaced by a larger one.
        let walk = match &mut self.walk {
            Some((open, walk)) if *open == first => walk,
            _ => match self.source.open(first) {
                Ok(walk) => &mut self.walk.insert((first, walk)).1,
                Err(SegmentError::File(error)) if error.source.kind() == io::ErrorKind::NotFound => {
                    return Err(trimmed(self.source.segments()));
                }
                Err(error) => return Err(error.into()),
            },
        };
        loop {
            match walk.step()? {
                Step::Commit(commit) if commit.last() < self.next => {}
                Step::Commit(commit) => {
                    let next = self.next;
                    let records: Vec<_> =
                        walk.records(&commit)?.filter(|record| record.seq >= next).collect();
                    self.ready = records.into_iter();
                    self.next = commit.last() + 1;
                    return Ok(true);
                }
                Step::Gap(gap) if gap.last < self.next => {}
                Step::Gap(Gap { first, last, file, offset }) => {
                    let first = first.max(self.next);
                    self.next = last + 1;
                    return Err(ReadError::Gap { first, last, file, offset });
                }
                Step::Bad(bad) => {
                    let in_last_file = following.is_none() && matches!(self.source, Source::Files { .. });
                    let Some(bad) = (if in_last_file { judge_tail(walk, &bad)? } else { Some(bad) }) else {
                        return Ok(false);
                    };
                    let damage = walk.damage(bad.offset, bad.seq, bad.problem);
                    // Opened again when asked to go on: the segment may have been replaced by then.
                    self.walk = None;
                    return Err(damage.into());
                }
            }
        }
    }
}

/// Whether what stands behind the last commit of a segment without a known end is damage; `None` when it is nothing,
/// or a commit that is not whole (yet).
pub(crate) fn judge_tail(walk: &mut Walk, bad: &Bad) -> Result<Option<Bad>, FileError> {
    if !walk.was_acknowledged(bad)? {
        return Ok(None);
    }
    // A node may have finished this commit, and made the later one, since the first look.
    walk.window().forget();
    let mark = walk.mark();
    match walk.step()? {
        Step::Bad(bad) => Ok(Some(bad)),
        Step::Commit(_) | Step::Gap(_) => {
            walk.rewind(mark);
            Ok(None)
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(mut record) = self.ready.next() {
                if let Some(veil) = &self.veil
                    && let Some(uncovered) = veil.uncover(record.kind, &record.payload)
                {
                    record.payload = uncovered;
                }
                return Some(Ok(record));
            }
            if self.stopped {
                return None;
            }
            match self.advance() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.stopped = true;
                    return Some(Err(error));
                }
            }
        }
    }
}
