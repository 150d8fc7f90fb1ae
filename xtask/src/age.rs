//! How old files are: what is built from others is built again when one of them is younger.

use anyhow::{Context, Result};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

const FOLDERS_DEEP_MAX: usize = 8;

/// When a file was written; long ago where there is none.
pub(crate) fn written(path: &Path) -> Result<SystemTime> {
    match fs::metadata(path).and_then(|metadata| metadata.modified()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(SystemTime::UNIX_EPOCH),
        other => other.with_context(|| format!("cannot look at `{}`", path.display())),
    }
}

/// When the youngest file below any of the paths was written. What is called as one of `without` does not count.
pub(crate) fn newest(paths: impl IntoIterator<Item = PathBuf>, without: &[&str]) -> Result<SystemTime> {
    let mut paths = paths.into_iter();
    paths.try_fold(SystemTime::UNIX_EPOCH, |all, path| Ok(all.max(newest_below(&path, without, 0)?)))
}

fn newest_below(path: &Path, without: &[&str], depth: usize) -> Result<SystemTime> {
    if !path.is_dir() || depth > FOLDERS_DEEP_MAX {
        return written(path);
    }
    let counts = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        !without.iter().any(|other| name == *other)
    };
    entries(path)?
        .iter()
        .filter(|path| counts(path))
        .try_fold(SystemTime::UNIX_EPOCH, |all, path| Ok(all.max(newest_below(path, without, depth + 1)?)))
}

/// What lies in a folder.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .with_context(|| format!("cannot list `{}`", folder.display()))
}
