//! `aisle plugin run`: one input, and everything that comes of it.

use super::{case, decision, subject};
use crate::{Ended, output};
use aisle_plugin_host::{Call, Level, Limits, Recording, types::Input};
use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::value::RawValue;
use std::path::{Path, PathBuf};

/// `plugin run`
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  aisle plugin run cases/enough.json")]
pub(crate) struct Args {
    /// What it is asked: a case, or its `input` alone; what a case expects has no part in it
    #[arg(value_name = "FILE.json")]
    file: PathBuf,
    /// A component, or a plugin's folder, which is built first [default: the folder that FILE lies in]
    #[arg(long, value_name = "FILE|DIR")]
    component: Option<PathBuf>,
    /// The component's `plugin.toml` [default: the one in DIR, or beside the component]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report<'a> {
    /// The whole call, as a node records it; a line of a file for `aisle plugin replay`.
    call: Box<RawValue>,
    log: &'a [aisle_plugin_host::LogLine],
    log_lines_cut: u32,
}

/// Asks, and shows it. A call that fails is an answer too, with another exit code.
pub(crate) fn run(args: &Args, json: bool) -> Result<Ended> {
    let asked = case::read_input(&args.file)?;
    let component = match &args.component {
        Some(given) => given.clone(),
        None => folder_of(&args.file)?,
    };
    let subject = subject::Subject::read(&component, args.manifest.as_deref())?;
    let plugin = subject.load(&subject::host()?)?;
    let (scene, input) = (asked.scene(), asked.input_for(&plugin));
    // The first call touches everything for the first time; what a shop sees is what comes after.
    drop(plugin.call(&scene, &input));
    let call = plugin.call(&scene, &input);
    if json {
        let recording = Recording::of(plugin.origin(), scene.now, scene.seed, &input, &call).encode();
        let report = Report {
            call: RawValue::from_string(recording)?,
            log: &call.log,
            log_lines_cut: call.log_lines_cut,
        };
        output::json(&report)?;
    } else {
        output::line(format!("{} at `{}`: {}", plugin.stamp(), input.hook(), output::plain(&asked.what)))?;
        show(&input, &call, &subject.manifest.limits)?;
    }
    Ok(if call.outcome.is_ok() { Ended::Well } else { Ended::Failed })
}

fn show(input: &Input, call: &Call, limits: &Limits) -> Result<()> {
    match &call.outcome {
        Ok(answer) if answer.is_empty() => output::line("  decides nothing")?,
        Ok(answer) => {
            let rows: Vec<[String; 2]> = decision::decisions(input, answer)
                .into_iter()
                .map(|it| [output::plain(&it.about), output::plain(&it.what)])
                .collect();
            output::table(["about", "decision"], 0, &rows)?;
            if let Some(effect) = decision::effect(input, answer) {
                output::line(format!("money   {}", decision::difference(effect, &input.context().currency)))?;
            }
            let answer = aisle_plugin_host::to_json(answer);
            output::line(format!("json    {}", answer.get("items").unwrap_or(&answer)))?;
        }
        Err(failure) => {
            output::line(format!("  fails ({}): {}", failure.kind(), output::plain(&failure.to_string())))?;
        }
    }
    let percent = |used: u64, max: u64| 100.0 * used as f64 / max.max(1) as f64;
    output::line(format!(
        "fuel    {} ({:.1} % of what it may use)",
        output::grouped(call.fuel),
        percent(call.fuel, limits.fuel_max)
    ))?;
    let may = u64::from(limits.time_ms_max) * 1_000;
    output::line(format!("time    {} ({:.1} %)", output::micros(call.micros), percent(call.micros, may)))?;
    output::line(format!(
        "memory  {} ({:.1} %)",
        output::bytes(call.memory_bytes),
        percent(call.memory_bytes, limits.memory_bytes_max.into())
    ))?;
    for asked in &call.host_calls {
        output::line(format!("asked   {}", aisle_plugin_host::to_json(asked)))?;
    }
    for write in &call.writes {
        output::line(format!("keeps   {}", aisle_plugin_host::to_json(write)))?;
    }
    for line in &call.log {
        let level = match line.level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
        };
        output::line(format!("log     {level}: {}", output::plain(&line.text)))?;
    }
    if call.log_lines_cut > 0 {
        output::line(format!("log     {} lines were dropped or cut", call.log_lines_cut))?;
    }
    Ok(())
}

/// The plugin's folder that a file lies in.
fn folder_of(file: &Path) -> Result<PathBuf> {
    let file = std::path::absolute(file)?;
    let folder = file.ancestors().skip(1).find(|folder| folder.join(subject::MANIFEST).is_file());
    folder.map(Path::to_owned).with_context(|| {
        format!("`{}` lies in no plugin's folder\nhint: name the plugin with `--component`", file.display())
    })
}
