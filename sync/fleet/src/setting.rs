//! Settings of a node that headquarters may set: keys with dots, and values without structure.
//!
//! Not here: which keys there are and what they mean (the node's configuration), settings of devices ([`crate::device`]).

use crate::text::{shown, text_form};
use compact_str::CompactString;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// The longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 128;
/// The longest text of a value, in bytes.
pub const VALUE_BYTES_MAX: usize = 1024;
/// The most settings of a node or a group.
pub const SETTINGS_MAX: usize = 512;

/// A key as in `aisle.toml`: `kiosk.thanks_s`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettingKey(CompactString);

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no key of a setting: it is written as in `aisle.toml`, such as `kiosk.thanks_s`")]
pub struct InvalidKey {
    /// The text, cut where it is too long.
    pub text: String,
}

impl SettingKey {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SettingKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let is_good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let is_part = |part: &str| !part.is_empty() && part.bytes().all(is_good);
        if text.len() <= KEY_BYTES_MAX && text.split('.').all(is_part) {
            return Ok(Self(CompactString::new(text)));
        }
        Err(InvalidKey { text: shown(text, KEY_BYTES_MAX) })
    }
}

impl fmt::Display for SettingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_form!(SettingKey);

/// A value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(untagged, expecting = "expected true, false, a whole number or a text")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum SettingValue {
    /// Yes or no.
    #[n(0)]
    Flag(#[n(0)] bool),
    /// A whole number.
    #[n(1)]
    Number(#[n(0)] i64),
    /// A text of at most [`VALUE_BYTES_MAX`] bytes.
    #[n(2)]
    Text(#[n(0)] String),
}

/// Settings by key.
pub type Settings = BTreeMap<SettingKey, SettingValue>;

/// What is wrong with settings.
pub(crate) fn fault_of_settings(settings: &Settings) -> Option<String> {
    if settings.len() > SETTINGS_MAX {
        return Some(format!("has {} settings, at most {SETTINGS_MAX} may be", settings.len()));
    }
    settings.iter().find_map(|(key, value)| match value {
        SettingValue::Text(text) if text.len() > VALUE_BYTES_MAX => {
            Some(format!("`{key}` has {} bytes, at most {VALUE_BYTES_MAX} may be", text.len()))
        }
        _ => None,
    })
}
