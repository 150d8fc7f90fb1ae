//! What the gate did to the fields of a store's events, field by field.

use super::{
    gate::{Gate, Sums},
    parts::{LIST_BYTES_MAX, empty, fit, heading_id, rest, section, table},
};
use crate::console::{frame::Page, say, visit::Visit, wrong::Wrong};
use aisle_residency::Outcome;
use axum::{extract::Path, response::Response};
use maud::{Markup, html};

const COLUMNS: [(&str, &str); 6] = [
    ("", "Field"),
    ("number", "Passed"),
    ("number", "As a token"),
    ("number", "Coarser"),
    ("number", "Kept for an aggregate"),
    ("number", "Dropped"),
];

/// `GET /stores/{store}/fields`.
pub(in crate::console) async fn show(visit: Visit, Path(text): Path<String>) -> Result<Response, Wrong> {
    let store = visit.store(&text).await?;
    let gate = Gate::of(visit.database(), &visit.database().logs(&store).await?).await?;
    let fields: Vec<(&str, Sums)> = gate.by_field().into_iter().collect();
    let (rows, shown) = fit(&fields, LIST_BYTES_MAX, |(field, sums)| row(field, sums));
    let inside = html! {
        @if fields.is_empty() { (empty("No batch has come from this store.")) }
        @else {
            p.hint { (gate.words()) }
            (table(&heading_id("fields"), &COLUMNS, &rows))
            (rest(fields.len(), shown))
        }
    };
    let body = html! {
        p.sub { "Of the store " (say::store(store.as_str())) }
        (section("fields", "Field by field", &inside))
    };
    Ok(visit.answer(&Page { title: "What the gate did", here: "/", body }))
}

fn row(field: &str, sums: &Sums) -> Markup {
    html! {
        tr {
            th scope="row" { code { (field) } }
            @for outcome in Outcome::ALL {
                @let count = sums.of(outcome);
                td.number { @if count > 0 { (say::number(count)) } @else { span.none { "–" } } }
            }
        }
    }
}
