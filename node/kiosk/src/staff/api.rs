//! The board for programs: the same value that the pages show, and the line that says when there is a newer one.

use super::{board::Board, desk::Desk, live, visit::Colleague};
use crate::{api::json, http::problem::Problem};
use axum::{
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts},
    response::Response,
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes with their descriptions.
pub(super) fn router() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(board)).routes(routes!(events))
}

/// Somebody who is signed in; a program is told so, and not led to a page.
pub(super) struct SignedIn;

impl FromRequestParts<Desk> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Problem> {
        Colleague::of(desk, &parts.headers).map(|_| Self).ok_or_else(|| {
            Problem::not_signed_in("sign in at `/staff/sign-in`, and send the cookie `aisle_staff`")
        })
    }
}

/// What the store knows about itself, for those who work in it.
#[utoipa::path(
    get, path = "/v1/staff/board", tag = "staff", operation_id = "getStaffBoard",
    responses(
        (status = 200, description = "The board as it is now.", body = Board),
        (status = 401, description = "Nobody is signed in.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn board(_: SignedIn, State(desk): State<Desk>) -> Response {
    json(StatusCode::OK, desk.floor.board().as_ref())
}

/// Says when there is a newer board.
///
/// The line stays open. It carries `board` events, each with `seq` and `as_of` of the newest board, and a `beat` when nothing else is to be said.
#[utoipa::path(
    get, path = "/v1/staff/events", tag = "staff", operation_id = "followStaffBoard",
    responses(
        (status = 200, description = "Server-sent events, until the line ends.", body = String, content_type = "text/event-stream"),
        (status = 401, description = "Nobody is signed in.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn events(_: SignedIn, State(desk): State<Desk>) -> Result<Response, Problem> {
    live::line(&desk)
}
