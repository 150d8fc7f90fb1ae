//! `aisle-node courier …` and `aisle-node fleet status`: with a node that runs, or without one.

use super::{Around, Granted, courier, serial, verifies};
use crate::{
    admin::{
        place,
        remote::Remote,
        view::fleet::{CourierView, FleetView},
    },
    cli::{Node, fleet::CourierCommand},
    config::Config,
    enrol, output,
    sync::files,
};
use aisle_converge::{Fleet, Parts, Status};
use aisle_fleet::{converge, report::Phase};
use anyhow::{Context, bail};
use axum::http::Method;
use courier::Given;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    path::Path,
    process::ExitCode,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{runtime::Runtime, time::error::Elapsed};

/// How often it is asked how far a bundle is.
const POLL: Duration = Duration::from_millis(200);
/// So many questions in a row may go without an answer, of 30 s each.
const SILENT_MAX: u32 = 20;

/// Runs `courier`.
pub(crate) fn courier(
    command: &CourierCommand,
    data: &Path,
    config: &Config,
    json: bool,
    runtime: &Runtime,
) -> anyhow::Result<ExitCode> {
    match command {
        CourierCommand::Trust { file, node } => {
            let given = Given::root(data);
            courier::give(data, file, &given)?;
            let is_new = if runs(data, node) {
                let remote = Remote::find(data, node.url.as_deref())?;
                runtime.block_on(remote.tell(Method::POST, "/v1/admin/fleet/root", &()))?;
                true
            } else {
                told(courier::trust(&beside(data, config)?, &given))?
            };
            let words = if is_new {
                "trusted; nothing that is not signed is taken from now on"
            } else {
                "it is trusted already"
            };
            output::line(words)?;
            Ok(ExitCode::SUCCESS)
        }
        CourierCommand::Apply { file, node } => {
            let view = if runs(data, node) {
                let remote = Remote::find(data, node.url.as_deref())?;
                runtime.block_on(hand_over(&remote, data, file, json))?
            } else {
                courier::give(data, file, &Given::bundle(data))?;
                let given = Given::default();
                let taken = given.begin(data).context("nothing else is read")??;
                given.apply(&beside(data, config)?, taken)
            };
            if json {
                output::json(&view)?;
            }
            applied(&view, json)
        }
        CourierCommand::Export { file, all } => {
            let settings = config.sync.as_ref();
            let settings = settings
                .context("nothing leaves a node that stands alone\nhint: claim it, or set `[sync]`")?;
            let outbox = files::outbox_dir(data, &settings.region);
            let from = match serial(data, config) {
                Some(serial) => format!("{}/{serial}", config.store),
                None => config.store.to_string(),
            };
            let exported = courier::export(&outbox, &from, file, *all)?;
            if json {
                output::json(&exported)?;
            } else {
                let names: Vec<_> = exported.files.iter().map(|file| file.display().to_string()).collect();
                let (batches, events, names) = (exported.batches, exported.events, names.join("` `"));
                output::line(format!(
                    "{batches} batches of {events} events in `{names}`; to be brought to the hub: `aisle-hub bundle up`"
                ))?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn told<T>(done: Result<T, String>) -> anyhow::Result<T> {
    done.map_err(anyhow::Error::msg)
}

/// Whether a node runs on the data, or somebody says where it is.
fn runs(data: &Path, node: &Node) -> bool {
    node.url.is_some() || place::find(data).is_ok()
}

/// The fleet of a node that does not run.
fn beside(data: &Path, config: &Config) -> anyhow::Result<Fleet> {
    let keys = config.sync.as_ref().map(|sync| sync.hub_receipt_keys.clone()).unwrap_or_default();
    let (clock, granted) = (enrol::clock(data), Granted::of(config));
    let around = Around { data: data.into(), clock, busy: OnceLock::new(), granted };
    let parts = Parts {
        data: data.into(),
        store: config.store.clone(),
        serial: serial(data, config),
        verifies: (!keys.is_empty()).then(|| verifies(keys)),
        config: converge::Config::default(),
        around: Arc::new(around),
    };
    Ok(Fleet::beside(parts)?)
}

/// Has a running node take the bundle, and waits for the end.
async fn hand_over(remote: &Remote, data: &Path, file: &Path, json: bool) -> anyhow::Result<CourierView> {
    let view: FleetView = remote.get("/v1/admin/fleet").await?;
    if view.courier.is_some_and(|courier| courier.running) {
        bail!("the node reads another bundle just now\nhint: apply this one when it is through");
    }
    let (given, data) = (Given::bundle(data), data.to_owned());
    let (from, to) = (file.to_owned(), given.clone());
    tokio::task::spawn_blocking(move || courier::give(&data, &from, &to)).await??;
    if let Err(error) = remote.tell(Method::POST, "/v1/admin/fleet/courier", &()).await {
        // What the node has not taken only takes room.
        let _ = std::fs::remove_file(given);
        return Err(error);
    }
    watch(remote, json).await
}

/// Waits for the end of a bundle, however long that takes, and says how far it is.
async fn watch(remote: &Remote, json: bool) -> anyhow::Result<CourierView> {
    let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(None, target);
    let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {bytes} of {total_bytes} read");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut silent = 0;
    let ended = loop {
        let view: FleetView = match remote.get("/v1/admin/fleet").await {
            Ok(view) => view,
            // It has much to do.
            Err(error) if error.is::<Elapsed>() && silent < SILENT_MAX => {
                silent += 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        silent = 0;
        match view.courier {
            Some(view) if !view.running => break view,
            Some(view) => {
                bar.set_length(view.bytes);
                bar.set_position(view.read_bytes);
                tokio::time::sleep(POLL).await;
            }
            None => bail!(
                "the node has started anew meanwhile\nhint: apply the bundle again; it goes on where it ended"
            ),
        }
    };
    bar.finish_and_clear();
    Ok(ended)
}

fn applied(view: &CourierView, json: bool) -> anyhow::Result<ExitCode> {
    if let Some(why) = &view.failed {
        bail!("the bundle is not taken whole: {why}");
    }
    if !json {
        let of_order = match (&view.generation, &view.order_refused) {
            (Some(generation), _) => format!("the order of generation {generation} is followed"),
            (None, Some(why)) => format!("the order in it is not followed: {}", output::plain(why)),
            (None, None) => "there is no order in it".into(),
        };
        output::line(of_order)?;
        let CourierView { taken, had, unwanted, older, .. } = view;
        output::line(format!(
            "{} taken, {} here already, {} that this node is not to have",
            taken.len(),
            had.len(),
            unwanted.len()
        ))?;
        for name in taken {
            output::line(format!("  {}", output::plain(name)))?;
        }
        if *older {
            output::line("the node knew newer metadata than the bundle brought")?;
        }
    }
    Ok(crate::success_or_failed(view.order_refused.is_none()))
}

/// Runs `fleet status`.
pub(crate) fn status(
    node: &Node,
    data: &Path,
    config: Option<&Config>,
    json: bool,
    runtime: &Runtime,
) -> anyhow::Result<ExitCode> {
    let status = if runs(data, node) {
        let remote = Remote::find(data, node.url.as_deref())?;
        let view: FleetView = runtime.block_on(remote.get("/v1/admin/fleet"))?;
        view.status
            .context("what headquarters orders cannot be used; the log of the node's start says why")?
    } else {
        let config = config.context("the configuration was refused\nhint: `aisle-node config check`")?;
        beside(data, config)?.status()
    };
    if json {
        output::json(&status)?;
    } else {
        for line in status.to_string().lines() {
            output::line(output::plain(line))?;
        }
    }
    Ok(crate::success_or_failed(is_whole(&status)))
}

/// Whether nobody has to look at it.
fn is_whole(status: &Status) -> bool {
    status.problem.is_none()
        && status.refused.is_none()
        && status.drift().next().is_none()
        && status.count(Phase::Refused) == 0
}
