//! The HTTP interface: what the hub holds and who may do what, for consoles and scripts; and what is decided about boxes that enrol
//! ([`enrolments`]), and about the fleet ([`fleet`]).
//!
//! ```text
//! request ─> access: who, from our own page, permission, scope ─> idempotency: once ─> route ─> database
//! ```
//!
//! Every route has a line in the table of permissions ([`permits`]). Lists have a bound and a place to go on from. Not here: SQL
//! ([`crate::database::read`]), roles ([`crate::people`]). The description of it all is made from the code ([`openapi`]).

pub(crate) mod access;
mod alerts;
mod artefacts;
mod contents;
mod cursor;
mod enrolments;
mod exchange;
pub(crate) mod fleet;
mod grid;
mod idempotency;
mod metadata;
pub(crate) mod oidc;
mod oversight;
mod people;
pub mod permits;
mod policies;
mod problem;
mod relays;
mod routes;
mod search;
pub(crate) mod session;
pub(crate) mod site;
mod token;
mod tokens;

pub use problem::Problem;
pub use site::Site;
pub use token::{Token, TokenError};

use crate::{
    artefacts::Artefacts,
    config::Enrolment,
    database::Database,
    fleet::Wake,
    people::{People, oidc::Oidc},
    policies::Policies,
    recent::Recent,
};
use aisle_residency::signing::VerifyingKey;
use axum::{Router, http::StatusCode, middleware};
use prometheus_client::registry::Registry;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::watch;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;

/// What the interface answers from.
#[derive(Debug, Clone)]
pub struct Api {
    /// Signed artefacts.
    pub artefacts: Artefacts,
    /// The database.
    pub database: Database,
    /// The token.
    pub token: Arc<Token>,
    /// How boxes get in, where they do.
    pub enrolment: Option<Arc<Enrolment>>,
    /// The metrics.
    pub registry: Arc<Registry>,
    /// True once the hub takes stores in.
    pub is_ready: Arc<AtomicBool>,
    /// Who may do what.
    pub people: People,
    /// Where the pages are.
    pub site: Arc<Site>,
    /// The identity provider, where there is one.
    pub oidc: Option<Oidc>,
    /// The keys that may sign policies.
    pub policy_keys: Arc<Vec<VerifyingKey>>,
    /// What time it is.
    pub clock: Clock,
    /// Wakes the engine of the fleet.
    pub wake: Wake,
    /// The policies in force.
    pub policies: watch::Receiver<Arc<Policies>>,
    /// What this process refused lately.
    pub recent: Recent,
}

/// Says what time it is, in milliseconds since 1970.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// The machine's.
    #[must_use]
    pub fn of_machine() -> Self {
        Self::new(|| jiff::Timestamp::now().as_millisecond())
    }

    /// Another one.
    pub fn new(clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(clock))
    }
}

impl Clock {
    /// What time it is, in milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&(self.0)()).finish()
    }
}

#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Aisle hub",
        description = "What the stores of a region have sent: stores, nodes, cursors, events, receipts, erasures, policies. Who may come: claims, enrolments. What may run: signed artefacts. \
                       And who may do what: `x-permission` of a route says what it wants. Routes that change something take an `Idempotency-Key`; by a cookie \
                       they want `X-CSRF-Token` besides."
    ),
    modifiers(&Ways),
    components(schemas(Problem))
)]
struct Description;

/// The ways to show who one is.
struct Ways;

impl Modify for Ways {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("token", token);
        let session = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("__Host-aisle")));
        components.add_security_scheme("session", session);
    }
}

fn described() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(routes::closed())
        .merge(grid::routes())
        .merge(policies::routes())
        .merge(contents::routes())
        .merge(alerts::routes())
        .merge(relays::routes())
        .merge(search::routes())
        .merge(enrolments::routes())
        .merge(routes::open())
        .merge(session::routes())
        .merge(tokens::routes())
        .merge(people::routes())
        .merge(oversight::routes())
        .merge(fleet::routes())
        .merge(oidc::routes())
        .merge(artefacts::routes())
        .merge(metadata::routes())
}

/// The description of the interface, as OpenAPI 3.1.
///
/// # Errors
/// When it has no JSON form.
pub fn openapi() -> Result<String, serde_json::Error> {
    let (_, mut description) = described().split_for_parts();
    permits::describe(&mut description);
    description.to_pretty_json()
}

/// The routes.
pub fn router(api: Api) -> Router {
    let (router, _) = described().split_for_parts();
    router
        .fallback(|| async { Problem::unknown_path() })
        .method_not_allowed_fallback(|| async { Problem::method() })
        .layer(middleware::from_fn_with_state(api.clone(), idempotency::once))
        .layer(middleware::from_fn_with_state(api.clone(), access::guard))
        .with_state(api)
}

/// Whether the hub is well, in one word.
fn health(is_well: bool) -> (StatusCode, &'static str) {
    if is_well { (StatusCode::OK, "ok\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "not now\n") }
}

impl Api {
    /// The version of the policy that stores should apply.
    fn policy_wanted(&self) -> Option<u32> {
        self.policies.borrow().wanted.map(|id| id.version)
    }

    fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Relaxed)
    }

    /// What time it is, in milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        (self.clock.0)()
    }
}
