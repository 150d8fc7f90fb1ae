//! `fleet contents`, `fleet content HASH`: what nodes may fetch from the hub, and how it fares.

use super::{
    ask::{Ask, path},
    desk::{Desk, Paging},
    view::{Column, Shape, fields, table},
};
use crate::Ended;
use anyhow::Result;
use serde_json::Value;

const CONTENTS: [Column; 8] = [
    Column("content", &["/hash"], Shape::Text),
    Column("name", &["/name"], Shape::Words),
    Column("known as", &["/known_as"], Shape::Text),
    Column("version", &["/version"], Shape::Text),
    Column("bytes", &["/bytes"], Shape::Bytes),
    Column("added", &["/added_at_ms"], Shape::When),
    Column("stores", &["/runs"], Shape::Number),
    Column("refused by", &["/refused"], Shape::Number),
];

const WAYS: [Column; 2] =
    [Column("from", &["/from"], Shape::Text), Column("bytes", &["/bytes"], Shape::Bytes)];

/// `fleet contents`
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Trees and deltas as well, which belong to others
    #[arg(long)]
    parts: bool,
    #[command(flatten)]
    paging: Paging,
}

/// `fleet content`
#[derive(Debug, clap::Args)]
#[command(after_help = "In which stores it runs: aisle fleet stores --filter has:HASH")]
pub(crate) struct ShowArgs {
    /// BLAKE3 of it, in hexadecimal digits
    #[arg(value_name = "HASH")]
    hash: String,
}

/// Lists them.
pub(super) fn list(args: &ListArgs, desk: &Desk) -> Result<Ended> {
    let ask = Ask::get("/v1/contents").with("parts", args.parts.then_some(true));
    desk.list(&ask, &args.paging, &CONTENTS, "no contents")
}

/// Shows one.
pub(super) fn show(args: &ShowArgs, desk: &Desk) -> Result<Ended> {
    desk.done(&Ask::get(path("/v1/contents", &[&args.hash])?), told)
}

fn told(content: &Value) -> Vec<String> {
    let mut told = fields(&CONTENTS, content);
    let ways = content.get("deltas").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if !ways.is_empty() {
        told.extend([String::new(), "shorter ways to it".to_owned()]);
        told.extend(table(&WAYS, ways));
    }
    told
}
