//! What may be a topic at all, and how large it may be.

/// How large a topic or filter may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most levels, 32 by default. More than [`Limits::LEVELS_CEILING`] counts as that. In a shared subscription the levels of
    /// the pattern count.
    pub levels_max: usize,
    /// The most bytes, 1,024 by default. The protocol allows no more than 65,535.
    pub bytes_max: usize,
}

impl Limits {
    /// No setting allows more levels: the trees are walked by recursion, and a stack ends.
    pub const LEVELS_CEILING: usize = 256;

    pub(super) const fn check_bytes(&self, text: &str) -> Result<(), InvalidTopic> {
        if text.is_empty() {
            return Err(InvalidTopic::Empty);
        }
        if text.len() > self.bytes_max {
            return Err(InvalidTopic::TooLong { bytes: text.len(), bytes_max: self.bytes_max });
        }
        Ok(())
    }

    pub(super) fn check_levels(&self, pattern: &str) -> Result<(), InvalidTopic> {
        let levels_max = self.levels_max.min(Self::LEVELS_CEILING);
        let levels = pattern.bytes().filter(|byte| *byte == b'/').count() + 1;
        if levels > levels_max {
            return Err(InvalidTopic::TooDeep { levels, levels_max });
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { levels_max: 32, bytes_max: 1024 }
    }
}

/// Why a text is no topic or no filter. To be read after its name: "topic `a/+` has a wildcard …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTopic {
    /// There is no text.
    #[error("is empty")]
    Empty,
    /// There is too much of it.
    #[error("is {bytes} bytes long; at most {bytes_max} are allowed")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// It has too many levels.
    #[error("has {levels} levels; at most {levels_max} are allowed")]
    TooDeep {
        /// How many it has.
        levels: usize,
        /// How many it may have.
        levels_max: usize,
    },
    /// It holds U+0000.
    #[error("has U+0000 at byte {at}")]
    Null {
        /// Where, in bytes from the start.
        at: usize,
    },
    /// A message goes to one topic, not to a filter.
    #[error("has a wildcard at byte {at}; only a filter may")]
    WildcardInName {
        /// Where, in bytes from the start.
        at: usize,
    },
    /// A wildcard is a whole level.
    #[error("has a wildcard beside other text at byte {at}; it must be a level of its own")]
    WildcardInLevel {
        /// Where the level begins, in bytes from the start.
        at: usize,
    },
    /// `#` ends a filter.
    #[error("goes on after `#` at byte {at}")]
    AfterHash {
        /// Where, in bytes from the start.
        at: usize,
    },
    /// It begins with `$share/` and is not a group and a filter.
    #[error("is no shared subscription; write `$share/GROUP/FILTER`, with no `+`, `#` or `/` in GROUP")]
    Share,
}

/// Checks the topic of a message or a will.
///
/// # Errors
/// When it is empty, holds `+`, `#` or U+0000, or is beyond the limits.
pub fn check_name(topic: &str, limits: &Limits) -> Result<(), InvalidTopic> {
    limits.check_bytes(topic)?;
    limits.check_levels(topic)?;
    let wrong = |byte: u8| matches!(byte, b'+' | b'#' | 0);
    // Without an early end, so that it is done for many bytes at once: nearly all topics are right.
    if !topic.bytes().fold(false, |any, byte| any | wrong(byte)) {
        return Ok(());
    }
    match topic.bytes().enumerate().find(|(_, byte)| wrong(*byte)) {
        None => Ok(()),
        Some((at, 0)) => Err(InvalidTopic::Null { at }),
        Some((at, _)) => Err(InvalidTopic::WildcardInName { at }),
    }
}
