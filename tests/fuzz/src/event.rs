//! Events: any bytes decode to an event or an error, and an event survives its own encoding.

use aisle_event::{Event, EventType};
use std::{fs, path::Path};

/// The first two bytes choose the type, the rest is its payload.
///
/// # Panics
/// When a decoded event does not decode to itself again.
pub fn event(input: &[u8]) {
    let Some((kind, payload)) = input.split_first_chunk::<2>() else { return };
    let number = u16::from_le_bytes(*kind);
    feed(EventType(number), payload);
    // Most numbers are no type; each input is given to one of those that are, too.
    if let Some((known, ..)) = Event::TYPES.get(usize::from(number) % Event::TYPES.len().max(1)) {
        feed(*known, payload);
    }
}

fn feed(kind: EventType, payload: &[u8]) {
    let Ok(event) = Event::decode(kind, payload) else { return };
    assert_eq!(event.kind(), kind);
    let encoded = event.encode();
    match Event::decode(kind, &encoded) {
        Ok(again) => assert_eq!(again, event),
        Err(error) => panic!("{event:?} was encoded to what does not decode: {error}"),
    }
}

/// The golden bytes of every event type.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sync/event/tests/golden");
    let files = fs::read_dir(&dir).expect("the golden files of `aisle-event`");
    let mut texts: Vec<String> = files
        .map(|file| fs::read_to_string(file.expect("a golden file").path()).expect("a golden file"))
        .collect();
    texts.sort_unstable();
    texts.iter().map(|text| parse(text).expect("a type and its bytes in hexadecimal")).collect()
}

fn parse(golden: &str) -> Option<Vec<u8>> {
    let (kind, hex) = golden.trim().split_once(' ')?;
    let mut input = u16::from_str_radix(kind.strip_prefix("0x")?, 16).ok()?.to_le_bytes().to_vec();
    for at in (0..hex.len()).step_by(2) {
        input.push(u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()?);
    }
    Some(input)
}
