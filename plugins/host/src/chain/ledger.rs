//! What the lines of a basket cost, while offers come and go.
//!
//! Guards that no line ever costs less than nothing or more than its price, and that the shares of a basket discount add up to it.

use crate::types::{Given, Line};
use aisle_event::quantity::cost;
use std::collections::BTreeMap;

/// The lines' amounts, in minor units. Lines are found by their number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    lines: Vec<Entry>,
    /// Where a line of this number is.
    places: BTreeMap<u32, usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    number: u32,
    gross: i64,
    given: i64,
}

impl Ledger {
    /// The lines at their prices, before any offer. A line that costs less than nothing (something taken back) gets no offers.
    #[must_use]
    pub fn new(lines: &[Line]) -> Self {
        let entry = |line: &Line| Entry {
            number: line.number,
            gross: cost(line.unit_price, line.quantity).max(0),
            given: 0,
        };
        let places = lines.iter().enumerate().map(|(place, line)| (line.number, place)).collect();
        Self { lines: lines.iter().map(entry).collect(), places }
    }

    /// Does again what plugins before this one gave.
    pub fn repeat(&mut self, given: &[Given]) {
        for one in given {
            match one.line {
                Some(line) => drop(self.take_off(line, one.amount)),
                None => drop(self.share(one.amount)),
            }
        }
    }

    /// Whether there is a line of this number.
    #[must_use]
    pub fn has(&self, line: u32) -> bool {
        self.places.contains_key(&line)
    }

    /// What a line costs before offers.
    #[must_use]
    pub fn gross(&self, line: u32) -> i64 {
        self.entry(line).map_or(0, |entry| entry.gross)
    }

    /// What was given on a line, its share of basket discounts included.
    #[must_use]
    pub fn given(&self, line: u32) -> i64 {
        self.entry(line).map_or(0, |entry| entry.given)
    }

    /// What a line costs as it stands.
    #[must_use]
    pub fn net(&self, line: u32) -> i64 {
        self.entry(line).map_or(0, Entry::net)
    }

    /// What the basket costs as it stands.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.lines.iter().fold(0, |total, entry| total.saturating_add(entry.net()))
    }

    /// Takes an amount off a line; a negative one takes a discount back. What would make the line cost less than nothing, or more
    /// than its price, is left out. Returns what was taken off.
    pub fn take_off(&mut self, line: u32, amount: i64) -> i64 {
        let place = self.places.get(&line).copied();
        let Some(entry) = place.and_then(|place| self.lines.get_mut(place)) else { return 0 };
        let amount = amount.clamp(-entry.given, entry.net());
        entry.given += amount;
        amount
    }

    /// Takes an amount off the basket, shared among the lines by what they cost as they stand, to the last unit: by largest remainder
    /// (Hamilton), of equal remainders the earlier line first. Returns the shares above zero, by line. More than the basket costs is not
    /// taken off.
    pub fn share(&mut self, amount: i64) -> Vec<(u32, i64)> {
        let total: i128 = self.lines.iter().map(|entry| i128::from(entry.net())).sum();
        let amount = i128::from(amount.max(0)).min(total);
        if amount == 0 {
            return Vec::new();
        }
        // Place, whole part, remainder. Both factors are below 2^63, so the product fits.
        let parts = |(place, entry): (usize, &Entry)| {
            let exact = amount * i128::from(entry.net());
            (place, exact / total, exact % total)
        };
        let mut shares: Vec<(usize, i128, i128)> = self.lines.iter().enumerate().map(parts).collect();
        let mut left = amount - shares.iter().map(|(_, whole, _)| whole).sum::<i128>();
        // A stable sort: of equal remainders the earlier line comes first. There are always more remainders above zero than are left.
        shares.sort_by_key(|(_, _, remainder)| std::cmp::Reverse(*remainder));
        for (_, whole, _) in &mut shares {
            if left == 0 {
                break;
            }
            *whole += 1;
            left -= 1;
        }
        shares.sort_by_key(|(place, _, _)| *place);
        let mut given = Vec::new();
        for (entry, (_, share, _)) in self.lines.iter_mut().zip(shares) {
            // A share is never above what the line costs.
            let share = i64::try_from(share).unwrap_or(0).min(entry.net());
            entry.given += share;
            if share > 0 {
                given.push((entry.number, share));
            }
        }
        given
    }

    fn entry(&self, line: u32) -> Option<&Entry> {
        self.lines.get(*self.places.get(&line)?)
    }
}

impl Entry {
    const fn net(&self) -> i64 {
        self.gross - self.given
    }
}
