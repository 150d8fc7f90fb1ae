//! `aisle-node telemetry`: what a stream of a device measured, as a table, one by one, or drawn.

use crate::{
    admin::{
        remote::{Remote, encoded},
        view::telemetry::RawTelemetry,
    },
    cli::floor::TelemetryArgs,
    output::{self, plain},
    store::wall_clock,
};
use aisle_devices::telemetry::Series;
use aisle_event::Timestamp;
use anyhow::Context;
use jiff::Timestamp as Instant;
use serde_json::json;
use std::path::Path;

/// Rows of a table.
const ROWS_MAX: u32 = 48;
const HOUR_MS: i64 = 3_600_000;

/// Prints or draws.
pub(crate) async fn run(args: &TelemetryArgs, data: &Path, json: bool) -> anyhow::Result<()> {
    let node = Remote::find(data, args.node.url.as_deref())?;
    let path = format!("/v1/admin/telemetry/{}/{}", encoded(&args.device), encoded(&args.stream));
    if let Some(file) = &args.svg {
        let svg = node.text(&format!("{path}/chart.svg?hours={}", args.hours)).await?;
        std::fs::write(file, svg).with_context(|| format!("cannot write `{}`", file.display()))?;
        if json {
            output::json(&json!({ "file": file }))?;
        } else {
            output::line(format!("drawn into `{}`", file.display()))?;
        }
        return Ok(());
    }
    let from = wall_clock().saturating_add_ms(-i64::from(args.hours) * HOUR_MS);
    let from = encoded(&time(from));
    if args.raw {
        raw(&node.get(&format!("{path}/raw?from={from}")).await?, json)
    } else if json {
        let series: Series = node.get(&format!("{path}?from={from}")).await?;
        Ok(output::json(&series)?)
    } else {
        table(&node.get(&format!("{path}?from={from}&points_max={ROWS_MAX}")).await?)
    }
}

fn raw(telemetry: &RawTelemetry, json: bool) -> anyhow::Result<()> {
    if json {
        return Ok(telemetry.readings.iter().try_for_each(output::json)?);
    }
    let unit = telemetry.unit.map(|unit| format!(" {unit}")).unwrap_or_default();
    for reading in &telemetry.readings {
        output::line(format!("{}  {}{unit}", time(reading.at), reading.value))?;
    }
    if telemetry.readings.is_empty() {
        output::line("no single reading is kept of that time; without `--raw` there may be sums")?;
    }
    Ok(())
}

fn table(series: &Series) -> anyhow::Result<()> {
    if series.points.is_empty() {
        output::line("nothing was measured in that time")?;
    } else {
        let rows = series.points.iter().map(|point| {
            let number = |value: f64| format!("{value:.2}");
            [
                time(point.at),
                point.count.to_string(),
                number(point.min),
                number(point.mean),
                number(point.p50),
                number(point.p95),
                number(point.max),
                number(point.last),
            ]
        });
        let headings = ["FROM", "COUNT", "MIN", "MEAN", "P50", "P95", "MAX", "LAST"];
        output::table(headings, &rows.collect::<Vec<_>>())?;
    }
    for anomaly in &series.anomalies {
        output::line(format!("{} since {}: {}", anomaly.kind, time(anomaly.since), plain(&anomaly.words)))?;
    }
    Ok(())
}

fn time(at: Timestamp) -> String {
    Instant::from_millisecond(at.0).unwrap_or(Instant::UNIX_EPOCH).to_string()
}
