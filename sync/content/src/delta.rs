//! Deltas: a zstd frame whose prefix is the old content ("patch-from"), so that what both have costs a reference.
//!
//! Guards: an unfolding never makes more bytes than were said, nor keeps a window of more than 2^[`WINDOW_LOG_MAX`]. What came out is held against
//! its hash by who asked for it.

use std::io::{self, Read, Write};

/// The most bytes of the old content, and of the new one. Both are held in memory.
pub const SIDE_BYTES_MAX: u64 = 64 << 20;
/// The largest window, as a power of two: it covers both sides.
pub const WINDOW_LOG_MAX: u32 = 27;
/// The hub folds once, and every store unfolds.
const LEVEL: i32 = 19;

/// Why there is no delta, or nothing comes out of one.
#[derive(Debug, thiserror::Error)]
pub enum DeltaError {
    /// Longer than deltas are made of.
    #[error("a side of the delta has {bytes} bytes, at most {SIDE_BYTES_MAX} may be")]
    TooLong {
        /// How long it is.
        bytes: u64,
    },
    /// It gives more or fewer bytes than it should.
    #[error("the delta gives {found} bytes instead of {expected}")]
    Length {
        /// How many came out; one more than expected where it would go on.
        found: u64,
        /// How many should have.
        expected: u64,
    },
    /// It is no delta of this content.
    #[error("the delta does not fit")]
    Zstd(#[from] io::Error),
}

fn bounded(side: u64) -> Result<(), DeltaError> {
    if side > SIDE_BYTES_MAX { Err(DeltaError::TooLong { bytes: side }) } else { Ok(()) }
}

/// The way from the old content to the new one.
///
/// # Errors
/// When one of them is too long.
pub fn fold(old: &[u8], new: &[u8]) -> Result<Vec<u8>, DeltaError> {
    bounded(old.len() as u64)?;
    bounded(new.len() as u64)?;
    let both = (old.len() as u64).saturating_add(new.len() as u64);
    let window_log = both.max(1024).next_power_of_two().ilog2().min(WINDOW_LOG_MAX);
    let mut encoder = zstd::stream::write::Encoder::with_ref_prefix(Vec::new(), LEVEL, old)?;
    encoder.window_log(window_log)?;
    encoder.long_distance_matching(true)?;
    encoder.write_all(new)?;
    Ok(encoder.finish()?)
}

/// The new content of `bytes` bytes.
///
/// # Errors
/// When the delta is not one from `old` to so many bytes.
pub fn unfold(old: &[u8], delta: &[u8], bytes: u64) -> Result<Vec<u8>, DeltaError> {
    bounded(old.len() as u64)?;
    bounded(bytes)?;
    let mut decoder = zstd::stream::read::Decoder::with_ref_prefix(delta, old)?.single_frame();
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    let mut new = Vec::new();
    decoder.take(bytes.saturating_add(1)).read_to_end(&mut new)?;
    let found = new.len() as u64;
    if found == bytes { Ok(new) } else { Err(DeltaError::Length { found, expected: bytes }) }
}
