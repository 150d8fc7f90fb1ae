//! The one place that writes to the terminal: answers to standard output, what went wrong to standard error.

use serde::Serialize;
use std::io::{self, Write};

/// Writes a line of text.
pub(crate) fn line(text: impl AsRef<str>) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", text.as_ref())
}

/// Writes a line that is no answer beside the answers: to standard error.
pub(crate) fn aside(text: impl AsRef<str>) {
    // Standard error is closed: there is nobody to tell.
    drop(writeln!(io::stderr().lock(), "{}", text.as_ref()));
}

/// Writes rows below their headings, each column as wide as it has to be. The first columns are text, the last `numbers` are set
/// to the right.
pub(crate) fn table<const N: usize>(
    headings: [&str; N],
    numbers: usize,
    rows: &[[String; N]],
) -> io::Result<()> {
    let mut widths = headings.map(|heading| heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let row = |cells: [&str; N]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(widths)
            .enumerate()
            .map(
                |(place, (cell, width))| {
                    if place + numbers < N { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
                },
            )
            .collect();
        line(format!("  {}", padded.join("  ").trim_end()))
    };
    row(headings)?;
    rows.iter().try_for_each(|cells| row(cells.each_ref().map(String::as_str)))
}

/// A number with its thousands set apart: `1 234 567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// Microseconds as people say them.
pub(crate) fn micros(micros: u64) -> String {
    match micros {
        0..10_000 => format!("{micros} µs"),
        10_000..10_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{:.1} s", micros as f64 / 1e6),
    }
}

/// A number of bytes as people say it.
pub(crate) fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_240 => format!("{bytes} B"),
        10_240..10_485_760 => format!("{:.0} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
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

#[cfg(test)]
mod tests {
    use super::{bytes, grouped, micros, plain};

    #[test]
    fn numbers_are_set_apart_in_threes() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1 000");
        assert_eq!(grouped(20_000_000), "20 000 000");
    }

    #[test]
    fn amounts_keep_a_length_that_can_be_read() {
        assert_eq!([micros(25), micros(25_000), micros(12_000_000)], ["25 µs", "25.0 ms", "12.0 s"]);
        assert_eq!([bytes(512), bytes(65_536), bytes(67_108_864)], ["512 B", "64 KiB", "64.0 MiB"]);
    }

    #[test]
    fn what_could_steer_a_terminal_is_escaped() {
        assert_eq!(plain("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
    }
}
