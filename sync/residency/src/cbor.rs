//! Small helpers over minicbor: exact values, spans of items, and headers written before their content is known.

use minicbor::{Decode, Decoder, Encoder, data::Type};

/// The deepest that a value which passes may be nested; deeper ones are malformed.
const DEPTH_MAX: usize = 8;

/// The value, when the bytes hold exactly one and nothing after it.
pub(crate) fn only<'b, T: Decode<'b, ()>>(value: &'b [u8]) -> Option<T> {
    let mut decoder = Decoder::new(value);
    let found = decoder.decode().ok()?;
    (decoder.position() == value.len()).then_some(found)
}

/// The content of a byte string, when the bytes hold exactly one.
pub(crate) fn only_bytes(value: &[u8]) -> Option<&[u8]> {
    let mut decoder = Decoder::new(value);
    let found = decoder.bytes().ok()?;
    (decoder.position() == value.len()).then_some(found)
}

/// Moves over one item and gives its bytes. Refuses indefinite lengths and deep nesting.
pub(crate) fn span<'b>(decoder: &mut Decoder<'b>) -> Option<&'b [u8]> {
    let start = decoder.position();
    skip(decoder, DEPTH_MAX)?;
    decoder.input().get(start..decoder.position())
}

fn skip(decoder: &mut Decoder<'_>, depth: usize) -> Option<()> {
    match decoder.datatype().ok()? {
        Type::Array => {
            let depth = depth.checked_sub(1)?;
            (0..decoder.array().ok()??).try_for_each(|_| skip(decoder, depth))
        }
        Type::Map => {
            let depth = depth.checked_sub(1)?;
            (0..decoder.map().ok()??).try_for_each(|_| {
                skip(decoder, depth)?;
                skip(decoder, depth)
            })
        }
        Type::Tag => {
            decoder.tag().ok()?;
            skip(decoder, depth.checked_sub(1)?)
        }
        Type::ArrayIndef | Type::MapIndef | Type::BytesIndef | Type::StringIndef | Type::Break => None,
        _ => decoder.skip().ok(),
    }
}

/// Writing to a `Vec` has no way to fail; what could fail would write nothing.
pub(crate) fn write(out: &mut Vec<u8>, with: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) {
    with(&mut Encoder::new(out));
}

pub(crate) fn put_u64(out: &mut Vec<u8>, number: u64) {
    write(out, |encoder| drop(encoder.u64(number)));
}

pub(crate) fn put_i64(out: &mut Vec<u8>, number: i64) {
    write(out, |encoder| drop(encoder.i64(number)));
}

pub(crate) fn put_str(out: &mut Vec<u8>, text: &str) {
    write(out, |encoder| drop(encoder.str(text)));
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write(out, |encoder| drop(encoder.bytes(bytes)));
}

pub(crate) fn put_map(out: &mut Vec<u8>, fields: u64) {
    write(out, |encoder| drop(encoder.map(fields)));
}

pub(crate) fn put_array(out: &mut Vec<u8>, items: u64) {
    write(out, |encoder| drop(encoder.array(items)));
}
