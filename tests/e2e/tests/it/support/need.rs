//! What a test needs of the machine beside the node.
//!
//! A program is demanded: `cargo xtask test` installs it, so its absence fails the test by name. A privilege that no
//! command of ours can give is asked for, and the test says aloud that it was skipped.

use std::{
    env,
    path::{Path, PathBuf},
};

/// A program that must be there.
pub(crate) fn program(name: &str, package: &str) -> PathBuf {
    find(name).unwrap_or_else(|| {
        panic!(
            "`{name}` is not on PATH; hint: `cargo xtask test` installs it, or `apt-get install {package}`"
        )
    })
}

/// True for root; says so when not.
pub(crate) fn root(why: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        skipped(&format!("{why} needs root"));
    }
    root
}

/// Says why a test did nothing.
pub(crate) fn skipped(missing: &str) {
    eprintln!("skipped: {missing}");
}

/// Where `cargo xtask plugins` puts components: `AISLE_PLUGINS_DIR`, else below the top of the project.
pub(crate) fn plugins() -> PathBuf {
    env::var_os("AISLE_PLUGINS_DIR").map_or_else(|| project().join("target/plugins"), PathBuf::from)
}

/// The top of the project.
pub(crate) fn project() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("the crate lies in tests/e2e").to_owned()
}

fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
