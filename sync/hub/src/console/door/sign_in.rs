//! The page that asks who somebody is: name and password, the identity provider where there is one, and the hub's token for whoever runs it.
//!
//! A form like any other: no script is needed. A sign-in makes a new session whatever the browser came with (session fixation), and what is wrong is said
//! in the same words for every name. Not here: what a sign-in is ([`crate::people::sign_in`]).

use super::{
    Caller, SET_UP, SIGN_IN, not_ours, own_place, pass, refuse_foreign, retry_after, see_other, set_cookie,
};
use crate::{
    console::{
        Console,
        frame::{self, Page},
        say,
        wrong::Wrong,
    },
    http::{session, site::Cookie},
    people::{
        password::{HashError, Password},
        sign_in::SignInError,
        who::{Origin, Way},
    },
};
use axum::{
    Extension, Form,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize)]
pub(in crate::console) struct Return {
    #[serde(rename = "return", default)]
    place: String,
}

#[derive(Deserialize)]
pub(in crate::console) struct Fields {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    /// The hub's token, in the other form.
    #[serde(default)]
    token: Option<String>,
    #[serde(rename = "return", default)]
    place: String,
}

/// Which form somebody filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Person,
    Machine,
}

/// What was wrong, and with which form.
struct Fault<'a> {
    of: Asked,
    words: &'a str,
}

/// `GET /sign-in`.
pub(in crate::console) async fn show(
    State(console): State<Console>,
    headers: HeaderMap,
    Query(asked): Query<Return>,
) -> Result<Response, Wrong> {
    let place = own_place(&asked.place);
    // What could not work is said before somebody types a password.
    let words = if console.api().site.own(&headers).is_none() { not_ours(&console, &headers) } else { None };
    let fault = words.map(|words| Fault { of: Asked::Person, words });
    page(&console, StatusCode::OK, place, fault.as_ref()).await
}

/// `POST /sign-in`.
pub(in crate::console) async fn sign_in(
    State(console): State<Console>,
    Extension(from): Extension<Origin>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, Wrong> {
    let place = own_place(&fields.place);
    let of = if fields.token.is_some() { Asked::Machine } else { Asked::Person };
    if let Some(words) = refuse_foreign(&console, &headers, &from, SIGN_IN).await? {
        return page(&console, StatusCode::FORBIDDEN, place, Some(&Fault { of, words })).await;
    }
    let let_in = match &fields.token {
        Some(token) => by_token(&console, token.trim(), &from, &headers, place).await,
        None => by_password(&console, &fields, &from, &headers, place).await,
    };
    let error = match let_in {
        Ok(response) => return Ok(response),
        Err(error) => error,
    };
    let (status, words) = match (&error, of) {
        (SignInError::Wrong, Asked::Machine) => {
            (StatusCode::UNAUTHORIZED, "That is not this hub's token.".to_owned())
        }
        (SignInError::Wrong, Asked::Person) => {
            (StatusCode::UNAUTHORIZED, "The name or the password is not right.".to_owned())
        }
        (SignInError::Blocked { wait_ms }, _) => (StatusCode::TOO_MANY_REQUESTS, blocked(*wait_ms)),
        (SignInError::Hash(HashError::Busy), _) => {
            (StatusCode::SERVICE_UNAVAILABLE, "Too many passwords are being checked. Try again.".to_owned())
        }
        _ => return Err(error.into()),
    };
    let mut response = page(&console, status, place, Some(&Fault { of, words: &words })).await?;
    if let SignInError::Blocked { wait_ms } = error {
        retry_after(&mut response, wait_ms);
    }
    Ok(response)
}

/// How long to wait, in words.
pub(in crate::console) fn blocked(wait_ms: i64) -> String {
    format!(
        "Too many passwords were wrong. The next try counts in {}.",
        say::length(wait_ms.saturating_add(999) / 1_000 * 1_000)
    )
}

async fn by_password(
    console: &Console,
    fields: &Fields,
    from: &Origin,
    headers: &HeaderMap,
    place: &str,
) -> Result<Response, SignInError> {
    let api = console.api();
    let password = Password::given(&fields.password);
    let done = api.people.sign_in(&fields.name, &password, from, api.now_ms()).await?;
    session::end_session_before(api, headers, from).await?;
    let mut response = see_other(place);
    session::with_session(api, &done, &mut response);
    set_cookie(console, &mut response, Cookie::Machine, "", 0);
    Ok(response)
}

async fn by_token(
    console: &Console,
    token: &str,
    from: &Origin,
    headers: &HeaderMap,
    place: &str,
) -> Result<Response, SignInError> {
    let api = console.api();
    let now_ms = api.now_ms();
    api.people.sign_in_machine(api.token.is(token), from, now_ms).await?;
    session::end_session_before(api, headers, from).await?;
    let pass = pass::make(&api.token, (now_ms / 1_000).saturating_add(pass::VALID_S));
    let mut response = see_other(place);
    set_cookie(console, &mut response, Cookie::Session, "", 0);
    set_cookie(console, &mut response, Cookie::Machine, &pass, pass::VALID_S);
    Ok(response)
}

/// `POST /sign-out`.
pub(in crate::console) async fn sign_out(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Wrong> {
    let (api, who) = (console.api(), &caller.who);
    if let Way::Session { id, .. } = &who.way {
        api.people.end_session(who, id, api.now_ms()).await?;
    }
    let mut response = see_other(SIGN_IN);
    set_cookie(&console, &mut response, Cookie::Session, "", 0);
    set_cookie(&console, &mut response, Cookie::Machine, "", 0);
    Ok(response)
}

async fn page(
    console: &Console,
    status: StatusCode,
    place: &str,
    fault: Option<&Fault<'_>>,
) -> Result<Response, Wrong> {
    let api = console.api();
    let is_empty = api.database.people("", 1).await?.is_empty();
    let words_of = |of| fault.filter(|fault| fault.of == of).map(|fault| fault.words);
    let (person, machine) = (words_of(Asked::Person), words_of(Asked::Machine));
    let body = html! {
        div.door {
            @if is_empty {
                p.hint { "Nobody is known at this hub yet. " code { "aisle-hub person add NAME --role admin" } " on its machine gives the first one a code, with which they "
                    a href=(SET_UP) { "choose a password" } "." }
            }
            @if let Some(words) = person { p.outcome.bad #fault role="alert" { (words) } }
            form.card action=(SIGN_IN) method="post" {
                input type="hidden" name="return" value=(place);
                label for="name" { "Name" }
                input #name name="name" type="text" autocomplete="username" required maxlength="256" autocapitalize="none" spellcheck="false"
                    aria-invalid=[person.map(|_| "true")] aria-describedby=[person.map(|_| "fault")];
                label for="password" { "Password" }
                input #password name="password" type="password" autocomplete="current-password" required maxlength="1024"
                    aria-invalid=[person.map(|_| "true")] aria-describedby=[person.map(|_| "fault")];
                button.primary type="submit" { "Sign in" }
            }
            ul.ways {
                @if api.oidc.is_some() {
                    li { a.button href={ "/v1/oidc/start?to=" (say::encoded(place)) } { "Sign in with the chain's account" } }
                }
                li { a href=(SET_UP) { "You were given a code: choose a password" } }
            }
            (of_machine(place, machine, is_empty))
        }
    };
    Ok(frame::bare(console, status, &Page { title: "Sign in", here: "", body }))
}

fn of_machine(place: &str, fault: Option<&str>, is_empty: bool) -> Markup {
    html! {
        details.help open[fault.is_some() || is_empty] {
            summary { "You run this hub's machine" }
            p.hint {
                "The hub's token stands in the file that " code { "http.token_file" } " of its configuration names, "
                code { "data/hub.token" } " where it says nothing else. It opens every page for an hour."
            }
            @if let Some(words) = fault { p.outcome.bad #fault role="alert" { (words) } }
            form.card action=(SIGN_IN) method="post" {
                input type="hidden" name="return" value=(place);
                label for="token" { "The hub's token" }
                input #token name="token" type="password" autocomplete="off" required maxlength="1024"
                    aria-invalid=[fault.map(|_| "true")] aria-describedby=[fault.map(|_| "fault")];
                button type="submit" { "Come in by the token" }
            }
        }
    }
}
