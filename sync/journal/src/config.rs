//! What can be set about a journal.

use crate::segment::RECORDS_FROM;

/// The most that one write and one sync carry, unless a single batch is longer.
pub(crate) const COMMIT_BYTES_MAX: usize = 4 << 20;

/// What opening does when records that were acknowledged are damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnCorruption {
    /// Do not open; a person decides.
    #[default]
    Refuse,
    /// Keep the damaged segment in `quarantine/`, go on with what is intact and leave a gap that every reader meets.
    Quarantine,
}

/// The settings of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// The size of a segment's file. A batch that needs more gets a segment of its own size; less than 16 KiB counts
    /// as 16 KiB.
    pub segment_bytes: u64,
    /// The most bytes that wait for their commit or are in it; beyond them `submit` refuses and `append` waits.
    pub queue_bytes_max: usize,
    /// The longest payload of one record.
    pub record_bytes_max: usize,
    /// What to do about damage.
    pub on_corruption: OnCorruption,
}

impl Config {
    /// The size of a new segment that must hold so many bytes of records.
    pub(crate) fn segment_bytes_for(&self, bytes: u64) -> u64 {
        self.segment_bytes.max(2 * RECORDS_FROM).max(RECORDS_FROM + bytes)
    }

    /// How much goes into one commit, unless a single batch is longer. Little beside a segment, because a commit that
    /// does not fit in the rest of one starts the next.
    pub(crate) fn commit_bytes_max(&self) -> usize {
        let room = self.segment_bytes_for(0) - RECORDS_FROM;
        usize::try_from(room / 4).unwrap_or(usize::MAX).min(COMMIT_BYTES_MAX)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            queue_bytes_max: 16 << 20,
            record_bytes_max: 1 << 20,
            on_corruption: OnCorruption::default(),
        }
    }
}
