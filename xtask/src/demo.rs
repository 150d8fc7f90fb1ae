//! `demo`: builds what a store needs and hands over to `aisle-harness demo`, which shows it and cleans up after itself.

use crate::{
    job::{self, Job},
    project::Project,
};
use anyhow::Result;
use std::ffi::OsString;

/// Builds and shows; an end by signal is a good end.
pub(crate) fn run(project: &Project, arguments: &[OsString]) -> Result<()> {
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
