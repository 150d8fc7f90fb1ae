//! The latest readings of a stream as they came, packed: full blocks of differences and one open block.
//!
//! A block is dropped whole, so the window holds up to one block less than its bound.
//!
//! Not here: minutes (`minute`). Bounded by `raw_readings_max` and `raw_window_s`.

use super::bytes::{Damaged, Reader, Writer, common_divisor};
use aisle_event::{Measure, Timestamp};
use imbl::Vector;
use std::sync::Arc;

/// Readings of a full block.
pub(super) const BLOCK_READINGS: usize = 128;

/// One number as it was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawReading {
    /// When.
    pub at: Timestamp,
    /// How much, in the stream's unit.
    pub value: Measure,
}

#[derive(Debug, PartialEq, Eq)]
struct Block {
    /// The latest time in it.
    newest: i64,
    bytes: Box<[u8]>,
}

/// What is kept of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RawWindow {
    full: Vector<Arc<Block>>,
    open: Vec<RawReading>,
}

impl RawWindow {
    pub(super) fn push(&mut self, reading: RawReading, readings_max: usize, window_ms: i64) {
        self.open.push(reading);
        if self.open.len() >= BLOCK_READINGS {
            let newest = self.open.iter().map(|reading| reading.at.0).max().unwrap_or_default();
            self.full.push_back(Arc::new(Block { newest, bytes: pack(&self.open).into() }));
            self.open.clear();
        }
        let since = reading.at.0.saturating_sub(window_ms);
        while self.full.len() * BLOCK_READINGS + self.open.len() > readings_max
            || self.full.front().is_some_and(|block| block.newest < since)
        {
            if self.full.pop_front().is_none() {
                // Fewer readings allowed than an open block holds.
                self.open.remove(0);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.full.len() * BLOCK_READINGS + self.open.len()
    }

    /// In the order in which they came.
    pub(super) fn iter(&self) -> impl Iterator<Item = RawReading> + '_ {
        // What does not unpack was never packed by this: it is checked when it is read from a snapshot.
        let full = self.full.iter().flat_map(|block| unpack(&block.bytes).unwrap_or_default());
        full.chain(self.open.iter().copied())
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.len(self.full.len());
        for block in &self.full {
            writer.sized(&block.bytes);
        }
        writer.sized(&pack(&self.open));
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut window = Self::default();
        for _ in 0..reader.len()? {
            let bytes = reader.sized()?;
            let readings = unpack(bytes)?;
            if readings.len() != BLOCK_READINGS {
                return Err(Damaged);
            }
            let newest = readings.iter().map(|reading| reading.at.0).max().ok_or(Damaged)?;
            window.full.push_back(Arc::new(Block { newest, bytes: bytes.into() }));
        }
        window.open = unpack(reader.sized()?)?;
        if window.open.len() >= BLOCK_READINGS { Err(Damaged) } else { Ok(window) }
    }
}

/// Times as differences of differences, values as differences over what divides all of them.
fn pack(readings: &[RawReading]) -> Vec<u8> {
    let mut writer = Writer::default();
    let common = readings
        .iter()
        .fold(0, |common, reading| common_divisor(reading.value.millionths.unsigned_abs(), common))
        .max(1);
    writer.len(readings.len());
    writer.number(common);
    let (mut at, mut step, mut value) = (0_i128, 0_i128, 0_i128);
    for reading in readings {
        let (now, taken) =
            (i128::from(reading.at.0), i128::from(reading.value.millionths) / i128::from(common));
        writer.wide_signed(now - at - step);
        writer.wide_signed(taken - value);
        (step, at, value) = (now - at, now, taken);
    }
    writer.into_vec()
}

fn unpack(bytes: &[u8]) -> Result<Vec<RawReading>, Damaged> {
    let mut reader = Reader::new(bytes);
    let len = reader.len()?;
    if len > BLOCK_READINGS {
        return Err(Damaged);
    }
    let common: u64 = reader.number()?;
    let (mut at, mut step, mut value) = (0_i128, 0_i128, 0_i128);
    let mut readings = Vec::with_capacity(len);
    for _ in 0..len {
        step = step.checked_add(reader.wide_signed()?).ok_or(Damaged)?;
        at = at.checked_add(step).ok_or(Damaged)?;
        value = value.checked_add(reader.wide_signed()?).ok_or(Damaged)?;
        let millionths = value.checked_mul(common.into()).and_then(|value| i64::try_from(value).ok());
        readings.push(RawReading {
            at: Timestamp(i64::try_from(at).map_err(|_| Damaged)?),
            value: Measure { millionths: millionths.ok_or(Damaged)? },
        });
    }
    reader.end()?;
    Ok(readings)
}
