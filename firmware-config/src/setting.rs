//! Settings with a schema: what a device can be set to, checked whole or not at all.
//!
//! Not here: versions and trials ([`crate::twin`]). Guards invariant 10: a wrong setting changes nothing, and is answered with
//! its path, the reason, and the nearest name where it is unknown.

use crate::{
    fault::{Fault, clipped},
    nearest::nearest,
};
use core::fmt;
use heapless::{LinearMap, String, Vec};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor},
};

/// How many settings a device has at most.
pub const SETTINGS_MAX: usize = 16;

/// What a setting holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any finite number.
    Number(f64),
    /// A short text.
    Text(String<32>),
}

/// Settings by name, each once.
#[derive(Debug, Clone, Default)]
pub struct Settings(pub LinearMap<String<24>, Value, SETTINGS_MAX>);

impl Settings {
    /// No settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Adds or replaces one.
    ///
    /// # Errors
    /// When the name is longer than 24 bytes, or there are [`SETTINGS_MAX`] others.
    pub fn set(&mut self, name: &str, value: Value) -> Result<(), Fault> {
        let key = String::try_from(name).map_err(|_| Fault::new(name, "is a name of more than 24 bytes"))?;
        match self.0.insert(key, value) {
            Ok(_) => Ok(()),
            Err(_) => Err(Fault::new(name, format_args!("is one more than {SETTINGS_MAX} settings"))),
        }
    }

    /// All of them, in the order in which they were set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// In any order.
impl PartialEq for Settings {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

/// One thing that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its name, unique within the device.
    pub name: String<24>,
    /// What it may hold.
    pub kind: FieldKind,
    /// What its number counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String<16>>,
    /// What it holds from the factory.
    pub default: Value,
}

impl Field {
    /// The default, as its kind holds it.
    fn factory(&self) -> Value {
        self.kind.accept(&self.default).unwrap_or_else(|_| self.default.clone())
    }
}

/// What a setting may hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Yes or no.
    Bool,
    /// A whole number from `min` to `max`.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// A finite number from `min` to `max`.
    Number {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// A text of at most `len_max` bytes.
    Text {
        /// Its bytes at most; never more than 32.
        len_max: u8,
    },
    /// One of these words.
    Choice {
        /// The words.
        of: Vec<String<16>, 8>,
    },
}

impl FieldKind {
    /// The value as this kind holds it: a whole number where any number may stand is a number.
    fn accept(&self, value: &Value) -> Result<Value, Fault> {
        let refuse = |expected: fmt::Arguments<'_>| {
            Err(Fault::new("", format_args!("is {value}, expected {expected}")))
        };
        match (self, value) {
            (Self::Bool, Value::Bool(_)) => Ok(value.clone()),
            (Self::Bool, _) => refuse(format_args!("true or false")),
            (Self::Integer { min, max }, Value::Integer(number)) if (min..=max).contains(&number) => {
                Ok(value.clone())
            }
            (Self::Integer { min, max }, _) => refuse(format_args!("a whole number from {min} to {max}")),
            (Self::Number { min, max }, _) => match value.number().filter(|it| min <= it && it <= max) {
                Some(number) => Ok(Value::Number(number)),
                None => refuse(format_args!("a number from {min} to {max}")),
            },
            (Self::Text { len_max }, Value::Text(text)) if text.len() <= usize::from(*len_max) => {
                Ok(value.clone())
            }
            (Self::Text { len_max }, _) => refuse(format_args!("a text of at most {len_max} bytes")),
            (Self::Choice { of }, Value::Text(text)) => {
                if of.iter().any(|choice| choice.as_str() == text.as_str()) {
                    return Ok(value.clone());
                }
                match nearest(text, of.iter().map(String::as_str)) {
                    Some(near) => refuse(format_args!("one of its words; the nearest is `{near}`")),
                    None => refuse(format_args!("{}", Words(of))),
                }
            }
            (Self::Choice { of }, _) => refuse(format_args!("{}", Words(of))),
        }
    }
}

struct Words<'a>(&'a [String<16>]);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one of")?;
        self.0.iter().try_for_each(|word| write!(f, " `{word}`"))
    }
}

/// Checks settings against a schema, each and all.
///
/// # Errors
/// The first that is unknown, of another kind, or out of its range.
pub fn check(schema: &[Field], patch: &Settings) -> Result<(), Fault> {
    patch.iter().try_for_each(|(name, value)| accept(schema, name, value).map(drop))
}

fn accept(schema: &[Field], name: &str, value: &Value) -> Result<Value, Fault> {
    let Some(field) = schema.iter().find(|field| field.name == name) else {
        return Err(match nearest(name, schema.iter().map(|field| field.name.as_str())) {
            Some(near) => Fault::new(name, format_args!("is no setting; the nearest is `{near}`")),
            None => Fault::new(name, "is no setting of this device"),
        });
    };
    field.kind.accept(value).map_err(|fault| fault.inside(name))
}

/// What the schema's settings are when `patch` is put over `current`: every field of the schema, in its order. What is in
/// `current` but does not fit the schema (any more) is as from the factory.
///
/// # Errors
/// Those of [`check`]: then nothing is merged.
pub fn merge(schema: &[Field], current: &Settings, patch: &Settings) -> Result<Settings, Fault> {
    check(schema, patch)?;
    let mut merged = Settings::new();
    for field in schema {
        let name = field.name.as_str();
        let kept = || current.get(name).and_then(|value| field.kind.accept(value).ok());
        let value = match patch.get(name) {
            Some(value) => accept(schema, name, value)?,
            None => kept().unwrap_or_else(|| field.factory()),
        };
        merged.set(name, value)?;
    }
    Ok(merged)
}

/// What the settings are from the factory.
#[must_use]
pub fn defaults(schema: &[Field]) -> Settings {
    let mut settings = Settings::new();
    for field in schema.iter().take(SETTINGS_MAX) {
        // A name is no longer than a key, and there is room for so many.
        let _ = settings.0.insert(field.name.clone(), field.factory());
    }
    settings
}

/// Checks that a schema can be kept: at most [`SETTINGS_MAX`] fields, each name once, ranges the right way round, and each
/// default a value that its own field takes.
///
/// # Errors
/// The first field that cannot be kept.
pub fn check_schema(schema: &[Field]) -> Result<(), Fault> {
    for (index, field) in schema.iter().enumerate() {
        let refuse =
            |key: &str, reason: &str| Err(Fault::new(key, reason).inside_item(index).inside("settings"));
        if index >= SETTINGS_MAX {
            return refuse("", "is one more than a device may have");
        }
        if field.name.is_empty() || schema.iter().take(index).any(|other| other.name == field.name) {
            return refuse("name", "is empty or stands twice");
        }
        let is_range = match &field.kind {
            FieldKind::Bool => true,
            FieldKind::Integer { min, max } => min <= max,
            FieldKind::Number { min, max } => min <= max,
            FieldKind::Text { len_max } => *len_max <= 32,
            FieldKind::Choice { of } => !of.is_empty(),
        };
        if !is_range {
            return refuse("kind", "leaves no value to choose");
        }
        field
            .kind
            .accept(&field.default)
            .map_err(|fault| fault.inside("default").inside_item(index).inside("settings"))?;
    }
    Ok(())
}

impl Value {
    /// As a number, where it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number).filter(|number| number.is_finite()),
            Self::Integer(number) => Some(*number as f64),
            Self::Bool(_) | Self::Text(_) => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Text(value) => write!(f, "\"{value}\""),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl TryFrom<&str> for Value {
    type Error = Fault;

    fn try_from(text: &str) -> Result<Self, Fault> {
        String::try_from(text).map(Self::Text).map_err(|_| Fault::new("", "is a text of more than 32 bytes"))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::Number(value) if value.is_finite() => serializer.serialize_f64(*value),
            Self::Number(_) => Err(serde::ser::Error::custom("a setting is no finite number")),
            Self::Text(value) => serializer.serialize_str(value),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyValue;
        impl Visitor<'_> for AnyValue {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false, a number or a text")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(Value::Integer(value))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
                i64::try_from(value).map(Value::Integer).map_err(|_| E::custom("is more than 63 bits hold"))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
                if value.is_finite() {
                    Ok(Value::Number(value))
                } else {
                    Err(E::custom("is no finite number"))
                }
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
                Value::try_from(value).map_err(|fault| E::custom(fault.reason))
            }
        }
        deserializer.deserialize_any(AnyValue)
    }
}

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Settings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("settings by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Settings, A::Error> {
                let mut settings = Settings::new();
                while let Some((key, value)) = map.next_entry::<String<24>, Value>()? {
                    match settings.0.insert(key, value) {
                        Ok(None) => {}
                        Ok(Some(_)) => return Err(de::Error::custom("has a name twice")),
                        Err((key, _)) => {
                            let key: String<24> = clipped(&key);
                            return Err(de::Error::custom(format_args!(
                                "has more than {SETTINGS_MAX} settings, such as `{key}`"
                            )));
                        }
                    }
                }
                Ok(settings)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
