//! What the gate did to fields, as people read it. Not here: summing up ([`crate::outcomes`]).

use super::parts::{heading_id, table};
use crate::console::say;
use aisle_event::StoreId;
use aisle_residency::Outcome;
use maud::{Markup, html};

pub(super) use crate::outcomes::{Gate, Sums, running};

impl Gate {
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
