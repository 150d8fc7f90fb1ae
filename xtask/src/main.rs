//! `cargo xtask`: every developer command.
//!
//! One module per command ([`check`], [`mod@test`], [`bare`], [`conformance`], [`plugins`], [`packages`], [`generate`], [`mod@bench`], [`demo`], [`fuzz`], [`simulate`]); [`tools`] sees to it that
//! what they call is installed, [`job`] runs it, [`edges`] and [`files`] hold the layout to its law.
//!
//! Not here: anything the product does. The crate stays light, because every command waits for it to build.

mod age;
mod bare;
mod bench;
mod check;
mod compiler;
mod conformance;
mod demo;
mod edges;
mod extism;
mod files;
mod fuzz;
mod generate;
mod job;
mod packages;
mod plugins;
mod project;
mod screen;
mod simulate;
mod steps;
mod summary;
mod test;
mod tools;

use anyhow::Result;
use clap::{Parser, Subcommand};
use project::Project;
use std::{ffi::OsString, process::ExitCode};

/// Every developer command of Aisle.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build, generate stores, run nodes with simulated shoppers in them and a hub behind; Ctrl-C leaves nothing behind.
    #[command(disable_help_flag = true)]
    Demo {
        /// Passed on; `--help` lists them: --data FILE, --seed N, --listen ADDRESS, --floor ADDRESS, --shoppers N, --for SECONDS,
        /// --stores N, `--outage AFTER[:LENGTH]`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Everything that must hold before a change goes in; installs what it needs.
    Test,
    /// The fast part of `test`: formatting, lints, dependency edges, file lengths, generated files.
    Check {
        /// Licences, advisories and sources of the dependencies too, by cargo-deny.
        #[arg(long)]
        deny: bool,
    },
    /// Build what runs on a device for bare metal: no std, no heap. One step of `test`.
    Bare,
    /// Let the public suite of The Update Framework judge our client of it. One step of `test`.
    Conformance,
    /// Build the first-party plugins to components in target/plugins. One step of `test`.
    Plugins,
    /// Build node and hub for release and make their Debian packages in target/packages.
    Packages,
    /// Write the generated files: configuration and metrics reference, OpenAPI, golden vectors.
    Generate {
        /// Write nothing; fail when a file is not what would be written.
        #[arg(long)]
        check: bool,
    },
    /// Run benchmarks and write their tables into BENCHMARKS.md.
    Bench {
        /// The benchmark; all that BENCHMARKS.md names when left out.
        name: Option<String>,
        /// Passed on to it; then the table is printed and BENCHMARKS.md left as it is.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Run stores, lines and hubs from seeds, with everything that goes wrong with them, and count what was lost.
    #[command(disable_help_flag = true)]
    Simulate {
        /// Passed on; `--help` lists them: --seeds N, --from S, --failures-max N, --seed S --trace.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Feed parsers with mutated input.
    Fuzz {
        /// The target; all of them when left out.
        target: Option<String>,
        /// How long each target runs.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            screen::error(&error);
            // As shells report an end by Ctrl-C.
            if job::is_stopped() { ExitCode::from(130) } else { ExitCode::FAILURE }
        }
    }
}

fn run(command: Command) -> Result<()> {
    job::listen()?;
    let project = Project::find()?;
    match command {
        Command::Demo { arguments } => demo::run(&project, &arguments),
        Command::Test => test::run(&project),
        Command::Bare => bare::run(&project),
        Command::Conformance => conformance::run(&project),
        Command::Plugins => plugins::run(&project),
        Command::Packages => packages::run(&project),
        Command::Check { deny } => check::run(&project, deny),
        Command::Generate { check: false } => generate::write(&project),
        Command::Generate { check: true } => generate::check(&project),
        Command::Bench { name, arguments } => bench::run(&project, name.as_deref(), &arguments),
        Command::Simulate { arguments } => simulate::run(&project, &arguments),
        Command::Fuzz { target, seconds } => fuzz::run(&project, target.as_deref(), seconds),
    }
}
