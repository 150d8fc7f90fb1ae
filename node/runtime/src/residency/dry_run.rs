//! `aisle-node residency dry-run`: what a policy would let out of the last days, field by field, before anybody signs it.

use super::{
    existing_journal,
    policy::{Named, read, regions},
    time,
};
use crate::{cli::residency::DryRunArgs, output, store::reading_veil};
use aisle_journal::{Io, RealIo, read_only, stats};
use aisle_outbox::{Progress, dry_run};
use aisle_residency::{Outcome, Region, Row};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::{path::Path, sync::Arc};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// What would have left.
#[derive(Debug, Serialize)]
struct Tried {
    policy: Named,
    /// By the journal's own time, in milliseconds since 1970.
    since_ms: u64,
    until_ms: u64,
    regions: Vec<Way>,
}

/// What would have left to one region.
#[derive(Debug, Serialize)]
struct Way {
    region: String,
    events: u64,
    leave: u64,
    /// Bytes of the events in the journal.
    bytes_before: u64,
    /// Bytes that leave, before packing.
    bytes_after: u64,
    /// Records that are no event that this build can read.
    undecodable: u64,
    /// Records that are damaged or were taken out, of the whole journal.
    missing: u64,
    fields: Vec<Field>,
}

/// How many values of a field come to what.
#[derive(Debug, Serialize)]
struct Field {
    field: &'static str,
    class: &'static str,
    passed: u64,
    tokened: u64,
    coarsened: u64,
    aggregated: u64,
    dropped: u64,
}

/// Tries a policy out on the journal.
pub(super) fn run(args: &DryRunArgs, data: &Path, json: bool) -> anyhow::Result<()> {
    let journal = existing_journal(data)?;
    let policy = read(&args.policy)?;
    let regions = regions(&policy, &args.region)?;
    let until_ms = end_ms(&journal).with_context(|| format!("cannot read `{}`", journal.display()))?;
    let since_ms = until_ms.saturating_sub(u64::from(args.days).saturating_mul(DAY_MS));
    let mut tried = Tried { policy: Named::of(&policy), since_ms, until_ms, regions: Vec::new() };
    for region in regions {
        let bar = Bar::new(&region, json);
        let io = (Arc::new(RealIo) as Arc<dyn Io>, Some(reading_veil(data)?));
        let found = dry_run(&journal, io, &policy, &region, since_ms, |at| bar.at(at))
            .with_context(|| format!("cannot read `{}` to its end", journal.display()))?;
        drop(bar);
        tried.regions.push(way(&region, found));
    }
    if json {
        return Ok(output::json(&tried)?);
    }
    let (since, until) = (time(since_ms), time(until_ms));
    output::line(format!("{}, from {since} to {until}, by the journal's time", tried.policy.words()))?;
    if tried.regions.is_empty() {
        output::line("the policy names no region: nothing would leave by it")?;
    }
    tried.regions.iter().try_for_each(show)
}

/// The time of the last record; 0 of a journal that has none.
fn end_ms(journal: &Path) -> anyhow::Result<u64> {
    let last = stats(journal, &RealIo)?.last;
    if last == 0 {
        return Ok(0);
    }
    let record = read_only(journal, Arc::new(RealIo), last)?.next().transpose()?;
    Ok(record.map_or(0, |record| record.hlc.ms()))
}

fn way(region: &Region, found: aisle_outbox::DryRun) -> Way {
    let aisle_outbox::DryRun { run, undecodable, missing } = found;
    Way {
        region: region.to_string(),
        events: run.events,
        leave: run.leave,
        bytes_before: run.bytes_before,
        bytes_after: run.bytes_after,
        undecodable,
        missing,
        fields: run.rows.iter().map(field).collect(),
    }
}

fn field(row: &Row) -> Field {
    let counted = |outcome: Outcome| row.counts.get(usize::from(outcome.number())).copied().unwrap_or(0);
    Field {
        field: row.path.as_str(),
        class: row.class,
        passed: counted(Outcome::Passed),
        tokened: counted(Outcome::Tokened),
        coarsened: counted(Outcome::Coarsened),
        aggregated: counted(Outcome::Aggregated),
        dropped: counted(Outcome::Dropped),
    }
}

/// What stands above the fields.
fn heading(way: &Way) -> String {
    let Way { region, events, leave, bytes_before, bytes_after, .. } = way;
    format!(
        "to `{region}`: something of {leave} in {events} events would leave, {bytes_after} of {bytes_before} bytes before packing"
    )
}

fn cells(field: &Field) -> [String; 7] {
    let Field { field, class, passed, tokened, coarsened, aggregated, dropped } = field;
    // A zero says no more than an empty place, and hides the numbers beside it.
    let number = |count: &u64| if *count == 0 { "-".into() } else { count.to_string() };
    [
        (*field).into(),
        (*class).into(),
        number(passed),
        number(tokened),
        number(coarsened),
        number(aggregated),
        number(dropped),
    ]
}

fn show(way: &Way) -> anyhow::Result<()> {
    output::line("")?;
    output::line(heading(way))?;
    if !way.fields.is_empty() {
        let headings = ["FIELD", "CLASS", "PASSED", "TOKENED", "COARSENED", "AGGREGATED", "DROPPED"];
        output::table(headings, &way.fields.iter().map(cells).collect::<Vec<_>>())?;
    }
    if way.undecodable > 0 {
        output::line(format!(
            "note: {} records are no event that this build can read; they stay",
            way.undecodable
        ))?;
    }
    if way.missing > 0 {
        output::line(format!("note: {} records of the journal are damaged or were taken out", way.missing))?;
    }
    Ok(())
}

/// How far it is, on a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new(region: &Region, json: bool) -> Self {
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}  {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(format!("to {region}"));
        Self(bar)
    }

    fn at(&self, progress: Progress) {
        self.0.set_length(progress.total);
        self.0.set_position(progress.read);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_residency::vocabulary::Path as Known;

    fn tried() -> Way {
        let row = |name, class, counts| Row { path: Known::named(name).unwrap(), class, counts };
        let run = aisle_residency::DryRun {
            events: 12,
            leave: 5,
            bytes_before: 1_200,
            bytes_after: 180,
            rows: vec![
                row("SaleRecorded.document", "open", [5, 0, 0, 0, 0]),
                row("SaleRecorded.customer", "personal", [0, 3, 0, 0, 2]),
            ],
        };
        let found = aisle_outbox::DryRun { run, undecodable: 1, missing: 0 };
        way(&Region::new("eu").unwrap(), found)
    }

    #[test]
    fn a_field_has_a_number_for_each_thing_that_becomes_of_it() {
        let tried = tried();
        assert_eq!(
            heading(&tried),
            "to `eu`: something of 5 in 12 events would leave, 180 of 1200 bytes before packing"
        );
        let rows: Vec<String> = tried.fields.iter().map(|field| cells(field).join(" ")).collect();
        assert_eq!(
            rows,
            ["SaleRecorded.document open 5 - - - -", "SaleRecorded.customer personal - 3 - - 2"]
        );
    }

    #[test]
    fn scripts_get_every_number() {
        let value = serde_json::to_value(tried()).unwrap();
        assert_eq!(value["fields"][1]["tokened"], 3);
        assert_eq!(value["fields"][1]["aggregated"], 0);
        assert_eq!(value["events"], 12);
        assert_eq!(value["undecodable"], 1);
    }
}
