//! The broker's clock: milliseconds that go forward only and never leap.
//!
//! It starts at the wall clock or at the last record, whichever is later, but at most a day after the last record: a box
//! that boots with a wrong clock must not end sessions or messages that are still wanted (invariant 7). From there it
//! counts by the monotonic clock alone.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The most that a stop of the node counts for.
const STOP_MS_MAX: u64 = 24 * 3_600 * 1_000;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start_ms: u64,
    started: Instant,
}

impl Clock {
    /// `last_ms` is the time of the last record; `None` when there is none.
    pub(crate) fn start(last_ms: Option<u64>) -> Self {
        let wall_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        let start_ms = last_ms.map_or(wall_ms, |last_ms| wall_ms.clamp(last_ms, last_ms + STOP_MS_MAX));
        Self { start_ms, started: Instant::now() }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.start_ms + u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
