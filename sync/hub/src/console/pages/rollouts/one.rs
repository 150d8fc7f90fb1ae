//! One rollout: how far it is, its waves with their gates, why nodes failed, what can be said to it, what happened.
//!
//! What is shown is the view that the rules make of it; a node's own words are behind it, page by page. Not here: when a gate holds (`aisle_fleet`).

use super::{address, picture, rehearsal, standing, verbs};
use crate::{
    console::{
        frame::Page,
        pages::{
            devices,
            forms::Done,
            parts::{
                LIST_BYTES_MAX, NAME_CHARS_MAX, REASON_CHARS_MAX, SHORT_BYTES_MAX, empty, facts, fit,
                heading_id, pager, rest, section, state, table,
            },
        },
        say,
        visit::Visit,
        wrong::Wrong,
    },
    database::fleet::{EventRow, KeptRollout},
    fleet::{ahead::Found, devices::tallies, rehearse},
};
use aisle_fleet::{
    NodeId,
    gate::Verdict,
    preflight::{FindingGroup, Severity},
    rollout::{CauseGroup, Progress, RolloutView, Status, WaveView},
};
use axum::{
    extract::{Path, Query},
    response::Response,
};
use maud::{Markup, html};
use serde::Deserialize;

/// The most entries of what happened on the page.
const EVENTS_MAX: u32 = 40;
/// The most nodes on a page of them.
const NODES_MAX: usize = 100;

#[derive(Deserialize)]
pub(in crate::console) struct Since {
    /// What happened before this entry.
    before: Option<i64>,
}

/// `GET /rollouts/{rollout}?before=`.
pub(in crate::console) async fn show(
    visit: Visit,
    Path(name): Path<String>,
    Query(done): Query<Done>,
    Query(Since { before }): Query<Since>,
) -> Result<Response, Wrong> {
    let kept = kept(&visit, &name).await?;
    let view = kept.rollout.view();
    let events = visit.database().rollout_events(&name, before.unwrap_or(i64::MAX), EVENTS_MAX + 1).await?;
    let rehearsed = rehearse::view(visit.database(), &name).await?;
    let devices = tallies(visit.database(), &kept.rollout).await?;
    let body = html! {
        (done.notice())
        (section("about", "How far it is", &about(&visit, &kept, &view)))
        @if !devices.is_empty() { (section("devices", "What became of it at devices", &devices::of_rollout(&devices))) }
        (verbs::acts(&visit, &name, &kept, &view))
        (section("waves", "Waves and their gates", &waves(&visit, &view)))
        (section("causes", "Why nodes failed", &causes(&name, &view.causes)))
        @if let Ok(found) = serde_json::from_str::<Found>(&kept.preflight) {
            (section("preflight", "What the preflight found", &preflight(&found)))
        }
        @if let Some(rehearsed) = &rehearsed {
            (section("rehearsal", "What a rehearsal found", &rehearsal::shown(&visit, rehearsed)))
        }
        (section("history", "What happened", &history(&visit, &events, &address(&name), before.is_some())))
    };
    Ok(visit.answer(&Page { title: &say::cut(&name, 80), here: "/rollouts", body }))
}

async fn kept(visit: &Visit, name: &str) -> Result<KeptRollout, Wrong> {
    let unknown = || Wrong::NotFound("There is no such rollout.".into());
    visit.database().rollout(name).await?.ok_or_else(unknown)
}

fn about(visit: &Visit, kept: &KeptRollout, view: &RolloutView) -> Markup {
    let spec = kept.rollout.spec();
    html! {
        p.sub { (say::name(&view.why, 500)) }
        (picture::bar(&view.tally))
        p.legend { (picture::words(&view.tally)) }
        (facts(&[
            ("How far", standing(&view.phase)),
            ("Wave", html! { (say::number(view.current.saturating_add(1).min(view.waves.len()) as u64)) " of " (say::number(view.waves.len() as u64)) }),
            ("Written by", html! { (say::name(&kept.author_name, NAME_CHARS_MAX)) ", " (say::ago(visit.now_ms, kept.made_at_ms)) }),
            ("Approved by", html! {
                (say::number(view.approvals.len() as u64)) " of " (say::number(view.approvals_needed)) " that it wants"
                @for by in view.approvals.iter().take(8) { " " code { (say::cut(by, 40)) } }
            }),
            ("Whom it means", html! { code.whole { (say::cut(&spec.who.to_string(), 240)) } }),
            ("What they get", html! {
                ul { @for (slot, want) in spec.set.iter().take(16) {
                    li { (say::name(&slot.to_string(), NAME_CHARS_MAX)) " "
                        @match want.release() { Some(release) => (say::name(&release.version.to_string(), 32)), None => "is taken away" } }
                } }
            }),
            ("Taken out", html! {
                @if kept.rollout.excluded().is_empty() { span.none { "no store" } }
                @else { (say::count(kept.rollout.excluded().len() as u64, "store", "stores")) }
            }),
            ("Changed", say::ago(visit.now_ms, kept.moved_at_ms)),
            ("Node by node", html! { a href=(format!("{}/nodes", address(view.rollout.as_str()))) { "All nodes" } }),
        ]))
    }
}

fn waves(visit: &Visit, view: &RolloutView) -> Markup {
    let (lines, shown) = fit(&view.waves, LIST_BYTES_MAX / 2, |wave| wave_of(visit, view, wave));
    html! { ol.waves { (lines) } (rest(view.waves.len(), shown)) }
}

fn wave_of(visit: &Visit, view: &RolloutView, wave: &WaveView) -> Markup {
    let is_now =
        view.waves.get(view.current).is_some_and(|now| now.name == wave.name) && wave.started_at.is_some();
    html! {
        li.card {
            h3 {
                (say::name(wave.name.as_str(), NAME_CHARS_MAX)) " "
                @match (wave.ended_at, wave.started_at) {
                    (Some(ended), _) => { (state("good", "through")) " " (say::ago(visit.now_ms, ended.0)) },
                    (None, Some(started)) => { (state(if is_now { "warn" } else { "calm" }, "begun")) " " (say::ago(visit.now_ms, started.0)) },
                    (None, None) => (state("none", "not begun")),
                }
            }
            (picture::bar(&wave.tally))
            p.legend { (picture::words(&wave.tally)) }
            @if !wave.checks.is_empty() {
                ul.gates {
                    @for check in &wave.checks {
                        @let (class, word) = verdict(check.verdict);
                        li { (state(class, word)) " " b { (say::cut(&check.gate.to_string(), 48)) } " " span { (say::cut(&check.text, REASON_CHARS_MAX)) } }
                    }
                }
            }
        }
    }
}

const fn verdict(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Pass => ("good", "holds"),
        Verdict::Wait => ("calm", "not yet"),
        Verdict::Fail => ("bad", "does not hold"),
        Verdict::NotJudged => ("none", "not judged"),
    }
}

fn causes(name: &str, causes: &[CauseGroup]) -> Markup {
    let columns = [("number", "Nodes"), ("", "What"), ("", "Cause"), ("", "Some of them")];
    let (rows, shown) = fit(causes, SHORT_BYTES_MAX, |group| {
        html! {
            tr {
                th.number scope="row" { (say::number(group.count)) }
                @match &group.cause {
                    Some(cause) => {
                        td { (say::name(&cause.slot.to_string(), NAME_CHARS_MAX)) }
                        td { (state("bad", &say::cut(&cause.code, 40))) " " (say::name(&cause.text, REASON_CHARS_MAX)) }
                    },
                    None => { td { span.none { "–" } } td { "other causes" } },
                }
                td { div.things { @for node in &group.examples { (say::store(node.store.as_str())) } } }
            }
        }
    });
    html! {
        @if causes.is_empty() { (empty("No node has failed.")) }
        @else {
            (table(&heading_id("causes"), &columns, &rows)) (rest(causes.len(), shown))
            p { a.button href=(format!("{}/nodes?status=failed", address(name))) { "All that failed" } }
        }
    }
}

fn preflight(found: &Found) -> Markup {
    let (reached, compared) = (found.fleet, found.compared);
    html! {
        (facts(&[
            ("The fleet", html! { (say::count(reached, "node", "nodes")) }),
            ("In its waves", html! { (say::count(found.preflight.nodes, "node", "nodes")) }),
            ("Nothing against it", html! { (say::count(found.preflight.clear, "node", "nodes")) }),
            ("Would not do it", html! {
                @if found.preflight.failing > 0 { (state("bad", &say::count(found.preflight.failing, "node", "nodes"))) } @else { (state("good", "none")) }
            }),
            ("Compared with", html! { (say::count(compared, "node", "nodes")) " in no wave" }),
            ("Persons besides its author", html! { (say::number(found.approvals)) }),
            ("Not at this hub", html! {
                @if found.missing.is_empty() { (state("good", "nothing is missing")) }
                @else { (state("bad", "missing")) ul { @for missing in found.missing.iter().take(16) { li { (say::name(missing, 80)) } } } }
            }),
            ("Refused", html! {
                @match &found.preflight.refusal { Some(why) => { (state("bad", "yes")) " " (say::name(&why.to_string(), REASON_CHARS_MAX)) }, None => (state("good", "no")) }
            }),
        ]))
        (findings(&found.preflight.groups))
    }
}

/// Who would not do it, who would wait, and why.
fn findings(groups: &[FindingGroup]) -> Markup {
    let columns = [("number", "Nodes"), ("", "They"), ("", "What"), ("", "Why"), ("", "Some of them")];
    let (rows, shown) = fit(groups, SHORT_BYTES_MAX, |group| {
        let (class, word) = match group.severity {
            Severity::Fails => ("bad", "would not do it"),
            Severity::Waits => ("warn", "would wait"),
            Severity::Note => ("calm", "are told of"),
        };
        html! {
            tr {
                th.number scope="row" { (say::number(group.count)) }
                td { (state(class, word)) }
                td { @match &group.slot { Some(slot) => (say::name(&slot.to_string(), NAME_CHARS_MAX)), None => span.none { "the node" } } }
                td { (say::name(&group.reason.to_string(), REASON_CHARS_MAX)) " " code { (say::cut(group.reason.code(), 40)) } }
                td { div.things { @for node in &group.examples { (say::store(node.store.as_str())) } } }
            }
        }
    });
    html! {
        @if groups.is_empty() { (empty("Nothing speaks against it at any node.")) }
        @else { (table(&heading_id("preflight"), &columns, &rows)) (rest(groups.len(), shown)) }
    }
}

fn history(visit: &Visit, events: &[EventRow], address: &str, is_further: bool) -> Markup {
    let page = events.get(..events.len().min(EVENTS_MAX as usize)).unwrap_or_default();
    let columns = [("number", "When"), ("", "Who"), ("", "What"), ("", "More")];
    let (rows, shown) = fit(page, SHORT_BYTES_MAX, |event| {
        html! {
            tr {
                td.number { (say::ago(visit.now_ms, event.at_ms)) }
                td { (say::name(&event.actor_name, NAME_CHARS_MAX)) }
                th scope="row" { (say::cut(&event.what, 40)) }
                td { @if event.detail.is_empty() || event.detail == "null" { span.none { "–" } } @else { code.whole { (say::cut(&event.detail, 240)) } } }
            }
        }
    });
    let first = is_further.then(|| format!("{address}#history"));
    let last = (shown < events.len()).then(|| page.get(shown.saturating_sub(1))).flatten();
    let next = last.map(|last| format!("{address}?before={}#history", last.number));
    html! {
        @if page.is_empty() { (empty("Nothing yet.")) }
        @else { (table(&heading_id("history"), &columns, &rows)) }
        (pager(first.as_deref(), next.as_deref()))
    }
}

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    #[serde(default)]
    status: String,
    /// The last one of the page before.
    #[serde(default)]
    after: String,
}

/// Every way in which a node can stand.
const STATUSES: [(Status, &str); 8] = [
    (Status::Failed, "failed"),
    (Status::Working, "working"),
    (Status::Given, "given"),
    (Status::Live, "live"),
    (Status::Passed, "passed"),
    (Status::Waiting, "waiting"),
    (Status::Excluded, "excluded"),
    (Status::Back, "back"),
];

/// `GET /rollouts/{rollout}/nodes?status=&after=`.
pub(in crate::console) async fn nodes(
    visit: Visit,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Wrong> {
    let kept = kept(&visit, &name).await?;
    let wanted = STATUSES.iter().find(|(_, word)| *word == asked.status).map(|(status, _)| *status);
    if wanted.is_none() && !asked.status.is_empty() {
        return Err(Wrong::Malformed("`status` is none that a node of a rollout has".into()));
    }
    let after =
        Some(asked.after.as_str()).filter(|after| !after.is_empty()).map(str::parse::<NodeId>).transpose();
    let after = after.map_err(|_| Wrong::Malformed("`after` is no place in this list".into()))?;
    let is_asked = |node: &NodeId, progress: &Progress| {
        after.as_ref().is_none_or(|after| node > after)
            && wanted.is_none_or(|wanted| progress.status == wanted)
    };
    let found: Vec<(&NodeId, &Progress)> = kept
        .rollout
        .nodes()
        .iter()
        .filter(|(node, progress)| is_asked(node, progress))
        .take(NODES_MAX + 1)
        .collect();
    let page = found.get(..found.len().min(NODES_MAX)).unwrap_or_default();
    let (rows, shown) = fit(page, LIST_BYTES_MAX, |(node, progress)| node_of(&visit, &kept, node, progress));
    let base = format!("{}/nodes", address(&name));
    let first =
        if asked.status.is_empty() { base.clone() } else { format!("{base}?status={}", asked.status) };
    let joint = if asked.status.is_empty() { '?' } else { '&' };
    let next = (shown < found.len()).then(|| page.get(shown.saturating_sub(1))).flatten();
    let next = next.map(|(node, _)| format!("{first}{joint}after={}", say::encoded(&node.to_string())));
    let columns =
        [("", "Store"), ("", "Node"), ("", "Wave"), ("", "Stands"), ("", "Why"), ("number", "Heard of")];
    let inside = html! {
        @if page.is_empty() { (empty("No node stands so.")) } @else { (table(&heading_id("nodes"), &columns, &rows)) }
        (pager(after.as_ref().map(|_| first.as_str()), next.as_deref()))
    };
    let body = html! {
        p.sub { "Of " a href=(address(&name)) { bdi { (say::cut(&name, 80)) } } }
        nav.tabs aria-label="Nodes that stand so" {
            a href=(base) aria-current=[asked.status.is_empty().then_some("page")] { "All" }
            @for (_, word) in STATUSES { a href=(format!("{base}?status={word}")) aria-current=[(asked.status == word).then_some("page")] { (word) } }
        }
        (section("nodes", "By store", &inside))
    };
    Ok(visit.answer(&Page { title: "Nodes of a rollout", here: "/rollouts", body }))
}

fn node_of(visit: &Visit, kept: &KeptRollout, node: &NodeId, progress: &Progress) -> Markup {
    let word = STATUSES.iter().find(|(status, _)| *status == progress.status).map_or("", |(_, word)| *word);
    let class = match progress.status {
        Status::Passed | Status::Live => "good",
        Status::Failed => "bad",
        Status::Given | Status::Working => "calm",
        Status::Waiting | Status::Excluded | Status::Back => "none",
    };
    let wave = kept.rollout.spec().waves.get(usize::from(progress.wave));
    let cause = kept.rollout.cause(node).map(|cause| format!("{}: {}", cause.code, cause.text));
    html! {
        tr {
            th scope="row" { (say::store(node.store.as_str())) }
            td { (say::name(node.serial.as_str(), NAME_CHARS_MAX)) }
            td { (say::name(wave.map_or("", |wave| wave.name.as_str()), NAME_CHARS_MAX)) }
            td { (state(class, word)) }
            td {
                @match cause.as_ref().or(progress.waits.as_ref()) {
                    Some(why) => (say::name(why, REASON_CHARS_MAX)),
                    None => span.none { "–" },
                }
            }
            td.number { (say::ago(visit.now_ms, progress.seen_at.map_or(0, |at| at.0))) }
        }
    }
}
