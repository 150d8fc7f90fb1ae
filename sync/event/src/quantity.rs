//! How much of a thing: whole thousandths of a unit of measure, because weighed goods are common.

use crate::{
    money::Money,
    record::{code, required},
};
use minicbor::{Decode, Decoder, Encode, Encoder};
use serde::{Deserialize, Serialize};
use std::fmt;

code! {
    /// What a quantity counts.
    pub enum Unit {
        /// Pieces.
        Each = 0 "each",
        /// Kilograms.
        Kilogram = 1 "kg",
        /// Litres.
        Litre = 2 "l",
        /// Metres.
        Metre = 3 "m",
    }
}

/// An amount in thousandths of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Quantity {
    /// Thousandths: 1,500 kg-thousandths are 1.5 kg. Negative for what leaves.
    pub thousandths: i64,
    /// The unit that they are thousandths of.
    pub unit: Unit,
}

/// Why a text is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuantity {
    /// Not a whole number of pieces.
    #[error("`{0}` is no whole number")]
    NotWhole(String),
    /// Too large for 64 bits of thousandths.
    #[error("`{0}` is too large a quantity")]
    TooLarge(String),
}

impl Quantity {
    /// So many pieces. Saturates at ±9.2 quadrillion.
    #[must_use]
    pub const fn each(pieces: i64) -> Self {
        Self { thousandths: pieces.saturating_mul(1000), unit: Unit::Each }
    }

    /// None of a unit.
    #[must_use]
    pub const fn zero(unit: Unit) -> Self {
        Self { thousandths: 0, unit }
    }

    /// Reads a whole number of pieces such as `6` or `-2`.
    ///
    /// # Errors
    /// When the text is not a whole number, or is too large.
    pub fn parse_pieces(text: &str) -> Result<Self, InvalidQuantity> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidQuantity::NotWhole(text.into()));
        }
        text.parse::<i64>()
            .ok()
            .and_then(|pieces| pieces.checked_mul(1000))
            .map(|thousandths| Self { thousandths, unit: Unit::Each })
            .ok_or_else(|| InvalidQuantity::TooLarge(text.into()))
    }

    /// The sum; `None` when the units differ or it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        (self.unit == other.unit)
            .then(|| self.thousandths.checked_add(other.thousandths))
            .flatten()
            .map(|thousandths| Self { thousandths, ..self })
    }

    /// The same amount the other way; `None` when it does not fit.
    #[must_use]
    pub fn checked_neg(self) -> Option<Self> {
        self.thousandths.checked_neg().map(|thousandths| Self { thousandths, ..self })
    }

    /// What this much costs at a price for one unit, rounded half away from zero to the minor unit;
    /// `None` when it does not fit.
    #[must_use]
    pub fn price(self, unit_price: Money) -> Option<Money> {
        let minor = i64::try_from(exact_cost(unit_price.minor, self.thousandths)).ok()?;
        Some(Money { minor, ..unit_price })
    }
}

/// What so many thousandths of a unit cost at a price for one, in minor units, as [`Quantity::price`] has it; what does not fit is the
/// highest that there is, or the lowest.
#[must_use]
pub fn cost(unit_price: i64, thousandths: i64) -> i64 {
    let cost = exact_cost(unit_price, thousandths);
    i64::try_from(cost).unwrap_or(if cost < 0 { i64::MIN } else { i64::MAX })
}

/// Rounded half away from zero. Both factors are below 2^63, so the product fits.
fn exact_cost(unit_price: i64, thousandths: i64) -> i128 {
    let product = i128::from(thousandths) * i128::from(unit_price);
    (product + 500 * product.signum()) / 1000
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.thousandths < 0 { "-" } else { "" };
        let (whole, rest) = (self.thousandths.unsigned_abs() / 1000, self.thousandths.unsigned_abs() % 1000);
        write!(f, "{sign}{whole}")?;
        if rest != 0 {
            let decimals = format!("{rest:03}");
            write!(f, ".{}", decimals.trim_end_matches('0'))?;
        }
        match self.unit {
            Unit::Each => Ok(()),
            unit => write!(f, " {unit}"),
        }
    }
}

impl<C> Encode<C> for Quantity {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.array(2)?.i64(self.thousandths)?.encode(self.unit).map(drop)
    }
}

impl<'b, C> Decode<'b, C> for Quantity {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        if decoder.array()? != Some(2) {
            return Err(minicbor::decode::Error::message("a quantity is [thousandths, unit]"));
        }
        Ok(Self { thousandths: decoder.i64()?, unit: decoder.decode()? })
    }
}

required!(Quantity);
