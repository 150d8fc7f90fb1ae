//! What goes in comes out, whatever it is; what somebody else made up does no harm.

use super::*;
use minicbor::Encoder;
use proptest::{collection::vec, prelude::*};

fn items(events: Vec<(u64, u16, Vec<u8>)>) -> Vec<Item> {
    events
        .into_iter()
        .zip(5..)
        .map(|((hlc, kind, payload), seq)| Item { seq, hlc, kind, payload: payload.into() })
        .collect()
}

fn round(items: &[Item]) -> Packed {
    let packed = pack(items).unwrap();
    let Packed { flags, hlc_base, raw_bytes, body } = &packed;
    let back = unpack(*flags, items[0].seq, items.len(), *hlc_base, *raw_bytes, body);
    assert_eq!(back.as_deref(), Ok(items), "{flags}");
    packed
}

/// CBOR of the usual form, nested, with every kind of value.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(|v| minicbor::to_vec(v).unwrap()),
        (-3_i64..40).prop_map(|v| minicbor::to_vec(v).unwrap()),
        any::<u64>().prop_map(|v| minicbor::to_vec(v).unwrap()),
        any::<u64>()
            .prop_map(
                |v| minicbor::to_vec(minicbor::data::Int::try_from(-1 - i128::from(v)).unwrap()).unwrap()
            ),
        "[a-z]{0,4}[0-9]{0,20}(-[0-9A-F]{3})?".prop_map(|v| minicbor::to_vec(v).unwrap()),
        ".{0,12}".prop_map(|v| minicbor::to_vec(v).unwrap()),
        vec(any::<u8>(), 0..20).prop_map(|v| minicbor::to_vec(minicbor::bytes::ByteVec::from(v)).unwrap()),
        any::<bool>().prop_map(|v| minicbor::to_vec(v).unwrap()),
        any::<f64>().prop_map(|v| minicbor::to_vec(v).unwrap()),
        any::<f32>().prop_map(|v| minicbor::to_vec(v).unwrap()),
        Just(vec![0xf6]),
        Just(vec![0xf7]),
        // Not of the usual form: a tag, a long head, a half float.
        Just(vec![0xc1, 0x01]),
        Just(vec![0x18, 0x01]),
        Just(vec![0xf9, 0x3c, 0x00]),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(|values| {
                let mut out = Vec::new();
                Encoder::new(&mut out).array(values.len() as u64).unwrap();
                out.extend(values.concat());
                out
            }),
            vec((prop_oneof![0_u64..12, any::<u64>()], inner), 0..6).prop_map(|fields| {
                let mut out = Vec::new();
                Encoder::new(&mut out).map(fields.len() as u64).unwrap();
                for (key, value) in fields {
                    Encoder::new(&mut out).u64(key).unwrap();
                    out.extend(value);
                }
                out
            }),
        ]
    })
}

fn event() -> impl Strategy<Value = (u64, u16, Vec<u8>)> {
    let hlc = prop_oneof![any::<u64>(), (0_u64..3000).prop_map(|ms| (1_700_000_000_000 + ms) << 16)];
    let payload = prop_oneof![8 => value(), 1 => vec(any::<u8>(), 0..40)];
    (hlc, prop_oneof![0_u16..3, any::<u16>()], payload)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_events_come_back_as_they_went_in(events in vec(event(), 1..40)) {
        round(&items(events));
    }

    #[test]
    fn many_events_of_one_form_come_back(
        events in vec((0_i64..5, 0_i64..100_000, "[0-9]{5}[A-C]?", vec(0_i64..4, 0..4)), 1..200)
    ) {
        let events = events.into_iter().enumerate().map(|(at, (small, large, text, list))| {
            let mut out = Vec::new();
            let mut encoder = Encoder::new(&mut out);
            encoder.map(4).unwrap().u8(1).unwrap().i64(small).unwrap().u8(2).unwrap().i64(large).unwrap();
            encoder.u8(3).unwrap().str(&text).unwrap().u8(4).unwrap().encode(list).unwrap();
            ((1_700_000_000_000 + at as u64 * 37) << 16, 7, out)
        });
        round(&items(events.collect()));
    }

    #[test]
    fn a_column_of_any_numbers_comes_back(values in vec(prop_oneof![any::<i64>(), -5_i64..5, 1_000_i64..1_300], 1..300)) {
        let mut out = Vec::new();
        ints::encode(&values, None, 0, &mut out);
        let mut reader = Reader(&out);
        prop_assert_eq!(ints::decode(&mut reader, values.len(), None, 0), Ok(values));
        prop_assert!(reader.is_empty());
    }

    #[test]
    fn made_up_bodies_are_refused_or_read_but_never_hurt(
        flags in 0_u8..4, count in 0_usize..20_000, raw in 0_usize..10_000_000, body in vec(any::<u8>(), 0..300)
    ) {
        if let Ok(items) = unpack(flags, 1, count, 0, raw, &body) {
            prop_assert_eq!(items.len(), count);
            prop_assert_eq!(items.iter().map(|item| item.payload.len()).sum::<usize>(), raw);
        }
    }

    #[test]
    fn a_body_with_bytes_changed_is_refused_or_read_but_never_hurts(
        events in vec(event(), 1..20), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
    ) {
        let items = items(events);
        // Without zstd, whose own checks would stop most of it.
        let Ok(mut body) = write::columns(&items, items[0].hlc) else { return Ok(()) };
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let raw = items.iter().map(|item| item.payload.len()).sum();
        drop(unpack(FLAG_COLUMNS, 1, items.len(), items[0].hlc, raw, &body));
    }
}

#[test]
fn every_event_that_is_on_record_comes_back() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../event/tests/golden");
    let mut events = Vec::new();
    for entry in std::fs::read_dir(golden).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let (kind, hex) = text.trim().split_once(' ').unwrap();
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        let payload: Vec<u8> = digits.chunks(2).map(byte).collect();
        assert!(cbor::is_plain(&payload), "{text}");
        events.push((1 << 40, u16::from_str_radix(kind.trim_start_matches("0x"), 16).unwrap(), payload));
    }
    assert!(events.len() > 50);
    let many: Vec<_> = (0..40).flat_map(|_| events.clone()).collect();
    round(&items(events));
    let packed = round(&items(many));
    assert!(packed.body.len() * 20 < packed.raw_bytes, "{} of {}", packed.body.len(), packed.raw_bytes);
}

#[test]
fn a_batch_of_one_empty_payload_comes_back() {
    round(&items(vec![(0, 0, Vec::new())]));
}

#[test]
fn too_many_values_for_columns_go_without() {
    let mut payload = Vec::new();
    Encoder::new(&mut payload).array(200_000).unwrap();
    payload.extend((0..200_000).map(|at| (at % 23) as u8));
    let packed = round(&items(vec![(1, 1, payload.clone()), (2, 1, payload.clone()), (3, 1, payload)]));
    assert_eq!(packed.flags & FLAG_COLUMNS, 0);
}

#[test]
fn a_small_body_that_unfolds_without_end_is_refused() {
    let bomb = zstd::bulk::compress(&vec![0; PACKED_BYTES_MAX + 1], 3).unwrap();
    assert!(bomb.len() < 2000);
    assert_eq!(unpack(FLAG_ZSTD, 1, 1, 0, 100, &bomb), Err(Broken));
    assert_eq!(unpack(0, 1, BATCH_EVENTS_MAX + 1, 0, 0, &[]), Err(Broken));
}
