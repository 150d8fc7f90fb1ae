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
use std::{
    path::Path,
    process::ExitCode,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::runtime::Runtime;

/// How often it is asked how far a bundle is.
const POLL: Duration = Duration::from_millis(200);

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
            courier::give(file, &given)?;
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
            let given = Given::bundle(data);
            courier::give(file, &given)?;
            let view = if runs(data, node) {
                runtime.block_on(watch(&Remote::find(data, node.url.as_deref())?))?
            } else {
                courier::apply(&beside(data, config)?, &given)
            };
            if json {
                output::json(&view)?;
            }
            applied(&view, json)
        }
        CourierCommand::Export { file } => {
            let settings = config.sync.as_ref();
            let settings = settings
                .context("nothing leaves a node that stands alone\nhint: claim it, or set `[sync]`")?;
            let outbox = files::outbox_dir(data, &settings.region);
            let from = match serial(data, config) {
                Some(serial) => format!("{}/{serial}", config.store),
                None => config.store.to_string(),
            };
            let exported = courier::export(&outbox, &from, file)?;
            if json {
                output::json(&exported)?;
            } else {
                let courier::Exported { batches, events } = exported;
                let file = file.display();
                output::line(format!(
                    "{batches} batches of {events} events in `{file}`; bring it to the hub: `aisle-hub bundle up`"
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
async fn watch(remote: &Remote) -> anyhow::Result<CourierView> {
    remote.tell(Method::POST, "/v1/admin/fleet/courier", &()).await?;
    loop {
        let view: FleetView = remote.get("/v1/admin/fleet").await?;
        match view.courier {
            Some(view) if !view.running => return Ok(view),
            Some(_) => tokio::time::sleep(POLL).await,
            None => bail!(
                "the node has started anew meanwhile\nhint: apply the bundle again; it goes on where it ended"
            ),
        }
    }
}

fn applied(view: &CourierView, json: bool) -> anyhow::Result<ExitCode> {
    if let Some(why) = &view.failed {
        bail!("the bundle is not taken: {why}");
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
