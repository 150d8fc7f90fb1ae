//! Routes of signing in and out, and of one's own sessions and password.
//!
//! A session's secret leaves in its cookie and nowhere else. A sign-in carries no token of a session, so it is looked at where it comes from. Not here: what a
//! sign-in is ([`crate::people::sign_in`]).

use super::{
    Api, Problem,
    exchange::{body, fresh},
    routes::{Page, described_page},
    site::Cookie,
};
use crate::{
    database::DatabaseError,
    people::{
        password::{HashError, Password},
        person::SessionRow,
        role::Permission,
        secret::Secret,
        sign_in::{SignInError, SignedIn},
        who::{Origin, Way, Who},
    },
};
use axum::{
    Extension, Json,
    extract::{Path, State, rejection::JsonRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

described_page!(SessionPage, Page_SessionRow, SessionRow);

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(sign_in, sign_out))
        .routes(routes!(set_up))
        .routes(routes!(me))
        .routes(routes!(change_password))
        .routes(routes!(my_sessions))
        .routes(routes!(end_my_session))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    /// The name, in whatever case.
    #[schema(max_length = 256)]
    name: String,
    /// The password.
    #[schema(max_length = 1024)]
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetUp {
    /// The code that an admin has given.
    code: String,
    /// The password from now on: at least 12 characters.
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// The password until now.
    old: String,
    /// The password from now on: at least 12 characters.
    new: String,
}

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
struct Me {
    /// The person's id; `machine` for the token of the hub's token file.
    person: String,
    /// The name.
    name: String,
    /// How they came: `session`, `token` or `machine`.
    way: &'static str,
    /// The roles: `operator`, `viewer@region:eu`.
    roles: Vec<String>,
    /// What they may, at least somewhere.
    permissions: Vec<&'static str>,
    /// The session's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    /// What requests that change something carry as `X-CSRF-Token`, besides the cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf: Option<String>,
}

impl From<&Who> for Me {
    fn from(who: &Who) -> Self {
        let (session, csrf) = match &who.way {
            Way::Session { id, csrf } => (Some(id.clone()), Some(csrf.clone())),
            _ => (None, None),
        };
        Self {
            person: who.id.clone(),
            name: who.name.clone(),
            way: who.way.as_str(),
            roles: who.grants.iter().map(ToString::to_string).collect(),
            permissions: who.permissions().map(Permission::as_str).collect(),
            session,
            csrf,
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Wrong | SignInError::Code => Self::wrong_sign_in(error.to_string()),
            SignInError::Blocked { wait_ms } => Self::blocked(wait_ms),
            SignInError::Password(error) => Self::field("password", error.to_string()),
            SignInError::Hash(HashError::Busy) => {
                Self::busy("too many passwords are being checked; try again")
            }
            SignInError::Hash(HashError::Impossible) => Self::failed(),
            SignInError::Randomness(error) => error.into(),
            SignInError::Database(error) => error.into(),
        }
    }
}

/// The answer to a sign-in: who it is, and the cookie.
pub(super) fn signed_in(api: &Api, signed_in: &SignedIn) -> Response {
    let who = Who::from(signed_in);
    let mut response = fresh(StatusCode::OK, &Me::from(&who));
    with_session(api, signed_in, &mut response);
    response
}

/// Puts the session's cookie into an answer.
pub(crate) fn with_session(api: &Api, signed_in: &SignedIn, response: &mut Response) {
    let seconds = api.people.settings().session_ms_max / 1_000;
    if let Some(cookie) = api.site.set_cookie(Cookie::Session, signed_in.secret.reveal(), seconds) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// A browser that signs in comes with no session, or with one that ends: what was there before is worth nothing afterwards.
pub(super) async fn end_former(api: &Api, headers: &HeaderMap, from: &Origin) -> Result<(), Problem> {
    Ok(end_session_before(api, headers, from).await?)
}

/// The same, for pages.
pub(crate) async fn end_session_before(
    api: &Api,
    headers: &HeaderMap,
    from: &Origin,
) -> Result<(), DatabaseError> {
    let Some(secret) = api.site.cookie(headers, Cookie::Session) else { return Ok(()) };
    let now_ms = api.now_ms();
    let Some(who) = api.people.by_session(&Secret::given(secret), from, now_ms).await? else { return Ok(()) };
    if let Way::Session { id, .. } = &who.way {
        api.people.end_session(&who, id, now_ms).await?;
    }
    Ok(())
}

/// Sign in by name and password. Sets the cookie of a session.
#[utoipa::path(post, path = "/v1/session", tag = "people", request_body = SignIn, responses(
    (status = 200, body = Me), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 429, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn sign_in(
    State(api): State<Api>,
    Extension(from): Extension<Origin>,
    headers: HeaderMap,
    asked: Result<Json<SignIn>, JsonRejection>,
) -> Result<Response, Problem> {
    from_own_page(&api, &headers, &from, "/v1/session").await?;
    let SignIn { name, password } = body(asked)?;
    let done = api.people.sign_in(&name, &Password::given(&password), &from, api.now_ms()).await?;
    end_former(&api, &headers, &from).await?;
    Ok(signed_in(&api, &done))
}

/// Without a session there is nothing that a request could carry; so it is looked at where it comes from. Else another page could sign somebody in as somebody else.
async fn from_own_page(api: &Api, headers: &HeaderMap, from: &Origin, path: &str) -> Result<(), Problem> {
    let problem = if api.site.own(headers).is_none() {
        Problem::no_site()
    } else if api.site.is_own(headers) {
        return Ok(());
    } else {
        Problem::forged("it does not come from a page of this hub: `Origin` is another one or missing")
    };
    api.people.forged_sign_in(path, problem.detail(), from, api.now_ms()).await?;
    Err(problem)
}

/// Sign out.
#[utoipa::path(delete, path = "/v1/session", tag = "people", security(("session" = [])), responses(
    (status = 204), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn sign_out(State(api): State<Api>, Extension(who): Extension<Who>) -> Result<Response, Problem> {
    if let Way::Session { id, .. } = &who.way {
        api.people.end_session(&who, id, api.now_ms()).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(cookie) = api.site.set_cookie(Cookie::Session, "", 0) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Choose a password with the code that an admin has given, which is used up by it. Signs in.
#[utoipa::path(post, path = "/v1/setup", tag = "people", request_body = SetUp, responses(
    (status = 200, body = Me), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 429, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn set_up(
    State(api): State<Api>,
    Extension(from): Extension<Origin>,
    headers: HeaderMap,
    asked: Result<Json<SetUp>, JsonRejection>,
) -> Result<Response, Problem> {
    from_own_page(&api, &headers, &from, "/v1/setup").await?;
    let SetUp { code, password } = body(asked)?;
    let done = api.people.set_up(&Secret::given(code.trim()), &password, &from, api.now_ms()).await?;
    end_former(&api, &headers, &from).await?;
    Ok(signed_in(&api, &done))
}

/// Who asks, and what they may.
#[utoipa::path(get, path = "/v1/me", tag = "people", security(("token" = []), ("session" = [])), responses(
    (status = 200, body = Me), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn me(Extension(who): Extension<Who>) -> Response {
    fresh(StatusCode::OK, &Me::from(&who))
}

/// Change one's own password. All sessions end, and a new one begins.
#[utoipa::path(put, path = "/v1/me/password", tag = "people", security(("session" = [])), request_body = NewPassword, responses(
    (status = 200, body = Me), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 429, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn change_password(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Extension(from): Extension<Origin>,
    asked: Result<Json<NewPassword>, JsonRejection>,
) -> Result<Response, Problem> {
    let NewPassword { old, new } = body(asked)?;
    let done = api.people.change_password(&who, &Password::given(&old), &new, &from, api.now_ms()).await?;
    Ok(signed_in(&api, &done))
}

/// One's own sessions.
#[utoipa::path(get, path = "/v1/me/sessions", tag = "people", security(("token" = []), ("session" = [])), responses(
    (status = 200, body = SessionPage), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn my_sessions(State(api): State<Api>, Extension(who): Extension<Who>) -> Result<Response, Problem> {
    Ok(fresh(StatusCode::OK, &Page { items: api.database.sessions_of(&who.id).await?, next: None }))
}

/// End one of one's own sessions.
#[utoipa::path(delete, path = "/v1/me/sessions/{session}", tag = "people", security(("session" = [])),
    params(("session" = String, Path, description = "The session's name.")), responses(
    (status = 204), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn end_my_session(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path(session): Path<String>,
) -> Result<StatusCode, Problem> {
    let ended = api.people.end_session(&who, &session, api.now_ms()).await?;
    if ended { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::unknown("session")) }
}
