//! The page where a person chooses a password with the code that an admin has given them. It is used up by it, and signs in.

use super::{SET_UP, SIGN_IN, refuse_foreign, retry_after, see_other, set_cookie, sign_in::blocked};
use crate::{
    console::{
        Console,
        frame::{self, Page},
        wrong::Wrong,
    },
    http::{session, site::Cookie},
    people::{password::HashError, secret::Secret, sign_in::SignInError, who::Origin},
};
use axum::{
    Extension, Form,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use maud::html;
use serde::Deserialize;

#[derive(Deserialize)]
pub(in crate::console) struct Fields {
    #[serde(default)]
    code: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
}

/// `GET /set-up`. The code is typed: an address stands in histories and logs.
pub(in crate::console) async fn show(State(console): State<Console>) -> Response {
    page(&console, StatusCode::OK, None)
}

/// `POST /set-up`.
pub(in crate::console) async fn set_up(
    State(console): State<Console>,
    Extension(from): Extension<Origin>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, Wrong> {
    if let Some(words) = refuse_foreign(&console, &headers, &from, SET_UP).await? {
        return Ok(page(&console, StatusCode::FORBIDDEN, Some(words)));
    }
    if fields.password != fields.again {
        let words = "The two passwords are not the same. The code is good still.";
        return Ok(page(&console, StatusCode::BAD_REQUEST, Some(words)));
    }
    let api = console.api();
    let code = Secret::given(fields.code.trim());
    let done = match api.people.set_up(&code, &fields.password, &from, api.now_ms()).await {
        Ok(done) => done,
        Err(SignInError::Code) => {
            let words =
                "The code is not right, was used already, or is too old. An admin can make another one.";
            return Ok(page(&console, StatusCode::UNAUTHORIZED, Some(words)));
        }
        Err(SignInError::Password(error)) => {
            let words = format!("The password {error}. The code is good still.");
            return Ok(page(&console, StatusCode::BAD_REQUEST, Some(&words)));
        }
        Err(SignInError::Blocked { wait_ms }) => {
            let mut response = page(&console, StatusCode::TOO_MANY_REQUESTS, Some(&blocked(wait_ms)));
            retry_after(&mut response, wait_ms);
            return Ok(response);
        }
        Err(SignInError::Hash(HashError::Busy)) => {
            let words = "Too many passwords are being checked. Try again; the code is good still.";
            return Ok(page(&console, StatusCode::SERVICE_UNAVAILABLE, Some(words)));
        }
        Err(error) => return Err(error.into()),
    };
    session::end_session_before(api, &headers, &from).await?;
    let mut response = see_other("/");
    session::with_session(api, &done, &mut response);
    set_cookie(&console, &mut response, Cookie::Machine, "", 0);
    Ok(response)
}

fn page(console: &Console, status: StatusCode, fault: Option<&str>) -> Response {
    let body = html! {
        div.door {
            p.hint #password-about { "At least 12 characters; several words are easier to keep in mind than signs. Nobody else ever learns it." }
            @if let Some(fault) = fault { p.outcome.bad #fault role="alert" { (fault) } }
            form.card action=(SET_UP) method="post" {
                label for="code" { "The code that you were given" }
                input #code name="code" type="password" autocomplete="one-time-code" required maxlength="256"
                    aria-invalid=[fault.map(|_| "true")] aria-describedby=[fault.map(|_| "fault")];
                label for="password" { "Your password from now on" }
                input #password name="password" type="password" autocomplete="new-password" required minlength="12" maxlength="1024"
                    aria-describedby="password-about";
                label for="again" { "The same again" }
                input #again name="again" type="password" autocomplete="new-password" required maxlength="1024";
                button.primary type="submit" { "Choose it and sign in" }
            }
            p { a href=(SIGN_IN) { "You have a password already: sign in" } }
        }
    };
    frame::bare(console, status, &Page { title: "Choose a password", here: "", body })
}
