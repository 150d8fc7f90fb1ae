//! Payloads of the device contract, and twins on a flash: any bytes are a value or a fault, and a value survives.

use aisle_firmware_config::{
    message::{
        Announce, Code, Desired, Encoding, MESSAGE_BYTES_MAX, Reported, Request, Response, Status, Tags,
        Telemetry, decode, encode,
    },
    setting::{Settings, check, check_schema, merge},
    twin::{TWIN_BYTES_MAX, Twin, Verdict},
};
use std::{fmt::Debug, fs, path::Path};

/// The first byte chooses the message, the rest is its payload.
///
/// # Panics
/// When a message does not survive its encoding, or settings are taken in part.
pub fn device_payload(input: &[u8]) {
    let Some((choice, payload)) = input.split_first() else { return };
    match choice % 10 {
        0 => drop(survives::<Announce>(payload).map(|announce| settings(&announce))),
        1 => drop(survives::<Status>(payload)),
        2 => drop(survives::<Telemetry>(payload)),
        3 => drop(survives::<Tags>(payload)),
        4 => drop(survives::<Code>(payload)),
        5 => drop(survives::<Desired>(payload).map(|desired| twin(&desired))),
        6 => drop(survives::<Reported>(payload)),
        7 => drop(survives::<Request>(payload)),
        8 => drop(survives::<Response>(payload)),
        _ => drop(Twin::decode(&[], payload)),
    }
}

fn survives<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + Debug>(
    payload: &[u8],
) -> Option<T> {
    let value = match decode::<T>(payload) {
        Ok((value, _)) => value,
        Err(fault) => {
            assert!(!fault.reason.is_empty(), "a fault without a reason");
            return None;
        }
    };
    for encoding in [Encoding::Json, Encoding::Cbor] {
        let mut buffer = vec![0; MESSAGE_BYTES_MAX];
        let length = match encode(&value, encoding, &mut buffer) {
            Ok(length) => length,
            Err(error) => panic!("{error}: {value:?}"),
        };
        match decode::<T>(&buffer[..length]) {
            Ok((again, _)) => assert_eq!(again, value),
            Err(fault) => panic!("{fault}: {value:?}"),
        }
    }
    Some(value)
}

/// A schema that can be kept keeps its own defaults.
fn settings(announce: &Announce) {
    if check_schema(&announce.settings).is_ok() {
        match merge(&announce.settings, &Settings::new(), &Settings::new()) {
            Ok(merged) => assert_eq!(check(&announce.settings, &merged), Ok(())),
            Err(fault) => panic!("{fault}: {announce:?}"),
        }
    }
}

/// A twin takes settings whole, and goes on a flash and back.
fn twin(desired: &Desired) {
    let announce = fs_golden("announce.json");
    let Ok((Announce { settings: schema, .. }, _)) = decode(&announce) else { panic!("the golden announce") };
    let mut twin = Twin::new(&schema);
    let before = twin.settings().clone();
    match twin.on_desired(&schema, desired) {
        Verdict::Accept => assert_eq!(check(&schema, twin.settings()), Ok(())),
        Verdict::Refuse(_) | Verdict::AlreadyKnown => assert_eq!(*twin.settings(), before),
    }
    let mut buffer = [0; TWIN_BYTES_MAX];
    match twin.encode(&mut buffer) {
        Ok(length) => assert_eq!(Twin::decode(&schema, &buffer[..length]), Ok(twin)),
        Err(error) => panic!("{error}: {twin:?}"),
    }
}

fn golden() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../firmware-config/tests/golden")
}

fn fs_golden(name: &str) -> Vec<u8> {
    fs::read(golden().join(name)).expect("a golden file of `aisle-firmware-config`")
}

/// The golden examples of every message in both encodings.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let names =
        ["announce", "status", "telemetry", "tags", "code", "desired", "reported", "request", "response"];
    let mut examples = Vec::new();
    for (choice, name) in (0..).zip(names) {
        examples.push([&[choice], fs_golden(&format!("{name}.json")).trim_ascii_end()].concat());
        let hex = fs_golden(&format!("{name}.cbor.hex"));
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes = hex.trim_ascii_end().chunks(2).map(byte).collect::<Option<Vec<u8>>>();
        examples.push([&[choice][..], &bytes.expect("hexadecimal digits")].concat());
    }
    examples
}
