//! The node of a store. The only wiring: configuration, opening the parts, running them, commands for operators.
//!
//! Not here: what the parts do. Exit codes: 0 done; 1 a check or a command failed; 2 wrong use; 70 a running node could not
//! keep its promises; 78 the configuration was refused; 130 interrupted.

mod admin;
mod background;
mod cli;
mod cold_chain;
mod config;
mod device;
mod doctor;
mod enrol;
mod erase;
mod evaluate;
mod fleet;
mod floor;
mod horizon;
mod import;
mod journal;
mod logging;
mod mqtt;
mod output;
mod plugin;
mod reference;
mod residency;
mod scraped;
mod scrub;
mod serve;
mod stock;
mod store;
mod sync;
mod task;
mod telemetry;
mod trainer;

use clap::Parser;
use cli::{Cli, Command, ConfigCommand, ImportArgs, MqttCommand, fleet::FleetCommand};
use config::{Config, Overlay};
use prometheus_client::registry::Registry;
use serve::Ended;
use std::{
    path::Path,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use store::Store;

/// Returns freed memory to the system and stays flat over months; the default allocator does not.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const EXIT_FAILED: u8 = 1;
const EXIT_PROMISES: u8 = 70;
const EXIT_CONFIG: u8 = 78;
const EXIT_INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(&cli) {
        Ok(code) => code,
        // The reader of our output has gone away (`| head`): nothing to tell, nobody to tell it to.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            let refused = error.is::<config::ConfigError>();
            ExitCode::from(if refused { EXIT_CONFIG } else { EXIT_FAILED })
        }
    }
}

fn dispatch(cli: &Cli) -> anyhow::Result<ExitCode> {
    let common = &cli.common;
    // It has nothing to do with this store, and reads nothing of it.
    if let Command::TryModel { again } = cli.command {
        return fleet::models::child(again);
    }
    let file = common.config.as_deref();
    let loaded = match &cli.command {
        Command::Run(_) => config::load_for_start(file, Overlay::begin(&common.data)),
        _ => config::load(file, Overlay::beside(&common.data)),
    };
    let config = enrol::adopt(&common.data, loaded);
    match &cli.command {
        Command::Run(args) => {
            let config = config?;
            logging::start(config.log_format, &config.log_level)?;
            match runtime()?.block_on(serve::run(&common.data, config, args))? {
                Ended::Asked => Ok(ExitCode::SUCCESS),
                Ended::Again(bound) => Err(serve::again::start(bound)),
                Ended::Failed(reason) => {
                    complain(&anyhow::anyhow!(
                        "{reason}\nhint: start it again; it recovers from the journal"
                    ));
                    Ok(ExitCode::from(EXIT_PROMISES))
                }
            }
        }
        Command::Claim(args) => enrol::command::run(args, &common.data, &config?, common.json, &runtime()?),
        Command::Status(node) => runtime()?.block_on(enrol::command::status(node, &common.data, common.json)),
        Command::Import(args) => import_file(&common.data, &config?, args, common.json),
        Command::Evaluate(args) => evaluate::run(args, &config?, common.json).map(|()| ExitCode::SUCCESS),
        Command::Journal(command) => journal::run(command, &common.data, common.json).map(success_or_failed),
        Command::Mqtt(MqttCommand::Device(command)) => {
            let config = config?;
            let (store, transport) = (config.store.as_str(), config.mqtt.transport());
            mqtt::device::run(command, &common.data, store, &transport, common.json)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Mqtt(command) => runtime()?.block_on(mqtt::run(command, &common.data, common.json)),
        Command::Device(command) => {
            let store = config.as_ref().ok().map(|config| config.store.as_str());
            runtime()?.block_on(device::run(command, &common.data, store, common.json))
        }
        Command::Telemetry(args) => {
            runtime()?.block_on(telemetry::run(args, &common.data, common.json)).map(|()| ExitCode::SUCCESS)
        }
        Command::Stock(command) => {
            runtime()?.block_on(stock::run(command, &common.data, common.json)).map(|()| ExitCode::SUCCESS)
        }
        Command::ColdChain(command) => {
            let done = runtime()?.block_on(cold_chain::run(command, &common.data, common.json));
            done.map(success_or_failed)
        }
        Command::Task(command) => {
            runtime()?.block_on(task::run(command, &common.data, common.json)).map(|()| ExitCode::SUCCESS)
        }
        Command::Plugin(command) => {
            let done = runtime()?.block_on(plugin::command::run(command, &common.data, common.json));
            done.map(|()| ExitCode::SUCCESS)
        }
        Command::Residency(command) => {
            let sync = config.as_ref().ok().and_then(|config| config.sync.as_ref());
            residency::run(command, &common.data, sync, common.json, runtime).map(success_or_failed)
        }
        Command::Courier(command) => {
            fleet::command::courier(command, &common.data, &config?, common.json, &runtime()?)
        }
        Command::Fleet(FleetCommand::Status(node)) => {
            fleet::command::status(node, &common.data, config.as_ref().ok(), common.json, &runtime()?)
        }
        Command::Doctor => Ok(success_or_failed(doctor::run(&common.data, &config, common.json)?)),
        Command::Config(ConfigCommand::Check) => {
            let config = config?;
            output::line(format!("accepted; this is store `{}`", config.store))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Config(ConfigCommand::Show(args)) if args.origins => {
            show_origins(&config?, common.json).map(|()| ExitCode::SUCCESS)
        }
        Command::Config(ConfigCommand::Show(_)) => {
            let config = config?;
            if common.json {
                output::json(&config.raw)?;
            } else {
                output::line(config.raw.to_toml()?)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Reference(command) => reference::print(command).map(|()| ExitCode::SUCCESS),
        Command::TryModel { again } => fleet::models::child(*again),
    }
}

/// Prints every key that is not left at its default, with who says it.
fn show_origins(config: &Config, json: bool) -> anyhow::Result<()> {
    let looked = config::look(config.file.as_deref(), config.overlay.text());
    let (_, figment) = looked.or_else(|_| config::look(config.file.as_deref(), None))?;
    let said = config::origin::all(&figment, &serde_json::to_value(&config.raw)?);
    if json {
        let rows = said.iter().map(|(key, value, origin)| {
            serde_json::json!({ "key": key, "value": value, "origin": origin.to_string() })
        });
        return Ok(output::json(&rows.collect::<Vec<_>>())?);
    }
    for (key, value, origin) in said {
        output::line(format!("{key} = {value}  # {origin}"))?;
    }
    Ok(())
}

fn import_file(data: &Path, config: &Config, args: &ImportArgs, json: bool) -> anyhow::Result<ExitCode> {
    logging::start(config.log_format, &config.log_level)?;
    let stop = Arc::new(AtomicBool::new(false));
    let on_signal = stop.clone();
    let runtime = runtime()?;
    runtime.spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            on_signal.store(true, Ordering::Relaxed);
        }
    });
    let store = Store::open(data, config, &mut Registry::default())?;
    let summary = import::run(&store, args, args.currency.unwrap_or(config.currency), json, &stop)?;
    store.close();
    if json {
        output::json(&summary)?;
    } else {
        summary.print()?;
    }
    Ok(if summary.interrupted() { ExitCode::from(EXIT_INTERRUPTED) } else { ExitCode::SUCCESS })
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

fn success_or_failed(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FAILED) }
}

/// Whether nobody reads what the command prints. A connection that broke lies deeper, behind what was tried with it.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let printing = error.downcast_ref::<std::io::Error>();
    printing.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Prints an error as `error: …: cause: cause`, and its hint on a line of its own at the end.
#[expect(clippy::print_stderr, reason = "the one place where a command says why it failed")]
fn complain(error: &anyhow::Error) {
    let mut hints = Vec::new();
    let causes: Vec<String> = error
        .chain()
        .map(|cause| {
            let text = cause.to_string();
            hints.extend(
                cause
                    .downcast_ref::<aisle_journal::OpenError>()
                    .and_then(aisle_journal::OpenError::hint)
                    .map(Into::into),
            );
            match text.split_once("\nhint: ") {
                Some((message, hint)) => {
                    hints.push(hint.to_owned());
                    message.to_owned()
                }
                None => text,
            }
        })
        .collect();
    eprintln!("error: {}", causes.join(": "));
    for hint in hints {
        eprintln!("hint: {hint}");
    }
}
