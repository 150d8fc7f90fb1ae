//! `fleet receipts`, `fields`, `erasures`, `manifest`: what left one store and what proves it, who was forgotten there, what it is to run and what it reports.

use super::{
    ask::{Ask, path},
    desk::{Desk, Paging, lines},
    view::{Column, Shape, fields as below, table},
};
use crate::{Ended, output};
use anyhow::Result;
use serde_json::{Value, json};

const RECEIPTS: [Column; 6] = [
    Column("from event", &["/first_seq"], Shape::Number),
    Column("to event", &["/last_seq"], Shape::Number),
    Column("policy", &["/policy_version"], Shape::Number),
    Column("policy's hash", &["/policy_hash"], Shape::Hash),
    Column("head after it", &["/head_after"], Shape::Hash),
    Column("taken", &["/received_at_ms"], Shape::When),
];

const FIELDS: [Column; 6] = [
    Column("field", &["/field"], Shape::Text),
    Column("passed", &["/passed"], Shape::Number),
    Column("as a token", &["/tokened"], Shape::Number),
    Column("coarser", &["/coarsened"], Shape::Number),
    Column("for an aggregate", &["/aggregated"], Shape::Number),
    Column("dropped", &["/dropped"], Shape::Number),
];

const GATE: [Column; 4] = [
    Column("receipts", &["/receipts"], Shape::Number),
    Column("policies", &["/policies"], Shape::List),
    Column("events that stayed", &["/withheld"], Shape::Number),
    Column("receipts not read", &["/unread"], Shape::Number),
];

const ERASURES: [Column; 5] = [
    Column("erasure", &["/id"], Shape::Text),
    Column("asked for", &["/requested_at_ms"], Shape::When),
    Column("done", &["/done_at_ms"], Shape::When),
    Column("events here", &["/events"], Shape::Number),
    Column("receipt", &["/receipt"], Shape::Hash),
];

const REPORTS: [Column; 6] = [
    Column("node", &["/node"], Shape::Text),
    Column("name", &["/name"], Shape::Text),
    Column("version", &["/version"], Shape::Text),
    Column("runs", &["/ok"], Shape::Yes),
    Column("answers", &["/generation"], Shape::Number),
    Column("why not", &["/reason"], Shape::Words),
];

const DESIRED: [Column; 3] = [
    Column("name", &["/name"], Shape::Text),
    Column("version", &["/version"], Shape::Text),
    Column("content", &["/hash", "/content"], Shape::Hash),
];

/// `fleet receipts`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Each receipt as it came, in hexadecimal digits, is in `--json`; `aisle-hub verify` goes over all of them again."
)]
pub(crate) struct ReceiptsArgs {
    /// The store
    #[arg(value_name = "STORE")]
    store: String,
    /// Of which log: `sales`, `stock`, `telemetry`, `bulk`
    #[arg(long, value_name = "LOG", default_value = "sales")]
    class: String,
    /// Of which epoch, in hexadecimal digits [default: the latest]
    #[arg(long, value_name = "EPOCH")]
    epoch: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// A store.
#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// The store
    #[arg(value_name = "STORE")]
    store: String,
}

/// A list of a store.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// The store
    #[arg(value_name = "STORE")]
    store: String,
    #[command(flatten)]
    paging: Paging,
}

fn place(store: &str, what: &str) -> Result<String> {
    Ok(format!("{}/{what}", path("/v1/stores", &[store])?))
}

/// Lists receipts, in their order.
pub(super) fn receipts(args: &ReceiptsArgs, desk: &Desk) -> Result<Ended> {
    let ask = Ask::get(place(&args.store, "receipts")?)
        .with("class", Some(&args.class))
        .with("epoch", args.epoch.as_ref());
    desk.list(&ask, &args.paging, &RECEIPTS, "no batch has come of it")
}

/// Shows what the gate let out.
pub(super) fn fields(args: &One, desk: &Desk) -> Result<Ended> {
    desk.done(&Ask::get(place(&args.store, "fields")?), |gate| {
        let rows = gate.get("fields").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if rows.is_empty() {
            return vec!["no batch has come from this store".to_owned()];
        }
        let mut told = below(&GATE, gate);
        told.push(String::new());
        told.extend(table(&FIELDS, rows));
        told
    })
}

/// Lists who was to be forgotten, the latest first.
pub(super) fn erasures(args: &ListArgs, desk: &Desk) -> Result<Ended> {
    desk.list(
        &Ask::get(place(&args.store, "erasures")?),
        &args.paging,
        &ERASURES,
        "nobody was to be forgotten",
    )
}

/// Shows what a store is to run, and what its nodes report.
pub(super) fn manifest(args: &One, desk: &Desk) -> Result<Ended> {
    let desired = desk.get(place(&args.store, "desired")?)?;
    let ask = Ask::get(place(&args.store, "reports")?);
    // A store whose boxes never came has reported nothing, and is to become something all the same.
    let reports = match desk.rows(&ask, &Paging::whole()) {
        Ok(rows) => rows.items,
        Err(super::FleetError::Refused { status: 404, .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    if desk.json {
        output::json(&json!({ "desired": desired, "reports": reports }))?;
        return Ok(Ended::Well);
    }
    let items = desired.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if items.is_empty() {
        output::line("nothing is desired")?;
    } else {
        output::line("what it is to run")?;
        lines(table(&DESIRED, items))?;
    }
    if !reports.is_empty() {
        lines([String::new(), "what its nodes report".to_owned()])?;
        lines(table(&REPORTS, &reports))?;
    }
    Ok(Ended::Well)
}
