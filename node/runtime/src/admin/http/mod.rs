//! The routes under `/v1/admin`, described for the node's OpenAPI document.
//!
//! They go through the kiosk's gate, which bounds requests and their time; a watch is bounded by itself.

#![expect(unused_qualifications, reason = "the code that `utoipa::path` writes names its parameters in full")]

mod authorized;
mod clients;
mod device;
mod devices;
mod enrolment;
mod erasures;
mod fleet;
mod models;
mod overview;
mod page;
mod plugins;
mod positions;
mod refused;
mod retained;
mod tasks;
mod telemetry;
mod units;
mod watch;

use super::Mqtt;
pub(crate) use plugins::packages;

use crate::{erase::Erasing, fleet::courier::Given, floor::Floor, horizon, plugin::Plugins};
use aisle_converge::Fleet;
use aisle_enrolment::Enrolment;
use aisle_event::Timestamp;
use aisle_model::Models;
use axum::{
    Json,
    http::{HeaderName, HeaderValue, header},
    routing::delete,
};
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::{Semaphore, watch as changes};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Who watches at the same time; a further one is told to come later.
const WATCHES_MAX: usize = 16;

/// What the routes work with. Clones share it.
#[derive(Clone)]
pub(crate) struct Admin(Arc<Shared>);

struct Shared {
    data: PathBuf,
    mqtt: Mqtt,
    floor: Floor,
    plugins: Plugins,
    models: Models,
    erasing: Erasing,
    fleet: Option<Fleet>,
    given: Given,
    enrolment: Option<Enrolment>,
    enrolment_problem: Option<String>,
    horizon: horizon::Watch,
    installs: Arc<Semaphore>,
    watches: Arc<Semaphore>,
    stopping: changes::Receiver<bool>,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Admin {
    /// `stopping` turns true when the node goes down: watches end then.
    pub(crate) fn new(
        data: &Path,
        mqtt: Mqtt,
        (floor, plugins, models, erasing): (Floor, Plugins, Models, Erasing),
        (fleet, given): (Option<Fleet>, Given),
        (enrolment, enrolment_problem, horizon): (Option<Enrolment>, Option<String>, horizon::Watch),
        stopping: changes::Receiver<bool>,
        now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Self {
        let watches = Arc::new(Semaphore::new(WATCHES_MAX));
        let (data, installs) = (data.into(), plugins::installs());
        Self(Arc::new(Shared {
            data,
            mqtt,
            floor,
            plugins,
            models,
            erasing,
            fleet,
            given,
            enrolment,
            enrolment_problem,
            horizon,
            installs,
            watches,
            stopping,
            now,
        }))
    }
}

#[derive(OpenApi)]
#[openapi(
    tags((name = "administration", description = "Looking into the running node and stepping in, with the token in its data directory.")),
    paths(retained::clear, plugins::install),
    modifiers(&Token),
)]
struct Base;

/// How a request shows that it may.
struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some("What `admin.token` in the node's data directory holds.".into());
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// The routes, with their descriptions.
pub(crate) fn router(admin: Admin) -> OpenApiRouter {
    described().with_state(admin)
}

/// The descriptions.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    described().into_openapi()
}

fn described() -> OpenApiRouter<Admin> {
    OpenApiRouter::with_openapi(Base::openapi())
        .routes(routes!(overview::get))
        .routes(routes!(clients::list))
        .routes(routes!(clients::kick))
        .routes(routes!(retained::list))
        .routes(routes!(watch::watch))
        .routes(routes!(devices::list))
        .routes(routes!(devices::get, device::retire))
        .routes(routes!(devices::profiles))
        .routes(routes!(device::approve))
        .routes(routes!(device::place))
        .routes(routes!(device::set))
        .routes(routes!(device::command))
        .routes(routes!(telemetry::overview))
        .routes(routes!(telemetry::series))
        .routes(routes!(telemetry::raw))
        .routes(routes!(telemetry::chart))
        .routes(routes!(positions::list))
        .routes(routes!(positions::get))
        .routes(routes!(positions::count))
        .routes(routes!(positions::carry))
        .routes(routes!(units::list))
        .routes(routes!(units::define, units::remove))
        .routes(routes!(units::report))
        .routes(routes!(units::acknowledge))
        .routes(routes!(tasks::list))
        .routes(routes!(tasks::end))
        .routes(routes!(erasures::list, erasures::begin))
        .routes(routes!(enrolment::get, enrolment::claim))
        .routes(routes!(enrolment::again))
        .routes(routes!(enrolment::horizon))
        .routes(routes!(enrolment::certify, enrolment::revoke))
        .routes(routes!(fleet::get))
        .routes(routes!(fleet::courier))
        .routes(routes!(fleet::trust))
        .routes(routes!(models::list))
        .routes(routes!(models::run))
        .routes(routes!(plugins::list))
        .routes(routes!(plugins::get, plugins::remove))
        .routes(routes!(plugins::recordings))
        .routes(routes!(plugins::roll_back))
        // A topic has slashes; the document has no way to say so.
        .route("/v1/admin/mqtt/retained/{*topic}", delete(retained::clear))
}

/// An answer that is true now and not later.
type Answer<T> = ([(HeaderName, HeaderValue); 1], Json<T>);

fn answer<T: Serialize>(value: T) -> Answer<T> {
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(value))
}
