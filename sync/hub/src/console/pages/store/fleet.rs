//! What the rules of the fleet say of a store's nodes: what each should be and who decided it, what it says it is, why they differ, and what would hurt it first
//! if it stayed offline. And the store's labels.

use crate::{
    console::{
        pages::{
            devices,
            forms::opened,
            parts::{
                NAME_CHARS_MAX, REASON_CHARS_MAX, SHORT_BYTES_MAX, empty, fit, heading_id, rest, state, table,
            },
        },
        say,
        visit::{Act, Visit},
        wrong::Wrong,
    },
    http::fleet::members::{MemberDetail, look, relabel},
};
use aisle_fleet::{
    Slot,
    report::{Asked, Phase, SlotReport},
};
use axum::{Form, extract::Path, response::Response};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The most nodes of a store that are looked at for its page.
const NODES_MAX: usize = 4;
/// The most reasons of a slot that are shown, the first first.
const REASONS_MAX: usize = 6;

/// Nodes as the rules see them.
pub(super) async fn part(visit: &Visit, store: &str, nodes: &[String]) -> Result<Markup, Wrong> {
    let mut parts = Vec::new();
    for node in nodes.iter().take(NODES_MAX) {
        if let Some(found) = look(visit.console.api(), store, node).await? {
            parts.push((node, found));
        }
    }
    Ok(html! {
        @if parts.is_empty() { (empty("The rules of the fleet do not know a node of this store.")) }
        @for (node, found) in &parts { (member(visit, node, found)) }
        (rest(nodes.len(), nodes.len().min(NODES_MAX)))
    })
}

fn member(visit: &Visit, node: &str, found: &MemberDetail) -> Markup {
    let class = match found.member.phase.as_str() {
        "settled" => "good",
        "drifting" => "bad",
        "converging" => "calm",
        _ => "warn",
    };
    html! {
        div.member {
            h3 { (say::name(node, NAME_CHARS_MAX)) " " (state(class, found.member.phase.as_str()))
                @if let Some(version) = &found.member.version { " " span.rest { "Aisle " (say::cut(version, 32)) } } }
            p.rest {
                @match &found.desired.stamp {
                    Some(stamp) => { "Was given version " (say::number(stamp.version)) @if found.is_told { " and goes by it." } @else { " and does not go by it yet." } },
                    None => "Was given nothing yet.",
                }
                " Said how it stands " (say::ago(visit.now_ms, found.member.reported_at_ms)) "."
            }
            (horizon(found))
            (slots(node, found))
            (settings(found))
            (devices::of_node(visit, node, &found.devices))
        }
    }
}

/// Whether it goes by its settings, and why not.
fn settings(found: &MemberDetail) -> Markup {
    let report = found.reported.as_ref().map(|reported| &reported.settings);
    let Some(report) = report.filter(|settings| settings.wanted.is_some()) else { return html! {} };
    let is_applied = report.wanted == report.applied;
    html! {
        p {
            b { "Its settings: " }
            @if is_applied { (state("good", "in force")) } @else { (state("warn", "not all in force")) }
        }
        @if !report.reasons.is_empty() {
            ol.reasons { @for reason in report.reasons.iter().take(REASONS_MAX) { li { (say::cut(&reason.to_string(), REASON_CHARS_MAX)) } } }
        }
    }
}

/// What would hurt it, the first first.
fn horizon(found: &MemberDetail) -> Markup {
    let mut dangers = found.facts.as_ref().map(|facts| facts.horizon.clone()).unwrap_or_default();
    dangers.sort_by(|a, b| a.days.total_cmp(&b.days));
    html! {
        p {
            b { "Alone it lasts: " }
            @match dangers.first() {
                None => span.none { "not known" },
                Some(first) => { (danger(&first.what, first.days)) @for next in dangers.iter().skip(1).take(7) { ", then " (danger(&next.what, next.days)) } },
            }
        }
    }
}

fn danger(what: &str, days: f64) -> Markup {
    let class = if days < 3.0 {
        "bad"
    } else if days < 14.0 {
        "warn"
    } else {
        "good"
    };
    // A number that a node made up is a number still.
    let days = days.clamp(0.0, 36_500.0);
    html! { (state(class, &format!("{days:.1} days"))) " until " (say::name(what, 48)) }
}

fn slots(node: &str, found: &MemberDetail) -> Markup {
    let id = format!("slots-{}", blake3::hash(node.as_bytes()).to_hex().get(..8).unwrap_or_default());
    let reported = found.reported.as_ref().map(|reported| &reported.slots);
    let names: BTreeSet<&Slot> =
        found.desired.state.slots.keys().chain(reported.into_iter().flat_map(BTreeMap::keys)).collect();
    let mut rows: Vec<(&Slot, Option<&SlotReport>)> =
        names.into_iter().map(|slot| (slot, reported.and_then(|slots| slots.get(slot)))).collect();
    // What wants somebody comes first.
    rows.sort_by_key(|(_, slot)| match slot {
        Some(slot) if slot.phase == Phase::Refused => 0,
        Some(slot) if slot.is_drift() => 1,
        None => 2,
        Some(slot) if !matches!(slot.phase, Phase::Settled | Phase::Left) => 3,
        Some(_) => 4,
    });
    let (html, shown) = fit(&rows, SHORT_BYTES_MAX, |(slot, report)| line(found, slot, *report));
    let columns = [
        ("", "Slot"),
        ("", "Desired"),
        ("", "Reported"),
        ("", "How far"),
        ("", "Why, the first first"),
        ("", "Who decided"),
    ];
    html! {
        @if rows.is_empty() { (empty("Nobody says what it should hold.")) }
        @else {
            p.hidden id=(heading_id(&id)) { "Slots of " (say::cut(node, NAME_CHARS_MAX)) }
            (table(&heading_id(&id), &columns, &html))
            (rest(rows.len(), shown))
        }
    }
}

fn line(found: &MemberDetail, slot: &Slot, report: Option<&SlotReport>) -> Markup {
    let wanted = found.desired.state.slots.get(slot).map(|wanted| &wanted.want);
    let told = found.desired.why.get(slot).map(|why| why.told(slot));
    let class = match report.map(|report| report.phase) {
        Some(Phase::Settled) => "good",
        Some(Phase::Refused | Phase::Reverting) => "bad",
        Some(Phase::Left) => "none",
        Some(_) => "calm",
        None => "warn",
    };
    html! {
        tr {
            th scope="row" { (say::name(&slot.to_string(), NAME_CHARS_MAX)) }
            td {
                @match wanted.map(|want| want.release()) {
                    Some(Some(release)) => (say::name(&release.version.to_string(), 32)),
                    Some(None) => "nothing",
                    None => span.none { "nobody says" },
                }
                @if let Some(Some(Asked::Release(asked))) = report.map(|report| &report.wanted) {
                    @let is_other = wanted.and_then(|want| want.release()).is_some_and(|release| release.hash != asked.hash);
                    @if is_other { div.rest { "it goes by " (say::name(&asked.version.to_string(), 32)) } }
                }
            }
            td {
                @match report.and_then(|report| report.running.as_ref()) {
                    Some(running) => (say::name(&running.version.to_string(), 32)),
                    None => span.none { "nothing" },
                }
                @if report.is_some_and(SlotReport::is_drift) { " " (state("bad", "drift")) }
            }
            td { (state(class, report.map_or("said nothing", |report| report.phase.as_str()))) }
            td {
                @match report.filter(|report| !report.reasons.is_empty()) {
                    Some(report) => { ol.reasons { @for reason in report.reasons.iter().take(REASONS_MAX) { li { (say::cut(&reason.to_string(), REASON_CHARS_MAX)) } } } },
                    None => span.none { "–" },
                }
            }
            td { @match told { Some(told) => (say::name(&told, REASON_CHARS_MAX)), None => span.none { "–" } } }
        }
    }
}

/// The labels of a store, and how they are changed by who may.
pub(super) fn labels(visit: &Visit, store: &str, labels: &[(String, String)], may: bool) -> Markup {
    html! {
        @if labels.is_empty() { (empty("None. Groups and rollouts call stores by their labels.")) }
        @else { div.things { @for (key, value) in labels.iter().take(64) { code { (say::cut(key, 64)) "=" (say::cut(value, 64)) } } } }
        @if may {
            (opened(&visit.caller, "Change a label", &format!("{}/labels", say::store_address(store)), &html! {
                label for="label-key" { "Label" }
                input #label-key name="key" type="text" maxlength="64" required autocomplete="off" spellcheck="false";
                label for="label-value" { "Value " span.none { "(empty takes the label away)" } }
                input #label-value name="value" type="text" maxlength="64" autocomplete="off" spellcheck="false";
                button.primary type="submit" { "Set it" }
            }))
        }
    }
}

#[derive(Deserialize)]
pub(in crate::console) struct Label {
    #[serde(default)]
    key: String,
    #[serde(default)]
    value: String,
}

/// `POST /stores/{store}/labels`.
pub(in crate::console) async fn set_label(
    act: Act,
    Path(store): Path<String>,
    Form(label): Form<Label>,
) -> Result<Response, Wrong> {
    let (key, value) = (label.key.trim().to_owned(), label.value.trim().to_owned());
    let (mut set, mut remove) = (BTreeMap::new(), Vec::new());
    if value.is_empty() {
        remove.push(key);
    } else {
        set.insert(key, value);
    }
    relabel(act.console.api(), act.who(), &store, &set, &remove).await?;
    Ok(crate::console::door::see_other(&say::store_address(&store)))
}
