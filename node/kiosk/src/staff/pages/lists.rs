//! Whole lists: alerts, cold chain units, devices.

use super::{
    layout::{self, Page, Tab},
    parts::{Eye, list},
};
use crate::staff::{desk::Desk, visit::Colleague};
use axum::{extract::State, http::StatusCode, response::Response};
use maud::{Markup, html};

/// `GET /staff/alerts`.
pub(super) async fn alerts(State(desk): State<Desk>, colleague: Colleague) -> Response {
    let board = desk.floor.board();
    let eye = Eye::of(&colleague);
    let rows: Vec<Markup> = board.alerts.iter().map(|alert| eye.alert(alert)).collect();
    let content = whole(&list(&rows, eye.words.no_alerts));
    let page = Page { tab: Tab::Now, title: eye.words.alerts, content };
    layout::answer(&desk, &colleague, &board, StatusCode::OK, &page)
}

/// `GET /staff/units`.
pub(super) async fn units(State(desk): State<Desk>, colleague: Colleague) -> Response {
    let board = desk.floor.board();
    let eye = Eye::of(&colleague);
    let rows: Vec<Markup> = board.units.iter().map(|unit| eye.unit(unit)).collect();
    let content = whole(&list(&rows, eye.words.no_units));
    let page = Page { tab: Tab::Cold, title: eye.words.cold, content };
    layout::answer(&desk, &colleague, &board, StatusCode::OK, &page)
}

/// `GET /staff/devices`.
pub(super) async fn devices(State(desk): State<Desk>, colleague: Colleague) -> Response {
    let board = desk.floor.board();
    let eye = Eye::of(&colleague);
    let rows: Vec<Markup> = board.devices.iter().map(|device| eye.device(device)).collect();
    let content = whole(&list(&rows, eye.words.no_devices));
    let page = Page { tab: Tab::Devices, title: eye.words.devices, content };
    layout::answer(&desk, &colleague, &board, StatusCode::OK, &page)
}

fn whole(rows: &Markup) -> Markup {
    html! { div #rows data-live="rows" { (rows) } }
}
