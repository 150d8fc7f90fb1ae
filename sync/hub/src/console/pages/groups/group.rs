//! The form of a group: whom it means and what it says; looked at before it is written, as `aisle fleet apply --dry-run` does.

use super::{
    super::{
        forms::{self, form},
        says,
        typed::{Line, Typed, taking_away},
    },
    Looked, write_with,
};
use crate::{
    artefacts::slots::Published,
    console::{
        door::Caller,
        frame::Page,
        say,
        visit::{Act, Visit},
        wrong::Wrong,
    },
    database::{Database, fleet::WordKind},
    fleet::apply::{Kept, Place, remove},
    http::{Problem, fleet::voice},
};
use aisle_event::StoreId;
use aisle_fleet::{ArtefactSet, Document, Group, GroupName, Selector};
use axum::{Form, extract::Query, http::StatusCode, response::Response};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeSet;

/// A group that is longer than this, in bytes, is written as a file: its form would be longer than one may be.
const DOCUMENT_BYTES_MAX: usize = 12 << 10;
/// Where the form is.
pub(super) const ADDRESS: &str = "/groups/write";
/// The fields that errors name.
const FIELDS: [(&str, &str); 8] = [
    ("group", "name"),
    ("name", "name"),
    ("who", "who"),
    ("stores", "stores"),
    ("artefacts", "artefacts"),
    ("settings", "settings"),
    ("minimums", "minimums"),
    ("maintenance", "windows"),
];

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    /// The group to change; a new one, where it is empty.
    #[serde(default)]
    name: String,
}

/// `GET /groups/write?name=`.
pub(in crate::console) async fn form_of(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Wrong> {
    let published = visit.console.api().artefacts.published().await.map_err(Problem::from)?;
    let mut typed = Typed::default();
    typed.set("version", "0");
    typed.set("priority", "0");
    if !asked.name.is_empty() {
        let word = visit.database().fleet_word(WordKind::Group, &asked.name, "").await?;
        let word = word.ok_or_else(|| Wrong::NotFound("There is no such group.".into()))?;
        if word.document.len() > DOCUMENT_BYTES_MAX {
            let words = format!(
                "A form has no room for this group. `aisle fleet group show {} --json` and `aisle fleet apply` have.",
                word.name
            );
            return Err(Wrong::Malformed(words));
        }
        let group: Group = serde_json::from_str(&word.document).map_err(|_| Wrong::Failed)?;
        fill(&mut typed, &group);
        typed.set("version", word.version.to_string());
    }
    let body = body(&visit.caller, &typed, &published, None);
    Ok(visit.answer(&Page { title: "A group", here: "/groups", body }))
}

fn fill(typed: &mut Typed, group: &Group) {
    typed.set("name", group.name.as_str());
    typed.set("priority", group.priority.to_string());
    typed.set("who", group.who.as_ref().map(ToString::to_string).unwrap_or_default());
    let stores: Vec<&str> = group.stores.iter().map(StoreId::as_str).collect();
    typed.set("stores", stores.join("\n"));
    says::fill(typed, &group.says);
}

fn body(caller: &Caller, typed: &Typed, published: &[Published], looked: Option<&Looked>) -> Markup {
    let is_there = typed.get("version") != "0";
    html! {
        p.sub { a href="/groups" { "All groups" } }
        (typed.summary())
        @if let Some(looked) = looked { (looked.told()) }
        (form(caller, ADDRESS, &html! {
            (typed.hidden("version"))
            (typed.line(Line { name: "name", label: "Name", chars_max: 63, is_required: true, is_fixed: is_there, ..Line::default() }))
            (typed.count("priority", "Priority", "Where two groups say different things, the higher one counts."))
            (typed.line(Line { name: "who", label: "Whom it means", hint: "By labels: region=eu, size in (s,m), !pilot. Every node: *", chars_max: 1_024, ..Line::default() }))
            (typed.area("stores", "Stores besides, one on each line", ""))
            (says::artefact_fields(typed, published, "What nodes should run"))
            (says::other_fields(typed))
            div.buttons {
                button.primary type="submit" name="do" value="write" { "Write it" }
                button.quiet type="submit" name="do" value="look" { "Look first what would change" }
            }
        }))
        @if is_there {
            (taking_away(caller, "Take the group away", "/groups/delete", "What only it said is left as it is; another group's word counts then where there is one.", &[("name", typed.get("name"))]))
        }
    }
}

async fn known(database: &Database, name: &str) -> Result<ArtefactSet, Wrong> {
    let word = database.fleet_word(WordKind::Group, name, "").await?;
    let group: Option<Group> = word.and_then(|word| serde_json::from_str(&word.document).ok());
    Ok(group.map(|group| group.says.artefacts).unwrap_or_default())
}

fn read(typed: &mut Typed, published: &[Published], known: &ArtefactSet) -> Option<Group> {
    let (name, who) = (typed.get("name").to_owned(), typed.get("who").to_owned());
    let name = typed.read("name", GroupName::new(&name));
    let who = if who.is_empty() { None } else { typed.read("who", Selector::parse(&who)) };
    let priority = typed.number("priority", Some(0));
    let lines: Vec<String> = typed.lines("stores").map(str::to_owned).collect();
    let mut stores = BTreeSet::new();
    for line in lines {
        let store =
            StoreId::new(&line).map_err(|_| format!("`{}` is no name of a store", say::cut(&line, 64)));
        stores.extend(typed.read("stores", store));
    }
    let says = says::read(typed, published, known);
    let group = Group { name: name?, priority: priority?, who, stores, says };
    if typed.is_good()
        && let Err(error) = group.check()
    {
        let place = FIELDS.iter().find(|(known, _)| *known == error.field).map_or("", |(_, name)| name);
        typed.fault(place, error.to_string());
    }
    typed.is_good().then_some(group)
}

/// `POST /groups/write`.
pub(in crate::console) async fn write(
    act: Act,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Wrong> {
    let api = act.console.api();
    let published = api.artefacts.published().await.map_err(Problem::from)?;
    let mut typed = Typed::of(fields);
    let mut looked = None;
    if typed.get("do") != "find" {
        let known = known(&api.database, typed.get("name")).await?;
        if let Some(group) = read(&mut typed, &published, &known) {
            let document = Document::Group(group.clone());
            match write_with(&act, &mut typed, document, &Kept::Group(&group), &FIELDS).await? {
                Some(Looked::Written) => return Ok(forms::done("/groups", "written")),
                found => looked = found,
            }
        }
    }
    let status = if typed.is_good() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let body = body(&act.caller, &typed, &published, looked.as_ref());
    Ok(act.answer(status, &Page { title: "A group", here: "/groups", body }))
}

#[derive(Deserialize)]
pub(in crate::console) struct Named {
    #[serde(default)]
    name: String,
}

/// `POST /groups/delete`.
pub(in crate::console) async fn delete(act: Act, Form(named): Form<Named>) -> Result<Response, Wrong> {
    let place = Place { kind: WordKind::Group, name: named.name.trim(), part: "" };
    remove(voice(act.console.api(), act.who()), place).await.map_err(Problem::from)?;
    Ok(forms::done("/groups", "taken-away"))
}
