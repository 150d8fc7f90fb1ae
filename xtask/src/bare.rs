//! `bare`: the build for bare metal: the core of a device, without std and without a heap, for a Cortex-M4F.
//!
//! With rustup's target installed it is an ordinary build. Where that cannot be fetched, the distribution's compiler builds
//! `core` from the sources that are packaged with it; it lies in a target folder of its own, as two compilers share nothing.
//! A library is not linked, so neither a linker nor an implementation of `critical-section` is needed.

use crate::{
    job::Job,
    project::Project,
    tools::{self, Tool},
};
use anyhow::{Context, Result, bail};
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

const TARGET: &str = "thumbv7em-none-eabihf";
/// What has no std: everything that runs on a device.
const CRATES: &[&str] = &["aisle-firmware-config", "aisle-device"];

/// The compiler, its cargo, and the sources of `core`, as Debian has them.
const PACKAGES: &[&str] = &["rustc-web", "cargo-web", "rust-web-src"];
const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
const CORE: &str = "/usr/lib/rustlib/src/rust/library/core/Cargo.toml";

/// Builds what runs on a device, with a compiler that is installed if there is none.
pub(crate) fn run(project: &Project) -> Result<()> {
    tools::ensure(project, &[Tool::BareMetal])?;
    let crates = CRATES.iter().flat_map(|name| ["--package", name]);
    let build = |job: Job| job.args(["--no-default-features", "--target", TARGET]).args(crates).run();
    if has_target(project) {
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
    has_target(project) || distribution(project).is_ok()
}

/// Installs the distribution's; says what is wrong with it when it will not do.
pub(crate) fn install(project: &Project) -> Result<()> {
    PACKAGES.iter().try_for_each(|package| tools::debian(package))?;
    distribution(project)
}

/// Whether rustup has the target: then its libraries lie where the compiler says.
fn has_target(project: &Project) -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let asked = Job::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .directory(project.root())
        .output()
        .ok()
        .and_then(|path| String::from_utf8(path).ok());
    asked.is_some_and(|path| PathBuf::from(path.trim()).is_dir())
}

/// Whether the distribution's compiler will do, and what is wrong with it if not.
fn distribution(project: &Project) -> Result<()> {
    for file in [RUSTC, CARGO, CORE] {
        if !Path::new(file).is_file() {
            bail!("there is no `{file}`");
        }
    }
    let line = Job::new(RUSTC).args(["--version"]).output()?;
    let line = String::from_utf8_lossy(&line).into_owned();
    let found = minor(&line).with_context(|| format!("cannot read `{}` of `{RUSTC}`", line.trim()))?;
    let oldest = project.rust_version_minor();
    if found < oldest {
        bail!("`{RUSTC}` is 1.{found}, expected at least 1.{oldest}");
    }
    Ok(())
}

/// The 96 of `rustc 1.96.0 (…)`.
fn minor(version: &str) -> Option<u64> {
    version.split_whitespace().nth(1)?.split('.').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn the_version_of_a_compiler_is_read_from_what_it_says() {
        assert_eq!(minor("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)\n"), Some(96));
        assert_eq!(minor("rustc"), None);
    }
}
