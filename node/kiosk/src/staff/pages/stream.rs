//! Streams of numbers, drawn.

use super::parts::{Eye, device_address};
use crate::{
    http::{
        extract::{Params, Segments, number},
        problem::Problem,
    },
    staff::{desk::Desk, visit::Colleague},
    text,
};
use aisle_event::Timestamp;
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

/// How much a chart shows when nothing else was chosen, in hours.
pub(super) const HOURS: u32 = 24;
/// What can be chosen.
pub(super) const SPANS: [u32; 3] = [6, 24, 168];
/// The longest that can be asked for, in hours: a year and a day.
const HOURS_MAX: usize = 366 * 24;
/// A chart is drawn anew when it is so old, in milliseconds.
const FRESH_MS: i64 = 15_000;
/// A chart is a picture: it brings its style, and nothing runs in it.
const CHART_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// A chart in a page.
pub(super) fn chart(eye: Eye<'_>, device: &str, stream: &str, as_of: Timestamp, hours: u32) -> Markup {
    let version = as_of.0 / FRESH_MS;
    let address =
        format!("{}/{}/chart.svg?hours={hours}&v={version}", device_address(device), text::encoded(stream));
    html! { img.chart src=(address) alt=((eye.words.chart_of)(stream, hours)) width="640" height="220" loading="lazy"; }
}

#[derive(Deserialize)]
pub(super) struct ChartParams {
    hours: Option<String>,
}

/// `GET /staff/devices/{device}/{stream}/chart.svg?hours=`.
pub(super) async fn show(
    colleague: Colleague,
    State(desk): State<Desk>,
    Segments(device, stream): Segments,
    Params(params): Params<ChartParams>,
) -> Result<Response, Problem> {
    let hours = number("hours", params.hours.as_deref(), &(1..=HOURS_MAX), HOURS as usize)?;
    let hours = u32::try_from(hours).unwrap_or(HOURS);
    let drawn = desk.read(move |floor| floor.chart(&device, &stream, hours)).await?;
    let svg = drawn.ok_or_else(|| {
        Problem::unknown_device("there is no such stream of numbers").with("stream", "cannot be drawn")
    })?;
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CONTENT_SECURITY_POLICY, CHART_POLICY)];
    Ok(colleague.person.sign((headers, svg).into_response()))
}
