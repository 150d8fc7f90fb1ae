//! The kiosk: HTTP API v1 and the pages that shoppers touch, over the state, the journal and the recommender.
//!
//! ```text
//! request ─> gate (room, bounds, origin, time) ─> api | pages ─> shopping, checkout ─> journal ─> state ─> answer
//!                                                                  pricing, engine ─> plugins (a port)
//! ```
//!
//! Lives here: what is served under `/`, `/v1` and, for staff, `/staff`, its words in every language, its OpenAPI document. Not here: sockets and the
//! operator's endpoints (`aisle-node`), what events add up to (`aisle-state`), what is recommended (`aisle-recommend`).
//! Guards invariant 1 at the shop's front: a write is answered 2xx only after the commit that holds it, and once the
//! snapshot shows it.

mod amount;
mod api;
mod app;
mod catalogue;
mod checkout;
mod claims;
mod config;
mod engine;
mod http;
mod ids;
mod locks;
mod pages;
pub mod plugins;
mod pricing;
mod shopping;
pub mod staff;
mod strings;
mod text;

pub use config::{Config, InvalidConfig, InvalidZone, Zone};

/// What routes of the caller's own have in common with the kiosk's: reading a request, and the one form of refusal.
pub mod request {
    pub use crate::amount::Amount;
    pub use crate::http::{
        body::buffered,
        extract::{Json, Params, Segment, Segments, choice, number},
        problem::Problem,
    };
}

use aisle_event::Timestamp;
use aisle_journal::Journal;
use aisle_recommend::Recommender;
use aisle_state::State;
use app::App;
use axum::{Router, middleware};
use http::{gate, telemetry::Telemetry};
use prometheus_client::registry::Registry;
use staff::Staff;
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// What the kiosk is made of.
pub struct Kiosk {
    /// What the shop is, as projected from the journal.
    pub state: State,
    /// Where every change goes first.
    pub journal: Journal,
    /// What chooses recommendations.
    pub recommender: Arc<Recommender>,
    /// The wall clock. It is only ever written into events and shown to people.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// The settings, which have passed [`Config::validate`].
    pub config: Config,
    /// The plugins that price baskets and rank lists, where there are some.
    pub plugins: Option<Arc<dyn plugins::Plugins>>,
    /// The staff board, where there is one.
    pub staff: Option<Staff>,
    /// Routes of the caller's own, behind the same gate and in the same document.
    pub more: OpenApiRouter,
}

/// Everything that the kiosk serves. The caller may merge routes of its own, outside the gate, into it; they must have no fallback.
pub fn router(mut kiosk: Kiosk, registry: &mut Registry) -> Router {
    let (more, described) = std::mem::take(&mut kiosk.more).split_for_parts();
    let document = api::document(described);
    let templates = document.paths.paths.keys().map(String::as_str);
    let pages = pages::routes().map(|(template, _)| template);
    let staff = kiosk.staff.take();
    let board = staff.iter().flat_map(|_| staff::templates()).map(|template| -> &str { template });
    let telemetry = Telemetry::new(registry, templates.chain(pages).chain(board).chain([pages::ASSETS]));
    // A document is made of texts and numbers; it always has a JSON form.
    let app = App::new(kiosk, staff.is_some(), telemetry, document.to_json().unwrap_or_default().into());
    let on_panic = app.clone();
    let (api, _) = api::router().split_for_parts();
    let board = staff.map(|staff| staff::router(app.clone(), staff, registry)).unwrap_or_default();
    api.merge(pages::router())
        .with_state(app.clone())
        .merge(board)
        .merge(more)
        .fallback(gate::not_found)
        .method_not_allowed_fallback(gate::wrong_method)
        .layer(CatchPanicLayer::custom(move |panic: Box<dyn std::any::Any + Send>| {
            gate::panicked(&on_panic, panic.as_ref())
        }))
        .layer(middleware::from_fn_with_state(app, gate::pass))
}

/// The description of the API together with that of the caller's own routes, as served under `/openapi.json`.
#[must_use]
pub fn openapi(more: OpenApi) -> OpenApi {
    api::document(more)
}
