//! Who looks at a page of the board: their name, the language they read, and where they are.

use super::desk::Desk;
use crate::{
    http::problem::Problem,
    pages::visitor::{LANGUAGE_COOKIE, cookie},
    strings::Language,
    text,
};
use aisle_event::{Name, Timestamp};
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

/// Says who is signed in. Not readable by scripts, not sent from other sites.
const COOKIE: &str = "aisle_staff";
/// The page that asks for the PIN.
pub(super) const SIGN_IN: &str = "/staff/sign-in";
/// The longest address that a sign-in leads back to, in bytes.
const PLACE_BYTES_MAX: usize = 1024;

/// Somebody in front of a page, signed in or not.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) language: Language,
    /// Where they are, to come back to.
    pub(super) place: String,
    /// Where they come from; one and the same for all when the server does not say.
    pub(super) address: IpAddr,
    pub(super) now: Timestamp,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(super) struct Colleague {
    pub(super) name: Name,
    pub(super) person: Person,
}

impl Person {
    pub(super) fn new(now: Timestamp, headers: &HeaderMap, uri: &Uri, extensions: &Extensions) -> Self {
        let chosen = cookie(headers, LANGUAGE_COOKIE).and_then(Language::from_code);
        let address = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
        Self {
            language: chosen.unwrap_or_else(|| Language::accepted(headers)),
            place: uri.path_and_query().map_or("/staff", |place| place.as_str()).to_owned(),
            address: address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            now,
        }
    }

    /// Keeps every cache from showing an answer to somebody else.
    pub(super) fn sign(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::VARY, HeaderValue::from_static("cookie, accept-language"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.language.tag()));
        response
    }

    /// Sends them on with a GET.
    pub(super) fn see_other(&self, place: &str) -> Response {
        self.sign((StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response())
    }
}

impl Colleague {
    /// Who sends these headers, if they are signed in.
    pub(super) fn of(desk: &Desk, headers: &HeaderMap) -> Option<Name> {
        desk.door.who(cookie(headers, COOKIE)?, desk.app.now())
    }
}

impl FromRequestParts<Desk> for Person {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Infallible> {
        Ok(Self::new(desk.app.now(), &parts.headers, &parts.uri, &parts.extensions))
    }
}

/// Who is not signed in is led to the page that asks for the PIN, and from there back to where they were.
impl FromRequestParts<Desk> for Colleague {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Response> {
        let person = Person::new(desk.app.now(), &parts.headers, &parts.uri, &parts.extensions);
        match Self::of(desk, &parts.headers) {
            Some(name) => Ok(Self { name, person }),
            None => {
                Err(person
                    .see_other(&format!("{SIGN_IN}?return={}", text::encoded(own_place(&person.place)))))
            }
        }
    }
}

/// A place on the board; anything else is its first page.
pub(super) fn own_place(place: &str) -> &str {
    let inside = place == "/staff" || place.starts_with("/staff/") || place.starts_with("/staff?");
    let plain = place.len() <= PLACE_BYTES_MAX
        && place.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !place.starts_with(SIGN_IN);
    if inside && plain { place } else { "/staff" }
}

/// The cookie of somebody who signed in.
pub(super) fn let_in(mut response: Response, pass: &str, valid_s: u64) -> Result<Response, Problem> {
    let cookie = format!("{COOKIE}={pass}; Path=/; Max-Age={valid_s}; HttpOnly; SameSite=Strict");
    let cookie = HeaderValue::from_str(&cookie).map_err(|_| Problem::internal("a pass is no header"))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Takes that cookie away.
pub(super) fn let_out(mut response: Response) -> Response {
    let cookie = HeaderValue::from_static("aisle_staff=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

#[cfg(test)]
mod tests {
    use super::own_place;

    #[test]
    fn a_sign_in_leads_back_to_the_board_only() {
        assert_eq!(own_place("/staff/devices/fridge-7?hours=6"), "/staff/devices/fridge-7?hours=6");
        for place in [
            "/",
            "//evil.example",
            "/staffing",
            "/staff/sign-in",
            "https://x/staff",
            "/staff/\\x",
            "/staff/\r\n",
        ] {
            assert_eq!(own_place(place), "/staff", "{place:?}");
        }
    }
}
