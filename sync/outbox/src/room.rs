//! Room on disk: what is acknowledged goes after its time, and at the bound what is worth least.
//!
//! Guards invariant 6: sales that are not acknowledged are never dropped.

use crate::{
    epoch::Turn,
    error::StepError,
    form::Stone,
    index::add_stone,
    lane::Flushed,
    notice::{Notice, Why},
    projector::Projector,
};
use aisle_event::LogClass;
use aisle_journal::TrimError;

/// Trimming is tried again after so long when nothing was written.
const TRY_MS: u64 = 60_000;

impl Projector {
    /// Trims what has had its time, and keeps the whole below its bound.
    pub(crate) fn make_room(&mut self, now_ms: u64) -> Result<(), StepError> {
        for class in LogClass::ALL {
            self.trim(class, now_ms, false)?;
        }
        let bytes_max = self.config.disk_bytes_max;
        if self.bytes() <= bytes_max {
            self.is_full = false;
            return Ok(());
        }
        self.trim_acknowledged(now_ms)?;
        if self.bytes() <= bytes_max {
            return Ok(());
        }
        for class in [LogClass::Bulk, LogClass::Telemetry, LogClass::Stock] {
            if self.shed(class, now_ms)? && self.bytes() <= bytes_max {
                return Ok(());
            }
        }
        if !std::mem::replace(&mut self.is_full, true) {
            let bytes = self.bytes();
            self.notice(Notice::Full { bytes, bytes_max });
        }
        Ok(())
    }

    /// Removes all that is acknowledged, whatever its age, the least valuable first.
    pub(crate) fn trim_acknowledged(&mut self, now_ms: u64) -> Result<(), StepError> {
        for class in LogClass::ALL.into_iter().rev() {
            self.trim(class, now_ms, true)?;
        }
        Ok(())
    }

    /// What the batches of all classes take.
    fn bytes(&self) -> u64 {
        self.lanes.iter().fold(0, |sum, (_, lane)| sum.saturating_add(lane.log.index().bytes()))
    }

    /// Removes whole files of a class in which nothing is wanted any more; all that is acknowledged when there is need.
    fn trim(&mut self, class: LogClass, now_ms: u64, is_needed: bool) -> Result<(), StepError> {
        let (keep_ms, keep_bytes_max) =
            if is_needed { (0, 0) } else { (self.config.keep_ms, self.config.keep_bytes_max) };
        let segment_bytes = self.config.segment_bytes;
        let lane = self.lane(class);
        let is_worth_it = lane.appended_bytes.saturating_sub(lane.tried_bytes) >= segment_bytes / 4
            || now_ms.saturating_sub(lane.tried_ms) >= TRY_MS
            || (is_needed && !lane.is_stuck);
        if !is_worth_it {
            return Ok(());
        }
        (lane.tried_bytes, lane.tried_ms) = (lane.appended_bytes, now_ms);
        let (keep_from, freed, gone) = {
            let index = lane.log.index();
            let acked = index.acked.seq;
            let mut acked_bytes = index
                .places()
                .take_while(|place| place.end.seq <= acked)
                .map(|place| place.bytes)
                .sum::<u64>();
            let (mut keep_from, mut freed, mut gone) = (None, index.other_bytes, Vec::new());
            for place in index.places() {
                let is_old =
                    place.sealed_ms.saturating_add(keep_ms) <= now_ms || acked_bytes > keep_bytes_max;
                if place.end.seq > acked || !is_old {
                    keep_from = Some(place.record);
                    break;
                }
                acked_bytes = acked_bytes.saturating_sub(place.bytes);
                freed += place.bytes;
                gone.push(Stone { seq: place.end.seq, place: place.cursor });
            }
            (keep_from, freed, gone)
        };
        if freed < segment_bytes {
            return Ok(());
        }
        gone.into_iter().for_each(|stone| add_stone(&mut lane.state.stones, stone));
        let counted = self.counted(class);
        let lane = self.lane(class);
        lane.stage_state(counted, None, now_ms);
        let Flushed::Done(Some(committed)) = lane.flush()? else { return Ok(()) };
        let below = keep_from.unwrap_or(committed.last);
        let trimmed = lane.log.journal.trim(below).map_err(|TrimError::File(error)| error)?;
        let mut index = lane.log.index();
        index.forget_before(trimmed.first);
        // What is not wanted can lie in files with what is: each try costs a record, and the next one waits for more of it.
        index.other_bytes = 0;
        drop(index);
        lane.is_stuck = trimmed.segments == 0;
        Ok(())
    }

    /// Drops the older half of what waits in a class: a new epoch begins with the younger half. False when nothing waits.
    fn shed(&mut self, class: LogClass, now_ms: u64) -> Result<bool, StepError> {
        let lane = self.lane(class);
        let (turn, events, bytes) = {
            let index = lane.log.index();
            let waiting = index.waiting().count();
            let Some(middle) = index.waiting().nth(waiting.saturating_sub(1) / 2).copied() else {
                return Ok(false);
            };
            let bytes = index.waiting().take(waiting.div_ceil(2)).map(|place| place.bytes).sum();
            let turn = Turn {
                epoch: index.log.epoch,
                end: index.acked,
                after: middle.cursor,
                carry_after: middle.end.seq,
                why: Why::Shed,
            };
            (turn, middle.end.seq.saturating_sub(index.acked.seq), bytes)
        };
        if self.turn(class, turn, now_ms)? {
            self.notice(Notice::Shed { class, events, bytes });
        }
        // The batches of the epoch that ended.
        self.trim(class, now_ms, true)?;
        Ok(true)
    }
}
