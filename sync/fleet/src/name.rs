//! Names that people give within a fleet: groups, rollouts, waves, saved filters, the serial of a box. Short and plain, so that they can
//! stand in a URL, a log line, a command and a file name as they are.

use crate::text::{shown, text_form};
use compact_str::CompactString;
use std::{borrow::Borrow, fmt, str::FromStr};

/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 63;

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no name of a {what}: it needs 1 to {NAME_BYTES_MAX} letters, digits, `-`, `_` and `.`, a letter or a digit at both ends"
)]
pub struct InvalidName {
    /// Of what.
    pub what: &'static str,
    /// The text, cut where it is too long.
    pub text: String,
}

/// What labels and names have in common.
pub(crate) fn is_plain(text: &str, bytes_max: usize) -> bool {
    let bytes = text.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    (1..=bytes_max).contains(&bytes.len())
        && ends.into_iter().flatten().all(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

macro_rules! names {
    ($($(#[$meta:meta])* $name:ident = $what:literal;)+) => {$(
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(CompactString);

        impl $name {
            /// Checks the text and makes the name.
            ///
            /// # Errors
            /// When it is empty, too long, or has characters that no name has.
            pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidName> {
                let text = text.as_ref();
                if is_plain(text, NAME_BYTES_MAX) {
                    Ok(Self(CompactString::new(text)))
                } else {
                    Err(InvalidName { what: $what, text: shown(text, NAME_BYTES_MAX) })
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        text_form!($name);
    )+};
}

names! {
    /// A group of nodes that are given something together.
    GroupName = "group";
    /// A release on its way through the stores.
    RolloutId = "rollout";
    /// A step of a rollout.
    WaveName = "wave";
    /// A selector that somebody saved.
    FilterName = "filter";
    /// The serial number of a box, as its certificate says it.
    Serial = "serial number";
    /// What a plugin may be given: `stock`, `kv`, as its manifest asks for it.
    Grant = "grant";
    /// What is measured in stores to judge a release by: `basket-value`, `price-errors`.
    Metric = "metric";
}
