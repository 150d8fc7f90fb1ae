//! What receipts say became of fields, read from their bytes as the hub gives them out.
//!
//! Numbers are LEB128 varints: a version (one byte), the region (a length of one byte, then its letters), the receipt's number, how many
//! events were withheld, then counts: how many types of events, and of each its number, how many entries it has and each entry: a byte of
//! depth times eight plus what became of the field, so many numbers as the depth says, and how often. A signature of 64 bytes ends it.
//!
//! Not here: whether a receipt is true; the hub has checked that. Written apart from the code that makes receipts, as an auditor would.

use std::ops::AddAssign;

const VERSION: u8 = 1;
const SIGNATURE_BYTES: usize = 64;
/// The most types of events, and the most entries of one, in a receipt.
const COUNTS_MAX: u64 = 4_096;

/// How often fields came to what; a field in a list counts once for each item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    /// They left as they were.
    pub passed: u64,
    /// A token left in their place.
    pub tokened: u64,
    /// They left coarser.
    pub coarsened: u64,
    /// They stayed, to be counted in an aggregate.
    pub aggregated: u64,
    /// They stayed.
    pub dropped: u64,
    /// Events of which nothing left.
    pub withheld: u64,
}

impl Removed {
    /// Reads the counts of one receipt; `None` when the bytes are not one.
    #[must_use]
    pub fn read(receipt: &[u8]) -> Option<Self> {
        let mut input = Input(receipt);
        let mut removed = Self::default();
        if input.byte()? != VERSION {
            return None;
        }
        let region = input.byte()?;
        input.take(usize::from(region))?;
        let _number = input.varint()?;
        removed.withheld = input.varint()?;
        for _ in 0..input.bounded()? {
            let _type = input.varint()?;
            for _ in 0..input.bounded()? {
                let head = input.byte()?;
                for _ in 0..head >> 3 {
                    input.varint()?;
                }
                let count = input.varint()?;
                *match head & 7 {
                    0 => &mut removed.passed,
                    1 => &mut removed.tokened,
                    2 => &mut removed.coarsened,
                    3 => &mut removed.aggregated,
                    4 => &mut removed.dropped,
                    _ => return None,
                } += count;
            }
        }
        (input.0.len() == SIGNATURE_BYTES).then_some(removed)
    }
}

impl AddAssign for Removed {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.tokened += other.tokened;
        self.coarsened += other.coarsened;
        self.aggregated += other.aggregated;
        self.dropped += other.dropped;
        self.withheld += other.withheld;
    }
}

/// What is left of the bytes.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        // Counts are far below 2^63: nine bytes of seven bits each.
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn bounded(&mut self) -> Option<u64> {
        self.varint().filter(|count| *count <= COUNTS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::{Removed, SIGNATURE_BYTES};

    fn receipt() -> Vec<u8> {
        // Region `eu`, number 3, 200 withheld; one type, 0x0101, with four entries.
        let mut bytes = vec![1, 2, b'e', b'u', 3, 200, 1, 1, 0x81, 0x02, 4];
        for entry in [[8, 1, 7].as_slice(), &[12, 2, 5], &[17, 3, 1, 6], &[18, 3, 2, 0x80, 1]] {
            bytes.extend(entry);
        }
        bytes.extend([9; SIGNATURE_BYTES]);
        bytes
    }

    #[test]
    fn the_counts_of_a_receipt_are_summed_by_what_became_of_fields() {
        let expected = Removed {
            passed: 7,
            tokened: 6,
            coarsened: 128,
            dropped: 5,
            withheld: 200,
            ..Removed::default()
        };
        assert_eq!(Removed::read(&receipt()), Some(expected));
        let mut sum = expected;
        sum += expected;
        assert_eq!((sum.coarsened, sum.withheld), (256, 400));
    }

    #[test]
    fn bytes_that_end_early_or_go_on_are_no_receipt() {
        let whole = receipt();
        for length in 0..whole.len() {
            assert_eq!(Removed::read(whole.get(..length).unwrap_or_default()), None);
        }
        assert_eq!(Removed::read(&[whole, vec![0]].concat()), None);
    }
}
