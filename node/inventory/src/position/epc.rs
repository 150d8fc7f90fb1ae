//! What of a tag matters here: its GTIN and a short form of its serial number. SGTIN-96 as in the GS1 EPC Tag Data
//! Standard 2.0, section 14.6.1 and table 14-3; other schemes are other people's tags.

use aisle_event::Gtin;

/// Bits and digits of the company prefix for each partition value; the item reference has the rest of 44 bits and 13 digits.
const PARTITIONS: [(u32, u32); 7] = [(40, 12), (37, 11), (34, 10), (30, 9), (27, 8), (24, 7), (20, 6)];

/// The GTIN of a tag and 32 bits of its serial number; nothing when it is no SGTIN-96.
pub(super) fn sgtin96(hex: &str) -> Option<(Gtin, u32)> {
    const HEADER: u128 = 0x30;
    if hex.len() != 24 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let bits = u128::from_str_radix(hex, 16).ok()?;
    if bits >> 88 != HEADER {
        return None;
    }
    let (company_bits, company_digits) = *PARTITIONS.get(((bits >> 82) & 0b111) as usize)?;
    let reference_bits = 44 - company_bits;
    let company = (bits >> (38 + reference_bits)) & ((1 << company_bits) - 1);
    let reference = (bits >> 38) & ((1 << reference_bits) - 1);
    let reference_digits = 13 - company_digits;
    if company >= 10_u128.pow(company_digits) || reference >= 10_u128.pow(reference_digits) {
        return None;
    }
    // The first digit of the reference is the indicator, which stands before the company prefix in a GTIN-14.
    let item_digits = reference_digits - 1;
    let (indicator, item) = (reference / 10_u128.pow(item_digits), reference % 10_u128.pow(item_digits));
    let (company, item) = (company.to_string(), item.to_string());
    let item = if item_digits == 0 { "" } else { &item };
    let (c, i) = (company_digits as usize, item_digits as usize);
    let digits = format!("{indicator}{company:0>c$}{item:0>i$}");

    let sum: u32 = digits
        .bytes()
        .zip([3, 1].iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    let gtin = format!("{digits}{}", (10 - sum % 10) % 10).parse().ok()?;
    let serial = (bits & ((1 << 38) - 1)) as u64;
    Some((gtin, (serial ^ (serial >> 32)) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_of_the_standard_is_read_and_others_are_not() {
        // `urn:epc:tag:sgtin-96:3.0614141.812345.6789`.
        assert_eq!(sgtin96("3074257BF7194E4000001A85"), Some(("80614141123458".parse().unwrap(), 6789)));
        for other in ["", "3174257BF7194E4000001A85", "307C257BF7194E4000001A85", "zz74257BF7194E4000001A85"]
        {
            assert_eq!(sgtin96(other), None, "{other}");
        }
    }
}
