//! Markdown: tables, and figures as people read them.

use std::{
    fmt::{self, Display},
    time::Duration,
};

/// A table. The first column is left-aligned, the others are figures.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(ToString::to_string).collect(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl Into<Vec<String>>) {
        self.rows.push(cells.into());
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| {} |", self.columns.join(" | "))?;
        writeln!(f, "| --- |{}", " ---: |".repeat(self.columns.len().saturating_sub(1)))?;
        for row in &self.rows {
            writeln!(f, "| {} |", row.join(" | "))?;
        }
        Ok(())
    }
}

/// Whether a bar is met, in a word.
pub(crate) fn met(bar: bool) -> String {
    if bar { "yes" } else { "**no**" }.into()
}

/// `0.93 ×`.
pub(crate) fn ratio(value: f64) -> String {
    let digits = if value >= 10.0 { 0 } else { 2 };
    format!("{value:.digits$} ×")
}

/// A count with its thousands apart.
pub(crate) fn count(value: f64) -> String {
    let digits = format!("{value:.0}");
    let apart: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|chunk| std::str::from_utf8(chunk).ok()).collect();
    apart.join(",")
}

/// A time with three significant figures.
pub(crate) fn time(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s >= 1.0 => (s, "s"),
        s if s >= 1e-3 => (s * 1e3, "ms"),
        s if s >= 1e-6 => (s * 1e6, "µs"),
        s => (s * 1e9, "ns"),
    };
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.digits$} {unit}")
}

/// The same of a duration.
pub(crate) fn duration(duration: Duration) -> String {
    time(duration.as_secs_f64())
}

/// Mebibytes.
pub(crate) fn mib(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        assert_eq!([count(7.0), count(1234.4), count(1_234_567.0)], ["7", "1,234", "1,234,567"]);
        assert_eq!(
            [time(2.5), time(0.0123), time(321e-6), time(42e-9)],
            ["2.50 s", "12.3 ms", "321 µs", "42.0 ns"]
        );
        assert_eq!([ratio(0.934), ratio(12.3)], ["0.93 ×", "12 ×"]);
        assert_eq!(mib(1_572_864.0), "1.5 MiB");
    }

    #[test]
    fn a_table_is_markdown() {
        let mut table = Table::new(&["what", "figure"]);
        table.row(["a".into(), "1".into()]);
        assert_eq!(table.to_string(), "| what | figure |\n| --- | ---: |\n| a | 1 |\n");
    }
}
