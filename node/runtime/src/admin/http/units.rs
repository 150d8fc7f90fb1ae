//! Cold chain units: what there is, what they are held to, what was done about excursions, and the reports of a day.

use super::{
    Answer, Shared, answer,
    authorized::Authorized,
    refused::{act, beside, finish, name, product, wrong},
};
use crate::admin::view::cold_chain::{AcknowledgementBody, ExcursionView, UnitBody, UnitView};
use aisle_event::{Measure, Name, Sku, Unknown, cold_chain::UnitDefined};
use aisle_inventory::cold_chain::report::Language;
use aisle_kiosk::{
    request::{Json, Params, Problem, Segment, Segments, choice},
    staff::{Action, Floor as _},
};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// Products of one unit.
const SKUS_MAX: usize = 1_000;
/// What a probe can believably measure, in °C.
const CELSIUS: std::ops::RangeInclusive<f64> = -100.0..=300.0;

/// Lists the cold chain units with their probes and excursions.
#[utoipa::path(
    get, path = "/v1/admin/units", tag = "administration", operation_id = "listColdChainUnits",
    security(("token" = [])),
    responses(
        (status = 200, description = "The units by name.", body = Vec<UnitView>),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn list(admin: Authorized) -> Answer<Vec<UnitView>> {
    let (view, now) = (admin.floor.view(), admin.floor.now());
    let units = view.cold_chain.units.values().filter(|unit| !unit.removed);
    answer(units.map(|unit| UnitView::of(unit, now, view.cold_chain.silent_s)).collect())
}

/// Defines a unit, or defines it anew: what food it keeps and what it is held to.
#[utoipa::path(
    put, path = "/v1/admin/units/{unit}", tag = "administration", operation_id = "defineColdChainUnit",
    security(("token" = [])),
    params(("unit" = String, Path, description = "The unit's name.", min_length = 1, max_length = 256)),
    request_body(content = UnitBody, content_type = "application/json"),
    responses(
        (status = 200, description = "The unit; that is durable.", body = UnitView),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There are as many units as there may be.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn define(
    admin: Authorized,
    Segment(unit): Segment,
    Json(body): Json<UnitBody>,
) -> Result<Answer<UnitView>, Problem> {
    let unit = name("unit", &unit)?;
    let limit = body.limit_celsius.map(|celsius| match Measure::new(celsius) {
        Ok(limit) if CELSIUS.contains(&celsius) => Ok(limit),
        _ => Err(Problem::field("limit_celsius", format!("is {celsius}, expected -100 to 300"))),
    });
    if body.skus.len() > SKUS_MAX {
        return Err(Problem::field("skus", format!("has more than {SKUS_MAX}")));
    }
    let skus: Result<Vec<Sku>, Problem> =
        body.skus.iter().enumerate().map(|(at, sku)| product(&admin, &format!("skus[{at}]"), sku)).collect();
    let event = UnitDefined {
        unit: unit.clone(),
        group: body.group,
        limit: limit.transpose()?,
        grace_s: body.grace_s,
        skus: skus?,
        at: admin.floor.now(),
        removed: None,
        unknown: Unknown::default(),
    };
    record(&admin, event).await?;
    shown(&admin, &unit).map(answer).ok_or_else(|| {
        Problem::conflict(
            "there are as many units as there may be (`cold_chain.units_max`)\nhint: remove one",
        )
    })
}

/// Removes a unit; its reports stay.
#[utoipa::path(
    delete, path = "/v1/admin/units/{unit}", tag = "administration", operation_id = "removeColdChainUnit",
    security(("token" = [])), params(("unit" = String, Path, description = "The unit's name.", min_length = 1)),
    responses(
        (status = 204, description = "It is no more; that is durable."),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such unit.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn remove(admin: Authorized, Segment(unit): Segment) -> Result<StatusCode, Problem> {
    let view = admin.floor.view();
    let known = Name::new(&unit).ok().and_then(|unit| view.cold_chain.units.get(&unit));
    let known = known.filter(|known| !known.removed).ok_or_else(|| unknown(&unit))?;
    let event = UnitDefined {
        unit: known.name.clone(),
        group: known.limit.group,
        limit: None,
        grace_s: None,
        skus: Vec::new(),
        at: admin.floor.now(),
        removed: Some(true),
        unknown: Unknown::default(),
    };
    record(&admin, event).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The form of a report.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(as = ReportFormat, rename_all = "lowercase")]
pub(super) enum Format {
    Html,
    Csv,
    Json,
}

/// The language of a report.
#[derive(ToSchema)]
#[schema(as = ReportLanguage, rename_all = "lowercase")]
#[expect(dead_code, reason = "gives the schema; the report has a language of its own")]
pub(super) enum LanguageTag {
    En,
    Zh,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReportParams {
    /// In which form; `html` prints without a network.
    #[param(value_type = Option<Format>, default = "html", nullable = false)]
    format: Option<String>,
    /// In which language.
    #[param(value_type = Option<LanguageTag>, default = "en", nullable = false)]
    language: Option<String>,
}

/// The report of a unit and a day of the store's zone. It carries the evidence by which `aisle-node cold-chain verify` holds it against
/// the journal; save it byte by byte.
#[utoipa::path(
    get, path = "/v1/admin/units/{unit}/reports/{day}", tag = "administration", operation_id = "reportColdChain",
    security(("token" = [])),
    params(
        ("unit" = String, Path, description = "The unit's name; also of one that was removed.", min_length = 1),
        ("day" = String, Path, description = "The day, such as `2026-11-21`.", pattern = r"^\d{4}-\d{2}-\d{2}$"),
        ReportParams,
    ),
    responses(
        (status = 200, description = "The report.", content((String = "text/html"), (String = "text/csv"), (Object = "application/json"))),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There never was such a unit.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn report(
    admin: Authorized,
    Segments(unit, day): Segments,
    Params(params): Params<ReportParams>,
) -> Result<Response, Problem> {
    let formats = [("html", Format::Html), ("csv", Format::Csv), ("json", Format::Json)];
    let format = choice("format", params.format.as_deref().unwrap_or("html"), &formats)?;
    let languages = [("en", Language::En), ("zh", Language::Zh)];
    let language = choice("language", params.language.as_deref().unwrap_or("en"), &languages)?;
    let day: Date = day.parse().map_err(|_| wrong("day", "is no day such as 2026-11-21"))?;
    let known = Name::new(&unit).ok().filter(|unit| admin.floor.knows_unit(unit));
    let name = known.ok_or_else(|| unknown(&unit))?;
    let floor = admin.floor.clone();
    let made = beside(move || {
        let report = floor.report(&name, day)?;
        anyhow::Ok(match format {
            Format::Html => ("text/html; charset=utf-8", report.html(language)),
            Format::Csv => ("text/csv; charset=utf-8", report.csv()),
            Format::Json => ("application/json", serde_json::to_string(&report)?),
        })
    });
    let (media, text) = made.await?.map_err(|error| {
        tracing::error!(unit, %day, %error, "a cold chain report cannot be made");
        Problem::internal("the journal cannot be read; see `aisle-node journal verify`")
    })?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, text).into_response())
}

/// Says that somebody has seen an excursion, and what was done about it.
#[utoipa::path(
    post, path = "/v1/admin/excursions/{excursion}/acknowledgement", tag = "administration", operation_id = "acknowledgeExcursion",
    security(("token" = [])), params(("excursion" = String, Path, description = "The excursion's name.", min_length = 1)),
    request_body(content = AcknowledgementBody, content_type = "application/json"),
    responses(
        (status = 200, description = "The excursion; that is durable.", body = ExcursionView),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such excursion.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn acknowledge(
    admin: Authorized,
    Segment(excursion): Segment,
    Json(body): Json<AcknowledgementBody>,
) -> Result<Answer<ExcursionView>, Problem> {
    let by = name("by", &body.by)?;
    let action = body.action.as_deref().map(|action| name("action", action)).transpose()?;
    let gone = || {
        let detail = format!("there is no excursion `{excursion}`\nhint: `GET /v1/admin/units` lists them");
        Problem::unknown_excursion(detail).with("excursion", "is not there")
    };
    let named = Name::new(&excursion).map_err(|_| gone())?;
    let found = |admin: &Shared| {
        let view = admin.floor.view();
        let mut all = view.cold_chain.units.values().flat_map(|unit| &unit.excursions);
        all.find(|known| known.name == named).map(|known| ExcursionView::of(known))
    };
    found(&admin).ok_or_else(gone)?;
    let done = Action::Acknowledge { excursion: named.clone(), action };
    admin.floor.act(done, by).await.map_err(act)?;
    found(&admin).map(answer).ok_or_else(gone)
}

async fn record(admin: &Shared, event: UnitDefined) -> Result<(), Problem> {
    let floor = admin.floor.clone();
    finish(async move { floor.record(vec![event.into()]).await.map_err(act) }).await
}

fn shown(admin: &Shared, unit: &Name) -> Option<UnitView> {
    let view = admin.floor.view();
    let known = view.cold_chain.units.get(unit).filter(|unit| !unit.removed)?;
    Some(UnitView::of(known, admin.floor.now(), view.cold_chain.silent_s))
}

fn unknown(unit: &str) -> Problem {
    let detail = format!(
        "there is no cold chain unit `{unit}`\nhint: define it: `aisle-node cold-chain define {unit} --group chilled`"
    );
    Problem::unknown_unit(detail).with("unit", "was never defined")
}
