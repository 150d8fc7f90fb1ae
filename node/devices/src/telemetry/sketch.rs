//! How values spread, in little room: counts in bins whose width grows with the value, so that every quantile is known to
//! a relative error.
//!
//! The design is DDSketch (C. Masson, J. Rim, H. Lee, *DDSketch: a fast and fully-mergeable quantile sketch with relative-error
//! guarantees*, PVLDB 12, 2019) with its linear interpolation of the logarithm: 64 equal bins to each power of two, as in
//! HdrHistogram. Keys come from whole millionths by shifts alone, so every machine makes the same ones. When there are too many
//! bins all are joined in pairs (I. Epicoco et al., *UDDSketch*, IEEE Access 8, 2020), which doubles the error and keeps sketches
//! mergeable.
//!
//! Not here: minimum, maximum and mean, which are exact (`minute`).

use super::bytes::{Damaged, Reader, Writer};

/// Bins to each power of two before any were joined.
const BINS_PER_OCTAVE_LOG2: u32 = 6;
/// After so many joinings everything of one sign is one bin.
const LEVEL_MAX: u8 = 12;
const KEY_MAX: u16 = 3775;

/// A quantile of a sketch whose bins were never joined is off by at most this share of itself (1/128), values below 128
/// millionths by nothing.
pub const RELATIVE_ERROR: f64 = 1.0 / 128.0;

/// Counts of values, in bins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sketch {
    level: u8,
    /// By key, each key once, no count 0.
    bins: Vec<(i16, u32)>,
}

fn magnitude_key(magnitude: u64) -> u16 {
    let shift = (63 - (magnitude | 1).leading_zeros()).saturating_sub(BINS_PER_OCTAVE_LOG2);
    // At most 57 * 64 + 127.
    ((shift << BINS_PER_OCTAVE_LOG2) as u64 + (magnitude >> shift)) as u16
}

/// The smallest magnitude of a key, in millionths. One past the last key is 2^64.
fn smallest(key: u32) -> u128 {
    let shift = (key >> BINS_PER_OCTAVE_LOG2).saturating_sub(1);
    u128::from(key - (shift << BINS_PER_OCTAVE_LOG2)) << shift
}

impl Sketch {
    /// Takes a value in, in millionths.
    pub fn add(&mut self, millionths: i64) {
        self.add_times(millionths, 1);
    }

    fn key(&self, millionths: i64) -> i16 {
        let magnitude = (magnitude_key(millionths.unsigned_abs()) >> self.level).cast_signed();
        if millionths < 0 { -magnitude } else { magnitude }
    }

    fn add_times(&mut self, millionths: i64, times: u32) {
        self.add_key(self.key(millionths), times);
    }

    fn add_key(&mut self, key: i16, times: u32) {
        match self.bins.binary_search_by_key(&key, |bin| bin.0) {
            Ok(at) => {
                if let Some(bin) = self.bins.get_mut(at) {
                    bin.1 = bin.1.saturating_add(times);
                }
            }
            Err(at) => self.bins.insert(at, (key, times)),
        }
    }

    /// Takes another in: the same as if its values had come one by one.
    pub fn merge(&mut self, other: &Self) {
        while self.level < other.level {
            self.join();
        }
        let by = other.level.abs_diff(self.level);
        for &(key, count) in &other.bins {
            self.add_key(joined(key, by), count);
        }
    }

    /// Joins bins in pairs until there are at most so many. Each time doubles the relative error.
    pub fn fit(&mut self, bins_max: usize) {
        while self.bins.len() > bins_max && self.level < LEVEL_MAX {
            self.join();
        }
    }

    fn join(&mut self) {
        self.level += 1;
        for bin in &mut self.bins {
            bin.0 = joined(bin.0, 1);
        }
        self.bins.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 = kept.1.saturating_add(later.1);
            }
            same
        });
    }

    /// Forgets one of each two values of a bin, so that what comes later weighs more.
    pub(super) fn halve(&mut self) {
        for bin in &mut self.bins {
            bin.1 /= 2;
        }
        self.bins.retain(|bin| bin.1 > 0);
    }

    /// How many values were taken in.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.bins.iter().map(|bin| u64::from(bin.1)).sum()
    }

    /// Into how many bins they fell.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.bins.len()
    }

    /// How far a quantile can be off, as a share of itself.
    #[must_use]
    pub fn relative_error(&self) -> f64 {
        RELATIVE_ERROR * f64::from(1_u32 << self.level)
    }

    /// The value in millionths that a share `q` of all values is at or below: the value with the rank `floor(q * (count - 1))`, to
    /// the relative error. Nothing when there are none.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<i64> {
        let rank = (q.clamp(0.0, 1.0) * self.count().checked_sub(1)? as f64) as u64;
        let mut below = 0;
        for &(key, count) in &self.bins {
            below += u64::from(count);
            if below > rank {
                return Some(self.middle(key));
            }
        }
        None
    }

    /// The bins from small to large: the value in the middle of each, in millionths, and its count.
    pub(super) fn spread(&self) -> impl DoubleEndedIterator<Item = (i64, u32)> + '_ {
        self.bins.iter().map(|&(key, count)| (self.middle(key), count))
    }

    fn middle(&self, key: i16) -> i64 {
        let joined = u32::from(key.unsigned_abs());
        if joined == 0 {
            return 0;
        }
        let low = smallest(joined << self.level);
        let high = smallest((joined + 1) << self.level) - 1;
        let middle = i64::try_from(low.midpoint(high)).unwrap_or(i64::MAX);
        if key < 0 { -middle } else { middle }
    }

    /// All but the last count, which is what remains of `count`.
    pub(super) fn write(&self, near: i16, writer: &mut Writer) {
        writer.number((self.bins.len() as u64) << 4 | u64::from(self.level));
        let mut before = near;
        for (nth, &(key, count)) in self.bins.iter().enumerate() {
            if nth == 0 {
                writer.signed(i64::from(key) - i64::from(before));
            } else {
                writer.number(i64::from(key).abs_diff(before.into()) - 1);
            }
            if nth + 1 < self.bins.len() {
                writer.number(count);
            }
            before = key;
        }
    }

    pub(super) fn first_key(&self) -> Option<i16> {
        self.bins.first().map(|bin| bin.0)
    }

    pub(super) fn read(near: i16, count: u64, reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let head: u64 = reader.number()?;
        let (len, level) = (head >> 4, (head & 15) as u8);
        if level > LEVEL_MAX || len > u64::from(KEY_MAX) * 2 + 1 || (len == 0) != (count == 0) {
            return Err(Damaged);
        }
        let key_max = i64::from(KEY_MAX >> level);
        let (mut bins, mut before, mut left) = (Vec::new(), i64::from(near), count);
        for nth in 0..len {
            before = if nth == 0 {
                before.checked_add(reader.signed()?)
            } else {
                before.checked_add(reader.number()?).and_then(|key| key.checked_add(1))
            }
            .ok_or(Damaged)?;
            let times = if nth + 1 < len { reader.number()? } else { left };
            left = left.checked_sub(times).ok_or(Damaged)?;
            let (Ok(key), Ok(times)) = (i16::try_from(before), u32::try_from(times)) else {
                return Err(Damaged);
            };
            if times == 0 || before.abs() > key_max {
                return Err(Damaged);
            }
            bins.push((key, times));
        }
        Ok(Self { level, bins })
    }
}

/// The key of a value after so many more joinings.
fn joined(key: i16, times: u8) -> i16 {
    let magnitude = (key.unsigned_abs() >> times).cast_signed();
    if key < 0 { -magnitude } else { magnitude }
}
