//! `aisle-node stock`: what is believed to be where, and what people say about it.

use crate::{
    admin::{
        remote::{Remote, duration, encoded},
        view::stock::{CountBody, EstimateView, MoveBody, PositionView},
    },
    cli::floor::StockCommand,
    output::{self, plain},
};
use axum::http::Method;
use std::path::Path;

/// Runs one command.
pub(crate) async fn run(command: &StockCommand, data: &Path, json: bool) -> anyhow::Result<()> {
    let at = |node: &crate::cli::Node| Remote::find(data, node.url.as_deref());
    let path = |sku: &str| format!("/v1/admin/positions/{}", encoded(sku));
    let position: PositionView = match command {
        StockCommand::List { node } => return list(&at(node)?, json).await,
        StockCommand::Show { sku, node } => at(node)?.get(&path(sku)).await?,
        StockCommand::Count { sku, place, quantity, by, node } => {
            let body = CountBody { place: (*place).into(), quantity: *quantity, by: by.name.clone() };
            at(node)?.send(Method::POST, &format!("{}/counts", path(sku)), &body).await?
        }
        StockCommand::Move { sku, from, to, quantity, by, node } => {
            let (from, to) = ((*from).into(), (*to).into());
            let body = MoveBody { from, to, quantity: *quantity, by: by.name.clone() };
            at(node)?.send(Method::POST, &format!("{}/moves", path(sku)), &body).await?
        }
    };
    show(&position, json)
}

async fn list(node: &Remote, json: bool) -> anyhow::Result<()> {
    let positions: Vec<PositionView> = node.pages("/v1/admin/positions?limit=1000").await?;
    if json {
        return Ok(positions.iter().try_for_each(output::json)?);
    }
    if positions.is_empty() {
        output::line("nothing is known yet: no product was counted, delivered, weighed or read")?;
        return Ok(());
    }
    let rows = positions.iter().map(|position| {
        [
            plain(&position.sku),
            plain(position.name.as_deref().unwrap_or("-")),
            estimate(&position.shelf),
            estimate(&position.backroom),
            position.unit.clone(),
            percent(position.gap_permille),
            percent(position.phantom_permille),
        ]
    });
    let headings = ["SKU", "NAME", "SHELF", "BACKROOM", "UNIT", "GAP", "PHANTOM"];
    output::table(headings, &rows.collect::<Vec<_>>())?;
    Ok(())
}

fn show(position: &PositionView, json: bool) -> anyhow::Result<()> {
    if json {
        return Ok(output::json(position)?);
    }
    let unit = &position.unit;
    output::line(format!(
        "product   {}  {}",
        plain(&position.sku),
        plain(position.name.as_deref().unwrap_or("(not in the catalogue)"))
    ))?;
    let places = [("shelf", &position.shelf), ("backroom", &position.backroom), ("in all", &position.total)];
    for (place, believed) in places {
        let sure = percent(believed.confidence_permille);
        output::line(format!("{place:<8}  {} {unit}, {sure} sure", estimate(believed)))?;
    }
    if let Some(book) = position.book {
        output::line(format!("book      {book} {unit}"))?;
    }
    output::line(format!(
        "chances   shelf gap {}, phantom stock {}, nothing to sell {}",
        percent(position.gap_permille),
        percent(position.phantom_permille),
        percent(position.none_permille)
    ))?;
    for source in &position.sources {
        output::line(format!(
            "source    {} of the {}: {:.1} {unit}, {} old, {:.0} % of the weight",
            plain(&source.source),
            source.place,
            source.says,
            duration(source.age_s),
            source.weight_percent
        ))?;
    }
    if !position.why.is_empty() {
        output::line(format!("why       {}", plain(&position.why)))?;
    }
    Ok(())
}

fn estimate(believed: &EstimateView) -> String {
    format!("{} ({} to {})", believed.value, believed.low, believed.high)
}

fn percent(permille: u16) -> String {
    format!("{:.0} %", f64::from(permille) / 10.0)
}
