//! `aisle plugin install`, `list`, `rollback`, `remove`: the plugins of a node that runs.

use super::{
    node::{At, Node, encoded},
    subject::Subject,
};
use crate::output;
use anyhow::{Context, Result};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{env, path::PathBuf};

/// `plugin install`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  aisle plugin install --node http://127.0.0.1:8480 --token-file aisle-data/admin.token"
)]
pub(crate) struct Args {
    /// A plugin's folder, which is built first, or a component
    #[arg(value_name = "DIR|FILE", default_value = ".")]
    subject: PathBuf,
    /// The component's `plugin.toml` [default: the one in DIR, or beside FILE]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    by: By,
}

/// `plugin list`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  aisle plugin list --node http://127.0.0.1:8480 --token-file aisle-data/admin.token"
)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    at: At,
}

/// `plugin rollback`, `plugin remove`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  aisle plugin rollback my-offer --node http://127.0.0.1:8480 --token-file aisle-data/admin.token"
)]
pub(crate) struct OneArgs {
    /// The plugin
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    by: By,
}

/// Who does it.
#[derive(Debug, clap::Args)]
struct By {
    /// Who does it, for the records [default: the user of this machine]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl By {
    fn name(&self) -> Option<String> {
        let user = || env::var("USER").ok().filter(|user| !user.is_empty());
        self.by.clone().or_else(user)
    }

    /// As a query.
    fn query(&self) -> String {
        self.name().map(|name| format!("?by={}", encoded(&name))).unwrap_or_default()
    }
}

/// What a node is sent.
#[derive(Serialize)]
struct Package<'a> {
    manifest: &'a str,
    component: String,
    by: Option<String>,
}

/// A plugin as a node tells of it; what else it says is shown in JSON alone.
#[derive(Debug, Deserialize)]
struct Installed {
    plugin: String,
    version: String,
    hooks: Vec<String>,
    order: i32,
    state: String,
    problem: Option<String>,
    installed_at: String,
    calls: u64,
    failed: u64,
    hash: Option<String>,
    previous: Option<Previous>,
}

#[derive(Debug, Deserialize)]
struct Previous {
    version: String,
}

#[derive(Debug, Deserialize)]
struct List {
    plugins: Vec<Installed>,
}

/// Sends it to the node, which answers when it runs there.
pub(crate) fn run(args: &Args, json: bool) -> Result<()> {
    let node = Node::at(&args.at)?;
    let subject = Subject::read(&args.subject, args.manifest.as_deref())?;
    let package =
        Package { manifest: &subject.text, component: BASE64.encode(&subject.component), by: args.by.name() };
    show(&node.put(&path(&subject.manifest.id), &package)?, json)
}

/// Shows what is installed.
pub(crate) fn list(args: &ListArgs, json: bool) -> Result<()> {
    let answer: Value = Node::at(&args.at)?.get("/v1/admin/plugins")?;
    if json {
        return Ok(output::json(&answer)?);
    }
    let list: List =
        serde_json::from_value(answer).context("the node tells of its plugins in another way")?;
    if list.plugins.is_empty() {
        return Ok(output::line("no plugins")?);
    }
    let rows: Vec<[String; 8]> = list
        .plugins
        .iter()
        .map(|it| {
            [
                output::plain(&it.plugin),
                output::plain(&it.version),
                output::plain(&it.state),
                output::plain(&it.hooks.join(", ")),
                output::plain(&it.installed_at),
                it.order.to_string(),
                output::grouped(it.calls),
                output::grouped(it.failed),
            ]
        })
        .collect();
    let headings = ["plugin", "version", "state", "hooks", "installed", "order", "calls", "failed"];
    output::table(headings, 3, &rows)?;
    let problems = list.plugins.iter().filter_map(|it| Some((&it.plugin, it.problem.as_ref()?)));
    for (plugin, problem) in problems {
        output::line(format!("{}: {}", output::plain(plugin), output::plain(problem)))?;
    }
    Ok(())
}

/// Lets the version before run again.
pub(crate) fn roll_back(args: &OneArgs, json: bool) -> Result<()> {
    let path = format!("{}/rollback{}", path(&args.id), args.by.query());
    show(&Node::at(&args.at)?.post(&path)?, json)
}

/// Removes it, and all that it kept.
pub(crate) fn remove(args: &OneArgs, json: bool) -> Result<()> {
    Node::at(&args.at)?.delete(&format!("{}{}", path(&args.id), args.by.query()))?;
    if json {
        #[derive(Serialize)]
        struct Removed<'a> {
            removed: &'a str,
        }
        return Ok(output::json(&Removed { removed: &args.id })?);
    }
    Ok(output::line(format!("{} is removed, with all that it kept", output::plain(&args.id)))?)
}

/// Where a node has a plugin.
pub(crate) fn path(id: &str) -> String {
    format!("/v1/admin/plugins/{}", encoded(id))
}

/// What a node says of a plugin.
fn show(answer: &Value, json: bool) -> Result<()> {
    if json {
        return Ok(output::json(answer)?);
    }
    let it = Installed::deserialize(answer).context("it is done; the node tells of it in another way")?;
    output::line(format!(
        "{} {} {}",
        output::plain(&it.plugin),
        output::plain(&it.version),
        output::plain(&it.state)
    ))?;
    output::line(format!("  hooks   {}", output::plain(&it.hooks.join(", "))))?;
    output::line(format!("  since   {}", output::plain(&it.installed_at)))?;
    if let Some(hash) = &it.hash {
        output::line(format!("  hash    {}", output::plain(hash)))?;
    }
    if let Some(previous) = &it.previous {
        output::line(format!(
            "  before  {}; `aisle plugin rollback {}` lets it run again",
            output::plain(&previous.version),
            output::plain(&it.plugin)
        ))?;
    }
    if let Some(problem) = &it.problem {
        output::line(format!("  problem {}", output::plain(problem)))?;
    }
    Ok(())
}
