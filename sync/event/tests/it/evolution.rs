//! Additive evolution: old readers keep what newer writers added, and no bytes panic a reader.

use crate::samples::samples;
use aisle_event::{DecodeError, Event, EventType};
use minicbor::{Encoder, data::Type, decode::Decoder};
use proptest::prelude::*;

/// Rewrites a record as a newer writer would: the same fields, and more with numbers from 200 on.
fn with_new_fields(bytes: &[u8], new: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut decoder = Decoder::new(bytes);
    assert_eq!(decoder.datatype().unwrap(), Type::Map);
    let len = decoder.map().unwrap().unwrap();
    let body = &bytes[decoder.position()..];
    let mut out = Vec::new();
    Encoder::new(&mut out).map(len + new.len() as u64).unwrap();
    out.extend_from_slice(body);
    for (number, value) in new {
        Encoder::new(&mut out).u64(*number).unwrap();
        out.extend_from_slice(value);
    }
    out
}

/// Some CBOR value: numbers, text, bytes, and lists and maps of them.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(|n| minicbor::to_vec(n).unwrap()),
        ".{0,20}".prop_map(|text| minicbor::to_vec(text).unwrap()),
        any::<bool>().prop_map(|flag| minicbor::to_vec(flag).unwrap()),
        any::<f64>().prop_map(|float| minicbor::to_vec(float).unwrap()),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| {
            let mut out = Vec::new();
            Encoder::new(&mut out).bytes(&bytes).unwrap();
            out
        }),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop::collection::vec(inner, 0..4).prop_map(|items| {
            let mut out = Vec::new();
            Encoder::new(&mut out).array(items.len() as u64).unwrap();
            out.extend(items.into_iter().flatten());
            out
        })
    })
}

proptest! {
    #[test]
    fn an_old_reader_survives_new_fields_and_keeps_them(
        index in 0..samples().len(),
        new in prop::collection::btree_map(200_u64..10_000, value(), 1..6),
    ) {
        let (_, event) = samples().swap_remove(index);
        let newer = with_new_fields(&event.encode(), &new.into_iter().collect::<Vec<_>>());
        let read = Event::decode(event.kind(), &newer).unwrap();
        prop_assert_eq!(read.encode(), newer);
    }

    #[test]
    fn bytes_from_anywhere_never_panic_the_reader(
        kind in prop::sample::select(Event::TYPES.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>()),
        bytes in prop::collection::vec(any::<u8>(), 0..256),
    ) {
        let _ = Event::decode(kind, &bytes);
    }

    #[test]
    fn a_damaged_event_is_refused_or_means_something_but_never_panics(
        index in 0..samples().len(), at in any::<prop::sample::Index>(), flip in 1_u8..,
    ) {
        let (_, event) = samples().swap_remove(index);
        let mut bytes = event.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(read) = Event::decode(event.kind(), &bytes) {
            prop_assert_eq!(Event::decode(event.kind(), &read.encode()).unwrap(), read);
        }
    }
}

#[test]
fn a_type_from_the_future_keeps_its_bytes() {
    let kind = EventType(0x7fff);
    let event = Event::decode(kind, &[1, 2, 3]).unwrap();
    assert_eq!(event.kind(), kind);
    assert_eq!(event.encode(), [1, 2, 3]);
}

#[test]
fn a_missing_field_is_named() {
    let empty_map = [0xa0];
    let error = Event::decode(EventType(0x0102), &empty_map).unwrap_err();
    assert!(
        error.to_string().contains("`ProductViewed`") && error.to_string().contains("`session`"),
        "{error}"
    );
}

#[test]
fn a_field_that_occurs_twice_is_refused() {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes);
    encoder.map(2).unwrap().u64(1).unwrap().str("a").unwrap().u64(1).unwrap().str("b").unwrap();
    let error = Event::decode(EventType(0x0107), &bytes).unwrap_err();
    assert!(error.to_string().contains("occurs twice"), "{error}");
}

#[test]
fn bytes_after_the_end_are_refused() {
    let (_, event) = samples().remove(0);
    let mut bytes = event.encode();
    bytes.push(0);
    assert!(matches!(Event::decode(event.kind(), &bytes), Err(DecodeError::Trailing { .. })));
}

#[test]
fn a_flood_of_unknown_fields_is_refused() {
    let (_, event) = samples().remove(0);
    let flood: Vec<(u64, Vec<u8>)> = (200..400).map(|number| (number, vec![0])).collect();
    assert!(Event::decode(event.kind(), &with_new_fields(&event.encode(), &flood)).is_err());
}

/// A value as it lies sealed: a byte string under the tag.
fn sealed() -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new(&mut out)
        .tag(minicbor::data::Tag::new(aisle_event::SEALED_TAG))
        .unwrap()
        .bytes(&[7; 40])
        .unwrap();
    out
}

fn one_field_sealed(kind: u16, fields: &[(u64, Vec<u8>)]) -> Result<Event, DecodeError> {
    let mut out = Vec::new();
    Encoder::new(&mut out).map(fields.len() as u64).unwrap();
    for (number, value) in fields {
        Encoder::new(&mut out).u64(*number).unwrap();
        out.extend_from_slice(value);
    }
    Event::decode(EventType(kind), &out)
}

#[test]
fn a_sealed_value_reads_as_absent_and_a_required_text_as_erased() {
    let text = |text: &str| minicbor::to_vec(text).unwrap();
    let number = |number: i64| minicbor::to_vec(number).unwrap();
    let named = one_field_sealed(0x0108, &[(1, text("s")), (2, sealed()), (4, number(1))]).unwrap();
    assert!(matches!(named, Event::CustomerNamed(named) if named.customer.is_none()));
    let searched =
        one_field_sealed(0x0106, &[(1, text("s")), (2, sealed()), (3, number(3)), (4, number(1))]).unwrap();
    assert!(
        matches!(searched, Event::Searched(it) if it.terms.as_str() == aisle_event::ERASED && it.hits == 3)
    );
    // What is not private is never sealed.
    one_field_sealed(0x0108, &[(1, sealed()), (4, number(1))]).unwrap_err();
    let mut other = sealed();
    other[2] ^= 1;
    one_field_sealed(0x0108, &[(1, text("s")), (2, other), (4, number(1))]).unwrap_err();
}
