//! What is done with one device: approved, placed, set, commanded, retired. Each is answered when the register shows it.

use super::{
    Answer, Shared, answer,
    authorized::Authorized,
    devices::detail,
    refused::{by, control, finish, product, wrong},
};
use crate::admin::view::device::{
    ApprovalBody, CommandAnswer, CommandBody, DeviceDetail, Outcome, PlacementBody, SettingsVersion,
};
use aisle_devices::service::{CommandOutcome, StreamPlacement};
use aisle_event::Name;
use aisle_kiosk::request::{Json, Params, Problem, Segment, Segments};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::Duration;
use utoipa::IntoParams;

/// Placements of one approval.
const PLACEMENTS_MAX: usize = 64;
/// The longest that a command may be given, in seconds; the node's own bound may be lower.
const TIMEOUT_S_MAX: u32 = 86_400;
/// The largest weight, in grams.
const GRAMS_MAX: f64 = 1e6;
/// An answer to a command is waited for within the request; what takes longer goes on without it.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ByParams {
    /// Who says so.
    #[param(min_length = 1, max_length = 256, nullable = false)]
    pub(super) by: Option<String>,
}

/// Lets a device take part, and says where its streams measure. Also one that was retired, or whose approval is suspended.
#[utoipa::path(
    post, path = "/v1/admin/devices/{id}/approval", tag = "administration", operation_id = "approveDevice",
    security(("token" = [])), params(("id" = String, Path, description = "The device's id.", min_length = 1)),
    request_body(content = ApprovalBody, content_type = "application/json"),
    responses(
        (status = 200, description = "It takes part; that is durable.", body = DeviceDetail),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such device was ever heard, or it has no such stream. Nothing was changed.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn approve(
    admin: Authorized,
    Segment(id): Segment,
    Json(body): Json<ApprovalBody>,
) -> Result<Answer<DeviceDetail>, Problem> {
    let by = by(body.by.as_deref())?;
    if body.placements.len() > PLACEMENTS_MAX {
        return Err(Problem::field("placements", format!("has more than {PLACEMENTS_MAX}")));
    }
    let numbered = body.placements.into_iter().enumerate().map(|(at, placed)| {
        let (stream, body) = placed.split();
        placement(&admin, &format!("placements[{at}]."), stream, body)
    });
    let placements: Vec<StreamPlacement> = numbered.collect::<Result<_, _>>()?;
    let (floor, device) = (admin.floor.clone(), id.clone());
    finish(async move {
        floor.control().approve(&device, Some(by.as_str()), &placements).await.map_err(control)
    })
    .await?;
    detail(&admin, &id).map(answer)
}

/// Sends a device away for good: what it says is ignored until it is approved again.
#[utoipa::path(
    delete, path = "/v1/admin/devices/{id}", tag = "administration", operation_id = "retireDevice",
    security(("token" = [])),
    params(("id" = String, Path, description = "The device's id.", min_length = 1), ByParams),
    responses(
        (status = 204, description = "It is retired; that is durable."),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such device was ever heard.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn retire(
    admin: Authorized,
    Segment(id): Segment,
    Params(params): Params<ByParams>,
) -> Result<StatusCode, Problem> {
    let (floor, by) = (admin.floor.clone(), by(params.by.as_deref())?);
    finish(async move { floor.control().retire(&id, Some(by.as_str())).await.map_err(control) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says where a stream of a device measures; what is left out is taken back.
#[utoipa::path(
    put, path = "/v1/admin/devices/{id}/placements/{stream}", tag = "administration", operation_id = "placeDevice",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The device's id.", min_length = 1),
        ("stream" = String, Path, description = "The stream.", min_length = 1),
    ),
    request_body(content = PlacementBody, content_type = "application/json"),
    responses(
        (status = 200, description = "It is placed; that is durable.", body = DeviceDetail),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such device was ever heard, or it has no such stream.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The device is retired.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn place(
    admin: Authorized,
    Segments(id, stream): Segments,
    Json(body): Json<PlacementBody>,
) -> Result<Answer<DeviceDetail>, Problem> {
    let placement = placement(&admin, "", stream, body)?;
    let (floor, device) = (admin.floor.clone(), id.clone());
    finish(async move { floor.control().place(&device, &placement).await.map_err(control) }).await?;
    detail(&admin, &id).map(answer)
}

/// Puts settings over those that a device is to have. It takes them when it is there, however much later that is.
#[utoipa::path(
    patch, path = "/v1/admin/devices/{id}/settings", tag = "administration", operation_id = "setDevice",
    security(("token" = [])),
    params(("id" = String, Path, description = "The device's id.", min_length = 1), ByParams),
    request_body(content = Object, content_type = "application/json", description = "Settings by name, as the device's schema has them. All are taken or none."),
    responses(
        (status = 200, description = "They are wanted, under this version; that is durable.", body = SettingsVersion),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such device was ever heard.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The device is not approved, is suspended or retired, or has no settings.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn set(
    admin: Authorized,
    Segment(id): Segment,
    Params(params): Params<ByParams>,
    Json(settings): Json<Map<String, Value>>,
) -> Result<Answer<SettingsVersion>, Problem> {
    let (floor, by) = (admin.floor.clone(), by(params.by.as_deref())?);
    let set = async move { floor.control().set(&id, &settings, Some(by.as_str())).await.map_err(control) };
    let version = finish(set).await?;
    Ok(answer(SettingsVersion { version }))
}

/// Asks a device to do something, and waits for its answer, some seconds at most: what takes longer goes on without this request.
#[utoipa::path(
    post, path = "/v1/admin/devices/{id}/commands/{command}", tag = "administration", operation_id = "commandDevice",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The device's id.", min_length = 1),
        ("command" = String, Path, description = "What it is to do.", min_length = 1),
    ),
    request_body(content = CommandBody, content_type = "application/json"),
    responses(
        (status = 200, description = "How it ended.", body = CommandAnswer),
        (status = 202, description = "It was sent and may still be answered; `correlation` names it among the device's commands.", body = CommandAnswer),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such device was ever heard.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The device is not approved, is suspended or retired.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn command(
    admin: Authorized,
    Segments(id, command): Segments,
    Json(body): Json<CommandBody>,
) -> Result<(StatusCode, Answer<CommandAnswer>), Problem> {
    let by = by(body.by.as_deref())?;
    if !(1..=TIMEOUT_S_MAX).contains(&body.timeout_s) {
        return Err(Problem::field("timeout_s", format!("is not from 1 to {TIMEOUT_S_MAX}")));
    }
    let before = correlations(&admin, &id, &command);
    let floor = admin.floor.clone();
    let (device, what, timeout) = (id.clone(), command.clone(), Duration::from_secs(body.timeout_s.into()));
    let asked = finish(async move {
        let asked = floor.control().command(&device, &what, &body.args, timeout, Some(by.as_str()));
        asked.await.map_err(control)
    });
    // What was spawned goes on when this is no longer waited for.
    let Ok(outcome) = tokio::time::timeout(ANSWER_WITHIN, asked).await else {
        let sent = correlations(&admin, &id, &command).into_iter().rfind(|sent| !before.contains(sent));
        let under_way = CommandAnswer {
            outcome: Outcome::UnderWay,
            response: None,
            correlation: sent.map(|sent| sent.to_string()),
        };
        return Ok((StatusCode::ACCEPTED, answer(under_way)));
    };
    let (outcome, response) = match outcome? {
        CommandOutcome::Done { response } => (Outcome::Done, Some(response)),
        CommandOutcome::Refused { response } => (Outcome::Refused, Some(response)),
        CommandOutcome::TimedOut => (Outcome::TimedOut, None),
    };
    Ok((StatusCode::OK, answer(CommandAnswer { outcome, response, correlation: None })))
}

/// Commands of this name that are known of a device, the newest last.
fn correlations(admin: &Shared, device: &str, command: &str) -> Vec<Name> {
    let view = admin.floor.view();
    let known = view.devices.get(device).into_iter().flat_map(|known| &known.commands);
    known.filter(|known| known.command.as_str() == command).map(|known| known.correlation.clone()).collect()
}

/// A placement as the register takes it. What names something that is not there is refused: nobody would notice that it measures nothing.
fn placement(
    admin: &Shared,
    path: &str,
    stream: String,
    body: PlacementBody,
) -> Result<StreamPlacement, Problem> {
    let at = |field: &str| format!("{path}{field}");
    let sku = body.sku.as_deref().map(|sku| product(admin, &at("sku"), sku)).transpose()?;
    let milligrams = |field: &str, grams: Option<f64>, least: f64| {
        let Some(grams) = grams else { return Ok(None) };
        if !(least..=GRAMS_MAX).contains(&grams) {
            return Err(wrong(at(field), format!("is {grams}, expected {least} to {GRAMS_MAX} grams")));
        }
        Ok(Some((grams * 1000.0).round() as i64))
    };
    let unit_weight_mg = milligrams("unit_weight_g", body.unit_weight_g, 0.001)?;
    let tare_mg = milligrams("tare_g", body.tare_g, -GRAMS_MAX)?;
    let unit = match body.unit {
        None => None,
        Some(text) => {
            let unit = Name::new(&text).map_err(|error| wrong(at("unit"), error))?;
            let view = admin.floor.view();
            if view.cold_chain.units.get(&unit).is_none_or(|known| known.removed) {
                let reason = format!(
                    "is `{text}`, which is no cold chain unit\nhint: define it first: `aisle-node cold-chain define`"
                );
                return Err(wrong(at("unit"), reason));
            }
            Some(unit)
        }
    };
    Ok(StreamPlacement { stream, place: body.place, sku, unit_weight_mg, tare_mg, unit })
}
