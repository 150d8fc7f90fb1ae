//! The parts of a name, each a type of its own: whose stores, which store, which box, which device, which hub.
//!
//! They are narrower than the ids of events: what stands in a URI of a certificate is written in letters, digits, `.`, `-` and `_`, so that there are not two
//! ways to write one name. Guards: what was made here is read by every end of a connection.

use aisle_event::{DeviceId, StoreId};
use std::{fmt, str::FromStr};

/// The most bytes of a chain's name, as SPIFFE has it.
pub const CHAIN_BYTES_MAX: usize = 255;
/// The most bytes of any other part. It is also the most that a common name may have (RFC 5280, appendix A.1).
pub const PART_BYTES_MAX: usize = 64;
/// As much of a refused text is shown.
const SHOWN_CHARS_MAX: usize = 96;

/// Why a text is no part of a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{found}` {reason}{}", hint(.nearest.as_deref()))]
pub struct InvalidName {
    /// Which part.
    pub what: &'static str,
    /// The text, cut where it is long, with what does not print escaped.
    pub found: String,
    /// What is wrong.
    pub reason: NameFault,
    /// The same, as it could be written.
    pub nearest: Option<String>,
}

/// What is wrong with a part of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// There is none.
    #[error("is empty")]
    Empty,
    /// There is too much of it.
    #[error("has {bytes} bytes; at most {bytes_max} are allowed")]
    TooLong {
        /// How many.
        bytes: usize,
        /// How many there may be.
        bytes_max: usize,
    },
    /// It means a place in a path.
    #[error("means a place in a path")]
    Dots,
    /// A character that does not belong there.
    #[error("has a character at byte {at} that is not allowed; allowed are {allowed}")]
    Character {
        /// Where, in bytes from the start.
        at: usize,
        /// What is.
        allowed: &'static str,
    },
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!("\nhint: write it `{nearest}`")).unwrap_or_default()
}

/// A text that somebody else wrote, fit for a log line.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug).collect()
}

#[derive(Debug, Clone, Copy)]
struct Rule {
    what: &'static str,
    bytes_max: usize,
    allowed: &'static str,
    is_allowed: fn(char) -> bool,
    lower: bool,
}

const fn part(what: &'static str) -> Rule {
    Rule {
        what,
        bytes_max: PART_BYTES_MAX,
        allowed: "letters, digits, `.`, `-` and `_`",
        is_allowed: |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'),
        lower: false,
    }
}

const CHAIN: Rule = Rule {
    what: "the chain",
    bytes_max: CHAIN_BYTES_MAX,
    allowed: "a-z, 0-9, `.`, `-` and `_`",
    is_allowed: |c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_'),
    lower: true,
};

fn check(text: &str, rule: &Rule) -> Result<(), InvalidName> {
    let fault = if text.is_empty() {
        Some(NameFault::Empty)
    } else if text.len() > rule.bytes_max {
        Some(NameFault::TooLong { bytes: text.len(), bytes_max: rule.bytes_max })
    } else if text == "." || text == ".." {
        Some(NameFault::Dots)
    } else {
        let odd = text.char_indices().find(|(_, c)| !(rule.is_allowed)(*c));
        odd.map(|(at, _)| NameFault::Character { at, allowed: rule.allowed })
    };
    let Some(reason) = fault else { return Ok(()) };
    let nearest = matches!(reason, NameFault::Character { .. }).then(|| nearest(text, rule)).flatten();
    Err(InvalidName { what: rule.what, found: shown(text), reason, nearest })
}

/// The text with what is not allowed made small, or left out at the ends, or a dash.
fn nearest(text: &str, rule: &Rule) -> Option<String> {
    let small = if rule.lower { text.to_ascii_lowercase() } else { text.to_owned() };
    let mended: String = small.trim().chars().map(|c| if (rule.is_allowed)(c) { c } else { '-' }).collect();
    let mended = mended.trim_matches('-');
    check(mended, rule).is_ok().then(|| mended.to_owned())
}

macro_rules! parts {
    ($($(#[$meta:meta])* $name:ident($inner:ty, $rule:expr, $make:expr);)+) => {$(
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($inner);

        impl $name {
            /// Checks the text and makes the name.
            ///
            /// # Errors
            /// When it is empty, too long, or has a character that is not allowed; with the nearest way to write it.
            pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidName> {
                let text = text.as_ref();
                let rule: Rule = $rule;
                check(text, &rule)?;
                let make: fn(&str) -> Option<$inner> = $make;
                make(text).map(Self).ok_or_else(|| InvalidName {
                    what: rule.what,
                    found: shown(text),
                    reason: NameFault::Character { at: 0, allowed: rule.allowed },
                    nearest: None,
                })
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_ref_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }
    )+};
}

trait AsRefStr {
    fn as_ref_str(&self) -> &str;
}

impl AsRefStr for Box<str> {
    fn as_ref_str(&self) -> &str {
        self
    }
}

impl AsRefStr for StoreId {
    fn as_ref_str(&self) -> &str {
        self.as_str()
    }
}

impl AsRefStr for DeviceId {
    fn as_ref_str(&self) -> &str {
        self.as_str()
    }
}

parts! {
    /// The trust domain: whose stores these are, e.g. `shops.example`.
    Chain(Box<str>, CHAIN, |text| Some(text.into()));
    /// A store, by an id that fits into a certificate.
    Store(StoreId, part("the store"), |text| StoreId::new(text).ok());
    /// A box: what its maker printed on it, or what the installer called it. One for each store.
    Serial(Box<str>, part("the serial"), |text| Some(text.into()));
    /// A kiosk, sensor, reader or label, by an id that fits into a certificate.
    Device(DeviceId, part("the device"), |text| DeviceId::new(text).ok());
    /// A hub, or a relay. Hubs on one database are one.
    HubName(Box<str>, part("the hub"), |text| Some(text.into()));
}

impl Store {
    /// The id that events carry.
    #[must_use]
    pub const fn id(&self) -> &StoreId {
        &self.0
    }
}

impl Device {
    /// The id that events carry.
    #[must_use]
    pub const fn id(&self) -> &DeviceId {
        &self.0
    }
}

impl TryFrom<&StoreId> for Store {
    type Error = InvalidName;

    fn try_from(id: &StoreId) -> Result<Self, InvalidName> {
        Self::new(id.as_str())
    }
}

impl TryFrom<&DeviceId> for Device {
    type Error = InvalidName;

    fn try_from(id: &DeviceId) -> Result<Self, InvalidName> {
        Self::new(id.as_str())
    }
}
