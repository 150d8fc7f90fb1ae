//! Where something is wrong, and what: one form for payloads and settings, without a heap.
//!
//! A path reads like `streams[2].name`; the reason goes on from it: "`streams[2].name` is missing". Not here: what is refused.

use crate::nearest::nearest;
use core::fmt::{self, Write};
use heapless::String;
use serde::de::{Expected, Unexpected};

/// What is wrong with a payload or a setting.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fault {
    /// Where: names and indices from the outside in. Empty when it is the whole. Long ones lose their end.
    pub path: String<48>,
    /// What, going on from the path: "is missing". Long ones lose their end.
    pub reason: String<96>,
}

impl Fault {
    /// A fault at `path`.
    #[must_use]
    pub fn new(path: &str, reason: impl fmt::Display) -> Self {
        Self { path: clipped(&path), reason: clipped(&reason) }
    }

    /// The same, seen from outside the entry `key`.
    #[must_use]
    pub fn inside(self, key: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        Self { path: clipped(&format_args!("{key}{dot}{}", self.path)), reason: self.reason }
    }

    /// The same, seen from outside the list that it is in.
    #[must_use]
    pub fn inside_item(self, index: usize) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        Self { path: clipped(&format_args!("[{index}]{dot}{}", self.path)), reason: self.reason }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "the payload {}", self.reason),
            path => write!(f, "`{path}` {}", self.reason),
        }
    }
}

impl core::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::new("", reason)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new("", format_args!("is {found}, expected {expected}"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new("", format_args!("is {found}, expected {expected}"))
    }

    fn invalid_length(found: usize, expected: &dyn Expected) -> Self {
        let expected: String<64> = clipped(&format_args!("{expected}"));
        match expected.as_str() {
            // What a list of bounded length says of the first item that is one too many.
            "a sequence" => Self::new("", format_args!("has more than {} items", found.saturating_sub(1))),
            expected => Self::new("", format_args!("has a length of {found}, expected {expected}")),
        }
    }

    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        match nearest(found, expected.iter().copied()) {
            Some(near) => Self::new("", format_args!("is unknown: `{found}`; the nearest is `{near}`")),
            None => Self::new("", format_args!("is unknown: `{found}`")),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(field, "is missing")
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(field, "stands twice")
    }
}

/// As much of a text as there is room for, cut between characters.
pub(crate) fn clipped<const N: usize>(text: &dyn fmt::Display) -> String<N> {
    struct Clip<'a, const N: usize>(&'a mut String<N>);
    impl<const N: usize> Write for Clip<'_, N> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            for character in text.chars() {
                // A later piece must not follow a hole.
                self.0.push(character).map_err(|_| fmt::Error)?;
            }
            Ok(())
        }
    }
    let mut out = String::new();
    // It fails when it is full, and then it holds what there was room for.
    let _ = write!(Clip(&mut out), "{text}");
    out
}
