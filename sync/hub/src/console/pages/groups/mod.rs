//! Groups, saved filters and overrides: what people say the fleet is to be. Each has a form: [`group`], [`filter`], [`exception`].

pub(in crate::console) mod exception;
pub(in crate::console) mod filter;
pub(in crate::console) mod group;

use super::{
    forms::Done,
    parts::{
        LIST_BYTES_MAX, NAME_CHARS_MAX, REASON_CHARS_MAX, SHORT_BYTES_MAX, empty, fit, heading_id, pager,
        section, table,
    },
    typed::Typed,
};
use crate::{
    console::{
        frame::Page,
        say,
        visit::{Act, Visit},
        wrong::Wrong,
    },
    database::fleet::{Word, WordKind},
    fleet::apply::{self, Applied, ApplyError, Kept},
    http::{Problem, fleet::voice},
    people::role::Permission,
};
use aisle_fleet::{Document, Filter, Group, Override, Says};
use axum::{extract::Query, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

/// The most groups on a page.
const GROUPS_MAX: u32 = 50;
/// The most filters and overrides besides.
const OTHERS_MAX: u32 = 40;

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    /// The last group of the page before.
    #[serde(default)]
    after: String,
    /// The last filter of the page before.
    #[serde(default)]
    filter: String,
    /// The store, and the box where it is about one, of the last override of the page before.
    #[serde(default)]
    store: String,
    #[serde(default)]
    serial: String,
    #[serde(flatten)]
    done: Done,
}

/// What came of a form that was sent.
enum Looked {
    /// It is written.
    Written,
    /// It was only looked what would change.
    Would(Applied),
}

impl Looked {
    fn told(&self) -> Markup {
        let Self::Would(applied) = self else { return html! {} };
        html! {
            div.outcome.warn role="status" {
                p { "Nothing is written yet. " (say::count(applied.nodes, "node", "nodes")) " would be something else than now." }
                @if !applied.examples.is_empty() {
                    p.rest { "Such as" @for node in &applied.examples { " " (say::name(&node.to_string(), NAME_CHARS_MAX)) } "." }
                }
            }
        }
    }
}

/// Writes a word, or looks what it would change, as the button says that was used. What the rules have against it stands in the form then.
async fn write_with(
    act: &Act,
    typed: &mut Typed,
    document: Document,
    kept: &Kept<'_>,
    fields: &[(&str, &str)],
) -> Result<Option<Looked>, Wrong> {
    let voice = voice(act.console.api(), act.who());
    let done = if typed.get("do") == "look" {
        apply::apply(voice, vec![document], true).await.map(Looked::Would)
    } else {
        // What was looked at is what is written over; 0 is that there was none.
        let expected = typed.get("version").parse().unwrap_or(0);
        apply::put(voice, kept, Some(expected)).await.map(|_| Looked::Written)
    };
    match done {
        Ok(looked) => Ok(Some(looked)),
        Err(ApplyError::Stale) if typed.get("version") == "0" => {
            typed.fault(
                "",
                "there is one of this name already: change that one, or give this one another name",
            );
            Ok(None)
        }
        Err(ApplyError::Stale) => {
            typed.fault(
                "",
                "somebody has changed it meanwhile: open it again, and compare with what stands here",
            );
            Ok(None)
        }
        Err(error) => {
            let problem = Problem::from(error);
            if problem.status().is_server_error() {
                return Err(problem.into());
            }
            typed.told(&problem, fields);
            Ok(None)
        }
    }
}

/// Behind a word of a kind that has no parts: what comes behind all of its parts comes behind it.
fn behind(name: &str) -> (&str, &str) {
    if name.is_empty() { ("", "") } else { (name, "\u{10ffff}") }
}

/// `GET /groups?after=&filter=&store=&serial=`.
pub(in crate::console) async fn show(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Wrong> {
    let database = visit.database();
    let groups = database.fleet_words(WordKind::Group, behind(&asked.after), GROUPS_MAX + 1).await?;
    let filters = database.fleet_words(WordKind::Filter, behind(&asked.filter), OTHERS_MAX + 1).await?;
    let overrides =
        database.fleet_words(WordKind::Override, (&asked.store, &asked.serial), OTHERS_MAX + 1).await?;
    let page = groups.get(..groups.len().min(GROUPS_MAX as usize)).unwrap_or_default();
    let (rows, shown) = fit(page, LIST_BYTES_MAX / 2, |word| line(&visit, word));
    let next =
        last_of(&groups, page, shown).map(|last| format!("/groups?after={}", say::encoded(&last.name)));
    let columns = [
        ("", "Group"),
        ("number", "Priority"),
        ("", "Whom it means"),
        ("", "What it says"),
        ("number", "Since"),
    ];
    let inside = html! {
        @if page.is_empty() { (empty("There is no group.")) }
        @else { (table(&heading_id("groups"), &columns, &rows)) }
        (pager((!asked.after.is_empty()).then_some("/groups"), next.as_deref()))
    };
    let may = |permission| visit.may(permission);
    let body = html! {
        (asked.done.notice())
        p.hint { "Of two groups that say different things the one with the higher priority counts, a rollout counts more than a group, an override more than a rollout. A store's page says who decided." }
        div.buttons {
            @if may(Permission::DesiredWrite) { a.button href=(group::ADDRESS) { "A new group" } }
            @if may(Permission::StoreLabel) { a.button href=(filter::ADDRESS) { "A new filter" } }
        }
        (section("groups", "Groups", &inside))
        (section("filters", "Saved filters", &saved(&visit, &filters, !asked.filter.is_empty())))
        (section("overrides", "Overrides", &exceptions(&visit, &overrides, !asked.store.is_empty())))
    };
    Ok(visit.answer(&Page { title: "Groups", here: "/groups", body }))
}

/// What is said, in short.
fn said(says: &Says) -> Markup {
    html! {
        ul {
            @for (slot, want) in says.artefacts.iter().take(8) {
                li { (say::name(&slot.to_string(), NAME_CHARS_MAX)) " "
                    @match want.release() { Some(release) => (say::name(&release.version.to_string(), 32)), None => "is absent" } }
            }
            @if says.artefacts.len() > 8 { li.none { "and " (says.artefacts.len() - 8) " more" } }
            @for (slot, version) in says.minimums.iter().take(4) { li { (say::name(&slot.to_string(), NAME_CHARS_MAX)) " at least " (say::name(&version.to_string(), 32)) } }
            @if !says.settings.is_empty() { li { (say::count(says.settings.len() as u64, "setting", "settings")) } }
            @if says.maintenance.is_some() { li { "when something may be changed" } }
        }
    }
}

/// The name of a word, as a way to its form for who may write it.
fn called(visit: &Visit, permission: Permission, address: &str, name: &str) -> Markup {
    html! {
        @if visit.may(permission) { a href=(format!("{address}?name={}", say::encoded(name))) { (say::name(name, NAME_CHARS_MAX)) } }
        @else { (say::name(name, NAME_CHARS_MAX)) }
    }
}

fn line(visit: &Visit, word: &Word) -> Markup {
    let read: Option<Group> = serde_json::from_str(&word.document).ok();
    html! {
        tr {
            th scope="row" { (called(visit, Permission::DesiredWrite, group::ADDRESS, &word.name)) }
            @match &read {
                Some(group) => {
                    td.number { (say::number(group.priority)) }
                    td {
                        @if let Some(who) = &group.who { code.whole { (say::cut(&who.to_string(), 200)) } }
                        @if !group.stores.is_empty() { " " (say::count(group.stores.len() as u64, "store by name", "stores by name")) }
                    }
                    td { (said(&group.says)) }
                },
                None => td colspan="3" { span.none { "this build cannot read it" } },
            }
            td.number { (say::ago(visit.now_ms, word.at_ms)) }
        }
    }
}

/// The last one that a page has room for, where there are more.
fn last_of<'a>(all: &[Word], page: &'a [Word], shown: usize) -> Option<&'a Word> {
    if shown < all.len() { page.get(shown.saturating_sub(1)) } else { None }
}

fn saved(visit: &Visit, filters: &[Word], is_further: bool) -> Markup {
    let page = filters.get(..filters.len().min(OTHERS_MAX as usize)).unwrap_or_default();
    let columns = [("", "Filter"), ("", "Whom it means")];
    let (rows, shown) = fit(page, SHORT_BYTES_MAX, |word| {
        let who = serde_json::from_str::<Filter>(&word.document).map(|filter| filter.who.to_string());
        html! { tr { th scope="row" { (called(visit, Permission::StoreLabel, filter::ADDRESS, &word.name)) } td { code.whole { (say::cut(who.as_deref().unwrap_or("–"), 200)) } } } }
    });
    let next = last_of(filters, page, shown);
    let next = next.map(|last| format!("/groups?filter={}#filters", say::encoded(&last.name)));
    html! {
        @if page.is_empty() { (empty("None is saved.")) }
        @else { (table(&heading_id("filters"), &columns, &rows)) }
        (pager(is_further.then_some("/groups#filters"), next.as_deref()))
    }
}

fn exceptions(visit: &Visit, overrides: &[Word], is_further: bool) -> Markup {
    let page = overrides.get(..overrides.len().min(OTHERS_MAX as usize)).unwrap_or_default();
    let columns =
        [("", "Store"), ("", "Box"), ("", "Why"), ("", "What it says"), ("", "Until"), ("", "Change")];
    let may = visit.may(Permission::DesiredWrite);
    let (rows, shown) = fit(page, SHORT_BYTES_MAX, |word| {
        let read: Option<Override> = serde_json::from_str(&word.document).ok();
        html! {
            tr {
                th scope="row" { (say::store(&word.name)) }
                td { @if word.part.is_empty() { span.none { "all" } } @else { (say::name(&word.part, NAME_CHARS_MAX)) } }
                @match &read {
                    Some(read) => {
                        td { (say::name(&read.why, REASON_CHARS_MAX)) }
                        td { (said(&read.says)) }
                        td { @match read.until { Some(until) => (say::exact(until.0).get(..16).unwrap_or_default().replace('T', " ")), None => span.none { "no end" } } }
                    },
                    None => td colspan="3" { span.none { "this build cannot read it, since " (say::ago(visit.now_ms, word.at_ms)) } },
                }
                td { @if may { a href=(exception::address(&word.name, &word.part)) { "Change it" } } @else { span.none { "–" } } }
            }
        }
    });
    let next = last_of(overrides, page, shown).map(|last| {
        let (store, serial) = (say::encoded(&last.name), say::encoded(&last.part));
        format!("/groups?store={store}&serial={serial}#overrides")
    });
    html! {
        @if page.is_empty() { (empty("None. A store's page has the form for one.")) }
        @else { (table(&heading_id("overrides"), &columns, &rows)) }
        (pager(is_further.then_some("/groups#overrides"), next.as_deref()))
    }
}
