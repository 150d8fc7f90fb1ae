//! Clients and their sessions: looked at, sent away.

use super::{Answer, answer, authorized::Authorized, page::PageParams};
use crate::admin::view::{Page, described_page};
use aisle_broker::{SessionView, local::OWN_PREFIX};
use aisle_kiosk::request::{Params, Problem, Segment};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

described_page!(SessionPage, Page_MqttClient, SessionView);

/// Lists sessions in order of their clients' identifiers, those of clients that are away too.
#[utoipa::path(
    get, path = "/v1/admin/mqtt/clients", tag = "administration", operation_id = "listMqttClients",
    security(("token" = [])), params(PageParams),
    responses(
        (status = 200, description = "A page of sessions.", body = SessionPage),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn list(
    admin: Authorized,
    Params(params): Params<PageParams>,
) -> Result<Answer<Page<SessionView>>, Problem> {
    let asked = params.asked()?;
    let found = admin.mqtt.broker.sessions(asked.after, asked.find);
    Ok(answer(asked.page(found, |session| &session.client)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct KickParams {
    /// Remove its session too, with what waits in it.
    #[param(value_type = Option<bool>, default = false, nullable = false)]
    session: Option<String>,
}

/// Sends a client away; it may come back. With `session=true` what was kept for it is gone.
#[utoipa::path(
    delete, path = "/v1/admin/mqtt/clients/{id}", tag = "administration", operation_id = "kickMqttClient",
    security(("token" = [])),
    params(("id" = String, Path, description = "The client's identifier.", min_length = 1), KickParams),
    responses(
        (status = 204, description = "It was told to go, and its session is gone for good if that was asked for."),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is a part of the node itself.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such client, nor a session to remove.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn kick(
    admin: Authorized,
    Segment(id): Segment,
    Params(params): Params<KickParams>,
) -> Result<StatusCode, Problem> {
    let session = match params.session.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::field("session", "is neither true nor false")),
    };
    if id.starts_with(OWN_PREFIX) {
        let detail = format!("`{id}` is a part of the node itself: what waits in its session would be lost");
        return Err(Problem::conflict(detail).with("id", "is not a client from outside"));
    }
    if admin.mqtt.broker.kick(&id, session).await {
        return Ok(StatusCode::NO_CONTENT);
    }
    let detail = if session {
        format!("the broker has neither a client nor a session `{id}`")
    } else {
        format!("no client `{id}` is there; `session=true` removes the session of one that is away")
    };
    Err(Problem::unknown_client(detail).with("id", "is not there"))
}
