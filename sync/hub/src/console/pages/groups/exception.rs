//! The form of an override: what holds for one store, or for one box in it, whatever groups and rollouts say; with a reason, and perhaps an end.

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
use aisle_event::{StoreId, Timestamp};
use aisle_fleet::{ArtefactSet, Document, Override, Serial};
use axum::{
    Form,
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use maud::{Markup, html};
use serde::Deserialize;

/// The fields that errors name.
const FIELDS: [(&str, &str); 8] = [
    ("store", ""),
    ("serial", "serial"),
    ("why", "why"),
    ("until", "until"),
    ("artefacts", "artefacts"),
    ("settings", "settings"),
    ("minimums", "minimums"),
    ("maintenance", "windows"),
];

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    /// The box; all of them, where it is empty.
    #[serde(default)]
    serial: String,
}

/// Where the form for a store is.
pub(in crate::console::pages) fn address(store: &str, serial: &str) -> String {
    let base = format!("{}/override", say::store_address(store));
    if serial.is_empty() { base } else { format!("{base}?serial={}", say::encoded(serial)) }
}

/// `GET /stores/{store}/override?serial=`.
pub(in crate::console) async fn form_of(
    visit: Visit,
    Path(text): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Wrong> {
    let store = visit.store(&text).await?;
    let published = visit.console.api().artefacts.published().await.map_err(Problem::from)?;
    let mut typed = Typed::default();
    typed.set("version", "0");
    typed.set("serial", asked.serial.as_str());
    if let Some(word) = visit.database().fleet_word(WordKind::Override, store.as_str(), &asked.serial).await?
    {
        let one: Override = serde_json::from_str(&word.document).map_err(|_| Wrong::Failed)?;
        typed.set("why", one.why.as_str());
        let until =
            one.until.map(|until| say::exact(until.0).get(..16).unwrap_or_default().replace('T', " "));
        typed.set("until", until.unwrap_or_default());
        says::fill(&mut typed, &one.says);
        typed.set("version", word.version.to_string());
    }
    let body = body(&visit.caller, &store, &typed, &published, None);
    Ok(visit.answer(&Page { title: "An override", here: "/groups", body }))
}

fn body(
    caller: &Caller,
    store: &StoreId,
    typed: &Typed,
    published: &[Published],
    looked: Option<&Looked>,
) -> Markup {
    let is_there = typed.get("version") != "0";
    let base = address(store.as_str(), "");
    html! {
        p.sub { "Of the store " (say::store(store.as_str())) }
        (typed.summary())
        @if let Some(looked) = looked { (looked.told()) }
        (form(caller, &base, &html! {
            (typed.hidden("version"))
            (typed.line(Line { name: "serial", label: "Only for the box with this serial", chars_max: 63, is_fixed: is_there, ..Line::default() }))
            (typed.line(Line { name: "why", label: "Why", hint: "For whoever wonders later.", chars_max: 400, is_required: true, ..Line::default() }))
            (typed.line(Line { name: "until", label: "Until, in UTC", hint: "Such as 2026-12-24 18:00; without an end where it is empty.", chars_max: 32, ..Line::default() }))
            (says::artefact_fields(typed, published, "What it should run"))
            (says::other_fields(typed))
            div.buttons {
                button.primary type="submit" name="do" value="write" { "Write it" }
                button.quiet type="submit" name="do" value="look" { "Look first what would change" }
            }
        }))
        @if is_there {
            (taking_away(caller, "Take the override away", &format!("{base}/delete"), "What groups and rollouts say counts again.", &[("serial", typed.get("serial"))]))
        }
    }
}

async fn known(database: &Database, store: &StoreId, serial: &str) -> Result<ArtefactSet, Wrong> {
    let word = database.fleet_word(WordKind::Override, store.as_str(), serial).await?;
    let one: Option<Override> = word.and_then(|word| serde_json::from_str(&word.document).ok());
    Ok(one.map(|one| one.says.artefacts).unwrap_or_default())
}

/// A time to the minute as it stands in the field, or as RFC 3339 writes it.
fn until(text: &str) -> Result<Timestamp, String> {
    let whole = if text.len() == 16 { format!("{}:00Z", text.replace(' ', "T")) } else { text.to_owned() };
    let read: Result<jiff::Timestamp, _> = whole.parse();
    let read =
        read.map_err(|_| format!("`{}` is no time: write it as 2026-12-24 18:00", say::cut(text, 40)))?;
    Ok(Timestamp(read.as_millisecond()))
}

fn read(typed: &mut Typed, store: StoreId, published: &[Published], known: &ArtefactSet) -> Option<Override> {
    let (serial, end) = (typed.get("serial").to_owned(), typed.get("until").to_owned());
    let serial = if serial.is_empty() { None } else { typed.read("serial", Serial::new(&serial)) };
    let until = if end.is_empty() { None } else { typed.read("until", until(&end)) };
    let why = typed.get("why").to_owned();
    let says = says::read(typed, published, known);
    let one = Override { store, serial, why, until, says };
    if typed.is_good()
        && let Err(error) = one.check()
    {
        let place = FIELDS.iter().find(|(known, _)| *known == error.field).map_or("", |(_, name)| name);
        typed.fault(place, error.to_string());
    }
    typed.is_good().then_some(one)
}

/// `POST /stores/{store}/override`.
pub(in crate::console) async fn write(
    act: Act,
    Path(text): Path<String>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Wrong> {
    let api = act.console.api();
    let store = StoreId::new(&text).map_err(|_| Wrong::NotFound("No store has this name.".into()))?;
    let published = api.artefacts.published().await.map_err(Problem::from)?;
    let mut typed = Typed::of(fields);
    let mut looked = None;
    if typed.get("do") != "find" {
        let known = known(&api.database, &store, typed.get("serial")).await?;
        if let Some(one) = read(&mut typed, store.clone(), &published, &known) {
            let document = Document::Override(one.clone());
            match write_with(&act, &mut typed, document, &Kept::Override(&one), &FIELDS).await? {
                Some(Looked::Written) => {
                    return Ok(forms::done(&say::store_address(store.as_str()), "written"));
                }
                found => looked = found,
            }
        }
    }
    let status = if typed.is_good() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let body = body(&act.caller, &store, &typed, &published, looked.as_ref());
    Ok(act.answer(status, &Page { title: "An override", here: "/groups", body }))
}

#[derive(Deserialize)]
pub(in crate::console) struct Named {
    #[serde(default)]
    serial: String,
}

/// `POST /stores/{store}/override/delete`.
pub(in crate::console) async fn delete(
    act: Act,
    Path(store): Path<String>,
    Form(named): Form<Named>,
) -> Result<Response, Wrong> {
    let place = Place { kind: WordKind::Override, name: &store, part: named.serial.trim() };
    remove(voice(act.console.api(), act.who()), place).await.map_err(Problem::from)?;
    Ok(forms::done(&say::store_address(&store), "taken-away"))
}
