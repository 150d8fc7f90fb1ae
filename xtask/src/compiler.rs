//! Compilers for targets that this machine is not: rustup's, else the distribution's with the sources of the standard library.
//!
//! Which of them there is decides how something is built; that is said where it is built ([`crate::bare`], `aisle plugin build`).

use crate::{job::Job, project::Project, tools};
use anyhow::{Context, Result, bail};
use std::{
    env,
    ffi::OsString,
    iter,
    path::{Path, PathBuf},
};

/// Debian's compiler and its cargo.
pub(crate) const RUSTC: &str = "/usr/bin/rustc";
pub(crate) const CARGO: &str = "/usr/bin/cargo";
/// Both, and the sources of the standard library.
const PACKAGES: &[&str] = &["rustc-web", "cargo-web", "rust-web-src"];
const STD: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";

/// Whether rustup has the target: then its libraries lie where the compiler says.
pub(crate) fn has_target(project: &Project, target: &str) -> bool {
    libraries(project, &["--target", target]).is_some_and(|path| path.is_dir())
}

/// Whether the distribution's compiler will do, and what is wrong with it if not.
pub(crate) fn distribution(project: &Project) -> Result<()> {
    for file in [RUSTC, CARGO, STD] {
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

/// Installs the distribution's; says what is wrong with it when it will not do.
pub(crate) fn install(project: &Project) -> Result<()> {
    PACKAGES.iter().try_for_each(|package| tools::debian(package))?;
    distribution(project)
}

/// Whether something links for WebAssembly.
pub(crate) fn has_wasm_linker(project: &Project) -> bool {
    wasm_linker(project).is_some()
}

/// What links for WebAssembly: what comes with rustup's compiler, or the system's under any of its names.
pub(crate) fn wasm_linker(project: &Project) -> Option<PathBuf> {
    let own = libraries(project, &[]).and_then(|path| Some(path.parent()?.join("bin/rust-lld")));
    let mut names =
        iter::once(String::from("wasm-ld")).chain((14..40).map(|version| format!("wasm-ld-{version}")));
    own.filter(|linker| linker.is_file())
        .or_else(|| names.find(|name| tools::on_path(name)).map(PathBuf::from))
}

fn libraries(project: &Project, arguments: &[&str]) -> Option<PathBuf> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let asked = Job::new(rustc)
        .args(["--print", "target-libdir"])
        .args(arguments)
        .directory(project.root())
        .output()
        .ok()
        .and_then(|path| String::from_utf8(path).ok());
    asked.map(|path| PathBuf::from(path.trim()))
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
