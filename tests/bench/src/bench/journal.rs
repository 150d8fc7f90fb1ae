//! `journal`: events of 128 bytes appended beside a bare loop that writes and syncs the same commits.
//!
//! Each round lets the journal run, takes from its own metrics how many commits it made of how many bytes, and then
//! gives the bare loop just as many of just that size.

use crate::{
    peer, probe,
    rounds::Rounds,
    screen, store,
    table::{self, Table},
};
use aisle_journal::{Config, Entry, Journal, RealIo, Ticket};
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
const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(1_500);
/// Of the events' throughput in the bare loop (DESIGN section 6).
const BAR: f64 = 0.8;

/// Who writes, and how.
#[derive(Debug, Clone, Copy)]
struct Writers {
    threads: usize,
    /// Events that each has on their way, each a batch of its own.
    in_flight: usize,
}

const WRITERS: &[Writers] = &[
    Writers { threads: 4, in_flight: 512 },
    Writers { threads: 64, in_flight: 1 },
    Writers { threads: 1, in_flight: 1 },
];

/// What the journal did in a round.
#[derive(Debug)]
struct Done {
    events: f64,
    commits: f64,
    bytes: f64,
    elapsed: Duration,
}

#[derive(Debug, Default)]
struct Measured {
    ours: Rounds,
    theirs: Rounds,
    events_per_commit: Rounds,
}

/// Measures, and gives the report.
pub(crate) fn run() -> Result<String> {
    let scratch = store::scratch()?;
    let mut measured: Vec<Measured> = WRITERS.iter().map(|_| Measured::default()).collect();
    let mut sync = Rounds::default();
    for round in 1..=ROUNDS {
        screen::progress(&format_args!("journal: round {round} of {ROUNDS}"));
        for (writers, measured) in WRITERS.iter().zip(&mut measured) {
            sync.add(probe::fdatasync(scratch.path())?);
            let dir = store::scratch()?;
            let ours = append(&dir.path().join("journal"), *writers)?;
            let commit_bytes = (ours.bytes / ours.commits) as usize;
            let theirs =
                peer::log::write_and_sync(&dir.path().join("bare"), ours.commits as u64, commit_bytes)?;
            measured.ours.add(ours.events / ours.elapsed.as_secs_f64());
            measured.theirs.add(ours.events / theirs.as_secs_f64());
            measured.events_per_commit.add(ours.events / ours.commits);
        }
    }

    let mut table = Table::new(&[
        "writers × events in flight",
        "events a commit",
        "journal, events/s",
        "bare loop, events/s",
        "ratio",
        "bar",
        "met",
    ]);
    for (writers, measured) in WRITERS.iter().zip(&measured) {
        let ratio = measured.ours.ratio(&measured.theirs);
        let batched = writers.in_flight > 1;
        table.row([
            format!("{} × {}", writers.threads, writers.in_flight),
            table::count(measured.events_per_commit.median()),
            table::count(measured.ours.median()),
            table::count(measured.theirs.median()),
            table::ratio(ratio),
            if batched { format!("≥ {}", table::ratio(BAR)) } else { "–".into() },
            if batched { table::met(ratio >= BAR) } else { "–".into() },
        ]);
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

fn append(dir: &Path, writers: Writers) -> Result<Done> {
    let mut registry = Registry::default();
    let (journal, _) = Journal::open(dir, Config::default(), Arc::new(RealIo), &mut registry)?;
    let started = Instant::now();
    let written = thread::scope(|scope| {
        let threads: Vec<_> = (0..writers.threads)
            .map(|_| scope.spawn(|| write(&journal, writers.in_flight, started + ROUND)))
            .collect();
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

/// One writer: keeps so many events on their way until the deadline, then waits for all of them.
fn write(journal: &Journal, in_flight: usize, deadline: Instant) -> Result<()> {
    let mut tickets: VecDeque<Ticket> = VecDeque::with_capacity(in_flight);
    while Instant::now() < deadline {
        tickets.push_back(journal.submit(vec![Entry { kind: 1, payload: vec![7; EVENT_BYTES] }])?);
        if tickets.len() == in_flight
            && let Some(oldest) = tickets.pop_front()
        {
            oldest.wait()?;
        }
    }
    tickets.into_iter().try_for_each(|ticket| ticket.wait().map(drop)).map_err(Into::into)
}
