//! How far the logs of a store are, and how late their batches came.

use crate::{
    console::{
        pages::parts::{SHORT_BYTES_MAX, empty, fit, heading_id, rest, state, table},
        say, spark,
        visit::Visit,
        wrong::Wrong,
    },
    database::read::{CursorRow, LogRow},
};
use aisle_event::StoreId;
use maud::{Markup, html};

/// The most batches that the picture of a log shows.
const LAGS_MAX: u32 = 40;

const COLUMNS: [(&str, &str); 8] = [
    ("", "Class"),
    ("number", "Through event"),
    ("number", "Latest event"),
    ("", "Lag"),
    ("number", "Backlog"),
    ("", "How late batches came"),
    ("number", "Moved"),
    ("", "Receipts"),
];

/// The log of each class that runs: the last epoch.
pub(super) fn running(cursors: &[CursorRow]) -> impl Iterator<Item = &CursorRow> {
    let is_last = |at: usize, class: &str| cursors.get(at + 1).is_none_or(|next| next.class != class);
    cursors
        .iter()
        .enumerate()
        .filter(move |(at, cursor)| is_last(*at, cursor.class))
        .map(|(_, cursor)| cursor)
}

pub(super) async fn part(visit: &Visit, store: &StoreId, logs: &[LogRow]) -> Result<Markup, Wrong> {
    if logs.is_empty() {
        return Ok(empty("Nothing has come from this store yet."));
    }
    let mut rows = Vec::new();
    for log in super::gate::running(logs) {
        let lags = visit.database().lags(log, LAGS_MAX).await?;
        rows.push((log.cursor(), spark::lags(&lags)));
    }
    let html = html! { @for (cursor, picture) in &rows { (row(visit, store, cursor, picture)) } };
    let ended: Vec<CursorRow> = logs
        .iter()
        .map(LogRow::cursor)
        .filter(|cursor| {
            !rows.iter().any(|(running, _)| running.epoch == cursor.epoch && running.class == cursor.class)
        })
        .collect();
    Ok(html! {
        (table(&heading_id("logs"), &COLUMNS, &html))
        @if !ended.is_empty() { (before(visit, store, &ended)) }
    })
}

fn row(visit: &Visit, store: &StoreId, cursor: &CursorRow, picture: &Markup) -> Markup {
    html! {
        tr {
            th scope="row" {
                (cursor.class) " " (say::hash(&cursor.epoch))
                @if cursor.quarantined { " " (state("bad", "in quarantine")) }
            }
            td.number { (say::number(cursor.through)) }
            td.number { (say::ago(visit.now_ms, cursor.last_event_ms)) }
            td { (say::lag(cursor)) }
            td.number { (say::number(cursor.backlog_at_contact)) }
            td { (picture) }
            td.number { (say::ago(visit.now_ms, cursor.moved_at_ms)) }
            td { (way(store, cursor)) }
        }
    }
}

fn way(store: &StoreId, cursor: &CursorRow) -> Markup {
    let address = say::store_address(store.as_str());
    html! {
        a href=(format!("{address}/receipts?class={}&epoch={}", cursor.class, cursor.epoch)) {
            "Receipts" span.hidden { " of " (cursor.class) ", epoch " (cursor.epoch.get(..12).unwrap_or_default()) }
        }
    }
}

/// Epochs that ended.
fn before(visit: &Visit, store: &StoreId, ended: &[CursorRow]) -> Markup {
    let line = |cursor: &CursorRow| {
        html! {
            li {
                (cursor.class) " " (say::hash(&cursor.epoch)) " through event " (say::number(cursor.through)) ", moved "
                (say::ago(visit.now_ms, cursor.moved_at_ms)) ". " (way(store, cursor))
                @if cursor.quarantined { " " (state("bad", "in quarantine")) }
            }
        }
    };
    let (lines, shown) = fit(ended, SHORT_BYTES_MAX, line);
    html! {
        details.help {
            summary { (say::count(ended.len() as u64, "epoch that ended", "epochs that ended")) }
            ul.plain-list { (lines) }
            (rest(ended.len(), shown))
        }
    }
}
