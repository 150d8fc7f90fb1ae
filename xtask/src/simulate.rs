//! `simulate`: stores, lines and hubs in worlds of their own, one for each seed, with everything that goes wrong with them.
//!
//! The simulator is `tests/simulate`; the tests run two thousand of its seeds. What is passed on: `--seeds N`, `--from S`,
//! `--failures-max N`, `--seed S --trace`.

use crate::{job::Job, project::Project};
use anyhow::Result;
use std::ffi::OsString;

/// Builds the simulator in release and runs it on all processors. Fails with the seeds that failed.
pub(crate) fn run(project: &Project, arguments: &[OsString]) -> Result<()> {
    project.cargo(&["build", "--release", "-p", "aisle-simulate"]).run()?;
    Job::new(project.target("release/aisle-simulate")).args(arguments).directory(project.root()).run()
}
