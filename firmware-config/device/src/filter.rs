//! What of the readings is worth keeping: a median against outliers, a deadband against noise, a heartbeat against silence. Of a
//! number with a deadband the reading after a change is kept, too: it says whether the change stayed.
//!
//! Pure: one [`Filter`] for each stream, no clock, no channels (those are in `tasks::filter`).

use heapless::Deque;

/// The longest median, in readings.
pub(crate) const MEDIAN_READINGS_MAX: usize = 9;

/// How a stream is filtered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tuning {
    /// The median is taken over so many readings; 1 takes each as it is.
    pub(crate) median: usize,
    /// What differs from the last kept by no more than this is not kept.
    pub(crate) deadband: f64,
    /// Except when the last kept is so old, in milliseconds.
    pub(crate) heartbeat_ms: u64,
}

/// The memory of one stream's filter.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    window: Deque<f64, MEDIAN_READINGS_MAX>,
    kept: Option<(u64, f64)>,
    /// The last kept was another value than the one before, and nothing was kept since.
    moved: bool,
}

impl Filter {
    /// Takes a finite reading. Returns the value to keep, if any.
    pub(crate) fn take(&mut self, uptime_ms: u64, reading: f64, tuning: &Tuning) -> Option<f64> {
        while self.window.len() >= tuning.median.clamp(1, MEDIAN_READINGS_MAX) {
            self.window.pop_front();
        }
        // There is room: the window is shorter than its longest.
        let _ = self.window.push_back(reading);
        let value = self.median();
        let (moved, is_old) = self.kept.map_or((false, true), |(at, last)| {
            let is_old = uptime_ms.saturating_sub(at) >= tuning.heartbeat_ms;
            ((value - last).abs() > tuning.deadband, is_old)
        });
        // Whoever listens cannot tell a step from a hand that leans on a scale until it hears what came after.
        let confirms = self.moved && tuning.deadband > 0.0;
        self.moved = moved;
        (moved || is_old || confirms).then(|| {
            self.kept = Some((uptime_ms, value));
            value
        })
    }

    /// Of an even number of readings the lower of the two in the middle, so that it is always one that was measured.
    fn median(&self) -> f64 {
        let mut sorted = heapless::Vec::<f64, MEDIAN_READINGS_MAX>::from_iter(self.window.iter().copied());
        sorted.sort_unstable_by(f64::total_cmp);
        sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
    }
}
