//! The search: stores, nodes, contents, policies and erasures by a part of what they are called.

use super::parts::{NAME_CHARS_MAX, SHORT_BYTES_MAX, empty, fit, heading_id};
use crate::{
    console::{
        frame::{FIND_CHARS_MAX, Page},
        say,
        visit::Visit,
        wrong::Wrong,
    },
    database::{
        glance::{ContentRow, FoundErasure, FoundNode},
        grid::GridRow,
        read::PolicyRow,
    },
    search::{self, Found},
};
use axum::{extract::Query, response::Response};
use data_encoding::HEXLOWER;
use maud::{Markup, html};
use serde::Deserialize;

/// The most of each kind.
const FOUND_MAX: u32 = 12;

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    #[serde(default)]
    q: String,
}

/// A kind of thing that was found.
struct Kind {
    id: &'static str,
    name: &'static str,
    lines: Vec<Markup>,
    /// Where all of them are, when there are more.
    all: Option<String>,
}

/// `GET /search?q=`.
pub(in crate::console) async fn show(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Wrong> {
    let query = asked.q.trim();
    if query.chars().count() > FIND_CHARS_MAX {
        return Err(Wrong::Malformed(format!("`q` has more than {FIND_CHARS_MAX} characters")));
    }
    let kinds = if query.is_empty() { Vec::new() } else { find(&visit, query).await? };
    let found: usize = kinds.iter().map(|kind| kind.lines.len()).sum();
    let body = html! {
        form.filter role="search" aria-label="Search of everything" action="/search" method="get" {
            label for="q" { "Look for" }
            input #q name="q" type="search" value=(query) maxlength=(FIND_CHARS_MAX) autocomplete="off" spellcheck="false" aria-describedby="q-about";
            button.primary type="submit" { "Find" }
        }
        p.hint #q-about { "A part of the name of a store, of the serial or the address of a node, of the name of a content or a policy; of hashes the first six digits or more." }
        @if !query.is_empty() {
            p.sub role="status" { @if found == 0 { "Nothing" } @else { (say::number(found as u64)) } " found for “" bdi { (query) } "”" }
            @if found == 0 { (empty("Nothing here is called like this.")) }
        }
        @for kind in kinds.iter().filter(|kind| !kind.lines.is_empty()) { (list(kind)) }
    };
    Ok(visit.answer(&Page { title: "Search", here: "", body }))
}

fn list(kind: &Kind) -> Markup {
    let (lines, _) = fit(&kind.lines, SHORT_BYTES_MAX, Clone::clone);
    html! {
        section #(kind.id) aria-labelledby=(heading_id(kind.id)) {
            h2 id=(heading_id(kind.id)) { (kind.name) }
            ul.plain-list { (lines) }
            @if let Some(all) = &kind.all { p { a.button href=(all) { "All " (kind.name.to_lowercase()) } } }
        }
    }
}

/// As many as are shown, and whether there are more.
fn shown(mut lines: Vec<Markup>) -> (Vec<Markup>, bool) {
    let has_more = lines.len() > FOUND_MAX as usize;
    lines.truncate(FOUND_MAX as usize);
    (lines, has_more)
}

async fn find(visit: &Visit, query: &str) -> Result<Vec<Kind>, Wrong> {
    let Found { stores, nodes, contents, policies, erasures } =
        search::find(visit.database(), visit.who(), query, FOUND_MAX + 1).await?;
    let line = |row: &GridRow| html! { li { (say::store(&row.store)) @if !row.region.is_empty() { " in " (say::name(&row.region, 24)) } } };
    let (lines, has_more) = shown(stores.iter().map(line).collect());
    let all = has_more.then(|| say::fleet_address(&quoted(query)));
    let stores = Kind { id: "stores", name: "Stores", lines, all };

    let line = |row: &FoundNode| {
        html! {
            li { (say::name(&row.node, NAME_CHARS_MAX)) " of " (say::store(&row.store)) ", " (say::cut(&row.state, 16))
                @if !row.address.is_empty() { ", from " (say::name(&row.address, 48)) } }
        }
    };
    let lines = shown(nodes.iter().map(line).collect()).0;
    let nodes = Kind { id: "nodes", name: "Nodes", lines, all: None };

    let line = |row: &ContentRow| {
        let hex = HEXLOWER.encode(&row.hash);
        html! { li { a href=(format!("/contents/{hex}")) { (say::hash(&hex)) } " " (say::name(&row.name, 60)) ", " (say::bytes(row.bytes)) } }
    };
    let (lines, has_more) = shown(contents.iter().map(line).collect());
    let all = has_more.then(|| "/contents".to_owned());
    let contents = Kind { id: "contents", name: "Contents", lines, all };

    let line = |row: &PolicyRow| {
        html! { li { a href=(format!("/policies/{}", row.hash)) { (say::name(&row.name, 60)) } ", version " (say::number(row.version)) } }
    };
    let (lines, has_more) = shown(policies.iter().map(line).collect());
    let all = has_more.then(|| "/policies".to_owned());
    let policies = Kind { id: "policies", name: "Policies", lines, all };

    let line = |row: &FoundErasure| {
        let is_done = if row.done_at_ms.is_some() { "done" } else { "waits for the store" };
        html! { li { (say::hash(&row.id)) " of " (say::store(&row.store)) ", " (is_done) } }
    };
    let lines = shown(erasures.iter().map(line).collect()).0;
    let erasures = Kind { id: "erasures", name: "Erasures", lines, all: None };
    Ok(vec![stores, nodes, contents, policies, erasures])
}

/// A filter for exactly this text.
fn quoted(query: &str) -> String {
    format!("\"{}\"", query.replace('"', " "))
}
