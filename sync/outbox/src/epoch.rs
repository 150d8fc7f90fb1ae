//! New epochs: from which record of the journal one begins, and what goes over into it from the one that ends.
//!
//! Events come from the journal again. What was told of aggregates cannot: its noise is drawn once. It is taken over word for word from the
//! batches that are still kept.

use crate::{
    error::{ReadError, StepError},
    fold::stones,
    form::Past,
    index::place_after,
    lane::Lane,
    notice::{Notice, Why},
    projector::Projector,
    shelf::Shelf,
};
use aisle_event::{Hlc, LogClass};
use aisle_protocol::{Epoch, Head, Point};
use aisle_residency::aggregate;

/// The most epochs that are remembered after their end.
const PAST_MAX: usize = 16;

/// How an epoch ends and the next one begins.
#[derive(Debug)]
pub(crate) struct Turn {
    /// The epoch that the hub's place is in.
    pub(crate) epoch: Epoch,
    /// What the hub has of it.
    pub(crate) end: Point,
    /// The record that the new epoch begins after.
    pub(crate) after: u64,
    /// Aggregates after this number of the running epoch go over.
    pub(crate) carry_after: u64,
    pub(crate) why: Why,
}

/// Where an epoch begins that holds everything after an event of an earlier one; `None` when nothing is known of that one.
pub(crate) fn turn_after(
    lane: &Lane,
    shelf: &mut Shelf,
    epoch: Epoch,
    seq: u64,
) -> Result<Option<Turn>, ReadError> {
    let state = &lane.state;
    if epoch != state.epoch {
        // What the hub has all of needs no other epoch: that was asked before, and done.
        let past = state.past.iter().find(|past| past.epoch == epoch && seq < past.end.seq);
        return Ok(past.map(|past| Turn {
            epoch,
            end: Point { seq, head: Head::default() },
            after: place_after(past.begun, &past.stones, seq),
            carry_after: 0,
            why: Why::Asked,
        }));
    }
    let seq = seq.min(state.last.seq);
    let head = shelf.head_at(&lane.log, seq)?.unwrap_or_default();
    let after = if seq == state.last.seq {
        state.cursor
    } else if let Some((_, kept)) = shelf.batch_after(&lane.log, seq)? {
        let within =
            usize::try_from(seq.saturating_sub(kept.batch.header().start().seq)).unwrap_or(usize::MAX);
        match within.checked_sub(1) {
            Some(at) => kept.places.get(at).copied().unwrap_or(state.begun),
            // One too early is one that the hub knows already.
            None => kept.places.first().map_or(state.begun, |place| place.saturating_sub(1)),
        }
    } else {
        place_after(state.begun, &state.stones, seq)
    };
    Ok(Some(Turn {
        epoch,
        end: Point { seq, head },
        after: after.max(state.begun),
        carry_after: seq,
        why: Why::Asked,
    }))
}

impl Projector {
    /// Ends the running epoch of a class. False when there is no room for it now.
    pub(crate) fn turn(&mut self, class: LogClass, turn: Turn, now_ms: u64) -> Result<bool, StepError> {
        if !self.flush(class)? {
            return Ok(false);
        }
        let carried = self.told_after(class, turn.carry_after)?;
        let epoch = Epoch(self.io.entropy().map_err(StepError::Entropy)?);
        let terms = self.terms.clone();
        let log = terms.log(class, epoch);
        let lane = self.lane(class);
        let stones = stones(&lane.state.stones, &lane.log.index());
        let state = &mut lane.state;
        if turn.epoch == state.epoch {
            state.past.push(Past { epoch: turn.epoch, end: turn.end, begun: state.begun, stones });
        } else if let Some(at) = state.past.iter().position(|past| past.epoch == turn.epoch) {
            // The hub was set back behind an ended epoch: those after it hold nothing that it has.
            state.past.truncate(at + 1);
            if let Some(past) = state.past.last_mut() {
                past.end = turn.end;
            }
        }
        let old = state.past.len().saturating_sub(PAST_MAX);
        state.past.drain(..old);
        state.epoch = epoch;
        state.begun = turn.after;
        state.cursor = turn.after;
        (state.last, state.acked) = (log.start(), log.start());
        (state.receipt, state.draft) = (None, None);
        state.stones.clear();
        lane.forget();
        lane.begin(&terms);
        let counted = self.counted(class);
        self.lane(class).stage_state(counted, Some(log), now_ms);
        self.carry(class, &carried, now_ms)?;
        self.notice(Notice::Begun { class, epoch, after: turn.after, why: turn.why });
        self.seek();
        self.flush(class)
    }

    /// What was told of aggregates after an event of the running epoch, as far as it is kept.
    fn told_after(&mut self, class: LogClass, seq: u64) -> Result<Vec<(u64, bytes::Bytes)>, StepError> {
        let mut told = Vec::new();
        if class != aggregate::CLASS {
            return Ok(told);
        }
        let lane = self.lane(class);
        let failed = |source| StepError::Read { class, source };
        let (mut shelf, mut at) = (Shelf::default(), seq.max(lane.log.index().floor().seq));
        while let Some((record, kept)) = shelf.batch_after(&lane.log, at).map_err(failed)? {
            let items = kept.batch.items().map_err(|source| failed(ReadError::Batch { record, source }))?;
            let aggregates =
                items.into_iter().filter(|item| item.kind == aggregate::KIND.0 && item.seq > seq);
            told.extend(aggregates.map(|item| (item.hlc, item.payload)));
            at = kept.batch.header().end().seq;
        }
        Ok(told)
    }

    fn carry(
        &mut self,
        class: LogClass,
        carried: &[(u64, bytes::Bytes)],
        now_ms: u64,
    ) -> Result<(), StepError> {
        let mut dropped = 0;
        for (hlc, payload) in carried {
            let again = self.counting.aggregator().tell_again(Hlc(*hlc), payload);
            let Some(egress) = again else {
                dropped += 1;
                continue;
            };
            let (terms, config) = (self.terms.clone(), self.config.clone());
            let lane = self.lane(class);
            let place = lane.position;
            if let Some(notice) = lane.add(&egress, place, now_ms, &terms, &config)? {
                self.notice(notice);
            }
        }
        if dropped > 0 {
            self.notice(Notice::AggregatesDropped { count: dropped });
        }
        let terms = self.terms.clone();
        self.lane(class).close(now_ms, &terms)
    }
}
