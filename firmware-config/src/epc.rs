//! The number on an RFID tag of a piece of goods: SGTIN-96 (GS1 EPC Tag Data Standard 2.0, sections 14.2 and 14.6.1).
//!
//! 96 bits: header `0x30`, filter (3), partition (3), company prefix and item reference (44 together), serial (38). Not
//! here: which tags are read when. Any text is a tag or refused.

use core::fmt::{self, Write};
use heapless::String;

const HEADER: u128 = 0x30;
const SERIAL_BITS: u32 = 38;
/// By partition: bits and digits of the company prefix, bits and digits of indicator and item reference (table 14-2).
const PARTITIONS: [(u32, u32, u32, u32); 7] = [
    (40, 12, 4, 1),
    (37, 11, 7, 2),
    (34, 10, 10, 3),
    (30, 9, 14, 4),
    (27, 8, 17, 5),
    (24, 7, 20, 6),
    (20, 6, 24, 7),
];

/// A serialised GTIN as it stands on a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sgtin96 {
    /// What is packed: 1 a piece for the shopper, 2 a full case (table 10-1). 0 to 7.
    pub filter: u8,
    /// How many digits of the GTIN are the company's, 6 to 12.
    pub company_digits: u8,
    /// The GTIN with its check digit, as a number of 14 digits.
    pub gtin14: u64,
    /// The serial number, below 2^38.
    pub serial: u64,
}

/// Why a text or a number is no SGTIN-96.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidEpc {
    /// Not 24 hexadecimal digits.
    NotHex,
    /// Another kind of number than SGTIN-96, by its header.
    Header(u8),
    /// The partition 7 does not exist.
    Partition,
    /// The company prefix or the item reference has more digits than its partition holds.
    Digits,
    /// The GTIN's check digit is wrong, or it has more than 14 digits.
    Gtin,
    /// The serial number does not go into 38 bits.
    Serial,
    /// The company prefix has fewer than 6 or more than 12 digits, or the filter is more than 7.
    Prefix,
}

impl fmt::Display for InvalidEpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHex => f.write_str("it is not 24 hexadecimal digits"),
            Self::Header(header) => write!(f, "its header is {header:#04x}, expected 0x30 for SGTIN-96"),
            Self::Partition => f.write_str("its partition is 7, expected 0 to 6"),
            Self::Digits => f.write_str("a part of it has more digits than its partition holds"),
            Self::Gtin => f.write_str("it is no GTIN: the check digit is wrong"),
            Self::Serial => f.write_str("its serial number is 2^38 or more"),
            Self::Prefix => f.write_str("the company prefix has 6 to 12 digits, the filter is 0 to 7"),
        }
    }
}

impl core::error::Error for InvalidEpc {}

impl Sgtin96 {
    /// Reads 24 hexadecimal digits of either case.
    ///
    /// # Errors
    /// When they are not, or not an SGTIN-96.
    pub fn parse(hex24: &str) -> Result<Self, InvalidEpc> {
        if hex24.len() != 24 || !hex24.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidEpc::NotHex);
        }
        let bits = u128::from_str_radix(hex24, 16).map_err(|_| InvalidEpc::NotHex)?;
        let part = |bits: u128, at: u32, width: u32| (bits >> at) & ((1 << width) - 1);
        let header = part(bits, 88, 8);
        if header != HEADER {
            return Err(InvalidEpc::Header(header as u8));
        }
        let filter = part(bits, 85, 3) as u8;
        let partition = part(bits, 82, 3) as usize;
        let (company_bits, company_digits, item_bits, item_digits) =
            *PARTITIONS.get(partition).ok_or(InvalidEpc::Partition)?;
        let company = part(bits, SERIAL_BITS + item_bits, company_bits) as u64;
        let item = part(bits, SERIAL_BITS, item_bits) as u64;
        if company >= 10_u64.pow(company_digits) || item >= 10_u64.pow(item_digits) {
            return Err(InvalidEpc::Digits);
        }
        // The first digit of the item reference is the indicator, which stands before the company prefix in a GTIN-14.
        let rest = 10_u64.pow(item_digits - 1);
        let body = item / rest * 10_u64.pow(12) + company * rest + item % rest;
        let gtin14 = body * 10 + check_digit(body);
        Ok(Self {
            filter,
            company_digits: company_digits as u8,
            gtin14,
            serial: part(bits, 0, SERIAL_BITS) as u64,
        })
    }

    /// As 24 hexadecimal digits in capitals.
    ///
    /// # Errors
    /// When a part is out of its range, or the GTIN's check digit is wrong.
    pub fn encode(&self) -> Result<String<24>, InvalidEpc> {
        let body = self.gtin14 / 10;
        if body >= 10_u64.pow(13) || check_digit(body) != self.gtin14 % 10 {
            return Err(InvalidEpc::Gtin);
        }
        if self.serial >> SERIAL_BITS != 0 {
            return Err(InvalidEpc::Serial);
        }
        let digits = u32::from(self.company_digits);
        let found = PARTITIONS.iter().enumerate().find(|(_, (_, company, ..))| *company == digits);
        let (partition, (_, _, item_bits, item_digits)) =
            found.filter(|_| self.filter < 8).ok_or(InvalidEpc::Prefix)?;
        let rest = 10_u64.pow(item_digits - 1);
        let (indicator, company) = (body / 10_u64.pow(12), body % 10_u64.pow(12) / rest);
        let item = indicator * rest + body % rest;
        let bits = HEADER << 88
            | u128::from(self.filter) << 85
            | (partition as u128) << 82
            | u128::from(company) << (SERIAL_BITS + item_bits)
            | u128::from(item) << SERIAL_BITS
            | u128::from(self.serial);
        let mut hex = String::new();
        // 96 bits are 24 digits.
        write!(hex, "{bits:024X}").map_err(|_| InvalidEpc::NotHex)?;
        Ok(hex)
    }
}

/// The check digit of a number without it (GS1 General Specifications, section 7.9): weights 3 and 1 from the right.
#[must_use]
pub fn check_digit(mut body: u64) -> u64 {
    let (mut sum, mut weight) = (0, 3);
    while body > 0 {
        sum += body % 10 * weight;
        weight = 4 - weight;
        body /= 10;
    }
    (10 - sum % 10) % 10
}
