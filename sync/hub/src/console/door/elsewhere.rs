//! What goes wrong while somebody signs in at an identity provider, as a page: what happened, and what to do next. They were led to a route of the interface, and are a person all the same.
//!
//! Not here: what is asked and believed ([`crate::people::oidc`]), where it goes well (then nobody sees a page). Guards: what a provider said is text, and cut.

use super::{SIGN_IN, say};
use crate::{
    console::{
        Console,
        frame::{self, Page},
    },
    http::Problem,
};
use axum::{
    http::{HeaderName, StatusCode, header},
    response::Response,
};
use maud::{Markup, html};

/// Where browsers are led to.
pub(in crate::console) const PATHS: [&str; 2] = ["/v1/oidc/start", "/v1/oidc/callback"];
/// The longest text of what happened, in characters.
const DETAIL_CHARS_MAX: usize = 400;
/// Headers of the answer that belong to the page as well.
const KEPT: [HeaderName; 2] = [header::SET_COOKIE, header::RETRY_AFTER];

/// What happened, in a heading, and what to do.
fn words(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::UNAUTHORIZED => (
            "You were not signed in",
            "Begin again from here: what has begun is good once, in the browser that began it, and for ten minutes. Where it says that none of your groups has a role, or that you may not \
             come, somebody with the role `admin` can help.",
        ),
        StatusCode::BAD_GATEWAY => (
            "The identity provider could not be asked",
            "Try again in a moment. Who has a password at this hub can sign in with it meanwhile; whoever runs the hub finds the reason in its log.",
        ),
        StatusCode::NOT_FOUND => {
            ("There is no identity provider here", "This hub signs people in by name and password.")
        }
        StatusCode::FORBIDDEN => (
            "Nobody signs in at this address",
            "Open the hub at the address that `http.origin` in hub.toml says, and begin again there.",
        ),
        StatusCode::SERVICE_UNAVAILABLE => ("Not now", "The hub is busy. Try again in a moment."),
        status if status.is_server_error() => ("The hub failed", "The hub's log has the reason. Try again."),
        _ => ("The sign-in was not understood", "Begin again from here."),
    }
}

/// A page in place of a problem; anything else as it is.
pub(in crate::console) fn dress(console: &Console, response: Response) -> Response {
    let Some(problem) = response.extensions().get::<Problem>() else { return response };
    let (title, next) = words(problem.status());
    let detail = problem.detail().split("\nhint:").next().unwrap_or_default();
    let body = html! {
        div.door {
            p.outcome.bad role="alert" { (say::cut(detail, DETAIL_CHARS_MAX)) }
            p { (next) }
            (ways(console))
        }
    };
    let mut page = frame::bare(console, problem.status(), &Page { title, here: "", body });
    for name in KEPT {
        for value in response.headers().get_all(&name) {
            page.headers_mut().append(&name, value.clone());
        }
    }
    frame::protect(&mut page);
    page
}

fn ways(console: &Console) -> Markup {
    html! {
        p.ways {
            @if console.api().oidc.is_some() { a.button.primary href="/v1/oidc/start" { "Try the identity provider again" } }
            a.button href=(SIGN_IN) { "To the sign-in" }
        }
    }
}
