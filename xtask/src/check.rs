//! `check`: what can be said about the code without running its tests.

use crate::{
    edges, files, generate, plugins,
    project::Project,
    screen,
    steps::Steps,
    tools::{self, Tool},
};
use anyhow::Result;

/// Runs the checks, and cargo-deny when it is asked for.
pub(crate) fn run(project: &Project, deny: bool) -> Result<()> {
    let mut steps = Steps::default();
    let done = fast(project, &mut steps).and_then(|()| {
        if !deny {
            return Ok(());
        }
        steps.step("deny", || {
            tools::ensure(project, &[Tool::CargoDeny])?;
            project.cargo(&["deny", "check"]).run()
        })
    });
    screen::line(steps.table());
    done
}

/// The checks that `test` begins with too.
pub(crate) fn fast(project: &Project, steps: &mut Steps) -> Result<()> {
    steps.step("edges", || edges::check(project))?;
    steps.step("files", || files::check(project))?;
    steps.step("fmt", || {
        project.cargo(&["fmt", "--all", "--check"]).run()?;
        plugins::check_format(project)
    })?;
    steps.step("clippy", || {
        project.cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]).run()
    })?;
    steps.step("build", || project.build())?;
    steps.step("generate", || generate::check_built(project))
}
