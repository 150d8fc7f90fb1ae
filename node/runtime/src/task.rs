//! `aisle-node task`: what staff are asked to do.

use crate::{
    admin::{
        remote::{Remote, ago, encoded},
        view::task::{End, EndBody, TaskList},
    },
    cli::floor::TaskCommand,
    output::{self, plain},
    store::wall_clock,
};
use axum::http::Method;
use serde_json::json;
use std::path::Path;

/// Runs one command.
pub(crate) async fn run(command: &TaskCommand, data: &Path, json: bool) -> anyhow::Result<()> {
    let at = |node: &crate::cli::Node| Remote::find(data, node.url.as_deref());
    match command {
        TaskCommand::List { node } => list(&at(node)?, json).await,
        TaskCommand::Done { task, count, by, node } => {
            let body = EndBody { end: End::Done, count: *count, by: by.name.clone() };
            end(&at(node)?, task, &body, json).await
        }
        TaskCommand::Dismiss { task, by, node } => {
            let body = EndBody { end: End::Dismissed, count: None, by: by.name.clone() };
            end(&at(node)?, task, &body, json).await
        }
    }
}

async fn list(node: &Remote, json: bool) -> anyhow::Result<()> {
    let tasks: TaskList = node.get("/v1/admin/tasks").await?;
    if json {
        return Ok(tasks.open.iter().try_for_each(output::json)?);
    }
    if tasks.open.is_empty() {
        output::line("nothing is to be done")?;
        return Ok(());
    }
    let now = wall_clock();
    let rows = tasks.open.iter().map(|task| {
        let about = task.sku.as_deref().or(task.unit.as_deref()).or(task.device.as_deref());
        [
            plain(&task.task),
            task.title.clone(),
            plain(about.unwrap_or("-")),
            task.quantity.clone().unwrap_or_else(|| "-".into()),
            format!("{:.0} %", f64::from(task.confidence_permille) / 10.0),
            ago(task.opened_at, now),
            plain(&task.why),
        ]
    });
    let headings = ["TASK", "WHAT", "ABOUT", "QUANTITY", "SURE", "SINCE", "WHY"];
    output::table(headings, &rows.collect::<Vec<_>>())?;
    Ok(())
}

async fn end(node: &Remote, task: &str, body: &EndBody, json: bool) -> anyhow::Result<()> {
    node.tell(Method::POST, &format!("/v1/admin/tasks/{}/end", encoded(task)), body).await?;
    if json {
        output::json(&json!({ "task": task, "end": body.end }))?;
    } else {
        let end = if body.end == End::Done { "done" } else { "dismissed" };
        output::line(format!("task `{}` is {end}", plain(task)))?;
    }
    Ok(())
}
