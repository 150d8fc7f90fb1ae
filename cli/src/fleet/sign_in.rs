//! A session for as long as one thing takes that wants a person: making a token, another password, ending a session.
//!
//! ```text
//! name, password ─> session ─> what wants it ─> the session ends, whatever came of it
//! ```
//!
//! Guards: the password is asked for without showing it, goes to the hub and nowhere else, and stands in no error and no shown request.

use super::{
    ask::{Ask, Body, Method},
    error::FleetError,
    hub::{Answer, Hub, Session},
};
use crate::output;
use anyhow::Result;
use serde_json::{Value, json};
use std::io::{self, Read};

/// So much of a secret is read from standard input, in bytes: more than hubs take.
const SECRET_BYTES_MAX: u64 = 4_096;

/// Somebody who has signed in.
pub(super) struct SignedIn {
    /// The hub, by their session.
    pub(super) hub: Hub,
    /// Who they are and what they may, as the hub says it.
    pub(super) me: Value,
}

/// Signs in at a hub that is asked without a token.
///
/// # Errors
/// When the hub refuses, or gives no session.
pub(super) fn sign_in(hub: Hub, name: &str, password: &str) -> Result<SignedIn> {
    let body = Body::Secret(json!({ "name": name, "password": password }));
    let answer = hub.ask(&Ask { body, ..Ask::new(Method::Post, "/v1/session") })?;
    let session = session(&answer).ok_or_else(|| FleetError::Strange {
        hub: hub.origin().to_owned(),
        why: "it gives no session".to_owned(),
    })?;
    Ok(SignedIn { hub: hub.with_session(session), me: answer.body })
}

fn session(answer: &Answer) -> Option<Session> {
    let csrf = answer.body.get("csrf").and_then(Value::as_str)?.to_owned();
    Some(Session { cookie: answer.cookie.clone()?, csrf })
}

impl SignedIn {
    /// Does one thing, and ends the session, which has done its work whatever came of it.
    ///
    /// # Errors
    /// When the hub refuses one of the two.
    pub(super) fn once(self, ask: &Ask) -> Result<Answer> {
        let done = self.hub.ask(ask);
        // Another password ends this session, and another one begins.
        let hub = match done.as_ref().ok().and_then(session) {
            Some(session) => self.hub.with_session(session),
            None => self.hub,
        };
        let ended = hub.ask(&Ask::delete("/v1/session"));
        let done = done?;
        ended?;
        Ok(done)
    }
}

/// Asks for a secret without showing it, or reads it from standard input.
///
/// # Errors
/// When there is nobody to ask, or nothing to read.
pub(super) fn secret(prompt: &str, is_from_stdin: bool) -> Result<String> {
    let failed =
        |source| FleetError::File { what: "read a secret from", path: "standard input".into(), source };
    if !is_from_stdin {
        return Ok(rpassword::prompt_password(format!("{}: ", output::plain(prompt))).map_err(failed)?);
    }
    let mut text = String::new();
    io::stdin().take(SECRET_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    // A line ends; a password may begin and end with spaces.
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
