//! The command of the hub. Exit codes: 0 done; 1 a check or a command failed; 2 wrong use; 70 a running hub could not go on;
//! 78 the configuration was refused.

mod cli;
mod command;
mod output;

use aisle_hub::{
    Config, ConfigError,
    config::{RawLogFormat, load},
    serve::{Running, ServeError},
};
use anyhow::Context;
use clap::Parser;
use cli::{Cli, Command, ConfigCommand};
use std::{io::IsTerminal, process::ExitCode};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

const EXIT_FAILED: u8 = 1;
const EXIT_PROMISES: u8 = 70;
const EXIT_CONFIG: u8 = 78;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(&cli) {
        Ok(code) => code,
        // The reader of our output has gone away (`| head`): nothing to tell, nobody to tell it to.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::from(if error.is::<ConfigError>() { EXIT_CONFIG } else { EXIT_FAILED })
        }
    }
}

fn dispatch(cli: &Cli) -> anyhow::Result<ExitCode> {
    let common = &cli.common;
    if matches!(cli.command, Command::Openapi) {
        output::line(aisle_hub::http::openapi()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::Init(args) = &cli.command {
        command::enrol::init(common, args)?;
        return Ok(ExitCode::SUCCESS);
    }
    // Holders of keys have no hub: what they need runs without one.
    let is_done = match &cli.command {
        Command::Artefact(artefact) => command::draft::offline(common, artefact)?,
        Command::Bundle(bundle) => command::bundle::offline(common, bundle)?,
        _ => false,
    };
    if is_done {
        return Ok(ExitCode::SUCCESS);
    }
    let config = load(common.config.as_deref())?;
    if matches!(cli.command, Command::Config(ConfigCommand::Check)) {
        output::line(format!("accepted; this is hub `{}` of region `{}`", config.hub, config.region))?;
        return Ok(ExitCode::SUCCESS);
    }
    let is_run = matches!(cli.command, Command::Run);
    start_logging(&config, is_run)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done: anyhow::Result<bool> = runtime.block_on(async {
        match &cli.command {
            Command::Run => Box::pin(run(&config)).await.map(|()| true),
            Command::Status => command::status(&config, common).await.map(|()| true),
            Command::Verify => command::verify(&config, common).await,
            Command::Export(args) => command::write(&config, common, args).await.map(|()| true),
            Command::Backup { to } => command::backup(&config, to).await.map(|()| true),
            Command::Restore { from } => command::put_back(&config, from).await.map(|()| true),
            Command::Node(node) => command::node(&config, common, node).await.map(|()| true),
            Command::Claim(claim) => command::enrol::claim(&config, common, claim).await.map(|()| true),
            Command::Ca(ca) => command::enrol::ca(&config, common, ca).map(|()| true),
            Command::Erase { store, token } => {
                command::erase(&config, common, store, token).await.map(|()| true)
            }
            Command::Erasures { store } => command::erasures(&config, common, store).await.map(|()| true),
            Command::Content(content) => command::content(&config, content).await.map(|()| true),
            Command::Artefact(artefact) => command::artefact::artefact(&config, common, artefact).await,
            Command::Bundle(bundle) => command::bundle::bundle(&config, common, bundle).await.map(|()| true),
            Command::Desired(desired) => command::desired(&config, common, desired).await.map(|()| true),
            Command::Policy(policy) => command::policy(&config, policy).await.map(|()| true),
            Command::Relay(relay) => command::relay(&config, common, relay).await.map(|()| true),
            Command::Config(ConfigCommand::Check) | Command::Init(_) | Command::Openapi => Ok(true),
            Command::Person(person) => command::people::person(&config, common, person).await.map(|()| true),
            Command::Token(token) => command::people::token(&config, common, token).await.map(|()| true),
            Command::Audit(args) => command::people::audit(&config, common, args).await.map(|()| true),
        }
    });
    match done {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::from(EXIT_FAILED)),
        Err(error)
            if matches!(
                error.downcast_ref::<ServeError>(),
                Some(ServeError::Http { .. } | ServeError::Disk)
            ) =>
        {
            complain(&error);
            Ok(ExitCode::from(EXIT_PROMISES))
        }
        Err(error) => Err(error),
    }
}

async fn run(config: &Config) -> anyhow::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let running = Running::start(config).await?;
    let serving = format!("region {}, people at {}", config.region, running.http_address());
    // Scripts wait for this line: port 0 takes a free one.
    output::line(format!(
        "listening http={} quic={:?} tls={:?} enrolment={:?} https={:?}",
        running.http_address(),
        running.quic_address(),
        running.tls_address(),
        running.enrolment_address(),
        running.https_address()
    ))?;
    aisle_service::ready(&serving);
    let alive = tokio::spawn(aisle_service::heartbeat());
    let served = running
        .until(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            aisle_service::stopping("asked to stop; finishing what is under way");
        })
        .await;
    alive.abort();
    Ok(served?)
}

fn start_logging(config: &Config, is_run: bool) -> anyhow::Result<()> {
    // A command's own answer is enough, unless something is wrong.
    let level = if is_run { config.raw.log_level.as_str() } else { "warn" };
    let filter = match std::env::var(EnvFilter::DEFAULT_ENV) {
        Ok(directives) => EnvFilter::try_new(directives).context("`RUST_LOG` is no log filter")?,
        Err(_) => {
            EnvFilter::try_new(level).with_context(|| format!("`log_level`: `{level}` is no log filter"))?
        }
    };
    let ansi = std::io::stderr().is_terminal();
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(ansi);
    match config.raw.log_format {
        RawLogFormat::Text => builder.with_target(false).init(),
        RawLogFormat::Json => builder.json().init(),
    }
    Ok(())
}

/// Whether nobody reads what the command prints.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let printing = error.downcast_ref::<std::io::Error>();
    printing.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Prints an error as `error: …: cause: cause`, and its hints on lines of their own at the end.
#[expect(clippy::print_stderr, reason = "the one place where a command says why it failed")]
fn complain(error: &anyhow::Error) {
    let mut hints = Vec::new();
    let causes: Vec<String> = error
        .chain()
        .map(|cause| {
            let text = cause.to_string();
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
