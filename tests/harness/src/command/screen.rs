//! Lines for people: what is printed once, and the one line that is written over.

use aisle_harness::shoppers::Counts;
use std::{
    fmt,
    io::{IsTerminal, Write, stderr, stdout},
    time::{Duration, Instant},
};

/// Without a terminal the live line becomes ordinary lines, no more often than this.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Prints a line. A closed stdout is no reason to stop.
pub(crate) fn line(text: impl fmt::Display) {
    drop(writeln!(stdout(), "{text}"));
}

/// Prints an error with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    drop(writeln!(stderr(), "error: {error:#}"));
}

/// A line that is written over while something goes on.
#[derive(Debug)]
pub(crate) struct Live {
    terminal: bool,
    written: Option<Instant>,
}

impl Live {
    pub(crate) fn new() -> Self {
        Self { terminal: stdout().is_terminal(), written: None }
    }

    /// Shows the newest state.
    pub(crate) fn show(&mut self, text: impl fmt::Display) {
        if self.terminal {
            let mut stdout = stdout();
            drop(write!(stdout, "\r\x1b[K{text}").and_then(|()| stdout.flush()));
        } else if self.written.is_none_or(|written| written.elapsed() >= PLAIN_EVERY) {
            line(text);
        } else {
            return;
        }
        self.written = Some(Instant::now());
    }

    /// Ends the line, so that what follows starts on its own.
    pub(crate) fn end(&mut self) {
        if self.terminal && self.written.take().is_some() {
            line("");
        }
    }
}

/// The state of a crowd in one line; the rate is that since `before`.
pub(crate) fn crowd(counts: &Counts, before: &Counts, elapsed: Duration) -> String {
    let rate = (counts.requests - before.requests) as f64 / elapsed.as_secs_f64().max(0.001);
    format!(
        "shoppers {} · requests {} ({rate:.0}/s, mean {:.1} ms) · recommendations {} shown, {} followed · baskets paid {} · refused {} · errors {}",
        counts.active,
        counts.requests,
        counts.request_us_mean as f64 / 1000.0,
        counts.shown,
        counts.followed,
        counts.sales,
        counts.refusals,
        counts.errors,
    )
}
