//! SGTIN-96 against the standard's own examples.

use aisle_firmware_config::epc::{InvalidEpc, Sgtin96, check_digit};
use proptest::prelude::*;

#[test]
fn the_examples_of_the_standard_read_and_write() {
    // urn:epc:tag:sgtin-96:3.0614141.812345.6789 (GS1 EPC Tag Data Standard, appendix E).
    let tag = Sgtin96 { filter: 3, company_digits: 7, gtin14: 80_614_141_123_458, serial: 6789 };
    assert_eq!(Sgtin96::parse("3074257BF7194E4000001A85"), Ok(tag));
    assert_eq!(tag.encode().unwrap(), "3074257BF7194E4000001A85");
    // urn:epc:tag:sgtin-96:3.0614141.112345.400: GTIN 1 0614141 12345 2.
    let tag = Sgtin96 { filter: 3, company_digits: 7, gtin14: 10_614_141_123_459 / 10 * 10, serial: 400 };
    let gtin14 = tag.gtin14 + check_digit(tag.gtin14 / 10);
    let tag = Sgtin96 { gtin14, ..tag };
    assert_eq!(tag.encode().unwrap(), "3074257BF46DB64000000190");
    assert_eq!(Sgtin96::parse("3074257bf46db64000000190"), Ok(tag));
}

#[test]
fn what_is_no_such_tag_is_refused_by_what_is_wrong() {
    assert_eq!(Sgtin96::parse(""), Err(InvalidEpc::NotHex));
    assert_eq!(Sgtin96::parse("+074257BF7194E4000001A85"), Err(InvalidEpc::NotHex));
    assert_eq!(Sgtin96::parse("E28011606000020D2D9D9A3B"), Err(InvalidEpc::Header(0xe2)));
    assert_eq!(Sgtin96::parse("307C257BF7194E4000001A85"), Err(InvalidEpc::Partition));
    assert_eq!(Sgtin96::parse("3017FFFFFFFFFFFFFFFFFFFF"), Err(InvalidEpc::Digits));
    let tag = Sgtin96::parse("3074257BF7194E4000001A85").unwrap();
    assert_eq!(Sgtin96 { gtin14: tag.gtin14 + 1, ..tag }.encode(), Err(InvalidEpc::Gtin));
    assert_eq!(Sgtin96 { serial: 1 << 38, ..tag }.encode(), Err(InvalidEpc::Serial));
    assert_eq!(Sgtin96 { company_digits: 5, ..tag }.encode(), Err(InvalidEpc::Prefix));
    assert_eq!(Sgtin96 { filter: 8, ..tag }.encode(), Err(InvalidEpc::Prefix));
}

proptest! {
    #[test]
    fn every_tag_reads_as_it_was_written(
        filter in 0_u8..8, company_digits in 6_u8..=12, body in 0_u64..10_000_000_000_000, serial in 0_u64..1 << 38,
    ) {
        let tag = Sgtin96 { filter, company_digits, gtin14: body * 10 + check_digit(body), serial };
        prop_assert_eq!(Sgtin96::parse(&tag.encode().unwrap()), Ok(tag));
    }

    #[test]
    fn any_bits_are_a_tag_that_writes_the_same_or_none(low in any::<u128>()) {
        let hex = format!("30{:022X}", low & ((1 << 88) - 1));
        if let Ok(tag) = Sgtin96::parse(&hex) {
            prop_assert_eq!(tag.encode().unwrap(), hex.as_str());
        }
    }
}
