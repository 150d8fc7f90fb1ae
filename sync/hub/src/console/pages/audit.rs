//! The audit log: who did what, from where, when, how it was before and after, and what was refused. The latest first.
//!
//! Here it is read; `aisle-hub verify` computes its chain again.

use super::parts::{
    LIST_BYTES_MAX, NAME_CHARS_MAX, REASON_CHARS_MAX, empty, fit, heading_id, pager, section, state, table,
};
use crate::{
    console::{frame::Page, say, visit::Visit, wrong::Wrong},
    database::AuditFilter,
    people::audit::{AuditRow, Outcome},
};
use axum::{extract::Query, response::Response};
use data_encoding::HEXLOWER;
use maud::{Markup, html};
use serde::Deserialize;

/// The most rows on a page.
const ROWS_MAX: u32 = 60;
/// The longest text of a filter, in characters.
const FILTER_CHARS_MAX: usize = 128;
/// How much of how something was and is a page shows, in characters each.
const VALUE_CHARS_MAX: usize = 700;
/// A day in milliseconds.
const DAY_MS: i64 = 86_400_000;
const OUTCOMES: [Outcome; 3] = [Outcome::Done, Outcome::Refused, Outcome::Failed];

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    #[serde(default)]
    actor: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    object: String,
    /// The first day, in UTC.
    #[serde(default)]
    from: String,
    /// The last day.
    #[serde(default)]
    until: String,
    /// The last number of the page before.
    after: Option<u64>,
}

/// The beginning of a day in UTC, in milliseconds since 1970.
fn day_ms(text: &str) -> Result<Option<i64>, Wrong> {
    if text.is_empty() {
        return Ok(None);
    }
    let date: Option<jiff::civil::Date> = text.parse().ok();
    let zoned = date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok());
    let wrong = || Wrong::Malformed("A day is written like 2026-06-01.".into());
    zoned.map(|zoned| Some(zoned.timestamp().as_millisecond())).ok_or_else(wrong)
}

/// `GET /audit?actor=&action=&outcome=&object=&from=&until=&after=`.
pub(in crate::console) async fn show(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Wrong> {
    let texts = [&asked.actor, &asked.action, &asked.outcome, &asked.object];
    if texts.into_iter().any(|text| text.chars().count() > FILTER_CHARS_MAX) {
        return Err(Wrong::Malformed(format!(
            "A part of the filter has more than {FILTER_CHARS_MAX} characters."
        )));
    }
    let filter = AuditFilter {
        actor: asked.actor.trim().into(),
        action: asked.action.trim().into(),
        outcome: asked.outcome.trim().into(),
        object: asked.object.trim().into(),
        from_ms: day_ms(&asked.from)?,
        before_ms: day_ms(&asked.until)?.map(|day| day.saturating_add(DAY_MS)),
    };
    let rows = visit.database().audit_rows(&filter, asked.after.unwrap_or(u64::MAX), ROWS_MAX + 1).await?;
    let page = rows.get(..rows.len().min(ROWS_MAX as usize)).unwrap_or_default();
    let (html, shown) = fit(page, LIST_BYTES_MAX, |row| line(&visit, row));
    let next = (shown < rows.len()).then(|| page.get(shown.saturating_sub(1))).flatten();
    let at = |after: Option<u64>| {
        let after = after.map(|seq| seq.to_string()).unwrap_or_default();
        let pairs = [
            ("actor", filter.actor.as_str()),
            ("action", &filter.action),
            ("outcome", &filter.outcome),
            ("object", &filter.object),
            ("from", &asked.from),
            ("until", &asked.until),
            ("after", &after),
        ];
        let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        let pairs: Vec<String> =
            pairs.map(|(name, value)| format!("{name}={}", say::encoded(value))).collect();
        if pairs.is_empty() { "/audit".to_owned() } else { format!("/audit?{}", pairs.join("&")) }
    };
    let (seq, head) = visit.database().audit_head().await?;
    let inside = html! {
        @if shown == 0 { (empty("No row is like this.")) } @else { (table(&heading_id("rows"), &COLUMNS, &html)) }
        (pager(asked.after.map(|_| at(None)).as_deref(), next.map(|last| at(Some(last.seq))).as_deref()))
    };
    let body = html! {
        p.sub { (say::count(seq, "row", "rows")) "; the chain ends with " (say::hash(&HEXLOWER.encode(&head))) ". "
            code { "aisle-hub verify" } " computes it again." }
        (form(&asked))
        (section("rows", "The latest first", &inside))
    };
    Ok(visit.answer(&Page { title: "Audit", here: "/audit", body }))
}

fn form(asked: &Asked) -> Markup {
    let fields = [
        ("actor", "Person", &asked.actor, "p-… or machine"),
        ("action", "Action", &asked.action, "policy.publish"),
        ("object", "Object", &asked.object, "store-1/4711"),
    ];
    html! {
        form.filter role="search" aria-label="Filter of the audit log" action="/audit" method="get" {
            @for (name, label, value, example) in fields {
                span.field {
                    label for=(name) { (label) }
                    input id=(name) name=(name) type="search" value=(say::cut(value, FILTER_CHARS_MAX)) maxlength=(FILTER_CHARS_MAX)
                        placeholder=(example) autocomplete="off" spellcheck="false";
                }
            }
            span.field {
                label for="outcome" { "Outcome" }
                select #outcome name="outcome" {
                    option value="" { "any" }
                    @for outcome in OUTCOMES {
                        option value=(outcome.as_str()) selected[asked.outcome == outcome.as_str()] { (outcome.as_str()) }
                    }
                }
            }
            @for (name, label, value) in [("from", "From", &asked.from), ("until", "Until", &asked.until)] {
                span.field {
                    label for=(name) { (label) }
                    input id=(name) name=(name) type="date" value=(say::cut(value, 10));
                }
            }
            button.primary type="submit" { "Show" }
        }
    }
}

const COLUMNS: [(&str, &str); 6] = [
    ("number", "When"),
    ("", "Who"),
    ("", "What"),
    ("", "To what"),
    ("", "Outcome"),
    ("", "Before and after"),
];

fn line(visit: &Visit, row: &AuditRow) -> Markup {
    let class = match row.outcome.as_str() {
        "done" => "good",
        "refused" => "warn",
        _ => "bad",
    };
    let way = |name: &str, value: &str| format!("/audit?{name}={}", say::encoded(value));
    html! {
        tr {
            td.number { (say::ago(visit.now_ms, row.at_ms)) div.rest { "row " (say::number(row.seq)) } }
            td {
                @if row.actor.is_empty() { (say::name(&row.actor_name, NAME_CHARS_MAX)) }
                @else { a href=(way("actor", &row.actor)) { bdi { (say::cut(&row.actor_name, NAME_CHARS_MAX)) } } }
                div.rest { (say::cut(&row.way, 16)) @if !row.address.is_empty() { " from " (say::name(&row.address, 48)) } ", at " (say::name(&row.hub, 24)) }
            }
            th scope="row" { a href=(way("action", &row.action)) { (say::cut(&row.action, 48)) } }
            td { @if row.object.is_empty() { span.none { "–" } } @else { (say::name(&row.object, 80)) } }
            td { (state(class, &say::cut(&row.outcome, 16))) @if !row.reason.is_empty() { " " (say::name(&row.reason, REASON_CHARS_MAX)) } }
            td { (values(row)) }
        }
    }
}

fn values(row: &AuditRow) -> Markup {
    html! {
        @if row.was.is_empty() && row.became.is_empty() { span.none { "–" } }
        @else {
            details {
                summary { "Row " (say::number(row.seq)) }
                @for (name, value) in [("Before", &row.was), ("After", &row.became)] {
                    @if !value.is_empty() { div { span.rest { (name) } " " code.whole { (say::cut(value, VALUE_CHARS_MAX)) } } }
                }
            }
        }
    }
}
