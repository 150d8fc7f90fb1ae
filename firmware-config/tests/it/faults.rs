//! What is wrong is said with its path and the reason, in the same words for both encodings.

use aisle_firmware_config::message::*;

fn fault<T: serde::de::DeserializeOwned + std::fmt::Debug>(payload: &[u8]) -> String {
    decode::<T>(payload).unwrap_err().to_string()
}

#[test]
fn a_missing_key_is_named_with_its_place() {
    assert_eq!(fault::<Status>(b"{\"online\":true}"), "`boots` is missing");
    let json = br#"{"boot":1,"unit":"celsius","samples":[{"n":1,"v":2.0},{"n":2}]}"#;
    assert_eq!(fault::<Telemetry>(json), "`samples[1].v` is missing");
    assert_eq!(fault::<Status>(b"\xa1\x66online\xf5"), "`boots` is missing");
}

#[test]
fn a_value_of_another_kind_is_named_with_what_was_expected() {
    let json = br#"{"boot":1,"unit":"celsius","samples":[{"n":1,"v":"cold"}]}"#;
    assert_eq!(fault::<Telemetry>(json), "`samples[0].v` is string \"cold\", expected f64");
    assert_eq!(
        fault::<Status>(br#"{"online":true,"boots":5000000000}"#),
        "`boots` is integer `5000000000`, expected u32"
    );
}

#[test]
fn an_unknown_word_is_answered_with_the_nearest() {
    let json = br#"{"boot":1,"unit":"celcius","samples":[]}"#;
    assert_eq!(fault::<Telemetry>(json), "`unit` is unknown: `celcius`; the nearest is `celsius`");
}

#[test]
fn numbers_that_are_none_are_refused_with_their_path() {
    let cbor = |value: &[u8]| {
        let head = b"\xa3\x64boot\x01\x64unit\x64gram\x67samples\x81\xa2\x61n\x01\x61v";
        fault::<Telemetry>(&[head, value].concat())
    };
    let nan = "`samples[0].v` is NaN, expected a finite number";
    let infinite = "`samples[0].v` is infinite or too large, expected a finite number";
    assert_eq!(cbor(b"\xf9\x7e\x00"), nan);
    assert_eq!(cbor(b"\xfa\x7f\xc0\x00\x00"), nan);
    assert_eq!(cbor(b"\xfb\x7f\xf8\x00\x00\x00\x00\x00\x00"), nan);
    assert_eq!(cbor(b"\xf9\x7c\x00"), infinite);
    assert_eq!(cbor(b"\xfb\xff\xf0\x00\x00\x00\x00\x00\x00"), infinite);
    let json = br#"{"version":1,"settings":{"offset":1e999}}"#;
    assert_eq!(
        fault::<Desired>(json),
        "`settings.offset` is infinite or too large, expected a finite number"
    );
    let desired = b"\xa2\x67version\x01\x68settings\xa1\x66offset\xf9\x7e\x00";
    assert_eq!(fault::<Desired>(desired), "`settings.offset` is NaN, expected a finite number");
}

#[test]
fn numbers_that_are_none_are_not_written() {
    for v in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let samples = heapless::Vec::from_slice(&[Sample { n: 1, at_ms: None, v }]).unwrap();
        let telemetry = Telemetry { boot: 1, unit: aisle_firmware_config::unit::Unit::Gram, samples };
        for encoding in [Encoding::Json, Encoding::Cbor] {
            assert_eq!(encode(&telemetry, encoding, &mut [0; 200]), Err(EncodeError::NotFinite));
        }
    }
}

#[test]
fn more_than_there_is_room_for_is_refused() {
    let samples = vec![r#"{"n":1,"v":1}"#; 17].join(",");
    let json = format!(r#"{{"boot":1,"unit":"gram","samples":[{samples}]}}"#);
    assert_eq!(fault::<Telemetry>(json.as_bytes()), "`samples` has more than 16 items");
    let json = format!(r#"{{"online":true,"boots":1,"reason":"{}"}}"#, "x".repeat(33));
    assert_eq!(
        fault::<Status>(json.as_bytes()),
        "`reason` has a length of 33, expected a string no more than 32 bytes long"
    );
    let entries: Vec<String> = (0..17).map(|i| format!("\"s{i}\":1")).collect();
    let json = format!(r#"{{"version":1,"settings":{{{}}}}}"#, entries.join(","));
    assert_eq!(fault::<Desired>(json.as_bytes()), "`settings` has more than 16 settings, such as `s16`");
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    assert_eq!(fault::<Status>(br#"{"online":true,"boots":1,"boots":2}"#), "`boots` stands twice");
    assert_eq!(fault::<Desired>(br#"{"version":1,"settings":{"a":1,"a":2}}"#), "`settings` has a name twice");
}

#[test]
fn depth_is_bounded_also_where_nobody_reads() {
    for payload in [
        [b"{\"x\":".to_vec(), vec![b'['; 100_000]].concat(),
        [b"\xa1\x61x".to_vec(), vec![0x81; 100_000]].concat(),
    ] {
        let fault = fault::<Status>(&payload);
        assert!(fault.ends_with("is nested deeper than 8 levels"), "{fault}");
    }
}

#[test]
fn announced_lengths_reserve_nothing() {
    // A list of 2^63 items, and a text of 2^62 bytes.
    let list = b"\xa3\x64boot\x01\x64unit\x64gram\x67samples\x9b\x7f\xff\xff\xff\xff\xff\xff\xff";
    assert_eq!(fault::<Telemetry>(list), "`samples[0]` is cut off");
    let text = b"\xa1\x66reason\x7b\x3f\xff\xff\xff\xff\xff\xff\xff";
    assert_eq!(fault::<Status>(text), "`reason` is cut off");
}

#[test]
fn what_is_no_message_at_all_is_said_so() {
    assert_eq!(fault::<Status>(b""), "the payload is empty");
    assert_eq!(fault::<Status>(b"ON"), "the payload is no JSON value");
    assert_eq!(fault::<Status>(b"{\"online\":true,\"boots\":1} x"), "the payload goes on after its end");
    assert_eq!(fault::<Status>(b"\xff"), "the payload is no CBOR value");
    assert_eq!(fault::<Status>(b"7"), "the payload is integer `7`, expected struct Status");
}

#[test]
fn another_contract_is_refused() {
    let json = br#"{"contract":2,"model":"x","boots":1}"#;
    assert_eq!(fault::<Announce>(json), "`contract` is 2, expected 1: another contract");
}
