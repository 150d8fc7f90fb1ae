//! Routes of signing in elsewhere: to the identity provider, and back.
//!
//! Not here: what is asked and believed ([`crate::people::oidc`]).
#![expect(unused_qualifications, reason = "the code that `utoipa::path` writes names its parameters in full")]

use super::{
    Api, Problem,
    routes::query,
    session,
    site::{Cookie, is_path},
};
use crate::people::{
    oidc::{Answer, OidcError},
    secret::Secret,
    who::Origin,
};
use axum::{
    Extension,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

/// How long a sign-in elsewhere may take, in seconds.
const BEGUN_SECONDS_MAX: i64 = 600;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(start)).routes(routes!(callback))
}

impl From<OidcError> for Problem {
    fn from(error: OidcError) -> Self {
        let causes = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
        let told = format!("{error}{causes}");
        match error {
            OidcError::Wire(_) | OidcError::Metadata(_) => Self::gateway(told),
            OidcError::Person(error) => error.into(),
            OidcError::SignIn(error) => error.into(),
            OidcError::Database(error) => error.into(),
            refused => {
                debug_assert!(refused.is_refusal(), "what is nobody's fault has a line above");
                Self::wrong_sign_in(told)
            }
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StartQuery {
    /// The page of this hub to come back to: a path. `/` where it is absent.
    to: Option<String>,
}

fn to(place: &str) -> Option<Response> {
    let place = HeaderValue::from_str(place).ok()?;
    let headers = [(header::LOCATION, place), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Some((StatusCode::SEE_OTHER, headers).into_response())
}

/// Begin to sign in at the identity provider: leads the browser there.
#[utoipa::path(get, path = "/v1/oidc/start", tag = "people", params(StartQuery), responses(
    (status = 303, description = "To the identity provider."),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 502, body = Problem, content_type = "application/problem+json")))]
async fn start(
    State(api): State<Api>,
    headers: HeaderMap,
    asked: Result<Query<StartQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let asked = query(asked)?;
    let oidc = api.oidc.as_ref().ok_or_else(Problem::unknown_path)?;
    if api.site.own(&headers).is_none() {
        return Err(Problem::no_site());
    }
    let path = asked.to.unwrap_or_else(|| "/".to_owned());
    if !is_path(&path) {
        return Err(Problem::field("to", "is no path of this hub"));
    }
    let secret = Secret::draw(api.people.random())?;
    let place = oidc.begin(&secret, api.now_ms()).await?;
    let mut response = to(&place).ok_or_else(Problem::failed)?;
    // A cookie's value has neither of the two; in a query they mean the same like this.
    let path = path.replace(',', "%2C").replace(';', "%3B");
    let kept = format!("{}.{path}", secret.reveal());
    if let Some(cookie) = api.site.set_cookie(Cookie::Oidc, &kept, BEGUN_SECONDS_MAX) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Where the identity provider leads the browser back to. Begins a session.
#[utoipa::path(get, path = "/v1/oidc/callback", tag = "people", params(
    ("code" = Option<String>, Query, description = "What the identity is fetched with."),
    ("state" = Option<String>, Query, description = "What was sent along."),
    ("iss" = Option<String>, Query, description = "Who answers."),
    ("error" = Option<String>, Query, description = "Why there is no code.")), responses(
    (status = 303, description = "Signed in: to the page that was asked for."),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 502, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn callback(
    State(api): State<Api>,
    Extension(from): Extension<Origin>,
    headers: HeaderMap,
    asked: Result<Query<Answer>, QueryRejection>,
) -> Result<Response, Problem> {
    let answer = query(asked)?;
    let oidc = api.oidc.as_ref().ok_or_else(Problem::unknown_path)?;
    let kept = api.site.cookie(&headers, Cookie::Oidc).unwrap_or_default();
    let (secret, path) = kept.split_once('.').unwrap_or_default();
    // Without a cookie the secret is empty, and what follows from nothing is known to anybody.
    if secret.is_empty() {
        return Err(OidcError::State.into());
    }
    let done = oidc.finish(&api.people, &Secret::given(secret), &answer, &from, api.now_ms()).await?;
    session::end_former(&api, &headers, &from).await?;
    let mut response = to(if is_path(path) { path } else { "/" }).ok_or_else(Problem::failed)?;
    session::with_session(&api, &done, &mut response);
    if let Some(cookie) = api.site.set_cookie(Cookie::Oidc, "", 0) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
