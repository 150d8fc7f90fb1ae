//! Versions: numbers with dots between them, then what semver allows behind them.
//!
//! They order as Semantic Versioning 2.0.0 says (section 11), and other than there one to six numbers are allowed, for catalogues and
//! prices are numbered by days: `1.4`, `1.4.0-rc.2`, `2026.11.21.3`. Numbers that are missing are zero.

use crate::text::{shown, text_form};
use compact_str::CompactString;
use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

/// The longest version, in bytes: what a manifest of contents allows.
pub const VERSION_BYTES_MAX: usize = 64;
/// The most numbers.
const NUMBERS_MAX: usize = 6;

/// A version. Two of them are equal when their texts are; [`Version::rank`] is what minimums and selectors go by.
#[derive(Clone)]
pub struct Version {
    text: CompactString,
    numbers: [u64; NUMBERS_MAX],
}

/// Why a text is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no version: write numbers with dots, such as `1.4.0`, `1.4.0-rc.1` or `2026.11.21.3`")]
pub struct InvalidVersion {
    /// The text, cut where it is too long.
    pub text: String,
}

impl Version {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Which of two is the later one: `1.4` and `1.4.0` are the same, and so are versions that differ behind a `+`.
    #[must_use]
    pub fn rank(&self, other: &Self) -> Ordering {
        let by_number = self.numbers.cmp(&other.numbers);
        by_number.then_with(|| match (self.pre_release(), other.pre_release()) {
            (None, None) => Ordering::Equal,
            // What comes before a release is earlier than it.
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.split('.').map(Identifier).cmp(b.split('.').map(Identifier)),
        })
    }

    /// True when it is earlier than a minimum.
    #[must_use]
    pub fn is_below(&self, minimum: &Self) -> bool {
        self.rank(minimum).is_lt()
    }

    fn pre_release(&self) -> Option<&str> {
        let release = self.text.split_once('+').map_or(self.as_str(), |(release, _)| release);
        release.split_once('-').map(|(_, pre)| pre)
    }
}

/// One part of a pre-release: numbers order as numbers, and before words.
#[derive(PartialEq, Eq)]
struct Identifier<'a>(&'a str);

impl Ord for Identifier<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (self.0, other.0);
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        match (is_number(a), is_number(b)) {
            (true, true) => {
                let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
                a.len().cmp(&b.len()).then_with(|| a.cmp(b))
            }
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => a.cmp(b),
        }
    }
}

impl PartialOrd for Identifier<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn identifiers(text: &str) -> bool {
    let is_good = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.split('.').all(is_good)
}

fn numbers(text: &str) -> Option<[u64; NUMBERS_MAX]> {
    let mut numbers = [0; NUMBERS_MAX];
    let mut places = numbers.iter_mut();
    for part in text.split('.') {
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *places.next()? = part.parse().ok()?;
    }
    Some(numbers)
}

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let invalid = || InvalidVersion { text: shown(text, VERSION_BYTES_MAX) };
        if text.len() > VERSION_BYTES_MAX {
            return Err(invalid());
        }
        let (release, build) =
            text.split_once('+').map_or((text, None), |(release, build)| (release, Some(build)));
        let (digits, pre) =
            release.split_once('-').map_or((release, None), |(digits, pre)| (digits, Some(pre)));
        let numbers = numbers(digits).ok_or_else(invalid)?;
        if [pre, build].into_iter().flatten().all(identifiers) {
            Ok(Self { text: CompactString::new(text), numbers })
        } else {
            Err(invalid())
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({})", self.text)
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Version {}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank(other).then_with(|| self.text.cmp(&other.text))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

text_form!(Version);
