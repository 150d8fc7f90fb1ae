//! Money: whole minor units of one currency. No floats, no silent rounding, no overflow.

use crate::record::required;
use minicbor::{Decode, Decoder, Encode, Encoder};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// An ISO 4217 currency, as its three letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// An amount in minor units (pence, cents, yen) of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// How many minor units; negative for what is owed back.
    pub minor: i64,
    /// The currency that they are units of.
    pub currency: Currency,
}

/// Why a text is not money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMoney {
    /// Not three capital letters.
    #[error("`{0}` is no currency: it needs three capital letters, as in ISO 4217")]
    Currency(String),
    /// Not a decimal number.
    #[error("`{0}` is no amount: it needs digits and at most one point")]
    Number(String),
    /// More decimals than the currency has.
    #[error("`{text}` has {found} decimals; {currency} has {exponent}")]
    Decimals {
        /// The text.
        text: String,
        /// How many decimals it has.
        found: usize,
        /// The currency.
        currency: Currency,
        /// How many it may have.
        exponent: usize,
    },
    /// Too large for 64 bits of minor units.
    #[error("`{0}` is too large an amount")]
    TooLarge(String),
}

impl Currency {
    /// Pound sterling.
    pub const GBP: Self = Self(*b"GBP");
    /// Euro.
    pub const EUR: Self = Self(*b"EUR");

    /// Its three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// How many decimals its minor unit stands for (ISO 4217, list one; two for what is not listed here).
    #[must_use]
    pub const fn exponent(self) -> usize {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
            | b"UGX" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }

    const fn scale(self) -> i64 {
        10_i64.pow(self.exponent() as u32)
    }
}

impl FromStr for Currency {
    type Err = InvalidMoney;

    fn from_str(text: &str) -> Result<Self, InvalidMoney> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            _ => Err(InvalidMoney::Currency(text.into())),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidMoney;

    fn try_from(text: String) -> Result<Self, InvalidMoney> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.as_str().into()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Money {
    /// An amount of minor units.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads a decimal number such as `2.55` exactly.
    ///
    /// # Errors
    /// When the text is not a number, has more decimals than the currency, or is too large.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, InvalidMoney> {
        let number = || InvalidMoney::Number(text.into());
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() || !whole.bytes().chain(decimals.bytes()).all(|byte| byte.is_ascii_digit()) {
            return Err(number());
        }
        let exponent = currency.exponent();
        let significant = decimals.trim_end_matches('0');
        if significant.len() > exponent {
            return Err(InvalidMoney::Decimals {
                text: text.into(),
                found: significant.len(),
                currency,
                exponent,
            });
        }
        let too_large = || InvalidMoney::TooLarge(text.into());
        let whole: i64 = whole.parse().map_err(|_| too_large())?;
        let fraction: i64 = format!("{significant:0<exponent$}").parse().unwrap_or(0);
        let minor = whole
            .checked_mul(currency.scale())
            .and_then(|minor| minor.checked_add(fraction))
            .ok_or_else(too_large)?;
        Ok(Self { minor: if negative { -minor } else { minor }, currency })
    }

    /// The sum; `None` when the currencies differ or the sum does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        (self.currency == other.currency)
            .then(|| self.minor.checked_add(other.minor))
            .flatten()
            .map(|minor| Self { minor, ..self })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = self.currency.exponent();
        let scale = self.currency.scale().unsigned_abs();
        let (whole, fraction) = (self.minor.unsigned_abs() / scale, self.minor.unsigned_abs() % scale);
        let sign = if self.minor < 0 { "-" } else { "" };
        if exponent == 0 {
            write!(f, "{sign}{whole} {}", self.currency)
        } else {
            write!(f, "{sign}{whole}.{fraction:0exponent$} {}", self.currency)
        }
    }
}

impl<C> Encode<C> for Currency {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.str(self.as_str()).map(drop)
    }
}

impl<'b, C> Decode<'b, C> for Currency {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        decoder
            .str()?
            .parse()
            .map_err(|error: InvalidMoney| minicbor::decode::Error::message(error.to_string()))
    }
}

impl<C> Encode<C> for Money {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.array(2)?.i64(self.minor)?.encode(self.currency).map(drop)
    }
}

impl<'b, C> Decode<'b, C> for Money {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        if decoder.array()? != Some(2) {
            return Err(minicbor::decode::Error::message("money is [minor units, currency]"));
        }
        Ok(Self { minor: decoder.i64()?, currency: decoder.decode()? })
    }
}

required!(Currency, Money);
