//! The one place that writes to the terminal: answers to standard output, what went wrong to standard error.

use serde::Serialize;
use std::io::{self, Write};

/// Writes a line of text.
pub(crate) fn line(text: impl AsRef<str>) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", text.as_ref())
}

/// Writes a value as one line of JSON.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)
}

/// Text from elsewhere as one line of a terminal: what could steer the terminal is shown escaped.
pub(crate) fn plain(text: &str) -> String {
    let escaped = |character: char| match character {
        _ if character.is_control() => character.escape_default().collect(),
        _ => String::from(character),
    };
    text.chars().map(escaped).collect()
}

/// Says what went wrong: the chain of causes on one line, hints on lines of their own.
pub(crate) fn complain(error: &anyhow::Error) {
    let mut hints = Vec::new();
    let causes: Vec<String> = error
        .chain()
        .map(|cause| {
            let text = cause.to_string();
            match text.split_once("\nhint: ") {
                Some((message, hint)) => {
                    hints.push(hint.to_owned());
                    message.to_owned()
                }
                None => text,
            }
        })
        .collect();
    let mut err = io::stderr().lock();
    let written = writeln!(err, "error: {}", causes.join(": "))
        .and_then(|()| hints.iter().try_for_each(|hint| writeln!(err, "hint: {hint}")));
    // Standard error is closed: there is nobody to tell.
    drop(written);
}

/// Whether the reader of our output has gone.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
