//! `mqtt`: the node's broker, which acknowledges what is on disk, beside mosquitto, which forgets everything when it stops.
//!
//! One generator loads both in turns, on the cores that they run on. Both are started anew for each round, the node on an
//! empty store. Every figure of a round is taken between the warm-up and the end of the round.

mod acknowledged;
mod broker;
mod certificate;
mod commits;
mod fan;
mod idle;
mod load;
mod steady;
mod storm;

use crate::{probe, process, rounds::Rounds, store, table};
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use std::{path::Path, time::Duration};
use tempfile::TempDir;

/// What of it to measure, and how long.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// Only this part; may be repeated
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Rounds of each figure
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long the steady load lasts
    #[arg(long, default_value_t = 120)]
    seconds: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Publishers that wait for their acknowledgements, QoS 1 and 2; processor time per message
    Acknowledged,
    /// One publisher with 50 subscribers, 50 publishers with one
    Fan,
    /// Memory of 5,000 connections, plain and TLS
    Idle,
    /// 2,000 clients at once
    Storm,
    /// 500 clients with ten messages a second each; memory over time
    Steady,
}

/// What every part works with.
#[derive(Debug)]
struct Bench {
    scratch: TempDir,
    rounds: usize,
    steady: Duration,
    /// The disk's own write of a page and fdatasync.
    sync: Rounds,
}

impl Bench {
    fn dir(&self) -> &Path {
        self.scratch.path()
    }

    /// Probes the disk, before something durable is measured.
    fn probe(&mut self) -> Result<()> {
        self.sync.add(probe::fdatasync(self.scratch.path())?);
        Ok(())
    }
}

/// Measures, and gives the report.
pub(crate) fn run(arguments: &Arguments) -> Result<String> {
    process::allow_open_files()?;
    let mut bench = Bench {
        scratch: store::scratch()?,
        rounds: arguments.rounds.max(1),
        steady: Duration::from_secs(arguments.seconds),
        sync: Rounds::default(),
    };
    bench.probe()?;
    let mut report = String::new();
    for part in Part::value_variants() {
        if !arguments.only.is_empty() && !arguments.only.contains(part) {
            continue;
        }
        let text = match part {
            Part::Acknowledged => acknowledged::measure(&mut bench),
            Part::Fan => fan::measure(&mut bench),
            Part::Idle => idle::measure(&bench),
            Part::Storm => storm::measure(&bench),
            Part::Steady => steady::measure(&mut bench),
        };
        report += &text.with_context(|| format!("`{part:?}` was not measured"))?;
        report += "\n\n";
    }
    Ok(format!(
        "{report}Generator, node and mosquitto share the machine's cores; the generator is one thread. The disk's own write of a \
         page and fdatasync, probed before each round that writes: {} (median), {} to {}. Load of the machine at the end, this \
         benchmark included: {}.",
        table::time(bench.sync.median()),
        table::time(bench.sync.least()),
        table::time(bench.sync.most()),
        probe::load(),
    ))
}
