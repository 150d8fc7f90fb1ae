//! The receipts of one log, the latest first, and whether they hold together as far as a page shows them.
//!
//! Signatures were verified when the batches were taken in; `aisle-hub verify` goes over all of it again, every event included. Here it is looked
//! whether nothing is missing between the receipts that are shown, and between the last one and the cursor.

use super::parts::{LIST_BYTES_MAX, empty, fit, heading_id, pager, section, state, table};
use crate::{
    console::{frame::Page, say, visit::Visit, wrong::Wrong},
    database::read::{LogRow, ReceiptRow},
};
use aisle_event::StoreId;
use aisle_protocol::LogClass;
use aisle_residency::{Outcome, receipt::Wire};
use axum::{
    extract::{Path, Query},
    response::Response,
};
use data_encoding::HEXLOWER;
use maud::{Markup, html};
use serde::Deserialize;

/// The most receipts on a page.
const RECEIPTS_MAX: u32 = 50;

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    #[serde(default)]
    class: String,
    #[serde(default)]
    epoch: String,
    before: Option<u64>,
}

/// `GET /stores/{store}/receipts?class=&epoch=&before=`.
pub(in crate::console) async fn show(
    visit: Visit,
    Path(text): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Wrong> {
    let store = visit.store(&text).await?;
    let class = LogClass::ALL
        .into_iter()
        .find(|class| class.as_str() == asked.class)
        .ok_or_else(|| Wrong::Malformed("`class` is none of `sales`, `stock`, `telemetry`, `bulk`".into()))?;
    let logs = visit.database().logs(&store).await?;
    let is_asked = |log: &LogRow| asked.epoch.is_empty() || log.epoch.to_string() == asked.epoch;
    let log =
        logs.iter().rev().find(|log| log.class == class && is_asked(log)).ok_or_else(|| {
            Wrong::NotFound(format!("The store {store} has no log of this class and epoch"))
        })?;
    // One more than is shown, which the last one has to follow.
    let rows = visit.database().receipts_before(log, asked.before, RECEIPTS_MAX + 1).await?;
    let shown = rows.get(..rows.len().min(RECEIPTS_MAX as usize)).unwrap_or_default();
    let lines: Vec<Line<'_>> =
        shown.iter().enumerate().map(|(at, row)| Line::of(row, rows.get(at + 1))).collect();
    let (html, fits) = fit(&lines, LIST_BYTES_MAX, |line| row(&visit, line));
    let next = (fits < rows.len()).then(|| shown.get(fits.saturating_sub(1))).flatten();
    let at = |before: Option<u64>| {
        let before = before.map_or_else(String::new, |before| format!("&before={before}"));
        format!(
            "{}/receipts?class={}&epoch={}{before}",
            say::store_address(store.as_str()),
            class.as_str(),
            log.epoch
        )
    };
    let first = asked.before.map(|_| at(None));
    let inside = html! {
        @if lines.is_empty() { (empty("There are no receipts here.")) }
        @else {
            (verdict(&visit, log, &lines, asked.before.is_none()))
            (table(&heading_id("receipts"), &COLUMNS, &html))
        }
        (pager(first.as_deref(), next.map(|last| at(Some(last.last_seq))).as_deref()))
    };
    let body = html! {
        p.sub { "Of the store " (say::store(store.as_str())) ", class " (class.as_str()) ", epoch " (say::hash(&log.epoch.to_string())) }
        (others(&store, &logs, log))
        (section("receipts", "Batches and their receipts", &inside))
    };
    Ok(visit.answer(&Page { title: "Receipts", here: "/policies", body }))
}

/// A receipt, read, and whether it follows the one before it.
struct Line<'a> {
    row: &'a ReceiptRow,
    wire: Option<Wire>,
    fault: Option<&'static str>,
}

impl<'a> Line<'a> {
    fn of(row: &'a ReceiptRow, before: Option<&ReceiptRow>) -> Self {
        let wire = Wire::read(&row.receipt).ok();
        let number = |row: &ReceiptRow| Wire::read(&row.receipt).ok().map(|wire| wire.number);
        let fault = match before {
            None if row.first_seq == 1 => None,
            None => Some("the one before it is missing"),
            Some(before) if before.last_seq.checked_add(1) != Some(row.first_seq) => {
                Some("events are missing before it")
            }
            Some(before) if before.head_after != row.head_before => {
                Some("its chain does not go on from the one before")
            }
            // A part of a batch that was taken in two parts has the receipt of the whole.
            Some(before) => match (number(before), &wire) {
                (_, None) => Some("its receipt cannot be read"),
                (Some(last), Some(wire)) if last.checked_add(1) != Some(wire.number) && row.is_whole() => {
                    Some("its number does not follow")
                }
                _ => None,
            },
        };
        Self { row, wire, fault }
    }
}

fn verdict(visit: &Visit, log: &LogRow, lines: &[Line<'_>], is_latest: bool) -> Markup {
    let faults = lines.iter().filter(|line| line.fault.is_some()).count() as u64;
    let reaches = lines
        .first()
        .is_some_and(|line| line.row.last_seq == log.through_seq && line.row.head_after == log.through_head);
    let region = &visit.console.parts().region;
    let strays = lines
        .iter()
        .filter_map(|line| line.wire.as_ref())
        .filter(|wire| wire.region.as_str() != region)
        .count() as u64;
    html! {
        ul.checks {
            li {
                @if faults == 0 { (state("good", "whole")) " Each receipt that is shown goes on where the one before it ended." }
                @else { (state("bad", "broken")) " " (say::count(faults, "receipt does", "receipts do")) " not follow the one before. Run " code { "aisle-hub verify" } "." }
            }
            @if is_latest {
                li {
                    @if reaches { (state("good", "complete")) " The last one ends where the log ends." }
                    @else { (state("bad", "incomplete")) " The last one does not end where the log ends. Run " code { "aisle-hub verify" } "." }
                }
            }
            li {
                @if strays == 0 { (state("good", "for this region")) " All of them are for " (say::cut(region, 24)) "." }
                @else { (state("bad", "for another region")) " " (say::count(strays, "receipt is", "receipts are")) " for another region." }
            }
        }
        p.hint { "Signatures and every field were verified when the batches were taken in." }
    }
}

const COLUMNS: [(&str, &str); 9] = [
    ("number", "Number"),
    ("number", "Events"),
    ("number", "Came"),
    ("number", "Policy"),
    ("number", "Passed"),
    ("number", "Changed"),
    ("number", "Stayed"),
    ("number", "Withheld"),
    ("", "Head after"),
];

fn row(visit: &Visit, line: &Line<'_>) -> Markup {
    let row = line.row;
    let total = |wire: &Wire, outcomes: &[Outcome]| {
        outcomes.iter().fold(0_u64, |sum, outcome| sum.saturating_add(wire.tally.total(*outcome)))
    };
    html! {
        tr {
            th.number scope="row" {
                @match &line.wire { Some(wire) => (say::number(wire.number)), None => "?" }
                @if let Some(fault) = line.fault { div { (state("bad", fault)) } }
                @if !row.is_whole() { div { (state("calm", "a part")) } }
            }
            td.number { (say::number(row.first_seq)) " to " (say::number(row.last_seq)) }
            td.number { (say::ago(visit.now_ms, row.received_at_ms)) }
            td.number {
                a href=(format!("/policies/{}", HEXLOWER.encode(&row.policy_hash))) title=(HEXLOWER.encode(&row.policy_hash)) {
                    "version " (say::number(row.policy_version))
                }
            }
            @match &line.wire {
                Some(wire) => {
                    td.number { (say::number(total(wire, &[Outcome::Passed]))) }
                    td.number { (say::number(total(wire, &[Outcome::Tokened, Outcome::Coarsened]))) }
                    td.number { (say::number(total(wire, &[Outcome::Aggregated, Outcome::Dropped]))) }
                    td.number { (say::number(wire.withheld)) }
                },
                None => { td colspan="4" { "this build cannot read the receipt" } },
            }
            td { (say::hash(&HEXLOWER.encode(&row.head_after))) }
        }
    }
}

/// The store's other logs.
fn others(store: &StoreId, logs: &[LogRow], shown: &LogRow) -> Markup {
    let running: Vec<&LogRow> = super::gate::running(logs).collect();
    html! {
        nav.tabs aria-label="Logs of this store" {
            @for log in running {
                a href=(format!("{}/receipts?class={}&epoch={}", say::store_address(store.as_str()), log.class.as_str(), log.epoch))
                    aria-current=[(log.class == shown.class && log.epoch == shown.epoch).then_some("page")] { (log.class.as_str()) }
            }
        }
    }
}
