//! [`Problem`]: the one form of every error of the interface (RFC 9457), as the kiosk's.

use crate::{
    database::DatabaseError,
    people::{role::Permission, secret::NoRandomness},
};
use axum::{
    extract::rejection::JsonRejection,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// The media type of a problem.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// What is wrong with one field of a request.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct FieldError {
    /// The name of the field in the query or the path.
    #[schema(example = "limit")]
    field: &'static str,
    /// What is wrong with it.
    #[schema(example = "is above 1000")]
    reason: Cow<'static, str>,
}

/// Why a request was not done (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// Which problem it is, for programs.
    #[serde(rename = "type")]
    #[schema(example = "urn:aisle:problem:unknown-store")]
    kind: &'static str,
    /// The same, for people.
    title: &'static str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened this time, and what can be done.
    detail: Cow<'static, str>,
    /// The fields that are wrong, if it is a matter of fields.
    errors: Vec<FieldError>,
    /// In how many seconds it may be tried again.
    #[serde(skip)]
    retry_after_s: Option<i64>,
}

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            title,
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_s: None,
        }
    }

    /// A field of the request that does not hold what it may hold.
    pub(super) fn field(field: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        let reason = reason.into();
        let mut problem = Self::new(
            StatusCode::BAD_REQUEST,
            "urn:aisle:problem:malformed",
            "The request is malformed",
            format!("`{field}` {reason}"),
        );
        problem.errors.push(FieldError { field, reason });
        problem
    }

    /// A query that cannot be read.
    pub(super) fn malformed(detail: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "urn:aisle:problem:malformed", "The request is malformed", detail)
    }

    /// Nobody, or somebody whose session or token is good no more.
    pub(super) fn no_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "urn:aisle:problem:no-token",
            "Sign in, or send a token",
            "sign in with `POST /v1/session`, or send `Authorization: Bearer …` with a token that is good",
        )
    }

    /// Somebody whose roles do not have a permission.
    pub(super) fn forbidden(permission: Permission) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "urn:aisle:problem:forbidden",
            "You may not",
            format!(
                "this wants the permission `{permission}`; `GET /v1/me` shows yours, an admin gives roles"
            ),
        )
    }

    /// Somebody whose role does not hold here.
    pub(super) fn bounded(permission: Permission) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "urn:aisle:problem:forbidden",
            "You may not here",
            format!(
                "your permission `{permission}` is bounded to a region or a label, and this lies outside"
            ),
        )
    }

    /// A token where only a person at a page will do.
    pub(super) fn wants_session() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "urn:aisle:problem:session-wanted",
            "This wants a session",
            "tokens do not do here: sign in with `POST /v1/session`",
        )
    }

    /// A request that another page may have made.
    pub(super) fn forged(detail: &'static str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "urn:aisle:problem:forged",
            "This may come from another page",
            detail,
        )
    }

    /// A route that nobody may use, because nobody has said who may.
    pub(super) fn no_line() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "urn:aisle:problem:forbidden",
            "Nobody may",
            "this route has no line in the hub's table of permissions",
        )
    }

    /// No sign-in from here.
    pub(super) fn no_site() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "urn:aisle:problem:no-site",
            "No sign-in from here",
            "pages are at `http.origin` of hub.toml; without it people sign in on the hub's own machine only, at `http://127.0.0.1`",
        )
    }

    /// A name or a password that is not right.
    pub(super) fn wrong_sign_in(detail: String) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "urn:aisle:problem:sign-in", "You are not signed in", detail)
    }

    /// Too many were not right.
    pub(super) fn blocked(wait_ms: i64) -> Self {
        let seconds = wait_ms.saturating_add(999) / 1_000;
        let mut problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "urn:aisle:problem:blocked",
            "Too many passwords were wrong",
            format!("try again in {seconds} s"),
        );
        problem.retry_after_s = Some(seconds);
        problem
    }

    /// The hub cannot just now.
    pub(super) fn busy(detail: &'static str) -> Self {
        let mut problem =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "urn:aisle:problem:busy", "The hub is busy", detail);
        problem.retry_after_s = Some(2);
        problem
    }

    /// Somebody who may, but not alone.
    pub(super) fn second_person(detail: String) -> Self {
        Self::new(StatusCode::FORBIDDEN, "urn:aisle:problem:second-person", "Another person has to", detail)
    }

    /// Nothing of this name.
    pub(super) fn unknown(what: &'static str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "urn:aisle:problem:unknown",
            "No such thing",
            format!("there is no such {what}"),
        )
    }

    /// It cannot be done as things are.
    pub(super) fn conflict(detail: String) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "urn:aisle:problem:conflict",
            "It cannot be done as things are",
            detail,
        )
    }

    /// What is edited was not looked at.
    pub(super) fn wants_match() -> Self {
        Self::new(
            StatusCode::PRECONDITION_REQUIRED,
            "urn:aisle:problem:match-wanted",
            "Which version do you mean?",
            "send `If-Match` with the `ETag` that you have seen",
        )
    }

    /// What is edited was changed meanwhile.
    pub(super) fn stale() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "urn:aisle:problem:stale",
            "It was changed meanwhile",
            "look at it again, and send its `ETag` of now as `If-Match`",
        )
    }

    /// More than is taken.
    pub(super) fn too_large(bytes_max: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "urn:aisle:problem:too-large",
            "The request is too large",
            format!("this takes at most {bytes_max} bytes"),
        )
    }

    /// A body that is not what the route takes.
    pub(super) fn body(rejection: &JsonRejection) -> Self {
        let status = match rejection.status() {
            StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
            status => status,
        };
        // What was sent may be a password: it is not said again.
        let detail = match rejection {
            JsonRejection::MissingJsonContentType(_) => "send `Content-Type: application/json`".to_owned(),
            JsonRejection::JsonSyntaxError(_) => "the body is no JSON".to_owned(),
            JsonRejection::JsonDataError(error) => field_of(&error.body_text()),
            _ => "the body cannot be read".to_owned(),
        };
        Self::new(status, "urn:aisle:problem:malformed", "The request is malformed", detail)
    }

    /// A key that another request has.
    pub(super) fn other_request() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "urn:aisle:problem:key-reused",
            "The key belongs to another request",
            "this `Idempotency-Key` came with another request within a day: use a new one",
        )
    }

    /// The same request, of which nobody knows yet what came of it.
    pub(super) fn begun() -> Self {
        let mut problem = Self::new(
            StatusCode::CONFLICT,
            "urn:aisle:problem:begun",
            "The request is being done",
            "the same request has begun: ask again soon. If it stays so, the hub ended in the middle of it: look whether it was done, and use a new key",
        );
        problem.retry_after_s = Some(2);
        problem
    }

    /// The same request, whose answer was too long to keep.
    pub(super) fn done_before() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "urn:aisle:problem:done-before",
            "The request was done",
            "the same request was done before, and its answer was not kept",
        )
    }

    /// What is inside is told by the log.
    pub(super) fn failed() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "urn:aisle:problem:internal",
            "The hub failed",
            "the hub's log has the reason",
        )
    }

    /// Somebody else does not answer as they should.
    pub(super) fn gateway(detail: String) -> Self {
        Self::new(
            StatusCode::BAD_GATEWAY,
            "urn:aisle:problem:provider",
            "The identity provider cannot be asked",
            detail,
        )
    }

    /// Whether somebody did what they may not.
    pub(crate) const fn is_refusal(&self) -> bool {
        self.status == 403
    }

    /// What happened this time.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The fields that are wrong, and why.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.errors.iter().map(|error| (error.field, error.reason.as_ref()))
    }

    /// The same for all of its kind.
    pub(crate) const fn title(&self) -> &'static str {
        self.title
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// In how many seconds it may be tried again.
    pub(crate) const fn retry_after_s(&self) -> Option<i64> {
        self.retry_after_s
    }

    /// No such store.
    pub(super) fn unknown_store(store: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "urn:aisle:problem:unknown-store",
            "No such store",
            format!("no store `{store}` has come to this hub"),
        )
    }

    /// No such log.
    pub(super) fn unknown_log(store: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "urn:aisle:problem:unknown-log",
            "No such log",
            format!("the store `{store}` has no log of this class and epoch"),
        )
    }

    /// No such claim.
    pub(super) fn unknown_claim(locator: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "urn:aisle:problem:unknown-claim",
            "No such claim",
            format!("there is no claim `{locator}`"),
        )
    }

    /// No such node, among those that enrolled.
    pub(super) fn unknown_node(store: &str, node: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "urn:aisle:problem:unknown-node",
            "No such node",
            format!("no node `{node}` of store `{store}` has asked to come in"),
        )
    }

    /// It cannot be done as things stand.
    pub(super) fn state(detail: String) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "urn:aisle:problem:not-in-this-state",
            "This cannot be done as things stand",
            detail,
        )
    }

    /// The list of who may not come in takes no more: what fills it, and when there is room again.
    fn list_full(error: &DatabaseError) -> Self {
        Self::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "urn:aisle:problem:list-full",
            "The list of who may not come in is full",
            error.to_string(),
        )
    }

    /// This hub takes no boxes in.
    pub(crate) fn no_enrolment() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "urn:aisle:problem:no-enrolment",
            "This hub takes no boxes in",
            "`enrolment.listen` is empty; `aisle-hub init` makes a hub with an authority",
        )
    }

    /// Something that is wrong inside.
    pub(super) fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, source = ?error.source(), "a request could not be answered");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "urn:aisle:problem:internal",
            "The hub failed",
            "the hub's log has the reason",
        )
    }

    /// No such page.
    pub(super) fn unknown_path() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "urn:aisle:problem:unknown-path",
            "No such page",
            "there is nothing at this path",
        )
    }

    /// Another method.
    pub(super) fn method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "urn:aisle:problem:method",
            "This method is not for this path",
            "the OpenAPI document says which methods this path takes",
        )
    }
}

/// What is inside stays inside: it is logged, not told.
impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        if let DatabaseError::ListFull { .. } = error {
            tracing::error!(%error, "nobody was put onto the list of who may not come in");
            return Self::list_full(&error);
        }
        tracing::warn!(%error, source = ?std::error::Error::source(&error), "a request could not be answered");
        if error.is_passing() {
            return Self::busy("the database does not answer; try again");
        }
        Self::failed()
    }
}

/// The system gives no randomness.
impl From<NoRandomness> for Problem {
    fn from(error: NoRandomness) -> Self {
        tracing::error!(%error, "a request could not be answered");
        Self::failed()
    }
}

/// What serde says of a body without the values in it: it says them between quotation marks.
fn field_of(text: &str) -> String {
    let told = text.rsplit_once("target type: ").map_or(text, |(_, told)| told);
    let mut parts = told.split('"');
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for (at, part) in parts.enumerate() {
        clean.push_str(if at % 2 == 0 { "…" } else { part });
    }
    clean.chars().take(300).collect()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        // A problem is made of texts and numbers; it always has a JSON form.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // Where a person is led to a route of the interface, the console makes a page of it.
        response.extensions_mut().insert(self);
        response
    }
}
