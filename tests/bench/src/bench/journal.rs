//! `journal`: events of 128 bytes appended beside a bare loop that writes and syncs the same commits.
//!
//! Each round lets the journal run, takes from its own metrics how many commits it made of how many bytes, and then
//! gives the bare loop just as many of just that size.

use crate::{
    disk::Disk,
    peer, probe,
    rounds::Rounds,
    screen, store,
    table::{self, Table},
};
use aisle_journal::{Config, Entry, Journal, Ticket};
use anyhow::{Context, Result};
use prometheus_client::{encoding::text, registry::Registry};
use std::{
    collections::VecDeque,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

const EVENT_BYTES: usize = 128;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(1);
/// Of the events' throughput in the bare loop (DESIGN section 6).
const BAR: f64 = 0.8;

/// Who writes, and how.
#[derive(Debug, Clone, Copy)]
struct Writers {
    threads: usize,
    /// Batches that each has on their way.
    in_flight: usize,
    /// Events of a batch.
    batch: usize,
}

const WRITERS: [Writers; 4] = [
    Writers { threads: 4, in_flight: 512, batch: 1 },
    Writers { threads: 4, in_flight: 16, batch: 64 },
    Writers { threads: 64, in_flight: 1, batch: 1 },
    Writers { threads: 1, in_flight: 1, batch: 1 },
];
const DISKS: [Disk; 2] = [Disk { sync_min: Duration::ZERO }, Disk { sync_min: Duration::from_millis(2) }];

/// What the journal did in a round.
#[derive(Debug)]
struct Done {
    events: f64,
    commits: f64,
    bytes: f64,
    elapsed: Duration,
}

#[derive(Debug)]
struct Case {
    disk: Disk,
    writers: Writers,
    ours: Rounds,
    theirs: Rounds,
    events_per_commit: Rounds,
}

impl Case {
    fn new(disk: Disk, writers: Writers) -> Self {
        let (ours, theirs, events_per_commit) = Default::default();
        Self { disk, writers, ours, theirs, events_per_commit }
    }

    fn round(&mut self) -> Result<()> {
        let dir = store::scratch()?;
        let ours = append(self.disk, &dir.path().join("journal"), self.writers)?;
        let (commits, bytes) = (ours.commits as u64, (ours.bytes / ours.commits) as usize);
        let theirs = peer::log::write_and_sync(self.disk, &dir.path().join("bare"), commits, bytes)?;
        self.ours.add(ours.events / ours.elapsed.as_secs_f64());
        self.theirs.add(ours.events / theirs.as_secs_f64());
        self.events_per_commit.add(ours.events / ours.commits);
        Ok(())
    }

    fn row(&self, table: &mut Table) {
        let Self { disk, writers, .. } = self;
        let ratio = self.ours.ratio(&self.theirs);
        // The bar speaks of the disk as it is, and of writers who do not wait for each event.
        let judged = writers.in_flight > 1 && disk.sync_min.is_zero();
        table.row([
            format!("{} × {} × {}", writers.threads, writers.in_flight, writers.batch),
            if disk.sync_min.is_zero() { "as it is".into() } else { table::duration(disk.sync_min) },
            table::count(self.events_per_commit.median()),
            table::count(self.ours.median()),
            table::count(self.theirs.median()),
            table::ratio(ratio),
            if judged { format!("≥ {}", table::ratio(BAR)) } else { "–".into() },
            if judged { table::met(ratio >= BAR) } else { "–".into() },
        ]);
    }
}

/// Measures, and gives the report.
pub(crate) fn run() -> Result<String> {
    let scratch = store::scratch()?;
    let with = |disk| WRITERS.map(|writers| Case::new(disk, writers));
    let mut cases: Vec<Case> = DISKS.into_iter().flat_map(with).collect();
    let mut sync = Rounds::default();
    for round in 1..=ROUNDS {
        screen::progress(&format_args!("journal: round {round} of {ROUNDS}"));
        for case in &mut cases {
            sync.add(probe::fdatasync(scratch.path())?);
            case.round()?;
        }
    }
    let mut table = Table::new(&[
        "writers × batches in flight × events a batch",
        "a sync takes",
        "events a commit",
        "journal, events/s",
        "bare loop, events/s",
        "ratio",
        "bar",
        "met",
    ]);
    for case in &cases {
        case.row(&mut table);
    }
    Ok(format!(
        "{table}\nEvents of {EVENT_BYTES} bytes, {ROUNDS} rounds of {} each, taking turns. The disk's own write of a page \
         and fdatasync, probed before every round: {} (median), {} to {}. Load of the machine at the end: {}.",
        table::duration(ROUND),
        table::time(sync.median()),
        table::time(sync.least()),
        table::time(sync.most()),
        probe::load(),
    ))
}

fn append(disk: Disk, dir: &Path, writers: Writers) -> Result<Done> {
    let mut registry = Registry::with_prefix("aisle");
    let (journal, _) = Journal::open(dir, Config::default(), Arc::new(disk), &mut registry)?;
    let started = Instant::now();
    let written = thread::scope(|scope| {
        let spawn = |_| scope.spawn(|| write(&journal, writers, started + ROUND));
        let threads: Vec<_> = (0..writers.threads).map(spawn).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|_| anyhow::bail!("a writer panicked")))
    });
    let elapsed = started.elapsed();
    written?;
    let events = journal.durable() as f64;
    journal.close();
    let mut metrics = String::new();
    text::encode(&mut metrics, &registry)?;
    let metric = |name: &str| -> Result<f64> {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        line.with_context(|| format!("the journal has no metric `{name}`"))
    };
    Ok(Done {
        events,
        commits: metric("aisle_journal_commits_total ")?,
        bytes: metric("aisle_journal_written_bytes_total ")?,
        elapsed,
    })
}

/// One writer: keeps so many batches on their way until the deadline, then waits for all of them.
fn write(journal: &Journal, writers: Writers, deadline: Instant) -> Result<()> {
    let mut tickets: VecDeque<Ticket> = VecDeque::with_capacity(writers.in_flight);
    let event = || Entry { kind: 1, payload: vec![7; EVENT_BYTES] };
    while Instant::now() < deadline {
        tickets.push_back(journal.submit((0..writers.batch).map(|_| event()).collect())?);
        if tickets.len() == writers.in_flight
            && let Some(oldest) = tickets.pop_front()
        {
            oldest.wait()?;
        }
    }
    tickets.into_iter().try_for_each(|ticket| ticket.wait().map(drop)).map_err(Into::into)
}
