//! What the gate did to fields, summed up over receipts.
//!
//! The hub has verified each of them when it took the batch in; here they are only read. Guards: at most [`RECEIPTS_MAX`] of each log are read for a page.

use super::parts::{heading_id, table};
use crate::{
    console::{say, visit::Visit, wrong::Wrong},
    database::read::{LogRow, ReceiptRow},
};
use aisle_event::StoreId;
use aisle_residency::{Outcome, Tally, receipt::Wire};
use maud::{Markup, html};
use std::collections::{BTreeMap, BTreeSet};

/// The most receipts of a log that are read.
pub(super) const RECEIPTS_MAX: u32 = 200;

/// What some receipts say.
#[derive(Default)]
pub(super) struct Gate {
    pub(super) tally: Tally,
    pub(super) receipts: u64,
    /// Events of which nothing left.
    pub(super) withheld: u64,
    /// Receipts that this build cannot read.
    pub(super) unread: u64,
    /// The versions of the policies that let them out.
    pub(super) policies: BTreeSet<u32>,
}

/// How often fields of one thing came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sums([u64; Outcome::ALL.len()]);

impl Sums {
    pub(super) fn add(&mut self, outcome: Outcome, count: u64) {
        if let Some(sum) = self.0.get_mut(usize::from(outcome.number())) {
            *sum = sum.saturating_add(count);
        }
    }

    pub(super) fn of(&self, outcome: Outcome) -> u64 {
        self.0.get(usize::from(outcome.number())).copied().unwrap_or(0)
    }

    /// How often something left in another form than it had.
    pub(super) fn changed(&self) -> u64 {
        self.of(Outcome::Tokened).saturating_add(self.of(Outcome::Coarsened))
    }

    /// How often nothing left.
    pub(super) fn stayed(&self) -> u64 {
        self.of(Outcome::Aggregated).saturating_add(self.of(Outcome::Dropped))
    }

    pub(super) fn all(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

impl Gate {
    pub(super) fn add(&mut self, row: &ReceiptRow) {
        self.receipts += 1;
        self.policies.insert(row.policy_version);
        match Wire::read(&row.receipt) {
            Ok(wire) => {
                self.tally.merge(&wire.tally);
                self.withheld = self.withheld.saturating_add(wire.withheld);
            }
            Err(_) => self.unread += 1,
        }
    }

    /// Of the latest batches of every running log of a store.
    pub(super) async fn of(visit: &Visit, logs: &[LogRow]) -> Result<Self, Wrong> {
        let mut gate = Self::default();
        for log in running(logs) {
            for row in visit.database().receipts_before(log, None, RECEIPTS_MAX).await? {
                gate.add(&row);
            }
        }
        Ok(gate)
    }

    /// By type of event.
    pub(super) fn by_event(&self) -> BTreeMap<&'static str, Sums> {
        let mut sums: BTreeMap<&'static str, Sums> = BTreeMap::new();
        for (path, outcome, count) in self.tally.iter() {
            sums.entry(path.event_name()).or_default().add(outcome, count);
        }
        sums
    }

    /// By field.
    pub(super) fn by_field(&self) -> BTreeMap<&'static str, Sums> {
        let mut sums: BTreeMap<&'static str, Sums> = BTreeMap::new();
        for (path, outcome, count) in self.tally.iter() {
            sums.entry(path.as_str()).or_default().add(outcome, count);
        }
        sums
    }

    /// What all of it is about, in words.
    pub(super) fn words(&self) -> String {
        let policies: Vec<String> = self.policies.iter().map(ToString::to_string).collect();
        let unread = match self.unread {
            0 => String::new(),
            some => format!(" {} cannot be read by this build.", say::count(some, "receipt", "receipts")),
        };
        format!(
            "From the signed receipts of the last {}, under version {} of the policy. {} stayed in the store altogether.{unread}",
            say::count(self.receipts, "batch", "batches"),
            policies.join(", "),
            say::count(self.withheld, "event", "events"),
        )
    }
}

/// The log of each class that runs: the last epoch.
pub(super) fn running(logs: &[LogRow]) -> impl Iterator<Item = &LogRow> {
    logs.iter()
        .enumerate()
        .filter(|(at, log)| logs.get(at + 1).is_none_or(|next| next.class != log.class))
        .map(|(_, log)| log)
}

/// By type of event: what left as it was, changed, stayed.
pub(super) fn summary(store: &StoreId, gate: &Gate) -> Markup {
    let columns = [
        ("", "Event"),
        ("number", "Left as they were"),
        ("number", "Left changed"),
        ("number", "Stayed"),
        ("", "Share that left"),
    ];
    let rows = html! {
        @for (event, sums) in gate.by_event() {
            tr {
                th scope="row" { (event) }
                td.number { (say::number(sums.of(Outcome::Passed))) }
                td.number { (say::number(sums.changed())) }
                td.number { (say::number(sums.stayed())) }
                td { (shares(&sums)) }
            }
        }
    };
    html! {
        p.hint { (gate.words()) }
        (table(&heading_id("gate"), &columns, &rows))
        p { a.button href=(format!("{}/fields", say::store_address(store.as_str()))) { "Field by field" } }
    }
}

/// What became of fields, as a bar. The numbers stand beside it.
fn shares(sums: &Sums) -> Markup {
    let all = u128::from(sums.all().max(1));
    let part = |count: u64| u64::try_from(u128::from(count) * 1_000 / all).unwrap_or(1_000);
    let (passed, changed) = (part(sums.of(Outcome::Passed)), part(sums.changed()));
    html! {
        svg.shares viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect.stayed width="1000" height="100" {}
            rect.changed x=(passed) width=(changed) height="100" {}
            rect.passed width=(passed) height="100" {}
        }
    }
}
