//! `aisle plugin`: one file for each verb, and what they share.
//!
//! A plugin's folder holds a `Cargo.toml` (a `cdylib`), a `plugin.toml` (what it is, what it may, its settings), `src/` and `cases/`.
//! Verbs: [`new`], [`build`], [`inspect`], [`run`](mod@run), [`test`](mod@test), [`bench`](mod@bench), [`replay`], [`watch`], and of a node
//! that runs [`install`] with its companions. Shared: what a verb is about ([`subject`]), decisions in words and money ([`decision`]).

mod bench;
mod build;
mod case;
mod component;
mod decision;
mod inspect;
mod install;
mod name;
mod new;
mod node;
mod replay;
mod run;
mod shared;
mod statistics;
mod subject;
mod template;
mod test;
mod toolchain;
mod watch;

use crate::Ended;
use anyhow::Result;
use clap::Subcommand;

/// What can be done with a plugin.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Make a new plugin's folder, with cases that pass
    New(new::Args),
    /// Build a plugin's folder into a component
    Build(build::Args),
    /// Show what a component imports and exports, its size and hash, and what its `plugin.toml` grants
    Inspect(inspect::Args),
    /// Ask a plugin once, and show what it decides and what that takes
    Run(run::Args),
    /// Run the cases of a plugin
    Test(test::Args),
    /// Measure what a plugin takes for baskets of several sizes, and how far that is from its limits
    Bench(bench::Args),
    /// Show what a candidate would have decided otherwise
    Replay(replay::Args),
    /// Build, test and replay again whenever a source changes
    Watch(watch::Args),
    /// Install a plugin on a node that runs
    Install(install::Args),
    /// Show the plugins of a node that runs
    List(install::ListArgs),
    /// Let the version before run again on a node
    Rollback(install::OneArgs),
    /// Remove a plugin from a node, with all that it kept
    Remove(install::OneArgs),
}

/// Does it.
pub(crate) fn run(command: &PluginCommand, json: bool) -> Result<Ended> {
    let done = |()| Ended::Well;
    match command {
        PluginCommand::New(args) => new::run(args, json).map(done),
        PluginCommand::Build(args) => build::run(args, json).map(done),
        PluginCommand::Inspect(args) => inspect::run(args, json).map(done),
        PluginCommand::Run(args) => run::run(args, json),
        PluginCommand::Test(args) => test::run(args, json),
        PluginCommand::Bench(args) => bench::run(args, json).map(done),
        PluginCommand::Replay(args) => replay::run(args, json),
        PluginCommand::Watch(args) => watch::run(args, json),
        PluginCommand::Install(args) => install::run(args, json).map(done),
        PluginCommand::List(args) => install::list(args, json).map(done),
        PluginCommand::Rollback(args) => install::roll_back(args, json).map(done),
        PluginCommand::Remove(args) => install::remove(args, json).map(done),
    }
}

/// An error that is the caller's: exit code 2.
pub(crate) fn usage(message: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(crate::Usage(message.into()))
}
