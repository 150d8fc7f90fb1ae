//! Contents: what nodes may fetch from this hub, and which stores have it.

use super::parts::{
    LIST_BYTES_MAX, NAME_CHARS_MAX, SHORT_BYTES_MAX, empty, facts, fit, heading_id, pager, rest, section,
    state, table,
};
use crate::{
    console::{frame::Page, say, visit::Visit, wrong::Wrong},
    database::{
        glance::{ContentRow, UseRow},
        grid::GridRow,
    },
    filter::{Filter, What},
    people::role::Permission,
};
use aisle_content::Delta;
use aisle_protocol::Hash;
use axum::{
    extract::{Path, Query},
    response::Response,
};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use maud::{Markup, html};
use serde::Deserialize;

/// The most contents on a page.
const CONTENTS_MAX: u32 = 50;
/// The most stores that a content's page names.
const STORES_MAX: u32 = 100;

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    /// Trees and deltas as well.
    #[serde(default)]
    parts: bool,
    /// The last one of the page before: a time, a dot, a hash.
    #[serde(default)]
    after: String,
}

/// `GET /contents?parts=&after=`.
pub(in crate::console) async fn list(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Wrong> {
    let after = if asked.after.is_empty() {
        None
    } else {
        Some(place(&asked.after).ok_or_else(|| Wrong::Malformed("`after` is no place in this list".into()))?)
    };
    let after = after.as_ref().map(|(at_ms, hash)| (*at_ms, hash));
    let rows = visit.database().contents(after, asked.parts, CONTENTS_MAX + 1).await?;
    let page = rows.get(..rows.len().min(CONTENTS_MAX as usize)).unwrap_or_default();
    let hashes: Vec<Vec<u8>> = page.iter().map(|row| row.hash.clone()).collect();
    let uses = visit.database().uses(&hashes).await?;
    let (count, bytes) = visit.database().contents_total().await?;
    let (html, shown) = fit(page, LIST_BYTES_MAX, |row| content(&visit, row, used(&uses, row)));
    let next = (shown < rows.len()).then(|| page.get(shown.saturating_sub(1))).flatten();
    let address = if asked.parts { "/contents?parts=true" } else { "/contents" };
    let joint = if asked.parts { '&' } else { '?' };
    let next = next
        .map(|last| format!("{address}{joint}after={}.{}", last.added_at_ms, HEXLOWER.encode(&last.hash)));
    let inside = html! {
        @if page.is_empty() { (empty("There are no contents here. `aisle-hub content add FILE` keeps one.")) }
        @else { (table(&heading_id("contents"), &COLUMNS, &html)) }
        (pager((!asked.after.is_empty()).then_some(address), next.as_deref()))
    };
    let body = html! {
        p.sub { (say::count(count, "content", "contents")) " with " (say::bytes(bytes)) ", trees and deltas among them. "
            @if asked.parts { a href="/contents" { "Without trees and deltas" } } @else { a href="/contents?parts=true" { "With trees and deltas" } }
        }
        (section("contents", "The latest first", &inside))
    };
    Ok(visit.answer(&Page { title: "Contents", here: "/contents", body }))
}

fn place(text: &str) -> Option<(i64, Hash)> {
    let (at_ms, hash) = text.split_once('.')?;
    Some((at_ms.parse().ok()?, read_hash(hash)?))
}

/// A hash as people give it.
pub(super) fn read_hash(text: &str) -> Option<Hash> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?.try_into().ok().map(Hash)
}

fn used<'a>(uses: &'a [UseRow], row: &ContentRow) -> Option<&'a UseRow> {
    uses.iter().find(|known| known.hash == row.hash)
}

const COLUMNS: [(&str, &str); 6] = [
    ("", "Content"),
    ("", "Name"),
    ("", "Known as"),
    ("number", "Size"),
    ("number", "Added"),
    ("number", "Runs in"),
];

fn content(visit: &Visit, row: &ContentRow, used: Option<&UseRow>) -> Markup {
    let hex = HEXLOWER.encode(&row.hash);
    html! {
        tr {
            th scope="row" { a href=(format!("/contents/{hex}")) { (say::hash(&hex)) } }
            td { (say::name(&row.name, NAME_CHARS_MAX)) }
            td { (known_as(used)) }
            td.number { (say::bytes(row.bytes)) }
            td.number { (say::ago(visit.now_ms, row.added_at_ms)) }
            td.number { (runs_in(&hex, used)) }
        }
    }
}

fn known_as(used: Option<&UseRow>) -> Markup {
    html! {
        @match used {
            Some(UseRow { known_as: (name, version), .. }) => { (say::name(name, NAME_CHARS_MAX)) " " (say::name(version, 24)) },
            None => { span.none { "–" } },
        }
    }
}

fn runs_in(hex: &str, used: Option<&UseRow>) -> Markup {
    let (runs, refused) = used.map_or((0, 0), |used| (used.runs, used.refused));
    html! {
        @if runs > 0 { a href=(say::fleet_address(&format!("has:{hex}"))) { (say::count(runs, "store", "stores")) } } @else { "no store" }
        @if refused > 0 { " " (state("bad", &format!("refused by {}", say::number(refused)))) }
    }
}

/// `GET /contents/{hash}`.
pub(in crate::console) async fn show(visit: Visit, Path(text): Path<String>) -> Result<Response, Wrong> {
    let unknown = || Wrong::NotFound(format!("This hub has no such content, and no store runs it: {text}"));
    let hash = read_hash(&text).ok_or_else(unknown)?;
    let database = visit.database();
    let held = database.content(&hash).await?;
    let uses = database.uses(&[hash.0.to_vec()]).await?;
    let used = uses.first();
    if held.is_none() && used.is_none() {
        return Err(unknown());
    }
    let deltas = database.deltas(&hash).await?;
    let filter = Filter::of(What::Has(hash)).within(visit.who().reach(Permission::StoreRead));
    let stores = database.grid(&filter, visit.console.policy_wanted(), "", STORES_MAX + 1).await?;
    let hex = hash.to_string();
    let body = html! {
        (section("about", "What it is", &about(&visit, &hex, held.as_ref(), used)))
        (section("deltas", "Shorter ways to it", &ways(&deltas)))
        (section("stores", "Stores in which it runs", &running(&visit, &hex, &stores)))
    };
    Ok(visit.answer(&Page { title: "Content", here: "/contents", body }))
}

fn about(visit: &Visit, hex: &str, held: Option<&ContentRow>, used: Option<&UseRow>) -> Markup {
    let gone = || html! { span.none { "not held by this hub any more" } };
    facts(&[
        ("BLAKE3", html! { code.whole { (hex) } }),
        ("Name", held.map_or_else(gone, |held| say::name(&held.name, 120))),
        ("Known as", known_as(used)),
        ("Size", held.map_or_else(gone, |held| say::bytes(held.bytes))),
        ("Added", held.map_or_else(gone, |held| say::ago(visit.now_ms, held.added_at_ms))),
        ("Runs in", runs_in(hex, used)),
    ])
}

fn ways(deltas: &[Delta]) -> Markup {
    let (lines, shown) = fit(deltas, SHORT_BYTES_MAX, |delta| {
        let from = delta.from.to_string();
        html! {
            li { "From " a href=(format!("/contents/{from}")) { (say::hash(&from)) } " with " (say::bytes(delta.content.bytes)) }
        }
    });
    html! {
        @if deltas.is_empty() { (empty("There are none: stores fetch all of it.")) }
        @else { ul.plain-list { (lines) } (rest(deltas.len(), shown)) }
    }
}

fn running(visit: &Visit, hex: &str, stores: &[GridRow]) -> Markup {
    let page = stores.get(..stores.len().min(STORES_MAX as usize)).unwrap_or_default();
    let (lines, shown) = fit(page, LIST_BYTES_MAX / 2, |row| {
        html! { li { (say::store(&row.store)) @if row.connected == 0 { ", away since " (say::ago(visit.now_ms, row.last_seen_ms)) } } }
    });
    html! {
        @if stores.is_empty() { (empty("It runs in no store.")) }
        @else {
            ul.plain-list.wide { (lines) }
            @if shown < stores.len() { p { a.button href=(say::fleet_address(&format!("has:{hex}"))) { "All of them" } } }
        }
    }
}
