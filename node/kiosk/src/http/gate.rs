//! The gate that every request passes: room, body bound, origin, time limit, headers, metrics.
//!
//! Guards invariant 6: requests, their bytes and their time are bounded, and what is beyond is refused at once with 503
//! or 413 rather than queued.

use crate::{
    app::App,
    http::{body, problem::Problem},
    pages, staff,
};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{
    any::Any,
    time::{Duration, Instant},
};

/// Headers of every answer. Scripts and styles come from files of this node only; nothing may frame it.
static HEADERS: [(HeaderName, &str); 7] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The API's part of the paths: its errors are problems, everything else's are pages.
pub(crate) fn is_api(path: &str) -> bool {
    path.starts_with("/v1/") || path == "/v1" || path == "/openapi.json"
}

/// Lets a request through, or refuses it.
pub(crate) async fn pass(State(app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let uri = request.uri().clone();
    // A page speaks the shopper's language, also when it refuses; a problem of the API is the same for everyone.
    let page_headers = (!is_api(uri.path())).then(|| request.headers().clone());
    let answer = admit(&app, request, next).await.unwrap_or_else(IntoResponse::into_response);
    let mut response = match (page_headers, answer.extensions().get::<Problem>()) {
        (Some(headers), Some(problem)) if app.has_staff && staff::is_here(uri.path()) => {
            staff::problem_page(&app, &headers, &uri, problem)
        }
        (Some(headers), Some(problem)) => pages::errors::page(&app, &headers, &uri, problem),
        _ => answer,
    };
    let headers = response.headers_mut();
    for (name, value) in &HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    app.telemetry.answered(
        route.as_ref().map(MatchedPath::as_str),
        response.status().as_u16(),
        started.elapsed(),
    );
    response
}

async fn admit(app: &App, request: Request, next: Next) -> Result<Response, Problem> {
    let Ok(_room) = app.room.try_acquire() else {
        app.telemetry.shed();
        return Err(Problem::busy("too many requests are being worked on; try again").retry_after_s(1));
    };
    let _in_flight = InFlight::new(app);
    same_site(&request)?;
    let path = request.uri().clone();
    let ms = app.config.request_timeout_ms;
    let answer = async {
        let request = body::buffered(request, app.config.body_bytes_max).await?;
        Ok(next.run(request).await)
    };
    tokio::time::timeout(Duration::from_millis(ms), answer).await.unwrap_or_else(|_| {
        app.telemetry.timed_out(path.path(), ms);
        Err(Problem::busy(format!("the answer took longer than {ms} ms; it may still come about"))
            .retry_after_s(2))
    })
}

/// Answers a path that does not exist.
pub(crate) async fn not_found() -> Problem {
    Problem::unknown_path("nothing is served under this path")
}

/// Answers a method that a path does not have. The `allow` header is added by the router.
pub(crate) async fn wrong_method(method: Method) -> Problem {
    Problem::method(format!("`{method}` is not for this path; see the `allow` header"))
}

/// Answers for a handler that panicked, without saying why: that is in the log.
pub(crate) fn panicked(app: &App, panic: &(dyn Any + Send)) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    app.telemetry.panicked(message);
    Problem::internal("something went wrong inside; it was logged").into_response()
}

/// Refuses what another site makes a browser send (RFC 6454 `Origin`, Fetch Metadata). A client that is no browser
/// sends neither header, and has no cookie that it did not get itself.
fn same_site(request: &Request) -> Result<(), Problem> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let headers = request.headers();
    let refused = match header_text(headers, "sec-fetch-site") {
        Some(site) => !matches!(site, "same-origin" | "none"),
        None => match header_text(headers, "origin") {
            Some(origin) => origin.split_once("://").map(|(_, host)| host) != header_text(headers, "host"),
            None => headers.contains_key(header::ORIGIN),
        },
    };
    if refused {
        return Err(Problem::cross_site("only pages of this kiosk may send this"));
    }
    Ok(())
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Counts a request while it is being worked on.
struct InFlight<'a>(&'a App);

impl<'a> InFlight<'a> {
    fn new(app: &'a App) -> Self {
        app.telemetry.in_flight.inc();
        Self(app)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.telemetry.in_flight.dec();
    }
}
