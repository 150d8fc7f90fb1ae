//! The form of a rollout: what it brings, out of what is published; to whom, in which waves, behind which gates. Written, it is a draft, and nothing begins by that.
//!
//! Not here: from fields to a rollout and back ([`super::draft`]). Guards: of two who change one draft the later is told, and writes over nothing unseen.

use super::{
    address,
    draft::{self, GATES, METRICS, Names, ROWS_MAX},
};
use crate::{
    artefacts::slots::Published,
    console::{
        door::Caller,
        frame::Page,
        pages::{
            forms::{self, form},
            says,
            typed::{Line, Typed},
        },
        say,
        visit::{Act, Visit},
        wrong::Wrong,
    },
    fleet::apply::{self, ApplyError},
    http::{Problem, fleet::voice},
};
use aisle_fleet::{ArtefactSet, RolloutPhase};
use axum::{Form, extract::Query, http::StatusCode, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

/// Where the form is. A rollout may be called as it likes, so it is not below theirs.
pub(super) const ADDRESS: &str = "/write-rollout";
/// How many rows for waves come at once.
const ROWS_MORE: usize = 3;

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    /// A draft that is to be changed.
    #[serde(default)]
    draft: String,
    /// A rollout that a new one is to be like.
    #[serde(default)]
    like: String,
}

/// `GET /write-rollout?draft=&like=`.
pub(in crate::console) async fn form_of(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Wrong> {
    let published = visit.console.api().artefacts.published().await.map_err(Problem::from)?;
    let names = draft::names(visit.database()).await?;
    let from = if asked.draft.is_empty() { &asked.like } else { &asked.draft };
    let mut typed = draft::blank();
    if !from.is_empty() {
        let kept = visit.database().rollout(from).await?;
        let kept = kept.ok_or_else(|| Wrong::NotFound("There is no such rollout.".into()))?;
        typed = draft::of(kept.rollout.spec()).ok_or_else(|| {
            let words = "The form has no fields for all of it: waves with gates of their own, or many metrics. Write it as a file: `aisle fleet apply -f FILE`.";
            Wrong::Malformed(words.into())
        })?;
        typed.set("from", from.as_str());
        if asked.draft.is_empty() {
            typed.set("rollout", "");
        } else if *kept.rollout.phase() == RolloutPhase::Draft {
            typed.set("over", from.as_str());
            typed.set("counter", kept.counter.to_string());
        } else {
            return Err(Wrong::Malformed(
                "Only a draft can be written anew. Write one like it, with another name.".into(),
            ));
        }
    }
    let body = body(&visit.caller, &typed, &published, &names);
    Ok(visit.answer(&Page { title: "A rollout", here: "/rollouts", body }))
}

fn body(caller: &Caller, typed: &Typed, published: &[Published], names: &Names) -> Markup {
    html! {
        p.sub { a href="/rollouts" { "All rollouts" } }
        (typed.summary())
        (form(caller, ADDRESS, &html! {
            (typed.hidden("from"))
            (typed.hidden("over"))
            (typed.hidden("counter"))
            input type="hidden" name="rows" value=(draft::rows(typed));
            (typed.line(Line { name: "rollout", label: "Name", hint: "Letters, digits, dashes and dots; which stores come first follows from it.", chars_max: 63, is_required: true, is_fixed: typed.has("over"), ..Line::default() }))
            (typed.line(Line { name: "why", label: "What it is for", chars_max: 400, is_required: true, ..Line::default() }))
            (says::artefact_fields(typed, published, "What it brings"))
            (typed.line(Line { name: "who", label: "Whom it means", hint: "Every node: *. By labels: region=eu, size in (s,m), !pilot. A saved filter or a group: @ and its name.", chars_max: 1_024, is_required: true, list: "means", ..Line::default() }))
            datalist #means { @for name in names.iter().filter(|(_, selector)| selector.is_ok()).map(|(name, _)| name).take(100) { option value=(format!("@{name}")) {} } }
            (typed.of_part("waves"))
            @for row in 0..draft::rows(typed) { (wave(typed, row)) }
            @if draft::rows(typed) < ROWS_MAX { button.quiet type="submit" name="do" value="more" formnovalidate { "Room for more waves" } }
            (gates(typed))
            (typed.count("approvals", "People who have to approve it", "Besides whoever writes it. What reaches more than a quarter of the fleet wants one in any case."))
            (typed.count("offline", "A node that was not heard of for so long is away, in minutes", "It neither passes nor fails, and joins when it comes."))
            p.hint { "Within which hours a store may be changed is said by its groups: " a href="/groups" { "maintenance windows" } ". A rollout waits for them." }
            button.primary type="submit" name="do" value="write" { "Write the draft" }
        }))
    }
}

fn wave(typed: &Typed, row: usize) -> Markup {
    let field = |name: &str| format!("wave-{row}-{name}");
    let (name, who, size) = (field("name"), field("who"), field("size"));
    html! {
        fieldset {
            legend { "Wave " (row.saturating_add(1)) }
            div.row {
                div { (typed.line(Line { name: &name, label: "Name", chars_max: 63, ..Line::default() })) }
                div { (typed.line(Line { name: &who, label: "Only those", chars_max: 1_024, list: "means", ..Line::default() })) }
                div { (typed.line(Line { name: &size, label: "How many: 5, 10%, all", chars_max: 12, ..Line::default() })) }
                div { (typed.count(&field("soak"), "Looked at for so many minutes", "")) }
                div { (typed.choice(&field("fail"), "When a gate does not hold", &[("rollback", "everything goes back"), ("pause", "nothing new begins")])) }
            }
            (typed.tick(&field("asks"), "A person lets the next wave begin"))
        }
    }
}

fn gates(typed: &Typed) -> Markup {
    html! {
        fieldset {
            legend { "Gates of every wave" }
            (typed.of_part("gates"))
            div.row { @for (name, label, hint) in GATES { div { (typed.count(name, label, hint)) } } }
        }
        @for row in 0..METRICS {
            @let field = |name: &str| format!("metric-{row}-{name}");
            @let (name, same) = (field("name"), field("same"));
            fieldset {
                legend { "Business metric " (row.saturating_add(1)) }
                div.row {
                    div { (typed.line(Line { name: &name, label: "Metric, such as basket-value", chars_max: 63, ..Line::default() })) }
                    div { (typed.choice(&field("worse"), "It gets worse when it is", &[("lower", "lower"), ("higher", "higher")])) }
                    div { (typed.choice(&field("scale"), "Stores are brought together", &[("relative", "each against its own past"), ("absolute", "as they are")])) }
                    div { (typed.count(&field("tolerance"), "So much worse is still well", "Thousandths of its past, or its own unit.")) }
                    div { (typed.count(&field("periods"), "Periods that are measured first", "")) }
                    div { (typed.count(&field("apart"), "Pasts differ by at most, in per cent", "")) }
                    div { (typed.line(Line { name: &same, label: "Labels that compared stores share", chars_max: 512, ..Line::default() })) }
                }
                (typed.tick(&field("show"), "It has to be shown that it is no worse"))
            }
        }
    }
}

/// `POST /write-rollout`.
pub(in crate::console) async fn write(
    act: Act,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Wrong> {
    let api = act.console.api();
    let published = api.artefacts.published().await.map_err(Problem::from)?;
    let names = draft::names(&api.database).await?;
    let mut typed = Typed::of(fields);
    match typed.get("do") {
        "find" => {}
        "more" => {
            let rows = draft::rows(&typed).saturating_add(ROWS_MORE).min(ROWS_MAX);
            typed.set("rows", rows.to_string());
        }
        _ => {
            let known = match api.database.rollout(typed.get("from")).await? {
                Some(kept) => kept.rollout.spec().set.clone(),
                None => ArtefactSet::new(),
            };
            if let Some(spec) = draft::read(&mut typed, &published, &known, &names) {
                let name = spec.rollout.to_string();
                // What was looked at is what is written over; there is none of the number 0.
                let seen = typed.get("counter").parse().unwrap_or(0);
                let over = (typed.get("over") == name).then_some(seen);
                match apply::draft(voice(api, act.who()), spec, over).await {
                    Ok(_) => return Ok(forms::done(&address(&name), "drafted")),
                    Err(error) => refused(&mut typed, error)?,
                }
            }
        }
    }
    let status = if typed.is_good() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let body = body(&act.caller, &typed, &published, &names);
    Ok(act.answer(status, &Page { title: "A rollout", here: "/rollouts", body }))
}

fn refused(typed: &mut Typed, error: ApplyError) -> Result<(), Wrong> {
    match error {
        ApplyError::Exists(_) | ApplyError::Begun { .. } => typed.fault("rollout", error.to_string()),
        ApplyError::Stale => typed.fault(
            "",
            "somebody has changed the draft meanwhile: open it again, and compare with what stands here",
        ),
        error => {
            let problem = Problem::from(error);
            if problem.status().is_server_error() {
                return Err(problem.into());
            }
            typed.fault("", say::cut(problem.detail(), 400));
        }
    }
    Ok(())
}
