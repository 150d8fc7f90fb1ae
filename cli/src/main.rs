//! `aisle`: the command of those who write what runs in shops.
//!
//! One module for each thing it is about ([`plugin`]), and in it one file for each verb. [`output`] is the one place that writes to
//! the terminal.
//!
//! Not here: what runs in a shop (`aisle-node`), how a plugin is held in bounds (`aisle-plugin-host`). Exit codes: 0 done; 1 it
//! failed; 2 wrong use.

mod output;
mod plugin;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Build, try and measure plugins for the stores' own computers.
#[derive(Debug, Parser)]
#[command(name = "aisle", version, propagate_version = true)]
struct Cli {
    /// Answer in JSON, for scripts
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plugins: headquarters' business logic, as sandboxed components
    #[command(subcommand)]
    Plugin(plugin::PluginCommand),
}

/// How a command ended that did what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All is well.
    Well,
    /// It found something that is not: a case that fails, a difference that was not to be.
    Failed,
}

/// What was asked makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(String);

/// Exit code of wrong use, as of the parser of arguments.
const WRONG_USE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let Command::Plugin(command) = &cli.command;
    match plugin::run(command, cli.json) {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::Failed) => ExitCode::FAILURE,
        // The reader of our output has gone away (`| head`): nothing to tell, nobody to tell it to.
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            if error.is::<Usage>() { ExitCode::from(WRONG_USE) } else { ExitCode::FAILURE }
        }
    }
}
