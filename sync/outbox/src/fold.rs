//! Reading a class back at the start: every record in order, to the state of the last one and an index of the batches.
//!
//! Guards: what does not add up is damage, told with the record, and never gone on with.

use crate::{
    error::ReadError,
    form::{ACKED, Acked, Kept, QUIET, Quiet, SEALED, STATE, State, Stone},
    index::{Index, Place, add_stone},
};
use aisle_event::{LogClass, StoreId};
use aisle_journal::{Journal, Record};
use aisle_protocol::{Epoch, LogId};

/// A class as it was found.
#[derive(Debug)]
pub(crate) struct Folded {
    pub(crate) state: State,
    pub(crate) index: Index,
}

/// Folds records.
#[derive(Debug)]
pub(crate) struct Fold<'a> {
    store: &'a StoreId,
    class: LogClass,
    places_max: usize,
    state: Option<State>,
    index: Option<Index>,
}

impl<'a> Fold<'a> {
    pub(crate) const fn new(store: &'a StoreId, class: LogClass, places_max: usize) -> Self {
        Self { store, class, places_max, state: None, index: None }
    }

    /// Reads all records of a class.
    pub(crate) fn read(&mut self, journal: &Journal) -> Result<(), ReadError> {
        for record in journal.read(journal.first())? {
            let record = record?;
            self.record(&record).map_err(|reason| ReadError::Record { record: record.seq, reason })?;
        }
        Ok(())
    }

    fn index_of(&mut self, epoch: Epoch) -> &mut Index {
        let log = LogId { store: self.store.clone(), class: self.class, epoch };
        let index = match self.index.take() {
            Some(index) if index.log == log => index,
            // The batches of an epoch that ended take room until they are trimmed.
            ended => {
                let mut index = Index::new(log, self.places_max);
                index.other_bytes = ended.map_or(0, |ended| ended.bytes().saturating_add(ended.other_bytes));
                index
            }
        };
        self.index.insert(index)
    }

    fn record(&mut self, record: &Record) -> Result<(), String> {
        let bytes = record.payload.len() as u64;
        match record.kind {
            SEALED => self.sealed(record, bytes)?,
            STATE => {
                let mut state: State =
                    minicbor::decode(&record.payload).map_err(|error| error.to_string())?;
                let before = self.state.take();
                // What was counted stands in the state of each class that counts, the last one included.
                let counted = before.and_then(|before| before.counted);
                state.counted = state.counted.or(counted);
                let index = self.index_of(state.epoch);
                let (has_batches, last) = (index.places().next().is_some(), index.last);
                if has_batches && last != state.last {
                    return Err(format!(
                        "the state is of event {}, the batches end at {}",
                        state.last.seq, last.seq
                    ));
                }
                index.last = state.last;
                index.acked = state.acked;
                index.past = state.past.iter().map(|past| (past.epoch, past.end)).collect();
                index.other_bytes = index.other_bytes.saturating_add(bytes);
                self.state = Some(state);
            }
            QUIET => {
                let quiet: Quiet = minicbor::decode(&record.payload).map_err(|error| error.to_string())?;
                if let Some(state) = &mut self.state {
                    (state.cursor, state.draft) = (quiet.cursor, Some(quiet.draft));
                }
                self.other(bytes);
            }
            ACKED => {
                let acked: Acked = minicbor::decode(&record.payload).map_err(|error| error.to_string())?;
                if let Some(state) = self.state.as_mut().filter(|state| state.epoch == acked.epoch) {
                    state.acked = acked.through;
                    self.index_of(acked.epoch).acked = acked.through;
                }
                self.other(bytes);
            }
            other => return Err(format!("it is of kind {other}, which this build does not know")),
        }
        Ok(())
    }

    fn other(&mut self, bytes: u64) {
        if let Some(index) = &mut self.index {
            index.other_bytes = index.other_bytes.saturating_add(bytes);
        }
    }

    fn sealed(&mut self, record: &Record, bytes: u64) -> Result<(), String> {
        let kept = Kept::parse(&record.payload).map_err(|error| error.to_string())?;
        let header = *kept.batch.header();
        if header.class != self.class {
            return Err(format!("a batch of {} stands in the log of {}", header.class, self.class));
        }
        // Before the first state only batches stand: what came before them was trimmed.
        if let Some(state) = &mut self.state {
            if header.epoch != state.epoch || header.start() != state.last {
                return Err(format!(
                    "the batch from event {} does not follow {}",
                    header.first_seq, state.last.seq
                ));
            }
            state.last = header.end();
            state.cursor = kept.cursor;
            state.receipt = Some(kept.receipt.to_vec().into());
            state.draft = None;
            state.policy = header.policy;
        }
        let index = self.index_of(header.epoch);
        if index.places().next().is_some() && index.last != header.start() {
            return Err(format!(
                "the batch from event {} does not follow {}",
                header.first_seq, index.last.seq
            ));
        }
        index.push(Place {
            start: header.start(),
            end: header.end(),
            record: record.seq,
            cursor: kept.cursor,
            sealed_ms: record.hlc.ms(),
            bytes,
        });
        Ok(())
    }

    /// What was found; `None` when there is no state.
    pub(crate) fn finish(self) -> Option<Folded> {
        let (mut state, mut index) = (self.state?, self.index?);
        // Who was acknowledged more than is kept has it all the same.
        if index.acked.seq < index.floor().seq {
            (index.acked, state.acked) = (index.floor(), index.floor());
        }
        Some(Folded { state, index })
    }
}

/// The places of all that is indexed, behind those that are remembered of what is not.
pub(crate) fn stones(remembered: &[Stone], index: &Index) -> Vec<Stone> {
    let mut stones = remembered.to_vec();
    for place in index.places() {
        add_stone(&mut stones, Stone { seq: place.end.seq, place: place.cursor });
    }
    stones
}
