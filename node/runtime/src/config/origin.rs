//! Who says what: of each key that is not left at its default, where its value comes from.
//!
//! Not here: reading (`load`), what headquarters may say (`overlay`).

use super::load::HEADQUARTERS;
use figment::{Figment, Source};
use serde_json::Value;
use std::fmt;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It is built in.
    Default,
    /// Headquarters has set it.
    Headquarters,
    /// The store says it itself: in a file, or in the environment.
    Store(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Headquarters => f.write_str("headquarters"),
            Self::Store(place) => f.write_str(place),
        }
    }
}

/// Where the value of a key comes from.
pub(crate) fn of(figment: &Figment, key: &str) -> Origin {
    let Some(metadata) = figment.find_metadata(key) else { return Origin::Default };
    match &metadata.source {
        Some(Source::File(path)) => Origin::Store(path.display().to_string()),
        _ if metadata.name == HEADQUARTERS => Origin::Headquarters,
        _ if metadata.name.contains("environment") => Origin::Store("the environment".into()),
        _ => Origin::Default,
    }
}

/// Every key that somebody says something of, with its value and who says it.
pub(crate) fn all(figment: &Figment, raw: &Value) -> Vec<(String, Value, Origin)> {
    let mut found = Vec::new();
    walk(figment, raw, &mut String::new(), &mut found);
    found
}

fn walk(figment: &Figment, value: &Value, path: &mut String, found: &mut Vec<(String, Value, Origin)>) {
    let Value::Object(fields) = value else {
        let origin = of(figment, path);
        if origin != Origin::Default {
            found.push((path.clone(), value.clone(), origin));
        }
        return;
    };
    for (key, value) in fields {
        let before = path.len();
        if before > 0 {
            path.push('.');
        }
        path.push_str(key);
        walk(figment, value, path, found);
        path.truncate(before);
    }
}
