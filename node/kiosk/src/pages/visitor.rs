//! Who looks at a page: the language they read and the session that their cookie names.

use crate::{app::App, http::problem::Problem, shopping, strings::Language};
use aisle_event::Name;
use aisle_state::{Session, Shop};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, Uri, header, request::Parts},
    response::Response,
};
use std::{convert::Infallible, sync::Arc};

/// Names the session. Not readable by scripts, not sent from other sites.
const SESSION_COOKIE: &str = "aisle_session";
/// Names the language that the shopper chose.
pub(crate) const LANGUAGE_COOKIE: &str = "aisle_language";
/// Names the receipt that the shopper may see; only sent to its page.
const RECEIPT_COOKIE: &str = "aisle_receipt";

/// One shopper's view of the shop.
pub(super) struct Visitor {
    pub(super) shop: Arc<Shop>,
    pub(super) language: Language,
    pub(super) session: Option<Arc<Session>>,
    /// The receipt that they may see.
    pub(super) receipt: Option<String>,
    /// Where they are, to come back after a change of language.
    pub(super) place: String,
    /// True when there is something to forget: a session, a language.
    pub(super) has_traces: bool,
    /// The session that the cookie names, open or not.
    named: Option<String>,
    set_cookies: Vec<String>,
}

impl Visitor {
    pub(super) fn new(app: &App, headers: &HeaderMap, uri: &Uri) -> Self {
        let shop = app.shop();
        let named = cookie(headers, SESSION_COOKIE);
        let session = named.and_then(|id| shop.session(id)).cloned();
        let chosen = cookie(headers, LANGUAGE_COOKIE).and_then(Language::from_code);
        Self {
            language: chosen.unwrap_or_else(|| Language::accepted(headers)),
            has_traces: session.is_some() || chosen.is_some(),
            session,
            named: named.map(str::to_owned),
            receipt: cookie(headers, RECEIPT_COOKIE).map(str::to_owned),
            place: uri.path_and_query().map_or("/", |place| place.as_str()).to_owned(),
            set_cookies: Vec::new(),
            shop,
        }
    }

    /// The session that the cookie names, which may have ended.
    pub(super) fn named(&self) -> Option<&str> {
        self.named.as_deref()
    }

    /// Begins a session for a shopper who has none. A node that cannot write still shows its pages.
    pub(super) async fn begin(&mut self, app: &App) {
        if self.session.is_none() {
            // The refusal was logged or counted where it came from.
            let _ = self.must_begin(app).await;
        }
    }

    /// Begins a session for a shopper who has none, or says why that cannot be.
    pub(super) async fn must_begin(&mut self, app: &App) -> Result<(), Problem> {
        if self.session.is_some() {
            return Ok(());
        }
        let started = shopping::start(app, None, Name::new(self.language.code()).ok()).await?;
        self.shop = app.shop();
        self.session = self.shop.session(started.session.as_str()).cloned();
        self.has_traces = true;
        self.set_cookies
            .push(format!("{SESSION_COOKIE}={}; Path=/; HttpOnly; SameSite=Strict", started.session));
        Ok(())
    }

    /// Forgets the shopper: the next one finds a kiosk that knows nobody.
    pub(super) fn forget(&mut self) {
        self.session = None;
        for (name, path) in [(SESSION_COOKIE, "/"), (LANGUAGE_COOKIE, "/"), (RECEIPT_COOKIE, "/thanks")] {
            self.set_cookies.push(format!("{name}=; Path={path}; Max-Age=0; HttpOnly; SameSite=Strict"));
        }
    }

    /// Forgets the session that was paid, and lets the shopper see its receipt for a while.
    pub(super) fn paid(&mut self, document: &str, seconds: u32) {
        self.session = None;
        self.set_cookies.push(format!("{SESSION_COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"));
        self.set_cookies.push(format!(
            "{RECEIPT_COOKIE}={document}; Path=/thanks; Max-Age={seconds}; HttpOnly; SameSite=Strict"
        ));
    }

    /// Remembers the language that the shopper chose.
    pub(super) fn choose(&mut self, language: Language) {
        self.set_cookies
            .push(format!("{LANGUAGE_COOKIE}={}; Path=/; HttpOnly; SameSite=Strict", language.code()));
    }

    /// Gives an answer the cookies that changed, and keeps every cache from showing it to the next shopper.
    pub(super) fn sign(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::VARY, HeaderValue::from_static("cookie, accept-language"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.language.tag()));
        for cookie in &self.set_cookies {
            // Ids and document numbers of this node are plain letters and digits.
            if let Ok(value) = HeaderValue::from_str(cookie) {
                headers.append(header::SET_COOKIE, value);
            }
        }
        response
    }
}

/// The value of a cookie, where the browser sent it (RFC 6265, section 4.2).
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self::new(app, &parts.headers, &parts.uri))
    }
}
