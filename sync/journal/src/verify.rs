//! Verification: reads everything, believes nothing, reports each damage and goes on behind it.
//!
//! [`verify`] and [`stats`] work on files alone and take no lock, for tools beside a running node.

use crate::{
    chain::Head,
    control::Gap,
    damage::{Damage, Problem},
    io::{Access, FileError, Io},
    reader::judge_tail,
    record::Malformed,
    segment::{self, Segment, SegmentError},
    walk::{Bad, Step, Walk},
};
use std::path::Path;

/// What is in a journal, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Segments read.
    pub segments: u64,
    /// Intact records.
    pub records: u64,
    /// The first sequence number; 0 when there are no segments.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// The chain's head after it.
    pub head: Head,
    /// Gaps that quarantine left.
    pub gaps: Vec<Gap>,
    /// What is damaged now.
    pub damages: Vec<Damage>,
    /// Bytes at the end that are no whole commit: torn, or being written at this moment.
    pub tail_bytes: u64,
}

impl Verified {
    /// True when nothing is damaged. Gaps that were dealt with do not count.
    #[must_use]
    pub const fn is_intact(&self) -> bool {
        self.damages.is_empty()
    }
}

/// Why verification could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A segment does not open.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// The machine refused something.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Checks the journal in a directory.
///
/// # Errors
/// When a file cannot be read. Damage is no error: it is in the answer.
pub fn verify(dir: &Path, io: &dyn Io) -> Result<Verified, VerifyError> {
    verify_segments(dir, io, &segment::list(io, dir)?, None)
}

/// What is in a journal's directory, without reading all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// What sets the journal apart from every other one; `None` when there are no segments.
    pub id: Option<[u8; 16]>,
    /// How many segments there are.
    pub segments: u64,
    /// The sizes of their files together.
    pub bytes: u64,
    /// The first sequence number; 0 when there are no segments.
    pub first: u64,
    /// The last one, as far as the last segment is intact.
    pub last: u64,
    /// The chain's head after it.
    pub head: Head,
}

/// Reads the last segment and the sizes of the others.
///
/// # Errors
/// When a file cannot be read or a header is damaged.
pub fn stats(dir: &Path, io: &dyn Io) -> Result<Stats, VerifyError> {
    let firsts = segment::list(io, dir)?;
    let mut stats = Stats {
        segments: firsts.len() as u64,
        first: firsts.first().copied().unwrap_or_default(),
        ..Stats::default()
    };
    let mut last = None;
    for first in firsts {
        let segment = Segment::open(io, dir, first, Access::Read)?;
        stats.bytes += segment.size()?;
        last = Some(segment);
    }
    if let Some(segment) = last {
        let mut walk = Walk::new(&segment)?;
        while !matches!(walk.step()?, Step::Bad(_)) {}
        stats.id = Some(segment.header.journal);
        stats.last = walk.next - 1;
        stats.head = walk.last_head();
    }
    Ok(stats)
}

/// The chain's head before a record, or after the last one when that is asked for with `last + 1`; `None` when the journal has
/// no such record, or does not know the head there because records before it were lost. Reads the record's segment up to it.
///
/// # Errors
/// When a file cannot be read or a header is damaged.
pub fn head_before(dir: &Path, io: &dyn Io, seq: u64) -> Result<Option<Head>, VerifyError> {
    let firsts = segment::list(io, dir)?;
    let Some(first) = firsts.into_iter().rev().find(|first| *first <= seq) else { return Ok(None) };
    let mut walk = Walk::new(&Segment::open(io, dir, first, Access::Read)?)?;
    loop {
        let mark = walk.mark();
        if walk.next == seq {
            return Ok(walk.head());
        }
        match walk.step()? {
            Step::Commit(commit) if commit.last() >= seq => return Ok(walk.head_within(mark, seq)?),
            Step::Commit(_) => {}
            Step::Gap(_) if walk.next > seq => return Ok(None),
            Step::Gap(_) => {}
            Step::Bad(_) => return Ok(None),
        }
    }
}

/// Where a segment left off, for the next one to follow from.
struct Before {
    first: u64,
    head: Option<Head>,
}

/// `durable` is the last record to look at when a commit thread is at work behind it.
pub(crate) fn verify_segments(
    dir: &Path,
    io: &dyn Io,
    firsts: &[u64],
    durable: Option<u64>,
) -> Result<Verified, VerifyError> {
    let mut verified = Verified { first: firsts.first().copied().unwrap_or_default(), ..Verified::default() };
    let mut before: Option<Before> = None;
    for (index, first) in firsts.iter().enumerate() {
        let segment = match Segment::open(io, dir, *first, Access::Read) {
            Ok(segment) => segment,
            Err(SegmentError::Damaged { segment }) => {
                verified.damages.push(Damage { segment, offset: 0, seq: *first, problem: Problem::Header });
                before = None;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        verified.segments += 1;
        let mut walk = Walk::new(&segment)?;
        if let Some(offset) = segment.bad_header {
            verified.damages.push(walk.damage(offset, *first, Problem::HeaderCopy));
        }
        let joins = before.is_none_or(|before| {
            before.first == segment.header.previous
                && before.head.is_none_or(|head| head == segment.header.head)
        });
        if !joins {
            verified.damages.push(walk.damage(0, *first, Problem::Join));
        }
        match firsts.get(index + 1) {
            Some(next) => verify_sealed(&mut walk, *next, &mut verified)?,
            None => verify_last(&mut walk, durable, &mut verified)?,
        }
        before = Some(Before { first: *first, head: walk.head() });
        verified.last = walk.next - 1;
        verified.head = walk.last_head();
    }
    Ok(verified)
}

fn verify_sealed(walk: &mut Walk, next: u64, verified: &mut Verified) -> Result<(), FileError> {
    while let Some(bad) = walk_intact(walk, None, verified)? {
        if walk.next == next {
            break;
        }
        if !report(walk, &bad, Some(next), verified)? {
            break;
        }
    }
    Ok(())
}

fn verify_last(walk: &mut Walk, durable: Option<u64>, verified: &mut Verified) -> Result<(), FileError> {
    while let Some(bad) = walk_intact(walk, durable, verified)? {
        if durable.is_none() {
            let from = walk.at;
            let torn_to = walk.window().last_nonzero(from)?;
            match judge_tail(walk, &bad)? {
                Some(bad) if report(walk, &bad, None, verified)? => continue,
                Some(_) => {}
                None => verified.tail_bytes = torn_to.map_or(0, |torn_to| torn_to - from),
            }
            break;
        }
        if !report(walk, &bad, None, verified)? {
            break;
        }
    }
    Ok(())
}

/// Counts what is intact; gives what is not, or `None` behind the last durable record.
fn walk_intact(
    walk: &mut Walk,
    durable: Option<u64>,
    verified: &mut Verified,
) -> Result<Option<Bad>, FileError> {
    loop {
        if durable.is_some_and(|durable| walk.next > durable) {
            return Ok(None);
        }
        match walk.step()? {
            Step::Commit(commit) => verified.records += commit.records(),
            Step::Gap(gap) => verified.gaps.push(gap),
            Step::Bad(bad) => return Ok(Some(bad)),
        }
    }
}

/// Notes damage and moves behind it; false when nothing intact follows.
fn report(walk: &mut Walk, bad: &Bad, next: Option<u64>, verified: &mut Verified) -> Result<bool, FileError> {
    let moved = walk.resync(bad)?.is_some();
    let problem = match (next, bad.problem) {
        (Some(_), Problem::Record(Malformed::Blank)) if !moved => Problem::Ends { expected: bad.seq },
        (_, problem) => problem,
    };
    verified.damages.push(walk.damage(bad.offset, bad.seq, problem));
    if bad.problem != Problem::Chain {
        // Whole records of the commit in front of the damage.
        verified.records += bad.seq - bad.commit_first;
    }
    Ok(moved)
}
