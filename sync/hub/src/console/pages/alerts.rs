//! Alerts: forks, what this hub refused lately, what nodes refuse to run.

use super::parts::{
    LIST_BYTES_MAX, NAME_CHARS_MAX, REASON_CHARS_MAX, empty, fit, heading_id, rest, section, state, table,
};
use crate::{
    console::{frame::Page, say, visit::Visit, wrong::Wrong},
    database::glance::{ForkRow, RefusalRow},
    recent::Seen,
};
use axum::response::Response;
use maud::{Markup, html};

/// The most of each kind.
const ROWS_MAX: u32 = 100;
/// The most bytes of each list: there are three.
const BYTES_MAX: usize = LIST_BYTES_MAX / 3;

/// `GET /alerts`.
pub(in crate::console) async fn show(visit: Visit) -> Result<Response, Wrong> {
    let database = visit.database();
    let (forks, refusals) = (database.forks(ROWS_MAX).await?, database.refusals(ROWS_MAX).await?);
    let recent = &visit.console.parts().recent;
    let (seen, all) = (recent.latest(ROWS_MAX as usize), recent.count());
    let body = html! {
        (section("forks", "Forks", &forked(&visit, &forks)))
        (section("refused", "What this hub refused", &refused(&visit, &seen, all)))
        (section("refusals", "What nodes refuse to run", &cannot(&visit, &refusals)))
    };
    Ok(visit.answer(&Page { title: "Alerts", here: "/alerts", body }))
}

fn forked(visit: &Visit, forks: &[ForkRow]) -> Markup {
    let columns = [
        ("", "Store"),
        ("", "Log"),
        ("number", "When"),
        ("number", "From event"),
        ("number", "Events in another form"),
    ];
    let (rows, shown) = fit(forks, BYTES_MAX, |fork| {
        html! {
            tr {
                th scope="row" { (say::store(&fork.store)) " " (state("bad", "forked")) }
                td { (fork.class.as_str()) " " @if let Some(epoch) = &fork.epoch { (say::hash(&epoch.to_string())) } }
                td.number { (say::ago(visit.now_ms, fork.at_ms)) }
                td.number { (say::number(fork.first_seq)) }
                td.number { (say::number(fork.count)) }
            }
        }
    });
    html! {
        p.hint { "A store offered another event under a number that is taken: a node with a restored disk, or two that believe to be one. What is here stays; the log is "
            "closed, and the store goes on in a new epoch." }
        @if forks.is_empty() { (empty("No log is in quarantine.")) }
        @else { (table(&heading_id("forks"), &columns, &rows)) (rest(forks.len(), shown)) }
    }
}

fn refused(visit: &Visit, seen: &[Seen], all: u64) -> Markup {
    let columns = [("number", "When"), ("", "Store"), ("", "Reason"), ("", "What it was told")];
    let (rows, shown) = fit(seen, BYTES_MAX, |seen| {
        html! {
            tr {
                td.number { (say::ago(visit.now_ms, seen.at_ms)) }
                th scope="row" { (say::store(&seen.store)) }
                td { (state("warn", seen.reason)) }
                td { (say::name(&seen.text, REASON_CHARS_MAX)) }
            }
        }
    });
    html! {
        p.hint { (say::number(all)) " since this hub started. Other hubs on the same database have lists of their own; the metric "
            code { "aisle_hub_alerts" } " counts them." }
        @if seen.is_empty() { (empty("Nothing was refused.")) }
        @else { (table(&heading_id("refused"), &columns, &rows)) (rest(seen.len(), shown)) }
    }
}

fn cannot(visit: &Visit, refusals: &[RefusalRow]) -> Markup {
    let columns = [("", "Store"), ("", "Node"), ("", "Thing"), ("", "Why not"), ("number", "Said")];
    let (rows, shown) = fit(refusals, BYTES_MAX, |row| {
        html! {
            tr {
                th scope="row" { (say::store(&row.store)) }
                td { (say::name(&row.node, 24)) }
                td { (say::name(&row.name, NAME_CHARS_MAX)) " " (say::name(&row.version, 24)) }
                td { @if row.reason.is_empty() { span.none { "without a reason" } } @else { (say::name(&row.reason, REASON_CHARS_MAX)) } }
                td.number { (say::ago(visit.now_ms, row.at_ms)) }
            }
        }
    });
    html! {
        @if refusals.is_empty() { (empty("Every node runs what it was to run, or has not answered yet.")) }
        @else { (table(&heading_id("refusals"), &columns, &rows)) (rest(refusals.len(), shown)) }
    }
}
