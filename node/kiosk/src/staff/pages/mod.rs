//! The board's pages: made by the server, working without scripts, for one hand on a phone.
//!
//! Everything that changes something is a form that is sent and answered with a redirect; with a script the parts marked `data-live`
//! follow the floor. Not here: what stands on the board ([`super::board`]).
//! Guards the promise to staff: no number without its age and how sure the store is, no error without its next step.

mod device;
pub(super) mod errors;
mod layout;
mod lists;
mod overview;
mod parts;
mod product;
mod products;
mod sign_in;
mod stream;
mod tasks;
mod unit;

use super::{desk::Desk, live, visit::Colleague};
use crate::http::problem::Problem;
use axum::{
    extract::State,
    response::Response,
    routing::{MethodRouter, get, post},
};

/// The routes of the pages, by their templates.
pub(super) fn routes() -> [(&'static str, MethodRouter<Desk>); 14] {
    [
        ("/staff", get(overview::show)),
        ("/staff/sign-in", get(sign_in::show).post(sign_in::sign_in)),
        ("/staff/sign-out", post(sign_in::sign_out)),
        ("/staff/events", get(events)),
        ("/staff/alerts", get(lists::alerts)),
        ("/staff/tasks", get(tasks::show).post(tasks::act)),
        ("/staff/products", get(products::show)),
        ("/staff/products/{sku}", get(product::show).post(product::act)),
        ("/staff/units", get(lists::units)),
        ("/staff/units/{unit}", get(unit::show).post(unit::act)),
        ("/staff/units/{unit}/report/{file}", get(unit::report)),
        ("/staff/devices", get(lists::devices)),
        ("/staff/devices/{device}", get(device::show).post(device::act)),
        ("/staff/devices/{device}/{stream}/chart.svg", get(stream::show)),
    ]
}

/// `GET /staff/events`.
async fn events(_: Colleague, State(desk): State<Desk>) -> Result<Response, Problem> {
    live::line(&desk)
}
