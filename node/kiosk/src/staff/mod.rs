//! The staff board: what needs those who work in the store, and what they do about it.
//!
//! ```text
//! gate ─> door (PIN, name) ─> pages | api ─> Floor (a port: the node implements it) ─> journal ─> board ─> line ─> page
//! ```
//!
//! Lives here: the view model ([`Board`] and the pages' own), the port ([`Floor`]), signing in, pages, live lines. Not here: what the
//! floor is (`aisle-devices`, `aisle-inventory`) and who wires it (`aisle-node`).
//! Guards: no shopper sees it, no number stands without its age and confidence, and what staff do carries their name.

mod age;
mod api;
mod board;
mod config;
mod desk;
mod detail;
mod door;
mod floor;
mod form;
mod live;
mod number;
mod once;
mod pages;
mod telemetry;
mod visit;
mod words;

pub use crate::strings::Language;
pub use board::{
    AlertKind, AlertRow, Board, DeviceRow, DeviceState, Door, GapRow, PositionRow, Severity, TaskRow, Totals,
    UnitRow, UnitState,
};
pub use config::StaffConfig;
pub use detail::{
    CommandRow, DevicePage, ExcursionRow, Field, FieldKind, Offer, PlaceRow, PositionPage, ProblemRow,
    Product, SettingRow, SettingValue, Source, SourceRow, StreamRow, Twin, UnitPage,
};
pub use door::Pin;
pub use floor::{ActError, Action, BoxFuture, Floor, ReportError, ReportForm};
pub use number::{Estimate, Reading};

use crate::{app::App, http::problem::Problem};
use aisle_event::inventory::TaskKind;
use axum::{
    Router,
    http::{Extensions, HeaderMap, Uri},
    response::Response,
};
use desk::Desk;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use telemetry::Telemetry;
use tokio::sync::watch;
use utoipa::openapi::OpenApi;
use visit::Person;

/// What a task asks for, as the board says it.
#[must_use]
pub fn task_title(kind: TaskKind, language: Language) -> &'static str {
    (words::of(language).task)(kind)
}

/// What the staff board is made of.
pub struct Staff {
    /// The shop floor.
    pub floor: Arc<dyn Floor>,
    /// The settings, which have passed [`StaffConfig::validate`].
    pub config: StaffConfig,
    /// Gives the PIN: six digits. Without one nobody gets in, and the page says where it is to be written.
    pub pin: Pin,
    /// What passes are sealed with, when they are to outlive the process. Otherwise everybody signs in anew after a restart.
    pub key: Option<[u8; 32]>,
    /// Turns true when the node stops: lines end, so that no browser keeps it from stopping.
    pub stopping: watch::Receiver<bool>,
}

/// The board's routes.
pub(crate) fn router(app: App, staff: Staff, registry: &mut Registry) -> Router {
    let desk = Desk::new(app, staff, Telemetry::new(registry));
    let (api, _) = api::router().split_for_parts();
    pages::routes()
        .into_iter()
        .fold(api, |router, (template, methods)| router.route(template, methods))
        .with_state(desk)
}

/// The templates of the pages.
pub(crate) fn templates() -> impl Iterator<Item = &'static str> {
    pages::routes().into_iter().map(|(template, _)| template)
}

/// What the board's API says of itself.
pub(crate) fn described() -> OpenApi {
    api::router().into_openapi()
}

/// The board's part of the paths.
pub(crate) fn is_here(path: &str) -> bool {
    path == "/staff" || path.starts_with("/staff/")
}

/// The page for a problem under one of these paths.
pub(crate) fn problem_page(app: &App, headers: &HeaderMap, uri: &Uri, problem: &Problem) -> Response {
    // A page is made whatever the clock says; it shows no age.
    let person = Person::new(aisle_event::Timestamp::default(), headers, uri, &Extensions::new());
    pages::errors::page(app, person, problem)
}
