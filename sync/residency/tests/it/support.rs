//! Events to try things on, keys, and a second reading of payloads that shares no code with the gate.

use aisle_event::{Class, Event, EventType, Field, FieldClass, Hlc, LogClass, StoreId};
use aisle_protocol::{Epoch, Item, LogId};
use aisle_residency::{
    Entropy, Gate, Purpose, Region, TrustedPolicy, entropy::NoEntropy, signing::SigningKey, token::TokenKeys,
};
use bytes::Bytes;
use minicbor::{Decoder, Encoder, data::Type};
use std::{fs, path::Path, sync::LazyLock};

/// Unpredictable only to who does not know the seed.
pub struct Seeded(blake3::OutputReader);

impl Seeded {
    pub fn new(seed: u64) -> Self {
        Self(blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof())
    }
}

impl Entropy for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        self.0.fill(bytes);
        Ok(())
    }
}

pub fn region(name: &str) -> Region {
    Region::new(name).unwrap()
}

pub fn officer() -> SigningKey {
    SigningKey::from_seed(&[7; 32]).unwrap()
}

pub fn node() -> SigningKey {
    SigningKey::from_seed(&[9; 32]).unwrap()
}

pub fn trusted(text: &str) -> TrustedPolicy {
    let key = officer();
    TrustedPolicy::open(text.as_bytes(), &key.sign(text.as_bytes()), &[key.verifying_key()]).unwrap_or_else(
        |error| panic!("{error}: {:?}\n{text}", std::error::Error::source(&error).map(ToString::to_string)),
    )
}

/// A policy with these rules for `eu`.
pub fn policy(rules: &str) -> String {
    format!(
        "aisle_policy = 1\nname = \"test\"\nversion = 1\nhome = \"eu\"\n[[destination]]\nregion = \"eu\"\nclock = \"exact\"\n{rules}"
    )
}

pub fn keys() -> TokenKeys {
    keys_of_store(&[43; 32])
}

pub fn keys_of_store(secret: &[u8; 32]) -> TokenKeys {
    let mut keys = TokenKeys::new(secret);
    for region in ["eu", "cn", "global"] {
        for purpose in ["loyalty", "visits", "audit", "membership", "test"] {
            let region = Region::new(region).unwrap();
            keys = keys.with_derived(&region, &Purpose::new(purpose).unwrap(), 1, &[42; 32]);
        }
    }
    keys
}

pub fn gate(policy: &TrustedPolicy, to: &str) -> Gate {
    Gate::new(policy, &region(to), keys()).unwrap()
}

pub fn log(class: LogClass) -> LogId {
    LogId { store: StoreId::new("store-1").unwrap(), class, epoch: Epoch([3; 16]) }
}

/// Events as a batch that begins a log has them.
pub fn items<'a>(rows: impl IntoIterator<Item = (Hlc, EventType, &'a [u8])>) -> Vec<Item> {
    let item = |((hlc, kind, payload), seq): ((Hlc, EventType, &[u8]), u64)| Item {
        seq,
        hlc: hlc.0,
        kind: kind.0,
        payload: Bytes::copy_from_slice(payload),
    };
    rows.into_iter().zip(1..).map(item).collect()
}

/// Every golden event: its name, its type, its bytes.
pub fn golden() -> Vec<(String, EventType, Vec<u8>)> {
    static ALL: LazyLock<Vec<(String, EventType, Vec<u8>)>> = LazyLock::new(read_golden);
    ALL.clone()
}

/// The policy of the EEA that comes along.
pub fn eu() -> TrustedPolicy {
    static EU: LazyLock<TrustedPolicy> = LazyLock::new(|| trusted(include_str!("../../policies/eu.toml")));
    EU.clone()
}

fn read_golden() -> Vec<(String, EventType, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../event/tests/golden");
    let mut all: Vec<_> = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let (kind, hex) = text.trim().split_once(' ').unwrap();
            let kind = u16::from_str_radix(kind.trim_start_matches("0x"), 16).unwrap();
            let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), EventType(kind), bytes)
        })
        .collect();
    all.sort();
    assert!(all.len() > 60, "the golden vectors of the events are where they were");
    all
}

pub fn event(name: &str) -> Event {
    let (_, kind, bytes) = golden().into_iter().find(|(known, ..)| known == name).unwrap();
    Event::decode(kind, &bytes).unwrap()
}

pub fn fields_of(kind: EventType) -> (&'static str, &'static [Field]) {
    let (_, name, fields) = Event::TYPES.iter().find(|(known, ..)| *known == kind).unwrap();
    (name, fields)
}

/// A value in a payload: the path of names, its class, its bytes. Fields that are not known have the path `…?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    pub path: String,
    pub class: Class,
    pub bytes: Vec<u8>,
}

pub fn values(kind: EventType, payload: &[u8]) -> Vec<Value> {
    let (name, fields) = fields_of(kind);
    let mut decoder = Decoder::new(payload);
    let mut out = Vec::new();
    read(name, fields, &mut decoder, &mut out);
    assert_eq!(decoder.position(), payload.len(), "{name}: nothing after the map");
    out
}

fn read(prefix: &str, fields: &[Field], decoder: &mut Decoder<'_>, out: &mut Vec<Value>) {
    for _ in 0..decoder.map().unwrap().unwrap() {
        let number = decoder.u64().unwrap();
        let field = fields.iter().find(|field| field.number == number);
        let path = format!("{prefix}.{}", field.map_or("?", |field| field.name));
        match field.map(|field| field.class) {
            Some(FieldClass::Nested(inner)) => {
                let items = if decoder.datatype().unwrap() == Type::Array {
                    decoder.array().unwrap().unwrap()
                } else {
                    1
                };
                (0..items).for_each(|_| read(&path, inner, decoder, out));
            }
            Some(FieldClass::Leaf(class)) => out.push(Value { path, class, bytes: take(decoder) }),
            None => out.push(Value { path, class: Class::Sensitive, bytes: take(decoder) }),
        }
    }
}

fn take(decoder: &mut Decoder<'_>) -> Vec<u8> {
    let start = decoder.position();
    decoder.skip().unwrap();
    decoder.input()[start..decoder.position()].to_vec()
}

/// The event with something else in every text and byte string of some fields.
pub fn plant(kind: EventType, payload: &[u8], is_planted: &dyn Fn(&Field) -> bool, what: &str) -> Vec<u8> {
    let (_, fields) = fields_of(kind);
    let mut decoder = Decoder::new(payload);
    let mut out = Vec::new();
    replant(fields, &mut decoder, is_planted, what, &mut out);
    out
}

fn replant(
    fields: &[Field],
    decoder: &mut Decoder<'_>,
    is_planted: &dyn Fn(&Field) -> bool,
    what: &str,
    out: &mut Vec<u8>,
) {
    let len = decoder.map().unwrap().unwrap();
    Encoder::new(&mut *out).map(len).unwrap();
    for _ in 0..len {
        let number = decoder.u64().unwrap();
        Encoder::new(&mut *out).u64(number).unwrap();
        let field = fields.iter().find(|field| field.number == number);
        match field.map(|field| field.class) {
            Some(FieldClass::Nested(inner)) => {
                let mut items = 1;
                if decoder.datatype().unwrap() == Type::Array {
                    items = decoder.array().unwrap().unwrap();
                    Encoder::new(&mut *out).array(items).unwrap();
                }
                (0..items).for_each(|_| replant(inner, decoder, is_planted, what, out));
            }
            Some(FieldClass::Leaf(_)) if field.is_some_and(is_planted) => planted(decoder, what, out),
            _ => out.extend(take(decoder)),
        }
    }
}

fn planted(decoder: &mut Decoder<'_>, what: &str, out: &mut Vec<u8>) {
    match decoder.datatype().unwrap() {
        Type::String => {
            take(decoder);
            Encoder::new(&mut *out).str(what).unwrap();
        }
        Type::Bytes => {
            take(decoder);
            Encoder::new(&mut *out).bytes(what.as_bytes()).unwrap();
        }
        Type::Array => {
            let items = decoder.array().unwrap().unwrap();
            Encoder::new(&mut *out).array(items).unwrap();
            (0..items).for_each(|_| planted(decoder, what, out));
        }
        _ => out.extend(take(decoder)),
    }
}

/// The event as a newer writer would write it, with a text in fields that nobody knows, at the top and in its records.
pub fn with_unknown(kind: EventType, payload: &[u8], text: &str) -> Vec<u8> {
    let (_, fields) = fields_of(kind);
    let mut out = Vec::new();
    widen(fields, &mut Decoder::new(payload), text, &mut out);
    out
}

fn widen(fields: &[Field], decoder: &mut Decoder<'_>, text: &str, out: &mut Vec<u8>) {
    let len = decoder.map().unwrap().unwrap();
    Encoder::new(&mut *out).map(len + 2).unwrap();
    for _ in 0..len {
        let number = decoder.u64().unwrap();
        Encoder::new(&mut *out).u64(number).unwrap();
        match fields.iter().find(|field| field.number == number).map(|field| field.class) {
            Some(FieldClass::Nested(inner)) => {
                let mut items = 1;
                if decoder.datatype().unwrap() == Type::Array {
                    items = decoder.array().unwrap().unwrap();
                    Encoder::new(&mut *out).array(items).unwrap();
                }
                (0..items).for_each(|_| widen(inner, decoder, text, out));
            }
            _ => out.extend(take(decoder)),
        }
    }
    Encoder::new(&mut *out).u64(900).unwrap().str(text).unwrap();
    Encoder::new(&mut *out)
        .u64(901)
        .unwrap()
        .array(2)
        .unwrap()
        .str(text)
        .unwrap()
        .map(1)
        .unwrap()
        .u64(1)
        .unwrap()
        .str(text)
        .unwrap();
}

pub fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

pub fn class_of(field: &Field) -> Class {
    match field.class {
        FieldClass::Leaf(class) => class,
        FieldClass::Nested(_) => Class::Open,
    }
}
