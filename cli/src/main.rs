//! `aisle`: the command of those who write what runs in shops, and of those who bring it there.
//!
//! One module for each thing it is about ([`plugin`], [`model`], [`fleet`]), and in it one file for each verb or each thing. [`output`] is the one place that writes to
//! the terminal.
//!
//! Not here: what runs in a shop (`aisle-node`), how a plugin is held in bounds (`aisle-plugin-host`), the rules of a fleet (`aisle-fleet`). Exit codes: 0 done;
//! 1 it failed, or was refused; 2 wrong use; and of fleets 3 no answer, 4 another person has to agree, 5 differences, 6 a rollout stopped.

mod fleet;
mod model;
mod output;
mod plugin;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Build, try and measure plugins and models for the stores' own computers, and run the fleet of them.
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
    Plugin(Box<plugin::PluginCommand>),
    /// Models: what stores ask for rankings, tried and packed for headquarters to sign
    #[command(subcommand)]
    Model(model::ModelCommand),
    /// The fleet: stores, groups, rollouts, artefacts, enrolment and people, at their hub
    Fleet(Box<fleet::Args>),
}

/// How a command ended that did what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All is well.
    Well,
    /// It found something that is not: a case that fails, a difference that was not to be.
    Failed,
    /// Nothing is done yet: another person has to agree.
    Waits,
    /// Something is not as documents say.
    Differs,
    /// A rollout stopped, went back or was ended.
    Stopped,
}

impl Ended {
    /// The exit code.
    const fn code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::Failed => 1,
            Self::Waits => 4,
            Self::Differs => 5,
            Self::Stopped => 6,
        }
    }
}

/// What was asked makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(String);

/// Exit code of wrong use, as of the parser of arguments.
const WRONG_USE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = match &cli.command {
        Command::Plugin(command) => plugin::run(command, cli.json),
        Command::Model(command) => model::run(command, cli.json),
        Command::Fleet(args) => fleet::run(args, cli.json),
    };
    match ended {
        Ok(ended) => ExitCode::from(ended.code()),
        // The reader of our output has gone away (`| head`): nothing to tell, nobody to tell it to.
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            if error.is::<Usage>() {
                return ExitCode::from(WRONG_USE);
            }
            error
                .downcast_ref::<fleet::FleetError>()
                .map_or(ExitCode::FAILURE, |error| ExitCode::from(error.code()))
        }
    }
}
