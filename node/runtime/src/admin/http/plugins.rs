//! Plugins: looked at, installed, rolled back, removed.
//!
//! Installing has a body of its own size, so its route stands beside the kiosk's gate, with bounds of its own.

use super::{
    Admin, Answer, Shared, answer,
    authorized::Authorized,
    device::ByParams,
    refused::{beside, by, finish, wrong},
};
use crate::{
    admin::view::plugin::{PackageBody, PluginAlert, PluginDetail, PluginLine, PluginList, SuppressedLine},
    plugin::{ChangeError, RecordError},
};
use aisle_kiosk::request::{Json, Params, Problem, Segment, buffered};
use aisle_plugin_host::Hook;
use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRequest, Request},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::put,
};
use data_encoding::BASE64;
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::timeout};
use utoipa::IntoParams;

/// Packages that are taken in at the same time; a further one is told to come later.
const INSTALLS_MAX: usize = 2;
/// How long a package may take to come in and to be compiled.
const INSTALL_WITHIN: Duration = Duration::from_secs(25);
/// The longest answer of recordings, in bytes; the newest are in it.
const RECORDINGS_BYTES_MAX: usize = 32 << 20;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RecordingParams {
    /// Only those of one hook: `pricing`, `promotion`, `ranking`, `replenishment` or `reaction`.
    #[param(nullable = false)]
    hook: Option<String>,
}

/// Lists plugins, and products that they keep from being sold.
#[utoipa::path(
    get, path = "/v1/admin/plugins", tag = "administration", operation_id = "listPlugins", security(("token" = [])),
    responses(
        (status = 200, description = "The plugins.", body = PluginList),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn list(admin: Authorized) -> Answer<PluginList> {
    let suppressed = admin.plugins.suppressed().into_iter();
    let alerts = admin.plugins.alerts((admin.now)()).into_iter();
    answer(PluginList {
        plugins: admin.plugins.reports().iter().map(PluginLine::of).collect(),
        suppressed: suppressed
            .map(|(sku, until, plugin)| SuppressedLine {
                sku: sku.to_string(),
                plugin: plugin.to_string(),
                until,
            })
            .collect(),
        alerts: alerts
            .map(|alert| PluginAlert {
                text: alert.words,
                unit: alert.unit.map(|unit| unit.to_string()),
                urgent: alert.urgent,
                since: alert.since,
            })
            .collect(),
    })
}

/// Shows a plugin: versions, hooks, grants, limits, breakers, failures, and what its calls cost.
#[utoipa::path(
    get, path = "/v1/admin/plugins/{id}", tag = "administration", operation_id = "getPlugin", security(("token" = [])),
    params(("id" = String, Path, description = "The plugin's id.", min_length = 1)),
    responses(
        (status = 200, description = "The plugin.", body = PluginDetail),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such plugin is installed.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(admin: Authorized, Segment(id): Segment) -> Result<Answer<PluginDetail>, Problem> {
    detail(&admin, &id).map(answer)
}

/// Gives the last calls of a plugin whole, oldest first: a JSON object a line, which `aisle plugin replay` reads.
#[utoipa::path(
    get, path = "/v1/admin/plugins/{id}/recordings", tag = "administration", operation_id = "listPluginRecordings",
    security(("token" = [])),
    params(("id" = String, Path, description = "The plugin's id.", min_length = 1), RecordingParams),
    responses(
        (status = 200, description = "The calls.", body = String, content_type = "application/x-ndjson"),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such plugin is installed.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn recordings(
    admin: Authorized,
    Segment(id): Segment,
    Params(params): Params<RecordingParams>,
) -> Result<Response, Problem> {
    let hook = params.hook.as_deref().map(str::parse::<Hook>).transpose();
    let hook = hook.map_err(|_| {
        wrong("hook", "is no hook: `pricing`, `promotion`, `ranking`, `replenishment` or `reaction`")
    })?;
    if admin.plugins.report(&id).is_none() {
        return Err(unknown(&id));
    }
    let plugins = admin.plugins.clone();
    let body = beside(move || {
        let calls = plugins.recordings(&id, hook);
        let (mut lines, mut bytes) = (Vec::new(), 0);
        for call in calls.iter().rev() {
            let line = call.encode();
            bytes += line.len() + 1;
            if bytes > RECORDINGS_BYTES_MAX {
                break;
            }
            lines.push(line);
        }
        lines.iter().rev().fold(String::with_capacity(bytes), |all, line| all + line + "\n")
    })
    .await?;
    let headers: [(HeaderName, HeaderValue); 2] = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, body).into_response())
}

/// Installs a version of a plugin in the place of any other. It is compiled and looked at first; what could not run changes nothing.
#[utoipa::path(
    put, path = "/v1/admin/plugins/{id}", tag = "administration", operation_id = "installPlugin", security(("token" = [])),
    params(("id" = String, Path, description = "The plugin's id, as its manifest has it.", min_length = 1)),
    request_body(content = PackageBody, content_type = "application/json"),
    responses(
        (status = 200, description = "It runs; that is durable.", body = PluginDetail),
        (status = 400, description = "The manifest or the component is none that could run.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is no room for a further plugin.", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is longer than a package may be.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Others are being installed, or it took too long.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn install(
    admin: Authorized,
    Segment(id): Segment,
    request: Request,
) -> Result<Answer<PluginDetail>, Problem> {
    let Ok(room) = admin.installs.clone().try_acquire_owned() else {
        return Err(Problem::busy("other plugins are being installed").retry_after_s(2));
    };
    let plugins = admin.plugins.clone();
    let installing = async move {
        let request = buffered(request, plugins.package_bytes_max()).await?;
        let Json(package): Json<PackageBody> = Json::from_request(request, &()).await?;
        let by = by(package.by.as_deref())?;
        let component = BASE64.decode(package.component.as_bytes());
        let component = component.map_err(|error| wrong("component", format!("is no Base64: {error}")))?;
        finish(async move {
            let _room = room;
            plugins.install(&id, package.manifest, component, Some(by)).await.map_err(refused)?;
            Ok(id)
        })
        .await
    };
    let id = timeout(INSTALL_WITHIN, installing).await.unwrap_or_else(|_| {
        let within = INSTALL_WITHIN.as_secs();
        Err(Problem::busy(format!("it took longer than {within} s; it may still come about"))
            .retry_after_s(2))
    })?;
    detail(&admin, &id).map(answer)
}

/// Lets the version before run again.
#[utoipa::path(
    post, path = "/v1/admin/plugins/{id}/rollback", tag = "administration", operation_id = "rollBackPlugin",
    security(("token" = [])),
    params(("id" = String, Path, description = "The plugin's id.", min_length = 1), ByParams),
    responses(
        (status = 200, description = "The version before runs; that is durable.", body = PluginDetail),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such plugin is installed.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is no version before this one.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn roll_back(
    admin: Authorized,
    Segment(id): Segment,
    Params(params): Params<ByParams>,
) -> Result<Answer<PluginDetail>, Problem> {
    let (plugins, by, plugin) = (admin.plugins.clone(), by(params.by.as_deref())?, id.clone());
    finish(async move { plugins.roll_back(&plugin, Some(by)).await.map_err(refused) }).await?;
    detail(&admin, &id).map(answer)
}

/// Removes a plugin, and all that it kept.
#[utoipa::path(
    delete, path = "/v1/admin/plugins/{id}", tag = "administration", operation_id = "removePlugin",
    security(("token" = [])),
    params(("id" = String, Path, description = "The plugin's id.", min_length = 1), ByParams),
    responses(
        (status = 204, description = "It is removed; that is durable."),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such plugin is installed.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn remove(
    admin: Authorized,
    Segment(id): Segment,
    Params(params): Params<ByParams>,
) -> Result<StatusCode, Problem> {
    let (plugins, by) = (admin.plugins.clone(), by(params.by.as_deref())?);
    finish(async move { plugins.remove(&id, Some(by)).await.map_err(refused) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The route that takes packages, which are longer than what the kiosk's gate lets through.
pub(crate) fn packages(admin: Admin) -> Router {
    Router::new()
        .route("/v1/admin/plugins/{id}", put(install))
        .layer(DefaultBodyLimit::disable())
        .with_state(admin)
}

/// How many packages are taken in at once.
pub(super) fn installs() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(INSTALLS_MAX))
}

fn detail(admin: &Shared, id: &str) -> Result<PluginDetail, Problem> {
    admin.plugins.report(id).map(|report| PluginDetail::of(&report)).ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Problem {
    let detail = format!("no plugin `{id}` is installed\nhint: `GET /v1/admin/plugins` lists them");
    Problem::unknown_plugin(detail).with("id", "is not installed")
}

fn refused(error: ChangeError) -> Problem {
    let detail = error.to_string();
    match error {
        ChangeError::Manifest(error) => Problem::malformed(detail).with("manifest", error.to_string()),
        ChangeError::Another { .. } => Problem::malformed(detail).with("manifest", "is another plugin's"),
        ChangeError::TooLong { field, bytes_max, .. } => {
            Problem::malformed(detail).with(field, format!("is longer than {bytes_max} bytes"))
        }
        ChangeError::Load(error) => Problem::malformed(detail).with("component", error.to_string()),
        ChangeError::NotGranted { .. }
        | ChangeError::BelowMinimum { .. }
        | ChangeError::Full { .. }
        | ChangeError::Disk { .. }
        | ChangeError::NoPrevious { .. } => Problem::conflict(detail),
        ChangeError::Unknown { plugin } => unknown(&plugin),
        ChangeError::Files(_) => Problem::busy(detail).retry_after_s(10),
        ChangeError::Record(RecordError::Busy) => Problem::busy(detail).retry_after_s(1),
        ChangeError::Record(RecordError::TooLong) => Problem::malformed(detail),
        ChangeError::Record(RecordError::Stopped) => Problem::stopped(detail).retry_after_s(10),
    }
}
