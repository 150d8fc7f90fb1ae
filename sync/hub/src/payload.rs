//! Payloads for people and analysts: the CBOR map of an event as JSON with the names of its fields.
//!
//! Not here: what may be shown (all that a hub holds was let out to it). Bytes that are not what the type says become a text of
//! hexadecimal digits, so nothing that is held is ever left out.

use aisle_event::{Event, Field, FieldClass};
use data_encoding::HEXLOWER;
use minicbor::{Decoder, data::Type};
use serde_json::{Map, Value, json};

/// Deeper values than any event has.
const DEPTH_MAX: usize = 16;

/// A payload as JSON.
#[must_use]
pub fn to_json(kind: u16, payload: &[u8]) -> Value {
    let fields =
        Event::TYPES.iter().find(|(known, ..)| known.0 == kind).map_or(&[][..], |(.., fields)| fields);
    let mut decoder = Decoder::new(payload);
    match value(&mut decoder, Some(fields), 0) {
        Some(value) if decoder.position() == payload.len() => value,
        _ => Value::String(HEXLOWER.encode(payload)),
    }
}

fn value(decoder: &mut Decoder<'_>, fields: Option<&[Field]>, depth: usize) -> Option<Value> {
    if depth > DEPTH_MAX {
        return None;
    }
    match decoder.datatype().ok()? {
        Type::Bool => decoder.bool().ok().map(Value::Bool),
        Type::Null | Type::Undefined => decoder.skip().ok().map(|()| Value::Null),
        Type::String => decoder.str().ok().map(Value::from),
        Type::Bytes => decoder.bytes().ok().map(|bytes| Value::String(HEXLOWER.encode(bytes))),
        Type::F16 | Type::F32 | Type::F64 => decoder.f64().ok().map(|number| json!(number)),
        Type::Array => {
            let count = decoder.array().ok()??;
            let mut values = Vec::new();
            for _ in 0..count {
                values.push(value(decoder, fields, depth + 1)?);
            }
            Some(Value::Array(values))
        }
        Type::Map => {
            let count = decoder.map().ok()??;
            let mut map = Map::new();
            for _ in 0..count {
                let number = decoder.u64().ok()?;
                let field = fields.unwrap_or_default().iter().find(|field| field.number == number);
                let inner = match field.map(|field| field.class) {
                    Some(FieldClass::Nested(inner)) => Some(inner),
                    _ => None,
                };
                let name = field.map_or_else(|| number.to_string(), |field| field.name.to_owned());
                map.insert(name, value(decoder, inner, depth + 1)?);
            }
            Some(Value::Object(map))
        }
        // Whole numbers of any size; what does not fit is no number of an event.
        _ => {
            let number = i128::from(decoder.int().ok()?);
            i64::try_from(number)
                .map(Value::from)
                .ok()
                .or_else(|| u64::try_from(number).ok().map(Value::from))
        }
    }
}
