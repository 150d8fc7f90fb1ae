//! `demo`: builds what a store needs and hands over to `aisle-harness demo`, which shows it and cleans up after itself.

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
    offers(project);
    let shown = project
        .cargo(&["build", "--release", "-p", "aisle-node", "-p", "aisle-harness"])
        .run()
        .and_then(|()| {
            Job::new(project.target("release/aisle-harness"))
                .args(["demo"])
                .args(arguments)
                .env("AISLE_NODE_BIN", project.target("release/aisle-node"))
                .run()
        });
    if job::is_stopped() { Ok(()) } else { shown }
}

/// Builds the plugins that the demo installs. It goes on without them where there is nothing to build them with.
fn offers(project: &Project) {
    if !plugins::is_there(project) {
        screen::aside(format_args!(
            "no compiler for plugins: the demo goes without; `cargo xtask plugins` installs one"
        ));
        return;
    }
    if let Err(error) = plugins::run(project) {
        screen::aside(format_args!("the demo goes without plugins: {error:#}"));
    }
}
