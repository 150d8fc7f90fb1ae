//! `bare`: the build for bare metal: the core of a device, without std and without a heap, for a Cortex-M4F.
//!
//! With rustup's target installed it is an ordinary build. Where that cannot be fetched, the distribution's compiler builds
//! `core` from the sources that are packaged with it; it lies in a target folder of its own, as two compilers share nothing.
//! A library is not linked, so neither a linker nor an implementation of `critical-section` is needed.

use crate::{
    compiler::{self, CARGO, RUSTC},
    job::Job,
    project::Project,
    tools::{self, Tool},
};
use anyhow::Result;

const TARGET: &str = "thumbv7em-none-eabihf";
/// What has no std: everything that runs on a device.
const CRATES: &[&str] = &["aisle-firmware-config", "aisle-device"];

/// Builds what runs on a device, with a compiler that is installed if there is none.
pub(crate) fn run(project: &Project) -> Result<()> {
    tools::ensure(project, &[Tool::BareMetal])?;
    let crates = CRATES.iter().flat_map(|name| ["--package", name]);
    let build = |job: Job| job.args(["--no-default-features", "--target", TARGET]).args(crates).run();
    if compiler::has_target(project, TARGET) {
        return build(project.cargo(&["build"]));
    }
    // `-Zbuild-std` is not stable yet, which is all that RUSTC_BOOTSTRAP is for. What rustup and our own cargo have set
    // would lead to their compiler.
    let cargo = Job::new(CARGO)
        .directory(project.root())
        .env("RUSTC", RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", project.target("bare"))
        .args(["build", "-Zbuild-std=core"]);
    build(cargo)
}

/// Whether there is anything to build with.
pub(crate) fn is_there(project: &Project) -> bool {
    compiler::has_target(project, TARGET) || compiler::distribution(project).is_ok()
}
