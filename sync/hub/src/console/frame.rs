//! The frame of every page: the hub's name, search, whether the page is live, the way around, who is signed in. And the headers of every answer.
//!
//! Guards: scripts and styles come from files of this hub only; nothing may frame a page, and no cache keeps one.

use super::{
    Console, assets,
    door::{Caller, SIGN_IN},
    live::Pulse,
    rights, say,
    visit::{Visit, csrf},
};
use crate::{filter::Is, people::who::Who};
use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

/// What differs from page to page.
pub(super) struct Page<'a> {
    /// What it is, in its heading and in the window's title.
    pub(super) title: &'a str,
    /// The entry of the navigation that it belongs to, by its address; none, where it is empty.
    pub(super) here: &'a str,
    /// What stands in it.
    pub(super) body: Markup,
}

/// A way to a part of the console, for whom its line in the table of rights lets in.
pub(super) struct Entry {
    pub(super) address: &'static str,
    pub(super) name: &'static str,
    /// How many things there want somebody.
    pub(super) wanting: fn(&Pulse) -> i64,
}

/// The way around, in its order.
pub(super) const NAVIGATION: &[Entry] = &[
    Entry { address: "/", name: "Fleet", wanting: nothing },
    Entry { address: "/rollouts", name: "Rollouts", wanting: nothing },
    Entry { address: "/groups", name: "Groups", wanting: nothing },
    Entry { address: "/enrolments", name: "Enrolment", wanting: pending },
    Entry { address: "/artefacts", name: "Artefacts", wanting: nothing },
    Entry { address: "/contents", name: "Contents", wanting: nothing },
    Entry { address: "/policies", name: "Policies and receipts", wanting: nothing },
    Entry { address: "/approvals", name: "Approvals", wanting: asked },
    Entry { address: "/alerts", name: "Alerts", wanting: alerts },
    Entry { address: "/relay", name: "Relay", wanting: nothing },
    Entry { address: "/people", name: "People", wanting: nothing },
    Entry { address: "/audit", name: "Audit", wanting: nothing },
];

const fn nothing(_: &Pulse) -> i64 {
    0
}

const fn pending(pulse: &Pulse) -> i64 {
    pulse.wanting.boxes
}

const fn asked(pulse: &Pulse) -> i64 {
    pulse.wanting.requests
}

fn alerts(pulse: &Pulse) -> i64 {
    pulse.counts.of(Is::Forked).saturating_add(pulse.counts.of(Is::Refused))
}

/// The longest text that is looked for, in characters.
pub(super) const FIND_CHARS_MAX: usize = 64;

/// A page that is kept up to date.
pub(super) fn whole(visit: &Visit, status: StatusCode, page: &Page<'_>) -> Response {
    let Visit { console, caller, now_ms, place, pulse } = visit;
    let silent_s = console.silent_s();
    let inside = html! {
        header.top {
            (brand(console))
            form.find role="search" action="/search" method="get" {
                label.hidden for="find" { "Look for a store, a node, a content, a policy or an erasure" }
                input #find name="q" type="search" placeholder="Find" maxlength=(FIND_CHARS_MAX) autocomplete="off" required;
                button type="submit" { "Find" }
            }
            a.pill #live href=(place) title="Load this page again" {
                span.dot {}
                span #live-text { "As of " (say::clock(*now_ms)) }
            }
        }
        // Said to those who do not see, when the page stops or begins to be live.
        p.hidden #live-said role="status" {}
        (navigation(&caller.who, page.here, Some(pulse)))
        (main(page))
        (foot(caller))
    };
    document(console, status, page, Some((*now_ms, &pulse.id, silent_s)), &inside)
}

/// A page that tells somebody who is signed in of something, and stays as it is.
pub(super) fn still(console: &Console, caller: &Caller, status: StatusCode, page: &Page<'_>) -> Response {
    let inside = html! {
        header.top { (brand(console)) }
        (navigation(&caller.who, page.here, None))
        (main(page))
        (foot(caller))
    };
    document(console, status, page, None, &inside)
}

/// A page for somebody who is not.
pub(super) fn bare(console: &Console, status: StatusCode, page: &Page<'_>) -> Response {
    let inside = html! {
        header.top { (brand(console)) }
        (main(page))
    };
    document(console, status, page, None, &inside)
}

fn brand(console: &Console) -> Markup {
    let parts = console.parts();
    html! {
        a.brand href="/" {
            "Aisle " span { bdi { (say::cut(&parts.hub, 24)) } " in " bdi { (say::cut(&parts.region, 24)) } }
        }
    }
}

fn navigation(who: &Who, here: &str, pulse: Option<&Pulse>) -> Markup {
    html! {
        nav.around #around aria-label="Parts of the console" data-live[pulse.is_some()] {
            @for entry in NAVIGATION.iter().filter(|entry| rights::leads(who, entry.address)) {
                a href=(entry.address) aria-current=[(entry.address == here).then_some("page")] {
                    (entry.name)
                    // What wants somebody is counted over the whole fleet: who is bounded is not told how much that is.
                    @let wanting = pulse.filter(|_| rights::is_whole(who, entry.address)).map_or(0, |pulse| (entry.wanting)(pulse));
                    @if wanting > 0 { " " b.badge { (say::number(wanting)) } }
                }
            }
        }
    }
}

fn main(page: &Page<'_>) -> Markup {
    html! {
        main #content tabindex="-1" {
            h1 { (page.title) }
            (page.body)
        }
    }
}

fn foot(caller: &Caller) -> Markup {
    html! {
        footer {
            p { "Signed in as " a href="/me" { bdi { (say::cut(&caller.who.name, 64)) } } ". Times are the hub's, in UTC." }
            @if caller.csrf.is_some() {
                form action="/sign-out" method="post" { (csrf(caller)) button.quiet type="submit" { "Sign out" } }
            }
        }
    }
}

fn document(
    console: &Console,
    status: StatusCode,
    page: &Page<'_>,
    live: Option<(i64, &str, u64)>,
    inside: &Markup,
) -> Response {
    let html = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (page.title) " · " (say::cut(&console.parts().hub, 24)) " · Aisle" }
                link rel="icon" href=(assets::ICON.address()) type="image/svg+xml";
                link rel="stylesheet" href=(assets::STYLE.address());
                @if live.is_some() { script src=(assets::SCRIPT.address()) defer {} }
            }
            body data-now=[live.map(|(now, ..)| now)] data-pulse=[live.map(|(_, pulse, _)| pulse)] data-silent-s=[live.map(|(.., silent)| silent)]
                data-sign-in=(SIGN_IN) {
                a.skip href="#content" { "To what this page says" }
                (inside)
            }
        }
    };
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html.into_string()).into_response()
}

/// Headers of every answer.
static HEADERS: [(HeaderName, &str); 8] = [
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
    (header::CACHE_CONTROL, "no-store"),
];

/// Puts the headers on that are not there.
pub(super) fn protect(response: &mut Response) {
    for (name, value) in &HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Puts them on every answer.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    protect(&mut response);
    response
}
