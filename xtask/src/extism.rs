//! The peer of `bench plugins`: a program that calls a plugin of Extism's, and that plugin.
//!
//! They lie in `tests/bench/extism`, a workspace of its own: Extism brings a wasmtime of its own, which nobody else is to wait for.

use crate::{
    compiler::{self, CARGO, RUSTC},
    job::Job,
    project::Project,
};
use anyhow::{Context, Result};
use std::path::PathBuf;

const FOLDER: &str = "tests/bench/extism";
const TARGET: &str = "wasm32-unknown-unknown";

/// What was built.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) program: PathBuf,
    pub(crate) guest: PathBuf,
}

/// Builds both. The compiler for plugins must be there.
pub(crate) fn build(project: &Project) -> Result<Peer> {
    let target = project.target("extism");
    let here = |job: Job| job.directory(project.path(FOLDER)).env("CARGO_TARGET_DIR", &target);
    here(project.cargo(&["build", "--release", "--package", "extism-peer"])).run()?;
    let guest = ["build", "--release", "--package", "extism-guest", "--target", TARGET];
    let job = if compiler::has_target(project, TARGET) {
        project.cargo(&guest)
    } else {
        let linker = compiler::wasm_linker(project).context("nothing links for WebAssembly")?;
        // As `aisle plugin build` does it; `-Zbuild-std` is not stable yet, which is all that RUSTC_BOOTSTRAP is for.
        Job::new(CARGO)
            .env("RUSTC", RUSTC)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
            .args(guest)
            .args(["-Zbuild-std=std,panic_abort"])
    };
    here(job).run()?;
    let guest = target.join(TARGET).join("release/extism_guest.wasm");
    Ok(Peer { program: target.join("release/extism-peer"), guest })
}
