//! The journal's peer: a loop of write and fdatasync into a preallocated file. No checksum, no chain, no writers.

use crate::{disk::Disk, probe};
use anyhow::Result;
use std::{
    os::unix::fs::FileExt,
    path::Path,
    time::{Duration, Instant},
};

/// Writes and syncs so many times so many bytes; the reserving of the file is not in the time.
pub(crate) fn write_and_sync(disk: Disk, path: &Path, commits: u64, bytes: usize) -> Result<Duration> {
    let file = probe::preallocated(path, commits * bytes as u64)?;
    let batch = vec![7; bytes];
    let started = Instant::now();
    for commit in 0..commits {
        file.write_all_at(&batch, commit * bytes as u64)?;
        disk.sync(|| file.sync_data())?;
    }
    Ok(started.elapsed())
}
