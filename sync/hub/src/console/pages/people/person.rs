//! One person: roles, whether they may come, their sessions and tokens; and what an admin does about them.

use super::{address, grants, roles_field, standing, things, with_code};
use crate::{
    console::{
        frame::Page,
        pages::{
            forms::{self, Done, Line, form, opened},
            parts::{facts, heading_id, section},
        },
        say,
        visit::{Act, Visit},
        wrong::Wrong,
    },
    http::Problem,
    people::{
        person::{Change, NAME_CHARS_MAX, Person},
        role::Permission,
    },
};
use axum::{
    Form,
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use maud::{Markup, html};
use serde::Deserialize;

fn unknown() -> Wrong {
    Wrong::NotFound("There is no such person.".into())
}

/// `GET /people/{person}`.
pub(in crate::console) async fn show(
    visit: Visit,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response, Wrong> {
    let database = visit.database();
    let person = database.person(&id).await?.ok_or_else(unknown)?;
    let (sessions, tokens) = (database.sessions_of(&id).await?, database.tokens(Some(&id)).await?);
    let may = visit.may(Permission::PeopleManage);
    let place = address(&person.id);
    let at = may.then_some(place.as_str());
    let body = html! {
        (done.notice())
        (section("about", "What is known", &about(&visit, &person)))
        @if may { (acts(&visit, &person)) }
        (section("sessions", "Sessions", &things::sessions(&visit, &sessions, at)))
        (section("tokens", "Tokens", &things::tokens(&visit, &tokens, at)))
    };
    Ok(visit.answer(&Page { title: &person.name, here: "/people", body }))
}

fn about(visit: &Visit, person: &Person) -> Markup {
    facts(&[
        ("Id", html! { code { (say::cut(&person.id, 40)) } }),
        ("State", standing(person)),
        ("Roles", html! {
            @if person.grants.is_empty() { span.none { "none" } }
            div.things { @for role in person.roles() { code { (say::cut(&role, 140)) } } }
        }),
        ("At the identity provider", person.subject.as_ref().map_or_else(|| html! { span.none { "–" } }, |subject| say::name(subject, 80))),
        ("Code to choose a password", person.setup_until_ms.map_or_else(
            || html! { span.none { "none" } },
            |until| html! { "good until " (say::exact(until).get(..16).unwrap_or_default().replace('T', " ")) " UTC" },
        )),
        ("Signed in", say::ago(visit.now_ms, person.signed_in_at_ms)),
        ("Added", say::ago(visit.now_ms, person.created_at_ms)),
        ("What they did", html! { a href=(format!("/audit?actor={}", say::encoded(&person.id))) { "In the audit log" } }),
    ])
}

fn acts(visit: &Visit, person: &Person) -> Markup {
    let place = address(&person.id);
    let version = html! { input type="hidden" name="version" value=(person.version); };
    let (name, word, hint) = if person.is_disabled {
        ("Let them come again", "enable", "With the roles that they have.")
    } else {
        (
            "Do not let them come",
            "disable",
            "Their sessions end at once, and their tokens are good for nothing meanwhile.",
        )
    };
    html! {
        section #acts aria-labelledby=(heading_id("acts")) {
            h2 id=(heading_id("acts")) { "Change" }
            (form(&visit.caller, &place, &html! {
                (version)
                (Line { id: "name", name: "name", label: "Name", value: &person.name, chars_max: NAME_CHARS_MAX, is_required: true }.field())
                (roles_field("roles", &person.roles()))
                button.primary type="submit" { "Change name and roles" }
            }))
            (opened(&visit.caller, name, &format!("{place}/{word}"), &html! { (version) p.hint { (hint) } button type="submit" { (name) } }))
            (opened(&visit.caller, "Have them choose another password", &format!("{place}/reset"), &html! {
                p.hint { "Takes their password, their sessions and their tokens away, and makes a code." }
                button type="submit" { "Take them away and show a code" }
            }))
        }
    }
}

#[derive(Deserialize)]
pub(in crate::console) struct Edited {
    #[serde(default)]
    name: String,
    #[serde(default)]
    roles: String,
    /// What was looked at.
    version: i64,
}

/// `POST /people/{person}`.
pub(in crate::console) async fn change(
    act: Act,
    Path(id): Path<String>,
    Form(edited): Form<Edited>,
) -> Result<Response, Wrong> {
    let change = Change {
        name: Some(edited.name.trim().to_owned()),
        grants: Some(grants(&edited.roles)?),
        is_disabled: None,
    };
    changed(&act, &id, edited.version, &change).await?;
    Ok(forms::done(&address(&id), "changed"))
}

async fn changed(act: &Act, id: &str, version: i64, change: &Change) -> Result<(), Wrong> {
    let people = &act.console.api().people;
    match people.change(act.who(), id, Some(version), change, act.now_ms).await.map_err(Problem::from) {
        Ok(_) => Ok(()),
        // The words for programs speak of their headers.
        Err(problem) if problem.status() == StatusCode::PRECONDITION_FAILED => Err(Wrong::Told {
            status: StatusCode::CONFLICT,
            title: "Somebody was faster",
            detail: "This person was changed since you looked at them. Look again; nothing was done.".into(),
            retry_after_s: None,
        }),
        Err(problem) => Err(problem.into()),
    }
}

#[derive(Deserialize)]
pub(in crate::console) struct Version {
    version: i64,
}

/// `POST /people/{person}/disable`.
pub(in crate::console) async fn disable(
    act: Act,
    Path(id): Path<String>,
    Form(seen): Form<Version>,
) -> Result<Response, Wrong> {
    let change = Change { is_disabled: Some(true), ..Change::default() };
    changed(&act, &id, seen.version, &change).await?;
    Ok(forms::done(&address(&id), "disabled"))
}

/// `POST /people/{person}/enable`.
pub(in crate::console) async fn enable(
    act: Act,
    Path(id): Path<String>,
    Form(seen): Form<Version>,
) -> Result<Response, Wrong> {
    let change = Change { is_disabled: Some(false), ..Change::default() };
    changed(&act, &id, seen.version, &change).await?;
    Ok(forms::done(&address(&id), "enabled"))
}

/// `POST /people/{person}/reset`.
pub(in crate::console) async fn reset(act: Act, Path(id): Path<String>) -> Result<Response, Wrong> {
    let api = act.console.api();
    let code = api.people.reset(act.who(), &id, act.now_ms).await.map_err(Problem::from)?;
    let person = api.database.person(&id).await?.ok_or_else(unknown)?;
    Ok(with_code(&act.console, &act.caller, StatusCode::OK, &person, code.reveal()))
}

/// `POST /people/{person}/sessions/{session}/end`.
pub(in crate::console) async fn end_session(
    act: Act,
    Path((id, session)): Path<(String, String)>,
) -> Result<Response, Wrong> {
    let people = &act.console.api().people;
    if !people.end_session_of(act.who(), &id, &session, act.now_ms).await? {
        return Err(Wrong::NotFound("There is no such session any more.".into()));
    }
    Ok(forms::done(&address(&id), "ended"))
}

/// `POST /people/{person}/tokens/{token}/revoke`.
pub(in crate::console) async fn revoke(
    act: Act,
    Path((id, token)): Path<(String, String)>,
) -> Result<Response, Wrong> {
    let people = &act.console.api().people;
    if !people.revoke_token(act.who(), Some(&id), &token, act.now_ms).await? {
        return Err(Wrong::NotFound("There is no such token that is good.".into()));
    }
    Ok(forms::done(&address(&id), "revoked"))
}
