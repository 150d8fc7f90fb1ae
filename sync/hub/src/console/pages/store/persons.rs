//! Who was to be forgotten: by number only, with the receipts of the store and of this hub.

use crate::{
    console::{
        pages::parts::{SHORT_BYTES_MAX, empty, fit, heading_id, rest, state, table},
        say,
        visit::Visit,
    },
    database::read::ErasureRow,
};
use maud::{Markup, html};

const COLUMNS: [(&str, &str); 6] = [
    ("", "Erasure"),
    ("number", "Asked for"),
    ("", "State"),
    ("number", "Events here"),
    ("", "The store's receipt"),
    ("", "This hub's receipt"),
];

pub(super) fn part(visit: &Visit, erasures: &[ErasureRow]) -> Markup {
    let (rows, shown) = fit(erasures, SHORT_BYTES_MAX, |erasure| row(visit, erasure));
    html! {
        @if erasures.is_empty() { (empty("This store was asked to forget nobody.")) }
        @else { (table(&heading_id("persons"), &COLUMNS, &rows)) (rest(erasures.len(), shown)) }
    }
}

fn row(visit: &Visit, erasure: &ErasureRow) -> Markup {
    html! {
        tr {
            th scope="row" { (say::hash(&erasure.id)) }
            td.number { (say::ago(visit.now_ms, erasure.requested_at_ms)) }
            td {
                @match erasure.done_at_ms {
                    Some(done) => { (state("good", "done")) " " (say::ago(visit.now_ms, done)) },
                    None => { (state("calm", "waits for the store")) },
                }
            }
            td.number { (say::number(erasure.events)) }
            td { (receipt(erasure.receipt.as_deref())) }
            td { (receipt(erasure.hub_receipt.as_deref())) }
        }
    }
}

/// How long it is, and a hash to tell it from others: all of it is for programs, which get it by `/v1`.
fn receipt(hex: Option<&str>) -> Markup {
    match hex {
        None => html! { span.none { "not yet" } },
        // An erasure that began in the store has its receipt there.
        Some("") => html! { span.none { "at the store" } },
        Some(hex) => {
            let bytes = (hex.len() / 2) as u64;
            html! { (say::hash(blake3::hash(hex.as_bytes()).to_hex().as_str())) ", " (say::bytes(bytes)) }
        }
    }
}
