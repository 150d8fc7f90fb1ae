//! A filter that was checked, shared or not.

use super::{
    limits::{InvalidTopic, Limits},
    pattern, split,
};
use std::{fmt, sync::Arc};

const SHARE: &str = "$share/";

/// What a client subscribes to: a pattern, maybe with the name of the group that shares its messages. A clone is cheap.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Filter {
    text: Arc<str>,
    /// Where the pattern begins; 0 when the filter is not shared. The text decides it.
    pattern_at: usize,
}

impl Filter {
    /// Checks what a client sent. `$share/GROUP/PATTERN` is a shared subscription, in each version of the protocol.
    ///
    /// # Errors
    /// When the text is empty, holds U+0000, has a wildcard that is not a level of its own or a `#` that is not the last, is a
    /// malformed shared subscription, or is beyond the limits.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, InvalidTopic> {
        limits.check_bytes(text)?;
        if let Some(at) = text.find('\0') {
            return Err(InvalidTopic::Null { at });
        }
        let pattern = match text.strip_prefix(SHARE) {
            None => text,
            Some(shared) => match split(shared) {
                (group, Some(pattern)) if is_group(group) && !pattern.is_empty() => pattern,
                _ => return Err(InvalidTopic::Share),
            },
        };
        limits.check_levels(pattern)?;
        let pattern_at = text.len() - pattern.len();
        check_wildcards(pattern, pattern_at)?;
        Ok(Self { text: text.into(), pattern_at })
    }

    /// What the client sent.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The group, when the subscription is shared.
    #[must_use]
    pub fn share(&self) -> Option<&str> {
        let end = self.pattern_at.checked_sub(1)?;
        self.text.get(SHARE.len()..end)
    }

    /// What topics are matched with: all of the text, or what comes after the group.
    #[must_use]
    pub fn pattern(&self) -> &str {
        self.text.get(self.pattern_at..).unwrap_or_default()
    }

    /// The topic is one that the filter stands for.
    #[must_use]
    pub fn matches(&self, topic: &str) -> bool {
        pattern::matches(self.pattern(), topic)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_group(name: &str) -> bool {
    !name.is_empty() && !name.contains(['+', '#'])
}

fn check_wildcards(pattern: &str, pattern_at: usize) -> Result<(), InvalidTopic> {
    let mut at = pattern_at;
    let mut ended = false;
    for level in pattern.split('/') {
        if ended {
            return Err(InvalidTopic::AfterHash { at: at - 1 });
        }
        if level.len() > 1 && level.contains(['+', '#']) {
            return Err(InvalidTopic::WildcardInLevel { at });
        }
        ended = level == "#";
        at += level.len() + 1;
    }
    Ok(())
}
