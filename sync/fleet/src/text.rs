//! Types whose form in JSON, YAML, CBOR and map keys is their text: what `Display` shows is what `FromStr` reads.
//!
//! One macro, so that no type is read by other rules than its own parser's, wherever it comes from.

/// Gives a type with `Display` and `FromStr` its forms in JSON, YAML, CBOR, and in an OpenAPI document.
macro_rules! text_form {
    ($($name:ident),+ $(,)?) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                encoder: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                encoder.str(&self.to_string()).map(drop)
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(
                decoder: &mut minicbor::Decoder<'b>,
                _: &mut C,
            ) -> Result<Self, minicbor::decode::Error> {
                decoder.str()?.parse().map_err(|error| minicbor::decode::Error::message(format!("{error}")))
            }
        }

        #[cfg(feature = "schema")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                let text = utoipa::openapi::schema::Type::String;
                utoipa::openapi::schema::ObjectBuilder::new().schema_type(text).into()
            }
        }

        #[cfg(feature = "schema")]
        impl utoipa::ToSchema for $name {}
    )+};
}

pub(crate) use text_form;

/// The known name that somebody may have meant. `name` is bounded by whoever asks, so this is quick.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|other| (strsim::damerau_levenshtein(name, other), other))
        .min()
        .filter(|(apart, other)| *apart <= 1.max(other.len() / 3))
        .map(|(_, other)| other)
}

/// The end of a message that names what may have been meant.
pub(crate) fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("\nhint: did you mean `{name}`?"))
}

/// What is repeated of a text that somebody else wrote: so many characters, none of which does anything to a screen.
pub(crate) fn shown(text: &str, chars_max: usize) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(chars_max).collect()
}

/// A text in which every number is `#`: what texts that differ in numbers alone have in common.
pub(crate) fn numberless(text: &str) -> String {
    let mut same = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii_digit() && same.ends_with('#') => {}
            c if c.is_ascii_digit() => same.push('#'),
            c => same.push(c),
        }
    }
    same
}
