//! What would be another: lines with a sign, in colour where a person looks on.
//!
//! A document is taken apart into paths and values, so that a changed version is one line, and not a page. Not here: where the two sides come from ([`super::apply`]).

use super::view;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    env,
    io::{self, IsTerminal},
};

/// The most lines of one document; what is behind is counted.
const LINES_MAX: usize = 200;

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// It is there now, and would not be.
    Gone,
    /// It is not, and would be.
    New,
}

/// The lines that differ, by their paths.
pub(super) fn lines(before: &Value, after: &Value) -> Vec<(Sign, String)> {
    let (before, after) = (flat(before), flat(after));
    let mut paths: Vec<&String> = before.keys().chain(after.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    let mut lines = Vec::new();
    for path in paths {
        let (was, would_be) = (before.get(path), after.get(path));
        if was == would_be {
            continue;
        }
        let line = |value: &String| format!("{path}: {value}");
        lines.extend(was.map(|value| (Sign::Gone, line(value))));
        lines.extend(would_be.map(|value| (Sign::New, line(value))));
    }
    let left = lines.len().saturating_sub(LINES_MAX);
    lines.truncate(LINES_MAX);
    if left > 0 {
        lines.push((Sign::New, format!("and {left} lines more")));
    }
    lines
}

fn flat(value: &Value) -> BTreeMap<String, String> {
    let mut flat = BTreeMap::new();
    // Taken apart without recursion: who answers decides how deep it is.
    let mut left = vec![(String::new(), value)];
    while let Some((path, value)) = left.pop() {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                let dot = if path.is_empty() { "" } else { "." };
                left.extend(
                    fields
                        .iter()
                        .map(|(name, value)| (format!("{path}{dot}{}", crate::output::plain(name)), value)),
                );
            }
            Value::Array(items) if !items.is_empty() => {
                left.extend(
                    items.iter().enumerate().map(|(place, value)| (format!("{path}[{place}]"), value)),
                );
            }
            Value::Null => {}
            value => {
                flat.insert(path, view::text(value));
            }
        }
    }
    flat
}

/// Whether colours are seen by a person who wants them (<https://no-color.org>).
pub(super) fn is_coloured() -> bool {
    io::stdout().is_terminal()
        && env::var_os("NO_COLOR").is_none_or(|no| no.is_empty())
        && env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// A line as it is written.
pub(super) fn written(sign: Sign, line: &str, coloured: bool) -> String {
    let (mark, colour) = match sign {
        Sign::Gone => ('-', "31"),
        Sign::New => ('+', "32"),
    };
    if coloured { format!("\u{1b}[{colour}m  {mark} {line}\u{1b}[0m") } else { format!("  {mark} {line}") }
}

#[cfg(test)]
mod tests {
    use super::{Sign, lines, written};
    use serde_json::{Value, json};

    #[test]
    fn a_changed_version_is_one_line_there_and_one_gone() {
        let before = json!({ "who": "pilot", "set": { "plugin/a": { "version": "1.3.0" } }, "waves": [{ "name": "canary" }] });
        let after = json!({ "who": "pilot", "set": { "plugin/a": { "version": "1.4.0" } }, "waves": [{ "name": "canary" }, { "name": "all" }] });
        let expected = [
            (Sign::Gone, "set.plugin/a.version: 1.3.0".to_owned()),
            (Sign::New, "set.plugin/a.version: 1.4.0".to_owned()),
            (Sign::New, "waves[1].name: all".to_owned()),
        ];
        assert_eq!(lines(&before, &after), expected);
        assert!(lines(&before, &before).is_empty());
        assert_eq!(lines(&Value::Null, &json!({ "a": 1 })), [(Sign::New, "a: 1".to_owned())]);
    }

    #[test]
    fn colour_is_for_people_only() {
        assert_eq!(written(Sign::New, "a: 1", false), "  + a: 1");
        assert_eq!(written(Sign::Gone, "a: 1", true), "\u{1b}[31m  - a: 1\u{1b}[0m");
    }
}
