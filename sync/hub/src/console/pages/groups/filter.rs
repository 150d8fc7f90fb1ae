//! The form of a saved filter: a selector with a name.

use super::{
    super::{
        forms::{self, form},
        typed::{Line, Typed, taking_away},
    },
    Looked, write_with,
};
use crate::{
    console::{
        door::Caller,
        frame::Page,
        visit::{Act, Visit},
        wrong::Wrong,
    },
    database::fleet::WordKind,
    fleet::apply::{Kept, Place, remove},
    http::{Problem, fleet::voice},
};
use aisle_fleet::{Document, Filter, FilterName, Selector};
use axum::{Form, extract::Query, http::StatusCode, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

/// Where the form is.
pub(super) const ADDRESS: &str = "/filters/write";
/// The fields that errors name.
const FIELDS: [(&str, &str); 3] = [("filter", "name"), ("name", "name"), ("who", "who")];

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    /// The filter to change; a new one, where it is empty.
    #[serde(default)]
    name: String,
}

/// `GET /filters/write?name=`.
pub(in crate::console) async fn form_of(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Wrong> {
    let mut typed = Typed::default();
    typed.set("version", "0");
    if !asked.name.is_empty() {
        let word = visit.database().fleet_word(WordKind::Filter, &asked.name, "").await?;
        let word = word.ok_or_else(|| Wrong::NotFound("There is no such filter.".into()))?;
        let filter: Filter = serde_json::from_str(&word.document).map_err(|_| Wrong::Failed)?;
        typed.set("name", filter.name.as_str());
        typed.set("who", filter.who.to_string());
        typed.set("version", word.version.to_string());
    }
    let body = body(&visit.caller, &typed);
    Ok(visit.answer(&Page { title: "A saved filter", here: "/groups", body }))
}

fn body(caller: &Caller, typed: &Typed) -> Markup {
    let is_there = typed.get("version") != "0";
    html! {
        p.sub { a href="/groups" { "All filters" } }
        (typed.summary())
        (form(caller, ADDRESS, &html! {
            (typed.hidden("version"))
            (typed.line(Line { name: "name", label: "Name", hint: "A rollout's waves mean it by @ and its name.", chars_max: 63, is_required: true, is_fixed: is_there, ..Line::default() }))
            (typed.line(Line { name: "who", label: "Whom it means", hint: "By labels: region=eu, size in (s,m), !pilot. Every node: *", chars_max: 1_024, is_required: true, ..Line::default() }))
            button.primary type="submit" { "Save it" }
        }))
        @if is_there {
            (taking_away(caller, "Take the filter away", "/filters/delete", "Nothing changes by that for any store.", &[("name", typed.get("name"))]))
        }
    }
}

/// `POST /filters/write`.
pub(in crate::console) async fn write(
    act: Act,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Wrong> {
    let mut typed = Typed::of(fields);
    let (name, who) = (typed.get("name").to_owned(), typed.get("who").to_owned());
    let (name, who) = (typed.read("name", FilterName::new(&name)), typed.read("who", Selector::parse(&who)));
    if let (Some(name), Some(who)) = (name, who) {
        let filter = Filter { name, who };
        let document = Document::Filter(filter.clone());
        if let Some(Looked::Written) =
            write_with(&act, &mut typed, document, &Kept::Filter(&filter), &FIELDS).await?
        {
            return Ok(forms::done("/groups", "written"));
        }
    }
    let body = body(&act.caller, &typed);
    Ok(act.answer(StatusCode::BAD_REQUEST, &Page { title: "A saved filter", here: "/groups", body }))
}

#[derive(Deserialize)]
pub(in crate::console) struct Named {
    #[serde(default)]
    name: String,
}

/// `POST /filters/delete`.
pub(in crate::console) async fn delete(act: Act, Form(named): Form<Named>) -> Result<Response, Wrong> {
    let place = Place { kind: WordKind::Filter, name: named.name.trim(), part: "" };
    remove(voice(act.console.api(), act.who()), place).await.map_err(Problem::from)?;
    Ok(forms::done("/groups", "taken-away"))
}
