//! Lines for people: results on stdout, errors on stderr.

use std::{
    fmt,
    io::{Write, stderr, stdout},
};

/// Prints a line. A closed stdout is no reason to stop.
pub(crate) fn line(text: impl fmt::Display) {
    drop(writeln!(stdout(), "{text}"));
}

/// Prints a line beside the results.
pub(crate) fn aside(text: impl fmt::Display) {
    drop(writeln!(stderr(), "{text}"));
}

/// Prints an error with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    aside(format_args!("error: {error:#}"));
}
