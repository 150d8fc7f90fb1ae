//! [`Problem`]: the one form of every error of the interface (RFC 9457), as the kiosk's.

use crate::database::DatabaseError;
use axum::{
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
}

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { kind, title, status: status.as_u16(), detail: detail.into(), errors: Vec::new() }
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

    /// Nobody, or somebody without the token.
    pub(super) fn no_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "urn:aisle:problem:no-token",
            "The hub's token is needed",
            "send `Authorization: Bearer …` with the token of the hub's token file",
        )
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

    /// This hub takes no boxes in.
    pub(super) fn no_enrolment() -> Self {
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
            "the description of the interface says which methods it has",
        )
    }
}

/// What is inside stays inside: it is logged, not told.
impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        tracing::warn!(%error, source = ?std::error::Error::source(&error), "a request could not be answered");
        if error.is_passing() {
            return Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "urn:aisle:problem:busy",
                "The hub is busy",
                "the database does not answer; try again",
            );
        }
        Self::internal(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // A problem is made of texts and numbers; it always has a JSON form.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
