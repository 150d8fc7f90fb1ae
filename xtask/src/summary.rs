//! The test runner's own count, read from the line it prints.

use std::fmt;

/// How many tests passed, failed and were skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Summary {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Summary {
    /// The word that the line begins with.
    pub(crate) const WORD: &'static str = "Summary [";

    /// Reads nextest's line, such as
    /// `Summary [ 7.1s] 9 tests run: 8 passed (1 slow), 1 failed, 2 skipped`; `None` when it is no such line.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (_, counts) = line.split_once("run:")?;
        let mut summary = Self::default();
        for part in without_brackets(counts).split(',') {
            let (number, what) = part.trim().split_once(' ')?;
            let number: u64 = number.parse().ok()?;
            match what.trim() {
                "passed" => summary.passed += number,
                "skipped" => summary.skipped += number,
                "failed" | "timed out" | "exec failed" => summary.failed += number,
                _ => return None,
            }
        }
        Some(summary)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

fn without_brackets(text: &str) -> String {
    let mut depth = 0_u32;
    text.chars()
        .filter(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => return depth == 0,
            }
            false
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Summary;

    #[test]
    fn the_runners_line_is_read_as_it_stands() {
        let read = |line| Summary::parse(line).map(|summary| summary.to_string());
        assert_eq!(
            read("     Summary [   7.098s] 9 tests run: 9 passed, 0 skipped").as_deref(),
            Some("9 passed, 0 failed, 0 skipped")
        );
        assert_eq!(
            read("Summary [ 1s] 12/20 tests run: 8 passed (1 slow, 1 flaky), 2 failed, 1 timed out, 1 exec failed, 3 skipped")
                .as_deref(),
            Some("8 passed, 4 failed, 3 skipped")
        );
        assert_eq!(read("Summary of something else"), None);
        assert_eq!(read("Summary [ 1s] 1 test run: 1 astonished"), None);
    }
}
