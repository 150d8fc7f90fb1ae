//! Wall time of something that happened in the shop: milliseconds since 1970-01-01T00:00:00Z; and days of the calendar.
//!
//! Not for order: order comes from sequence numbers and [`crate::Hlc`] (invariant 7).

use crate::record::required;
use minicbor::{Decode, Decoder, Encode, Encoder};
use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, UTC. A sale carries the time on its receipt, however late it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A day of the calendar: days since 1970-01-01, negative before. It has no zone: it is what is printed on a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i32);

/// Milliseconds of a day without leap seconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Timestamp {
    /// The day it falls on in UTC, stopping at the ends of the range.
    #[must_use]
    pub const fn day(self) -> Day {
        let days = self.0.div_euclid(DAY_MS);
        if days > i32::MAX as i64 {
            Day(i32::MAX)
        } else if days < i32::MIN as i64 {
            Day(i32::MIN)
        } else {
            Day(days as i32)
        }
    }

    /// The time so many milliseconds later, stopping at the ends of the range.
    #[must_use]
    pub const fn saturating_add_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// How many milliseconds have passed since an earlier time; zero when that is later.
    #[must_use]
    pub const fn ms_since(self, earlier: Self) -> u64 {
        let ms = self.0.saturating_sub(earlier.0);
        if ms < 0 { 0 } else { ms.unsigned_abs() }
    }
}

impl<C> Encode<C> for Timestamp {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.i64(self.0).map(drop)
    }
}

impl<'b, C> Decode<'b, C> for Timestamp {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        decoder.i64().map(Self)
    }
}

impl<C> Encode<C> for Day {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.i32(self.0).map(drop)
    }
}

impl<'b, C> Decode<'b, C> for Day {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        decoder.i32().map(Self)
    }
}

required!(Day, Timestamp);
