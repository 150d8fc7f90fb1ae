//! `packages`: node and hub as Debian packages, for release in `target/packages`, and for the tests from what those have built.
//!
//! What a package holds stands in `[package.metadata.deb]` of its crate and in `deploy/edge`. Here is which binaries go in: for release
//! those of the release profile; for tests the ones of the dev profile, stripped, since a second build would cost minutes. Tests get two
//! revisions of each, to upgrade from one to the other.

use crate::{
    age::{newest, written},
    job::Job,
    project::Project,
    screen,
    tools::{self, Tool},
};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The crates that become packages; each has one binary of its name.
const PROGRAMS: [&str; 2] = ["aisle-node", "aisle-hub"];
/// What the packages are made from, beside the binaries.
const SOURCES: [&str; 8] = [
    "deploy/edge",
    "LICENSE",
    "node/runtime/Cargo.toml",
    "node/runtime/CONFIG.md",
    "node/runtime/METRICS.md",
    "sync/hub/Cargo.toml",
    "sync/hub/hub.example.toml",
    "xtask/src/packages.rs",
];
/// The revisions that tests get.
const REVISIONS: [&str; 2] = ["1", "2"];

/// Builds for release and packs.
pub(crate) fn run(project: &Project) -> Result<()> {
    tools::ensure(project, &[Tool::CargoDeb])?;
    let packages = PROGRAMS.iter().flat_map(|program| ["--package", program]);
    let build: Vec<&str> = ["build", "--release"].into_iter().chain(packages).collect();
    project.cargo(&build).run()?;
    let out = emptied(&project.target("packages"))?;
    for program in PROGRAMS {
        // The debug information of releases is for those who read a crash, not for every box.
        pack(project, program, &out, &["--strip"]).run()?;
    }
    screen::line(format_args!("packages in `{}`", out.display()));
    Ok(())
}

/// Packs what the tests have built, unless that was done after the last change.
pub(crate) fn for_tests(project: &Project) -> Result<()> {
    let out = tried(project);
    let stamp = out.join("made");
    let binaries = PROGRAMS.map(|program| project.target("debug").join(program));
    let sources = SOURCES.iter().map(|path| project.path(path)).chain(binaries.clone());
    if written(&stamp)? > newest(sources, &[])? {
        return Ok(());
    }
    emptied(&out)?;
    // cargo-deb takes binaries from the release folder of a target folder, wherever that is.
    let target = out.join("build");
    let release = emptied(&target.join("release"))?;
    for (program, binary) in PROGRAMS.iter().zip(&binaries) {
        let stripped = release.join(program);
        Job::new("strip").args(["-o".as_ref(), stripped.as_path(), binary.as_path()]).run()?;
        for revision in REVISIONS {
            pack(project, program, &out, &["--no-strip", "--fast", "-Zgz", "--deb-revision", revision])
                .env("CARGO_TARGET_DIR", &target)
                .run()?;
        }
    }
    fs::remove_dir_all(&target).with_context(|| format!("cannot remove `{}`", target.display()))?;
    fs::write(&stamp, "").with_context(|| format!("cannot write `{}`", stamp.display()))
}

/// Where the packages for tests lie.
pub(crate) fn tried(project: &Project) -> PathBuf {
    project.target("packages-tried")
}

fn pack(project: &Project, program: &str, out: &Path, more: &[&str]) -> Job {
    project
        .cargo(&["deb", "--no-build", "--quiet", "--compress-system", "--package", program])
        .args(["--output".as_ref(), out])
        .args(more)
}

/// A folder with nothing in it.
fn emptied(folder: &Path) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove `{}`", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    Ok(folder.to_owned())
}
