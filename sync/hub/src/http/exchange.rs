//! What routes share: bodies that are read, answers that no cache keeps, ETags of what is edited.

use super::Problem;
use axum::{
    Json,
    extract::rejection::JsonRejection,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// The body of a request, or what is wrong with it.
pub(super) fn body<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Problem> {
    body.map(|Json(body)| body).map_err(|rejection| Problem::body(&rejection))
}

/// An answer that no cache keeps.
pub(super) fn fresh<T: Serialize>(status: StatusCode, value: &T) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(value)).into_response()
}

/// The same with the ETag of what is shown.
pub(super) fn tagged(status: StatusCode, tag: &str, value: &impl Serialize) -> Response {
    let mut response = fresh(status, value);
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The version that `If-Match` names: what is edited is what was looked at.
pub(super) fn version(headers: &HeaderMap) -> Result<i64, Problem> {
    let tag = headers.get(header::IF_MATCH).ok_or_else(Problem::wants_match)?;
    let tag = tag.to_str().ok().and_then(|tag| tag.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok());
    // Another tag than ours is none that is there.
    tag.ok_or_else(Problem::stale)
}
