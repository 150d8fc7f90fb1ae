//! Where values stand in payloads: one node for each path that occurs, with the columns that hold its values.
//!
//! Writer and reader meet the paths and the columns in the same order, so neither is written down.

use std::collections::HashMap;

/// What a value is, as it stands in the column of a path's tokens.
pub(crate) mod token {
    pub(crate) const RAW: i64 = 0;
    pub(crate) const INT: i64 = 1;
    pub(crate) const TEXT: i64 = 2;
    pub(crate) const BYTES: i64 = 3;
    pub(crate) const LIST: i64 = 4;
    pub(crate) const TUPLE: i64 = 5;
    pub(crate) const SINGLE: i64 = 6;
    pub(crate) const DOUBLE: i64 = 7;
    pub(crate) const BIG: i64 = 8;
    pub(crate) const BIG_NEGATIVE: i64 = 9;
    /// `false` and the three after it.
    pub(crate) const SIMPLE: i64 = 10;
    /// A map whose keys are the first shape, and those after it.
    pub(crate) const MAP: i64 = 16;
}

/// The columns that a path can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// What each value is.
    Token,
    /// Numbers that fit.
    Int,
    /// The bits of floats and of numbers that do not fit.
    Bits,
    /// Texts.
    Text,
    /// Byte strings, and payloads that are not of the form.
    Bytes,
    /// How many values an array has.
    Length,
}

/// The step from a value to one inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// The payload of an event of a type.
    Kind(u16),
    /// The value of a key.
    Key(u64),
    /// A place in an array whose places differ in meaning.
    Place(u64),
    /// Any place in a list.
    Element,
}

/// Places beyond this one share a path.
const PLACE_MAX: u64 = 8;

impl Step {
    pub(crate) const fn of_tuple(place: u64) -> Self {
        Self::Place(if place < PLACE_MAX { place } else { PLACE_MAX })
    }
}

/// All paths of a body. The root is 0.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    nodes: HashMap<(u32, Step), u32>,
    columns: HashMap<(u32, Part), u32>,
}

impl Paths {
    /// The path one step further.
    pub(crate) fn step(&mut self, from: u32, step: Step) -> u32 {
        let next = self.nodes.len() as u32 + 1;
        *self.nodes.entry((from, step)).or_insert(next)
    }

    /// The number of a path's column, and whether it is new.
    pub(crate) fn column(&mut self, path: u32, part: Part) -> (usize, bool) {
        let next = self.columns.len() as u32;
        let column = *self.columns.entry((path, part)).or_insert(next);
        (column as usize, column == next && self.columns.len() as u32 == next + 1)
    }
}
