//! `fleet search`: stores, nodes, contents, policies and erasures by a part of what they are called.

use super::{
    ask::Ask,
    desk::Desk,
    view::{Column, Shape},
};
use crate::Ended;
use anyhow::Result;

const HITS: [Column; 5] = [
    Column("kind", &["/kind"], Shape::Text),
    Column("name", &["/name"], Shape::Words),
    Column("store", &["/store"], Shape::Text),
    Column("hash", &["/hash"], Shape::Text),
    Column("about", &["/about"], Shape::Words),
];

/// `fleet search`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  aisle fleet search berlin\n  aisle fleet search 10.0.0.1\n  aisle fleet search 9f86d0"
)]
pub(crate) struct Args {
    /// A part of the name of a store, of the serial or the address of a node, of the name of a content or a policy; of hashes and erasures the first six digits or more
    #[arg(value_name = "TEXT")]
    text: String,
    /// The most of each kind
    #[arg(long, value_name = "ROWS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
}

/// Looks for it.
pub(super) fn run(args: &Args, desk: &Desk) -> Result<Ended> {
    let ask = Ask::get("/v1/search").with("q", Some(&args.text)).with("limit", Some(args.limit));
    desk.list_whole(&ask, &HITS, "nothing is called like it")
}
