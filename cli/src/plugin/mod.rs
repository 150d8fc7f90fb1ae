//! `aisle plugin`: one file for each verb, and what they share.
//!
//! A plugin's folder holds a `Cargo.toml` (a `cdylib`), a `plugin.toml` (what it is, what it may, its settings), `src/` and `cases/`.

mod build;
mod component;
mod inspect;
mod toolchain;

use anyhow::Result;
use clap::Subcommand;

/// What can be done with a plugin.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Build a plugin's folder into a component
    Build(build::Args),
    /// Show what a component imports and exports, its size and hash, and what its `plugin.toml` grants
    Inspect(inspect::Args),
}

/// Does it.
pub(crate) fn run(command: &PluginCommand, json: bool) -> Result<()> {
    match command {
        PluginCommand::Build(args) => build::run(args, json),
        PluginCommand::Inspect(args) => inspect::run(args, json),
    }
}
