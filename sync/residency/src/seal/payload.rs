//! Sealing the personal and sensitive fields of an event's bytes in place, and opening them again.
//!
//! A sealed field is a byte string under CBOR tag 0xA15E. When its key is destroyed it opens as absent; a required text, without which the
//! event would not read, opens as [`ERASED`].

use super::{
    cipher::{SealError, Sealed, bound_to},
    ring::{KeyId, KeyRing, PersonId},
};
use crate::{
    cbor,
    entropy::Entropy,
    gate::{Plan, Step, What},
    shape::{Many, Shape},
    vocabulary::Path,
};
use aisle_event::{Class, ERASED, EventType, SEALED_TAG};
use minicbor::{
    Decoder,
    data::{Tag, Type},
};
use zeroize::Zeroizing;

const TAG: Tag = Tag::new(SEALED_TAG);
const ITEMS_MAX: u64 = 1 << 16;

/// An event's bytes with what could be opened.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// The bytes.
    pub payload: Vec<u8>,
    /// The fields whose key was destroyed, each once for every value.
    pub erased: Vec<Path>,
    /// The fields whose key is not in the ring, and was not destroyed either: the ring is not the one that belongs here. They open as erased
    /// ones do; somebody has to be told.
    pub lost: Vec<Path>,
}

/// Seals the personal and sensitive fields of an event under a person's key, which must be in the ring ([`KeyRing::key_of`]).
///
/// # Errors
/// When the person has no key, there is no randomness, or the bytes are not such an event's. Nothing may be kept then.
pub fn seal(
    kind: EventType,
    payload: &[u8],
    ring: &KeyRing,
    person: PersonId,
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, SealError> {
    let (key, secret) = ring.current(person).ok_or(SealError::NoKey)?;
    let mut each = |path: Path, value: &[u8]| {
        let sealed = Sealed::seal(key, secret, &bound_to(path), value, entropy)?;
        let mut out = Vec::new();
        cbor::write(&mut out, |encoder| drop(encoder.tag(TAG)));
        cbor::put_bytes(&mut out, &sealed.encode());
        Ok(Some(out))
    };
    change(kind, payload, &mut each)
}

/// Opens what was sealed. What was not sealed stays as it is.
///
/// # Errors
/// When a value was changed or moved, or the bytes are not such an event's.
pub fn open(kind: EventType, payload: &[u8], ring: &KeyRing) -> Result<Opened, SealError> {
    let (mut erased, mut lost) = (Vec::new(), Vec::new());
    let mut each = |path: Path, value: &[u8]| {
        let Some(sealed) = sealed_in(value)? else { return Ok(Some(value.to_vec())) };
        match ring.secret(sealed.key()) {
            Some(secret) => sealed.open(secret, &bound_to(path)).map(|opened| Some(opened.to_vec())),
            None => {
                let gone = if ring.is_destroyed(sealed.key()) { &mut erased } else { &mut lost };
                gone.push(path);
                Ok(in_place_of(path))
            }
        }
    };
    let payload = change(kind, payload, &mut each)?;
    Ok(Opened { payload, erased, lost })
}

/// The keys that values of an event are sealed with, each once for every value, and how many personal and sensitive values are not sealed.
///
/// # Errors
/// When the bytes are not such an event's.
pub fn keys_in(kind: EventType, payload: &[u8]) -> Result<(Vec<KeyId>, usize), SealError> {
    let (mut keys, mut plain) = (Vec::new(), 0);
    let mut each = |_: Path, value: &[u8]| {
        match sealed_in(value)? {
            Some(sealed) => keys.push(sealed.key()),
            None => plain += 1,
        }
        Ok(None)
    };
    change(kind, payload, &mut each)?;
    Ok((keys, plain))
}

/// The sealed value that these bytes are; `None` when they are a plain one.
fn sealed_in(value: &[u8]) -> Result<Option<Sealed>, SealError> {
    let mut decoder = Decoder::new(value);
    if decoder.datatype().ok() != Some(Type::Tag) {
        return Ok(None);
    }
    let is_ours = decoder.tag().ok() == Some(TAG);
    let bytes = decoder.bytes().ok().filter(|_| is_ours && decoder.position() == value.len());
    Sealed::decode(bytes.ok_or(SealError::Malformed)?).map(Some)
}

fn in_place_of(path: Path) -> Option<Vec<u8>> {
    let holds = path.entry().holds;
    let mut out = Vec::new();
    match (holds.many, holds.shape) {
        (Many::One, Shape::Text) => cbor::put_str(&mut out, ERASED),
        (Many::One, Shape::Bytes) => cbor::put_bytes(&mut out, &[]),
        _ => return None,
    }
    Some(out)
}

type Each<'a> = &'a mut dyn FnMut(Path, &[u8]) -> Result<Option<Vec<u8>>, SealError>;

/// Writes an event again with its personal and sensitive values changed. Unknown fields stay: they are denied at the gate.
fn change(kind: EventType, payload: &[u8], each: Each<'_>) -> Result<Vec<u8>, SealError> {
    let plan = Plan::denial(kind).ok_or(SealError::Malformed)?;
    let mut decoder = Decoder::new(payload);
    let out = record(&plan.steps, &mut decoder, each)?;
    if decoder.position() == payload.len() { Ok(out.to_vec()) } else { Err(SealError::Malformed) }
}

fn record(
    steps: &[Step],
    decoder: &mut Decoder<'_>,
    each: Each<'_>,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let fields = len(decoder.map())?;
    let (mut body, mut left) = (Zeroizing::new(Vec::new()), 0);
    for _ in 0..fields {
        let number = decoder.u64().map_err(|_| SealError::Malformed)?;
        let value = match steps.iter().find(|step| step.number == number).map(|step| &step.what) {
            Some(What::Leaf { path, .. }) if path.class() >= Class::Personal => {
                each(*path, cbor::span(decoder).ok_or(SealError::Malformed)?)?
            }
            Some(What::Nested { list: false, steps }) => Some(record(steps, decoder, each)?.to_vec()),
            Some(What::Nested { list: true, steps }) => {
                let items = len(decoder.array())?;
                let mut list = Vec::new();
                cbor::put_array(&mut list, items);
                for _ in 0..items {
                    list.extend_from_slice(&record(steps, decoder, each)?);
                }
                Some(list)
            }
            _ => Some(cbor::span(decoder).ok_or(SealError::Malformed)?.to_vec()),
        };
        if let Some(value) = value {
            cbor::put_u64(&mut body, number);
            body.extend_from_slice(&value);
            left += 1;
        }
    }
    let mut out = Zeroizing::new(Vec::with_capacity(body.len() + 3));
    cbor::put_map(&mut out, left);
    out.append(&mut body);
    Ok(out)
}

fn len(header: Result<Option<u64>, minicbor::decode::Error>) -> Result<u64, SealError> {
    header.ok().flatten().filter(|items| *items <= ITEMS_MAX).ok_or(SealError::Malformed)
}

/// Without the bytes, which may be a person's.
impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened")
            .field("payload_bytes", &self.payload.len())
            .field("erased", &self.erased)
            .field("lost", &self.lost)
            .finish()
    }
}
