//! Steps of a longer command: named while they run, timed at the end, the failed one named in the error.

use crate::screen;
use anyhow::{Context, Result};
use std::{
    fmt::Write,
    time::{Duration, Instant},
};

/// The steps so far.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<(&'static str, Duration)>,
}

impl Steps {
    /// Runs a step.
    pub(crate) fn step(&mut self, name: &'static str, run: impl FnOnce() -> Result<()>) -> Result<()> {
        screen::aside(format_args!("── {name}"));
        let begun = Instant::now();
        let outcome = run();
        self.done.push((name, begun.elapsed()));
        outcome.with_context(|| format!("step `{name}` failed"))
    }

    /// How long each step took, as a table.
    pub(crate) fn table(&self) -> String {
        let whole: Duration = self.done.iter().map(|(_, elapsed)| *elapsed).sum();
        let mut table = String::new();
        for (name, elapsed) in self.done.iter().chain([&("all", whole)]) {
            // Writing to a `String` has no way to fail.
            let _ = writeln!(table, "{name:>16} {:8.1} s", elapsed.as_secs_f64());
        }
        table
    }
}
