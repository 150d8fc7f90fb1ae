//! Taking damage out of a segment: the file is kept whole in `quarantine/`, and a segment takes its place that holds
//! the intact records and, where the damage was, a gap.
//!
//! Guards invariant 1 in its weaker form: what cannot be read is named, first to last, and never passed over.

use crate::{
    control::{Control, Gap},
    io::{Access, FileError, Io, IoFile, during},
    recovery::QUARANTINE,
    segment::{Draft, RECORDS_FROM, Segment, SegmentError},
    walk::{Step, Walk},
};
use std::{
    ops::Range,
    path::{Path, PathBuf},
};

const CHUNK_BYTES: usize = 128 * 1024;
/// How often one segment can be quarantined before a person has to look.
const COPIES_MAX: u32 = 100;

/// A damaged segment that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The segment's file name.
    pub segment: String,
    /// Where it is kept as it was.
    pub file: PathBuf,
    /// What is missing in the segment that took its place.
    pub gaps: Vec<Gap>,
}

/// Why a segment was not set aside.
#[derive(Debug, thiserror::Error)]
pub enum QuarantineError {
    /// The last segment is in use.
    #[error("record {seq} is in the last segment, or nowhere; opening the journal deals with damage there")]
    Active {
        /// The sequence number that was asked for.
        seq: u64,
    },
    /// There is no damage.
    #[error("segment `{segment}` is not damaged")]
    Intact {
        /// The segment's file name.
        segment: String,
    },
    /// The segment's header cannot be used, and without it none of its records.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// The machine refused something.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What the new segment is made of, in order.
#[derive(Debug)]
enum Piece {
    Intact(Range<u64>),
    Gap(Gap),
}

/// Sets a segment aside that is followed by the segment from `next` on.
pub(crate) fn quarantine_sealed(
    io: &dyn Io,
    dir: &Path,
    first: u64,
    next: u64,
) -> Result<Quarantined, QuarantineError> {
    let segment = Segment::open(io, dir, first, Access::Read)?;
    let pieces = plan(&segment, Some(next))?;
    if segment.bad_header.is_none() && !pieces.iter().any(|piece| matches!(piece, Piece::Gap(_))) {
        return Err(QuarantineError::Intact { segment: segment.name });
    }
    Ok(replace(io, dir, &segment, pieces)?)
}

/// Sets the last segment aside; what is torn at its end stays out of the new one.
pub(crate) fn quarantine_last(io: &dyn Io, dir: &Path, segment: &Segment) -> Result<Quarantined, FileError> {
    replace(io, dir, segment, plan(segment, None)?)
}

/// Finds what is intact and what is lost. Gaps that are there already count as intact.
fn plan(segment: &Segment, next: Option<u64>) -> Result<Vec<Piece>, FileError> {
    let mut walk = Walk::new(segment)?;
    let mut pieces = Vec::new();
    let mut from = RECORDS_FROM;
    let gap = |first, last, offset| Piece::Gap(Gap { first, last, file: String::new(), offset });
    loop {
        let Step::Bad(bad) = walk.step()? else { continue };
        if next == Some(walk.next) {
            pieces.push(Piece::Intact(from..walk.at));
            return Ok(pieces);
        }
        if next.is_none() && !walk.was_acknowledged(&bad)? {
            pieces.push(Piece::Intact(from..walk.at));
            return Ok(pieces);
        }
        pieces.push(Piece::Intact(from..bad.offset));
        match walk.resync(&bad)? {
            Some(lost) => {
                pieces.push(gap(lost.first, lost.last, bad.offset));
                from = lost.resume;
            }
            None => {
                let last = next.map_or(bad.seq, |next| next) - 1;
                pieces.push(gap(bad.seq, last, bad.offset));
                return Ok(pieces);
            }
        }
    }
}

fn replace(io: &dyn Io, dir: &Path, segment: &Segment, pieces: Vec<Piece>) -> Result<Quarantined, FileError> {
    let (file, name) = keep(io, dir, segment)?;
    let draft = Draft::new(io, dir, segment.header)?;
    match fill(&draft, segment, pieces, &name) {
        Ok(gaps) => {
            draft.publish()?;
            Ok(Quarantined { segment: segment.name.clone(), file, gaps })
        }
        Err(error) => {
            draft.discard();
            Err(error)
        }
    }
}

fn fill(draft: &Draft<'_>, segment: &Segment, pieces: Vec<Piece>, kept: &str) -> Result<Vec<Gap>, FileError> {
    let salt = segment.header.salt();
    let (mut at, mut gaps) = (RECORDS_FROM, Vec::new());
    for piece in pieces {
        match piece {
            Piece::Intact(range) => {
                let bytes = range.end - range.start;
                copy(segment.file.as_ref(), &segment.path, range, draft.file.as_ref(), &draft.path, at)?;
                at += bytes;
            }
            Piece::Gap(gap) => {
                let gap = Gap { file: kept.into(), ..gap };
                let mut bytes = Vec::new();
                Control::Gap(gap.clone()).encode(&mut bytes, salt, segment.header.hlc);
                draft.file.write_at(&bytes, at).map_err(during("write", &draft.path))?;
                at += bytes.len() as u64;
                gaps.push(gap);
            }
        }
    }
    // A gap may be longer than the damage that it stands for.
    let size = segment.size()?.max(at);
    draft.file.allocate(size).map_err(during("allocate", &draft.path))?;
    Ok(gaps)
}

/// Copies the file into `quarantine/` under a name of its own, durably.
fn keep(io: &dyn Io, dir: &Path, segment: &Segment) -> Result<(PathBuf, String), FileError> {
    let quarantine = dir.join(QUARANTINE);
    io.create_dir(&quarantine).map_err(during("create", &quarantine))?;
    let taken = io.list(&quarantine).map_err(during("list", &quarantine))?;
    let name = (1..=COPIES_MAX)
        .map(|copy| format!("{}.{copy}", segment.name))
        .find(|name| !taken.contains(name))
        .ok_or_else(|| std::io::Error::other(format!("there are {COPIES_MAX} copies of it already")))
        .map_err(during("quarantine", &segment.path))?;
    let path = quarantine.join(&name);
    let file = io.create(&path).map_err(during("create", &path))?;
    let copied = copy(segment.file.as_ref(), &segment.path, 0..segment.size()?, file.as_ref(), &path, 0)
        .and_then(|()| file.sync_data().map_err(during("sync", &path)));
    if let Err(error) = copied {
        // Half a copy is of no use and takes the room that was missing.
        let _ = io.remove(&path);
        return Err(error);
    }
    io.sync_dir(&quarantine).map_err(during("sync", &quarantine))?;
    io.sync_dir(dir).map_err(during("sync", dir))?;
    Ok((path, name))
}

fn copy(
    from: &dyn IoFile,
    from_path: &Path,
    range: Range<u64>,
    to: &dyn IoFile,
    to_path: &Path,
    mut at: u64,
) -> Result<(), FileError> {
    let mut buffer = vec![0; CHUNK_BYTES];
    let Range { start: mut offset, end } = range;
    while offset < end {
        let wanted = usize::try_from(end - offset).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        let chunk = buffer.get_mut(..wanted).unwrap_or_default();
        let read = from.read_at(chunk, offset).map_err(during("read", from_path))?;
        if read == 0 {
            break;
        }
        to.write_at(chunk.get(..read).unwrap_or_default(), at).map_err(during("write", to_path))?;
        offset += read as u64;
        at += read as u64;
    }
    Ok(())
}
