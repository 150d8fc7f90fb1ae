//! Which lines of which document are in the journal already, so that taking a file in twice adds nothing.

use aisle_event::{DocumentId, SourceName};
use minicbor::{Decode, Encode};

/// A set of line numbers, as ascending ranges that neither touch nor overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct LineSet {
    #[n(0)]
    ranges: Vec<(u32, u32)>,
}

impl LineSet {
    /// True when the line is in the set.
    #[must_use]
    pub fn contains(&self, line: u32) -> bool {
        let at = self.ranges.partition_point(|&(_, last)| last < line);
        self.ranges.get(at).is_some_and(|&(first, _)| first <= line)
    }

    /// Adds a line. Returns false when it was there already.
    pub fn insert(&mut self, line: u32) -> bool {
        if self.contains(line) {
            return false;
        }
        let at = self.ranges.partition_point(|&(_, last)| last < line);
        let joins_before =
            at.checked_sub(1).filter(|&i| self.ranges.get(i).is_some_and(|range| range.1 + 1 == line));
        let joins_after =
            line.checked_add(1).is_some_and(|next| self.ranges.get(at).is_some_and(|range| range.0 == next));
        match (joins_before, joins_after) {
            (Some(before), true) => {
                let (_, last) = self.ranges.remove(at);
                if let Some(range) = self.ranges.get_mut(before) {
                    range.1 = last;
                }
            }
            (Some(before), false) => {
                if let Some(range) = self.ranges.get_mut(before) {
                    range.1 = line;
                }
            }
            (None, true) => {
                if let Some(range) = self.ranges.get_mut(at) {
                    range.0 = line;
                }
            }
            (None, false) => self.ranges.insert(at, (line, line)),
        }
        true
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|&(first, last)| u64::from(last - first) + 1).sum()
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

/// The row's key. Ids hold no control character, so a zero byte ends the source.
pub(crate) fn key(source: &SourceName, document: &DocumentId) -> Vec<u8> {
    [source.as_str().as_bytes(), b"\0", document.as_str().as_bytes()].concat()
}
