//! From a package to a machine that runs it: units, packages, examples, what the service manager is told.
//!
//! Packages are tried on a machine of the test's own (`machine`), whose first process is systemd; `cargo xtask test` makes them from the
//! binaries that all tests use. Not here: the guides of `deploy/edge`, which people read. Guards what an installer relies on: a node that
//! is installed serves, one that hangs is started again, one that is taken off leaves its data.

mod chain;
mod examples;
mod hub;
mod machine;
mod monitoring;
mod node;
mod told;
mod units;

use crate::support::need;
use std::{env, fs, path::PathBuf};

/// A file of `deploy/edge`.
fn edge(path: &str) -> PathBuf {
    need::project().join("deploy/edge").join(path)
}

/// A revision of a package, as `cargo xtask test` made it: in `AISLE_PACKAGES_DIR`, else in `target/packages-tried`.
fn package(name: &str, revision: u32) -> PathBuf {
    let folder = env::var_os("AISLE_PACKAGES_DIR")
        .map_or_else(|| need::project().join("target/packages-tried"), PathBuf::from);
    let (begin, end) = (format!("{name}_"), format!("-{revision}_"));
    let mut files = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let found = files.find(|path| {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        file.starts_with(&begin) && file.contains(&end) && file.ends_with(".deb")
    });
    found.unwrap_or_else(|| {
        panic!("there is no package of `{name}` in `{}`; hint: `cargo xtask test` makes it", folder.display())
    })
}
