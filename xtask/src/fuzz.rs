//! `fuzz`: cargo-fuzz over the targets of `tests/fuzz`, which the tests run over their examples, whole and damaged, for a bounded count.
//!
//! The libFuzzer programs live in `tests/fuzz/cargo-fuzz`, outside the workspace, because they need a nightly compiler.

use crate::{
    job::Job,
    project::Project,
    screen,
    tools::{self, Tool},
};
use anyhow::Result;

const TARGETS: &str = "tests/fuzz/cargo-fuzz";

/// Runs one target, or each of them in turn.
pub(crate) fn run(project: &Project, target: Option<&str>, seconds: u64) -> Result<()> {
    tools::ensure(project, &[Tool::CargoFuzz])?;
    let targets = match target {
        Some(target) => vec![target.to_owned()],
        None => {
            let listed = cargo_fuzz(project, &["list", "--fuzz-dir", TARGETS]).output()?;
            String::from_utf8_lossy(&listed).lines().map(str::to_owned).collect()
        }
    };
    for target in targets {
        screen::aside(format_args!("── {target}"));
        let limit = format!("-max_total_time={seconds}");
        cargo_fuzz(project, &["run", "--fuzz-dir", TARGETS, &target, "--", &limit]).run()?;
    }
    Ok(())
}

/// By rustup's own `cargo`, which alone understands `+nightly`.
fn cargo_fuzz(project: &Project, arguments: &[&str]) -> Job {
    Job::new("cargo").args(["+nightly", "fuzz"]).args(arguments).directory(project.root())
}
