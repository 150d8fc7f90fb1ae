//! Values out of bytes: the same bytes give the same values, and where there are none left everything is as simple as it can be.

use crate::mutate::Random;
use aisle_plugin_host::PRICE_MAX;

/// Courses that are damaged further, and their length in bytes.
const EXAMPLES: u64 = 24;
const EXAMPLE_BYTES: usize = 300;

/// What is left of the input.
pub(super) struct Draw<'a>(&'a [u8]);

impl<'a> Draw<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    /// True once in so many times, and never where nothing is left.
    pub(super) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    pub(super) fn list<T>(&mut self, max: usize, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(max + 1)).map(|_| one(self)).collect()
    }

    pub(super) fn maybe<T>(&mut self, one: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(2) == 1).then(|| one(self))
    }

    /// Up to a few thousand.
    pub(super) fn small(&mut self) -> i64 {
        i64::from(u16::from_le_bytes([self.byte(), self.byte()])) % 3_000
    }

    /// Any number; most are small, some lie on an edge.
    pub(super) fn any(&mut self) -> i64 {
        match self.below(32) {
            31 => i64::MAX,
            30 => i64::MIN,
            29 => -1,
            28 => PRICE_MAX,
            27 => PRICE_MAX + 1,
            26 => 0,
            25 => i64::from_le_bytes(std::array::from_fn(|_| self.byte())),
            _ => self.small(),
        }
    }

    /// The same in 32 bits without a sign.
    pub(super) fn count(&mut self) -> u32 {
        u32::try_from(self.any().unsigned_abs()).unwrap_or(u32::MAX)
    }

    /// Words of a plugin; most are good.
    pub(super) fn words(&mut self) -> String {
        match self.below(32) {
            31 => String::new(),
            30 => " \u{3000}".into(),
            29 => "ö".repeat(120),
            28 => "ö".repeat(121),
            27 => "ö".repeat(32),
            26 => "ö".repeat(33),
            25 => "two\nlines".into(),
            24 => "each".into(),
            23 => {
                let bytes = self.list(12, Self::byte);
                String::from_utf8_lossy(&bytes).into_owned()
            }
            _ => "because".into(),
        }
    }

    /// The number of a product, which the shop may have.
    pub(super) fn sku(&mut self) -> String {
        self.pick(&["A", "B", "C", "D", "E", "\u{1b}[31m"]).into()
    }
}

/// Made by seed: any bytes are as good as others.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    (0..EXAMPLES).map(|seed| Random(seed).bytes(EXAMPLE_BYTES)).collect()
}
