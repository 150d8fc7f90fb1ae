//! Labels of nodes: short facts that people give them, `region=eu`, `size=s`.
//!
//! The rules are those of Kubernetes ("Labels and Selectors", syntax and character set), so that nobody has to learn new ones: a key is a name
//! of at most 63 characters, with a DNS name and a slash before it where one likes; a value has at most 63, or none.

use crate::{
    name::{NAME_BYTES_MAX, is_plain},
    node::FACTS,
    text::shown,
};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most labels of a node.
pub const LABELS_MAX: usize = 64;
/// The longest DNS name before a slash, in bytes.
pub const PREFIX_BYTES_MAX: usize = 253;

/// Why labels are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLabel {
    /// A key that is none.
    #[error(
        "`{text}` is no key of a label: it needs 1 to 63 letters, digits, `-`, `_` and `.`, a letter or a digit at both ends, and before it a DNS name and `/` where you like"
    )]
    Key {
        /// What stands there, cut where it is too long.
        text: String,
    },
    /// A value that is none.
    #[error(
        "`{key}`: `{text}` is no value of a label: it is empty or has at most 63 letters, digits, `-`, `_` and `.`, a letter or a digit at both ends"
    )]
    Value {
        /// Under which key.
        key: String,
        /// What stands there, cut where it is too long.
        text: String,
    },
    /// A key that every node has of itself.
    #[error("`{key}` says what a node is and cannot be set\nhint: choose another key")]
    Fact {
        /// Which.
        key: String,
    },
    /// More than there may be.
    #[error("a node has at most {LABELS_MAX} labels")]
    TooMany,
}

/// The labels of a node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(value_type = BTreeMap<String, String>))]
pub struct Labels(BTreeMap<CompactString, CompactString>);

/// True for a key of a label, a fact's name being one too.
pub(crate) fn is_key(text: &str) -> bool {
    let (prefix, name) = text.rsplit_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    let is_part = |part: &str| is_plain(part, NAME_BYTES_MAX) && !part.contains(['_', '.']);
    let is_dns = |prefix: &str| prefix.len() <= PREFIX_BYTES_MAX && prefix.split('.').all(is_part);
    is_plain(name, NAME_BYTES_MAX) && prefix.is_none_or(is_dns)
}

impl Labels {
    /// Of keys and values.
    ///
    /// # Errors
    /// When one is none, or there are too many.
    pub fn new<K: AsRef<str>, V: AsRef<str>>(
        labels: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, InvalidLabel> {
        let mut all = Self::default();
        for (key, value) in labels {
            all.set(key.as_ref(), value.as_ref())?;
        }
        Ok(all)
    }

    /// Sets one, in the place of what it was.
    ///
    /// # Errors
    /// When it is none, or one too many; nothing changes then.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), InvalidLabel> {
        if !is_key(key) {
            return Err(InvalidLabel::Key { text: shown(key, NAME_BYTES_MAX) });
        }
        if FACTS.contains(&key) {
            return Err(InvalidLabel::Fact { key: key.into() });
        }
        if !value.is_empty() && !is_plain(value, NAME_BYTES_MAX) {
            return Err(InvalidLabel::Value { key: key.into(), text: shown(value, NAME_BYTES_MAX) });
        }
        if self.0.len() >= LABELS_MAX && !self.0.contains_key(key) {
            return Err(InvalidLabel::TooMany);
        }
        self.0.insert(key.into(), value.into());
        Ok(())
    }

    /// Takes one away.
    pub fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// What stands under a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(CompactString::as_str)
    }

    /// All of them, by ascending key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl TryFrom<BTreeMap<String, String>> for Labels {
    type Error = InvalidLabel;

    fn try_from(labels: BTreeMap<String, String>) -> Result<Self, InvalidLabel> {
        Self::new(labels)
    }
}

impl From<Labels> for BTreeMap<String, String> {
    fn from(labels: Labels) -> Self {
        labels.0.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
    }
}
