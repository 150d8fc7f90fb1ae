//! Oneself: roles, one's password, sessions and tokens.

use super::things;
use crate::{
    console::{
        door::blocked,
        frame::Page,
        pages::{
            forms::{self, Done, Line, form},
            parts::{facts, heading_id, section},
        },
        say,
        visit::{Act, Visit},
        wrong::Wrong,
    },
    http::{Problem, session},
    people::{
        password::Password,
        role::Permission,
        sign_in::SignInError,
        tokens::{DAYS_MAX, NewToken},
        who::Way,
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

/// Where it is.
const PLACE: &str = "/me";

/// `GET /me`.
pub(in crate::console) async fn show(visit: Visit, Query(done): Query<Done>) -> Result<Response, Wrong> {
    let (who, database) = (visit.who(), visit.database());
    let (sessions, tokens) = (database.sessions_of(&who.id).await?, database.tokens(Some(&who.id)).await?);
    let has_session = matches!(who.way, Way::Session { .. });
    let at = has_session.then_some(PLACE);
    let about = facts(&[
        ("Name", say::name(&who.name, 64)),
        (
            "Roles",
            html! {
                @if who.grants.is_empty() { span.none { "none" } }
                div.things { @for grant in &who.grants { code { (say::cut(&grant.to_string(), 140)) } } }
            },
        ),
        ("Came by", html! { (who.way.as_str()) ", from " (say::name(&who.address, 48)) }),
    ]);
    let body = html! {
        (done.notice())
        (section("about", "Who you are here", &about))
        @if has_session {
            (password_form(&visit))
            (section("sessions", "Your sessions", &things::sessions(&visit, &sessions, at)))
            (section("tokens", "Your tokens", &things::tokens(&visit, &tokens, at)))
            (token_form(&visit))
        } @else {
            p.empty { "You run this hub's machine, and are no person here: passwords, sessions and tokens are of people." }
        }
    };
    Ok(visit.answer(&Page { title: "You", here: PLACE, body }))
}

fn password_form(visit: &Visit) -> Markup {
    html! {
        section #password-part aria-labelledby=(heading_id("password-part")) {
            h2 id=(heading_id("password-part")) { "Your password" }
            (form(&visit.caller, "/me/password", &html! {
                label for="old" { "Until now" }
                input #old name="old" type="password" autocomplete="current-password" required maxlength="1024";
                label for="new" { "From now on, at least 12 characters" }
                input #new name="new" type="password" autocomplete="new-password" required minlength="12" maxlength="1024";
                label for="again" { "The same again" }
                input #again name="again" type="password" autocomplete="new-password" required maxlength="1024";
                button.primary type="submit" { "Change it; all your other sessions end" }
            }))
        }
    }
}

fn token_form(visit: &Visit) -> Markup {
    let may: Vec<Permission> = visit.who().permissions().collect();
    html! {
        section #token-part aria-labelledby=(heading_id("token-part")) {
            h2 id=(heading_id("token-part")) { "A new token for a program" }
            (form(&visit.caller, "/me/tokens", &html! {
                (Line { id: "token-name", name: "name", label: "What it is for", value: "", chars_max: 64, is_required: true }.field())
                label for="token-days" { "Good for so many days" }
                input #token-days name="days" type="number" min="1" max=(DAYS_MAX) value="30" required inputmode="numeric";
                fieldset {
                    legend { "What it may" }
                    div.ticks {
                        @for permission in &may {
                            @let id = format!("may-{}", permission.as_str().replace('.', "-"));
                            div.tick { input id=(id) name="may" type="checkbox" value=(permission); label for=(id) { code { (permission) } } }
                        }
                    }
                }
                button type="submit" { "Make it and show it" }
            }))
        }
    }
}

#[derive(Deserialize)]
pub(in crate::console) struct NewPassword {
    #[serde(default)]
    old: String,
    #[serde(default)]
    new: String,
    #[serde(default)]
    again: String,
}

/// `POST /me/password`.
pub(in crate::console) async fn change_password(
    act: Act,
    Form(given): Form<NewPassword>,
) -> Result<Response, Wrong> {
    let told = |status, detail: String| Wrong::Told {
        status,
        title: "Your password is as it was",
        detail,
        retry_after_s: None,
    };
    if given.new != given.again {
        return Err(told(StatusCode::BAD_REQUEST, "The two new passwords are not the same.".into()));
    }
    let api = act.console.api();
    let old = Password::given(&given.old);
    let done = match api.people.change_password(act.who(), &old, &given.new, &act.from, act.now_ms).await {
        Ok(done) => done,
        Err(SignInError::Wrong) => {
            return Err(told(StatusCode::BAD_REQUEST, "The password until now is not right.".into()));
        }
        Err(SignInError::Blocked { wait_ms }) => {
            return Err(told(StatusCode::TOO_MANY_REQUESTS, blocked(wait_ms)));
        }
        Err(SignInError::Password(error)) => {
            return Err(told(StatusCode::BAD_REQUEST, format!("The new password {error}.")));
        }
        Err(error) => return Err(error.into()),
    };
    let mut response = forms::done(PLACE, "password");
    session::with_session(api, &done, &mut response);
    Ok(response)
}

/// `POST /me/sessions/{session}/end`.
pub(in crate::console) async fn end_session(
    act: Act,
    Path(session): Path<String>,
) -> Result<Response, Wrong> {
    if !act.console.api().people.end_session(act.who(), &session, act.now_ms).await? {
        return Err(Wrong::NotFound("You have no such session any more.".into()));
    }
    Ok(forms::done(PLACE, "ended"))
}

/// `POST /me/tokens`. The answer is the only page that ever has the token.
pub(in crate::console) async fn make_token(
    act: Act,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Wrong> {
    let api = act.console.api();
    let of =
        |name: &str| fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim());
    let permissions = fields.iter().filter(|(name, _)| name == "may").map(|(_, value)| value.parse());
    let permissions = permissions.collect::<Result<Vec<Permission>, _>>();
    let permissions = permissions.map_err(|error| Wrong::Malformed(error.to_string()))?;
    let days = of("days").parse().map_err(|_| Wrong::Malformed("The days are a number.".into()))?;
    let new = NewToken { name: of("name").to_owned(), permissions, days };
    let gone = || Wrong::NotFound("There is no such person.".into());
    let person = api.database.person(&act.who().id).await?.ok_or_else(gone)?;
    let (secret, row) =
        api.people.make_token(act.who(), &person, &new, act.now_ms).await.map_err(Problem::from)?;
    let body = html! {
        p.outcome.warn role="status" { "This is shown once. Keep it where the program finds it, and nobody else does." }
        p.key { code.whole { (secret.reveal()) } }
        p { "For " (say::name(&row.name, 64)) ", until " (say::exact(row.ends_at_ms).get(..10).unwrap_or_default()) ". It is sent as " code { "Authorization: Bearer …" } "." }
        p { a.button href=(PLACE) { "Back" } }
    };
    Ok(act.answer(StatusCode::CREATED, &Page { title: "A token", here: PLACE, body }))
}

/// `POST /me/tokens/{token}/revoke`.
pub(in crate::console) async fn revoke(act: Act, Path(token): Path<String>) -> Result<Response, Wrong> {
    let who = act.who();
    if !act.console.api().people.revoke_token(who, Some(&who.id), &token, act.now_ms).await? {
        return Err(Wrong::NotFound("You have no such token that is good.".into()));
    }
    Ok(forms::done(PLACE, "revoked"))
}
