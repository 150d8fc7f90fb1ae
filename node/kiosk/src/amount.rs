//! [`Amount`]: a quantity as a client writes it, read digit by digit so that nothing is rounded.

use aisle_event::{Quantity, Unit};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::value::RawValue;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// The largest quantity of one line, in units.
pub(crate) const UNITS_MAX: i64 = 9_999;
/// The longest number that is read, in characters.
const CHARS_MAX: usize = 64;

/// A number from 0 to 9999, exact to a thousandth or known not to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    thousandths: i64,
    /// False when there were digits beyond the third decimal.
    exact: bool,
}

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAmount {
    /// It is not written like a number.
    #[error("is no number")]
    NotANumber,
    /// It is less than nothing.
    #[error("is below 0")]
    Negative,
    /// It is more than 9999.
    #[error("is above 9999")]
    TooLarge,
}

/// Why a product is not sold in an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSoldLikeThis {
    /// It has decimals.
    #[error("is sold by the piece, in whole numbers")]
    Piece,
    /// It has more than three decimals.
    #[error("is sold in steps of a thousandth of its unit")]
    Step,
}

impl Amount {
    /// Nothing.
    pub(crate) const ZERO: Self = Self { thousandths: 0, exact: true };
    /// One unit.
    pub(crate) const ONE: Self = Self { thousandths: 1000, exact: true };

    /// Reads a number as JSON writes it: digits, a fraction, an exponent.
    ///
    /// # Errors
    /// When it is no number, or out of bounds.
    pub fn parse(text: &str) -> Result<Self, InvalidAmount> {
        if text.len() > CHARS_MAX {
            return Err(InvalidAmount::NotANumber);
        }
        let (negative, number) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidAmount::NotANumber);
        }
        let exponent: i64 = exponent.parse().map_err(|_| InvalidAmount::NotANumber)?;
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() {
            return Ok(Self { thousandths: 0, exact: true });
        }
        if negative {
            return Err(InvalidAmount::Negative);
        }
        // How many of the significant digits stand before the end of the third decimal.
        let places = (significant.len() as i64)
            .saturating_sub(fraction.len() as i64)
            .saturating_add(exponent)
            .saturating_add(3);
        if places > 8 {
            return Err(InvalidAmount::TooLarge);
        }
        let places = usize::try_from(places).unwrap_or(0);
        let (kept, rest) = significant.split_at_checked(places).unwrap_or((significant, ""));
        let kept = format!("{kept:0<places$}");
        let thousandths: i64 =
            if kept.is_empty() { 0 } else { kept.parse().map_err(|_| InvalidAmount::TooLarge)? };
        let exact = rest.bytes().all(|byte| byte == b'0');
        if thousandths > UNITS_MAX * 1000 || (thousandths == UNITS_MAX * 1000 && !exact) {
            return Err(InvalidAmount::TooLarge);
        }
        Ok(Self { thousandths, exact })
    }

    /// As a whole number, where it is one.
    pub(crate) fn whole(self) -> Option<u32> {
        (self.exact && self.thousandths % 1000 == 0)
            .then(|| u32::try_from(self.thousandths / 1000).ok())
            .flatten()
    }

    /// As a quantity of something that is sold by a unit.
    ///
    /// # Errors
    /// When it is not sold in such an amount.
    pub fn of(self, unit: Unit) -> Result<Quantity, NotSoldLikeThis> {
        match unit {
            Unit::Each if !self.exact || self.thousandths % 1000 != 0 => Err(NotSoldLikeThis::Piece),
            _ if !self.exact => Err(NotSoldLikeThis::Step),
            unit => Ok(Quantity { thousandths: self.thousandths, unit }),
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(raw.get()).map_err(D::Error::custom)
    }
}

impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Number)
            .minimum(Some(0))
            .maximum(Some(UNITS_MAX))
            .description(Some(
                "Units of the product, read as the decimal number that is written. What is sold by the piece takes \
                 whole numbers, what is weighed or measured up to three decimals (409 otherwise).",
            ))
            .examples([serde_json::json!(2), serde_json::json!(0.25)])
            .into()
    }
}

impl ToSchema for Amount {}

#[cfg(test)]
mod tests {
    use super::*;

    fn thousandths(text: &str) -> Result<i64, InvalidAmount> {
        Amount::parse(text).map(|amount| {
            assert!(amount.exact, "{text} is exact");
            amount.thousandths
        })
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for (text, expected) in [
            ("0", 0),
            ("-0.0", 0),
            ("2", 2000),
            ("0.001", 1),
            ("1.25", 1250),
            ("1.2500", 1250),
            ("12e-1", 1200),
            ("0.5E+1", 5000),
            ("9999", 9_999_000),
            ("1E3", 1_000_000),
        ] {
            assert_eq!(thousandths(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_out_of_bounds_is_refused() {
        assert_eq!(Amount::parse("-1"), Err(InvalidAmount::Negative));
        assert_eq!(Amount::parse("9999.001"), Err(InvalidAmount::TooLarge));
        assert_eq!(Amount::parse("9999.0001"), Err(InvalidAmount::TooLarge));
        assert_eq!(Amount::parse("1e9999999"), Err(InvalidAmount::TooLarge));
        for text in ["", ".5", "1_000", "\"2\"", "null", "1e", "+1", "0x10", "1e99999999999999999999"] {
            assert_eq!(Amount::parse(text), Err(InvalidAmount::NotANumber), "{text}");
        }
    }

    #[test]
    fn pieces_are_whole_and_weights_have_three_decimals() {
        let quantity = |text: &str, unit| Amount::parse(text).unwrap().of(unit);
        assert_eq!(quantity("3.0", Unit::Each), Ok(Quantity::each(3)));
        assert_eq!(quantity("1.5", Unit::Each), Err(NotSoldLikeThis::Piece));
        assert_eq!(quantity("1e-9", Unit::Each), Err(NotSoldLikeThis::Piece));
        assert_eq!(
            quantity("0.125", Unit::Kilogram),
            Ok(Quantity { thousandths: 125, unit: Unit::Kilogram })
        );
        assert_eq!(quantity("0.0005", Unit::Kilogram), Err(NotSoldLikeThis::Step));
    }
}
