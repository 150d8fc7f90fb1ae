//! The child that is killed: `aisle-crash-child <directory> <round>` appends until it is.

use aisle_crash::{Acknowledged, entries, payload};
use aisle_journal::{Config, Entry, Journal, RealIo};
use anyhow::{Context, bail};
use prometheus_client::registry::Registry;
use std::{
    env,
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
    thread,
};

const WRITERS: u64 = 4;
const KIND: u16 = 0x0201;

fn main() -> anyhow::Result<()> {
    let mut arguments = env::args_os().skip(1);
    let dir = PathBuf::from(arguments.next().context("a directory is needed")?);
    let round =
        arguments.next().and_then(|round| round.to_str()?.parse().ok()).context("a round is needed")?;

    // Small segments, so that many kills fall into a roll-over.
    let config = Config { segment_bytes: 64 << 10, ..Config::default() };
    let (journal, _) = Journal::open(&dir, config, Arc::new(RealIo), &mut Registry::default())?;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let journal = journal.clone();
            thread::spawn(move || write(&journal, round, writer))
        })
        .collect();
    for writer in writers {
        match writer.join() {
            Ok(ended) => ended?,
            Err(_) => bail!("a writer panicked"),
        }
    }
    Ok(())
}

fn write(journal: &Journal, round: u64, writer: u64) -> anyhow::Result<()> {
    for turn in 0.. {
        let batch = (0..entries(turn))
            .map(|entry| Entry { kind: KIND, payload: payload(round, writer, turn, entry) })
            .collect();
        let committed = journal.append(batch)?;
        let line = Acknowledged { writer, turn, first: committed.first, last: committed.last };
        // One write for the line: what the parent gets is what was acknowledged, and at most a torn last line.
        io::stdout().lock().write_all(format!("{line}\n").as_bytes())?;
        if turn % 64 == 63 && writer == 0 {
            journal.trim(committed.first.saturating_sub(20_000))?;
        }
    }
    Ok(())
}
