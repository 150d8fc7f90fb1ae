//! Bits in a row, the lowest first, and Rice codes.
//!
//! Rice: R. F. Rice, "Some Practical Universal Noiseless Coding Techniques", JPL 79-22 (1979): a number is its quotient by
//! 2^k in unary and its remainder in k bits; near the entropy of a geometric distribution.

use crate::varint::{Broken, Reader};

/// A quotient this long is no quotient: the number follows in 64 bits.
const ESCAPE: u32 = 32;

pub(crate) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    held: u128,
    bits: u32,
}

impl<'a> BitWriter<'a> {
    pub(crate) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, held: 0, bits: 0 }
    }

    /// Writes the lowest bits of a number, at most 64.
    pub(crate) fn put(&mut self, value: u64, width: u32) {
        self.held |= u128::from(value) << self.bits;
        self.bits += width;
        while self.bits >= 8 {
            self.out.push(self.held as u8);
            self.held >>= 8;
            self.bits -= 8;
        }
    }

    pub(crate) fn rice(&mut self, value: u64, k: u32) {
        let quotient = value >> k;
        if quotient < u64::from(ESCAPE) {
            let quotient = quotient as u32;
            self.put((1 << quotient) - 1, quotient + 1);
            self.put(value & ((1 << k) - 1), k);
        } else {
            self.put((1 << ESCAPE) - 1, ESCAPE);
            self.put(value, 64);
        }
    }

    /// Fills the last byte with zeros.
    pub(crate) fn finish(self) {
        if self.bits > 0 {
            self.out.push(self.held as u8);
        }
    }
}

/// How many bits the Rice codes of some numbers take.
pub(crate) fn rice_bits(values: &[u64], k: u32) -> u64 {
    values.iter().fold(0, |sum, value| {
        let quotient = value >> k;
        sum + if quotient < u64::from(ESCAPE) { quotient + 1 + u64::from(k) } else { u64::from(ESCAPE) + 64 }
    })
}

/// How many bits a number needs.
pub(crate) const fn width_of(value: u64) -> u32 {
    u64::BITS - value.leading_zeros()
}

pub(crate) struct BitReader<'a> {
    rest: Reader<'a>,
    held: u128,
    bits: u32,
}

impl<'a> BitReader<'a> {
    pub(crate) const fn new(rest: Reader<'a>) -> Self {
        Self { rest, held: 0, bits: 0 }
    }

    /// Reads at most 64 bits.
    pub(crate) fn get(&mut self, width: u32) -> Result<u64, Broken> {
        while self.bits < width {
            self.held |= u128::from(self.rest.byte()?) << self.bits;
            self.bits += 8;
        }
        let value = self.held & ((1_u128 << width) - 1);
        self.held >>= width;
        self.bits -= width;
        Ok(value as u64)
    }

    pub(crate) fn rice(&mut self, k: u32) -> Result<u64, Broken> {
        let mut quotient = 0;
        while self.get(1)? == 1 {
            quotient += 1;
            if quotient == ESCAPE {
                return self.get(64);
            }
        }
        let remainder = self.get(k)?;
        Ok((u64::from(quotient) << k) | remainder)
    }

    /// What follows the last byte that was begun.
    pub(crate) const fn finish(self) -> Reader<'a> {
        self.rest
    }
}
