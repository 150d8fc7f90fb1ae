//! What a hub answers as people read it: tables of some columns, fields below each other, times, amounts.
//!
//! A row is JSON and a column knows where in it to look, so a hub of tomorrow that says more breaks nothing. Not here: which columns (the verbs). Guards:
//! whatever a store calls itself, no sign of it steers the terminal.

use crate::output::{bytes, grouped, plain};
use serde_json::Value;

/// What stands where there is nothing.
const NOTHING: &str = "–";
/// The most characters of a text in a table.
const WORDS_CHARS_MAX: usize = 64;

/// What a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Text or a number, as it is.
    Text,
    /// Words of people, cut where they are long.
    Words,
    /// A number, to the right.
    Number,
    /// Days, to the right.
    Days,
    /// A number of bytes, to the right.
    Bytes,
    /// Milliseconds since 1970.
    When,
    /// Yes, or nothing.
    Yes,
    /// Keys and values: `region=eu, pilot`.
    Labels,
    /// Several texts.
    List,
    /// How many there are, to the right.
    Count,
    /// The beginning of a hash.
    Hash,
}

/// A column: its heading, where in a row it looks (the first place where something is counts), and how it shows that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column(pub(super) &'static str, pub(super) &'static [&'static str], pub(super) Shape);

impl Column {
    fn is_number(&self) -> bool {
        matches!(self.2, Shape::Number | Shape::Count | Shape::Bytes | Shape::Days)
    }

    /// What stands in it of a row.
    pub(super) fn cell(&self, row: &Value) -> String {
        let found = self.1.iter().find_map(|place| row.pointer(place).filter(|value| !value.is_null()));
        found.and_then(|value| shown(value, self.2)).unwrap_or_else(|| NOTHING.to_owned())
    }
}

fn shown(value: &Value, shape: Shape) -> Option<String> {
    let text = match shape {
        Shape::Text => text(value),
        Shape::Words => cut(&text(value), WORDS_CHARS_MAX),
        Shape::Number => value.as_u64().map_or_else(|| text(value), grouped),
        Shape::Days => format!("{:.1}", value.as_f64()?),
        Shape::Bytes => bytes(value.as_u64()?),
        Shape::When => return when(value.as_i64()?),
        Shape::Yes => if value.as_bool()? { "yes" } else { "" }.to_owned(),
        Shape::Labels => labels(value),
        Shape::List => list(value),
        Shape::Count => {
            value.as_array().map(|items| items.len() as u64).or_else(|| value.as_u64()).map(grouped)?
        }
        Shape::Hash => text(value).chars().take(12).collect(),
    };
    (!text.is_empty()).then_some(text)
}

/// A value in a line.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        // A hint behind what is said stands in the same line here.
        Value::String(text) => plain(&text.replace("\nhint: ", "; ")),
        Value::Array(_) => list(value),
        Value::Object(_) => labels(value),
        other => other.to_string(),
    }
}

fn list(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => text(other),
    }
}

fn labels(value: &Value) -> String {
    let Value::Object(labels) = value else { return list(value) };
    let one = |(key, value): (&String, &Value)| match text(value) {
        value if value.is_empty() => plain(key),
        value => format!("{}={value}", plain(key)),
    };
    labels.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn cut(text: &str, most: usize) -> String {
    let first = text.lines().next().unwrap_or_default();
    if first.chars().count() <= most {
        return first.to_owned();
    }
    let mut short: String = first.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// A time in UTC; nothing for one that never was.
pub(super) fn when(ms: i64) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(ms).ok().filter(|_| ms > 0)?;
    Some(at.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// Rows below headings.
pub(super) fn table(columns: &[Column], rows: &[Value]) -> Vec<String> {
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| columns.iter().map(|column| column.cell(row)).collect()).collect();
    let headings: Vec<String> = columns.iter().map(|column| column.0.to_owned()).collect();
    let width = |at: usize| {
        let of = |row: &Vec<String>| row.get(at).map_or(0, |cell| cell.chars().count());
        cells.iter().chain([&headings]).map(of).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line =
        |row: &Vec<String>| {
            let padded: Vec<String> =
                row.iter()
                    .zip(columns.iter().zip(&widths))
                    .map(|(cell, (column, &width))| {
                        if column.is_number() { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
                    })
                    .collect();
            format!("  {}", padded.join("  ").trim_end())
        };
    [&headings].into_iter().chain(&cells).map(line).collect()
}

/// Fields below each other, those left out of which nothing is known.
pub(super) fn fields(columns: &[Column], row: &Value) -> Vec<String> {
    let cells: Vec<(&str, String)> = columns
        .iter()
        .map(|column| (column.0, column.cell(row)))
        .filter(|(_, cell)| cell != NOTHING)
        .collect();
    let width = cells.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    cells.iter().map(|(name, cell)| format!("  {name:<width$}  {cell}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Column, Shape, fields, table};
    use serde_json::json;

    const COLUMNS: [Column; 5] = [
        Column("store", &["/store"], Shape::Text),
        Column("labels", &["/labels"], Shape::Labels),
        Column("nodes", &["/nodes"], Shape::Number),
        Column("last seen", &["/seen", "/last_seen_ms"], Shape::When),
        Column("why", &["/why"], Shape::Words),
    ];

    #[test]
    fn rows_stand_below_their_headings() {
        let rows = [
            json!({ "store": "berlin-12", "labels": { "pilot": "", "region": "eu" }, "nodes": 1200, "last_seen_ms": 1_795_305_600_000_i64, "why": "x" }),
            json!({ "store": "ulm", "nodes": 1, "last_seen_ms": 0, "why": "long ".repeat(40), "unknown": true }),
        ];
        let expected = [
            "  store      labels            nodes  last seen             why",
            "  berlin-12  pilot, region=eu  1 200  2026-11-22 00:00:00Z  x",
            "  ulm        –                     1  –                     long long long long long long long long long long long long lon…",
        ];
        assert_eq!(table(&COLUMNS, &rows), expected);
    }

    #[test]
    fn fields_stand_below_each_other_and_no_name_steers_the_terminal() {
        let row = json!({ "store": "a\u{1b}[2Jb", "nodes": 2 });
        assert_eq!(fields(&COLUMNS, &row), ["  store  a\\u{1b}[2Jb", "  nodes  2"]);
    }
}
