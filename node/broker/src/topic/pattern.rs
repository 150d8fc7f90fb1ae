//! Patterns against topics and against each other.

use super::split;

/// The topic is one that the pattern stands for.
pub(super) fn matches(pattern: &str, topic: &str) -> bool {
    if topic.starts_with('$') && pattern.starts_with(['+', '#']) {
        return false;
    }
    let (mut pattern, mut topic) = (Some(pattern), Some(topic));
    loop {
        match (pattern.map(split), topic.map(split)) {
            (None, None) | (Some(("#", _)), _) => return true,
            (Some((wanted, pattern_rest)), Some((level, topic_rest))) if wanted == "+" || wanted == level => {
                (pattern, topic) = (pattern_rest, topic_rest);
            }
            _ => return false,
        }
    }
}

/// Every topic that `narrow` stands for is one that `wide` stands for. Exact for filters that are well formed; a topic counts
/// as the filter of itself, and a shared subscription by its pattern.
///
/// A rule about subscriptions asks this: a filter is allowed when it lies wholly inside what is.
#[must_use]
pub fn pattern_covers(wide: &str, narrow: &str) -> bool {
    let (wide, narrow) = (Shape::of(wide), Shape::of(narrow));
    let long_enough = narrow.len() == wide.len() || (wide.open && narrow.len() > wide.len());
    long_enough
        && (wide.open || !narrow.open)
        && wide.levels().zip(narrow.levels()).enumerate().all(|(depth, (wide, narrow))| {
            wide == narrow || (wide == "+" && (depth > 0 || !narrow.starts_with('$')))
        })
}

/// Some topic is one that both patterns stand for. Exact for filters that are well formed.
#[must_use]
pub fn patterns_overlap(a: &str, b: &str) -> bool {
    let (a, b) = (Shape::of(a), Shape::of(b));
    let meets = |depth: usize, wild: &str, other: &str| wild == "+" && (depth > 0 || !other.starts_with('$'));
    (a.open || a.len() >= b.len())
        && (b.open || b.len() >= a.len())
        && a.levels()
            .zip(b.levels())
            .enumerate()
            .all(|(depth, (a, b))| a == b || meets(depth, a, b) || meets(depth, b, a))
}

/// A pattern as the levels that a topic must have, and whether it may have more.
struct Shape<'a> {
    /// Without the last `#` and the `/` before it.
    text: &'a str,
    /// A `+` comes after the text.
    one_more: bool,
    /// Any levels may follow.
    open: bool,
}

impl<'a> Shape<'a> {
    /// A topic has a level at least, and is not empty: so `#` says what `+/#` does, and `/#` what `/+/#` does.
    fn of(pattern: &'a str) -> Self {
        match pattern.strip_suffix('#') {
            None => Self { text: pattern, one_more: false, open: false },
            Some("") => Self { text: "+", one_more: false, open: true },
            Some("/") => Self { text: "", one_more: true, open: true },
            Some(parent) => {
                Self { text: parent.strip_suffix('/').unwrap_or(parent), one_more: false, open: true }
            }
        }
    }

    fn levels(&self) -> impl Iterator<Item = &'a str> {
        self.text.split('/').chain(self.one_more.then_some("+"))
    }

    fn len(&self) -> usize {
        self.levels().count()
    }
}
