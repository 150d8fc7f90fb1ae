//! A table of a profile's TOML, read key by key, so that everything wrong is told by its path.
//!
//! Not here: what the keys mean. Guards: unknown keys are refused, with the nearest that is valid.

use super::ProfileError;
use crate::nearest::nearest;
use toml::{Table, Value};

/// A table with the path to it.
#[derive(Debug, Clone)]
pub(super) struct Section<'a> {
    pub(super) file: &'a str,
    path: String,
    table: &'a Table,
}

impl<'a> Section<'a> {
    pub(super) fn root(file: &'a str, table: &'a Table) -> Self {
        Self { file, path: String::new(), table }
    }

    pub(super) fn at(&self, key: &str) -> String {
        match (self.path.as_str(), key) {
            ("", key) => key.to_owned(),
            (path, "") => path.to_owned(),
            (path, key) => format!("{path}.{key}"),
        }
    }

    /// Refuses any other keys than these.
    pub(super) fn only(&self, keys: &[&str]) -> Result<(), ProfileError> {
        match self.table.keys().find(|key| !keys.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => Err(ProfileError::UnknownKey {
                profile: self.file.to_owned(),
                key: self.at(key),
                hint: match nearest(key, keys.iter().copied()) {
                    Some(near) => format!("the nearest key is `{near}`"),
                    None => format!("keys here are `{}`", keys.join("`, `")),
                },
            }),
        }
    }

    pub(super) fn refuse(&self, key: &str, expected: impl Into<String>) -> ProfileError {
        self.refuse_with(key, expected, None)
    }

    pub(super) fn refuse_with(
        &self,
        key: &str,
        expected: impl Into<String>,
        hint: Option<String>,
    ) -> ProfileError {
        let found = if key.is_empty() { None } else { self.table.get(key) };
        ProfileError::Field {
            profile: self.file.to_owned(),
            field: self.at(key),
            found: found.map_or_else(|| "missing".to_owned(), shown),
            expected: expected.into(),
            hint,
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, ProfileError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= super::TEXT_BYTES_MAX => Ok(Some(text)),
            Some(_) => Err(self.refuse(key, format!("a text of at most {} bytes", super::TEXT_BYTES_MAX))),
        }
    }

    pub(super) fn required(&self, key: &str) -> Result<&'a str, ProfileError> {
        match self.text(key)? {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(self.refuse(key, "a text")),
        }
    }

    /// A text without which there is nothing, as a name of so many bytes at most.
    pub(super) fn name(&self, key: &str, bytes_max: usize) -> Result<&'a str, ProfileError> {
        let name = self.required(key)?;
        if name.len() <= bytes_max && crate::topic::is_name(name) {
            Ok(name)
        } else {
            Err(self.refuse(key, format!("a name of 1 to {bytes_max} bytes without `/`, `+`, `#`")))
        }
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<f64>, ProfileError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(Value::Integer(number)) => Ok(Some(*number as f64)),
            Some(Value::Float(number)) if number.is_finite() => Ok(Some(*number)),
            Some(_) => Err(self.refuse(key, "a number")),
        }
    }

    pub(super) fn integer(&self, key: &str) -> Result<Option<i64>, ProfileError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(Value::Integer(number)) => Ok(Some(*number)),
            Some(_) => Err(self.refuse(key, "a whole number")),
        }
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, ProfileError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(Value::Boolean(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.refuse(key, "true or false")),
        }
    }

    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        self.table.get(key)
    }

    pub(super) fn section(&self, key: &str) -> Result<Option<Section<'a>>, ProfileError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(Self { file: self.file, path: self.at(key), table })),
            Some(_) => Err(self.refuse(key, "a table")),
        }
    }

    pub(super) fn sections(&self, key: &str, count_max: usize) -> Result<Vec<Section<'a>>, ProfileError> {
        let expected = || self.refuse(key, format!("at most {count_max} tables, each `[[{key}]]`"));
        let items = match self.table.get(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) if items.len() <= count_max => items,
            Some(_) => return Err(expected()),
        };
        let section = |(index, item): (usize, &'a Value)| match item {
            Value::Table(table) => {
                Ok(Self { file: self.file, path: self.at(&format!("{key}[{index}]")), table })
            }
            _ => Err(expected()),
        };
        items.iter().enumerate().map(section).collect()
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        self.table.iter().map(|(key, value)| (key.as_str(), value))
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }
}

/// A value in an error: short, and recognisable.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().count() > 40 => {
            format!("\"{}…\"", text.chars().take(40).collect::<String>())
        }
        Value::String(text) => format!("\"{text}\""),
        Value::Table(_) => "a table".to_owned(),
        Value::Array(items) => format!("a list of {}", items.len()),
        other => other.to_string(),
    }
}
