//! What is printed: the report on stdout; progress and errors on stderr.

use std::{fmt::Display, process::ExitCode};

/// A line of the result.
#[expect(clippy::print_stdout, reason = "the one place where a result is printed")]
pub(crate) fn line(text: &impl Display) {
    println!("{text}");
}

/// Says what is being done; a benchmark takes minutes.
#[expect(clippy::print_stderr, reason = "the one place where progress is told")]
pub(crate) fn progress(text: &impl Display) {
    eprintln!("… {text}");
}

/// How the program ends, with the reason when it failed.
#[expect(clippy::print_stderr, reason = "the one place where a failure is told")]
pub(crate) fn ended(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
