//! The first page of a box out of the carton: a field for the claim, and the steps with their marks, with and without scripts.
//!
//! Who may see it: this machine and private addresses, as the store's network has them. No PIN is asked for: the box has one that nobody knows yet,
//! the page tells nothing secret, and what counts is the claim. Once the box is claimed the page says so and takes nothing any more; from then on an administrator claims
//! it anew (`aisle-node claim`). Not here: what a claim does ([`crate::worker`]).
//! Guards: nobody outside the store's network claims a box, also no page of somebody else's in a browser inside it, and codes cannot be tried out one after the other.

mod view;

use crate::{Enrolment, fault::Fault, status::Status, worker::hub_address};
use aisle_provisioning::{claim::ClaimInput, code::Code};
use axum::{
    Form, Router,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, StatusCode, header, uri::Authority},
    middleware::{self, Next},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Where the page is.
pub const PATH: &str = "/first-boot";
/// Claims that may be typed at once; then one in each [`TRY_EVERY`].
const TRIES_MAX: u32 = 5;
const TRY_EVERY: Duration = Duration::from_secs(10);
/// The longest text of a field.
const FIELD_BYTES_MAX: usize = 2_048;

/// What the page works with.
#[derive(Clone)]
pub struct FirstBoot(Arc<Shared>);

struct Shared {
    enrolment: Enrolment,
    /// When the next try is free, counted back for each that was made.
    tries: Mutex<Tries>,
}

/// Tries that are left, and when that was counted.
#[derive(Debug, Clone, Copy)]
struct Tries {
    left: u32,
    since: Instant,
}

impl Tries {
    /// Takes one, if there is one.
    fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.since).as_secs() / TRY_EVERY.as_secs();
        let back = u32::try_from(passed).unwrap_or(u32::MAX);
        if back > 0 {
            self.left = self.left.saturating_add(back).min(TRIES_MAX);
            self.since = now;
        }
        let has = self.left > 0;
        self.left = self.left.saturating_sub(1);
        has
    }
}

impl FirstBoot {
    /// The page of this box.
    #[must_use]
    pub fn new(enrolment: Enrolment) -> Self {
        let tries = Mutex::new(Tries { left: TRIES_MAX, since: Instant::now() });
        Self(Arc::new(Shared { enrolment, tries }))
    }

    fn has_tries(&self) -> bool {
        self.0.tries.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now())
    }
}

/// The routes.
pub fn router(page: FirstBoot) -> Router {
    Router::new()
        .route(PATH, get(show).post(claim))
        .route("/first-boot/again", post(again))
        .route("/first-boot/status", get(status))
        .route("/first-boot/style.css", get(style))
        .route("/first-boot/script.js", get(script))
        .route_layer(middleware::from_fn(guard))
        .with_state(page)
}

/// Whether an address is one of a store's own network.
fn is_inside(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// Whether a name is one that only the store's own network gives: an address, this machine, a name of mDNS. Any other may be led here by somebody outside (DNS
/// rebinding), and then his page and this one are of one site to a browser.
fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) && !name.ends_with(':') => {
            name
        }
        _ => host,
    };
    let bracketed = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    if let Some(ip) = bracketed {
        return ip.parse::<Ipv6Addr>().is_ok();
    }
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name.parse::<Ipv4Addr>().is_ok() || name == "localhost" || name.ends_with(".local")
}

/// Lets a request through that comes from the store's own network, to a name of that network.
async fn guard(ConnectInfo(from): From, request: Request, next: Next) -> Response {
    if !is_inside(from.ip()) {
        return (StatusCode::FORBIDDEN, "This page is for the store's own network.\n").into_response();
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        (None, _) => request.uri().authority().map(Authority::as_str),
        (Some(_), Some(_)) => None,
    };
    if !host.is_some_and(is_local) {
        let text = "This page is opened by the box's address, as in http://192.168.1.20:8480/first-boot, or by a name that ends in .local.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    next.run(request).await
}

fn page(status_code: StatusCode, status: &Status, said: Option<&Fault>, typed: &Typed) -> Response {
    let markup = view::page(status, said, typed).into_string();
    let mut response = (status_code, Html(markup)).into_response();
    let no_store = header::HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}

/// What was typed. The code itself is never shown again.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Typed {
    #[serde(default)]
    claim: String,
    #[serde(default)]
    hub: String,
}

type From = ConnectInfo<SocketAddr>;

async fn show(State(first): State<FirstBoot>) -> Response {
    page(StatusCode::OK, &first.0.enrolment.status(), None, &Typed::default())
}

async fn status(State(first): State<FirstBoot>) -> Response {
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    (no_store, axum::Json(first.0.enrolment.status())).into_response()
}

async fn again(State(first): State<FirstBoot>) -> Response {
    match first.0.enrolment.again() {
        Ok(()) => Redirect::to(PATH).into_response(),
        Err(fault) => {
            page(StatusCode::CONFLICT, &first.0.enrolment.status(), Some(&fault), &Typed::default())
        }
    }
}

async fn claim(State(first): State<FirstBoot>, Form(typed): Form<Typed>) -> Response {
    let status = first.0.enrolment.status();
    match take(&first, &status, &typed).await {
        Ok(()) => Redirect::to(PATH).into_response(),
        Err(fault) => {
            let code = StatusCode::from_u16(fault.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
            page(code, &status, Some(&fault), &typed)
        }
    }
}

async fn take(first: &FirstBoot, status: &Status, typed: &Typed) -> Result<(), Fault> {
    if status.is_claimed() {
        let said = "the box is claimed already; `aisle-node claim` on the box itself claims it anew";
        return Err(Fault::new(Code::NotInThisState, said));
    }
    let longest = typed.claim.len().max(typed.hub.len());
    if longest > FIELD_BYTES_MAX {
        return Err(Fault::new(Code::LinkUnreadable, format!("{longest} bytes are too many")));
    }
    // What cannot be a code costs no try: mistyping is no attack.
    let claim: ClaimInput = typed
        .claim
        .parse()
        .map_err(|error: aisle_provisioning::claim::LinkError| Fault::of(error.code(), &error))?;
    let hub = Some(typed.hub.trim()).filter(|hub| !hub.is_empty()).map(hub_address).transpose()?;
    if !first.has_tries() {
        return Err(Fault::new(Code::TooManyTries, "this page takes one claim in ten seconds"));
    }
    first.0.enrolment.claim(claim, hub).await
}

fn asset(headers: &HeaderMap, kind: &'static str, text: &'static str) -> Response {
    // They change with the program only; a browser asks each time, which costs nothing here.
    let tag = concat!("\"", env!("CARGO_PKG_VERSION"), "\"");
    let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let caching = [(header::CACHE_CONTROL, "no-cache"), (header::ETAG, tag)];
    if is_known {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, kind)], text).into_response()
}

async fn style(headers: HeaderMap) -> Response {
    asset(&headers, "text/css; charset=utf-8", include_str!("style.css"))
}

async fn script(headers: HeaderMap) -> Response {
    asset(&headers, "text/javascript; charset=utf-8", include_str!("script.js"))
}

#[cfg(test)]
mod tests;
