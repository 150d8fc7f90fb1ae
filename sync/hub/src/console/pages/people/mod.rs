//! People: who is known, with which roles, and adding one. One of them is in [`person`], oneself in [`me`].

pub(in crate::console) mod me;
pub(in crate::console) mod person;
mod things;

use super::{
    forms::{Line, form},
    parts::{LIST_BYTES_MAX, NAME_CHARS_MAX, empty, fit, heading_id, pager, section, state, table},
};
use crate::{
    console::{
        Console,
        door::{Caller, SET_UP},
        frame::{self, Page},
        say,
        visit::{Act, Visit},
        wrong::Wrong,
    },
    http::Problem,
    people::{
        person::{GRANTS_MAX, NAME_CHARS_MAX as PERSON_CHARS_MAX, Person},
        role::{Grant, Permission, Role},
    },
};
use axum::{Form, extract::Query, http::StatusCode, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

/// The most people on a page.
const PEOPLE_MAX: u32 = 50;
/// The most of somebody's roles that a list shows.
const GRANTS_SHOWN_MAX: usize = 6;

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    /// The last name of the page before.
    #[serde(default)]
    after: String,
}

/// `GET /people?after=`.
pub(in crate::console) async fn list(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Wrong> {
    let rows = visit.database().people(&asked.after, PEOPLE_MAX + 1).await?;
    let page = rows.get(..rows.len().min(PEOPLE_MAX as usize)).unwrap_or_default();
    let (html, shown) = fit(page, LIST_BYTES_MAX, |row| line(&visit, row));
    let next = (shown < rows.len()).then(|| page.get(shown.saturating_sub(1))).flatten();
    let next = next.map(|last| format!("/people?after={}", say::encoded(&last.name)));
    let inside = html! {
        @if shown == 0 { (empty("There are no further people.")) } @else { (table(&heading_id("people"), &COLUMNS, &html)) }
        (pager((!asked.after.is_empty()).then_some("/people"), next.as_deref()))
    };
    let body = html! {
        @if visit.may(Permission::PeopleManage) { (add_form(&visit.caller)) }
        (section("people", "By name", &inside))
        (table_of_roles())
    };
    Ok(visit.answer(&Page { title: "People", here: "/people", body }))
}

const COLUMNS: [(&str, &str); 5] =
    [("", "Name"), ("", "Roles"), ("", "State"), ("number", "Signed in"), ("number", "Added")];

fn line(visit: &Visit, person: &Person) -> Markup {
    html! {
        tr {
            th scope="row" { a href=(address(&person.id)) { bdi { (say::cut(&person.name, NAME_CHARS_MAX)) } } }
            td {
                div.things {
                    @for role in person.roles().iter().take(GRANTS_SHOWN_MAX) { code { (say::cut(role, 60)) } }
                    @if person.grants.len() > GRANTS_SHOWN_MAX { span.none { "and " (person.grants.len() - GRANTS_SHOWN_MAX) " more" } }
                    @if person.grants.is_empty() { span.none { "none" } }
                }
            }
            td { (standing(person)) }
            td.number { (say::ago(visit.now_ms, person.signed_in_at_ms)) }
            td.number { (say::ago(visit.now_ms, person.created_at_ms)) }
        }
    }
}

/// Where a person's page is.
fn address(id: &str) -> String {
    format!("/people/{}", say::encoded(id))
}

fn standing(person: &Person) -> Markup {
    match person {
        Person { is_disabled: true, .. } => state("bad", "may not come"),
        Person { has_password: false, subject: None, .. } => state("warn", "has no password yet"),
        Person { subject: Some(_), .. } => state("good", "comes from the identity provider"),
        _ => state("good", "may come"),
    }
}

fn add_form(caller: &Caller) -> Markup {
    html! {
        section #add aria-labelledby=(heading_id("add")) {
            h2 id=(heading_id("add")) { "A new person" }
            (form(caller, "/people", &html! {
                (Line { id: "name", name: "name", label: "Name", value: "", chars_max: PERSON_CHARS_MAX, is_required: true }.field())
                (roles_field("roles", &[]))
                button.primary type="submit" { "Add them and show their code" }
            }))
        }
    }
}

/// Roles, one on each line.
fn roles_field(id: &str, roles: &[String]) -> Markup {
    let about = format!("{id}-about");
    html! {
        label for=(id) { "Roles, one on each line" }
        textarea id=(id) name="roles" rows=(roles.len().clamp(2, 8)) spellcheck="false" aria-describedby=(about) { (roles.join("\n")) }
        p.hint id=(about) {
            @for role in Role::ALL { code { (role) } " " }
            "; behind it where it is bounded: " code { "operator@region:eu" } ", " code { "viewer@label:country=de" } "."
        }
    }
}

/// The roles of a field.
fn grants(text: &str) -> Result<Vec<Grant>, Wrong> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.len() > GRANTS_MAX {
        return Err(Wrong::Malformed(format!("Nobody has more than {GRANTS_MAX} roles.")));
    }
    let grants = lines.into_iter().map(str::parse::<Grant>).collect::<Result<Vec<_>, _>>();
    grants.map_err(|error| Wrong::Malformed(error.to_string().replace("\nhint: ", ". There are: ")))
}

#[derive(Deserialize)]
pub(in crate::console) struct New {
    #[serde(default)]
    name: String,
    #[serde(default)]
    roles: String,
}

/// `POST /people`. The answer is the only page that ever has the code.
pub(in crate::console) async fn add(act: Act, Form(new): Form<New>) -> Result<Response, Wrong> {
    let people = &act.console.api().people;
    let grants = grants(&new.roles)?;
    let (person, code) =
        people.add(act.who(), new.name.trim(), grants, act.now_ms).await.map_err(Problem::from)?;
    Ok(with_code(&act.console, &act.caller, StatusCode::CREATED, &person, code.reveal()))
}

/// The page that shows a code, once.
fn with_code(
    console: &Console,
    caller: &Caller,
    status: StatusCode,
    person: &Person,
    code: &str,
) -> Response {
    let until = person.setup_until_ms.unwrap_or_default();
    let body = html! {
        p.outcome.warn role="status" { "This is shown once. Give it to them, and to nobody else." }
        p.key { code.whole { (code) } }
        p { (say::name(&person.name, PERSON_CHARS_MAX)) " opens " code { (SET_UP) } " of this hub, gives the code, and chooses a password that nobody else knows. It is good until "
            (say::exact(until).get(..16).unwrap_or_default().replace('T', " ")) " UTC." }
        p { a.button href=(address(&person.id)) { "To their page" } }
    };
    frame::still(console, caller, status, &Page { title: "A code for a person", here: "/people", body })
}

/// Which role may what: the one table.
fn table_of_roles() -> Markup {
    html! {
        details.help {
            summary { "Which role may what" }
            div.scroll role="group" tabindex="0" aria-label="Which role may what" {
                table {
                    thead { tr { th scope="col" { "Right" } th scope="col" { "What it is" } @for role in Role::ALL { th scope="col" { (role) } } } }
                    tbody {
                        @for permission in Permission::ALL {
                            tr {
                                th scope="row" { code { (permission) } }
                                td { (permission.words().trim()) }
                                @for role in Role::ALL { td { @if role.may(*permission) { "yes" } @else { span.none { "–" } } } }
                            }
                        }
                    }
                }
            }
        }
    }
}
