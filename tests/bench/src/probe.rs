//! The machine while it is measured: how long its disk takes to sync, and how busy it is.

use anyhow::{Context, Result};
use rustix::fs::FallocateFlags;
use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
    time::Instant,
};

/// What one probe writes before it syncs: a page.
const PROBE_BYTES: usize = 4096;
const PROBES: u64 = 100;

/// Seconds for one write of a page and its fdatasync, into a preallocated file: the median of a hundred.
pub(crate) fn fdatasync(dir: &Path) -> Result<f64> {
    let file = preallocated(&dir.join("probe"), PROBES * PROBE_BYTES as u64)?;
    let mut seconds = crate::rounds::Rounds::default();
    for probe in 0..PROBES {
        let started = Instant::now();
        file.write_all_at(&[1; PROBE_BYTES], probe * PROBE_BYTES as u64)?;
        file.sync_data()?;
        seconds.add(started.elapsed().as_secs_f64());
    }
    Ok(seconds.median())
}

/// A new file with its blocks reserved and synced, as a segment of the journal is.
pub(crate) fn preallocated(path: &Path, bytes: u64) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot create `{}`", path.display()))?;
    rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, bytes)
        .with_context(|| format!("cannot reserve {bytes} bytes for `{}`", path.display()))?;
    file.sync_all()?;
    Ok(file)
}

/// How busy the machine was over the last one and five minutes, in words for below a table.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut averages = text.split_whitespace();
    match (averages.next(), averages.next()) {
        (Some(one), Some(five)) => format!("{one} (1 min), {five} (5 min)"),
        _ => "unknown".into(),
    }
}
