//! What became of each field: of one event ([`Fates`]) and of many ([`Tally`]). Counts only; no value is ever in here.

use crate::vocabulary::Path;
use std::collections::BTreeMap;

/// What became of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Outcome {
    /// It left as it was.
    Passed = 0,
    /// A token left in its place.
    Tokened = 1,
    /// It left coarser.
    Coarsened = 2,
    /// It stayed, to be counted in an aggregate.
    Aggregated = 3,
    /// It stayed: no rule, a rule that says so, an unknown field, or a value that could not be made what the rule wants.
    Dropped = 4,
}

impl Outcome {
    /// All.
    pub const ALL: [Self; 5] =
        [Self::Passed, Self::Tokened, Self::Coarsened, Self::Aggregated, Self::Dropped];

    /// By its number in receipts.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Passed),
            1 => Some(Self::Tokened),
            2 => Some(Self::Coarsened),
            3 => Some(Self::Aggregated),
            4 => Some(Self::Dropped),
            _ => None,
        }
    }

    /// Its number in receipts.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The word for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Tokened => "tokened",
            Self::Coarsened => "coarsened",
            Self::Aggregated => "aggregated",
            Self::Dropped => "dropped",
        }
    }

    /// True when something of the field leaves.
    #[must_use]
    pub const fn leaves(self) -> bool {
        matches!(self, Self::Passed | Self::Tokened | Self::Coarsened)
    }
}

/// What became of the fields of one event. A field in a list counts once for each item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fates(pub(crate) Vec<(Path, Outcome, u32)>);

impl Fates {
    pub(crate) fn note(&mut self, path: Path, outcome: Outcome) {
        match self.0.iter_mut().find(|(known, as_known, _)| *known == path && *as_known == outcome) {
            Some((.., count)) => *count = count.saturating_add(1),
            None => self.0.push((path, outcome, 1)),
        }
    }

    /// Each field, what became of it, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (Path, Outcome, u32)> + '_ {
        self.0.iter().copied()
    }

    /// Everything stays after all.
    pub(crate) fn all_dropped(&mut self) {
        let mut dropped = Self::default();
        for (path, outcome, count) in self.0.drain(..) {
            let outcome = if outcome == Outcome::Aggregated { outcome } else { Outcome::Dropped };
            (0..count).for_each(|_| dropped.note(path, outcome));
        }
        *self = dropped;
    }
}

/// What became of the fields of many events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(pub(crate) BTreeMap<(Path, Outcome), u64>);

impl Tally {
    /// Counts what became of one event's fields.
    pub fn add(&mut self, fates: &Fates) {
        for (path, outcome, count) in fates.iter() {
            self.count(path, outcome, u64::from(count));
        }
    }

    /// The same fields as often, all of which stayed without a rule.
    pub(crate) fn all_dropped(&self) -> Self {
        let mut dropped = Self::default();
        self.iter().for_each(|(path, _, count)| dropped.count(path, Outcome::Dropped, count));
        dropped
    }

    pub(crate) fn count(&mut self, path: Path, outcome: Outcome, count: u64) {
        let sum = self.0.entry((path, outcome)).or_default();
        *sum = sum.saturating_add(count);
    }

    /// How often a field came to something.
    #[must_use]
    pub fn of(&self, path: Path, outcome: Outcome) -> u64 {
        self.0.get(&(path, outcome)).copied().unwrap_or(0)
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(path, outcome, count)| self.count(path, outcome, count));
    }

    /// How often fields came to something, in all.
    #[must_use]
    pub fn total(&self, outcome: Outcome) -> u64 {
        self.iter()
            .filter(|(_, as_, _)| *as_ == outcome)
            .fold(0, |sum, (.., count)| sum.saturating_add(count))
    }

    /// Each field, what became of it, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (Path, Outcome, u64)> + '_ {
        self.0.iter().map(|((path, outcome), count)| (*path, *outcome, *count))
    }
}
