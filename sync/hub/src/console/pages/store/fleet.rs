//! What the rules of the fleet say of a store's nodes: what each should be and who decided it, what it says it is, why they differ, and what would hurt it first
//! if it stayed offline. And the store's labels.

use crate::{
    console::{
        frame::Page,
        pages::{
            devices,
            forms::{form, opened},
            groups::exception,
            parts::{
                NAME_CHARS_MAX, REASON_CHARS_MAX, SHORT_BYTES_MAX, empty, fit, heading_id, rest, state, table,
            },
            typed::{Line, Typed},
        },
        say,
        visit::{Act, Visit},
        wrong::Wrong,
    },
    database::fleet::{Word, WordKind},
    http::fleet::members::{MemberDetail, look, relabel},
};
use aisle_event::StoreId;
use aisle_fleet::{
    Override, Slot,
    report::{Asked, Phase, SlotReport},
};
use axum::{Form, extract::Path, http::StatusCode, response::Response};
use maud::{Markup, html};
use std::collections::{BTreeMap, BTreeSet};

/// The most nodes of a store that are looked at for its page.
const NODES_MAX: usize = 4;
/// The most reasons of a slot that are shown, the first first.
const REASONS_MAX: usize = 6;
/// The most dangers to a node that are shown: all that a node of this build tells of.
const DANGERS_MAX: usize = 12;

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
            (horizon(visit, found))
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

/// What would hurt it, the first first: what is left by now of what it told then.
fn horizon(visit: &Visit, found: &MemberDetail) -> Markup {
    let dangers = found.facts.as_ref().map(|facts| facts.horizon.as_slice()).unwrap_or_default();
    html! {
        p {
            b { "Alone it lasts: " }
            @match dangers.first() {
                None => span.none { "not known" },
                Some(first) => {
                    (danger(&first.what, first.days))
                    @for next in dangers.iter().skip(1).take(DANGERS_MAX - 1) { ", then " (danger(&next.what, next.days)) }
                    span.rest { ", by what it told " (say::ago(visit.now_ms, found.member.reported_at_ms)) }
                },
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
                (label_fields(&Typed::default()))
            }))
        }
    }
}

fn label_fields(typed: &Typed) -> Markup {
    html! {
        (typed.line(Line { name: "key", label: "Label", chars_max: 64, is_required: true, ..Line::default() }))
        (typed.line(Line { name: "value", label: "Value", hint: "Empty takes the label away.", chars_max: 64, ..Line::default() }))
        button.primary type="submit" { "Set it" }
    }
}

/// The most overrides of a store on its page.
const OVERRIDES_MAX: u32 = 8;

/// What holds for this store alone, and the way to the form of it.
pub(super) async fn overrides(visit: &Visit, store: &StoreId, may: bool) -> Result<Markup, Wrong> {
    let database = visit.database();
    let whole = database.fleet_word(WordKind::Override, store.as_str(), "").await?;
    let boxes = database.fleet_words(WordKind::Override, (store.as_str(), ""), OVERRIDES_MAX).await?;
    let words: Vec<Word> =
        whole.into_iter().chain(boxes.into_iter().filter(|word| word.name == store.as_str())).collect();
    let has_whole = words.first().is_some_and(|word| word.part.is_empty());
    Ok(html! {
        @if words.is_empty() { (empty("None: groups and rollouts say what it should be.")) }
        @else {
            ul.plain-list {
                @for word in &words {
                    @let one: Option<Override> = serde_json::from_str(&word.document).ok();
                    li {
                        @if word.part.is_empty() { "All boxes" } @else { (say::name(&word.part, NAME_CHARS_MAX)) }
                        ": " (say::name(one.as_ref().map_or("this build cannot read it", |one| one.why.as_str()), REASON_CHARS_MAX)) " "
                        @if may { a href=(exception::address(store.as_str(), &word.part)) { "Change it" } }
                    }
                }
            }
        }
        @if may && !has_whole { p { a.button href=(exception::address(store.as_str(), "")) { "Write an override" } } }
    })
}

/// `POST /stores/{store}/labels`.
pub(in crate::console) async fn set_label(
    act: Act,
    Path(store): Path<String>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Wrong> {
    let mut typed = Typed::of(fields);
    let (key, value) = (typed.get("key").to_owned(), typed.get("value").to_owned());
    let (mut set, mut remove) = (BTreeMap::new(), Vec::new());
    if value.is_empty() {
        remove.push(key);
    } else {
        set.insert(key, value);
    }
    let problem = match relabel(act.console.api(), act.who(), &store, &set, &remove).await {
        Ok(_) => return Ok(crate::console::door::see_other(&say::store_address(&store))),
        Err(problem) if problem.status() == StatusCode::BAD_REQUEST => problem,
        Err(problem) => return Err(problem.into()),
    };
    typed.told(&problem, &[("set", "key")]);
    let address = say::store_address(&store);
    let body = html! {
        p.sub { "Of the store " (say::store(&store)) }
        (typed.summary())
        (form(&act.caller, &format!("{address}/labels"), &label_fields(&typed)))
    };
    Ok(act.answer(StatusCode::BAD_REQUEST, &Page { title: "A label", here: "/", body }))
}
