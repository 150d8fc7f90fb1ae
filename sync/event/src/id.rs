//! Ids: short checked strings, one type for each thing that has a name, and the GTIN with its check digit.
//!
//! An id is 1 to [`ID_BYTES_MAX`] bytes of UTF-8 without control characters and without white space at its ends, so it can stand in a
//! log line, a URL segment or an MQTT topic after escaping.

use crate::record::required;
use compact_str::CompactString;
use minicbor::{Decode, Decoder, Encode, Encoder};
use serde::{Deserialize, Serialize};
use std::{borrow::Borrow, fmt, str::FromStr};

/// The longest id, in bytes.
pub const ID_BYTES_MAX: usize = 64;
/// The longest [`Name`], in bytes.
pub const NAME_BYTES_MAX: usize = 256;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// There is no text.
    #[error("is empty")]
    Empty,
    /// There is too much of it.
    #[error("is {bytes} bytes long; at most {bytes_max} are allowed")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// A control character, or white space at an end.
    #[error("has a control character, or white space at its start or end, at byte {at}")]
    Character {
        /// Where, in bytes from the start.
        at: usize,
    },
}

fn check(text: &str, bytes_max: usize) -> Result<(), InvalidId> {
    if text.is_empty() {
        return Err(InvalidId::Empty);
    }
    if text.len() > bytes_max {
        return Err(InvalidId::TooLong { bytes: text.len(), bytes_max });
    }
    if let Some((at, _)) = text.char_indices().find(|(_, c)| c.is_control()) {
        return Err(InvalidId::Character { at });
    }
    if text.starts_with(char::is_whitespace) {
        return Err(InvalidId::Character { at: 0 });
    }
    if text.ends_with(char::is_whitespace) {
        return Err(InvalidId::Character { at: text.len() - 1 });
    }
    Ok(())
}

macro_rules! text_id {
    ($($(#[$meta:meta])* $name:ident($bytes_max:expr);)+) => {$(
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(CompactString);

        impl $name {
            /// Checks the text and makes the id.
            ///
            /// # Errors
            /// When the text is empty, too long, or holds a control character or outer white space.
            pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidId> {
                let text = text.as_ref();
                check(text, $bytes_max)?;
                Ok(Self(CompactString::new(text)))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), self.as_str())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.into_string()
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                encoder: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                encoder.str(&self.0).map(drop)
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                Self::new(decoder.str()?).map_err(|error| minicbor::decode::Error::message(error.to_string()))
            }
        }

        required!($name = Self::new(crate::sealed::ERASED).ok());
    )+};
}

text_id! {
    /// A shop of the chain.
    StoreId(ID_BYTES_MAX);
    /// A kiosk, sensor, reader or label in the shop.
    DeviceId(ID_BYTES_MAX);
    /// A stock keeping unit: the chain's own number of a thing it sells.
    Sku(ID_BYTES_MAX);
    /// A production lot, as printed by the maker.
    LotId(ID_BYTES_MAX);
    /// One visit of one shopper at one kiosk.
    SessionId(ID_BYTES_MAX);
    /// The chain's number of a known customer.
    CustomerRef(ID_BYTES_MAX);
    /// Where documents come from: `kiosk`, `online-retail`, a till system.
    SourceName(ID_BYTES_MAX);
    /// The number of a document within its source: an invoice, a receipt.
    DocumentId(ID_BYTES_MAX);
    /// A short text for people: a product's name, a reason.
    Name(NAME_BYTES_MAX);
}

/// A Global Trade Item Number: 8, 12, 13 or 14 digits, the last of them a check digit
/// (GS1 General Specifications, section 7.9). Kept as GTIN-14.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Gtin(u64);

/// Why a text is not a GTIN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGtin {
    /// Not 8, 12, 13 or 14 digits.
    #[error("`{text}` is no GTIN: it needs 8, 12, 13 or 14 digits")]
    Length {
        /// The text.
        text: String,
    },
    /// The last digit does not follow from the others.
    #[error("`{text}` is no GTIN: its check digit is {found}, computed {expected}")]
    CheckDigit {
        /// The text.
        text: String,
        /// The digit that stands there.
        found: u64,
        /// The digit that the others give.
        expected: u64,
    },
}

impl Gtin {
    /// The number as 14 digits, zero-padded.
    #[must_use]
    pub fn to_gtin14(self) -> String {
        format!("{:014}", self.0)
    }

    fn check_digit(gtin14: u64) -> u64 {
        let (mut rest, mut weight, mut sum) = (gtin14 / 10, 3, 0);
        while rest > 0 {
            sum += rest % 10 * weight;
            rest /= 10;
            weight = 4 - weight;
        }
        (10 - sum % 10) % 10
    }
}

impl FromStr for Gtin {
    type Err = InvalidGtin;

    fn from_str(text: &str) -> Result<Self, InvalidGtin> {
        let length = || InvalidGtin::Length { text: text.into() };
        if !matches!(text.len(), 8 | 12 | 13 | 14) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(length());
        }
        let number: u64 = text.parse().map_err(|_| length())?;
        let (found, expected) = (number % 10, Self::check_digit(number));
        if found == expected {
            Ok(Self(number))
        } else {
            Err(InvalidGtin::CheckDigit { text: text.into(), found, expected })
        }
    }
}

impl TryFrom<String> for Gtin {
    type Error = InvalidGtin;

    fn try_from(text: String) -> Result<Self, InvalidGtin> {
        text.parse()
    }
}

impl From<Gtin> for String {
    fn from(gtin: Gtin) -> String {
        gtin.to_string()
    }
}

impl fmt::Display for Gtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:014}", self.0)
    }
}

impl<C> Encode<C> for Gtin {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.u64(self.0).map(drop)
    }
}

impl<'b, C> Decode<'b, C> for Gtin {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let number = decoder.u64()?;
        if number > 99_999_999_999_999 || number % 10 != Self::check_digit(number) {
            return Err(minicbor::decode::Error::message(format!("{number} is no GTIN")));
        }
        Ok(Self(number))
    }
}

required!(Gtin);
