//! Reading batches back: one after the other without a search, any other one from its place in the index.

use crate::{
    error::ReadError,
    form::{Kept, SEALED},
    log::ClassLog,
};
use aisle_journal::Reader;
use aisle_protocol::{Epoch, Head, Point};

/// Where a reader of a class stands.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    /// The reader, the epoch, and the number after which the next batch begins.
    at: Option<(Reader, Epoch, u64)>,
}

impl Shelf {
    /// The batch that holds the event after a number, and its record; `None` when it is not there, or no longer.
    pub(crate) fn batch_after(&mut self, log: &ClassLog, seq: u64) -> Result<Option<(u64, Kept)>, ReadError> {
        let (epoch, place) = {
            let index = log.index();
            (index.log.epoch, index.after(seq))
        };
        let Some(place) = place else { return Ok(None) };
        let mut reader = match self.at.take() {
            Some((reader, of, next)) if of == epoch && next == seq => reader,
            _ => match log.journal.read(place.record) {
                Ok(reader) => reader,
                // Trimmed since the look at the index.
                Err(aisle_journal::ReadError::Trimmed { .. }) => return Ok(None),
                Err(error) => return Err(error.into()),
            },
        };
        for record in reader.by_ref() {
            let record = match record {
                Ok(record) => record,
                Err(aisle_journal::ReadError::Trimmed { .. }) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            if record.kind != SEALED {
                continue;
            }
            let kept = Kept::parse(&record.payload).map_err(|error| ReadError::record(record.seq, &error))?;
            let header = kept.batch.header();
            let (of, end) = (header.epoch, header.end().seq);
            if of != epoch || end <= seq {
                continue;
            }
            if header.start().seq > seq {
                return Ok(None);
            }
            self.at = Some((reader, epoch, end));
            return Ok(Some((record.seq, kept)));
        }
        Ok(None)
    }

    /// The head at a number.
    pub(crate) fn head_at(&mut self, log: &ClassLog, seq: u64) -> Result<Option<Head>, ReadError> {
        let known = {
            let index = log.index();
            let ends = [index.floor(), index.acked, index.last];
            if seq < index.floor().seq || seq > index.last.seq {
                return Ok(None);
            }
            let place = index.after(seq).map(|place| place.start);
            ends.into_iter().chain(place).find(|point| point.seq == seq).map(|point| point.head)
        };
        if known.is_some() {
            return Ok(known);
        }
        let Some((record, kept)) = self.batch_after(log, seq)? else { return Ok(None) };
        if kept.batch.header().start().seq == seq {
            return Ok(Some(kept.batch.header().before));
        }
        let checked = kept.batch.check().map_err(|source| ReadError::Batch { record, source })?;
        Ok(checked.head_at(seq))
    }

    /// Places after a number and through another, evenly spread: ends of batches while there are any in between, else single events.
    pub(crate) fn points(
        &mut self,
        log: &ClassLog,
        after: u64,
        through: u64,
        points_max: usize,
    ) -> Result<Vec<Point>, ReadError> {
        let (after, through, ends) = {
            let index = log.index();
            let (after, through) = (after.max(index.floor().seq), through.min(index.last.seq));
            let within = |point: &Point| point.seq > after && point.seq <= through;
            let ends: Vec<Point> = index.places().map(|place| place.end).filter(within).collect();
            (after, through, ends)
        };
        if !ends.is_empty() || after >= through {
            return Ok(spread(ends, points_max));
        }
        // Between two neighbours in the index: batches that share a place, or one batch.
        let mut ends = Vec::new();
        let mut at = after;
        while let Some((record, kept)) = self.batch_after(log, at)? {
            let end = kept.batch.header().end();
            if end.seq > through {
                if ends.is_empty() {
                    let checked = kept.batch.check().map_err(|source| ReadError::Batch { record, source })?;
                    let point = |seq| checked.head_at(seq).map(|head| Point { seq, head });
                    ends = (after + 1..=through).filter_map(point).collect();
                }
                break;
            }
            ends.push(end);
            at = end.seq;
        }
        Ok(spread(ends, points_max))
    }
}

/// So many of them, the last one among them.
fn spread(points: Vec<Point>, points_max: usize) -> Vec<Point> {
    let count = points.len();
    if count <= points_max {
        return points;
    }
    let wanted = (1..=points_max).map(|part| part * count / points_max.max(1));
    wanted.filter_map(|nth| points.get(nth.checked_sub(1)?).copied()).collect()
}
