//! `aisle-node cold-chain verify`: a report against the journal it was made from, read beside a running node or without one.

use crate::{
    floor::report::heads,
    output::{self, plain},
    store::journal_dir,
};
use aisle_inventory::cold_chain::{Outcome, embedded, report::Report, verify as compare};
use aisle_journal::{ReadError, Reader, RealIo, read_only, stats};
use anyhow::{Context, bail};
use data_encoding::HEXLOWER;
use serde::Serialize;
use std::{fs, path::Path, sync::Arc};

/// The longest file that is read, in bytes; a report is shorter.
const FILE_BYTES_MAX: u64 = 32 << 20;

#[derive(Serialize)]
struct Verified<'a> {
    verified: bool,
    unit: &'a str,
    day: &'a str,
    records: u64,
    readings: u64,
    page_compared: bool,
    chain_compared: bool,
    differences_count: u64,
    differences: Vec<String>,
}

/// Verifies a report. False when it differs.
pub(super) fn verify(file: &Path, data: &Path, json: bool) -> anyhow::Result<bool> {
    let unreadable = || format!("cannot read `{}`", file.display());
    if fs::metadata(file).with_context(unreadable)?.len() > FILE_BYTES_MAX {
        bail!("`{}` has more than {FILE_BYTES_MAX} bytes; a report has less", file.display());
    }
    let bytes = fs::read(file).with_context(unreadable)?;
    // A byte that is no text was not there when the report was made; the comparison says so.
    let text = String::from_utf8_lossy(&bytes);
    let report = embedded(&text).with_context(|| format!("`{}` is no report", file.display()))?;
    let dir = journal_dir(data);
    if !dir.is_dir() {
        bail!(
            "there is no journal in `{}`\nhint: `--data` names the directory of the store that the report is of",
            data.display()
        );
    }
    of_this_journal(&report, &dir, file)?;
    let range = report.records();
    let heads = range.map(|range| heads(&dir, range)).transpose();
    let heads = heads.with_context(|| format!("cannot read `{}`", dir.display()))?.flatten();
    let mut damage = None;
    let records = match range {
        Some((first, last)) => {
            let reader = read_only(&dir, Arc::new(RealIo), first)
                .context("the journal no longer has what the report rests on")?;
            Some(Records { reader, last, damage: &mut damage })
        }
        None => None,
    };
    let pair = heads.as_ref().map(|(before, after)| (before.as_str(), after.as_str()));
    let outcome = compare(&text, records.into_iter().flatten(), pair)?;
    if let Some(damage) = damage {
        return Err(damage).context("the journal cannot be read to the report's end");
    }
    // Without evidence in the report, or heads in the journal, there is no chain to hold it to.
    let chain_compared = heads.is_some() && report.evidence.is_some();
    tell(&report, &outcome, chain_compared, json)?;
    Ok(outcome.is_verified())
}

/// Another store's journal has other records under the same numbers: that is no forgery.
fn of_this_journal(report: &Report, dir: &Path, file: &Path) -> anyhow::Result<()> {
    let Some(evidence) = &report.evidence else { return Ok(()) };
    let found = stats(dir, &RealIo).with_context(|| format!("cannot read `{}`", dir.display()))?;
    let here = found.id.map(|id| HEXLOWER.encode(&id));
    if here.as_ref() == Some(&evidence.journal) {
        return Ok(());
    }
    bail!(
        "`{}` names journal `{}`, and this one is `{}`\nhint: `--data` names the directory of the store that the report is of",
        file.display(),
        plain(&evidence.journal),
        here.unwrap_or_else(|| "empty".into())
    )
}

/// Records from a reader up to the last that is wanted. A gap is passed: what is missing there is a difference. Damage ends it.
struct Records<'a> {
    reader: Reader,
    last: u64,
    damage: &'a mut Option<ReadError>,
}

impl Iterator for Records<'_> {
    type Item = (u64, u16, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.reader.next()? {
                Ok(record) if record.seq > self.last => return None,
                Ok(record) => return Some((record.seq, record.kind, record.payload.to_vec())),
                Err(ReadError::Gap { .. }) => self.reader.continue_after_gap(),
                Err(error) => {
                    *self.damage = Some(error);
                    return None;
                }
            }
        }
    }
}

fn tell(report: &Report, outcome: &Outcome, chain_compared: bool, json: bool) -> anyhow::Result<()> {
    let Outcome { records, readings, differences_count, is_page_compared, .. } = *outcome;
    let differences: Vec<String> = outcome.differences.iter().map(ToString::to_string).collect();
    if json {
        output::json(&Verified {
            verified: outcome.is_verified(),
            unit: report.unit.as_str(),
            day: &report.day,
            records,
            readings,
            page_compared: is_page_compared,
            chain_compared,
            differences_count,
            differences,
        })?;
        return Ok(());
    }
    for difference in &differences {
        let mut lines = difference.lines();
        output::line(format!("differs: {}", plain(lines.next().unwrap_or_default())))?;
        lines.try_for_each(|line| output::line(plain(line)))?;
    }
    let more = differences_count.saturating_sub(differences.len() as u64);
    if more > 0 {
        output::line(format!("and {more} more differences"))?;
    }
    if !is_page_compared {
        output::line(format!(
            "note: what the page shows was not compared, as version {} made it and this is another; its data was",
            plain(&report.made_by)
        ))?;
    }
    if !chain_compared {
        output::line(
            "note: the chain was not compared, as its heads at the report's ends are not known; the readings were",
        )?;
    }
    let (unit, day) = (plain(report.unit.as_str()), plain(&report.day));
    output::line(if outcome.is_verified() {
        format!(
            "verified: unit `{unit}`, {day}: {readings} readings in {records} records of the journal are as the report has them"
        )
    } else {
        format!("not verified: unit `{unit}`, {day}: the report is not what the journal says")
    })?;
    Ok(())
}
