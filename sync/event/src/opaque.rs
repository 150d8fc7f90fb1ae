//! [`Text`] and [`Blob`]: what others wrote and we only keep. Clones share the bytes.
//!
//! Not here: names that we understand and check ([`crate::id`]).

use crate::record::required;
use bytes::Bytes;
use bytestring::ByteString;
use minicbor::{
    Decode, Decoder, Encode, Encoder,
    decode::Error as DecodeError,
    encode::{Error as EncodeError, Write},
};
use serde::{Serialize, Serializer};
use std::{fmt, ops::Deref};

/// The longest [`Text`], in bytes: what MQTT's length field can say.
pub const TEXT_BYTES_MAX: usize = u16::MAX as usize;

/// Text that came from outside, at most [`TEXT_BYTES_MAX`] bytes.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(ByteString);

/// Why text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text has {bytes} bytes; at most {TEXT_BYTES_MAX} are allowed")]
pub struct TextTooLong {
    /// How long it is.
    pub bytes: usize,
}

impl Text {
    /// Takes text over.
    ///
    /// # Errors
    /// When it is longer than [`TEXT_BYTES_MAX`].
    pub fn new(text: impl Into<ByteString>) -> Result<Self, TextTooLong> {
        let text = text.into();
        if text.len() > TEXT_BYTES_MAX { Err(TextTooLong { bytes: text.len() }) } else { Ok(Self(text)) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text with its shared bytes.
    #[must_use]
    pub fn into_inner(self) -> ByteString {
        self.0
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<C> Encode<C> for Text {
    fn encode<W: Write>(&self, encoder: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        encoder.str(self).map(drop)
    }
}

impl<'b, C> Decode<'b, C> for Text {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        Self::new(decoder.str()?).map_err(DecodeError::message)
    }
}

/// Bytes that came from outside.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Blob(pub Bytes);

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// Text as it is; anything else as hexadecimal digits after `0x`.
impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.collect_str(&Hex(&self.0)),
        }
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<C> Encode<C> for Blob {
    fn encode<W: Write>(&self, encoder: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        encoder.bytes(&self.0).map(drop)
    }
}

impl<'b, C> Decode<'b, C> for Blob {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        decoder.bytes().map(|bytes| Self(Bytes::copy_from_slice(bytes)))
    }
}

required!(Text = Self::new(crate::sealed::ERASED).ok(), Blob = Some(Self::default()));
