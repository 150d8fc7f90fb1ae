//! How fast something shrinks or grows: samples over a fortnight, an hour apart.
//!
//! Pure but for its file, which is one line for each sample. Guards invariant 6: there are so many samples and no more.

use std::{collections::VecDeque, fs, io, path::Path};

/// Samples lie this far apart, in milliseconds.
const EVERY_MS: i64 = 3_600_000;
/// The most samples: a fortnight's.
const SAMPLES_MAX: usize = 14 * 24;
/// Less than this between the first sample and the last says nothing, in milliseconds.
const SPAN_MS_MIN: i64 = 3 * EVERY_MS;
const DAY_MS: i64 = 24 * EVERY_MS;
/// The longest file that is read, in bytes.
const FILE_BYTES_MAX: usize = 64 << 10;

/// What was measured at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Milliseconds since 1970, as far as the node knows.
    pub at_ms: i64,
    /// Free bytes of the disk.
    pub free: u64,
    /// Bytes that wait for the hub.
    pub waiting: u64,
}

/// The samples, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Growth(VecDeque<Sample>);

impl Growth {
    /// Takes a sample, when the last one is old enough. A clock that went back begins anew, and so does one that leapt: after a gap of more than a day nobody knows how much of it was time that
    /// passed, as when a box without a clock battery first hears what day it is. True when it was taken.
    pub(crate) fn take(&mut self, sample: Sample) -> bool {
        if let Some(last) = self.0.back() {
            match sample.at_ms.saturating_sub(last.at_ms) {
                0..EVERY_MS => return false,
                EVERY_MS..=DAY_MS => {}
                _ => self.0.clear(),
            }
        }
        self.0.push_back(sample);
        while self.0.len() > SAMPLES_MAX {
            self.0.pop_front();
        }
        true
    }

    /// By how much something grows in a day; nothing when nobody knows yet. What shrinks grows by nothing.
    fn per_day(&self, of: impl Fn(&Sample) -> i128) -> Option<u64> {
        let (first, last) = (self.0.front()?, self.0.back()?);
        let span = last.at_ms - first.at_ms;
        if span < SPAN_MS_MIN {
            return None;
        }
        let grown = (of(last) - of(first)).max(0) * i128::from(DAY_MS) / i128::from(span);
        Some(u64::try_from(grown).unwrap_or(u64::MAX))
    }

    /// How many bytes of the disk go in a day.
    pub(crate) fn disk_per_day(&self) -> Option<u64> {
        self.per_day(|sample| -i128::from(sample.free))
    }

    /// By how many bytes what waits for the hub grows in a day.
    pub(crate) fn waiting_per_day(&self) -> Option<u64> {
        self.per_day(|sample| i128::from(sample.waiting))
    }

    /// What was taken last.
    pub(crate) fn last(&self) -> Option<Sample> {
        self.0.back().copied()
    }

    /// What was kept. What cannot be read is left out: it is only an estimate.
    pub(crate) fn kept(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default();
        let mut growth = Self::default();
        for line in text.get(..text.len().min(FILE_BYTES_MAX)).unwrap_or_default().lines() {
            let mut words = line.split_whitespace();
            let sample = (|| {
                let (at_ms, free) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
                Some(Sample { at_ms, free, waiting: words.next()?.parse().ok()? })
            })();
            if let Some(sample) = sample {
                growth.take(sample);
            }
        }
        growth
    }

    /// Keeps them. Where that cannot be done the estimate begins anew after a restart.
    pub(crate) fn keep(&self, path: &Path) -> io::Result<()> {
        let line = |sample: &Sample| format!("{} {} {}\n", sample.at_ms, sample.free, sample.waiting);
        let new = path.with_extension("new");
        fs::write(&new, self.0.iter().map(line).collect::<String>())?;
        fs::rename(new, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(hours: i64, free: u64) -> Sample {
        Sample { at_ms: hours * EVERY_MS, free, waiting: 1_000_000 - free }
    }

    #[test]
    fn what_goes_in_a_day_follows_from_a_few_hours() {
        let mut growth = Growth::default();
        assert!(growth.take(sample(0, 1_000)));
        assert!(!growth.take(Sample { at_ms: 1, free: 0, waiting: 0 }), "too soon");
        assert_eq!(growth.disk_per_day(), None);
        growth.take(sample(6, 400));
        assert_eq!((growth.disk_per_day(), growth.waiting_per_day()), (Some(2_400), Some(2_400)));
        growth.take(sample(12, 2_000));
        assert_eq!(growth.disk_per_day(), Some(0), "room came back");
    }

    #[test]
    fn a_first_boot_in_the_past_does_not_spread_the_growth_over_months() {
        let mut growth = Growth::default();
        let behind = 200 * 24;
        for hour in 0..3 {
            growth.take(sample(hour - behind, 900_000 - hour as u64 * 1_000));
        }
        // The hub has said what day it is.
        for hour in 3..10 {
            growth.take(sample(hour, 900_000 - hour as u64 * 1_000));
        }
        assert_eq!(growth.disk_per_day(), Some(24_000));
        growth.take(sample(9 + 24, 900_000 - 33_000));
        assert_eq!(growth.disk_per_day(), Some(24_000), "a day without samples is none too many");
    }

    #[test]
    fn samples_are_bounded_and_outlive_a_restart_and_a_clock_that_leaps() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("growth");
        let mut growth = Growth::default();
        for hour in 0..1_000 {
            growth.take(sample(hour, 5));
        }
        assert_eq!(growth.0.len(), SAMPLES_MAX);
        growth.keep(&path).unwrap();
        assert_eq!(Growth::kept(&path), growth);
        growth.take(sample(-5, 5));
        assert_eq!(growth.0.len(), 1);
        fs::write(&path, "nonsense\n1 2\n").unwrap();
        assert_eq!(Growth::kept(&path), Growth::default());
    }
}
