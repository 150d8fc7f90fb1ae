//! One minute of one stream: count, least, most, sum, last and spread, exact but for the spread; and many of them in few bytes.
//!
//! Many minutes are written column by column: each number as its difference to what is likely, divided by what divides all of them.
//!
//! Not here: which readings belong to it (`stream`), files (`archive`).

use super::{
    bytes::{Damaged, Reader, Writer, common_divisor},
    sketch::Sketch,
};

/// Milliseconds of a minute.
pub(super) const MINUTE_MS: i64 = 60_000;
/// A minute's sketch joins its bins beyond so many.
const MINUTE_BINS_MAX: usize = 48;
/// What one written block may hold at most: a day.
pub(super) const BLOCK_MINUTES_MAX: usize = 1440;

/// The readings of a minute taken together. Values are millionths of the stream's unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minute {
    /// How many readings; never 0.
    pub count: u32,
    /// The least.
    pub min: i64,
    /// The most.
    pub max: i64,
    /// All added up.
    pub sum: i128,
    /// The one measured last.
    pub last: i64,
    /// How they spread.
    pub sketch: Sketch,
    /// When in the minute the last was measured, in milliseconds. Not kept in files: there the minute is closed.
    pub(super) last_ms: u16,
}

impl Minute {
    /// A minute with one reading, `ms` after its start.
    #[must_use]
    pub fn of(value: i64, ms: u16) -> Self {
        let mut sketch = Sketch::default();
        sketch.add(value);
        Self { count: 1, min: value, max: value, sum: value.into(), last: value, sketch, last_ms: ms }
    }

    /// Takes one more reading in. Readings beyond four thousand million a minute are ignored.
    pub fn add(&mut self, value: i64, ms: u16) {
        let Some(count) = self.count.checked_add(1) else { return };
        self.count = count;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.sum += i128::from(value);
        if ms >= self.last_ms {
            (self.last, self.last_ms) = (value, ms);
        }
        self.sketch.add(value);
        self.sketch.fit(MINUTE_BINS_MAX);
    }

    /// The mean, in units.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.sum as f64 / f64::from(self.count) / 1e6
    }
}

/// What divides every value of them.
fn divisor(minutes: &[(i64, &Minute)]) -> u64 {
    let mut common = 0;
    for (_, minute) in minutes {
        for value in [minute.min, minute.max, minute.last] {
            common = common_divisor(value.unsigned_abs(), common);
        }
        if common != 0 {
            common = common_divisor(common, (minute.sum.unsigned_abs() % u128::from(common)) as u64);
        }
    }
    common.max(1)
}

/// Writes minutes, each with its number since 1970, in ascending order.
pub(super) fn write(minutes: &[(i64, &Minute)], open: bool, writer: &mut Writer) {
    writer.len(minutes.len());
    let common = divisor(minutes);
    let wide = i128::from(common);
    writer.number(common);
    let mut before = 0;
    for (number, _) in minutes {
        writer.signed(number - before);
        before = number + 1;
    }
    let mut before = 0;
    for (_, minute) in minutes {
        writer.signed(i64::from(minute.count) - before);
        before = i64::from(minute.count);
    }
    let mut before = 0;
    for (_, minute) in minutes {
        let min = i128::from(minute.min) / wide;
        writer.wide_signed(min - before);
        before = min;
    }
    let above = |value: i128, minute: &Minute| ((value - i128::from(minute.min)) / wide).unsigned_abs();
    for (_, minute) in minutes {
        writer.wide(above(minute.max.into(), minute));
    }
    for (_, minute) in minutes {
        writer.wide(above(minute.last.into(), minute));
    }
    for (_, minute) in minutes {
        let least = i128::from(minute.count) * i128::from(minute.min);
        writer.wide(((minute.sum - least) / wide).unsigned_abs());
    }
    if open {
        for (_, minute) in minutes {
            writer.number(minute.last_ms);
        }
    }
    let mut near = 0;
    for (_, minute) in minutes {
        minute.sketch.write(near, writer);
        near = minute.sketch.first_key().unwrap_or(near);
    }
}

/// Reads what [`write()`] wrote.
pub(super) fn read(open: bool, reader: &mut Reader<'_>) -> Result<Vec<(i64, Minute)>, Damaged> {
    let len = reader.len()?;
    let common: u64 = reader.number()?;
    let wide = i128::from(common);
    let mut minutes = Vec::with_capacity(len.min(BLOCK_MINUTES_MAX));
    let mut before = 0_i64;
    for nth in 0..len {
        let ahead: i64 = reader.signed()?;
        if nth > 0 && ahead < 0 {
            return Err(Damaged);
        }
        let number = before.checked_add(ahead).ok_or(Damaged)?;
        before = number.checked_add(1).ok_or(Damaged)?;
        minutes.push((number, Minute::of(0, 0)));
    }
    let mut before = 0_i64;
    for (_, minute) in &mut minutes {
        before = before.checked_add(reader.signed()?).ok_or(Damaged)?;
        minute.count = u32::try_from(before).ok().filter(|count| *count > 0).ok_or(Damaged)?;
    }
    let value = |number: i128| -> Result<i64, Damaged> {
        number.checked_mul(wide).and_then(|value| i64::try_from(value).ok()).ok_or(Damaged)
    };
    let mut before = 0_i128;
    for (_, minute) in &mut minutes {
        before = before.checked_add(reader.wide_signed()?).ok_or(Damaged)?;
        minute.min = value(before)?;
    }
    let above = |reader: &mut Reader<'_>| -> Result<i128, Damaged> {
        let above: i128 = reader.number()?;
        above.checked_mul(wide).filter(|above| *above <= i128::MAX >> 2).ok_or(Damaged)
    };
    for (_, minute) in &mut minutes {
        minute.max = i64::try_from(i128::from(minute.min) + above(reader)?).map_err(|_| Damaged)?;
    }
    for (_, minute) in &mut minutes {
        minute.last = i64::try_from(i128::from(minute.min) + above(reader)?).map_err(|_| Damaged)?;
        if minute.last > minute.max {
            return Err(Damaged);
        }
    }
    for (_, minute) in &mut minutes {
        let count = i128::from(minute.count);
        minute.sum = count * i128::from(minute.min) + above(reader)?;
        if minute.sum > count * i128::from(minute.max) {
            return Err(Damaged);
        }
    }
    if open {
        for (_, minute) in &mut minutes {
            minute.last_ms = reader.number()?;
        }
    }
    let mut near = 0;
    for (_, minute) in &mut minutes {
        minute.sketch = Sketch::read(near, minute.count.into(), reader)?;
        near = minute.sketch.first_key().unwrap_or(near);
    }
    Ok(minutes)
}
