//! Why a selector was refused: the place, the cause, the next step.

use crate::text::hint;

/// Why a selector was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {problem}")]
pub struct SelectorError {
    /// The character where it goes wrong, from 1.
    pub at: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each message says what its fields are")]
pub enum Problem {
    #[error("it says nothing\nhint: `*` means every node")]
    Empty,
    #[error("it has {bytes} bytes, at most {bytes_max} may be")]
    TooLong { bytes: usize, bytes_max: usize },
    #[error("it has more than {max} {what}")]
    TooMany { what: &'static str, max: usize },
    #[error("{found} stands where {expected} should{}", hint(nearest.as_deref()))]
    Unexpected { found: String, expected: &'static str, nearest: Option<String> },
    #[error("`{key}` is no key of a label\nhint: a key is a name such as `region`, or `example.com/region`")]
    Key { key: String },
    #[error("no node has a label `{key}`{}", hint(nearest.as_deref()))]
    UnknownKey { key: String, nearest: Option<String> },
    #[error("`{value}` is no version to compare with\nhint: write numbers with dots, such as `1.4`")]
    Version { value: String },
    #[error("the quotation mark is not closed")]
    Quote,
    #[error("a value has no quotation mark and no control character in it")]
    Character,
}
