//! The tag of one piece: SGTIN-96 of the GS1 EPC Tag Data Standard 2.0, section 14.6.1, with a company prefix of seven digits.

/// The tag of piece number `serial` of a product, as 24 hexadecimal digits; nothing when the text is no 14 digits or
/// the serial number needs more than 38 bits.
#[must_use]
pub fn sgtin96(gtin14: &str, serial: u64) -> Option<String> {
    const HEADER: u128 = 0x30;
    const FILTER_SALES_ITEM: u128 = 1;
    // Partition 5: 24 bits for seven digits of company prefix, 20 bits for the indicator and five digits of item reference.
    const PARTITION: u128 = 5;
    if gtin14.len() != 14 || !gtin14.bytes().all(|byte| byte.is_ascii_digit()) || serial >= 1 << 38 {
        return None;
    }
    let company: u128 = gtin14.get(1..8)?.parse().ok()?;
    let indicator = gtin14.get(..1)?;
    let reference: u128 = format!("{indicator}{}", gtin14.get(8..13)?).parse().ok()?;
    let bits = HEADER << 88
        | FILTER_SALES_ITEM << 85
        | PARTITION << 82
        | company << 58
        | reference << 38
        | u128::from(serial);
    Some(format!("{bits:024X}"))
}

#[cfg(test)]
mod tests {
    use super::sgtin96;

    #[test]
    fn a_tag_is_what_the_standard_gives_for_its_example() {
        // `urn:epc:tag:sgtin-96:3.0614141.812345.6789` is 3074257BF7194E4000001A85; ours has filter value 1.
        assert_eq!(sgtin96("80614141123458", 6_789).as_deref(), Some("3034257BF7194E4000001A85"));
    }
}
