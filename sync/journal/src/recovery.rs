//! Opening: what the disk holds after whatever happened to the process or the power.
//!
//! Every segment's header is checked and every segment must follow from the one before it. The last segment is walked
//! whole. Bytes behind its last commit are a torn tail when no later commit follows them: they were never
//! acknowledged and are cut. When one does follow, acknowledged records are damaged, and [`OnCorruption`] decides.
//!
//! The last commit is written and synced again, because a sync that failed, or a process that died before its sync, can
//! leave it in the page cache alone, where it reads well until the power goes.
//!
//! Guards invariant 1: what opening reports as durable is durable.

use crate::{
    Config, OnCorruption, chain,
    commit::End,
    damage::{Damage, Problem},
    io::{Access, FileError, Io, during},
    salvage::{self, Quarantined},
    segment::{self, RECORDS_FROM, Segment, SegmentError},
    stage::Position,
    walk::{Bad, Commit, Step, Walk},
};
use aisle_event::Hlc;
use std::{
    io,
    path::{Path, PathBuf},
};

/// Where damaged segments and torn tails are kept, below the journal's directory.
pub(crate) const QUARANTINE: &str = "quarantine";
/// A longer torn tail is cut without a copy.
const TAIL_BYTES_MAX: u64 = 64 * 1024;
/// The most torn tails that are kept; the oldest go first.
const TAILS_MAX: usize = 16;
const TAIL_SUFFIX: &str = ".tail";

/// What opening found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The first sequence number that can be read.
    pub first: u64,
    /// The last durable sequence number; 0 when there is none.
    pub durable: u64,
    /// How many segments there are.
    pub segments: u64,
    /// Bytes of a torn, never acknowledged tail that were cut.
    pub cut_bytes: u64,
    /// Where the torn tail is kept, if it was small enough.
    pub kept_tail: Option<PathBuf>,
    /// Damaged segments that were set aside.
    pub quarantined: Vec<Quarantined>,
    /// Headers of which one copy is damaged.
    pub bad_headers: Vec<Damage>,
    /// Half-made files that were removed.
    pub removed_temporaries: u64,
}

/// Why a journal does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("the journal in `{dir}` is in use by {}", holder(*pid))]
    InUse {
        /// The journal's directory.
        dir: PathBuf,
        /// The other process, when it could be read.
        pid: Option<u32>,
    },
    /// The machine refused something.
    #[error(transparent)]
    File(#[from] FileError),
    /// Acknowledged records are damaged.
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
    /// A segment does not follow from the one before it: a file is missing.
    #[error("segment `{segment}` follows a segment from record {previous}, which is not there")]
    Missing {
        /// The segment's file name.
        segment: String,
        /// The first sequence number of the missing segment.
        previous: u64,
    },
    /// A segment was written by another journal.
    #[error("segment `{segment}` belongs to another journal")]
    Foreign {
        /// The segment's file name.
        segment: String,
    },
    /// A newer build wrote the journal.
    #[error("segment `{segment}` has format {found}; this build reads up to {supported}")]
    Newer {
        /// The segment's file name.
        segment: String,
        /// Its format.
        found: u32,
        /// The newest format that this build reads.
        supported: u32,
    },
    /// The commit thread does not start.
    #[error("cannot start the commit thread")]
    Thread {
        /// Why.
        source: io::Error,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".into(), |pid| format!("process {pid}"))
}

impl OpenError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::InUse { .. } => Some("stop that process, or give this one another directory"),
            Self::File(FileError { source, .. }) => match source.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Some("the user that runs the node must be able to write there")
                }
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Some("a segment needs room for `segment_bytes`; free some, or set it lower")
                }
                _ => None,
            },
            Self::Corrupt { problem: Problem::Header, .. } | Self::Missing { .. } | Self::Foreign { .. } => {
                Some("restore the journal's directory from a backup; do not edit it")
            }
            Self::Corrupt { .. } => Some(
                "copy the directory, check the disk, then open with `on_corruption = \"quarantine\"` to go on without \
                 the damaged records",
            ),
            Self::Newer { .. } => Some("run the build that wrote it, or a newer one"),
            Self::Thread { .. } => None,
        }
    }
}

impl From<Damage> for OpenError {
    fn from(Damage { segment, offset, seq, problem }: Damage) -> Self {
        Self::Corrupt { segment, offset, seq, problem }
    }
}

impl From<SegmentError> for OpenError {
    fn from(error: SegmentError) -> Self {
        match error {
            SegmentError::File(error) => Self::File(error),
            SegmentError::Newer { segment, found } => {
                Self::Newer { segment, found, supported: segment::VERSION }
            }
            SegmentError::Damaged { segment } => {
                let seq = segment::first_of(&segment).unwrap_or_default();
                Self::Corrupt { segment, offset: 0, seq, problem: Problem::Header }
            }
        }
    }
}

pub(crate) struct Recovered {
    pub(crate) report: Recovery,
    pub(crate) firsts: Vec<u64>,
    pub(crate) end: End,
}

/// Makes the journal's directory, durably.
pub(crate) fn make_directory(io: &dyn Io, dir: &Path) -> Result<(), FileError> {
    io.create_dir(dir).map_err(during("create", dir))?;
    match dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => io.sync_dir(parent).map_err(during("sync", parent)),
        None => Ok(()),
    }
}

/// Opens the directory's segments, repairs what may be repaired and finds the journal's end.
pub(crate) fn recover(io: &dyn Io, dir: &Path, config: &Config) -> Result<Recovered, OpenError> {
    let mut report = Recovery { removed_temporaries: remove_temporaries(io, dir)?, ..Recovery::default() };
    let firsts = segment::list(io, dir)?;
    let Some(last) = check_headers(io, dir, &firsts, &mut report)? else {
        let end = begin(io, dir, config)?;
        report.first = 1;
        report.segments = 1;
        return Ok(Recovered { report, firsts: vec![1], end });
    };
    // A rename before a crash may be in the page cache alone.
    io.sync_dir(dir).map_err(during("sync", dir))?;
    let end = find_end(io, dir, config, last, &mut report)?;
    report.first = firsts.first().copied().unwrap_or(1);
    report.durable = end.position.next - 1;
    report.segments = firsts.len() as u64;
    Ok(Recovered { report, firsts, end })
}

fn remove_temporaries(io: &dyn Io, dir: &Path) -> Result<u64, FileError> {
    let mut removed = 0;
    for name in io.list(dir).map_err(during("list", dir))?.iter().filter(|name| segment::is_temporary(name)) {
        let path = dir.join(name);
        io.remove(&path).map_err(during("remove", &path))?;
        removed += 1;
    }
    Ok(removed)
}

/// Starts a journal in an empty directory.
fn begin(io: &dyn Io, dir: &Path, config: &Config) -> Result<End, FileError> {
    let journal = io.entropy().map_err(during("draw an id for", dir))?;
    let head = chain::genesis(&journal);
    let header = segment::Header { journal, first: 1, previous: 0, hlc: Hlc::default(), head };
    let size = config.segment_bytes_for(0);
    let segment = Segment::create(io, dir, header, size)?;
    let position = Position { next: 1, head, hlc: Hlc::default() };
    Ok(End { segment, at: RECORDS_FROM, size, position })
}

/// Checks that the segments are one journal's, one after the other; gives the last one.
fn check_headers(
    io: &dyn Io,
    dir: &Path,
    firsts: &[u64],
    report: &mut Recovery,
) -> Result<Option<Segment>, OpenError> {
    let mut before: Option<Segment> = None;
    for first in firsts {
        let segment = Segment::open(io, dir, *first, Access::Write)?;
        if let Some(offset) = segment.bad_header {
            let (segment, seq) = (segment.name.clone(), *first);
            report.bad_headers.push(Damage { segment, offset, seq, problem: Problem::HeaderCopy });
        }
        if let Some(before) = before {
            if before.header.journal != segment.header.journal {
                return Err(OpenError::Foreign { segment: segment.name });
            }
            if before.header.first != segment.header.previous {
                return Err(OpenError::Missing { segment: segment.name, previous: segment.header.previous });
            }
        }
        before = Some(segment);
    }
    Ok(before)
}

/// Walks the last segment to its end and leaves nothing behind it.
fn find_end(
    io: &dyn Io,
    dir: &Path,
    config: &Config,
    segment: Segment,
    report: &mut Recovery,
) -> Result<End, OpenError> {
    let mut walk = Walk::new(&segment)?;
    let (last_commit, bad) = walk_to_end(&mut walk)?;
    let size = segment.size()?.max(walk.at);
    let at = walk.at;
    let torn_to = walk.window().last_nonzero(at)?;
    if let Some(torn_to) = torn_to {
        if walk.was_acknowledged(&bad)? {
            if config.on_corruption == OnCorruption::Refuse {
                return Err(walk.damage(bad.offset, bad.seq, bad.problem).into());
            }
            report.quarantined.push(salvage::quarantine_last(io, dir, &segment)?);
            let salvaged = Segment::open(io, dir, segment.header.first, Access::Write)?;
            // Nothing but intact records and gaps is in it, so this ends after one more round.
            let config = Config { on_corruption: OnCorruption::Refuse, ..*config };
            return find_end(io, dir, &config, salvaged, report);
        }
        report.cut_bytes = torn_to - at;
        report.kept_tail = keep_tail(io, dir, &mut walk, torn_to)?;
        segment.cut(at, size)?;
    }
    if let Some(commit) = last_commit {
        let len = usize::try_from(commit.end - commit.offset).unwrap_or(usize::MAX);
        let bytes = walk.window().get(commit.offset, commit.offset, len)?;
        segment.file.write_at(bytes, commit.offset).map_err(during("write", &segment.path))?;
        segment.file.sync_data().map_err(during("sync", &segment.path))?;
    }
    // Behind a gap the head is that of the last marker, or of the segment's start.
    let position = Position { next: walk.next, head: walk.last_head(), hlc: walk.hlc };
    Ok(End { at: walk.at, size, position, segment })
}

fn walk_to_end(walk: &mut Walk) -> Result<(Option<Commit>, Bad), FileError> {
    let mut last_commit = None;
    loop {
        match walk.step()? {
            Step::Commit(commit) => last_commit = Some(commit),
            Step::Gap(_) => {}
            Step::Bad(bad) => return Ok((last_commit, bad)),
        }
    }
}

/// Keeps a small torn tail for whoever wants to know what was lost; gives where.
fn keep_tail(io: &dyn Io, dir: &Path, walk: &mut Walk, torn_to: u64) -> Result<Option<PathBuf>, FileError> {
    let from = walk.at;
    if torn_to - from > TAIL_BYTES_MAX {
        return Ok(None);
    }
    let quarantine = dir.join(QUARANTINE);
    io.create_dir(&quarantine).map_err(during("create", &quarantine))?;
    let names = io.list(&quarantine).map_err(during("list", &quarantine))?;
    let mut tails: Vec<_> = names.into_iter().filter(|name| name.ends_with(TAIL_SUFFIX)).collect();
    tails.sort_unstable();
    for name in tails.iter().take((tails.len() + 1).saturating_sub(TAILS_MAX)) {
        let path = quarantine.join(name);
        io.remove(&path).map_err(during("remove", &path))?;
    }
    let path = quarantine.join(format!("{:020}{TAIL_SUFFIX}", walk.next));
    let len = usize::try_from(torn_to - from).unwrap_or(usize::MAX);
    let bytes = walk.window().get(from, from, len)?;
    // Never acknowledged, so a copy that does not fit on the disk is no loss.
    let kept = io.create(&path).and_then(|file| file.write_at(bytes, 0));
    match kept {
        Ok(()) => Ok(Some(path)),
        Err(error) if crate::io::is_no_space(&error) => {
            // What was written of it may go or stay.
            let _ = io.remove(&path);
            Ok(None)
        }
        Err(error) => Err(during("keep", &path)(error)),
    }
}
