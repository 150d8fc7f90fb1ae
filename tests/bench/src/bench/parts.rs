//! What a benchmark of several parts is: a disk that is probed, rounds, and a report of the parts that were asked for.

use crate::{probe, process, rounds::Rounds, store, table};
use anyhow::{Context, Result};
use clap::ValueEnum;
use std::{fmt::Debug, path::Path, time::Duration};
use tempfile::TempDir;

/// What every part works with.
#[derive(Debug)]
pub(super) struct Bench {
    scratch: TempDir,
    /// Rounds of each figure that is taken in rounds; at least one.
    pub(super) rounds: usize,
    /// How long a steady load lasts.
    pub(super) steady: Duration,
    /// The disk's own write of a page and fdatasync.
    sync: Rounds,
}

impl Bench {
    /// A bench on an empty directory, whose disk has been probed once.
    pub(super) fn new(rounds: usize, seconds: u64) -> Result<Self> {
        process::allow_open_files()?;
        let mut bench = Self {
            scratch: store::scratch()?,
            rounds: rounds.max(1),
            steady: Duration::from_secs(seconds),
            sync: Rounds::default(),
        };
        bench.probe()?;
        Ok(bench)
    }

    pub(super) fn dir(&self) -> &Path {
        self.scratch.path()
    }

    /// Probes the disk, before something durable is measured.
    pub(super) fn probe(&mut self) -> Result<()> {
        self.sync.add(probe::fdatasync(self.scratch.path())?);
        Ok(())
    }

    /// Measures these parts, or all when none is named, and gives the report; `shared` says what runs on the same cores.
    pub(super) fn report<P: ValueEnum + PartialEq + Debug>(
        mut self,
        only: &[P],
        shared: &str,
        measure: impl Fn(&mut Self, &P) -> Result<String>,
    ) -> Result<String> {
        let mut report = String::new();
        for part in P::value_variants() {
            if !only.is_empty() && !only.contains(part) {
                continue;
            }
            let text = measure(&mut self, part).with_context(|| format!("`{part:?}` was not measured"))?;
            report += text.trim_end();
            report += "\n\n";
        }
        Ok(format!(
            "{report}{shared} The disk's own write of a page and fdatasync, probed at the start and before each round that writes: {} \
             (median), {} to {}. Load of the machine at the end, this benchmark included: {}.",
            table::time(self.sync.median()),
            table::time(self.sync.least()),
            table::time(self.sync.most()),
            probe::load(),
        ))
    }
}
