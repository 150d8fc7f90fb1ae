//! One example of each message in both encodings, as files: what devices in shops have been taught must go on being read.
//! `AISLE_GOLDEN=write` makes them; one that changes is a mistake, new ones may come.

use crate::made_up::{fields, settings};
use aisle_firmware_config::{message::*, unit::Unit};
use heapless::Vec;
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Debug, fs, path::Path};

fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, value: &T) {
    for (encoding, ending) in [(Encoding::Json, "json"), (Encoding::Cbor, "cbor.hex")] {
        let mut buffer = [0; MESSAGE_BYTES_MAX];
        let length = encode(value, encoding, &mut buffer).unwrap();
        let text = match encoding {
            Encoding::Json => String::from_utf8(buffer[..length].to_vec()).unwrap(),
            Encoding::Cbor => buffer[..length].iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.{ending}"));
        if std::env::var("AISLE_GOLDEN").is_ok_and(|it| it == "write") {
            fs::write(&path, format!("{text}\n")).unwrap();
        }
        let golden = fs::read_to_string(&path).unwrap();
        assert_eq!(text, golden.trim_end(), "{}", path.display());
        let (again, found) = decode::<T>(&buffer[..length]).unwrap();
        assert_eq!((&again, found), (value, encoding), "{}", path.display());
    }
}

fn text<const N: usize>(text: &str) -> heapless::String<N> {
    text.try_into().unwrap()
}

#[test]
fn every_message_is_written_as_it_always_was() {
    let stream = |name, kind, unit| StreamInfo { name: text(name), kind, unit, interval_s: unit.map(|_| 10) };
    let streams = Vec::from_slice(&[
        stream("weight", StreamKind::Number, Some(Unit::Gram)),
        stream("zone", StreamKind::Tags, None),
        stream("scanner", StreamKind::Code, None),
    ])
    .unwrap();
    check(
        "announce",
        &Announce {
            contract: CONTRACT,
            model: text("shelf-scale-2"),
            serial: Some(text("SS2-00071")),
            firmware: Some(text("1.4.0")),
            boots: 12,
            streams,
            settings: fields(),
        },
    );
    check("status", &Status { online: false, boots: 12, reason: Some(text("last will")) });
    let samples = [
        Sample { n: 40, at_ms: Some(1_763_715_600_000), v: 4.0 },
        Sample { n: 41, at_ms: None, v: -0.125 },
        Sample { n: 42, at_ms: None, v: 1.5e-9 },
    ];
    let telemetry = Telemetry { boot: 12, unit: Unit::Celsius, samples: Vec::from_slice(&samples).unwrap() };
    check("telemetry", &telemetry);
    let tags = Vec::from_slice(&[text("3074257BF7194E4000001A85")]).unwrap();
    check("tags", &Tags { boot: 12, n: 7, at_ms: Some(1_763_715_600_000), complete: true, tags });
    check("code", &Code { boot: 12, n: 8, at_ms: None, code: text("4006381333931"), weight_g: Some(250.5) });
    check("desired", &Desired { version: 3, settings: settings() });
    let refused =
        Refused { version: 4, path: text("interval_s"), reason: text("is 0, expected a whole number") };
    let reported =
        Reported { version: 3, settings: settings(), refused: Some(refused), last_known_good: true };
    check("reported", &reported);
    let id = text("5f0e7c1a-98c4-4a1e-9d57-0c1b2a3d4e5f");
    check("request", &Request { id, args: settings(), ttl_s: 30 });
    let response =
        Response { id: text("7"), ok: false, reason: Some(text("the door is open")), result: settings() };
    check("response", &response);
}

#[test]
fn a_message_of_a_later_device_with_keys_unknown_here_is_read() {
    let json = br#" {"colour": [1, {"deep": "x\u00e9"}], "online": true, "boots": 3, "more": null} "#;
    let (status, _) = decode::<Status>(json).unwrap();
    assert_eq!(status, Status { online: true, boots: 3, reason: None });
    // {_ "online": true, "colour": [_ 1, h'00', (_ "a", "b"), 1(2)], "boots": 3}
    let cbor = b"\xbf\x66online\xf5\x66colour\x9f\x01\x41\x00\x7f\x61a\x61b\xff\xc1\x02\xff\x65boots\x03\xff";
    assert_eq!(decode::<Status>(cbor).unwrap().0, status);
}

#[test]
fn whole_numbers_and_short_floats_are_numbers_to_a_sample() {
    let json = br#"{"boot":1,"unit":"gram","samples":[{"n":1,"v":4},{"n":2,"v":-4},{"n":3,"v":4e0}]}"#;
    let values = |payload: &[u8]| {
        let (telemetry, _) = decode::<Telemetry>(payload).unwrap();
        telemetry.samples.iter().map(|sample| sample.v).collect::<std::vec::Vec<_>>()
    };
    assert_eq!(values(json), [4.0, -4.0, 4.0]);
    let cbor = |value: &[u8]| {
        let head = b"\xa3\x64boot\x01\x64unit\x64gram\x67samples\x81\xa2\x61n\x01\x61v";
        values(&[head, value].concat())
    };
    assert_eq!(cbor(b"\x04"), [4.0]);
    // RFC 8949, appendix A.
    assert_eq!(cbor(b"\xf9\x3c\x00"), [1.0]);
    assert_eq!(cbor(b"\xf9\x7b\xff"), [65504.0]);
    assert_eq!(cbor(b"\xf9\x00\x01"), [5.960_464_477_539_063e-8]);
    assert_eq!(cbor(b"\xf9\xc4\x00"), [-4.0]);
    assert_eq!(cbor(b"\xfa\x47\xc3\x50\x00"), [100_000.0]);
}
