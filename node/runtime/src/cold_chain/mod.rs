//! `aisle-node cold-chain`: units, excursions and reports of a node that runs; and without one, a report held against the journal.

mod verify;

use crate::{
    admin::{
        remote::{Remote, duration, encoded},
        view::cold_chain::{AcknowledgementBody, ExcursionView, UnitBody, UnitView},
    },
    cli::floor::{ColdChainCommand, Language, ReportFormat},
    output::{self, plain},
};
use anyhow::Context;
use axum::http::Method;
use serde_json::json;
use std::path::Path;

/// Runs one command. False when a report was found to differ.
pub(crate) async fn run(command: &ColdChainCommand, data: &Path, json: bool) -> anyhow::Result<bool> {
    let at = |node: &crate::cli::Node| Remote::find(data, node.url.as_deref());
    match command {
        ColdChainCommand::Units { node } => units(&at(node)?, json).await?,
        ColdChainCommand::Define { unit, group, limit_celsius, grace_s, sku, node } => {
            let (limit_celsius, grace_s) = (*limit_celsius, *grace_s);
            let body = UnitBody { group: (*group).into(), limit_celsius, grace_s, skus: sku.clone() };
            let path = format!("/v1/admin/units/{}", encoded(unit));
            let unit: UnitView = at(node)?.send(Method::PUT, &path, &body).await?;
            if json {
                output::json(&unit)?;
            } else {
                let (name, group, limit) = (plain(&unit.unit), unit.group, unit.limit_celsius);
                output::line(format!("unit `{name}` is {group}, with a limit of {limit} °C"))?;
            }
        }
        ColdChainCommand::Remove { unit, node } => {
            at(node)?.delete(&format!("/v1/admin/units/{}", encoded(unit))).await?;
            if json {
                output::json(&json!({ "unit": unit, "removed": true }))?;
            } else {
                output::line(format!("unit `{}` is removed; its reports stay", plain(unit)))?;
            }
        }
        ColdChainCommand::Acknowledge { excursion, action, by, node } => {
            let path = format!("/v1/admin/excursions/{}/acknowledgement", encoded(excursion));
            let by = by.name.clone().unwrap_or_else(|| "administrator".into());
            let body = AcknowledgementBody { by, action: action.clone() };
            let seen: ExcursionView = at(node)?.send(Method::POST, &path, &body).await?;
            if json {
                output::json(&seen)?;
            } else {
                output::line(format!("excursion `{}` is acknowledged", plain(&seen.excursion)))?;
            }
        }
        ColdChainCommand::Report { unit, day, format, language, output: file, node } => {
            let format = match format {
                ReportFormat::Html => "html",
                ReportFormat::Csv => "csv",
                ReportFormat::Json => "json",
            };
            let language = match language {
                Language::En => "en",
                Language::Zh => "zh",
            };
            let path = format!(
                "/v1/admin/units/{}/reports/{day}?format={format}&language={language}",
                encoded(unit)
            );
            let text = at(node)?.text(&path).await?;
            written(&text, file.as_deref(), json)?;
        }
        ColdChainCommand::Verify { file } => return verify::verify(file, data, json),
    }
    Ok(true)
}

/// A report goes out byte by byte: one that was changed does not verify.
fn written(text: &str, file: Option<&Path>, json: bool) -> anyhow::Result<()> {
    let Some(file) = file else {
        return Ok(output::text(text)?);
    };
    std::fs::write(file, text).with_context(|| format!("cannot write `{}`", file.display()))?;
    if json {
        output::json(&json!({ "file": file, "bytes": text.len() }))?;
    } else {
        let file = file.display();
        output::line(format!(
            "written to `{file}`; `aisle-node cold-chain verify {file}` holds it against the journal"
        ))?;
    }
    Ok(())
}

async fn units(node: &Remote, json: bool) -> anyhow::Result<()> {
    let units: Vec<UnitView> = node.get("/v1/admin/units").await?;
    if json {
        return Ok(units.iter().try_for_each(output::json)?);
    }
    if units.is_empty() {
        output::line(
            "no unit is defined\nhint: `aisle-node cold-chain define UNIT --group chilled` defines one",
        )?;
        return Ok(());
    }
    let rows = units.iter().map(|unit| {
        let celsius = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{value:.1} °C"));
        [
            plain(&unit.unit),
            unit.group.to_string(),
            celsius(Some(unit.limit_celsius)),
            unit.state.clone(),
            celsius(unit.air_celsius),
            unit.age_s.map_or_else(|| "-".into(), duration),
            unit.left_s.map_or_else(|| "-".into(), duration),
            unit.probes.len().to_string(),
        ]
    });
    let headings = ["UNIT", "GROUP", "LIMIT", "STATE", "AIR", "AGE", "FOOD MUST GO IN", "PROBES"];
    output::table(headings, &rows.collect::<Vec<_>>())?;
    for excursion in units.iter().flat_map(|unit| &unit.excursions).filter(|one| one.until.is_none()) {
        if excursion.verdict.is_some() {
            continue;
        }
        let seen = excursion.acknowledgements.last().map_or_else(
            || "nobody has acknowledged it".into(),
            |seen| format!("acknowledged by {}", plain(&seen.by)),
        );
        output::line(format!("excursion `{}` ({}): {seen}", plain(&excursion.excursion), excursion.rule))?;
    }
    Ok(())
}
