//! What every verb does with an answer: show it as a table or as JSON, page by page, and say what comes next.

use super::{
    ask::Ask,
    error::FleetError,
    hub::{Answer, Hub},
    view::{self, Column, Shape},
};
use crate::{Ended, output};
use anyhow::Result;
use serde_json::{Value, json};

/// The most rows of one page, as hubs have it.
const PAGE_ROWS_MAX: u32 = 1_000;
/// The most rows that `--all` fetches.
const ALL_ROWS_MAX: usize = 100_000;

/// How much of a list.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Paging {
    /// The most rows
    #[arg(long, value_name = "ROWS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// All rows, up to 100,000
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Go on behind a page: its `next`
    #[arg(long, value_name = "NEXT")]
    after: Option<String>,
}

impl Paging {
    /// All there is.
    pub(super) const fn whole() -> Self {
        Self { limit: PAGE_ROWS_MAX, all: true, after: None }
    }

    /// So many at most.
    pub(super) const fn most(limit: u32) -> Self {
        Self { limit, all: false, after: None }
    }
}

/// A hub, and how to show what it says.
pub(super) struct Desk {
    pub(super) hub: Hub,
    pub(super) json: bool,
}

/// Rows, and where they go on.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) items: Vec<Value>,
    pub(super) next: Option<String>,
}

impl Desk {
    /// Asks for something.
    pub(super) fn get(&self, path: impl Into<String>) -> Result<Value, FleetError> {
        Ok(self.hub.ask(&Ask::get(path))?.body)
    }

    /// The same, where it may not be there.
    pub(super) fn find(&self, path: impl Into<String>) -> Result<Option<Value>, FleetError> {
        match self.get(path) {
            Ok(found) => Ok(Some(found)),
            Err(FleetError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The rows of a list, over as many pages as are wanted.
    pub(super) fn rows(&self, ask: &Ask, paging: &Paging) -> Result<Rows, FleetError> {
        let most = if paging.all { ALL_ROWS_MAX } else { paging.limit as usize };
        let mut rows = Rows { items: Vec::new(), next: paging.after.clone() };
        loop {
            let missing = u32::try_from(most.saturating_sub(rows.items.len())).unwrap_or(PAGE_ROWS_MAX);
            let page =
                ask.clone().with("after", rows.next.as_ref()).with("limit", Some(missing.min(PAGE_ROWS_MAX)));
            let mut body = self.hub.ask(&page)?.body;
            let next = body.get("next").and_then(Value::as_str).map(str::to_owned);
            match body.get_mut("items").map(Value::take) {
                Some(Value::Array(items)) => rows.items.extend(items),
                _ => {
                    let hub = self.hub.origin().to_owned();
                    return Err(FleetError::Strange { hub, why: format!("`{}` is no list", ask.path) });
                }
            }
            // A hub that leads in a circle is not followed.
            let is_circle = next.is_some() && next == rows.next;
            rows.next = next;
            if is_circle || rows.next.is_none() || rows.items.len() >= most {
                return Ok(rows);
            }
        }
    }

    /// Shows a list.
    pub(super) fn list(&self, ask: &Ask, paging: &Paging, columns: &[Column], none: &str) -> Result<Ended> {
        let rows = self.rows(ask, paging)?;
        self.show_rows(rows, columns, none)
    }

    /// Shows a list that has an end by itself, such as the sessions of a person, of which there are sixteen at most: hubs give it whole.
    pub(super) fn list_whole(&self, ask: &Ask, columns: &[Column], none: &str) -> Result<Ended> {
        let mut body = self.hub.ask(ask)?.body;
        let items = match body.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        self.show_rows(Rows { items, next: None }, columns, none)
    }

    fn show_rows(&self, Rows { items, next }: Rows, columns: &[Column], none: &str) -> Result<Ended> {
        if self.json {
            output::json(&json!({ "items": items, "next": next }))?;
            return Ok(Ended::Well);
        }
        if items.is_empty() {
            output::line(none)?;
        } else {
            lines(view::table(columns, &items))?;
        }
        if let Some(next) = next {
            output::aside(format!("there is more: `--after {}`, or `--all`", output::plain(&next)));
        }
        Ok(Ended::Well)
    }

    /// Shows an answer: as it came for programs, in words for people; and says so where another person has to agree first.
    pub(super) fn show(&self, answer: &Answer, words: impl FnOnce(&Value) -> Vec<String>) -> Result<Ended> {
        let ended = if answer.waits() { Ended::Waits } else { Ended::Well };
        if self.json {
            output::json(&answer.body)?;
        } else if answer.waits() {
            lines(waiting(&answer.body))?;
        } else {
            lines(words(&answer.body))?;
        }
        Ok(ended)
    }

    /// Asks, and shows the answer.
    pub(super) fn done(&self, ask: &Ask, words: impl FnOnce(&Value) -> Vec<String>) -> Result<Ended> {
        self.show(&self.hub.ask(ask)?, words)
    }
}

/// Columns of a request that waits for another person.
pub(super) const APPROVAL: [Column; 9] = [
    Column("approval", &["/approval"], Shape::Text),
    Column("kind", &["/kind"], Shape::Text),
    Column("what", &["/summary"], Shape::Text),
    Column("state", &["/state"], Shape::Text),
    Column("asked by", &["/asked_name", "/asked_by"], Shape::Text),
    Column("asked at", &["/asked_at_ms"], Shape::When),
    Column("over at", &["/ends_at_ms"], Shape::When),
    Column("decided by", &["/decided_name"], Shape::Text),
    Column("hash", &["/hash"], Shape::Text),
];

fn waiting(approval: &Value) -> Vec<String> {
    let id = approval.get("approval").map(view::text).unwrap_or_default();
    let mut said = vec!["nothing is done yet: another person has to agree".to_owned()];
    said.extend(view::fields(&APPROVAL, approval));
    said.push(format!("they see it with `aisle fleet approvals show {id}`"));
    said
}

/// Writes lines.
pub(super) fn lines(lines: impl IntoIterator<Item = String>) -> Result<()> {
    lines.into_iter().try_for_each(output::line).map_err(Into::into)
}
