//! What stands in the place of a value that is sealed at rest, for who reads an event without the keys.
//!
//! A personal or sensitive value may lie in a journal as a byte string under [`SEALED_TAG`]: encrypted under a key of the person it is
//! about. Who has the key opens it before the event is decoded. Who has not still reads the event: an optional value is absent, a
//! required text is [`ERASED`], required bytes are none.
//!
//! Not here: keys, and how values are sealed (`aisle-residency`).

use crate::record::FieldValue;
use minicbor::{
    Decoder,
    data::{Tag, Type},
    decode::Error,
};

/// The CBOR tag of a sealed value.
pub const SEALED_TAG: u64 = 0xa15e;
/// What stands in the place of a required text that cannot be opened, or never again.
pub const ERASED: &str = "[erased]";

/// Reads a value that may be sealed.
pub(crate) fn read<T: FieldValue>(decoder: &mut Decoder<'_>) -> Result<T, Error> {
    if decoder.datatype()? != Type::Tag {
        return T::read(decoder);
    }
    if decoder.tag()? != Tag::new(SEALED_TAG) {
        return Err(Error::message("a tag that is none of a sealed value"));
    }
    decoder.bytes()?;
    T::sealed().ok_or_else(|| Error::message("a sealed value where nothing can stand in its place"))
}
