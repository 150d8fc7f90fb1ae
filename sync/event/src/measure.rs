//! What a sensor measured: whole millionths of a unit, so that it compares and adds up the same everywhere.
//!
//! Not here: which unit; that belongs to the stream that the reading is of. What is no number (NaN, infinities) cannot be one.

use crate::record::required;
use minicbor::{Decode, Decoder, Encode, Encoder};
use serde::{Serialize, Serializer};
use std::fmt;

/// A measured value in millionths of its stream's unit: ±9.2 million million units at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Measure {
    /// Millionths: 3.9 °C are 3,900,000.
    pub millionths: i64,
}

/// Why a number is not a measure.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum InvalidMeasure {
    /// NaN or an infinity.
    #[error("`{0}` is no finite number")]
    NotFinite(f64),
    /// Too large for 64 bits of millionths.
    #[error("`{0}` is too large a measure")]
    TooLarge(f64),
}

impl Measure {
    /// The nearest measure to a number of units.
    ///
    /// # Errors
    /// When it is not finite, or too large.
    pub fn new(units: f64) -> Result<Self, InvalidMeasure> {
        // The largest integers on either side that a double holds without rounding up past 63 bits.
        const LIMIT: f64 = 9.2e12;
        if !units.is_finite() {
            Err(InvalidMeasure::NotFinite(units))
        } else if units.abs() > LIMIT {
            Err(InvalidMeasure::TooLarge(units))
        } else {
            Ok(Self { millionths: (units * 1e6).round() as i64 })
        }
    }

    /// In units.
    #[must_use]
    pub fn units(self) -> f64 {
        self.millionths as f64 / 1e6
    }
}

/// As a number of units.
impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.units())
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.units(), f)
    }
}

impl<C> Encode<C> for Measure {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.i64(self.millionths).map(drop)
    }
}

impl<'b, C> Decode<'b, C> for Measure {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        decoder.i64().map(|millionths| Self { millionths })
    }
}

required!(Measure);
