//! Who comes: households with a taste and, in every category, a favourite.

use super::assortment::Range;
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

/// How many households live around the shop.
pub(crate) const HOUSEHOLDS: u32 = 900;

const TASTES: &[(Range, f64)] =
    &[(Range::Value, 3.0), (Range::Standard, 5.0), (Range::Organic, 1.5), (Range::Premium, 1.2)];

/// A household, known by its number alone: all else follows from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Household {
    number: u32,
    seed: u64,
}

impl Household {
    pub(crate) fn new(number: u32, seed: u64) -> Self {
        Self { number, seed }
    }

    /// Its number on the shop's card, for those who have one.
    pub(crate) fn card(self) -> Option<String> {
        (self.number % 5 < 2).then(|| format!("H{:05}", self.number))
    }

    /// The range it prefers.
    pub(crate) fn taste(self) -> Range {
        TASTES
            .choose_weighted(&mut self.rng(0), |(_, weight)| *weight)
            .map_or(Range::Standard, |(range, _)| *range)
    }

    /// Where on a shelf its favourite stands, as a part of the shelf's whole weight.
    pub(crate) fn favourite(self, category: usize) -> f64 {
        self.rng(1 + category as u64).random()
    }

    fn rng(self, purpose: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.seed ^ (u64::from(self.number) << 32 | purpose << 8 | 0xa5))
    }
}
