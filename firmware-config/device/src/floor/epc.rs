//! The tag of one piece: what a shop's own printer would write, with a company prefix of seven digits.

use aisle_firmware_config::epc::Sgtin96;

/// The tag of piece number `serial` of a product, as 24 hexadecimal digits; nothing when the text is no GTIN-14 or
/// the serial number needs more than 38 bits.
#[must_use]
pub fn sgtin96(gtin14: &str, serial: u64) -> Option<String> {
    if gtin14.len() != 14 {
        return None;
    }
    let tag = Sgtin96 { filter: 1, company_digits: 7, gtin14: gtin14.parse().ok()?, serial };
    tag.encode().ok().map(|hex| hex.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::sgtin96;

    #[test]
    fn a_tag_is_what_the_standard_gives_for_its_example() {
        // `urn:epc:tag:sgtin-96:3.0614141.812345.6789` is 3074257BF7194E4000001A85; ours has filter value 1.
        assert_eq!(sgtin96("80614141123458", 6_789).as_deref(), Some("3034257BF7194E4000001A85"));
        assert_eq!(sgtin96("80614141123459", 6_789), None, "its check digit is wrong");
    }
}
