//! Walking a segment commit by commit: the one place that decides what counts as committed.
//!
//! A commit counts when its records are whole, in sequence, and its marker holds the head that the chain gives. Behind
//! a gap the head is unknown until the next marker, which is then believed. Recovery, readers, verification and
//! salvage all walk; they differ in what they do about [`Step::Bad`].
//!
//! Not here: whether a bad commit was acknowledged (`recovery`), where the next segment is (`reader`).

use crate::{
    chain::{Chain, Head},
    control::{self, Control, Gap},
    damage::{Damage, Problem},
    io::FileError,
    record::{self, HEADER_BYTES, Header, Record, Salt},
    segment::{RECORDS_FROM, Segment},
    window::Window,
};
use aisle_event::Hlc;
use bytes::Bytes;
use std::ops::Range;

#[derive(Debug)]
pub(crate) struct Walk {
    window: Window,
    segment: String,
    salt: Salt,
    chain: Chain,
    /// False between a gap and the next marker.
    chained: bool,
    /// Where the next commit starts.
    pub(crate) at: u64,
    /// The next sequence number.
    pub(crate) next: u64,
    /// The hybrid time of the last record.
    pub(crate) hlc: Hlc,
}

/// A place between two commits, to come back to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    at: u64,
    next: u64,
    head: Head,
    chained: bool,
    hlc: Hlc,
}

/// A record of a commit; its payload is a range of the commit's bytes.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    header: Header,
    payload: Range<usize>,
}

/// Records that were committed together. What is left of a commit in front of a gap stands alone.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) offset: u64,
    pub(crate) end: u64,
    pub(crate) first: u64,
    spans: Vec<Span>,
}

impl Commit {
    pub(crate) fn last(&self) -> u64 {
        self.first + self.records() - 1
    }

    pub(crate) fn records(&self) -> u64 {
        self.spans.len() as u64
    }
}

/// Bytes that are no committed record: the end of the journal, a torn tail, or damage.
#[derive(Debug, Clone)]
pub(crate) struct Bad {
    pub(crate) offset: u64,
    /// The first sequence number that cannot be read.
    pub(crate) seq: u64,
    /// The first sequence number of the commit that does not count.
    pub(crate) commit_first: u64,
    pub(crate) problem: Problem,
    /// Where to go on, when that is known: the offset behind the commit and the next sequence number.
    resume: Option<(u64, u64)>,
}

/// What the walk came upon.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Commit(Commit),
    Gap(Gap),
    Bad(Bad),
}

/// Records between damage and the next intact byte.
#[derive(Debug, Clone)]
pub(crate) struct Lost {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) resume: u64,
}

impl Walk {
    pub(crate) fn new(segment: &Segment) -> Result<Self, FileError> {
        let header = &segment.header;
        Ok(Self {
            window: Window::new(segment.file.clone(), segment.path.clone())?,
            segment: segment.name.clone(),
            salt: header.salt(),
            chain: Chain::after(header.head),
            chained: true,
            at: RECORDS_FROM,
            next: header.first,
            hlc: header.hlc,
        })
    }

    pub(crate) const fn window(&mut self) -> &mut Window {
        &mut self.window
    }

    /// The chain's head after what was walked; `None` behind a gap.
    pub(crate) fn head(&self) -> Option<Head> {
        self.chained.then(|| self.chain.head())
    }

    /// The head to go on with; behind a gap it stands for less than everything before it.
    pub(crate) const fn last_head(&self) -> Head {
        self.chain.head()
    }

    pub(crate) fn damage(&self, offset: u64, seq: u64, problem: Problem) -> Damage {
        Damage { segment: self.segment.clone(), offset, seq, problem }
    }

    /// Goes over one commit or gap. A bad step leaves the walk in front of the commit that does not count.
    pub(crate) fn step(&mut self) -> Result<Step, FileError> {
        loop {
            let head = self.chain.head();
            let step = self.walk_commit();
            if !matches!(step, Ok(None | Some(Step::Commit(_) | Step::Gap(_)))) {
                self.chain.resume(head);
            }
            if let Some(step) = step? {
                return Ok(step);
            }
        }
    }

    /// `None` for the marker of a commit whose records are all in the gap before it.
    fn walk_commit(&mut self) -> Result<Option<Step>, FileError> {
        let mut commit = Commit { offset: self.at, end: self.at, first: self.next, spans: Vec::new() };
        let mut hlc = self.hlc;
        loop {
            let at = commit.end;
            let next = commit.first + commit.records();
            let bad = |seq, offset, problem, resume| {
                Ok(Some(Step::Bad(Bad { offset, seq, commit_first: commit.first, problem, resume })))
            };
            let bytes = read_record(&mut self.window, commit.offset, at)?;
            let frame = match record::decode(bytes, self.salt) {
                Ok(frame) => frame,
                Err(problem) => return bad(next, at, Problem::Record(problem), None),
            };
            let header = frame.header;
            let end = at + header.record_bytes();
            if header.kind != control::KIND {
                if header.seq != next {
                    let problem = Problem::Sequence { expected: next, found: header.seq };
                    return bad(next, at, problem, None);
                }
                self.chain.push(frame.chained);
                let payload_end = usize::try_from(end - commit.offset).unwrap_or(usize::MAX);
                commit.spans.push(Span { header, payload: payload_end - frame.payload.len()..payload_end });
                commit.end = end;
                hlc = hlc.max(header.hlc);
                continue;
            }
            match Control::decode(header.seq, frame.payload) {
                None => return bad(next, at, Problem::Control, None),
                Some(Control::Gap(gap)) => {
                    if gap.first != next {
                        let problem = Problem::Sequence { expected: next, found: gap.first };
                        return bad(next, at, problem, None);
                    }
                    self.hlc = hlc;
                    self.next = next;
                    self.at = at;
                    if !commit.spans.is_empty() {
                        return Ok(Some(Step::Commit(commit)));
                    }
                    self.at = end;
                    self.next = gap.last + 1;
                    self.chained = false;
                    return Ok(Some(Step::Gap(gap)));
                }
                Some(Control::Marker(marker)) if self.chained => {
                    if marker.first != commit.first || marker.last + 1 != next {
                        return bad(next, at, Problem::Marker, None);
                    }
                    if marker.head != self.chain.head() {
                        return bad(commit.first, commit.offset, Problem::Chain, Some((end, next)));
                    }
                }
                Some(Control::Marker(marker)) => {
                    if marker.last + 1 != next {
                        return bad(next, at, Problem::Marker, None);
                    }
                    self.chain.resume(marker.head);
                    self.chained = true;
                }
            }
            self.at = end;
            self.next = next;
            self.hlc = hlc;
            commit.end = end;
            return Ok((!commit.spans.is_empty()).then_some(Step::Commit(commit)));
        }
    }

    /// Remembers where the walk is.
    pub(crate) const fn mark(&self) -> Mark {
        Mark { at: self.at, next: self.next, head: self.chain.head(), chained: self.chained, hlc: self.hlc }
    }

    /// The chain's head before a record of the commit that begins at a mark; `None` when the head there is not known.
    pub(crate) fn head_within(&mut self, mark: Mark, seq: u64) -> Result<Option<Head>, FileError> {
        if !mark.chained {
            return Ok(None);
        }
        let (mut chain, mut at) = (Chain::after(mark.head), mark.at);
        loop {
            let bytes = read_record(&mut self.window, at, at)?;
            let Ok(frame) = record::decode(bytes, self.salt) else { return Ok(None) };
            if frame.header.kind != control::KIND {
                if frame.header.seq >= seq {
                    return Ok((frame.header.seq == seq).then(|| chain.head()));
                }
                chain.push(frame.chained);
            }
            at += frame.header.record_bytes();
        }
    }

    /// Goes back to where the walk was.
    pub(crate) const fn rewind(&mut self, mark: Mark) {
        let Mark { at, next, head, chained, hlc } = mark;
        self.at = at;
        self.next = next;
        self.chain.resume(head);
        self.chained = chained;
        self.hlc = hlc;
    }

    /// The commit's records, which share one copy of its bytes.
    pub(crate) fn records(
        &mut self,
        commit: &Commit,
    ) -> Result<impl Iterator<Item = Record> + use<>, FileError> {
        let len = usize::try_from(commit.end - commit.offset).unwrap_or(usize::MAX);
        let bytes = Bytes::copy_from_slice(self.window.get(commit.offset, commit.offset, len)?);
        Ok(commit.spans.clone().into_iter().map(move |Span { header, payload }| Record {
            seq: header.seq,
            hlc: header.hlc,
            kind: header.kind,
            payload: bytes.slice(payload),
        }))
    }

    /// Moves behind damage to the next intact record; `None` when there is none.
    pub(crate) fn resync(&mut self, bad: &Bad) -> Result<Option<Lost>, FileError> {
        let (resume, next) = match bad.resume {
            Some(known) => known,
            None => match self.find(bad.offset + 1, bad.seq)? {
                Some(found) => (found.offset, found.resumes_at),
                None => return Ok(None),
            },
        };
        self.at = resume;
        self.next = next;
        self.chained = false;
        Ok(Some(Lost { first: bad.seq, last: next - 1, resume }))
    }

    /// True when a commit that was made after the bad one is there: then the bad one had been synced.
    pub(crate) fn was_acknowledged(&mut self, bad: &Bad) -> Result<bool, FileError> {
        if bad.problem == Problem::Chain {
            // No torn write leaves records and a marker whole.
            return Ok(true);
        }
        let mut from = bad.offset + 1;
        while let Some(found) = self.find(from, bad.commit_first)? {
            if found.marker_first.is_some_and(|first| first > bad.commit_first) {
                return Ok(true);
            }
            from = found.end;
        }
        Ok(false)
    }

    /// The next intact record at or behind `from` that says something about `seq` or later.
    fn find(&mut self, from: u64, seq: u64) -> Result<Option<Found>, FileError> {
        // No more records than fit can stand between here and the end.
        let plausible = seq..=seq.saturating_add(self.window.size() / HEADER_BYTES as u64);
        let mut at = from;
        loop {
            let Some(header) = Header::parse(self.window.get(at, at, HEADER_BYTES)?) else { return Ok(None) };
            if plausible.contains(&header.seq) && at + header.record_bytes() <= self.window.size() {
                let bytes = read_record(&mut self.window, at, at)?;
                if let Some(found) =
                    record::decode(bytes, self.salt).ok().and_then(|frame| Found::new(at, &frame))
                    && found.resumes_at >= seq
                {
                    return Ok(Some(found));
                }
            }
            at += 1;
            if header.seq == 0 {
                // A record may start with zeros of its own: its length, low byte first.
                let nonzero = self.window.first_nonzero(at)?;
                at = at.max(nonzero.saturating_sub(HEADER_BYTES as u64));
            }
        }
    }
}

struct Found {
    offset: u64,
    end: u64,
    /// The sequence number to go on with at `offset`.
    resumes_at: u64,
    marker_first: Option<u64>,
}

impl Found {
    fn new(offset: u64, frame: &record::Frame<'_>) -> Option<Self> {
        let seq = frame.header.seq;
        let (resumes_at, marker_first) = if frame.header.kind == control::KIND {
            match Control::decode(seq, frame.payload)? {
                Control::Marker(marker) => (seq.checked_add(1)?, Some(marker.first)),
                Control::Gap(gap) => (gap.first, None),
            }
        } else {
            (seq, None)
        };
        Some(Self { offset, end: offset + frame.header.record_bytes(), resumes_at, marker_first })
    }
}

/// The bytes of the record at `at`, or as many as there are; those from `keep` on stay buffered.
fn read_record(window: &mut Window, keep: u64, at: u64) -> Result<&[u8], FileError> {
    let len = match Header::parse(window.get(keep, at, HEADER_BYTES)?) {
        // A length that leads out of the file is no reason to read the rest of it.
        Some(header) if at + header.record_bytes() <= window.size() => header.record_bytes(),
        _ => HEADER_BYTES as u64,
    };
    window.get(keep, at, usize::try_from(len).unwrap_or(usize::MAX))
}
