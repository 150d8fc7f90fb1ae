//! Checking all that is held: every chain from its first event, every receipt against the one before, and the audit log from its first row.
//!
//! It reads what is there and believes nothing: heads are computed again from payloads, receipts are verified again with the keys of the
//! store's nodes and the policies that are trusted now, and the cursor must be where they end.

use crate::{
    database::{
        Database, DatabaseError,
        read::{LogRow, ROWS_MAX, ReceiptRow},
    },
    gate::ReceiptGate,
    people::audit,
};
use aisle_protocol::{Chain, Hash, Head, Item, Point, PolicyId};
use aisle_residency::{
    Region, Verifier,
    receipt::{Extent, Presented},
};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

/// The most findings of one log that are told.
const FINDINGS_MAX: usize = 16;

/// What was checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Logs.
    pub logs: u64,
    /// Events.
    pub events: u64,
    /// Receipts that were verified.
    pub receipts: u64,
    /// Receipts that could not be verified, because a part of their batch came in another one.
    pub receipts_in_part: u64,
    /// Events that a person was taken out of: the rest of them is what the receipts cover, and the chain holds around them.
    pub erased: u64,
    /// Rows of the audit log.
    pub audited: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// In which log; `audit` for the audit log.
    pub log: String,
    /// After which event, or which row.
    pub after: u64,
    /// What.
    pub what: String,
}

/// Checks every log, and tells of each when it is done.
///
/// # Errors
/// When the database cannot say. What is wrong in it is no error, but a [`Finding`].
pub async fn verify(
    database: &Database,
    region: &Region,
    verifier: &Arc<Verifier>,
    mut done: impl FnMut(&LogRow, &Checked),
) -> Result<Checked, DatabaseError> {
    let mut checked = Checked::default();
    let mut after: Option<LogRow> = None;
    loop {
        let logs = database.logs_after(after.as_ref(), ROWS_MAX).await?;
        for log in &logs {
            let keys = database.registered(&log.store).await?.into_iter().map(|node| node.receipt_key);
            let gate = ReceiptGate::new(region.clone(), verifier.clone(), keys.collect());
            one(database, &gate, log, &mut checked).await?;
            checked.logs += 1;
            done(log, &checked);
        }
        match logs.into_iter().last() {
            Some(last) => after = Some(last),
            None => break,
        }
    }
    audited(database, &mut checked).await?;
    Ok(checked)
}

/// The name of the audit log among the findings.
const AUDIT: &str = "audit";

/// Computes the chain of the audit log again. Behind a row that does not belong there nothing can be said any more.
async fn audited(database: &Database, checked: &mut Checked) -> Result<(), DatabaseError> {
    // Looked at first: what other hubs add meanwhile lies behind it.
    let (last, last_head) = database.audit_head().await?;
    let (mut seq, mut head) = (0, audit::START);
    let mut find = |after: u64, what: String| {
        checked.findings.push(Finding { log: AUDIT.to_owned(), after, what });
    };
    'rows: while seq < last {
        let rows = database.audit_after(seq, ROWS_MAX).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            if seq == last {
                break 'rows;
            }
            if !row.follows(seq, &head) {
                find(seq, format!("row {} of the audit log is not the one that was written there", row.seq));
                return Ok(());
            }
            (seq, head) = (row.seq, row.head);
            checked.audited += 1;
        }
    }
    if (seq, head) != (last, last_head) {
        find(seq, format!("the audit log ends after row {seq}, and {last} were written"));
    }
    Ok(())
}

/// Where the check of a log is.
struct Walk {
    point: Point,
    mark: Vec<u8>,
    // False once a receipt could not be verified: those behind it hang on it.
    follows: bool,
}

async fn one(
    database: &Database,
    gate: &ReceiptGate,
    log: &LogRow,
    checked: &mut Checked,
) -> Result<(), DatabaseError> {
    let mut walk = Walk { point: log.id().start(), mark: Vec::new(), follows: true };
    let mut findings = Vec::new();
    loop {
        let receipts = database.receipts(log, walk.point.seq, ROWS_MAX).await?;
        for receipt in &receipts {
            if receipt.last_seq > log.through_seq {
                break;
            }
            let events = database.events_of(log, receipt.first_seq, receipt.last_seq).await?;
            let items: Vec<Item> = events
                .into_iter()
                .map(|row| Item { seq: row.seq, hlc: row.hlc, kind: row.kind, payload: row.payload.into() })
                .collect();
            checked.events += items.len() as u64;
            let erased = database.erased_heads(log, receipt.first_seq, receipt.last_seq).await?;
            checked.erased += erased.len() as u64;
            let held = Held { log, receipt, items: &items, erased: &erased };
            if let Err(what) = batch(gate, &held, &mut walk, checked) {
                findings.push(Finding { log: log.id().to_string(), after: walk.point.seq, what });
                if findings.len() >= FINDINGS_MAX {
                    checked.findings.append(&mut findings);
                    return Ok(());
                }
            }
            walk.point = Point { seq: receipt.last_seq, head: head(&receipt.head_after) };
        }
        if receipts.last().is_none_or(|last| last.last_seq >= log.through_seq) {
            break;
        }
    }
    let mut find = |what: &str| {
        findings.push(Finding { log: log.id().to_string(), after: walk.point.seq, what: what.to_owned() });
    };
    if walk.point != (Point { seq: log.through_seq, head: head(&log.through_head) }) {
        find("the cursor is not where the batches end");
    } else if walk.follows && walk.mark != log.mark {
        find("the cursor's mark is not that of the last receipt");
    }
    checked.findings.append(&mut findings);
    Ok(())
}

/// A batch as it is held.
struct Held<'a> {
    log: &'a LogRow,
    receipt: &'a ReceiptRow,
    items: &'a [Item],
    erased: &'a BTreeMap<u64, Head>,
}

fn batch(gate: &ReceiptGate, held: &Held<'_>, walk: &mut Walk, checked: &mut Checked) -> Result<(), String> {
    let Held { log, receipt: row, items, erased } = *held;
    let start = Point { seq: row.first_seq.saturating_sub(1), head: head(&row.head_before) };
    if start != walk.point {
        return Err(format!("the batch from {} on does not follow the one before", row.first_seq));
    }
    let mut chain = Chain::after(start);
    for item in items {
        let seq = match erased.get(&item.seq) {
            Some(head) if chain.point().seq.checked_add(1) == Some(item.seq) => {
                chain = Chain::after(Point { seq: item.seq, head: *head });
                item.seq
            }
            Some(_) => 0,
            None => chain.push(item.hlc, item.kind, &item.payload).seq,
        };
        if seq != item.seq {
            return Err(format!("event {} stands where another belongs", item.seq));
        }
    }
    if chain.point() != (Point { seq: row.last_seq, head: head(&row.head_after) }) {
        return Err(format!("events {} to {} do not give the head after them", row.first_seq, row.last_seq));
    }
    if !row.is_whole() {
        checked.receipts_in_part += 1;
        walk.follows = false;
    }
    if !walk.follows {
        return Ok(());
    }
    let id = log.id();
    let presented = Presented {
        log: &id,
        policy: PolicyId { version: row.policy_version, hash: Hash(bytes(&row.policy_hash)) },
        extent: Extent {
            first_seq: row.batch_first_seq,
            count: u32::try_from(items.len()).unwrap_or(u32::MAX),
            head_before: head(&row.batch_before),
            head_after: head(&row.head_after),
        },
        items,
        receipt: &row.receipt,
    };
    match gate.check_without(&presented, &walk.mark, erased) {
        Ok((_, mark)) => {
            walk.mark = mark.to_vec();
            checked.receipts += 1;
            Ok(())
        }
        Err(refusal) => {
            walk.follows = false;
            Err(format!("the receipt of the batch to {} does not hold: {refusal}", row.last_seq))
        }
    }
}

/// Another length is no head of anything.
fn bytes(of: &[u8]) -> [u8; 32] {
    of.try_into().unwrap_or([0; 32])
}

fn head(of: &[u8]) -> Head {
    Head(bytes(of))
}
