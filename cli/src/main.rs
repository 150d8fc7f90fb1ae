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

fn main() -> ExitCode {
    let cli = Cli::parse();
    let Command::Plugin(command) = &cli.command;
    match plugin::run(command, cli.json) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of our output has gone away (`| head`): nothing to tell, nobody to tell it to.
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            ExitCode::FAILURE
        }
    }
}
