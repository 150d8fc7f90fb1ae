//! Messages as bytes: JSON or CBOR, without a heap.
//!
//! One reader ([`reader`]) understands both, over two sources of tokens ([`json`], [`cbor`]); so both ends and both encodings
//! say the same about a wrong payload. Writing is done by `serde-json-core` and `minicbor-serde`. `serde-json-core` does not
//! read here: it cannot tell what kind a value is, which settings need, and it does not say where it failed.
//!
//! Not here: which messages there are. Guards invariant 10: any bytes are a value or a fault with a path.

mod cbor;
mod json;
mod reader;

use crate::fault::Fault;
use core::{convert::Infallible, fmt};
use serde::{Deserialize, Serialize};

/// Deeper payloads are refused, also in keys that nobody reads.
pub const DEPTH_MAX: u8 = 8;
/// A text with escapes or in pieces is put together in so many bytes; a longer one is refused where it is read.
pub const TEXT_BYTES_MAX: usize = 128;

/// What is said of a number that is none.
pub(crate) const NAN: &str = "is NaN, expected a finite number";
/// What is said of a number that is too large to be one.
pub(crate) const INFINITE: &str = "is infinite or too large, expected a finite number";

/// How a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// RFC 8259.
    Json,
    /// RFC 8949.
    Cbor,
}

impl Encoding {
    /// The encoding of a payload, by its first byte: what is not ASCII begins no JSON, and CBOR's lists and maps are not ASCII.
    #[must_use]
    pub fn of(payload: &[u8]) -> Self {
        if payload.first().is_some_and(|first| *first >= 0x80) { Self::Cbor } else { Self::Json }
    }
}

/// Why a message was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodeError {
    /// The buffer is too small for it, by its size in bytes.
    Room(usize),
    /// It holds a number that is not finite.
    NotFinite,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Room(bytes) => write!(f, "the message does not go into {bytes} bytes"),
            Self::NotFinite => f.write_str("the message holds a number that is not finite"),
        }
    }
}

impl core::error::Error for EncodeError {}

/// Writes a message into a buffer and returns how many bytes it took.
///
/// # Errors
/// When there is no room for it, or a number in it is not finite.
pub fn encode<T: Serialize>(value: &T, encoding: Encoding, buffer: &mut [u8]) -> Result<usize, EncodeError> {
    let full = EncodeError::Room(buffer.len());
    match encoding {
        Encoding::Json => {
            // `serde-json-core` has no errors but want of room: a value that refuses to be written is found here.
            let probe = value.serialize(&mut minicbor_serde::Serializer::new(Nowhere));
            probe.map_err(|_| EncodeError::NotFinite)?;
            serde_json_core::to_slice(value, buffer).map_err(|_| full)
        }
        Encoding::Cbor => minicbor_serde::to_slice(value, buffer).map_err(|error| match error.as_write() {
            Some(_) => full,
            None => EncodeError::NotFinite,
        }),
    }
}

/// Where all that is written is forgotten.
struct Nowhere;

impl minicbor::encode::Write for Nowhere {
    type Error = Infallible;

    fn write_all(&mut self, _: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Reads a message, and says how it was written.
///
/// # Errors
/// The first fault, with its path.
pub fn decode<'de, T: Deserialize<'de>>(payload: &'de [u8]) -> Result<(T, Encoding), Fault> {
    let encoding = Encoding::of(payload);
    let value = match encoding {
        Encoding::Json => reader::read(json::Json::new(payload)),
        Encoding::Cbor => reader::read(cbor::Cbor::new(payload)),
    }?;
    Ok((value, encoding))
}
