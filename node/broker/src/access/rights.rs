//! What a client may publish to and subscribe to.
//!
//! Patterns are topic filters in which `%device%` and `%store%` stand for the text of one whole level. They are filled in
//! once, when a device is read from its file.
//!
//! Guards the rule that a name cannot widen a right: what is put in for a variable is one level, without wildcards.

use crate::topic::{Filter, Limits, pattern_covers};
use std::{fmt, sync::Arc};

/// What a device may publish to and subscribe to when nothing else is said: all that lies below its own topic.
pub const OWN_TOPICS: &str = "aisle/v1/%store%/%device%/#";

/// What a client may do. Clones share the patterns.
#[derive(Clone, PartialEq, Eq)]
pub struct Rights(Arc<Patterns>);

#[derive(Debug, PartialEq, Eq)]
enum Patterns {
    All,
    Some { publish: Box<[Box<str>]>, subscribe: Box<[Box<str>]> },
}

impl Rights {
    /// Every topic, those that begin with `$` too.
    pub fn all() -> Self {
        Self(Arc::new(Patterns::All))
    }

    /// No topic.
    pub fn none() -> Self {
        Self(Arc::new(Patterns::Some { publish: Box::default(), subscribe: Box::default() }))
    }

    /// Fills in the variables and checks every pattern.
    pub fn new(
        publish: &[String],
        subscribe: &[String],
        device: &str,
        store: &str,
    ) -> Result<Self, RightsError> {
        for (variable, value) in [("%device%", device), ("%store%", store)] {
            check_level(value).map_err(|reason| RightsError::Value {
                variable,
                value: value.to_owned(),
                reason,
            })?;
        }
        let compile = |list: &'static str, patterns: &[String]| {
            patterns
                .iter()
                .enumerate()
                .map(|(index, pattern)| {
                    fill_in(pattern, device, store).map_err(|reason| RightsError::Pattern {
                        list,
                        index,
                        pattern: pattern.clone(),
                        reason,
                    })
                })
                .collect::<Result<Box<[_]>, _>>()
        };
        Ok(Self(Arc::new(Patterns::Some {
            publish: compile("publish", publish)?,
            subscribe: compile("subscribe", subscribe)?,
        })))
    }

    /// Whether a message may be published to this topic.
    pub fn may_publish(&self, topic: &str) -> bool {
        match &*self.0 {
            Patterns::All => true,
            Patterns::Some { publish, .. } => publish.iter().any(|wide| pattern_covers(wide, topic)),
        }
    }

    /// Whether every topic that this filter (without `$share/group/`) matches may be read. A filter that reaches beyond the
    /// patterns in part is refused as a whole.
    pub fn may_subscribe(&self, filter: &str) -> bool {
        match &*self.0 {
            Patterns::All => true,
            Patterns::Some { subscribe, .. } => subscribe.iter().any(|wide| pattern_covers(wide, filter)),
        }
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Why rights cannot be granted as they are written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RightsError {
    /// A name that is no level of a topic.
    #[error("`{value}` cannot stand for `{variable}`: {reason}")]
    Value {
        /// The variable.
        variable: &'static str,
        /// What was to be put in.
        value: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A pattern that is no topic filter.
    #[error("`{list}[{index}]` is `{pattern}`: {reason}")]
    Pattern {
        /// `publish` or `subscribe`.
        list: &'static str,
        /// Where in the list, from 0.
        index: usize,
        /// The pattern as it is written.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
}

fn fill_in(pattern: &str, device: &str, store: &str) -> Result<Box<str>, String> {
    let mut filled = String::with_capacity(pattern.len() + device.len() + store.len());
    for (index, level) in pattern.split('/').enumerate() {
        if index > 0 {
            filled.push('/');
        }
        match level {
            "%device%" => filled.push_str(device),
            "%store%" => filled.push_str(store),
            level if level.contains("%device%") || level.contains("%store%") => {
                return Err(format!("a variable must be a whole level, not a part of one as in `{level}`"));
            }
            level if level.len() > 2 && level.starts_with('%') && level.ends_with('%') => {
                return Err(format!("there is no variable `{level}`, only `%device%` and `%store%`"));
            }
            level => filled.push_str(level),
        }
    }
    if filled.starts_with("$share/") {
        return Err("rights are given to the topics of a shared subscription, without `$share/group/`".into());
    }
    match Filter::parse(&filled, &Limits::default()) {
        Ok(_) => Ok(filled.into()),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether the text can be one level of a topic and no more.
pub(crate) fn check_level(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        Err("it is empty")
    } else if text.contains(['/', '+', '#', '%']) {
        Err("it has `/`, `+`, `#` or `%` in it")
    } else if text.chars().any(|character| character.is_control() || character == '\u{feff}') {
        Err("it has a control character in it")
    } else if text.starts_with('$') {
        Err("it begins with `$`")
    } else {
        Ok(())
    }
}
