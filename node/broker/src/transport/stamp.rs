//! Whether a file has changed since it was read.

use std::{os::unix::fs::MetadataExt, path::Path};

/// What changes when a file does; `None` in its place means that there is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    inode: u64,
    bytes: u64,
    modified_s: i64,
    modified_ns: i64,
}

impl Stamp {
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let about = std::fs::metadata(path).ok()?;
        Some(Self {
            inode: about.ino(),
            bytes: about.len(),
            modified_s: about.mtime(),
            modified_ns: about.mtime_nsec(),
        })
    }
}
