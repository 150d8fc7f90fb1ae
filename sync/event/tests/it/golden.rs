//! Golden vectors: the bytes of every event type are fixed for ever.

use crate::samples::samples;
use aisle_event::{Event, EventType, FieldClass};
use std::{collections::BTreeSet, fs, path::Path};

fn golden(name: &str) -> (EventType, Vec<u8>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.hex"));
    let text = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; `cargo xtask generate` makes it", path.display()));
    let (kind, hex) = text.trim().split_once(' ').expect("a type and its bytes");
    let kind = u16::from_str_radix(kind.trim_start_matches("0x"), 16).unwrap();
    let bytes =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    (EventType(kind), bytes)
}

#[test]
fn every_event_encodes_to_its_golden_bytes() {
    for (name, event) in samples() {
        let (kind, bytes) = golden(name);
        assert_eq!(event.kind(), kind, "{name}");
        assert_eq!(event.encode(), bytes, "{name}");
    }
}

#[test]
fn golden_bytes_decode_to_the_event_they_were_made_from() {
    for (name, event) in samples() {
        let (kind, bytes) = golden(name);
        assert_eq!(Event::decode(kind, &bytes).expect(name), event, "{name}");
    }
}

#[test]
fn every_event_type_has_a_sample() {
    let sampled: BTreeSet<_> = samples().iter().map(|(_, event)| event.kind()).collect();
    let known: BTreeSet<_> = Event::TYPES.iter().map(|(kind, ..)| *kind).collect();
    assert_eq!(sampled, known);
}

#[test]
fn field_numbers_are_unique_and_ascend_in_every_type() {
    fn check(name: &str, fields: &[aisle_event::Field]) {
        assert!(fields.windows(2).all(|pair| pair[0].number < pair[1].number), "{name}");
        for field in fields {
            if let FieldClass::Nested(inner) = field.class {
                check(field.name, inner);
            }
        }
    }
    for (_, name, fields) in Event::TYPES {
        check(name, fields);
    }
}
