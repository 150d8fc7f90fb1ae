//! The journal as `aisle-node journal` shows it.

use super::command::{aisle, run};
use serde_json::Value;
use std::path::Path;

/// Every record, in order: `seq`, `hlc`, `event`, `fields`.
pub(crate) fn cat(data: &Path) -> Vec<Value> {
    run(&mut aisle(data, ["journal", "cat"])).exits(0).json_lines()
}

/// The records of one type, without the gaps between them.
pub(crate) fn cat_only(data: &Path, event: &str) -> Vec<Value> {
    let mut records = run(&mut aisle(data, ["journal", "cat", "--event", event])).exits(0).json_lines();
    records.retain(|record| record["event"] == event);
    records
}

/// What `journal stats` says.
pub(crate) fn stats(data: &Path) -> Value {
    run(&mut aisle(data, ["journal", "stats", "--json"])).exits(0).json()
}

/// How many records of a type there are.
pub(crate) fn count(stats: &Value, event: &str) -> u64 {
    stats["events"][event]["records"].as_u64().unwrap_or(0)
}

/// Every line of every sale and return with the heading of its document, sorted: what was taken in, however it
/// was divided into events.
pub(crate) fn lines(records: &[Value]) -> Vec<String> {
    let mut lines = Vec::new();
    for record in records {
        let (event, fields) = (record["event"].as_str().expect("an event"), &record["fields"]);
        if !matches!(event, "SaleRecorded" | "ReturnRecorded") {
            continue;
        }
        for line in fields["lines"].as_array().expect("lines") {
            lines.push(format!(
                "{event} {} {} {} {} {} {line}",
                fields["source"], fields["document"], fields["at"], fields["customer"], fields["country"]
            ));
        }
    }
    lines.sort_unstable();
    lines
}

/// What the journal says about the catalogue in the end: the last listing and the last price of every product.
pub(crate) fn catalogue(records: &[Value]) -> Vec<String> {
    let mut latest = std::collections::BTreeMap::new();
    for record in records {
        let (event, fields) = (record["event"].as_str().expect("an event"), &record["fields"]);
        if matches!(event, "ProductListed" | "PriceChanged") {
            latest.insert(format!("{event} {}", fields["sku"]), fields.to_string());
        }
    }
    latest.into_iter().map(|(key, value)| format!("{key} {value}")).collect()
}
