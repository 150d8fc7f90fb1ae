//! What sensors measured: by the minute and coarser, one by one, and drawn.

use super::{
    Answer, answer,
    authorized::Authorized,
    refused::{beside, wrong},
};
use crate::admin::view::telemetry::{RawTelemetry, ReadingLine, StreamLine, TelemetryOverview};
use aisle_devices::telemetry::{Query, QueryError, Resolution, Series, StreamKey, query};
use aisle_event::{DeviceId, Name, Timestamp};
use aisle_kiosk::request::{Params, Problem, Segments, choice, number};
use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::IntoParams;

/// Points of an answer that says nothing of their number.
const POINTS: usize = 500;
/// The most points that can be asked for; the configured bound may be lower.
const POINTS_MAX: usize = 100_000;
/// A year.
const HOURS_MAX: usize = 8_784;
const HOUR_MS: i64 = 3_600_000;
const RESOLUTIONS: [(&str, Resolution); 4] = [
    ("minute", Resolution::Minute),
    ("5m", Resolution::FiveMinutes),
    ("hour", Resolution::Hour),
    ("day", Resolution::Day),
];

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OverviewParams {
    /// Only streams of this device.
    #[param(nullable = false)]
    device: Option<String>,
}

/// Every stream of numbers: its last value with its age, what is odd about it, what was left out.
#[utoipa::path(
    get, path = "/v1/admin/telemetry", tag = "administration", operation_id = "listTelemetry",
    security(("token" = [])), params(OverviewParams),
    responses(
        (status = 200, description = "The streams.", body = TelemetryOverview),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn overview(
    admin: Authorized,
    Params(params): Params<OverviewParams>,
) -> Answer<TelemetryOverview> {
    let (view, now) = (admin.floor.view(), admin.floor.now());
    let wanted = params.device.as_deref();
    let streams = view.telemetry.streams();
    let streams = streams.filter(|stream| wanted.is_none_or(|id| stream.key().device.as_str() == id));
    answer(TelemetryOverview {
        streams: streams.map(|stream| StreamLine::of(stream, now)).collect(),
        left_out: *view.telemetry.counters(),
    })
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SeriesParams {
    /// From when, such as `2026-11-21T08:00:00Z`; left out: a day before the end.
    #[param(format = DateTime, nullable = false)]
    from: Option<String>,
    /// Until before when; left out: now.
    #[param(format = DateTime, nullable = false)]
    to: Option<String>,
    /// How much time a point stands for: `minute`, `5m`, `hour` or `day`.
    #[param(nullable = false)]
    resolution: Option<String>,
    /// Instead of a resolution: the finest that gives no more points than this.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100_000, default = 500, nullable = false)]
    points_max: Option<String>,
}

/// What a stream was like over some time. A step without readings has no point.
#[utoipa::path(
    get, path = "/v1/admin/telemetry/{device}/{stream}", tag = "administration", operation_id = "getTelemetry",
    security(("token" = [])),
    params(
        ("device" = String, Path, description = "The device's id.", min_length = 1),
        ("stream" = String, Path, description = "The stream.", min_length = 1),
        SeriesParams,
    ),
    responses(
        (status = 200, description = "Points with count, least, most, mean, last and two quantiles.", body = Series),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "Nothing was ever measured by this stream.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn series(
    admin: Authorized,
    Segments(device, stream): Segments,
    Params(params): Params<SeriesParams>,
) -> Result<Answer<Series>, Problem> {
    let key = known(&admin, &device, &stream)?;
    let resolution = match (params.resolution.as_deref(), params.points_max.as_deref()) {
        (Some(_), Some(_)) => {
            return Err(Problem::field("points_max", "cannot stand beside `resolution`; leave one out"));
        }
        (Some(word), None) => choice("resolution", word, &RESOLUTIONS)?,
        (None, points) => Resolution::PointsMax(number("points_max", points, &(1..=POINTS_MAX), POINTS)?),
    };
    let (from, to) = times(&admin, params.from.as_deref(), params.to.as_deref(), 24 * HOUR_MS)?;
    let (floor, zone) = (admin.floor.clone(), admin.floor.zone().clone());
    let asked = Query { key, from, to, resolution, zone };
    let found = beside(move || query(&floor.view().telemetry, Some(floor.archive()), &asked)).await?;
    found.map(answer).map_err(|error| match error {
        QueryError::Times { .. } => wrong("to", error.to_string()),
        QueryError::Points { .. } => wrong("resolution", error.to_string()),
    })
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RawParams {
    /// From when, such as `2026-11-21T08:00:00Z`; left out: an hour before the end.
    #[param(format = DateTime, nullable = false)]
    from: Option<String>,
    /// Until before when; left out: now.
    #[param(format = DateTime, nullable = false)]
    to: Option<String>,
}

/// Single readings of a stream, as far back as they are kept (`telemetry.raw_window_s`).
#[utoipa::path(
    get, path = "/v1/admin/telemetry/{device}/{stream}/raw", tag = "administration", operation_id = "getRawTelemetry",
    security(("token" = [])),
    params(
        ("device" = String, Path, description = "The device's id.", min_length = 1),
        ("stream" = String, Path, description = "The stream.", min_length = 1),
        RawParams,
    ),
    responses(
        (status = 200, description = "The readings.", body = RawTelemetry),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "Nothing was ever measured by this stream.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn raw(
    admin: Authorized,
    Segments(device, stream): Segments,
    Params(params): Params<RawParams>,
) -> Result<Answer<RawTelemetry>, Problem> {
    let key = known(&admin, &device, &stream)?;
    let (from, to) = times(&admin, params.from.as_deref(), params.to.as_deref(), HOUR_MS)?;
    let view = admin.floor.view();
    let found = view.telemetry.stream(&key);
    let readings = found.map(|stream| stream.raw(from, to)).unwrap_or_default();
    let line = |reading: &aisle_devices::telemetry::RawReading| ReadingLine {
        at: reading.at,
        value: reading.value.units(),
    };
    Ok(answer(RawTelemetry {
        unit: found.and_then(|stream| stream.unit()),
        readings: readings.iter().map(line).collect(),
        key,
    }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ChartParams {
    /// How many hours back.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 8_784, default = 24, nullable = false)]
    hours: Option<String>,
}

/// A stream over the last hours, drawn.
#[utoipa::path(
    get, path = "/v1/admin/telemetry/{device}/{stream}/chart.svg", tag = "administration", operation_id = "drawTelemetry",
    security(("token" = [])),
    params(
        ("device" = String, Path, description = "The device's id.", min_length = 1),
        ("stream" = String, Path, description = "The stream.", min_length = 1),
        ChartParams,
    ),
    responses(
        (status = 200, description = "An SVG drawing without scripts.", body = String, content_type = "image/svg+xml"),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "Nothing was ever measured by this stream.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn chart(
    admin: Authorized,
    Segments(device, stream): Segments,
    Params(params): Params<ChartParams>,
) -> Result<Response, Problem> {
    let key = known(&admin, &device, &stream)?;
    let hours = number("hours", params.hours.as_deref(), &(1..=HOURS_MAX), 24)?;
    let floor = admin.floor.clone();
    let drawn = beside(move || {
        let to = floor.now();
        let back_ms = i64::try_from(hours).unwrap_or(i64::MAX).saturating_mul(HOUR_MS);
        floor.chart_between(&key.device, &key.stream, to.saturating_add_ms(-back_ms), to)
    });
    let Some(svg) = drawn.await? else { return Err(unknown(&device, &stream)) };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, svg).into_response())
}

/// A stream by which something was measured.
fn known(admin: &Authorized, device: &str, stream: &str) -> Result<StreamKey, Problem> {
    let key = DeviceId::new(device).ok().zip(Name::new(stream).ok());
    let key = key.map(|(device, stream)| StreamKey { device, stream });
    let key = key.filter(|key| admin.floor.view().telemetry.stream(key).is_some());
    key.ok_or_else(|| unknown(device, stream))
}

fn unknown(device: &str, stream: &str) -> Problem {
    let detail = format!(
        "nothing was ever measured by stream `{stream}` of device `{device}`\nhint: `GET /v1/admin/telemetry` lists the streams; only approved devices are measured by"
    );
    Problem::unknown_stream(detail).with("stream", "was never measured by")
}

/// The times of a query; the end is now and the beginning so long before it, unless they are said.
fn times(
    admin: &Authorized,
    from: Option<&str>,
    to: Option<&str>,
    back_ms: i64,
) -> Result<(Timestamp, Timestamp), Problem> {
    let time = |field, text: &str| match text.parse::<jiff::Timestamp>() {
        Ok(at) => Ok(Timestamp(at.as_millisecond())),
        Err(_) => Err(Problem::field(field, "is no time such as 2026-11-21T08:00:00Z")),
    };
    // What was measured in this millisecond is in it.
    let now = admin.floor.now().saturating_add_ms(1);
    let to = to.map_or(Ok(now), |to| time("to", to))?;
    let from = from.map_or(Ok(to.saturating_add_ms(-back_ms)), |from| time("from", from))?;
    if from >= to {
        return Err(Problem::field("to", "is not after `from`"));
    }
    Ok((from, to))
}
