//! What people ask afterwards, beside a running node or without one: which receipts went with what, and what a policy would let out.

use crate::{
    error::ReadError,
    form::{ACKED, Acked, FormError, Kept, SEALED, STATE, State},
};
use aisle_event::{Event, EventType, Hlc, LogClass};
use aisle_journal::{Io, Reader, Veil, VerifyError, read_only_with, stats};
use aisle_protocol::{Batch, Epoch, Header};
use aisle_residency::{Policy, Receipt, Region};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// A batch that is kept, with its receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// When it was sealed, in milliseconds since 1970.
    pub sealed_ms: u64,
    /// What stands before the batch's body.
    pub header: Header,
    /// What the batch takes on its way, in bytes.
    pub bytes: usize,
    /// The receipt that went with it.
    pub receipt: Receipt,
}

/// The receipts of a class, in order.
#[derive(Debug)]
pub struct Receipts {
    reader: Reader,
    from: u64,
}

/// Reads the receipts of a class of the outbox in a directory, from a number on, as far as their batches are kept.
///
/// # Errors
/// When the class cannot be read.
pub fn receipts(dir: &Path, io: Arc<dyn Io>, class: LogClass, from: u64) -> Result<Receipts, ReadError> {
    let dir = dir.join(format!("p{}", class.number()));
    Ok(Receipts { reader: first_kept(&dir, io, None, 1)?, from })
}

/// The batches of a class, in order, as they travel.
#[derive(Debug)]
pub struct Batches {
    reader: Reader,
}

/// Reads the batches of a class of the outbox in a directory that are kept, for who carries them by hand. The hub may have some of them.
///
/// # Errors
/// When the class cannot be read.
pub fn batches(dir: &Path, io: Arc<dyn Io>, class: LogClass) -> Result<Batches, ReadError> {
    let dir = dir.join(format!("p{}", class.number()));
    Ok(Batches { reader: first_kept(&dir, io, None, 1)? })
}

impl Iterator for Batches {
    type Item = Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let record = match self.reader.next()? {
                Ok(record) => record,
                Err(error) => return Some(Err(error.into())),
            };
            if record.kind == SEALED {
                let read = Kept::parse(&record.payload).map(|kept| kept.batch);
                let unread = |reason: String| ReadError::Record { record: record.seq, reason };
                return Some(read.map_err(|error| unread(error.to_string())));
            }
        }
    }
}

/// The batches of a class that no hub is known to have, in order, as they travel.
#[derive(Debug)]
pub struct Waiting {
    batches: Batches,
    /// The last event that the hub is known to have, by epoch.
    acked: BTreeMap<Epoch, u64>,
}

/// Reads the batches of a class of the outbox in a directory that wait for a hub, for who carries them by hand. What was acknowledged a moment ago may be among them.
///
/// # Errors
/// When the class cannot be read.
pub fn waiting(dir: &Path, io: Arc<dyn Io>, class: LogClass) -> Result<Waiting, ReadError> {
    let of_class = dir.join(format!("p{}", class.number()));
    let mut acked: BTreeMap<Epoch, u64> = BTreeMap::new();
    for record in first_kept(&of_class, io.clone(), None, 1)? {
        let record = record?;
        let told = |error: minicbor::decode::Error| ReadError::record(record.seq, &FormError::from(error));
        match record.kind {
            STATE => {
                let state: State = minicbor::decode(&record.payload).map_err(told)?;
                acked = state.past.iter().map(|past| (past.epoch, past.end.seq)).collect();
                acked.insert(state.epoch, state.acked.seq);
            }
            ACKED => {
                let Acked { epoch, through } = minicbor::decode(&record.payload).map_err(told)?;
                acked.insert(epoch, through.seq);
            }
            _ => {}
        }
    }
    Ok(Waiting { batches: batches(dir, io, class)?, acked })
}

impl Iterator for Waiting {
    type Item = Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let acked = &self.acked;
        self.batches.by_ref().find(|batch| {
            batch.as_ref().map_or(true, |batch| {
                let header = batch.header();
                acked.get(&header.epoch).is_none_or(|acked| header.end().seq > *acked)
            })
        })
    }
}

/// From a record on, or from the first one that was not trimmed.
fn first_kept(
    dir: &Path,
    io: Arc<dyn Io>,
    veil: Option<Arc<dyn Veil>>,
    from: u64,
) -> Result<Reader, aisle_journal::ReadError> {
    match read_only_with(dir, io.clone(), veil.clone(), from) {
        Err(aisle_journal::ReadError::Trimmed { first, .. }) => read_only_with(dir, io, veil, first),
        other => other,
    }
}

impl Iterator for Receipts {
    type Item = Result<Issued, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let record = match self.reader.next()? {
                Ok(record) => record,
                Err(error) => return Some(Err(error.into())),
            };
            if record.kind != SEALED {
                continue;
            }
            let read = Kept::parse(&record.payload).map_err(|error| error.to_string()).and_then(|kept| {
                let receipt = Receipt::decode(&kept.receipt).map_err(|error| error.to_string())?;
                let (header, bytes) = (*kept.batch.header(), kept.batch.bytes().len());
                Ok(Issued { sealed_ms: record.hlc.ms(), header, bytes, receipt })
            });
            match read {
                Ok(issued) if issued.receipt.number < self.from => {}
                Ok(issued) => return Some(Ok(issued)),
                Err(reason) => return Some(Err(ReadError::Record { record: record.seq, reason })),
            }
        }
    }
}

/// How far a dry run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Records of the journal that were looked at.
    pub read: u64,
    /// How many there are.
    pub total: u64,
}

/// What a policy would let out of a journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DryRun {
    /// Field by field.
    pub run: aisle_residency::DryRun,
    /// Records that are no event that can be read.
    pub undecodable: u64,
    /// Records that are damaged or were taken out.
    pub missing: u64,
}

/// Why a journal cannot be gone through.
#[derive(Debug, thiserror::Error)]
pub enum DryRunError {
    /// Its directory cannot be read.
    #[error(transparent)]
    Stats(#[from] VerifyError),
    /// Its records cannot be read.
    #[error(transparent)]
    Read(#[from] aisle_journal::ReadError),
}

/// How often progress is told, in records.
const PROGRESS_RECORDS: u64 = 8_192;

/// Says what a policy would let out to a region of all that the journal in a directory holds since a time (milliseconds since 1970, by the
/// journal's own times). The policy need not be signed. What lies sealed counts as it is when `veil` opens it, and as absent otherwise.
///
/// # Errors
/// When the journal cannot be read. Damaged records that were set aside are counted.
pub fn dry_run(
    dir: &Path,
    (io, veil): (Arc<dyn Io>, Option<Arc<dyn Veil>>),
    policy: &Policy,
    to: &Region,
    since_ms: u64,
    mut progress: impl FnMut(Progress),
) -> Result<DryRun, DryRunError> {
    let known = stats(dir, io.as_ref())?;
    let total = known.last.saturating_sub(known.first.saturating_sub(1));
    let mut reader = first_kept(dir, io, veil, known.first.max(1))?;
    let mut out = DryRun::default();
    let (mut read, mut broken) = (0, None);
    let events = std::iter::from_fn(|| {
        loop {
            let record = match reader.next()? {
                Ok(record) => record,
                Err(aisle_journal::ReadError::Gap { first, last, .. }) => {
                    out.missing += last.saturating_add(1).saturating_sub(first);
                    reader.continue_after_gap();
                    continue;
                }
                Err(error) => {
                    broken = Some(error);
                    return None;
                }
            };
            read += 1;
            if read % PROGRESS_RECORDS == 0 {
                progress(Progress { read, total });
            }
            if record.hlc.ms() < since_ms {
                continue;
            }
            match Event::decode(EventType(record.kind), &record.payload) {
                Ok(event) => return Some(event),
                Err(_) => out.undecodable += 1,
            }
        }
    });
    let run = aisle_residency::dry_run(events, policy, to);
    if let Some(error) = broken {
        return Err(error.into());
    }
    progress(Progress { read, total });
    out.run = run;
    Ok(out)
}

/// The event in a record of the journal in a directory, and its time, for an explanation of what would become of it; `None` when there is no
/// such record, or none that can be read as an event.
///
/// # Errors
/// When the journal cannot be read there.
pub fn event_at(
    dir: &Path,
    (io, veil): (Arc<dyn Io>, Option<Arc<dyn Veil>>),
    record: u64,
) -> Result<Option<(Hlc, Event)>, aisle_journal::ReadError> {
    let Some(found) = read_only_with(dir, io, veil, record)?.next() else { return Ok(None) };
    let found = found?;
    let event = Event::decode(EventType(found.kind), &found.payload).ok();
    Ok(event.filter(|_| found.seq == record).map(|event| (found.hlc, event)))
}
