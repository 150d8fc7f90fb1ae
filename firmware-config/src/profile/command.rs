//! What a foreign device can be asked: a topic and a payload with arguments in it.
//!
//! Not here: who asks, and answers. Arguments are checked against a schema before anything is built of them.

use super::{ProfileError, pattern::Pattern, section::Section};
use crate::setting::{Field, FieldKind, Settings, Value, check_schema, merge};

/// A command has at most so many arguments.
pub const ARGUMENTS_MAX: usize = 8;

#[derive(Debug, Clone)]
pub(super) struct Command {
    pub(super) name: String,
    topic: Pattern,
    parts: Vec<Part>,
    is_json: bool,
    pub(super) schema: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Argument(String),
}

/// Why a command was not built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// There is no such profile.
    #[error("there is no profile `{0}`")]
    Profile(String),
    /// The profile has no such command.
    #[error("profile `{profile}` has no command `{command}`\nhint: {hint}")]
    Command {
        /// The profile.
        profile: String,
        /// What was asked.
        command: String,
        /// Which there are.
        hint: String,
    },
    /// The device's name cannot stand in a topic.
    #[error("`{0}` is no name of a device")]
    Device(String),
    /// An argument is wrong.
    #[error("argument {0}")]
    Argument(Box<crate::fault::Fault>),
}

impl Command {
    pub(super) fn parse(section: &Section<'_>) -> Result<Self, ProfileError> {
        section.only(&["name", "topic", "payload", "format", "argument"])?;
        let name = section.name("name", 64)?.to_owned();
        let topic = Pattern::parse(section.required("topic")?).map_err(|it| section.refuse("topic", it))?;
        if topic.fill("device").is_none() {
            return Err(section.refuse("topic", "no wildcard, and no place but `{device}`"));
        }
        let is_json = match section.text("format")?.unwrap_or("text") {
            "text" => false,
            "json" => true,
            _ => return Err(section.refuse("format", "`text` or `json`")),
        };
        let schema = section.sections("argument", ARGUMENTS_MAX)?;
        let schema = schema.iter().map(field).collect::<Result<Vec<Field>, _>>()?;
        if let Err(fault) = check_schema(&schema) {
            return Err(section.refuse("argument", format!("arguments that can be kept: {fault}")));
        }
        let parts = parts(section.text("payload")?.unwrap_or_default())
            .ok_or_else(|| section.refuse("payload", "a `}}` for each `{{`"))?;
        for part in &parts {
            if let Part::Argument(name) = part
                && !schema.iter().any(|field| field.name == name.as_str())
            {
                return Err(section.refuse("payload", format!("an `[[command.argument]]` named `{name}`")));
            }
        }
        let command = Self { name, topic, parts, is_json, schema };
        let sample = command.payload(&crate::setting::defaults(&command.schema));
        if command.is_json && serde_json::from_slice::<serde::de::IgnoredAny>(&sample).is_err() {
            return Err(section.refuse("payload", "JSON, when its arguments stand in it"));
        }
        Ok(command)
    }

    pub(super) fn build(&self, device: &str, args: &Settings) -> Result<(String, Vec<u8>), CommandError> {
        let args = merge(&self.schema, &Settings::new(), args)
            .map_err(|fault| CommandError::Argument(Box::new(fault)))?;
        let topic = Some(device).filter(|device| crate::topic::is_name(device));
        let topic = topic.and_then(|device| self.topic.fill(device));
        let topic = topic.ok_or_else(|| CommandError::Device(device.to_owned()))?;
        Ok((topic, self.payload(&args)))
    }

    fn payload(&self, args: &Settings) -> Vec<u8> {
        let mut payload = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => payload.push_str(text),
                Part::Argument(name) => match args.get(name) {
                    Some(Value::Text(text)) if self.is_json => {
                        payload.push_str(&serde_json::Value::from(text.as_str()).to_string());
                    }
                    Some(Value::Text(text)) => payload.push_str(text),
                    Some(value) => payload.push_str(&value.to_string()),
                    None => {}
                },
            }
        }
        payload.into_bytes()
    }
}

/// `{"text": {{text}}}` in its parts.
fn parts(mut text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    while let Some((before, rest)) = text.split_once("{{") {
        let (name, after) = rest.split_once("}}")?;
        parts.push(Part::Text(before.to_owned()));
        parts.push(Part::Argument(name.trim().to_owned()));
        text = after;
    }
    parts.push(Part::Text(text.to_owned()));
    Some(parts)
}

fn field(section: &Section<'_>) -> Result<Field, ProfileError> {
    section.only(&["name", "kind", "min", "max", "len_max", "of", "unit", "default"])?;
    let name = section.name("name", 24)?;
    let kind = match section.required("kind")? {
        "bool" => FieldKind::Bool,
        "integer" => FieldKind::Integer {
            min: section.integer("min")?.unwrap_or(i64::MIN),
            max: section.integer("max")?.unwrap_or(i64::MAX),
        },
        "number" => FieldKind::Number {
            min: section.number("min")?.unwrap_or(f64::MIN),
            max: section.number("max")?.unwrap_or(f64::MAX),
        },
        "text" => FieldKind::Text {
            len_max: match section.integer("len_max")?.map_or(Ok(32), u8::try_from) {
                Ok(len_max) if len_max <= 32 => len_max,
                _ => return Err(section.refuse("len_max", "0 to 32 bytes")),
            },
        },
        "choice" => {
            let words = section.value("of").and_then(toml::Value::as_array).map(|words| {
                let word = |word: &toml::Value| heapless::String::try_from(word.as_str()?).ok();
                words.iter().take(9).map(word).collect::<Option<Vec<_>>>()
            });
            let words = words.flatten().and_then(|words| heapless::Vec::from_slice(&words).ok());
            FieldKind::Choice {
                of: words.ok_or_else(|| section.refuse("of", "1 to 8 words of at most 16 bytes"))?,
            }
        }
        _ => return Err(section.refuse("kind", "`bool`, `integer`, `number`, `text` or `choice`")),
    };
    let default = match section.value("default") {
        Some(toml::Value::Boolean(value)) => Some(Value::Bool(*value)),
        Some(toml::Value::Integer(value)) => Some(Value::Integer(*value)),
        Some(toml::Value::Float(value)) => Some(Value::Number(*value)),
        Some(toml::Value::String(value)) => Value::try_from(value.as_str()).ok(),
        _ => None,
    };
    Ok(Field {
        // The name has at most as many bytes as there is room for.
        name: name.try_into().map_err(|_| section.refuse("name", "a name of 1 to 24 bytes"))?,
        kind,
        unit: match section.text("unit")?.map(heapless::String::try_from) {
            None => None,
            Some(Ok(unit)) => Some(unit),
            Some(Err(_)) => return Err(section.refuse("unit", "a text of at most 16 bytes")),
        },
        default: default.ok_or_else(|| {
            section.refuse("default", "true, false, a number or a text of at most 32 bytes")
        })?,
    })
}
