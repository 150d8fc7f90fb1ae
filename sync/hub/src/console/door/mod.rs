//! The door: who sees a page, and whether they may.
//!
//! ```text
//! request ─> guard: who (a token, a session, a pass of the machine), from our own page, the page's line in the table, at which store ─> page
//!              └─ nobody: to the page that asks who they are, and back
//! ```
//!
//! A session is the one of `/v1`, made by the same sign-in; the rights are looked up with every request. Whoever runs the hub comes in by its token with a pass
//! ([`pass`]), which is for pages only. Not here: the pages of the door ([`sign_in`], [`set_up`]), who may what ([`super::rights`]). Guards: no page is shown
//! and nothing is done before its line was looked at, and what is refused stands in the audit log.

pub(super) mod elsewhere;
mod pass;
pub(super) mod set_up;
pub(super) mod sign_in;

pub(super) use sign_in::blocked;

use super::{Console, rights, say, wrong::Wrong};
use crate::{
    http::{
        access::{self, Denied},
        permits::{Known, Need, need_in},
        site::{Cookie, is_path},
    },
    people::who::{Origin, Who},
};
use axum::{
    extract::{MatchedPath, RawPathParams, Request, State, rejection::RawPathParamsRejection},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// The page that asks who somebody is.
pub(super) const SIGN_IN: &str = "/sign-in";
/// The page where a new person chooses a password.
pub(super) const SET_UP: &str = "/set-up";
/// Where pages hear of changes: a script asks it, which cannot be led elsewhere.
const EVENTS: &str = "/events";

/// Somebody who is in.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// Who.
    pub(super) who: Who,
    /// What every form of theirs carries; none for who shows a token, whom no other page can make do something.
    pub(super) csrf: Option<String>,
}

/// Who sends a request: by a token, the session of `/v1`, or a pass.
pub(super) async fn caller(
    console: &Console,
    headers: &HeaderMap,
    from: &Origin,
    now_ms: i64,
) -> Result<Option<Caller>, Wrong> {
    let api = console.api();
    if let Some(who) = access::identify(api, headers, from, now_ms).await? {
        let csrf = who.csrf().map(str::to_owned);
        return Ok(Some(Caller { who, csrf }));
    }
    let pass = api.site.cookie(headers, Cookie::Machine);
    let pass = pass.filter(|pass| pass::is_good(&api.token, pass, now_ms / 1_000));
    Ok(pass.filter(|_| !headers.contains_key(header::AUTHORIZATION)).map(|pass| Caller {
        who: Who::machine("the hub's token", from.address.as_str()),
        csrf: Some(pass::csrf(&api.token, pass)),
    }))
}

/// Lets a request through to its page, or not.
pub(super) async fn guard(
    State(console): State<Console>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Response {
    let api = console.api();
    let now_ms = api.now_ms();
    let from = access::from(api, &request);
    request.extensions_mut().insert(from.clone());
    if request.uri().path_and_query().is_some_and(|asked| asked.as_str().contains("%00")) {
        return Wrong::NotFound("The address has a sign that stands in no text.".into()).into_response();
    }
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let known = path.as_deref().map(|path| need_in(rights::PAGES, request.method(), path));
    if known == Some(Known::Needs(Need::Open)) {
        return next.run(request).await;
    }
    let caller = match caller(&console, request.headers(), &from, now_ms).await {
        Ok(Some(caller)) => caller,
        Ok(None) if path.as_deref() == Some(EVENTS) => return StatusCode::UNAUTHORIZED.into_response(),
        Ok(None) if matches!(*request.method(), Method::GET | Method::HEAD) => return way_in(request.uri()),
        // A form of a page whose session is over.
        Ok(None) => return see_other(SIGN_IN),
        Err(wrong) => return wrong.into_response(),
    };
    let mut response = match let_in(&console, &caller, known, params, path, request, now_ms).await {
        Ok(mut request) => {
            request.extensions_mut().insert(caller.clone());
            next.run(request).await
        }
        Err(wrong) => wrong.into_response(),
    };
    // For the frame around what went wrong.
    response.extensions_mut().insert(caller);
    response
}

async fn let_in(
    console: &Console,
    caller: &Caller,
    known: Option<Known>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    path: Option<String>,
    request: Request,
    now_ms: i64,
) -> Result<Request, Wrong> {
    let (api, who) = (console.api(), &caller.who);
    let need = match known {
        Some(Known::Needs(need)) => need,
        Some(Known::OtherMethods) | None => return Err(Wrong::Method),
        Some(Known::NoLine) => {
            tracing::error!(path, "a page has no line in the table of rights: nobody is let in");
            return Err(Wrong::Failed);
        }
    };
    let request = match access::unforged(api, caller.csrf.as_deref(), request).await {
        Ok(request) => request,
        Err(problem) if problem.is_refusal() => {
            let line = api.people.line(who.by(), access::FORGED, path.as_deref().unwrap_or_default(), now_ms);
            api.people.refused(line, problem.detail()).await?;
            return Err(Wrong::Forged);
        }
        Err(problem) => return Err(problem.into()),
    };
    let store = access::store_of(params);
    match access::permitted(api, who, need, store.as_deref()).await {
        Ok(()) => Ok(request),
        Err(Denied::Unknown { is_passing }) => Err(if is_passing { Wrong::Busy } else { Wrong::Failed }),
        Err(denied) => {
            let object = store.or(path).unwrap_or_default();
            let line = api.people.line(who.by(), access::action(need), &object, now_ms);
            api.people.refused(line, "a page of the console").await?;
            Err(Wrong::Denied(denied))
        }
    }
}

/// Where somebody is sent who is not signed in, to come back from there.
pub(super) fn way_in(uri: &Uri) -> Response {
    let place = uri.path_and_query().map_or("/", |place| place.as_str());
    let to = match own_place(place) {
        "/" => SIGN_IN.to_owned(),
        place => format!("{SIGN_IN}?return={}", say::encoded(place)),
    };
    see_other(&to)
}

/// To another page, which is fetched and not sent to.
pub(super) fn see_other(place: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response()
}

/// A place of this console; anything else is its first page.
fn own_place(place: &str) -> &str {
    let asks_who = place.starts_with(SIGN_IN) || place.starts_with(SET_UP);
    if is_path(place) && !asks_who { place } else { "/" }
}

/// Adds a cookie to an answer; for 0 seconds takes it away.
fn set_cookie(console: &Console, response: &mut Response, cookie: Cookie, value: &str, seconds: i64) {
    if let Some(cookie) = console.api().site.set_cookie(cookie, value, seconds) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Says in how many seconds it may be tried again.
fn retry_after(response: &mut Response, wait_ms: i64) {
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(wait_ms.saturating_add(999) / 1_000));
}

/// Why a form of the door is not looked at: it does not come from this hub's own page, or pages are not meant to be used at this address.
/// What is sent is counted and written down ([`refuse_foreign`]).
fn not_ours(console: &Console, headers: &HeaderMap) -> Option<&'static str> {
    let site = &console.api().site;
    if site.own(headers).is_none() {
        return Some(
            "Nobody signs in at this address: set `http.origin` in hub.toml to where the pages are, or open them on the hub's own machine at http://127.0.0.1.",
        );
    }
    (!site.is_own(headers)).then_some("Only this hub's own page may sign somebody in. Load it again.")
}

/// The same for a form that was sent: another page may have sent it, which is counted and written down.
async fn refuse_foreign(
    console: &Console,
    headers: &HeaderMap,
    from: &Origin,
    path: &str,
) -> Result<Option<&'static str>, Wrong> {
    let Some(words) = not_ours(console, headers) else { return Ok(None) };
    let api = console.api();
    api.people.forged_sign_in(path, words, from, api.now_ms()).await?;
    Ok(Some(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_leads_back_to_the_console_only() {
        assert_eq!(own_place("/stores/berlin-12?x=1"), "/stores/berlin-12?x=1");
        for place in [
            "",
            "x",
            "//evil.example",
            "https://x/",
            "/\\evil.example",
            "/sign-in?return=/",
            "/set-up",
            "/a\r\nb",
        ] {
            assert_eq!(own_place(place), "/", "{place:?}");
        }
    }
}
