//! `aisle-node residency receipts`: what was sealed by which policy, and whether its receipts hold.

use super::{
    chain::{Chain, FAULTS_MAX},
    place, time,
};
use crate::{
    cli::residency::ReceiptsArgs,
    output::{self, plain},
};
use aisle_event::LogClass;
use aisle_journal::RealIo;
use aisle_outbox::{Issued, receipts};
use aisle_residency::{
    Outcome,
    signing::{SigningKey, VerifyingKey},
};
use anyhow::{Context, bail};
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Serialize;
use std::{fs, io, path::Path, sync::Arc};

/// The most rows of one table.
const ROWS_MAX: usize = 1_000;

/// One receipt, as scripts get it.
#[derive(Debug, Serialize)]
struct Line {
    class: &'static str,
    epoch: String,
    number: u64,
    first_seq: u64,
    last_seq: u64,
    sealed_ms: u64,
    region: String,
    policy_version: u32,
    policy_hash: String,
    hash: String,
    previous: String,
    passed: u64,
    tokened: u64,
    coarsened: u64,
    aggregated: u64,
    dropped: u64,
    withheld: u64,
    bytes: usize,
    /// Field by field, what became of how many values.
    fields: Vec<Counted>,
    /// Whether it holds, where that was asked.
    holds: Option<bool>,
}

/// What became of the values of one field.
#[derive(Debug, Serialize)]
struct Counted {
    field: &'static str,
    outcome: &'static str,
    count: u64,
}

/// What came of checking, as scripts get it.
#[derive(Debug, Serialize)]
struct Verified {
    verified: bool,
    receipts: u64,
    signatures_checked: bool,
    faults_count: u64,
    faults: Vec<String>,
}

/// Shows receipts. `own` is where the node's key is. False when one was found that does not hold.
pub(super) fn run(args: &ReceiptsArgs, data: &Path, own: &Path, json: bool) -> anyhow::Result<bool> {
    let unlisted = || format!("cannot read `{}`", data.join("outbox").display());
    let outboxes = place::outboxes(data).with_context(unlisted)?;
    if outboxes.is_empty() {
        bail!(
            "there is no outbox in `{}`: nothing was sealed\nhint: a node seals what its policy lets out once its configuration has `[sync]`",
            data.display()
        );
    }
    let key = match args.key {
        Some(key) => Some(key),
        None if args.verify => own_key(own)?,
        None => None,
    };
    let classes = args.class.map_or_else(|| LogClass::ALL.to_vec(), |class| vec![class.into()]);
    let mut table = Table::default();
    let mut chains = Vec::new();
    let logs = outboxes.iter().flat_map(|outbox| classes.iter().map(move |class| (outbox, *class)));
    for ((region, dir), class) in logs {
        // Of a class that an outbox has not begun yet there is no directory.
        if !dir.join(format!("p{}", class.number())).is_dir() {
            continue;
        }
        let mut chain = Chain::new(class, key);
        let unreadable = || format!("cannot read the {class} log in `{}`", dir.display());
        for issued in receipts(dir, Arc::new(RealIo), class, 1).with_context(unreadable)? {
            let issued = issued.with_context(unreadable)?;
            let holds = args.verify.then(|| chain.push(&issued));
            if issued.header.end().seq < args.from {
                continue;
            }
            let line = line(&issued, holds);
            if json { output::json(&line)? } else { table.push(&line) }
        }
        chains.push((region.as_str(), chain));
    }
    if !json {
        table.print()?;
    }
    if args.verify { told(&chains, key.is_some(), json) } else { Ok(true) }
}

/// The key of this node; nothing when there is none yet.
fn own_key(path: &Path) -> anyhow::Result<Option<VerifyingKey>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.with_context(|| {
            let path = path.display();
            format!(
                "cannot read the node's key `{path}`\nhint: `--key` takes the public one, as the hub knows it"
            )
        })?,
    };
    let bytes = HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).unwrap_or_default();
    let seed = <[u8; 32]>::try_from(bytes).ok().and_then(|seed| SigningKey::from_seed(&seed).ok());
    let Some(key) = seed else {
        bail!("`{}` holds no key\nhint: `--key` takes the public one, as the hub knows it", path.display());
    };
    Ok(Some(key.verifying_key()))
}

fn line(issued: &Issued, holds: Option<bool>) -> Line {
    let Issued { sealed_ms, header, bytes, receipt } = issued;
    let total = |outcome| receipt.total(outcome);
    let fields = receipt.tally.iter().map(|(path, outcome, count)| Counted {
        field: path.as_str(),
        outcome: outcome.word(),
        count,
    });
    Line {
        class: receipt.log.class.as_str(),
        epoch: receipt.log.epoch.to_string(),
        number: receipt.number,
        first_seq: header.first_seq,
        last_seq: header.end().seq,
        sealed_ms: *sealed_ms,
        region: receipt.region.to_string(),
        policy_version: receipt.policy.version,
        policy_hash: receipt.policy.hash.to_string(),
        hash: receipt.hash().to_string(),
        previous: receipt.previous.to_string(),
        passed: total(Outcome::Passed),
        tokened: total(Outcome::Tokened),
        coarsened: total(Outcome::Coarsened),
        aggregated: total(Outcome::Aggregated),
        dropped: total(Outcome::Dropped),
        withheld: receipt.withheld,
        bytes: *bytes,
        fields: fields.collect(),
        holds,
    }
}

const HEADINGS: [&str; 14] = [
    "CLASS",
    "EPOCH",
    "RECEIPT",
    "EVENTS",
    "SEALED",
    "TO",
    "POLICY",
    "PASSED",
    "TOKENED",
    "COARSENED",
    "AGGREGATED",
    "DROPPED",
    "WITHHELD",
    "BYTES",
];

/// The first so many receipts, and how many there are after them.
#[derive(Default)]
struct Table {
    rows: Vec<[String; 14]>,
    /// The first that has no row.
    next: Option<(&'static str, u64)>,
    more: u64,
}

impl Table {
    fn push(&mut self, line: &Line) {
        if self.rows.len() < ROWS_MAX {
            self.rows.push(cells(line));
            return;
        }
        self.next = self.next.or(Some((line.class, line.first_seq)));
        self.more += 1;
    }

    fn print(&self) -> anyhow::Result<()> {
        if self.rows.is_empty() {
            output::line("no batch is kept")?;
            return Ok(());
        }
        output::table(HEADINGS, &self.rows)?;
        if let Some((class, from)) = self.next {
            output::line(format!("and {} more: `--class {class} --from {from}` shows the next", self.more))?;
        }
        Ok(())
    }
}

fn cells(line: &Line) -> [String; 14] {
    [
        line.class.into(),
        line.epoch.chars().take(8).collect(),
        line.number.to_string(),
        format!("{}-{}", line.first_seq, line.last_seq),
        time(line.sealed_ms),
        plain(&line.region),
        line.policy_version.to_string(),
        line.passed.to_string(),
        line.tokened.to_string(),
        line.coarsened.to_string(),
        line.aggregated.to_string(),
        line.dropped.to_string(),
        line.withheld.to_string(),
        line.bytes.to_string(),
    ]
}

/// Says what came of checking. False when a receipt does not hold.
fn told(chains: &[(&str, Chain)], signatures_checked: bool, json: bool) -> anyhow::Result<bool> {
    let (mut receipts, mut faults_count, mut faults) = (0_u64, 0_u64, Vec::new());
    for (_, chain) in chains {
        receipts += chain.receipts;
        faults_count += chain.faults_count;
        faults.extend(chain.faults.iter().map(ToString::to_string));
    }
    faults.truncate(FAULTS_MAX);
    let verified = faults_count == 0;
    if json {
        output::json(&Verified { verified, receipts, signatures_checked, faults_count, faults })?;
        return Ok(verified);
    }
    for fault in &faults {
        output::line(format!("does not hold: {fault}"))?;
    }
    let more = faults_count.saturating_sub(faults.len() as u64);
    if more > 0 {
        output::line(format!("and {more} more faults"))?;
    }
    for (region, chain) in chains {
        if let Some(first) = chain.begins_at {
            let class = chain.class;
            output::line(format!(
                "note: the {class} log to `{region}` is kept from receipt {first} on; those before were acknowledged, and the hub has them"
            ))?;
        }
    }
    if !signatures_checked {
        output::line(
            "note: signatures were not checked, as the node's key is not known here; `--key` takes the one that the hub knows",
        )?;
    }
    output::line(if verified {
        format!("verified: {receipts} receipts hold")
    } else {
        format!("not verified: {faults_count} faults in {receipts} receipts")
    })?;
    Ok(verified)
}

#[cfg(test)]
mod tests;
