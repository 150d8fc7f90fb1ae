//! `aisle-node residency`: what leaves a store, told before anything does, beside a running node and without one.
//!
//! Not here: what the gate lets out (`sync/residency`), what is sealed (`sync/outbox`). Guards: nobody has to sign a policy unseen, and
//! what people are shown is what leaves, never what was there.

mod dry_run;
mod erase;
mod explain;
mod policy;
mod receipts;

use crate::support::{
    command::{Outcome, aisle, run},
    invoices::HEADER,
    store::Store,
};
use serde_json::Value;
use std::path::PathBuf;

/// Somebody whose number and country nothing may show.
const CUSTOMER: &str = "9318855";
const COUNTRY: &str = "Atlantis";

/// A policy that comes along as an example.
fn example(name: &str) -> String {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.join("../../sync/residency/policies").join(name).display().to_string()
}

/// A store that has sold two things to somebody with a number.
fn sold() -> Store {
    let store = Store::empty();
    let rows = [
        format!("536365,TEA-1,GREEN TEA,6,2026-11-02 10:26:00,2.55,{CUSTOMER}.0,{COUNTRY}"),
        format!("536365,CUP-1,PAPER CUP,2,2026-11-02 10:26:00,3.39,{CUSTOMER}.0,{COUNTRY}"),
    ];
    let file = store.file("sold.csv", format!("{HEADER}\n{}\n", rows.join("\n")));
    store.import(&file, &[]).exits(0);
    store
}

/// `aisle-node residency …` on the store's data.
fn residency(store: &Store, arguments: &[&str]) -> Outcome {
    run(&mut aisle(&store.data(), ["residency"].into_iter().chain(arguments.iter().copied())))
}

/// What an answer says of a region.
#[track_caller]
fn to<'a>(answer: &'a Value, region: &str) -> &'a Value {
    let regions = answer["regions"].as_array().expect("regions");
    regions.iter().find(|way| way["region"] == region).unwrap_or_else(|| panic!("no `{region}` in {answer}"))
}

/// What it says of a field on the way there.
#[track_caller]
fn field<'a>(way: &'a Value, name: &str) -> &'a Value {
    let fields = way["fields"].as_array().expect("fields");
    fields.iter().find(|field| field["field"] == name).unwrap_or_else(|| panic!("no `{name}` in {way}"))
}
