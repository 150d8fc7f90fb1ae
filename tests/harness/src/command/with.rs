//! `with`: a foreign tool against a real node, or a real hub that it calls, for interface checks; they live as long as the tool.

use super::{office::Office, screen, signals::Signals, store};
use aisle_harness::{node::NodeOptions, shop::Plan};
use anyhow::{Context, Result, bail};
use std::{ffi::OsString, process::ExitCode};
use tokio::process::Command;

/// A small shop is enough to have one of everything.
const PRODUCTS: usize = 200;
const DAYS: u32 = 14;
const VISITS_PER_DAY: u32 = 60;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Where everything random comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Against a hub that the node calls: `{url}` is the hub's then, and `{token}` the token of whoever runs it.
    #[arg(long)]
    hub: bool,
    /// The command and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let scratch = tempfile::Builder::new()
        .prefix("aisle-with-")
        .tempdir()
        .context("cannot make a temporary directory for the store")?;
    let plan = Plan {
        seed: arguments.seed,
        products: PRODUCTS,
        days: DAYS,
        visits_per_day: VISITS_PER_DAY,
        end: store::now(),
    };
    store::fill(scratch.path(), plan).await?;
    let office = if arguments.hub { Some(Office::open(scratch.path()).await?) } else { None };
    let config = office.as_ref().map(Office::config).unwrap_or_default();
    let options = NodeOptions { data: Some(scratch.path().into()), config, ..NodeOptions::default() };
    let mut node = store::serve(options).await?;
    let (url, token) = match &office {
        Some(office) => {
            office.fill().await?;
            (office.url(), office.token()?)
        }
        None => (node.url().to_owned(), String::new()),
    };

    let mut words = arguments.command.iter().map(|word| fill_in(word, &url, &token));
    let Some(program) = words.next() else { bail!("there is no command to run") };
    let mut child = Command::new(&program)
        .args(words)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start `{}`", program.display()))?;
    let status = tokio::select! {
        status = child.wait() => status.with_context(|| format!("cannot wait for `{}`", program.display()))?,
        () = signals.stop() => {
            child.kill().await.with_context(|| format!("cannot stop `{}`", program.display()))?;
            bail!("stopped before `{}` was done", program.display());
        }
    };
    node.check()?;
    let stopped = node.stop()?;
    if !stopped.success() {
        bail!("the node stopped with {stopped}; its last lines:\n{}", node.logs().join("\n"));
    }
    if let Some(office) = office {
        office.close()?;
    }
    if !status.success() {
        screen::line(format_args!("`{}` failed: {status}", program.display()));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// The address in place of `{url}`, the token in place of `{token}`; arguments that are no text stay as they are.
fn fill_in(word: &OsString, url: &str, token: &str) -> OsString {
    word.to_str()
        .map_or_else(|| word.clone(), |text| text.replace("{url}", url).replace("{token}", token).into())
}
