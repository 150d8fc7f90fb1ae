//! The HTTP interface: what the hub holds, for consoles and scripts; and what is decided about boxes that enrol ([`enrolments`]).
//!
//! Everything but the health routes wants the bearer token of the hub's token file. Lists have a bound and a place to go on from.
//! Not here: SQL ([`crate::database::read`]). The description of it all is made from the code ([`openapi`]).

mod enrolments;
mod problem;
mod routes;
mod token;

pub use problem::Problem;
pub use token::{Token, TokenError};

use crate::{config::Enrolment, database::Database};
use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use prometheus_client::registry::Registry;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;

/// What the interface answers from.
#[derive(Debug, Clone)]
pub struct Api {
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
}

#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Aisle hub",
        description = "What the stores of a region have sent: stores, nodes, cursors, events, receipts, erasures, policies; and who may come: claims, enrolments."
    ),
    modifiers(&BearerToken),
    components(schemas(Problem))
)]
struct Description;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        openapi.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

fn described() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(routes::closed())
        .merge(enrolments::routes())
        .merge(routes::open())
}

/// The description of the interface, as OpenAPI 3.1.
///
/// # Errors
/// When it has no JSON form.
pub fn openapi() -> Result<String, serde_json::Error> {
    let (_, description) = described().split_for_parts();
    description.to_pretty_json()
}

/// The routes.
pub fn router(api: Api) -> Router {
    let (router, _) = described().split_for_parts();
    router
        .fallback(|| async { Problem::unknown_path() })
        .method_not_allowed_fallback(|| async { Problem::method() })
        .layer(middleware::from_fn_with_state(api.clone(), guard))
        .with_state(api)
}

/// Lets nobody in without the token, but to health.
async fn guard(State(api): State<Api>, request: Request, next: Next) -> Response {
    let is_open = matches!(request.uri().path(), "/healthz" | "/readyz");
    let header = request.headers().get(header::AUTHORIZATION);
    let given = header.and_then(|value| value.to_str().ok()).and_then(|text| text.strip_prefix("Bearer "));
    if !is_open && !given.is_some_and(|given| api.token.is(given)) {
        return Problem::no_token().into_response();
    }
    next.run(request).await
}

/// Whether the hub is well, in one word.
fn health(is_well: bool) -> (StatusCode, &'static str) {
    if is_well { (StatusCode::OK, "ok\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "not now\n") }
}

impl Api {
    fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Relaxed)
    }
}
