//! Selectors: a line of text that says which nodes are meant.
//!
//! ```text
//! region=eu, size in (s,m), !pilot, version<1.4       all of them must hold
//! *                                                   every node
//! ```
//!
//! | term | holds when |
//! | --- | --- |
//! | `key` | the node has the label |
//! | `!key` | it has not |
//! | `key=value`, `key==value` | it has this value |
//! | `key!=value` | it has another, or no such label |
//! | `key in (a,b)` | it has one of these values |
//! | `key notin (a,b)` | it has none of them, or no such label |
//! | `key<1.4`, `<=`, `>`, `>=` | its value is a version, and earlier (or later) than this one |
//!
//! Beside labels the keys `store`, `serial` and `version` are there ([`crate::node::FACTS`]). A value with other characters than a label may
//! have stands in double quotes. Nothing at all is refused: to mean every node, one says so.
//!
//! Not here: how ten thousand nodes are searched ([`crate::desired::Index`]). Guards: what is read is bounded, and what is shown is
//! read as the same.

mod error;
mod parse;

pub use error::{Problem, SelectorError};

use crate::{node::Member, text::text_form, version::Version};
use compact_str::CompactString;
use std::{borrow::Cow, cmp::Ordering, fmt, str::FromStr};

/// The longest selector, in bytes.
pub const SELECTOR_BYTES_MAX: usize = 1024;
/// The most terms.
pub const TERMS_MAX: usize = 32;
/// The most values in the brackets of a selector, all together.
pub const VALUES_MAX: usize = 256;

/// Which nodes are meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selector {
    /// All must hold; none is every node.
    terms: Vec<Term>,
}

/// How two versions compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Than {
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Test {
    Exists,
    Missing,
    Is(CompactString),
    IsNot(CompactString),
    In(Vec<CompactString>),
    NotIn(Vec<CompactString>),
    Version(Than, Version),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Term {
    pub(crate) key: CompactString,
    pub(crate) test: Test,
}

impl Selector {
    /// Every node.
    #[must_use]
    pub const fn every() -> Self {
        Self { terms: Vec::new() }
    }

    /// Reads a selector.
    ///
    /// # Errors
    /// Names the character where it goes wrong, and what may have been meant.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        parse::read(text, None)
    }

    /// Reads a selector whose keys must be among these, or facts: what a person types is then told from what they meant.
    ///
    /// # Errors
    /// As [`Selector::parse`], and for a key that nobody has.
    pub fn parse_known<'a>(
        text: &str,
        keys: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, SelectorError> {
        let keys: Vec<&str> = keys.into_iter().chain(crate::node::FACTS).collect();
        parse::read(text, Some(&keys))
    }

    /// True when this node is meant.
    #[must_use]
    pub fn matches(&self, member: &Member) -> bool {
        self.holds(|key| member.value(key))
    }

    /// True when this holds of anything that has values under keys.
    pub fn holds<'v>(&self, value: impl Fn(&str) -> Option<Cow<'v, str>>) -> bool {
        self.terms.iter().all(|term| term.holds(value(&term.key).as_deref()))
    }

    /// True when it means every node, whatever it is.
    #[must_use]
    pub const fn is_every(&self) -> bool {
        self.terms.is_empty()
    }

    pub(crate) fn terms(&self) -> &[Term] {
        &self.terms
    }
}

impl Term {
    fn holds(&self, value: Option<&str>) -> bool {
        match &self.test {
            Test::Exists => value.is_some(),
            Test::Missing => value.is_none(),
            Test::Is(wanted) => value == Some(wanted),
            Test::IsNot(unwanted) => value != Some(unwanted),
            Test::In(wanted) => value.is_some_and(|value| wanted.iter().any(|one| one == value)),
            Test::NotIn(unwanted) => value.is_none_or(|value| unwanted.iter().all(|one| one != value)),
            Test::Version(than, version) => value
                .and_then(|value| value.parse::<Version>().ok())
                .is_some_and(|value| than.holds(value.rank(version))),
        }
    }
}

impl Than {
    const fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::More => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }
}

/// A value as it is written: in quotes where it needs them.
struct Written<'a>(&'a str);

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() || !self.0.chars().all(parse::is_word) {
            write!(f, "\"{}\"", self.0)
        } else {
            f.write_str(self.0)
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        let list = |f: &mut fmt::Formatter<'_>, word: &str, values: &[CompactString]| {
            write!(f, "{key} {word} (")?;
            for (place, value) in values.iter().enumerate() {
                write!(f, "{}{}", if place == 0 { "" } else { "," }, Written(value))?;
            }
            f.write_str(")")
        };
        match &self.test {
            Test::Exists => f.write_str(key),
            Test::Missing => write!(f, "!{key}"),
            Test::Is(value) => write!(f, "{key}={}", Written(value)),
            Test::IsNot(value) => write!(f, "{key}!={}", Written(value)),
            Test::In(values) => list(f, "in", values),
            Test::NotIn(values) => list(f, "notin", values),
            Test::Version(than, version) => write!(f, "{key}{}{version}", than.as_str()),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.terms.is_empty() {
            return f.write_str("*");
        }
        for (place, term) in self.terms.iter().enumerate() {
            write!(f, "{}{term}", if place == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        Self::parse(text)
    }
}

text_form!(Selector);
