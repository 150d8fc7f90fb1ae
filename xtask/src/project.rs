//! Where the project lies and what it consists of, as cargo and git tell.

use crate::job::Job;
use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// The working copy.
#[derive(Debug)]
pub(crate) struct Project {
    metadata: Metadata,
}

impl Project {
    pub(crate) fn find() -> Result<Self> {
        let metadata = MetadataCommand::new()
            .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
            .no_deps()
            .exec()
            .context("cannot read the workspace")?;
        Ok(Self { metadata })
    }

    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    pub(crate) fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// A path in the working copy.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// A path among what is built.
    pub(crate) fn target(&self, path: &str) -> PathBuf {
        self.metadata.target_directory.as_std_path().join(path)
    }

    /// The least compiler that the workspace asks for: the 95 of 1.95.
    pub(crate) fn rust_version_minor(&self) -> u64 {
        let asked = self.metadata.packages.iter().filter_map(|package| package.rust_version.as_ref());
        asked.map(|version| version.minor).max().unwrap_or(0)
    }

    /// `cargo` with arguments, in the root.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Job {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        Job::new(cargo).args(arguments).directory(self.root())
    }

    /// Builds all there is, in the one profile and with the one set of features that all checks and tests share.
    pub(crate) fn build(&self) -> Result<()> {
        self.cargo(&["build", "--workspace", "--all-targets"]).run()
    }

    /// The files of the working copy that git does not ignore and whose names end so.
    pub(crate) fn files(&self, suffix: &str) -> Result<Vec<String>> {
        let listed = Job::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "-z"])
            .directory(self.root())
            .output()?;
        Ok(String::from_utf8_lossy(&listed)
            .split('\0')
            .filter(|path| path.ends_with(suffix) && self.path(path).is_file())
            .map(str::to_owned)
            .collect())
    }
}
