//! Rollouts: which there are and how far each is; one of them is in [`one`], what is said to it in [`verbs`], how one is written in [`write`].

mod draft;
pub(in crate::console) mod one;
mod picture;
mod rehearsal;
pub(in crate::console) mod verbs;
pub(in crate::console) mod write;

use super::{
    forms::Done,
    parts::{
        LIST_BYTES_MAX, NAME_CHARS_MAX, REASON_CHARS_MAX, empty, fit, heading_id, pager, section, state,
        table,
    },
};
use crate::{
    console::{frame::Page, say, visit::Visit, wrong::Wrong},
    database::{DatabaseError, fleet::RolloutRow},
    people::role::Permission,
};
use aisle_fleet::rollout::{RolloutPhase, RolloutView};
use axum::{extract::Query, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

/// The most rollouts on a page.
const ROLLOUTS_MAX: u32 = 30;
/// What can be asked for.
const PHASES: [(&str, &str); 8] = [
    ("", "All"),
    ("draft", "Drafts"),
    ("awaiting-approval", "Wait for approval"),
    ("running", "Running"),
    ("paused", "Paused"),
    ("rolling-back", "Going back"),
    ("done", "Done"),
    ("rolled-back", "Gone back"),
];

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    #[serde(default)]
    phase: String,
    /// The place of the last one of the page before.
    after: Option<String>,
    #[serde(flatten)]
    done: Done,
}

/// Where a rollout's page is.
fn address(name: &str) -> String {
    format!("/rollouts/{}", say::encoded(name))
}

/// `GET /rollouts?phase=&after=`.
pub(in crate::console) async fn list(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Wrong> {
    let known = PHASES.iter().find(|(phase, _)| *phase == asked.phase);
    let (phase, _) = known.ok_or_else(|| Wrong::Malformed("`phase` is none that a rollout has".into()))?;
    // What is read together with others comes as a text.
    let after = asked.after.as_deref().map(str::parse::<i64>).transpose();
    let after = after.map_err(|_| Wrong::Malformed("`after` is no place in this list".into()))?;
    let rows = visit.database().rollouts(phase, after.unwrap_or(i64::MAX), ROLLOUTS_MAX + 1).await?;
    let page = rows.get(..rows.len().min(ROLLOUTS_MAX as usize)).unwrap_or_default();
    let seen = page.iter().map(|row| Ok((row, view(row)?))).collect::<Result<Vec<_>, Wrong>>()?;
    let (html, shown) = fit(&seen, LIST_BYTES_MAX, |(row, view)| line(&visit, row, view));
    let next = (shown < rows.len()).then(|| page.get(shown.saturating_sub(1))).flatten();
    let first = if phase.is_empty() { "/rollouts".to_owned() } else { format!("/rollouts?phase={phase}") };
    let joint = if phase.is_empty() { '?' } else { '&' };
    let next = next.map(|last| format!("{first}{joint}after={}", last.place));
    let inside = html! {
        @if shown == 0 { (empty("There is none.")) }
        @else { (table(&heading_id("rollouts"), &COLUMNS, &html)) }
        (pager(after.map(|_| first.as_str()), next.as_deref()))
    };
    let body = html! {
        (asked.done.notice())
        @if visit.may(Permission::RolloutStart) { div.buttons { a.button href=(write::ADDRESS) { "Write a rollout" } } }
        nav.tabs aria-label="Rollouts that are so far" {
            @for (word, name) in PHASES {
                a href=(if word.is_empty() { "/rollouts".to_owned() } else { format!("/rollouts?phase={word}") })
                    aria-current=[(word == *phase).then_some("page")] { (name) }
            }
        }
        (section("rollouts", "The latest first", &inside))
    };
    Ok(visit.answer(&Page { title: "Rollouts", here: "/rollouts", body }))
}

fn view(row: &RolloutRow) -> Result<RolloutView, Wrong> {
    serde_json::from_str(&row.seen).map_err(|_| {
        DatabaseError::Damaged { table: "rollouts", column: "seen", row: row.rollout.clone() }.into()
    })
}

/// How far it is, with its colour and why.
fn standing(phase: &RolloutPhase) -> Markup {
    use RolloutPhase as P;
    let (class, why) = match phase {
        P::Draft | P::Preflight => ("calm", String::new()),
        P::AwaitingApproval | P::Ready => ("warn", String::new()),
        P::Running | P::Settling | P::Done => ("good", String::new()),
        P::Finished { missing } => {
            ("warn", format!("{} had not run it", say::count(*missing, "node", "nodes")))
        }
        P::Paused { why, .. } => ("warn", why.clone()),
        P::RollingBack { why } | P::RolledBack { why, .. } | P::Aborted { why } => ("bad", why.clone()),
    };
    html! {
        (state(class, &phase.as_str().replace('-', " ")))
        @if matches!(phase, P::Paused { by_gate: true, .. }) { " by a gate" }
        @if !why.is_empty() { " " (say::name(&why, REASON_CHARS_MAX)) }
    }
}

const COLUMNS: [(&str, &str); 6] = [
    ("", "Rollout"),
    ("", "How far"),
    ("", "Nodes"),
    ("number", "Failed"),
    ("", "Written by"),
    ("number", "Changed"),
];

fn line(visit: &Visit, row: &RolloutRow, view: &RolloutView) -> Markup {
    html! {
        tr {
            th scope="row" {
                a href=(address(&row.rollout)) { bdi { (say::cut(&row.rollout, NAME_CHARS_MAX)) } }
                div.rest { (say::name(&view.why, 120)) }
            }
            td { (standing(&view.phase)) }
            td { (picture::bar(&view.tally)) div.rest { (say::number(view.tally.passed)) " of " (say::number(view.tally.members)) " have it and proved themselves" } }
            td.number { @if view.tally.failed > 0 { (state("bad", &say::number(view.tally.failed))) } @else { "0" } }
            td { (say::name(&row.author_name, NAME_CHARS_MAX)) }
            td.number { (say::ago(visit.now_ms, row.moved_at_ms)) }
        }
    }
}
