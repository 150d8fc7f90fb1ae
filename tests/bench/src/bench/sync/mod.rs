//! `sync`: what a store's events cost on their way to the hub, how fast a week of them is there, and what many stores cost a hub.
//!
//! `wire` counts bytes beside JSON over HTTPS and beside NATS; `drain` is a week without a line, `idle` stores that have nothing to say, `reconnect`
//! how soon a store that was away hears the first acknowledgement. The hub is the real process, the store's end is the real outbox
//! and client in this one.

mod clock;
mod drain;
mod https;
mod idle;
mod json;
mod member;
mod nats;
mod reconnect;
mod sealed;
mod trade;
mod wire;

use super::parts::Bench;
use anyhow::Result;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What of it to measure, and how much.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// Only this part; may be repeated
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Rounds of each figure that is taken in rounds
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Sales whose bytes are counted
    #[arg(long, default_value_t = 20_000)]
    sales: usize,
    /// Sales of the week without a line
    #[arg(long, default_value_t = 1_400_000)]
    week: usize,
    /// Stores that are connected and have nothing to say
    #[arg(long, default_value_t = 1_000)]
    stores: usize,
    /// Invoices to count the bytes of as well: a file that `aisle-node import --format online-retail` reads
    #[arg(long, value_name = "FILE", env = "AISLE_ONLINE_RETAIL")]
    invoices: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Bytes of a sale on the line, beside JSON over HTTPS and beside NATS
    Wire,
    /// A week without a line, drained into a hub on SQLite and on PostgreSQL
    Drain,
    /// Memory of a hub with many idle stores
    Idle,
    /// From the call to the first acknowledgement on a long line
    Reconnect,
}

/// Measures, and gives the report.
pub(crate) fn run(arguments: &Arguments) -> Result<String> {
    let bench = Bench::new(arguments.rounds, 0)?;
    let shared = "Store, hub, peers and database share the machine's cores.";
    bench.report(&arguments.only, shared, |bench, part| match part {
        Part::Wire => wire::measure(bench, arguments),
        Part::Drain => drain::measure(bench, arguments.week),
        Part::Idle => idle::measure(arguments.stores),
        Part::Reconnect => reconnect::measure(bench),
    })
}

/// Moves packets beside a thread that measures.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}
