//! `aisle-node journal`: looks into the journal from outside, also while a node runs. Changes nothing.

use crate::{
    cli::JournalCommand,
    output,
    store::{journal_dir, reading_veil},
};
use aisle_event::{Event, EventType};
use aisle_journal::{ReadError, RealIo, Record, Veil, read_only_with, stats, verify};
use anyhow::{Context, bail};
use data_encoding::HEXLOWER;
use serde::Serialize;
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// Runs one command. False when damage was found.
pub(crate) fn run(command: &JournalCommand, data: &Path, json: bool) -> anyhow::Result<bool> {
    let dir = journal_dir(data);
    if !dir.is_dir() {
        bail!(
            "there is no journal in `{}`\nhint: `--data` names the directory of a store that has run",
            data.display()
        );
    }
    match command {
        JournalCommand::Verify => verified(&dir, json),
        JournalCommand::Stats => counted(&dir, json),
        JournalCommand::Cat { from, count, event } => {
            printed(&dir, reading_veil(data)?, *from, *count, event.as_deref())
        }
    }
}

#[derive(Serialize)]
struct VerifyReport {
    whole: bool,
    segments: u64,
    records: u64,
    first_seq: u64,
    last_seq: u64,
    head: String,
    damages: Vec<String>,
    gaps: Vec<String>,
}

fn verified(dir: &Path, json: bool) -> anyhow::Result<bool> {
    let found = verify(dir, &RealIo).with_context(|| format!("cannot verify `{}`", dir.display()))?;
    let report = VerifyReport {
        whole: found.damages.is_empty(),
        segments: found.segments,
        records: found.records,
        first_seq: found.first,
        last_seq: found.last,
        head: HEXLOWER.encode(&found.head),
        damages: found.damages.iter().map(ToString::to_string).collect(),
        gaps: found
            .gaps
            .iter()
            .map(|gap| {
                format!(
                    "records {} to {} are in `quarantine/{}` at byte {}",
                    gap.first, gap.last, gap.file, gap.offset
                )
            })
            .collect(),
    };
    if json {
        output::json(&report)?;
        return Ok(report.whole);
    }
    let VerifyReport { segments, records, first_seq, last_seq, head, .. } = &report;
    output::line(format!(
        "{records} records ({first_seq} to {last_seq}) in {segments} segments; chain head {head}"
    ))?;
    for gap in &report.gaps {
        output::line(format!("gap: {gap}"))?;
    }
    for damage in &report.damages {
        output::line(format!("damaged: {damage}"))?;
    }
    output::line(if report.whole {
        "whole"
    } else {
        "not whole; see `journal.on_corruption` for what a start does about it"
    })?;
    Ok(report.whole)
}

#[derive(Serialize)]
struct StatsReport {
    segments: u64,
    bytes: u64,
    first_seq: u64,
    last_seq: u64,
    payload_bytes: u64,
    events: BTreeMap<String, Kind>,
}

#[derive(Default, Serialize)]
struct Kind {
    records: u64,
    payload_bytes: u64,
}

fn counted(dir: &Path, json: bool) -> anyhow::Result<bool> {
    let found = stats(dir, &RealIo).with_context(|| format!("cannot read `{}`", dir.display()))?;
    let mut events: BTreeMap<String, Kind> = BTreeMap::new();
    let mut payload_bytes = 0;
    for_each(dir, None, found.first, |item| {
        if let Item::Record(record) = item {
            let kind = events.entry(name(record.kind)).or_default();
            kind.records += 1;
            kind.payload_bytes += record.payload.len() as u64;
            payload_bytes += record.payload.len() as u64;
        }
        Ok(true)
    })?;
    let report = StatsReport {
        segments: found.segments,
        bytes: found.bytes,
        first_seq: found.first,
        last_seq: found.last,
        payload_bytes,
        events,
    };
    if json {
        output::json(&report)?;
        return Ok(true);
    }
    output::line(format!(
        "{} segments, {} bytes on disk, records {} to {}",
        report.segments, report.bytes, report.first_seq, report.last_seq
    ))?;
    for (name, kind) in &report.events {
        output::line(format!("{:>10}  {name} ({} bytes)", kind.records, kind.payload_bytes))?;
    }
    Ok(true)
}

#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    hlc: String,
    #[serde(flatten)]
    event: &'a Event,
}

#[derive(Serialize)]
struct Odd {
    seq: u64,
    problem: String,
}

fn printed(
    dir: &Path,
    veil: Arc<dyn Veil>,
    from: u64,
    count: Option<u64>,
    event: Option<&str>,
) -> anyhow::Result<bool> {
    let wanted = event.map(kind_named).transpose()?;
    let mut left = count.unwrap_or(u64::MAX);
    let first = stats(dir, &RealIo).with_context(|| format!("cannot read `{}`", dir.display()))?.first;
    for_each(dir, Some(veil), from.max(first), |item| {
        if left == 0 {
            return Ok(false);
        }
        match item {
            Item::Record(record) if wanted.is_none_or(|kind| kind == record.kind) => {
                left -= 1;
                let (seq, hlc) = (record.seq, record.hlc.to_string());
                match Event::decode(EventType(record.kind), &record.payload) {
                    Ok(event) => output::json(&Line { seq, hlc, event: &event }),
                    Err(error) => output::json(&Odd { seq, problem: error.to_string() }),
                }?;
            }
            Item::Record(_) => {}
            Item::Gap { first, problem } => output::json(&Odd { seq: first, problem })?,
        }
        Ok(true)
    })?;
    Ok(true)
}

enum Item<'a> {
    Record(&'a Record),
    Gap { first: u64, problem: String },
}

/// Goes through the records until `visit` says false. A gap is an item of its own; damage ends the walk with its place.
fn for_each(
    dir: &Path,
    veil: Option<Arc<dyn Veil>>,
    from: u64,
    mut visit: impl FnMut(Item<'_>) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let mut reader = read_only_with(dir, Arc::new(RealIo), veil, from)?;
    while let Some(next) = reader.next() {
        let go_on = match next {
            Ok(record) => visit(Item::Record(&record))?,
            Err(error @ ReadError::Gap { first, .. }) => {
                reader.continue_after_gap();
                visit(Item::Gap { first, problem: error.to_string() })?
            }
            Err(error) => return Err(error.into()),
        };
        if !go_on {
            break;
        }
    }
    Ok(())
}

fn name(kind: u16) -> String {
    let known = Event::TYPES.iter().find(|(number, ..)| number.0 == kind);
    known.map_or_else(|| format!("unknown type {kind:#06x}"), |(_, name, _)| (*name).into())
}

fn kind_named(wanted: &str) -> anyhow::Result<u16> {
    match Event::TYPES.iter().find(|(_, name, _)| name.eq_ignore_ascii_case(wanted)) {
        Some((kind, ..)) => Ok(kind.0),
        None => {
            let names: Vec<&str> = Event::TYPES.iter().map(|(_, name, _)| *name).collect();
            bail!("there is no event `{wanted}`\nhint: there are {}", names.join(", "))
        }
    }
}
