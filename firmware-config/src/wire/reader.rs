//! Values out of tokens, for serde, with a path at every fault.
//!
//! Not here: how tokens are spelled. Guards invariant 6: depth and texts are bounded, nothing is reserved by announced lengths.

use super::{DEPTH_MAX, INFINITE, NAN, TEXT_BYTES_MAX};
use crate::fault::{Fault, clipped};
use heapless::String;
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, IntoDeserializer, Visitor},
    forward_to_deserialize_any,
};

/// The beginning of a value, or the whole of a simple one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'de> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'de str),
    /// The text was put together in the scratch.
    Scratch,
    Bytes(&'de [u8]),
    Array(Entries),
    Map(Entries),
}

/// How far a list or a map has been read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Entries {
    /// How many there are still, where that was announced.
    pub(super) left: Option<u64>,
    /// None was read yet.
    pub(super) is_first: bool,
    /// The byte that ends it.
    pub(super) end: u8,
}

/// Where texts are put together.
pub(super) type Scratch = String<TEXT_BYTES_MAX>;
/// What is wrong with the spelling.
pub(super) type Wrong = &'static str;

/// Something that has tokens.
pub(super) trait Source<'de> {
    /// The next value's token.
    fn token(&mut self, scratch: &mut Scratch) -> Result<Token<'de>, Wrong>;
    /// Whether the next value is null.
    fn is_null(&mut self) -> bool;
    /// Goes on to the next entry of a list or a map; false at its end, which is then behind.
    fn entry(&mut self, entries: &mut Entries) -> Result<bool, Wrong>;
    /// Goes from a key to its value.
    fn value(&mut self) -> Result<(), Wrong>;
    /// Passes over a text, however long.
    fn skip_text(&mut self) -> Result<bool, Wrong>;
    /// Nothing may come after the outermost value.
    fn finish(&mut self) -> Result<(), Wrong>;
}

pub(super) fn read<'de, T: Deserialize<'de>>(source: impl Source<'de>) -> Result<T, Fault> {
    let mut reader = Reader { source, scratch: Scratch::new(), depth: 0 };
    let value = T::deserialize(&mut reader)?;
    reader.source.finish().map_err(fault)?;
    Ok(value)
}

fn fault(wrong: Wrong) -> Fault {
    Fault::new("", wrong)
}

struct Reader<S> {
    source: S,
    scratch: Scratch,
    depth: u8,
}

impl<'de, S: Source<'de>> Reader<S> {
    fn token(&mut self) -> Result<Token<'de>, Fault> {
        self.source.token(&mut self.scratch).map_err(fault)
    }

    /// Does something one level deeper.
    fn deeper<T>(&mut self, inside: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth >= DEPTH_MAX {
            return Err(Fault::new("", format_args!("is nested deeper than {DEPTH_MAX} levels")));
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    fn visit_array<V: Visitor<'de>>(&mut self, entries: Entries, visitor: V) -> Result<V::Value, Fault> {
        self.deeper(|reader| {
            let mut array = Array { reader, entries, index: 0 };
            let value = visitor.visit_seq(&mut array)?;
            if array.reader.source.entry(&mut array.entries).map_err(fault)? {
                return Err(fault("has more items than it may"));
            }
            Ok(value)
        })
    }

    fn visit_map<V: Visitor<'de>>(&mut self, entries: Entries, visitor: V) -> Result<V::Value, Fault> {
        self.deeper(|reader| {
            let mut map = Map { reader, entries, key: String::new() };
            let value = visitor.visit_map(&mut map)?;
            if map.reader.source.entry(&mut map.entries).map_err(fault)? {
                return Err(fault("has more entries than it may"));
            }
            Ok(value)
        })
    }

    /// Passes over the next value.
    fn skip(&mut self) -> Result<(), Fault> {
        if self.source.skip_text().map_err(fault)? {
            return Ok(());
        }
        match self.token()? {
            Token::Array(mut entries) => self.deeper(|reader| {
                while reader.source.entry(&mut entries).map_err(fault)? {
                    reader.skip()?;
                }
                Ok(())
            }),
            Token::Map(mut entries) => self.deeper(|reader| {
                while reader.source.entry(&mut entries).map_err(fault)? {
                    reader.skip()?;
                    reader.source.value().map_err(fault)?;
                    reader.skip()?;
                }
                Ok(())
            }),
            _ => Ok(()),
        }
    }
}

impl<'de, S: Source<'de>> Deserializer<'de> for &mut Reader<S> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.token()? {
            Token::Null => visitor.visit_unit(),
            Token::Bool(value) => visitor.visit_bool(value),
            Token::Unsigned(value) => visitor.visit_u64(value),
            Token::Signed(value) => visitor.visit_i64(value),
            Token::Float(value) if value.is_finite() => visitor.visit_f64(value),
            Token::Float(value) if value.is_nan() => Err(fault(NAN)),
            Token::Float(_) => Err(fault(INFINITE)),
            Token::Text(text) => visitor.visit_borrowed_str(text),
            Token::Scratch => visitor.visit_str(&self.scratch),
            Token::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Token::Array(entries) => self.visit_array(entries, visitor),
            Token::Map(entries) => self.visit_map(entries, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.source.is_null() {
            self.token()?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.token()? {
            Token::Text(text) => visitor.visit_enum(IntoDeserializer::<Fault>::into_deserializer(text)),
            Token::Scratch => {
                visitor.visit_enum(IntoDeserializer::<Fault>::into_deserializer(self.scratch.as_str()))
            }
            Token::Map(mut entries) => self.deeper(|reader| {
                if !reader.source.entry(&mut entries).map_err(fault)? {
                    return Err(fault("is empty, expected a name with what belongs to it"));
                }
                let value = visitor.visit_enum(Variant { reader: &mut *reader })?;
                if reader.source.entry(&mut entries).map_err(fault)? {
                    return Err(fault("has several names, expected one"));
                }
                Ok(value)
            }),
            _ => Err(fault("is neither a name nor a name with what belongs to it")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier
    }
}

struct Array<'a, S> {
    reader: &'a mut Reader<S>,
    entries: Entries,
    index: usize,
}

impl<'de, S: Source<'de>> de::SeqAccess<'de> for &mut Array<'_, S> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        if !self.reader.source.entry(&mut self.entries).map_err(fault)? {
            // At the end again when somebody asks again.
            self.entries = Entries { left: Some(0), ..self.entries };
            return Ok(None);
        }
        let index = self.index;
        self.index += 1;
        seed.deserialize(&mut *self.reader).map(Some).map_err(|fault| fault.inside_item(index))
    }
}

struct Map<'a, S> {
    reader: &'a mut Reader<S>,
    entries: Entries,
    key: String<24>,
}

impl<'de, S: Source<'de>> de::MapAccess<'de> for &mut Map<'_, S> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        if !self.reader.source.entry(&mut self.entries).map_err(fault)? {
            self.entries = Entries { left: Some(0), ..self.entries };
            return Ok(None);
        }
        let text = match self.reader.token()? {
            Token::Text(text) => text,
            Token::Scratch => {
                self.key = clipped(&self.reader.scratch);
                let key = IntoDeserializer::<Fault>::into_deserializer(self.reader.scratch.as_str());
                return seed.deserialize(key).map(Some).map_err(|fault| fault.inside(&self.key));
            }
            _ => return Err(fault("has a key that is no text")),
        };
        self.key = clipped(&text);
        let key = de::value::BorrowedStrDeserializer::<Fault>::new(text);
        seed.deserialize(key).map(Some).map_err(|fault| fault.inside(&self.key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        self.reader.source.value().map_err(fault)?;
        seed.deserialize(&mut *self.reader).map_err(|fault| fault.inside(&self.key))
    }
}

/// A variant with what belongs to it.
struct Variant<'a, S> {
    reader: &'a mut Reader<S>,
}

impl<'de, S: Source<'de>> de::EnumAccess<'de> for Variant<'_, S> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let value = match self.reader.token()? {
            Token::Text(text) => seed.deserialize(IntoDeserializer::<Fault>::into_deserializer(text))?,
            Token::Scratch => {
                let text = self.reader.scratch.as_str();
                seed.deserialize(IntoDeserializer::<Fault>::into_deserializer(text))?
            }
            _ => return Err(fault("has a key that is no text")),
        };
        self.reader.source.value().map_err(fault)?;
        Ok((value, self))
    }
}

impl<'de, S: Source<'de>> de::VariantAccess<'de> for Variant<'_, S> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        self.reader.skip()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.reader.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.reader.deserialize_any(visitor)
    }
}
