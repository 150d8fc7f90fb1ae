//! The relay: how far the stores' logs have gone on to a hub above, and which hubs may speak for stores here.

use super::parts::{
    LIST_BYTES_MAX, REASON_CHARS_MAX, SHORT_BYTES_MAX, empty, fit, heading_id, pager, rest, section, state,
    table,
};
use crate::{
    console::{frame::Page, say, visit::Visit, wrong::Wrong},
    database::{RegisteredRelay, RelayRow},
};
use axum::{extract::Query, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

/// The most stores on a page.
const STORES_MAX: u32 = 50;

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    #[serde(default)]
    after: String,
}

/// `GET /relay?after=`.
pub(in crate::console) async fn show(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Wrong> {
    let rows = visit.database().relay_rows(&asked.after, STORES_MAX + 1).await?;
    let below = visit.database().relays().await?;
    let page = rows.get(..rows.len().min(STORES_MAX as usize)).unwrap_or_default();
    let is_used = !asked.after.is_empty() || rows.iter().any(|row| !row.holder.is_empty());
    let (html, shown) = fit(page, LIST_BYTES_MAX - SHORT_BYTES_MAX, |row| store(&visit, row));
    let next = (shown < rows.len()).then(|| page.get(shown.saturating_sub(1))).flatten();
    let next = next.map(|last| format!("/relay?after={}", say::encoded(&last.store)));
    let inside = html! {
        @if !is_used { (empty("No hub relays these stores to a hub above. The section `[relay]` of the configuration names one.")) }
        @else if page.is_empty() { (empty("There are no further stores.")) }
        @else {
            (table(&heading_id("stores"), &COLUMNS, &html))
            (pager((!asked.after.is_empty()).then_some("/relay"), next.as_deref()))
        }
    };
    let body = html! {
        (section("stores", "Stores on their way to the hub above", &inside))
        (section("below", "Hubs that may speak for stores here", &speakers(&below)))
    };
    Ok(visit.answer(&Page { title: "Relay", here: "/relay", body }))
}

const COLUMNS: [(&str, &str); 6] = [
    ("", "Store"),
    ("", "Relayed by"),
    ("number", "Events that wait"),
    ("number", "Events under way"),
    ("number", "Acknowledged"),
    ("", "What keeps it"),
];

fn store(visit: &Visit, row: &RelayRow) -> Markup {
    html! {
        tr {
            th scope="row" { (say::store(&row.store)) }
            td {
                @if row.holder.is_empty() { span.none { "nobody yet" } }
                @else { (say::name(&row.holder, 32)) @if !row.is_held { " " (state("warn", "lease over")) } }
            }
            td.number { (say::number(row.waiting)) }
            td.number { (say::number(row.unacknowledged)) }
            td.number { (say::ago(visit.now_ms, row.acknowledged_at_ms)) }
            td { @if row.problem.is_empty() { span.none { "–" } } @else { (state("bad", "problem")) " " (say::name(&row.problem, REASON_CHARS_MAX)) } }
        }
    }
}

fn speakers(below: &[RegisteredRelay]) -> Markup {
    let columns = [("", "Hub"), ("", "For stores in"), ("", "State")];
    let (rows, shown) = fit(below, SHORT_BYTES_MAX, |relay| {
        let regions: Vec<&str> = relay.regions.iter().map(aisle_residency::Region::as_str).collect();
        html! {
            tr {
                th scope="row" { (say::name(&relay.relay, 48)) }
                td { (say::name(&regions.join(", "), 120)) }
                td { @if relay.is_banned { (state("bad", "banned")) } @else { (state("good", "allowed")) } }
            }
        }
    });
    html! {
        @if below.is_empty() { (empty("None. `aisle-hub relay allow NAME KEY --region REGION` lets one.")) }
        @else { (table(&heading_id("below"), &columns, &rows)) (rest(below.len(), shown)) }
    }
}
