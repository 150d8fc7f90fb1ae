//! A column that has been written or read, as later columns of the same body lean on it.

use crate::varint::Broken;
use std::collections::HashMap;

/// A text of a column: where it lies among the bytes of all texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// What there is of an earlier column.
#[derive(Debug, Default)]
pub(crate) struct Lean {
    /// Its numbers, where it is one of numbers.
    pub(crate) ints: Vec<i64>,
    /// For each value the number of the first that was equal, counted by distinct values.
    pub(crate) keys: Vec<u32>,
    /// How many distinct values there are.
    pub(crate) distinct: usize,
    /// True when its numbers are lengths of lists.
    pub(crate) is_lengths: bool,
}

impl Lean {
    pub(crate) fn of_ints(ints: Vec<i64>, is_lengths: bool) -> Self {
        let (keys, distinct) = keys(ints.iter());
        Self { ints, keys, distinct, is_lengths }
    }

    pub(crate) fn of_texts<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Self {
        let (keys, distinct) = keys(texts);
        Self { ints: Vec::new(), keys, distinct, is_lengths: false }
    }
}

/// Numbers values by their first occurrence.
pub(crate) fn keys<T: Eq + std::hash::Hash>(values: impl Iterator<Item = T>) -> (Vec<u32>, usize) {
    let mut seen: HashMap<T, u32> = HashMap::new();
    let keys = values
        .map(|value| {
            let next = seen.len() as u32;
            *seen.entry(value).or_insert(next)
        })
        .collect();
    (keys, seen.len())
}

/// The columns so far. A column is named by its place.
#[derive(Debug, Default)]
pub(crate) struct Leans(Vec<Lean>);

impl Leans {
    /// How far back a column looks for one to lean on.
    pub(crate) const BACK_MAX: usize = 24;

    pub(crate) fn push(&mut self, lean: Lean) {
        self.0.push(lean);
    }

    /// The nearest earlier columns with their places, the first column among them however far it is.
    pub(crate) fn near(&self) -> impl Iterator<Item = (usize, &Lean)> {
        let far = self.0.len().saturating_sub(Self::BACK_MAX);
        self.0.iter().enumerate().filter(move |(place, _)| *place < 2 || *place >= far)
    }

    /// The column at a place that was read, with as many values as are needed.
    pub(crate) fn keyed(&self, place: usize, count: usize) -> Result<&Lean, Broken> {
        self.0.get(place).filter(|lean| lean.keys.len() == count).ok_or(Broken)
    }

    /// The same, when it is of numbers.
    pub(crate) fn ints(&self, place: usize, count: usize) -> Result<&[i64], Broken> {
        self.0.get(place).map(|lean| lean.ints.as_slice()).filter(|ints| ints.len() == count).ok_or(Broken)
    }

    /// The lengths at a place, when they add up to as many values as are needed.
    pub(crate) fn lengths(&self, place: usize, count: usize) -> Result<&[i64], Broken> {
        let lean = self.0.get(place).filter(|lean| lean.is_lengths).ok_or(Broken)?;
        if sum_is(&lean.ints, count) { Ok(&lean.ints) } else { Err(Broken) }
    }
}

/// True when no length is negative and all of them together are a count.
pub(crate) fn sum_is(lengths: &[i64], count: usize) -> bool {
    let sum = lengths.iter().try_fold(0_usize, |sum, length| {
        usize::try_from(*length).ok().and_then(|length| sum.checked_add(length))
    });
    sum == Some(count)
}
