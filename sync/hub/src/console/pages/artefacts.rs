//! Signed artefacts: what may run, who signed it, and until when that is good.

use super::parts::{LIST_BYTES_MAX, NAME_CHARS_MAX, empty, fit, heading_id, pager, section, state, table};
use crate::{
    artefacts::keep::days_left,
    console::{frame::Page, say, visit::Visit, wrong::Wrong},
    http::Problem,
};
use aisle_artefact::{ArtefactId, Kind};
use aisle_event::Timestamp;
use axum::{extract::Query, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

/// The most artefacts on a page.
const ARTEFACTS_MAX: usize = 100;
/// Fewer days than these want somebody.
const DAYS_LOW: f64 = 14.0;

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    #[serde(default)]
    kind: String,
    /// The path of the last one of the page before.
    #[serde(default)]
    after: String,
}

/// `GET /artefacts?kind=&after=`.
pub(in crate::console) async fn list(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Wrong> {
    let wanted = Some(asked.kind.as_str()).filter(|kind| !kind.is_empty());
    let wanted = wanted.map(|kind| {
        Kind::named(kind).ok_or_else(|| Wrong::Malformed("`kind` is no kind of artefact".into()))
    });
    let wanted = wanted.transpose()?;
    let after = Some(asked.after.as_str())
        .filter(|after| !after.is_empty())
        .map(str::parse::<ArtefactId>)
        .transpose();
    let after = after.map_err(|_| Wrong::Malformed("`after` is no place in this list".into()))?;
    let in_force = visit.console.api().artefacts.in_force().await.map_err(Problem::from)?;
    let Some(in_force) = in_force else {
        let body = empty(
            "Nothing was ever signed here: nodes that trust a root run nothing that this hub brings. `aisle-hub artefact init` begins.",
        );
        return Ok(visit.answer(&Page { title: "Artefacts", here: "/artefacts", body }));
    };
    let now = Timestamp(visit.now_ms);
    let all = in_force.artefacts();
    let rest = all.values().filter(|artefact| {
        after.as_ref().is_none_or(|after| artefact.id > *after)
            && wanted.is_none_or(|kind| artefact.id.kind() == kind)
    });
    let found: Vec<_> = rest.take(ARTEFACTS_MAX + 1).collect();
    let page = found.get(..found.len().min(ARTEFACTS_MAX)).unwrap_or_default();
    let (rows, shown) = fit(page, LIST_BYTES_MAX / 2, |artefact| {
        let blake3 = artefact.blake3.to_string();
        html! {
            tr {
                th scope="row" { (say::name(&artefact.id.name().to_string(), NAME_CHARS_MAX)) }
                td { a href=(format!("/artefacts?kind={}", say::encoded(artefact.id.kind().as_str()))) { (artefact.id.kind().as_str()) } }
                td { (say::name(&artefact.id.version().to_string(), 32)) }
                td.number { (say::bytes(artefact.bytes)) }
                td { a href=(format!("/contents/{}", say::encoded(&blake3))) { (say::hash(&blake3)) } }
                td { @if artefact.needs.grants.is_empty() { span.none { "nothing" } } @else { div.things { @for grant in artefact.needs.grants.iter().take(6) { (say::name(grant, 48)) } } } }
            }
        }
    });
    let next = (shown < found.len()).then(|| page.get(shown.saturating_sub(1))).flatten();
    let first = if asked.kind.is_empty() {
        "/artefacts".to_owned()
    } else {
        format!("/artefacts?kind={}", say::encoded(&asked.kind))
    };
    let joint = if asked.kind.is_empty() { '?' } else { '&' };
    let next = next.map(|last| format!("{first}{joint}after={}", say::encoded(&last.id.to_string())));
    let expiries = in_force.expiries();
    let (roles, _) = fit(&expiries, LIST_BYTES_MAX / 4, |expiry| {
        role(&expiry.role.to_string(), expiry.version, expiry.expires, now, expiry.signed_by.len())
    });
    let inside = html! {
        @if page.is_empty() { (empty("No artefact is like this.")) } @else { (table(&heading_id("artefacts"), &COLUMNS, &rows)) }
        (pager(after.as_ref().map(|_| first.as_str()), next.as_deref()))
    };
    let columns =
        [("", "Who says"), ("number", "Version"), ("", "Good until"), ("number", "Keys that signed")];
    let body = html! {
        p.hint { "What stands here is signed: a node puts nothing else in place. What runs goes on when a signature is over, and nothing new comes." }
        details.help {
            summary { "How something is published" }
            p.hint { "With the keys of those who sign its kind, at a command: no browser ever has them." }
            pre { code {
                "aisle-hub artefact add plugin multi-buy 1.4.0 multi-buy/    # keeps the bytes, writes the next draft of the list\n"
                "aisle-hub artefact show plugins.draft.json                  # what is new in it, and nothing else?\n"
                "aisle-hub artefact sign --key paul.key plugins.draft.json   # each of as many as it wants, without a line to the hub\n"
                "aisle-hub artefact publish plugins.draft.json"
            } }
            p.hint { "Then it can be ticked where a rollout or a group is written." }
        }
        (section("roles", "Who says so, and until when", &table(&heading_id("roles"), &columns, &roles)))
        (section("artefacts", "What may run", &inside))
    };
    Ok(visit.answer(&Page { title: "Artefacts", here: "/artefacts", body }))
}

const COLUMNS: [(&str, &str); 6] = [
    ("", "Artefact"),
    ("", "Kind"),
    ("", "Version"),
    ("number", "Size"),
    ("", "Content"),
    ("", "Wants to be granted"),
];

fn role(name: &str, version: u64, expires: Timestamp, now: Timestamp, keys: usize) -> Markup {
    let days = days_left(expires, now);
    let class = if days <= 0.0 {
        "bad"
    } else if days < DAYS_LOW {
        "warn"
    } else {
        "good"
    };
    html! {
        tr {
            th scope="row" { (say::cut(name, 48)) }
            td.number { (say::number(version)) }
            td {
                (state(class, &if days <= 0.0 { "over".to_owned() } else { format!("{days:.1} days") }))
                " " (say::exact(expires.0).get(..10).unwrap_or_default())
            }
            td.number { (say::number(keys as u64)) }
        }
    }
}
