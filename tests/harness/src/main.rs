//! `aisle-harness`: the parts of the harness as commands, for the demo, for tools that need a running node, by hand.

mod command;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A generated shop, simulated shoppers, a node to try things on.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Append a generated shop to the journal of an empty data directory.
    Generate(command::generate::Arguments),
    /// Let simulated shoppers browse a running node.
    Browse(command::browse::Arguments),
    /// Run a node on a generated or imported store with shoppers in it, until Ctrl-C.
    Demo(command::demo::Arguments),
    /// Run a command against a node on a small generated store, or against the hub that it calls; `{url}` in its arguments is the address.
    With(command::with::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Generate(arguments) => command::generate::run(&arguments).await,
        Command::Browse(arguments) => command::browse::run(&arguments).await,
        Command::Demo(arguments) => command::demo::run(&arguments).await,
        Command::With(arguments) => command::with::run(&arguments).await,
    };
    done.unwrap_or_else(|error| {
        command::screen::error(&error);
        ExitCode::FAILURE
    })
}
