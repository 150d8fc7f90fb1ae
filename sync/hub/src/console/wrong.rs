//! What goes wrong, as a page in the frame of all others: what happened, and the next step. What is inside stays inside: it is logged, not told.
//!
//! A page's function says [`Wrong`]; [`dress`] makes the page of it, since only the frame knows who looks.

use super::{
    Console,
    door::{Who, way_in},
    frame::{self, Page},
    say,
};
use crate::{Database, database::DatabaseError};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use maud::html;

/// Paths that programs ask, whatever they take.
const OF_PROGRAMS: [&str; 6] = ["/v1", "/metrics", "/healthz", "/readyz", "/openapi.json", "/.well-known"];

/// Why there is no page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    /// There is nothing here; says what was looked for.
    NotFound(String),
    /// What was asked cannot be understood; says what.
    Malformed(String),
    /// This method is not for this path.
    Method,
    /// They may not see it.
    Forbidden,
    /// The database does not answer now.
    Busy,
    /// It failed.
    Failed,
}

impl From<DatabaseError> for Wrong {
    fn from(error: DatabaseError) -> Self {
        tracing::warn!(%error, source = ?std::error::Error::source(&error), "a page could not be shown");
        if error.is_passing() { Self::Busy } else { Self::Failed }
    }
}

impl Wrong {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn words(&self) -> (&'static str, String) {
        match self {
            Self::NotFound(what) => ("There is nothing here", say::cut(what, 200)),
            Self::Malformed(what) => ("This cannot be understood", say::cut(what, 200)),
            Self::Method => {
                ("This is not how it is asked", "This address shows a page; it takes nothing.".into())
            }
            Self::Forbidden => (
                "You may not see this",
                "Your role does not include it. Whoever runs the hub can change that.".into(),
            ),
            Self::Busy => ("Not now", "The hub's database does not answer. Try again in a moment.".into()),
            Self::Failed => ("The hub failed", "The hub's log has the reason.".into()),
        }
    }

    /// The page of it, for somebody who is signed in, or for nobody.
    fn page(&self, console: &Console, who: Option<&Who>) -> Response {
        let (title, detail) = self.words();
        let body = html! {
            div.door {
                p.outcome.bad role="alert" { (detail) }
                p { a.button href="/" { "To the fleet" } }
            }
        };
        let page = Page { title, here: "", body };
        let mut response = match who {
            Some(who) => frame::still(console, who, self.status(), &page),
            None => frame::bare(console, self.status(), &page),
        };
        if *self == Self::Busy {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

fn who(console: &Console, headers: &HeaderMap) -> Option<Who> {
    Who::of(&console.parts().token, headers, Database::now_ms())
}

/// Makes pages of what went wrong on a page.
pub(super) async fn dress(State(console): State<Console>, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let response = next.run(request).await;
    if let Some(wrong) = response.extensions().get::<Wrong>() {
        return wrong.page(&console, who(&console, &headers).as_ref());
    }
    // A form or a query that was refused before anybody looked at it.
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    match response.status() {
        status if status.is_client_error() && !is_page && takes_page(&headers) => {
            let wrong =
                Wrong::Malformed("A part of the address or of the form is not what belongs there.".into());
            let mut page = wrong.page(&console, who(&console, &headers).as_ref());
            *page.status_mut() = status;
            page
        }
        _ => response,
    }
}

/// Another method than the path has.
pub(super) async fn method() -> Wrong {
    Wrong::Method
}

/// For a path that is no page's: programs are handed on, people are told that there is nothing.
pub(super) async fn no_page(State(console): State<Console>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_of_programs = OF_PROGRAMS
        .iter()
        .any(|known| path.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
    if is_of_programs || !takes_page(request.headers()) {
        return next.run(request).await;
    }
    let mut response = match who(&console, request.headers()) {
        Some(who) => Wrong::NotFound("No page has this address.".into()).page(&console, Some(&who)),
        None if matches!(*request.method(), Method::GET | Method::HEAD) => way_in(request.uri()),
        None => Wrong::Method.page(&console, None),
    };
    frame::protect(&mut response);
    response
}

/// True for a browser that wants to show something.
fn takes_page(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    kinds.any(|kinds| kinds.contains("text/html"))
}
