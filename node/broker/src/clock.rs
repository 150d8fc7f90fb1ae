//! The broker's time: milliseconds that go forward only and never leap.
//!
//! Expiries are counted in it, so a wrong wall clock must not move it far (invariant 7): not that of a box that boots in 1970,
//! nor that of one that was set to another year and back. [`Timeline`] carries it along the records of the journal, of whose
//! own time no step counts for more than a day; [`Clock`] starts where the last record ended, adds the stop since then, a day
//! at most, and counts by the monotonic clock alone.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The most that a stop of the node, or a step between two records, counts for.
const STEP_MS_MAX: u64 = 24 * 3_600 * 1_000;

/// One moment, by the broker's time and by the journal's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The broker's time.
    pub time_ms: u64,
    /// What the journal said then.
    pub recorded_ms: u64,
}

impl Moment {
    /// The broker's time when the journal, or the wall, says this.
    fn time_at(self, recorded_ms: u64) -> u64 {
        self.time_ms + recorded_ms.saturating_sub(self.recorded_ms).min(STEP_MS_MAX)
    }
}

/// The broker's time along the records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeline {
    start_ms: Option<u64>,
    last: Option<Moment>,
}

impl Timeline {
    /// `start_ms` is the broker's time at the first record that will come; `None` when it is that of the record.
    pub(crate) const fn new(start_ms: Option<u64>) -> Self {
        Self { start_ms, last: None }
    }

    /// The broker's time of the next record.
    pub(crate) fn next(&mut self, recorded_ms: u64) -> u64 {
        let time_ms = match self.last {
            Some(last) => last.time_at(recorded_ms),
            None => self.start_ms.unwrap_or(recorded_ms),
        };
        // The journal's own time does not go back; should it, the later one is the measure.
        let recorded_ms = self.last.map_or(recorded_ms, |last| last.recorded_ms.max(recorded_ms));
        self.last = Some(Moment { time_ms, recorded_ms });
        time_ms
    }

    pub(crate) const fn last(&self) -> Option<Moment> {
        self.last
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start_ms: u64,
    started: Instant,
}

impl Clock {
    /// `last` is the last record; `None` when there is none.
    pub(crate) fn start(last: Option<Moment>) -> Self {
        let wall_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        let start_ms = last.map_or(wall_ms, |last| last.time_at(wall_ms));
        Self { start_ms, started: Instant::now() }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.start_ms + u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
