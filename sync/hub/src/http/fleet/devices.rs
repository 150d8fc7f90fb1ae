//! What became of ordered settings at devices: device by device over the fleet, and added up for a rollout.
#![expect(unused_qualifications, reason = "the code that `utoipa::path` writes names its parameters in full")]

use crate::{
    database::fleet::DevicesAsked,
    fleet::devices::{ROWS_AT_ONCE, SlotTally, tallies},
    http::{
        Api, Problem,
        routes::{Answer, Page, described_page, limit, query},
    },
    people::{role::Permission, who::Who},
};
use aisle_event::StoreId;
use aisle_fleet::device::{DeviceResult, DeviceStatus};
use axum::{
    Extension, Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(results)).routes(routes!(of_rollout))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ResultsQuery {
    /// Only those of this slot, such as `device-settings/fridges`.
    #[serde(default)]
    slot: String,
    /// Only those that are `applied`, `pending`, `refused`, `unreachable`, `went-back` or `other`.
    status: Option<String>,
    /// Only those of this store.
    #[serde(default)]
    store: String,
    /// Where a page goes on: `next` of the page before.
    after: Option<String>,
    /// The most rows, up to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

described_page!(ResultPage, Page_ResultView, ResultView);

/// What became of settings at a device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResultView {
    /// The store.
    store: String,
    /// The serial number of the node that tells it.
    serial: String,
    /// The slot that says the settings.
    slot: String,
    /// Their version.
    version: String,
    /// The device and its result.
    #[serde(flatten)]
    result: DeviceResult,
}

/// Where a page goes on: store, serial, slot, and how many results of that are behind it.
type Place = (String, String, String, usize);

fn place(after: &str) -> Option<Place> {
    serde_json::from_slice(&BASE64URL_NOPAD.decode(after.as_bytes()).ok()?).ok()
}

fn status(text: &str) -> Result<DeviceStatus, Problem> {
    let found = DeviceStatus::ALL.into_iter().find(|status| status.as_str() == text);
    let none = "is none of `applied`, `pending`, `refused`, `unreachable`, `went-back`, `other`";
    found.ok_or_else(|| Problem::field("status", none))
}

/// Devices with what became of the settings that they are to have, by store. A node tells of 500 devices at most, those first that somebody has to look after; how many there are
/// stands with the node. Who is bounded to a region or a label gets those within.
#[utoipa::path(get, path = "/v1/device-results", tag = "fleet", security(("token" = [])), params(ResultsQuery), responses(
    (status = 200, body = ResultPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn results(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    asked: Result<Query<ResultsQuery>, QueryRejection>,
) -> Answer<Page<ResultView>> {
    let asked = query(asked)?;
    let limit = limit(asked.limit)? as usize;
    let wanted = asked.status.as_deref().map(status).transpose()?;
    let nowhere = || Problem::field("after", "is no `next` of a page");
    let mut from = match &asked.after {
        None => Place::default(),
        Some(after) => place(after).ok_or_else(nowhere)?,
    };
    let reach = who.reach(Permission::StoreRead);
    let mut within: Option<(String, bool)> = None;
    let rows = DevicesAsked { store: &asked.store, slot: &asked.slot, status: wanted };
    let mut items = Vec::new();
    loop {
        let page = api.database.devices(rows, (&from.0, &from.1, &from.2), ROWS_AT_ONCE).await?;
        let is_last = page.len() < ROWS_AT_ONCE as usize;
        for row in page {
            let is_same = (&row.store, &row.node, &row.slot) == (&from.0, &from.1, &from.2);
            let behind = if is_same { from.3 } else { 0 };
            from = (row.store.clone(), row.node.clone(), row.slot.clone(), behind);
            if !reach.is_everything() && within.as_ref().is_none_or(|(store, _)| *store != row.store) {
                let traits = match StoreId::new(&row.store) {
                    Ok(store) => api.database.traits(&store).await?,
                    Err(_) => None,
                };
                within = Some((row.store.clone(), traits.is_some_and(|traits| reach.covers(&traits))));
            }
            let may = reach.is_everything() || within.as_ref().is_some_and(|(_, is_within)| *is_within);
            let version = row.said.of.version.to_string();
            for result in row.said.results.into_iter().skip(behind) {
                from.3 += 1;
                if !may || wanted.is_some_and(|wanted| result.status != wanted) {
                    continue;
                }
                items.push(ResultView {
                    store: row.store.clone(),
                    serial: row.node.clone(),
                    slot: row.slot.clone(),
                    version: version.clone(),
                    result,
                });
                if items.len() == limit {
                    let next = serde_json::to_vec(&from).map_err(|_| Problem::failed())?;
                    return Ok(Json(Page { items, next: Some(BASE64URL_NOPAD.encode(&next)) }));
                }
            }
            // Of this row there is nothing more, whatever becomes of it meanwhile.
            from.3 = usize::MAX;
        }
        if is_last {
            return Ok(Json(Page { items, next: None }));
        }
    }
}

/// What became of the device settings of a rollout.
#[derive(Debug, Serialize, ToSchema)]
struct RolloutDevices {
    /// Slot by slot; empty where the rollout brings no settings of devices.
    slots: Vec<SlotTally>,
}

/// What became of the device settings of a rollout at the devices of its stores: how many devices stand how, and why not, by reason.
#[utoipa::path(get, path = "/v1/rollouts/{rollout}/devices", tag = "rollouts", security(("token" = [])),
    params(("rollout" = String, Path, description = "The rollout.")), responses(
    (status = 200, body = RolloutDevices), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn of_rollout(State(api): State<Api>, Path(name): Path<String>) -> Answer<RolloutDevices> {
    let kept = api.database.rollout(&name).await?.ok_or_else(|| Problem::unknown("rollout"))?;
    Ok(Json(RolloutDevices { slots: tallies(&api.database, &kept.rollout).await? }))
}
