//! `aisle-node evaluate`: reads public data sets, and prints how each rung would have done on them.
//!
//! Not here: the measures and the protocol (`aisle_recommend::evaluate`).

use crate::{
    cli::EvaluateArgs,
    config::Config,
    import::{input, online_retail},
    output,
};
use aisle_event::{SessionId, Sku, Timestamp};
use aisle_recommend::evaluate::{Click, Invoices, Row, baskets, cosine, sessions};
use anyhow::{Context, bail};
use csv::{ReaderBuilder, StringRecord};
use serde::Serialize;
use std::{path::Path, time::Instant};

#[derive(Serialize)]
struct Report<'a> {
    name: &'a str,
    predictions: u64,
    hit_rate_20: f64,
    reciprocal_rank_20: f64,
    coverage: f64,
    p50_us: f64,
    p99_us: f64,
}

/// Measures and prints a row per rung.
pub(crate) fn run(args: &EvaluateArgs, config: &Config, json: bool) -> anyhow::Result<()> {
    let start = Instant::now();
    let clock = &mut || start.elapsed();
    let rows = match (args.sessions.as_deref(), &args.baskets, args.from) {
        (Some([train, test]), ..) => sessions(&clicks(train)?, &clicks(test)?, &config.recommend, clock),
        (_, Some(file), Some(from)) => {
            let from = from.to_zoned(jiff::tz::TimeZone::UTC).context("`--from` is out of range")?;
            let from = Timestamp(from.timestamp().as_millisecond());
            let found = invoices(file)?.into_baskets();
            let mut rows = baskets(&found, from, &config.recommend, clock);
            // The plain method of the literature, as a peer in the same run.
            rows.push(cosine(&found, from, &config.recommend, clock));
            rows
        }
        _ => bail!("either `--sessions TRAIN TEST` or `--baskets FILE --from DATE`"),
    };
    let reports = rows.iter().map(report);
    if json {
        output::json(&reports.collect::<Vec<_>>())?;
        return Ok(());
    }
    output::line(format!(
        "{:<20} {:>11} {:>8} {:>8} {:>9} {:>10} {:>10}",
        "rung", "predictions", "HR@20", "MRR@20", "coverage", "p50", "p99"
    ))?;
    for row in reports {
        output::line(format!(
            "{:<20} {:>11} {:>8.4} {:>8.4} {:>8.1}% {:>7.1} us {:>7.1} us",
            row.name,
            row.predictions,
            row.hit_rate_20,
            row.reciprocal_rank_20,
            100.0 * row.coverage,
            row.p50_us,
            row.p99_us
        ))?;
    }
    Ok(())
}

fn report(row: &Row) -> Report<'_> {
    Report {
        name: row.name,
        predictions: row.predictions,
        hit_rate_20: row.hit_rate,
        reciprocal_rank_20: row.reciprocal_rank,
        coverage: row.coverage,
        p50_us: row.p50.as_nanos() as f64 / 1000.0,
        p99_us: row.p99.as_nanos() as f64 / 1000.0,
    }
}

/// Clicks from a TSV file: `SessionId`, `ItemId`, `Time` in seconds since 1970. A row that is none of that stops the
/// reading: a measurement on part of a file would not be comparable.
fn clicks(path: &Path) -> anyhow::Result<Vec<Click>> {
    let mut reader = ReaderBuilder::new().delimiter(b'\t').from_reader(input::open(path)?.reader);
    let header = reader.headers().with_context(|| format!("cannot read `{}`", path.display()))?;
    if header != vec!["SessionId", "ItemId", "Time"] {
        bail!("`{}` has no header `SessionId`, `ItemId`, `Time`", path.display());
    }
    let rows = reader.records().map(|record| {
        let record = record.with_context(|| format!("cannot read `{}`", path.display()))?;
        let line = record.position().map_or(0, csv::Position::line);
        click(&record).with_context(|| format!("`{}`, line {line}", path.display()))
    });
    rows.collect()
}

fn click(record: &StringRecord) -> anyhow::Result<Click> {
    let field = |at: usize| record.get(at).unwrap_or_default();
    let seconds: f64 = field(2).parse().with_context(|| format!("`Time`: `{}` is no number", field(2)))?;
    let at = Timestamp((seconds * 1000.0) as i64);
    let session = SessionId::new(field(0)).with_context(|| format!("`SessionId`: `{}`", field(0)))?;
    let item = Sku::new(field(1)).with_context(|| format!("`ItemId`: `{}`", field(1)))?;
    Ok(Click { session, item, at })
}

/// Baskets from the online-retail format: every line with a product code and a positive quantity, also where the price is odd.
fn invoices(path: &Path) -> anyhow::Result<Invoices> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(input::open(path)?.reader);
    online_retail::check_header(path, &mut reader)?;
    let mut found = Invoices::default();
    for record in reader.records() {
        let record = record.with_context(|| format!("cannot read `{}`", path.display()))?;
        let field = |at: usize| record.get(at).map(str::trim).unwrap_or_default();
        let (Ok(sku), Ok(quantity)) = (Sku::new(field(1)), field(3).parse::<i64>()) else { continue };
        if let Ok(at) = online_retail::time(field(4)) {
            found.line(field(0), &sku, quantity as f64, at);
        }
    }
    Ok(found)
}
