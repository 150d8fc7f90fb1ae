//! `demo`: builds what a store and its hub need and hands over to `aisle-harness demo`, which shows it and cleans up after itself.
//!
//! Afterwards the machine has all that it takes to write a plugin: the command `aisle`, a compiler for the sandbox, and what plugins
//! are built from.

use crate::{
    job::{self, Job},
    plugins,
    project::Project,
    screen,
};
use anyhow::Result;
use std::ffi::OsString;

/// Builds and shows; an end by signal is a good end.
pub(crate) fn run(project: &Project, arguments: &[OsString]) -> Result<()> {
    let shown = build(project).and_then(|()| {
        Job::new(project.target("release/aisle-harness"))
            .args(["demo"])
            .args(arguments)
            .env("AISLE_NODE_BIN", project.target("release/aisle-node"))
            .env("AISLE_BIN", project.target("release/aisle"))
            .env("AISLE_HUB_BIN", project.target("release/aisle-hub"))
            .run()
    });
    if job::is_stopped() { Ok(()) } else { shown }
}

fn build(project: &Project) -> Result<()> {
    let packages = ["-p", "aisle-node", "-p", "aisle-harness", "-p", "aisle", "-p", "aisle-hub"];
    project.cargo(&["build", "--release"]).args(packages).run()?;
    // It goes on without plugins where there is nothing to build them with.
    if let Err(error) = plugins::run_with(project, project.target("release/aisle"))
        && !job::is_stopped()
    {
        screen::aside(format_args!("the demo goes without plugins: {error:#}"));
    }
    Ok(())
}
