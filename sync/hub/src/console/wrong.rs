//! What goes wrong, as a page in the frame of all others: what happened, and the next step. What is inside stays inside: it is logged, not told.
//!
//! A page's function says [`Wrong`]; [`dress`] makes the page of it, since only the frame knows who looks.

use super::{
    Console,
    door::{self, Caller, elsewhere, way_in},
    frame::{self, Page},
    say,
};
use crate::{
    database::DatabaseError,
    http::{
        Problem,
        access::{self, Denied},
    },
    people::{
        role::{Permission, Role},
        sign_in::SignInError,
        who::Who,
    },
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};

/// Paths that programs ask, whatever they take.
const OF_PROGRAMS: [&str; 6] = ["/v1", "/metrics", "/healthz", "/readyz", "/openapi.json", "/.well-known"];

/// Why there is no page, or why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    /// There is nothing here; says what was looked for.
    NotFound(String),
    /// What was asked cannot be understood; says what.
    Malformed(String),
    /// This method is not for this path.
    Method,
    /// They may not.
    Denied(Denied),
    /// The form may come from another page than the hub's.
    Forged,
    /// It was not done, as the interface for programs says it.
    Told {
        /// The status.
        status: StatusCode,
        /// What it is.
        title: &'static str,
        /// What happened this time.
        detail: String,
        /// In how many seconds it may be tried again.
        retry_after_s: Option<i64>,
    },
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

impl From<Problem> for Wrong {
    fn from(problem: Problem) -> Self {
        match problem.status() {
            StatusCode::INTERNAL_SERVER_ERROR => Self::Failed,
            StatusCode::SERVICE_UNAVAILABLE => Self::Busy,
            status => Self::Told {
                status,
                title: problem.title(),
                detail: problem.detail().to_owned(),
                retry_after_s: problem.retry_after_s(),
            },
        }
    }
}

impl From<SignInError> for Wrong {
    fn from(error: SignInError) -> Self {
        Problem::from(error).into()
    }
}

impl Wrong {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Denied(_) | Self::Forged => StatusCode::FORBIDDEN,
            Self::Told { status, .. } => *status,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn words(&self) -> (&'static str, String) {
        match self {
            Self::NotFound(what) => ("There is nothing here", say::cut(what, 200)),
            Self::Malformed(what) => ("This cannot be understood", say::cut(what, 200)),
            Self::Method => {
                ("This is not how it is asked", "This address takes no such request.".into())
            }
            Self::Denied(Denied::Lacks(permission)) => {
                ("You may not see or do this", format!("None of your roles has the right `{permission}`."))
            }
            Self::Denied(Denied::Outside(permission)) => (
                "You may not see or do this here",
                format!("Your right `{permission}` holds in a region or for a label, and this lies outside of it."),
            ),
            Self::Denied(_) => {
                ("This wants a person", "Sign in with a name: whoever comes by a token cannot do this.".into())
            }
            Self::Forged => (
                "This may come from another page",
                "The form does not carry what only a page of this hub knows, or the page is of a session that has ended. Load it again and send it once more. Nothing was done."
                    .into(),
            ),
            // What stands behind a hint is for who is at a command line.
            Self::Told { title, detail, .. } => {
                (title, say::cut(detail.split("\nhint:").next().unwrap_or_default(), 400))
            }
            Self::Busy => ("Not now", "The hub's database does not answer. Try again in a moment.".into()),
            Self::Failed => ("The hub failed", "The hub's log has the reason.".into()),
        }
    }

    /// What can be done about it.
    fn further(&self, who: Option<&Who>) -> Markup {
        let Self::Denied(Denied::Lacks(permission) | Denied::Outside(permission)) = self else {
            return html! {};
        };
        html! {
            p { (right(*permission)) }
            @if let Some(who) = who {
                p {
                    @if who.grants.is_empty() { "You have no role yet." } @else { "You have:" }
                    @for grant in who.grants.iter().take(GRANTS_SHOWN_MAX) { " " code { (say::cut(&grant.to_string(), 160)) } }
                }
            }
            p { "Somebody with the role " code { (Role::Admin) } " can give you another one." }
        }
    }

    /// The page of it, for somebody who is in, or for nobody.
    pub(super) fn page(&self, console: &Console, caller: Option<&Caller>) -> Response {
        let (title, detail) = self.words();
        let body = html! {
            div.door {
                p.outcome.bad role="alert" { (detail) }
                (self.further(caller.map(|caller| &caller.who)))
                p { a.button href="/" { "To the fleet" } }
            }
        };
        let page = Page { title, here: "", body };
        let mut response = match caller {
            Some(caller) => frame::still(console, caller, self.status(), &page),
            None => frame::bare(console, self.status(), &page),
        };
        let seconds = match self {
            Self::Busy => Some(2),
            Self::Told { retry_after_s, .. } => *retry_after_s,
            _ => None,
        };
        if let Some(seconds) = seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The most roles of somebody that are told.
const GRANTS_SHOWN_MAX: usize = 8;

/// What a right is, and who has it.
fn right(permission: Permission) -> Markup {
    let roles = Role::ALL.into_iter().filter(|role| role.may(permission));
    html! {
        code { (permission) } " is: " (permission.words().trim()) " The roles that have it:"
        @for role in roles { " " code { (role) } }
        "."
    }
}

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Makes pages of what went wrong on a page.
pub(super) async fn dress(State(console): State<Console>, request: Request, next: Next) -> Response {
    let is_for_people = takes_page(request.headers());
    let response = next.run(request).await;
    let caller = response.extensions().get::<Caller>();
    if let Some(wrong) = response.extensions().get::<Wrong>() {
        return wrong.page(&console, caller);
    }
    // A form or a query that was refused before anybody looked at it.
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    match response.status() {
        status if status.is_client_error() && !is_page && is_for_people => {
            let wrong =
                Wrong::Malformed("A part of the address or of the form is not what belongs there.".into());
            let mut page = wrong.page(&console, caller);
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
    if elsewhere::PATHS.contains(&path) && takes_page(request.headers()) {
        let response = next.run(request).await;
        return elsewhere::dress(&console, response);
    }
    if is_of_programs || !takes_page(request.headers()) {
        return next.run(request).await;
    }
    let from = access::from(console.api(), &request);
    let found = door::caller(&console, request.headers(), &from, console.api().now_ms()).await;
    let mut response = match found {
        Ok(Some(caller)) => Wrong::NotFound("No page has this address.".into()).page(&console, Some(&caller)),
        Ok(None) if matches!(*request.method(), Method::GET | Method::HEAD) => way_in(request.uri()),
        Ok(None) => Wrong::Method.page(&console, None),
        Err(wrong) => wrong.page(&console, None),
    };
    frame::protect(&mut response);
    response
}

/// True for a browser that wants to show something.
pub(super) fn takes_page(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    kinds.any(|kinds| kinds.contains("text/html"))
}
