//! `aisle-node plugin`: plugins of a node that runs.
//!
//! Not here: making and testing a plugin, which is its author's (`aisle plugin`).

use crate::{
    admin::{
        remote::{Remote, ago, encoded},
        view::plugin::{HookLine, PackageBody, PluginDetail, PluginLine, PluginList, PluginState},
    },
    cli::{
        floor::By,
        plugin::{Hook, PluginCommand},
    },
    output::{self, plain},
    store::wall_clock,
};
use anyhow::Context;
use axum::http::Method;
use data_encoding::BASE64;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Failures and changes that `show` prints.
const SHOWN_MAX: usize = 10;

/// Runs one command.
pub(crate) async fn run(command: &PluginCommand, data: &Path, json: bool) -> anyhow::Result<()> {
    let at = |node: &crate::cli::Node| Remote::find(data, node.url.as_deref());
    match command {
        PluginCommand::List { node } => list(&at(node)?, json).await,
        PluginCommand::Show { id, node } => show(&at(node)?, id, json).await,
        PluginCommand::Install { component, manifest, by, node } => {
            install(&at(node)?, component, manifest.as_deref(), by, json).await
        }
        PluginCommand::Rollback { id, by, node } => {
            let path = format!("{}/rollback{}", path(id), query(by));
            let plugin: PluginDetail = at(node)?.send(Method::POST, &path, &json!({})).await?;
            told(&plugin, "runs again", json)
        }
        PluginCommand::Remove { id, by, node } => {
            at(node)?.delete(&format!("{}{}", path(id), query(by))).await?;
            if json {
                output::json(&json!({ "plugin": id, "removed": true }))?;
            } else {
                output::line(format!("plugin `{}` is removed, with all that it kept", plain(id)))?;
            }
            Ok(())
        }
        PluginCommand::Recordings { id, hook, output, node } => {
            recordings(&at(node)?, id, *hook, output.as_deref()).await
        }
    }
}

async fn list(node: &Remote, json: bool) -> anyhow::Result<()> {
    let PluginList { plugins, suppressed, alerts } = node.get("/v1/admin/plugins").await?;
    if json {
        return Ok(plugins.iter().try_for_each(output::json)?);
    }
    if plugins.is_empty() {
        output::line("no plugin is installed; `aisle-node plugin install FILE` installs one")?;
    } else {
        let rows: Vec<[String; 7]> = plugins.iter().map(row).collect();
        output::table(["PLUGIN", "VERSION", "STATE", "HOOKS", "ORDER", "CALLS", "FAILED"], &rows)?;
    }
    for alert in alerts {
        output::line(format!("staff are told: {}", plain(&alert.text)))?;
    }
    for product in suppressed {
        let (sku, plugin) = (plain(&product.sku), plain(&product.plugin));
        output::line(format!("`{sku}` is kept from being sold by `{plugin}`"))?;
    }
    Ok(())
}

fn row(plugin: &PluginLine) -> [String; 7] {
    [
        plain(&plugin.plugin),
        plain(&plugin.version),
        standing(plugin.state).into(),
        plugin.hooks.join(", "),
        plugin.order.to_string(),
        plugin.calls.to_string(),
        plugin.failed.to_string(),
    ]
}

const fn standing(state: PluginState) -> &'static str {
    match state {
        PluginState::Runs => "runs",
        PluginState::Failing => "failing",
        PluginState::LeftOut => "left out",
    }
}

async fn show(node: &Remote, id: &str, json: bool) -> anyhow::Result<()> {
    let detail: PluginDetail = node.get(&path(id)).await?;
    if json {
        return Ok(output::json(&detail)?);
    }
    let now = wall_clock();
    let plugin = &detail.plugin;
    let by = plugin.installed_by.as_ref().map_or_else(String::new, |by| format!(" by {}", plain(by)));
    let since = ago(plugin.installed_at, now);
    output::line(format!(
        "{} {} — {}",
        plain(&plugin.plugin),
        plain(&plugin.version),
        plain(&plugin.description)
    ))?;
    output::line(format!(
        "{}; installed {since}{by}; BLAKE3 {}",
        standing(plugin.state),
        plain(&detail.hash)
    ))?;
    if let Some(problem) = &plugin.problem {
        output::line(format!("it cannot run: {}", plain(problem)))?;
    }
    if let Some(previous) = &detail.previous {
        output::line(format!(
            "before it: {} ({})",
            plain(&previous.version),
            ago(previous.installed_at, now)
        ))?;
    }
    // Nothing is said of a manifest that cannot be read.
    if let Some(on_failure) = &detail.on_failure {
        let granted = if detail.grants.is_empty() { "nothing".into() } else { detail.grants.join(", ") };
        output::line(format!("granted: {granted}; when it fails: {on_failure}"))?;
    }
    let limits: Vec<String> =
        detail.limits.iter().map(|(name, value)| format!("{} {value}", plain(name))).collect();
    if !limits.is_empty() {
        output::line(format!("a call may use: {}", limits.join(", ")))?;
    }
    output::line(format!("keeps {} keys, {} bytes", detail.kept_keys, detail.kept_bytes))?;
    let rows: Vec<[String; 8]> = detail.at_hooks.iter().map(hook_row).collect();
    output::table(["HOOK", "ASKED", "CALLS", "P50", "P99", "FUEL P50", "FUEL P99", "MEMORY"], &rows)?;
    for failed in detail.failures.iter().take(SHOWN_MAX) {
        let (version, reason) = (plain(&failed.version), plain(&failed.reason));
        output::line(format!("{} {version} at {}: {reason}", ago(failed.at, now), failed.hook))?;
    }
    for said in detail.history.iter().take(SHOWN_MAX) {
        let what = said
            .reason
            .as_ref()
            .map_or_else(|| "answers again".into(), |it| format!("left out: {}", plain(it)));
        output::line(format!("{} {} at {}: {what}", ago(said.at, now), plain(&said.version), said.hook))?;
    }
    Ok(())
}

fn hook_row(hook: &HookLine) -> [String; 8] {
    let calls: u64 = hook.calls.values().filter_map(serde_json::Value::as_u64).sum();
    [
        hook.hook.clone(),
        hook.asked.as_deref().map_or_else(|| "nobody".into(), plain),
        calls.to_string(),
        format!("{} µs", hook.micros_p50),
        format!("{} µs", hook.micros_p99),
        hook.fuel_p50.to_string(),
        hook.fuel_p99.to_string(),
        format!("{} KiB", hook.memory_bytes / 1024),
    ]
}

async fn install(
    node: &Remote,
    component: &Path,
    manifest: Option<&Path>,
    by: &By,
    json: bool,
) -> anyhow::Result<()> {
    let (component, manifest) = files(component, manifest);
    let bytes = std::fs::read(&component).with_context(|| {
        format!("cannot read the component `{}`\nhint: `aisle plugin build` makes one", component.display())
    })?;
    let text = std::fs::read_to_string(&manifest).with_context(|| {
        format!("cannot read the manifest `{}`\nhint: say where it is with `--manifest`", manifest.display())
    })?;
    let id = aisle_plugin_host::Manifest::parse(&text)
        .with_context(|| format!("the manifest `{}` is refused", manifest.display()))?
        .id;
    let package = PackageBody { manifest: text, component: BASE64.encode(&bytes), by: by.name.clone() };
    let plugin: PluginDetail = node.send(Method::PUT, &path(&id), &package).await?;
    told(&plugin, "runs", json)
}

/// Where component and manifest are.
fn files(component: &Path, manifest: Option<&Path>) -> (PathBuf, PathBuf) {
    let (component, dir) = if component.is_dir() {
        (component.join("plugin.wasm"), component.to_owned())
    } else {
        (component.to_owned(), component.parent().unwrap_or_else(|| Path::new("")).to_owned())
    };
    (component, manifest.map_or_else(|| dir.join("plugin.toml"), Path::to_owned))
}

fn told(plugin: &PluginDetail, what: &str, json: bool) -> anyhow::Result<()> {
    if json {
        output::json(plugin)?;
    } else {
        let (id, version) = (plain(&plugin.plugin.plugin), plain(&plugin.plugin.version));
        output::line(format!("plugin `{id}` {version} {what}"))?;
    }
    Ok(())
}

async fn recordings(node: &Remote, id: &str, hook: Option<Hook>, file: Option<&Path>) -> anyhow::Result<()> {
    let hook = hook.map_or_else(String::new, |hook| format!("?hook={}", hook.as_str()));
    let lines = node.text(&format!("{}/recordings{hook}", path(id))).await?;
    match file {
        Some(file) => {
            std::fs::write(file, &lines).with_context(|| format!("cannot write `{}`", file.display()))?;
            output::line(format!("{} calls are in `{}`", lines.lines().count(), file.display()))?;
        }
        None => output::line(lines.trim_end())?,
    }
    Ok(())
}

fn path(id: &str) -> String {
    format!("/v1/admin/plugins/{}", encoded(id))
}

fn query(by: &By) -> String {
    by.name.as_ref().map_or_else(String::new, |name| format!("?by={}", encoded(name)))
}
