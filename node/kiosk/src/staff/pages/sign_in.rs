//! Signing in and out.

use super::layout;
use crate::{
    http::{extract::Params, problem::Problem},
    pages::form::Fields,
    staff::{
        desk::Desk,
        door::{NAME_CHARS_MAX, PIN_DIGITS, Refusal},
        form::Reason,
        visit::{Person, SIGN_IN, let_in, let_out, own_place},
        words,
    },
};
use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use maud::html;
use serde::Deserialize;
use std::time::{Duration, Instant};

#[derive(Deserialize)]
pub(super) struct ReturnParams {
    #[serde(rename = "return")]
    place: Option<String>,
}

/// `GET /staff/sign-in`.
pub(super) async fn show(
    person: Person,
    State(desk): State<Desk>,
    Params(params): Params<ReturnParams>,
) -> Response {
    let refusal = (!desk.door.has_pin()).then_some(Refusal::NoPin);
    page(&desk, &person, params.place.as_deref().unwrap_or("/staff"), "", refusal)
}

/// Who, and the proof.
#[derive(Deserialize)]
pub(super) struct SignInFields {
    #[serde(default)]
    name: String,
    #[serde(default)]
    pin: String,
    #[serde(rename = "return")]
    place: Option<String>,
}

/// `POST /staff/sign-in`.
pub(super) async fn sign_in(
    person: Person,
    State(desk): State<Desk>,
    Fields(fields): Fields<SignInFields>,
) -> Result<Response, Problem> {
    let place = own_place(fields.place.as_deref().unwrap_or("/staff"));
    let when = (person.now, Instant::now());
    match desk.door.sign_in((&fields.name, &fields.pin), person.address, when) {
        Ok(pass) => {
            desk.telemetry.sign_ins.inc();
            let_in(person.see_other(place), &pass, desk.door.valid_s())
        }
        Err(refusal) => {
            if matches!(refusal, Refusal::Wrong | Refusal::Wait(_)) {
                desk.telemetry.sign_ins_refused.inc();
                tracing::warn!(address = %person.address, ?refusal, "a sign-in to the staff board was refused");
            }
            Ok(page(&desk, &person, place, &fields.name, Some(refusal)))
        }
    }
}

/// `POST /staff/sign-out`.
pub(super) async fn sign_out(person: Person) -> Response {
    let_out(person.see_other(SIGN_IN))
}

fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn page(desk: &Desk, person: &Person, place: &str, name: &str, refusal: Option<Refusal>) -> Response {
    let words = words::of(person.language);
    let (status, said) = match refusal {
        None => (StatusCode::OK, String::new()),
        Some(Refusal::NoPin) => (StatusCode::SERVICE_UNAVAILABLE, words.no_pin.to_owned()),
        Some(Refusal::Name) if name.trim().is_empty() => {
            (StatusCode::BAD_REQUEST, (words.reason)(&Reason::Missing))
        }
        Some(Refusal::Name) => (StatusCode::BAD_REQUEST, (words.reason)(&Reason::TooLong(NAME_CHARS_MAX))),
        Some(Refusal::Shape) => (StatusCode::BAD_REQUEST, words.pin_hint.to_owned()),
        Some(Refusal::Wrong) => (StatusCode::UNAUTHORIZED, words.wrong_pin.to_owned()),
        Some(Refusal::Wait(wait)) => (StatusCode::TOO_MANY_REQUESTS, (words.wait)(seconds(wait))),
    };
    let about_name = refusal == Some(Refusal::Name);
    let about_pin = matches!(refusal, Some(Refusal::Wrong | Refusal::Shape));
    let content = html! {
        div.door {
            h1 { (words.sign_in) }
            p.hint { (words.sign_in_hint) }
            @if refusal.is_some() { p.outcome.bad #said role="alert" { (said) } }
            form.card action=(SIGN_IN) method="post" {
                input type="hidden" name="return" value=(own_place(place));
                div.field {
                    label for="name" { (words.your_name) }
                    input #name name="name" value=(name) maxlength=(NAME_CHARS_MAX) autocomplete="username" required
                        aria-describedby=(if about_name { "name-about said" } else { "name-about" })
                        aria-invalid=[about_name.then_some("true")];
                    p.hint #name-about { (words.your_name_hint) }
                }
                div.field {
                    label for="pin" { (words.pin) }
                    input #pin name="pin" type="password" inputmode="numeric" pattern=(format!("[0-9]{{{PIN_DIGITS}}}"))
                        maxlength=(PIN_DIGITS) autocomplete="current-password" required
                        aria-describedby=(if about_pin { "pin-about said" } else { "pin-about" })
                        aria-invalid=[about_pin.then_some("true")];
                    p.hint #pin-about { (words.pin_hint) }
                }
                div.buttons { button.primary type="submit" { (words.sign_in) } }
            }
        }
    };
    let mut response = layout::bare(&desk.app.config.store_name, person, status, words.sign_in, &content);
    if let Some(Refusal::Wait(wait)) = refusal {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
    }
    response
}
