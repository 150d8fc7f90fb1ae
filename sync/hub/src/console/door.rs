//! The door: who may see the console. For now whoever knows the hub's token, and they may see everything.
//!
//! To be replaced by people with names and roles: [`Who::of`] says who sends a request, [`Who::may`] what they may see, [`show`] and [`sign_in`] are the
//! page before that. Nothing else of the console knows how somebody got in. The cookie is a pass that this token made and not the token: it opens no other
//! interface, ends by itself, and is worth nothing once the token is another one.

use super::{
    Console,
    frame::{self, Page},
    say,
};
use crate::http::Token;
use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use maud::html;
use serde::Deserialize;

/// The page that asks for the token.
pub(super) const SIGN_IN: &str = "/sign-in";
const COOKIE: &str = "aisle_hub";
/// How long a pass is worth something, in seconds.
const VALID_S: i64 = 12 * 3_600;
/// The longest address that a sign-in leads back to, in bytes.
const PLACE_BYTES_MAX: usize = 1_024;

/// What a page needs before it shows something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// To see stores, their nodes, what they run and are to run.
    Stores,
    /// To read receipts.
    Receipts,
    /// To see who was to be forgotten.
    Erasures,
    /// To read policies.
    Policies,
    /// To see contents.
    Contents,
    /// To see the hub itself: its alerts and its relay.
    Hub,
}

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Who {
    /// What they are called.
    pub(super) name: String,
}

impl Who {
    /// Who sends these headers, by a cookie of the console or the hub's token itself.
    pub(super) fn of(token: &Token, headers: &HeaderMap, now_ms: i64) -> Option<Self> {
        let bearer = header_text(headers, header::AUTHORIZATION.as_str())
            .and_then(|text| text.strip_prefix("Bearer "));
        let is_known = cookie(headers).is_some_and(|pass| is_pass(token, pass, now_ms / 1_000))
            || bearer.is_some_and(|given| token.is(given));
        is_known.then(|| Self { name: "the hub's token".into() })
    }

    /// Whether they may see something.
    #[expect(clippy::unused_self, reason = "whoever has the token may see everything; roles will differ")]
    pub(super) const fn may(&self, _: Needs) -> bool {
        true
    }
}

fn pass(token: &Token, until_s: i64) -> String {
    format!("{until_s}.{}", token.seal(format!("console {until_s}").as_bytes()).to_hex())
}

fn is_pass(token: &Token, pass: &str, now_s: i64) -> bool {
    let Some((until, seal)) = pass.split_once('.') else { return false };
    let (Ok(until), Ok(seal)) = (until.parse::<i64>(), blake3::Hash::from_hex(seal)) else { return false };
    // Hashes are compared in constant time. A clock that was ahead makes no pass that lasts.
    let is_ours = seal == token.seal(format!("console {until}").as_bytes());
    is_ours && until > now_s && until <= now_s.saturating_add(VALID_S).saturating_add(300)
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
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

fn see_other(place: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response()
}

/// A place of this console; anything else is its first page.
fn own_place(place: &str) -> &str {
    let is_inside = place.starts_with('/') && !place.starts_with("//");
    let is_plain = place.len() <= PLACE_BYTES_MAX
        && place.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !place.starts_with(SIGN_IN);
    if is_inside && is_plain { place } else { "/" }
}

/// True for what a page of another site makes a browser send (RFC 6454 `Origin`, Fetch Metadata). A client that is no browser sends
/// neither header.
fn is_foreign(headers: &HeaderMap) -> bool {
    match (header_text(headers, "sec-fetch-site"), header_text(headers, "origin")) {
        (Some(site), _) => !matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            origin.split_once("://").map(|(_, host)| host) != header_text(headers, "host")
        }
        (None, None) => headers.contains_key(header::ORIGIN),
    }
}

#[derive(Deserialize)]
pub(super) struct Return {
    #[serde(rename = "return", default)]
    place: String,
}

/// `GET /sign-in`.
pub(super) async fn show(State(console): State<Console>, Query(asked): Query<Return>) -> Response {
    page(&console, StatusCode::OK, own_place(&asked.place), None)
}

#[derive(Deserialize)]
pub(super) struct Fields {
    #[serde(default)]
    token: String,
    #[serde(rename = "return", default)]
    place: String,
}

/// `POST /sign-in`.
pub(super) async fn sign_in(
    State(console): State<Console>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Response {
    let place = own_place(&fields.place);
    if is_foreign(&headers) {
        return page(&console, StatusCode::FORBIDDEN, place, Some("Only this page may sign somebody in."));
    }
    let token = &console.parts().token;
    if !token.is(fields.token.trim()) {
        tracing::warn!("a sign-in to the console was refused");
        return page(&console, StatusCode::UNAUTHORIZED, place, Some("That is not this hub's token."));
    }
    let until_s = now_s().saturating_add(VALID_S);
    let mut response = see_other(place);
    set_cookie(&mut response, &headers, &pass(token, until_s), VALID_S);
    response
}

/// `POST /sign-out`.
pub(super) async fn sign_out(headers: HeaderMap) -> Response {
    let mut response = see_other(SIGN_IN);
    if !is_foreign(&headers) {
        set_cookie(&mut response, &headers, "", 0);
    }
    response
}

fn now_s() -> i64 {
    crate::Database::now_ms() / 1_000
}

/// Not readable by scripts, not sent from other sites, and over TLS only where a proxy says that the browser has it.
fn set_cookie(response: &mut Response, headers: &HeaderMap, pass: &str, valid_s: i64) {
    let is_secure = header_text(headers, "x-forwarded-proto") == Some("https");
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={pass}; Path=/; Max-Age={valid_s}; HttpOnly; SameSite=Strict{secure}");
    // A pass is digits and a dot: always a header's value.
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

fn page(console: &Console, status: StatusCode, place: &str, fault: Option<&str>) -> Response {
    let body = html! {
        div.door {
            p.hint {
                "The token stands in the file that " code { "http.token_file" } " of the hub's configuration names, "
                code { "data/hub.token" } " where it says nothing else."
            }
            @if let Some(fault) = fault { p.outcome.bad #fault role="alert" { (fault) } }
            form.card action=(SIGN_IN) method="post" {
                input type="hidden" name="return" value=(place);
                label for="token" { "Token" }
                input #token name="token" type="password" autocomplete="current-password" required maxlength="1024"
                    aria-invalid=[fault.map(|_| "true")] aria-describedby=[fault.map(|_| "fault")];
                button.primary type="submit" { "Sign in" }
            }
        }
    };
    frame::bare(console, status, &Page { title: "Sign in", here: "", body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_is_worth_something_for_its_hours_and_its_token_only() {
        let token = Token::of("a-token-of-sixteen-characters");
        let made = pass(&token, 1_000 + VALID_S);
        assert!(made.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.'), "{made}");
        assert!(is_pass(&token, &made, 1_000));
        assert!(is_pass(&token, &made, 1_000 + VALID_S - 1));
        assert!(!is_pass(&token, &made, 1_000 + VALID_S), "its time is over");
        assert!(!is_pass(&token, &made, 0), "a pass from the future");
        assert!(!is_pass(&Token::of("another-token-of-sixteen"), &made, 1_000));
        let longer = made.replacen('4', "5", 1);
        for forged in ["", ".", "1.2", "x.y", &longer, &made[..made.len() - 1]] {
            assert!(!is_pass(&token, forged, 1_000), "{forged}");
        }
    }

    #[test]
    fn a_sign_in_leads_back_to_the_console_only() {
        assert_eq!(own_place("/stores/berlin-12?x=1"), "/stores/berlin-12?x=1");
        for place in
            ["", "x", "//evil.example", "https://x/", "/\\evil.example", "/sign-in?return=/", "/a\r\nb"]
        {
            assert_eq!(own_place(place), "/", "{place:?}");
        }
    }

    #[test]
    fn a_cookie_is_found_among_others_and_another_sites_request_is_known() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect::<HeaderMap>()
        };
        assert_eq!(cookie(&headers(&[("cookie", "a=b; aisle_hub=1.2; aisle_hub2=3")])), Some("1.2"));
        assert_eq!(cookie(&headers(&[("cookie", "aisle_hub2=3")])), None);
        assert!(!is_foreign(&headers(&[])));
        assert!(!is_foreign(&headers(&[("origin", "http://hub:1"), ("host", "hub:1")])));
        assert!(is_foreign(&headers(&[("origin", "http://evil"), ("host", "hub:1")])));
        assert!(is_foreign(&headers(&[("sec-fetch-site", "cross-site")])));
        assert!(is_foreign(&headers(&[("origin", "null"), ("host", "hub:1")])));
    }
}
