//! Who asks, and whether they may: looked at before any route is.
//!
//! In this order: who it is (the machine's token file, a token, a session's cookie), that a request by a cookie comes from our own page and carries
//! what only that page knows, what the route wants ([`super::permits`]), and at which store. What is refused is counted and written to the audit log, with who it was. A
//! route that no line names is served to nobody. Not here: sign-in ([`super::session`]), roles ([`crate::people::role`]).

use super::{
    Api, Problem,
    permits::{self, Known, Need},
    site::Cookie,
};
use crate::people::{
    role::Permission,
    secret::Secret,
    tokens::PREFIX,
    who::{Origin, Way, Who},
};
use aisle_event::StoreId;
use axum::{
    body::{Body, to_bytes},
    extract::{ConnectInfo, MatchedPath, RawPathParams, Request, State, rejection::RawPathParamsRejection},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::net::SocketAddr;

/// The header with what only our own page knows.
pub(super) const CSRF_HEADER: &str = "x-csrf-token";
/// The same as a field of a form.
const CSRF_FIELD: &str = "csrf";
/// The longest form that is looked into, in bytes.
const FORM_BYTES_MAX: usize = 64 << 10;
/// The name of a path's part that is a store.
const STORE: &str = "store";

/// Lets a request through to its route, or not.
pub(super) async fn guard(
    State(api): State<Api>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Response {
    let now_ms = api.now_ms();
    let from = from(&api, &request);
    request.extensions_mut().insert(from.clone());
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    if request.uri().path_and_query().is_some_and(|asked| asked.as_str().contains("%00")) {
        return Problem::malformed("the address has a sign that stands in no text".to_owned())
            .into_response();
    }
    let known = path.as_deref().map(|path| permits::need(request.method(), path));
    if known == Some(Known::Needs(Need::Open)) {
        return next.run(request).await;
    }
    let who = match identify(&api, request.headers(), &from, now_ms).await {
        Ok(Some(who)) => who,
        Ok(None) => return Problem::no_token().into_response(),
        Err(problem) => return problem.into_response(),
    };
    let need = match known {
        Some(Known::Needs(need)) => need,
        // Nothing is there: that is told.
        None => return next.run(request).await,
        Some(Known::OtherMethods) => return Problem::method().into_response(),
        Some(Known::NoLine) => {
            tracing::error!(path, "a route has no line in the table of permissions: nobody is let in");
            return Problem::no_line().into_response();
        }
    };
    let request = match unforged(&api, who.csrf(), request).await {
        Ok(request) => request,
        Err(problem) => return refuse(&api, &who, FORGED, path.as_deref(), problem, now_ms).await,
    };
    let store = store_of(params);
    match permitted(&api, &who, need, store.as_deref()).await {
        Ok(()) => {
            let mut request = request;
            request.extensions_mut().insert(who);
            next.run(request).await
        }
        Err(denied) => {
            let object = store.or(path);
            refuse(&api, &who, action(need), object.as_deref(), denied.into(), now_ms).await
        }
    }
}

/// What a refused request is called in the audit log, when another page may have made it.
pub(crate) const FORGED: &str = "request.forged";

/// What a refused request is called in the audit log.
pub(crate) fn action(need: Need) -> &'static str {
    need.permission().map_or("session", Permission::as_str)
}

/// The store that a path names.
pub(crate) fn store_of(params: Result<RawPathParams, RawPathParamsRejection>) -> Option<String> {
    let params = params.ok()?;
    params.iter().find(|(name, _)| *name == STORE).map(|(_, value)| value.to_owned())
}

/// Why somebody may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// None of their roles has the permission.
    Lacks(Permission),
    /// A role of theirs has it, but not here.
    Outside(Permission),
    /// They came with a token, and only a person at a page will do.
    NoSession,
    /// The database cannot say where the store lies.
    Unknown {
        /// True when it may be tried again.
        is_passing: bool,
    },
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Lacks(permission) => Self::forbidden(permission),
            Denied::Outside(permission) => Self::bounded(permission),
            Denied::NoSession => Self::wants_session(),
            Denied::Unknown { is_passing: true } => Self::busy("the database does not answer; try again"),
            Denied::Unknown { is_passing: false } => Self::failed(),
        }
    }
}

async fn refuse(
    api: &Api,
    who: &Who,
    action: &'static str,
    object: Option<&str>,
    problem: Problem,
    now_ms: i64,
) -> Response {
    if problem.is_refusal() {
        let line = api.people.line(who.by(), action, object.unwrap_or_default(), now_ms);
        if let Err(error) = api.people.refused(line, problem.detail()).await {
            return Problem::from(error).into_response();
        }
    }
    problem.into_response()
}

/// Where a request comes from.
pub(crate) fn from(api: &Api, request: &Request) -> Origin {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer);
    let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    Origin {
        address: api.site.address(peer, request.headers()),
        agent: agent.unwrap_or_default().chars().take(200).collect(),
    }
}

/// Who somebody is by what they show. Who shows a token is not looked at for a cookie; one that nobody has counts against the address, as a wrong password does.
pub(crate) async fn identify(
    api: &Api,
    headers: &HeaderMap,
    from: &Origin,
    now_ms: i64,
) -> Result<Option<Who>, Problem> {
    if let Some(shown) = headers.get(header::AUTHORIZATION) {
        let shown = shown.to_str().ok().and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default();
        if shown.starts_with(PREFIX) {
            return Ok(api.people.by_token(shown, from, now_ms).await?);
        }
        return Ok(api.people.by_machine(api.token.is(shown), from, now_ms).await?);
    }
    match api.site.cookie(headers, Cookie::Session) {
        Some(secret) => Ok(api.people.by_session(&Secret::given(secret), from, now_ms).await?),
        None => Ok(None),
    }
}

/// Whether a request by a cookie was made by our own page, which knows `csrf`, and not by another one in the same browser. Who came by no cookie has none.
pub(crate) async fn unforged(api: &Api, csrf: Option<&str>, request: Request) -> Result<Request, Problem> {
    let Some(csrf) = csrf else { return Ok(request) };
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(request);
    }
    if !api.site.is_own(request.headers()) {
        return Err(Problem::forged(
            "it does not come from a page of this hub: `Origin` is another one or missing",
        ));
    }
    let is_same = |given: &[u8]| blake3::hash(given) == blake3::hash(csrf.as_bytes());
    if let Some(given) = request.headers().get(CSRF_HEADER) {
        let good = is_same(given.as_bytes());
        return if good { Ok(request) } else { Err(Problem::forged("`X-CSRF-Token` is not this session's")) };
    }
    let is_form = request.headers().get(header::CONTENT_TYPE).is_some_and(|form| {
        form.as_bytes().to_ascii_lowercase().starts_with(b"application/x-www-form-urlencoded")
    });
    let missing = || Problem::forged("`X-CSRF-Token` is missing: `GET /v1/me` gives it");
    if !is_form {
        return Err(missing());
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, FORM_BYTES_MAX).await.map_err(|_| Problem::too_large(FORM_BYTES_MAX))?;
    let mut fields = form_urlencoded::parse(&bytes).filter(|(name, _)| name == CSRF_FIELD);
    let good = fields.next().is_some_and(|(_, given)| is_same(given.as_bytes()));
    if good { Ok(Request::from_parts(parts, Body::from(bytes))) } else { Err(missing()) }
}

/// Whether somebody may what a route wants.
pub(crate) async fn permitted(api: &Api, who: &Who, need: Need, store: Option<&str>) -> Result<(), Denied> {
    let Some(permission) = need.permission() else {
        let has_session = matches!(who.way, Way::Session { .. });
        return if need == Need::Session && !has_session { Err(Denied::NoSession) } else { Ok(()) };
    };
    let reach = who.reach(permission);
    if reach.is_nothing() {
        return Err(Denied::Lacks(permission));
    }
    if reach.is_everything() || matches!(need, Need::Part(_)) {
        return Ok(());
    }
    let Need::Store(_) = need else { return Err(Denied::Outside(permission)) };
    let traits = match store.and_then(|store| StoreId::new(store).ok()) {
        Some(store) => api.database.traits(&store).await.map_err(|error| {
            tracing::warn!(%error, source = ?std::error::Error::source(&error), "a request could not be answered");
            Denied::Unknown { is_passing: error.is_passing() }
        })?,
        None => None,
    };
    // A store that is not known is in nobody's scope: who is bounded does not learn which there are elsewhere.
    if traits.is_some_and(|traits| reach.covers(&traits)) { Ok(()) } else { Err(Denied::Outside(permission)) }
}
