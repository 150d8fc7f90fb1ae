//! Policies: which are in force and which is wanted, who follows which, and whether every log is covered by receipts to its end.

use super::{
    contents::read_hash,
    parts::{
        LIST_BYTES_MAX, NAME_CHARS_MAX, SHORT_BYTES_MAX, empty, facts, fit, heading_id, rest, section, state,
        table,
    },
};
use crate::{
    console::{frame::Page, say, visit::Visit, wrong::Wrong},
    database::{
        glance::{FollowersRow, UnprovenRow},
        read::{PolicyRow, Totals},
    },
    people::role::Permission,
};
use axum::{extract::Path, response::Response};
use maud::{Markup, html};

/// The most logs that are named whose receipts do not reach their end.
const UNPROVEN_MAX: u32 = 50;
/// The most bytes of a document's text that a page shows, escaped.
const DOCUMENT_BYTES_MAX: usize = LIST_BYTES_MAX;

/// `GET /policies`.
pub(in crate::console) async fn list(visit: Visit) -> Result<Response, Wrong> {
    let database = visit.database();
    let (policies, followers) = (database.policies().await?, database.followers().await?);
    let receipts = if visit.may(Permission::ReceiptRead) {
        Some((database.totals().await?, database.unproven(UNPROVEN_MAX + 1).await?))
    } else {
        None
    };
    let wanted = visit.console.parts().policies.borrow().wanted.map(|id| id.hash.to_string());
    let body = html! {
        (section("policies", "Policies that batches may name", &known(&visit, &policies, &followers, wanted.as_deref())))
        (section("followers", "Policies of others that nodes apply", &strange(&policies, &followers)))
        @if let Some((totals, unproven)) = receipts { (section("receipts", "Receipts", &covered(&totals, &unproven))) }
    };
    Ok(visit.answer(&Page { title: "Policies and receipts", here: "/policies", body }))
}

const COLUMNS: [(&str, &str); 7] = [
    ("", "Policy"),
    ("number", "Version"),
    ("", "State"),
    ("number", "In force since"),
    ("number", "Stores that follow it"),
    ("number", "Nodes"),
    ("number", "Connected"),
];

fn known(visit: &Visit, policies: &[PolicyRow], followers: &[FollowersRow], wanted: Option<&str>) -> Markup {
    let (rows, shown) = fit(policies, LIST_BYTES_MAX / 2, |policy| {
        let of = followers.iter().find(|row| row.hash == policy.hash && row.version == policy.version);
        html! {
            tr {
                th scope="row" { a href=(format!("/policies/{}", policy.hash)) { (say::name(&policy.name, NAME_CHARS_MAX)) } " " (say::hash(&policy.hash)) }
                td.number { (say::number(policy.version)) }
                td { @if wanted == Some(policy.hash.as_str()) { (state("good", "wanted")) } @else { (state("calm", "good for batches")) } }
                td.number { (say::ago(visit.now_ms, policy.accepted_at_ms)) }
                td.number { (stores(policy.version, of)) }
                td.number { (say::number(of.map_or(0, |of| of.nodes))) }
                td.number { (say::number(of.map_or(0, |of| of.connected))) }
            }
        }
    });
    html! {
        @if policies.is_empty() { (empty("No policy is in force: every batch is refused. `policies.files` of the configuration names some, and `aisle-hub policy publish FILE` brings one.")) }
        @else { (table(&heading_id("policies"), &COLUMNS, &rows)) (rest(policies.len(), shown)) }
    }
}

fn stores(version: i64, of: Option<&FollowersRow>) -> Markup {
    html! {
        @match of {
            Some(of) => a href=(say::fleet_address(&format!("policy:{version}"))) { (say::count(of.stores, "store", "stores")) },
            None => span.none { "none" },
        }
    }
}

/// What nodes say they apply and this hub does not have: their batches are refused.
fn strange(policies: &[PolicyRow], followers: &[FollowersRow]) -> Markup {
    let is_known = |row: &FollowersRow| {
        policies.iter().any(|policy| policy.hash == row.hash && policy.version == row.version)
    };
    let strange: Vec<&FollowersRow> = followers.iter().filter(|row| !is_known(row)).collect();
    let (lines, shown) = fit(&strange, SHORT_BYTES_MAX, |row| {
        html! {
            li {
                "Version " (say::number(row.version)) @if !row.hash.is_empty() { " " (say::hash(&row.hash)) } " in " (stores(row.version, Some(row)))
                @if row.version == 0 { ": they had no policy when they came last" }
            }
        }
    });
    html! {
        @if strange.is_empty() { (empty("None: every node applies a policy that this hub has.")) }
        @else { ul.plain-list { (lines) } (rest(strange.len(), shown)) }
    }
}

fn covered(totals: &Totals, unproven: &[UnprovenRow]) -> Markup {
    let (lines, shown) = fit(unproven, SHORT_BYTES_MAX, |row| {
        html! { li { (say::store(&row.store)) ", " (row.class.as_str()) ", through event " (say::number(row.through)) } }
    });
    html! {
        p { (say::count(totals.logs, "log", "logs")) " with " (say::count(totals.events, "event", "events")) ". "
            @if unproven.is_empty() { (state("good", "covered")) " The last receipt of each ends where the log ends." }
            @else { (state("bad", "not covered")) " Of these the last receipt does not end where the log ends. Run " code { "aisle-hub verify" } "." }
        }
        @if !unproven.is_empty() { ul.plain-list { (lines) } (rest(unproven.len(), shown)) }
        p.hint { "Each receipt was verified with its batch before it was taken in. A store's page leads to its receipts, one by one and field by field; "
            code { "aisle-hub verify" } " goes over everything again." }
    }
}

/// `GET /policies/{hash}`.
pub(in crate::console) async fn show(visit: Visit, Path(text): Path<String>) -> Result<Response, Wrong> {
    let unknown = || Wrong::NotFound(format!("This hub has no such policy: {text}"));
    let hash = read_hash(&text).ok_or_else(unknown)?;
    let (version, name, document, accepted_at_ms) =
        visit.database().policy_by_hash(&hash).await?.ok_or_else(unknown)?;
    let is_wanted = visit.console.parts().policies.borrow().wanted.is_some_and(|id| id.hash == hash);
    let about = facts(&[
        ("Name", say::name(&name, 80)),
        ("Version", html! { (say::number(version)) }),
        ("BLAKE3", html! { code.whole { (hash) } }),
        ("In force since", say::ago(visit.now_ms, accepted_at_ms)),
        ("State", if is_wanted { state("good", "wanted") } else { state("calm", "good for batches") }),
    ]);
    let text = String::from_utf8_lossy(&document);
    let lines: Vec<&str> = text.lines().collect();
    let (shown, fits) = fit(&lines, DOCUMENT_BYTES_MAX, |line| html! { (say::cut(line, 1_000)) "\n" });
    let document = html! {
        div.scroll role="group" tabindex="0" aria-labelledby=(heading_id("document")) { pre { code { (shown) } } }
        (rest(lines.len(), fits))
    };
    let body = html! {
        (section("about", "What it is", &about))
        (section("document", "The signed document", &document))
    };
    Ok(visit.answer(&Page { title: "Policy", here: "/policies", body }))
}
