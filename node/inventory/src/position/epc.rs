//! What of a tag matters here: its GTIN and a short form of its serial number. Tags of other schemes are other people's.

use aisle_event::Gtin;
use aisle_firmware_config::epc::Sgtin96;

/// The GTIN of a tag and 32 bits of its serial number; nothing when it is no SGTIN-96.
pub(super) fn tag(hex: &str) -> Option<(Gtin, u32)> {
    let Sgtin96 { gtin14, serial, .. } = Sgtin96::parse(hex).ok()?;
    let gtin = format!("{gtin14:014}").parse().ok()?;
    Some((gtin, (serial ^ (serial >> 32)) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_of_the_standard_is_read_and_others_are_not() {
        // `urn:epc:tag:sgtin-96:3.0614141.812345.6789`.
        assert_eq!(tag("3074257BF7194E4000001A85"), Some(("80614141123458".parse().unwrap(), 6789)));
        assert_eq!(tag("3174257BF7194E4000001A85"), None);
    }
}
