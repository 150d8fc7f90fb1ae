//! `record!`: one definition of a record gives its type, its CBOR form and the class of each field.
//!
//! The form is a CBOR map from field number to value (RFC 8949). Evolution is additive only: a field that is
//! absent decodes as `None` (or the empty list, or the default of its type), a field that is not known is kept byte
//! for byte in [`Unknown`] and written back.

use minicbor::{
    Decode, Decoder, Encode, Encoder,
    data::Type,
    decode::Error as DecodeError,
    encode::{Error as EncodeError, Write},
};
use std::collections::BTreeMap;

/// Fields that a newer writer added, as the bytes it wrote. They survive a round trip and are denied at egress.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Unknown(BTreeMap<u64, Box<[u8]>>);

impl Unknown {
    /// The most unknown fields that one record may carry; more is refused as malformed.
    pub const FIELDS_MAX: usize = 64;

    /// The numbers of the fields that were not known.
    pub fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.keys().copied()
    }

    /// True when every field was known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.len() as u64
    }

    pub(crate) fn keep(&mut self, number: u64, decoder: &mut Decoder<'_>) -> Result<(), DecodeError> {
        let start = decoder.position();
        decoder.skip()?;
        let value = decoder
            .input()
            .get(start..decoder.position())
            .ok_or_else(|| DecodeError::message("an unknown field ends outside the input"))?;
        if self.0.len() >= Self::FIELDS_MAX {
            return Err(DecodeError::message("too many unknown fields"));
        }
        match self.0.insert(number, value.into()) {
            None => Ok(()),
            Some(_) => Err(DecodeError::message(format!("field {number} occurs twice"))),
        }
    }

    pub(crate) fn write<W: Write>(&self, encoder: &mut Encoder<W>) -> Result<(), EncodeError<W::Error>> {
        for (number, value) in &self.0 {
            encoder.u64(*number)?.writer_mut().write_all(value).map_err(EncodeError::write)?;
        }
        Ok(())
    }
}

/// The length of a record's map. Indefinite maps are refused: every record has one encoding.
pub(crate) fn map_len(decoder: &mut Decoder<'_>) -> Result<u64, DecodeError> {
    decoder
        .map()?
        .ok_or_else(|| DecodeError::type_mismatch(Type::MapIndef).with_message("a record has a length"))
}

/// How a value stands in a record: whether it is written at all, and what its absence means.
///
/// Separate from minicbor's own `nil` so that an empty list costs no byte and needs none.
pub(crate) trait FieldValue: Sized {
    /// True when the value is left out of the map.
    fn is_absent(&self) -> bool;
    /// The value that an absent field stands for; `None` when the field is required.
    fn absent() -> Option<Self>;
    /// What stands in the place of a value that is sealed at rest; `None` when nothing can.
    fn sealed() -> Option<Self> {
        Self::absent()
    }
    /// Writes the value.
    fn write<W: Write>(&self, encoder: &mut Encoder<W>) -> Result<(), EncodeError<W::Error>>;
    /// Reads the value.
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError>;
}

impl<T> FieldValue for Option<T>
where
    T: Encode<()> + for<'b> Decode<'b, ()>,
{
    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn write<W: Write>(&self, encoder: &mut Encoder<W>) -> Result<(), EncodeError<W::Error>> {
        encoder.encode(self).map(drop)
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        decoder.decode()
    }
}

impl<T> FieldValue for Vec<T>
where
    T: Encode<()> + for<'b> Decode<'b, ()>,
{
    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    fn absent() -> Option<Self> {
        Some(Vec::new())
    }

    fn write<W: Write>(&self, encoder: &mut Encoder<W>) -> Result<(), EncodeError<W::Error>> {
        encoder.encode(self).map(drop)
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        decoder.decode()
    }
}

/// Makes a type a required field: always written, and its absence is an error.
///
/// `Type = value` says what stands in the place of one that is sealed at rest.
macro_rules! required {
    ($($type:ty $(= $sealed:expr)?),+ $(,)?) => {$(
        impl $crate::record::FieldValue for $type {
            fn is_absent(&self) -> bool {
                false
            }

            fn absent() -> Option<Self> {
                None
            }

            $(
                fn sealed() -> Option<Self> {
                    $sealed
                }
            )?

            fn write<W: minicbor::encode::Write>(
                &self,
                encoder: &mut minicbor::Encoder<W>,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                encoder.encode(self).map(drop)
            }

            fn read(decoder: &mut minicbor::Decoder<'_>) -> Result<Self, minicbor::decode::Error> {
                decoder.decode()
            }
        }
    )+};
}
pub(crate) use required;

required!(u16, u32, u64, i64, bool);

/// Defines records: `number class name: Type`, where class is `open`, `pseudonymous`, `personal`, `sensitive`, or
/// `nested(Type)` for a record inside a record.
macro_rules! record {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident {
            $(
                $(#[$field_meta:meta])*
                $number:literal $class:ident $(($inner:ty))? $field:ident: $type:ty,
            )+
        }
    )+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
        pub struct $name {
            $(
                $(#[$field_meta])*
                pub $field: $type,
            )+
            /// Fields that a newer writer added.
            #[serde(skip)]
            pub unknown: $crate::Unknown,
        }

        impl $crate::Record for $name {
            const NAME: &'static str = stringify!($name);
            const FIELDS: &'static [$crate::Field] = &[
                $($crate::Field {
                    number: $number,
                    name: stringify!($field),
                    class: $crate::record::record!(@class $class $(($inner))?),
                    holds: stringify!($type),
                },)+
            ];
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                encoder: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                use $crate::record::FieldValue;
                let known = 0 $(+ u64::from(!self.$field.is_absent()))+;
                encoder.map(known + self.unknown.len())?;
                $(
                    if !self.$field.is_absent() {
                        encoder.u64($number)?;
                        self.$field.write(encoder)?;
                    }
                )+
                self.unknown.write(encoder)
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(decoder: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                use $crate::record::FieldValue;
                $(let mut $field: Option<$type> = None;)+
                let mut unknown = $crate::Unknown::default();
                for _ in 0..$crate::record::map_len(decoder)? {
                    match decoder.u64()? {
                        $($number => {
                            let value = $crate::record::record!(@read $class $type, decoder)
                                .map_err(|error| $crate::record::in_field(&error, stringify!($field)))?;
                            if $field.replace(value).is_some() {
                                return Err(minicbor::decode::Error::message(
                                    concat!("field `", stringify!($field), "` occurs twice"),
                                ));
                            }
                        })+
                        number => unknown.keep(number, decoder)?,
                    }
                }
                Ok(Self {
                    $($field: match $field.or_else(<$type as FieldValue>::absent) {
                        Some(value) => value,
                        None => return Err(minicbor::decode::Error::message(
                            concat!("field `", stringify!($field), "` is missing"),
                        )),
                    },)+
                    unknown,
                })
            }
        }
    )+};
    (@read personal $type:ty, $decoder:ident) => { $crate::sealed::read::<$type>($decoder) };
    (@read sensitive $type:ty, $decoder:ident) => { $crate::sealed::read::<$type>($decoder) };
    (@read $class:ident $type:ty, $decoder:ident) => { <$type as FieldValue>::read($decoder) };
    (@class open) => { $crate::FieldClass::Leaf($crate::Class::Open) };
    (@class pseudonymous) => { $crate::FieldClass::Leaf($crate::Class::Pseudonymous) };
    (@class personal) => { $crate::FieldClass::Leaf($crate::Class::Personal) };
    (@class sensitive) => { $crate::FieldClass::Leaf($crate::Class::Sensitive) };
    (@class nested($inner:ty)) => { $crate::FieldClass::Nested(<$inner as $crate::Record>::FIELDS) };
}
pub(crate) use record;

/// Puts the field's name in front of what was wrong inside it, so that a nested error reads as a path.
pub(crate) fn in_field(error: &DecodeError, field: &str) -> DecodeError {
    let inner = error.to_string();
    DecodeError::message(format!("{field}: {}", inner.trim_start_matches("decode error: ")))
}

/// Gives an enum of unit variants its number on the wire and its name in JSON.
macro_rules! code {
    ($(
        $(#[$meta:meta])*
        pub enum $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $number:literal $text:literal,)+
        }
    )+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every value, in order of number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in JSON, logs and metrics.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                encoder: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                encoder.u8(match self {
                    $(Self::$variant => $number,)+
                })?;
                Ok(())
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(decoder: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                match decoder.u8()? {
                    $($number => Ok(Self::$variant),)+
                    other => Err(minicbor::decode::Error::message(
                        format!(concat!("{} is no ", stringify!($name)), other),
                    )),
                }
            }
        }

        $crate::record::required!($name);
    )+};
}
pub(crate) use code;
