//! `aisle-node device simulate`: made-up devices over real MQTT, until Ctrl-C or until the scenario is over.

use crate::{
    cli::floor::SimulateArgs,
    output::{self, plain},
};
use aisle_device::simulator::{BUILTIN, Progress, SCENARIO_BYTES_MAX, Scenario, Simulation, Target, builtin};
use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::{
    fs::{self, File},
    io::{BufWriter, IsTerminal},
    path::Path,
    time::Duration,
};
use tokio::signal::unix::{SignalKind, signal};

const TELL_EVERY: Duration = Duration::from_secs(1);
/// Whose devices they are when the configuration cannot be read.
const STORE: &str = "store-1";

/// Runs a scenario.
pub(super) async fn run(args: &SimulateArgs, store: Option<&str>, json: bool) -> anyhow::Result<()> {
    let mut scenario = scenario(&args.scenario)?;
    if args.duration_s.is_some() {
        scenario.simulation.duration_s = args.duration_s;
        scenario.validate().context("`--duration-s` does not fit")?;
    }
    let store = args.store.as_deref().or(store).unwrap_or(STORE).to_owned();
    let target = Target { host: args.host.clone(), port: args.port, store, user: None, password: None };
    let place = format!("{}:{}", args.host, args.port);
    let mut simulation = Simulation::new(scenario, args.seed, target);
    if let Some(path) = &args.truth {
        let file = File::create(path).with_context(|| format!("cannot write `{}`", path.display()))?;
        simulation = simulation.with_truth(Box::new(BufWriter::new(file)))?;
    }
    let target = if json || !std::io::stderr().is_terminal() {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    let bar = ProgressBar::with_draw_target(None, target);
    bar.set_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
    let shown = bar.clone();
    let simulation = simulation.on_progress(TELL_EVERY, move |progress| shown.set_message(words(&progress)));
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let stop = async {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    };
    let summary = simulation.run(stop).await;
    bar.finish_and_clear();
    let progress = summary?.progress;
    if progress.acknowledged == 0 && progress.unreachable > 0 {
        bail!(
            "no device could connect to {}\nhint: the broker takes plain MQTT where `mqtt.tcp_listen` says; say so with `--host` and `--port`",
            plain(&place)
        );
    }
    if json {
        output::json(&json!({
            "scenario": args.scenario,
            "seed": args.seed,
            "simulated_ms": progress.simulated_ms,
            "devices": progress.devices,
            "published": progress.published,
            "acknowledged": progress.acknowledged,
            "refused": progress.refused,
            "received": progress.received,
            "dropped": progress.dropped,
            "reconnects": progress.reconnects,
            "unreachable": progress.unreachable,
            "restarts": progress.restarts,
            "faults": progress.faults,
        }))?;
    } else {
        output::line(format!("seed {}: {}", args.seed, words(&progress)))?;
    }
    Ok(())
}

fn scenario(name: &str) -> anyhow::Result<Scenario> {
    let path = Path::new(name);
    if BUILTIN.iter().any(|known| known.name == name) || !path.exists() {
        return Ok(builtin(name)?);
    }
    let unreadable = || format!("cannot read `{name}`");
    if fs::metadata(path).with_context(unreadable)?.len() > SCENARIO_BYTES_MAX as u64 {
        bail!("`{name}` has more than {SCENARIO_BYTES_MAX} bytes");
    }
    let text = fs::read_to_string(path).with_context(unreadable)?;
    Scenario::parse(&text).with_context(|| format!("scenario `{name}` is refused"))
}

fn words(progress: &Progress) -> String {
    let Progress { simulated_ms, devices, connected, published, acknowledged, refused, .. } = progress;
    let Progress { reconnects, restarts, faults, .. } = progress;
    format!(
        "{} s simulated, {connected} of {devices} devices connected, {published} published, {acknowledged} acknowledged, \
         {refused} refused, {reconnects} reconnects, {restarts} restarts, {faults} faults",
        simulated_ms / 1000
    )
}
