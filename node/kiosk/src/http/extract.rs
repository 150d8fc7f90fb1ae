//! Reading requests: each part is checked where it is read, and a refusal names the field.

use crate::http::problem::Problem;
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{header, request::Parts},
};
use serde::de::DeserializeOwned;
use std::{ops::RangeInclusive, str::FromStr};

/// A JSON body: an object, read to its end.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// The bytes of a JSON body, or none when there is no body.
pub(crate) struct JsonBytes(pub(crate) Bytes);

/// The query. Its fields are optional texts; the handler reads them with [`number`] and [`choice`], so that each
/// refusal names its field.
#[derive(Debug)]
pub struct Params<T>(pub T);

/// One segment of the path.
#[derive(Debug)]
pub struct Segment(pub String);

/// Two segments of the path.
#[derive(Debug)]
pub struct Segments(pub String, pub String);

impl<S: Send + Sync> FromRequest<S> for JsonBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = request.headers().get(header::CONTENT_TYPE).map(|value| {
            value.to_str().ok().and_then(|text| text.split(';').next()).is_some_and(|essence| {
                let essence = essence.trim().to_ascii_lowercase();
                essence == "application/json"
                    || (essence.starts_with("application/") && essence.ends_with("+json"))
            })
        });
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| Problem::malformed("the body could not be read to its end"))?;
        match is_json {
            Some(true) => Ok(Self(bytes)),
            None if bytes.is_empty() => Ok(Self(bytes)),
            _ => Err(Problem::media_type("send the body as `content-type: application/json`")
                .with("content-type", "is not application/json")),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let JsonBytes(bytes) = JsonBytes::from_request(request, state).await?;
        parse(&bytes).map(Self)
    }
}

/// Reads a JSON object as a `T`, to its end.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // A derived `Deserialize` would also take a list of the fields' values.
    if bytes.trim_ascii_start().first().is_some_and(|byte| *byte == b'[') {
        return Err(Problem::field("body", "is no JSON object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        // A part of the path that was not read to its end has no name.
        let named = path.trim_end_matches('?').trim_end_matches('.');
        refusal(if named.is_empty() { "body" } else { named }, error.inner())
    })?;
    deserializer.end().map_err(|error| refusal("body", &error))?;
    Ok(value)
}

fn refusal(path: &str, error: &serde_json::Error) -> Problem {
    let reason = error.to_string();
    Problem::malformed(format!("`{path}`: {reason}")).with(path.to_owned(), reason)
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Self(params)),
            Err(_) => Err(Problem::malformed("the query names a parameter twice")
                .with("query", "has a parameter more than once")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(segment)) => Ok(Self(segment)),
            Err(_) => Err(not_text()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Segments {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path((first, second))) => Ok(Self(first, second)),
            Err(_) => Err(not_text()),
        }
    }
}

fn not_text() -> Problem {
    Problem::malformed("the path is not UTF-8 after percent-decoding").with("path", "is not UTF-8")
}

/// A whole number in a query, within bounds.
///
/// # Errors
/// Names the field when it holds something else.
pub fn number(
    field: &'static str,
    text: Option<&str>,
    range: &RangeInclusive<usize>,
    default: usize,
) -> Result<usize, Problem> {
    let Some(text) = text else { return Ok(default) };
    match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(Problem::field(
            field,
            format!("is no whole number from {} to {}", range.start(), range.end()),
        )),
    }
}

/// One of a few words in a query or a path.
///
/// # Errors
/// Names the field when it holds none of them.
pub fn choice<T: Copy>(field: &'static str, text: &str, all: &[(&str, T)]) -> Result<T, Problem> {
    all.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
        Problem::field(field, format!("is none of {}", names.join(", ")))
    })
}

/// A text in a query with a bounded number of characters.
pub(crate) fn text<'a>(
    field: &'static str,
    text: Option<&'a str>,
    chars_max: usize,
) -> Result<Option<&'a str>, Problem> {
    match text {
        Some("") => Err(Problem::field(field, "is empty")),
        Some(text) if text.chars().count() > chars_max => {
            Err(Problem::field(field, format!("is longer than {chars_max} characters")))
        }
        other => Ok(other),
    }
}

/// An id of visible ASCII characters.
pub(crate) fn visible<T: FromStr<Err = aisle_event::InvalidId>>(
    field: &'static str,
    text: &str,
    chars_max: usize,
) -> Result<T, Problem> {
    if text.is_empty() || text.len() > chars_max || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Problem::field(field, format!("is not 1 to {chars_max} visible ASCII characters")));
    }
    id(field, text)
}

/// An id in a body.
pub(crate) fn id<T: FromStr<Err = aisle_event::InvalidId>>(
    field: &'static str,
    text: &str,
) -> Result<T, Problem> {
    text.parse().map_err(|error: aisle_event::InvalidId| Problem::field(field, error.to_string()))
}
