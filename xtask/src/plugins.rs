//! `plugins`: the first-party plugins, built to components in `target/plugins`.
//!
//! How a folder becomes a component is known to `aisle plugin build` alone; here is which folders there are, and which are up to date.
//! They share one target folder, so that the standard library is built once. A plugin in another language is built where its tool is
//! installed, and skipped with a word where it is not: nothing that must pass needs it.

use crate::{
    age::{entries, newest, written},
    compiler,
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

const TARGET: &str = "wasm32-unknown-unknown";
const GUESTS: &str = "plugins/guests";
/// Where plugins lie, each in a folder of its own with a `Cargo.toml` and a `plugin.toml`.
const SHELVES: &[&str] = &[GUESTS, "plugins/guests/published"];
/// What every plugin is made of or by, beside what is in its folder.
const SHARED: &[&str] = &[
    "plugins/sdk",
    "plugins/wit",
    "plugins/guests/Cargo.toml",
    "plugins/guests/Cargo.lock",
    "cli/src/plugin/build.rs",
    "cli/src/plugin/component.rs",
    "cli/src/plugin/shared.rs",
    "cli/src/plugin/toolchain.rs",
];
const JAVASCRIPT: &str = "plugins/guests/other-languages/javascript";
const JAVASCRIPT_TOOL: &str = "componentize-qjs";
/// What a build leaves and what only tests and people read: a plugin is no younger for it.
const NO_SOURCES: &[&str] = &["target", "cases", "README.md"];

/// Builds what is not up to date.
pub(crate) fn run(project: &Project) -> Result<()> {
    build(project, None)
}

/// The same with an `aisle` that was built before.
pub(crate) fn run_with(project: &Project, aisle: PathBuf) -> Result<()> {
    build(project, Some(aisle))
}

fn build(project: &Project, aisle: Option<PathBuf>) -> Result<()> {
    tools::ensure(project, &[Tool::Wasm])?;
    let shared = newest(SHARED.iter().map(|path| project.path(path)), NO_SOURCES)?;
    let mut stale = Vec::new();
    for folder in folders(project)? {
        let out = component(project, &name(&folder)?);
        if shared.max(newest([folder.clone()], NO_SOURCES)?) > written(&out)? {
            stale.push((folder, out));
        }
    }
    let javascript = stale_javascript(project)?;
    if aisle.is_none() && !(stale.is_empty() && javascript.is_none()) {
        project.cargo(&["build", "--package", "aisle"]).run()?;
    }
    let aisle = aisle.unwrap_or_else(|| project.target("debug/aisle"));
    for (folder, out) in stale {
        Job::new(&aisle)
            .args(["plugin", "build"])
            .args([folder.as_path()])
            .args(["--out".as_ref(), out.as_path(), "--target-dir".as_ref(), &project.target("guests")])
            .run()?;
    }
    javascript.map_or(Ok(()), |(folder, out)| build_javascript(&aisle, &folder, &out))
}

/// Lints and unit tests of what runs inside the sandbox, natively: most of it needs no sandbox.
pub(crate) fn check(project: &Project) -> Result<()> {
    guests_cargo(project, &["clippy", "--workspace", "--all-targets"])
        .args(["--", "-D", "warnings"])
        .run()?;
    guests_cargo(project, &["test", "--quiet", "--package", "aisle-plugin-sdk"]).run()
}

/// Formatting of the same.
pub(crate) fn check_format(project: &Project) -> Result<()> {
    project.cargo(&["fmt", "--all", "--check"]).directory(project.path(GUESTS)).run()
}

/// Whether there is anything to build with.
pub(crate) fn is_there(project: &Project) -> bool {
    compiler::has_target(project, TARGET)
        || (compiler::distribution(project).is_ok() && compiler::has_wasm_linker(project))
}

/// Has rustup fetch its target, or installs the distribution's compiler.
pub(crate) fn install(project: &Project) -> Result<()> {
    if compiler::distribution(project).is_err() {
        let rustup = Job::new("rustup").args(["target", "add", TARGET]).directory(project.root());
        if tools::on_path("rustup") && rustup.run().is_ok() {
            return Ok(());
        }
        compiler::install(project)?;
    }
    if compiler::has_wasm_linker(project) { Ok(()) } else { tools::debian("lld") }
}

/// Where the component of a plugin lies.
fn component(project: &Project, name: &str) -> PathBuf {
    project.target("plugins").join(format!("{name}.wasm"))
}

fn guests_cargo(project: &Project, arguments: &[&str]) -> Job {
    // The profile and the target folder are the guests' own.
    project.cargo(arguments).directory(project.path(GUESTS)).env("CARGO_TARGET_DIR", project.target("guests"))
}

/// A plugin is called in `target/plugins` as in its `plugin.toml`; its crate has the same name.
fn name(folder: &Path) -> Result<String> {
    let manifest = folder.join("plugin.toml");
    let text =
        fs::read_to_string(&manifest).with_context(|| format!("cannot read `{}`", manifest.display()))?;
    text.lines()
        .find_map(|line| line.strip_prefix("id = \"")?.strip_suffix('"'))
        .map(str::to_owned)
        .with_context(|| format!("`{}` has no line `id = \"…\"`", manifest.display()))
}

fn folders(project: &Project) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for shelf in SHELVES {
        for entry in entries(&project.path(shelf))? {
            if entry.join("Cargo.toml").is_file() && entry.join("plugin.toml").is_file() {
                found.push(entry);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The folder of the plugin in JavaScript and its component, when that is to be built and can be.
fn stale_javascript(project: &Project) -> Result<Option<(PathBuf, PathBuf)>> {
    let folder = project.path(JAVASCRIPT);
    let out = component(project, &name(&folder)?);
    if !tools::on_path(JAVASCRIPT_TOOL) {
        screen::aside(format_args!("no `{JAVASCRIPT_TOOL}` on PATH: skipping the plugin in JavaScript"));
        return Ok(None);
    }
    // No test of the workspace can count on it, so its cases are tried here, and again when one of them changes.
    let sources = [folder.clone(), folder.join("cases"), project.path("plugins/wit")];
    let stale = newest(sources, NO_SOURCES)? > written(&out)?;
    Ok(stale.then_some((folder, out)))
}

/// Builds it, with an interpreter in it, and tries its cases; what does not pass them is not put beside the others.
fn build_javascript(aisle: &Path, folder: &Path, out: &Path) -> Result<()> {
    let untested = out.with_extension("untested.wasm");
    Job::new(JAVASCRIPT_TOOL)
        .args(["--wit", "wit", "--world", "plugin", "--js", "happy-hour.js"])
        .args(["--stub-wasi", "--sync", "--opt-size", "--minify"])
        .args(["--output".as_ref(), untested.as_path()])
        .directory(folder)
        .run()?;
    Job::new(aisle)
        .args(["plugin", "test"])
        .args([folder])
        .args(["--component".as_ref(), untested.as_path()])
        .run()?;
    fs::rename(&untested, out).with_context(|| format!("cannot write `{}`", out.display()))
}
