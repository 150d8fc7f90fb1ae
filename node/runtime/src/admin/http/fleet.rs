//! What headquarters orders, and what was brought by hand.
//!
//! A bundle and a root do not come by these routes: the command puts them into the node's data, as the node's own user, and says that they are there.

use super::{Answer, Shared, answer, authorized::Authorized};
use crate::{
    admin::view::fleet::FleetView,
    fleet::courier::{self, Given},
};
use aisle_converge::Fleet;
use aisle_kiosk::request::Problem;
use axum::http::StatusCode;

fn fleet(admin: &Shared) -> Result<&Fleet, Problem> {
    let none =
        || Problem::conflict("what headquarters orders cannot be used; the log of the node's start says why");
    admin.fleet.as_ref().ok_or_else(none)
}

/// What headquarters orders for this node, how far it is, and why not further.
#[utoipa::path(
    get, path = "/v1/admin/fleet", tag = "administration", operation_id = "getFleet", security(("token" = [])),
    responses(
        (status = 200, description = "How it stands.", body = FleetView),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(admin: Authorized) -> Answer<FleetView> {
    answer(FleetView { status: admin.fleet.as_ref().map(Fleet::status), courier: admin.given.view() })
}

/// Takes the bundle that lies in the node's data. It goes on after this is answered; `getFleet` shows what becomes of it.
#[utoipa::path(
    post, path = "/v1/admin/fleet/courier", tag = "administration", operation_id = "applyBundle", security(("token" = [])),
    responses(
        (status = 202, description = "It is read."),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Another one is read, or there is nothing to read.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn courier(admin: Authorized) -> Result<StatusCode, Problem> {
    let (fleet, given) = (fleet(&admin)?.clone(), admin.given.clone());
    let begun = given.begin(&admin.data);
    let begun = begun
        .ok_or_else(|| Problem::conflict("another bundle is read just now; try again when it is through"))?;
    let taken = begun.map_err(|error| Problem::conflict(format!("there is no bundle to read: {error}")))?;
    tokio::task::spawn_blocking(move || given.apply(&fleet, taken));
    Ok(StatusCode::ACCEPTED)
}

/// Trusts the root of signed metadata that lies in the node's data.
#[utoipa::path(
    post, path = "/v1/admin/fleet/root", tag = "administration", operation_id = "trustRoot", security(("token" = [])),
    responses(
        (status = 204, description = "It is trusted."),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Another one is trusted already, or it is none.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn trust(admin: Authorized) -> Result<StatusCode, Problem> {
    let (fleet, path) = (fleet(&admin)?.clone(), Given::root(&admin.data));
    let trusted = tokio::task::spawn_blocking(move || courier::trust(&fleet, &path)).await;
    let trusted = trusted.map_err(|error| Problem::conflict(error.to_string()))?;
    trusted.map_err(|why| Problem::conflict(why.replace("\nhint: ", "; ")))?;
    Ok(StatusCode::NO_CONTENT)
}
