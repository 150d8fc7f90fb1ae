//! The survival horizon: how many days until each thing runs out that would hurt a store without a line, the first one named.
//!
//! It knows neither certificates nor disks: whoever does brings items. Not here: what to do about one (the doctor).

use crate::moment::DAY_MS;
use aisle_event::Timestamp;
use std::fmt;

/// The most items that are looked at.
pub const ITEMS_MAX: usize = 64;

/// What is left of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// It is good until then.
    Until(Timestamp),
    /// So much is there, and so much goes in a day; in any one unit (bytes, tokens).
    Shrinking {
        /// What is there.
        amount: u64,
        /// What goes in a day. With 0 it lasts.
        per_day: u64,
    },
    /// It lasts.
    Lasts,
    /// Nobody knows.
    Unknown,
}

/// Something that may run out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its name, in APIs and metrics: `certificate`, `disk`.
    pub name: &'static str,
    /// What it breaks, for people: `the hub refuses this node`.
    pub breaks: String,
    /// What is left.
    pub left: Left,
}

/// How near it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// More than a fortnight, or it lasts.
    Far,
    /// A fortnight or less, or nobody knows.
    Soon,
    /// Three days or less.
    Near,
    /// It has run out.
    Over,
}

/// An item and when it runs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The item.
    pub item: Item,
    /// In how many milliseconds; 0 when it has run out, none when it lasts or nobody knows.
    pub ms: Option<u64>,
}

/// All that may run out, the first first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Horizon {
    lines: Vec<Line>,
}

const SOON_DAYS: u64 = 14;
const NEAR_DAYS: u64 = 3;

impl Item {
    fn ms(&self, now: Timestamp) -> Option<u64> {
        let day = u128::from(DAY_MS.unsigned_abs());
        match self.left {
            Left::Until(until) => Some(until.ms_since(now)),
            Left::Shrinking { amount: 0, .. } => Some(0),
            Left::Shrinking { per_day: 0, .. } | Left::Lasts | Left::Unknown => None,
            Left::Shrinking { amount, per_day } => {
                let ms = u128::from(amount).saturating_mul(day).checked_div(u128::from(per_day)).unwrap_or(0);
                Some(u64::try_from(ms).unwrap_or(u64::MAX))
            }
        }
    }
}

impl Line {
    /// In how many whole days, as people count them.
    #[must_use]
    pub fn days(&self) -> Option<u64> {
        self.ms.map(|ms| ms / DAY_MS.unsigned_abs())
    }

    /// How near that is.
    #[must_use]
    pub fn nearness(&self) -> Nearness {
        match (self.ms, self.days(), self.item.left) {
            (Some(0), ..) => Nearness::Over,
            (_, Some(..=NEAR_DAYS), _) => Nearness::Near,
            (_, Some(..=SOON_DAYS), _) | (None, _, Left::Unknown) => Nearness::Soon,
            _ => Nearness::Far,
        }
    }
}

impl Horizon {
    /// Of these items, of which at most [`ITEMS_MAX`] are looked at; `now` is the best guess that there is.
    #[must_use]
    pub fn new(items: impl IntoIterator<Item = Item>, now: Timestamp) -> Self {
        let mut lines: Vec<Line> =
            items.into_iter().take(ITEMS_MAX).map(|item| Line { ms: item.ms(now), item }).collect();
        // What nobody knows comes behind what is known, and before what lasts.
        lines.sort_by_key(|line| (line.ms.is_none(), line.ms, line.item.left == Left::Lasts, line.item.name));
        Self { lines }
    }

    /// All of them, the first first.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// What runs out first; none when everything lasts, or nobody knows.
    #[must_use]
    pub fn first(&self) -> Option<&Line> {
        self.lines.first().filter(|line| line.ms.is_some())
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Item { name, breaks, left } = &self.item;
        match (self.days(), self.nearness(), left) {
            (_, Nearness::Over, _) => write!(f, "{name} has run out: {breaks}"),
            (Some(0), ..) => write!(f, "less than a day until {name} runs out; then {breaks}"),
            (Some(1), ..) => write!(f, "1 day until {name} runs out; then {breaks}"),
            (Some(days), ..) => write!(f, "{days} days until {name} runs out; then {breaks}"),
            (None, _, Left::Unknown) => {
                write!(f, "nobody knows until when {name} lasts; without it {breaks}")
            }
            (None, ..) => write!(f, "{name} lasts"),
        }
    }
}

impl fmt::Display for Horizon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first() {
            Some(line) => line.fmt(f),
            None => f.write_str("nothing runs out"),
        }
    }
}
