//! `aisle-bench NAME`: measures one thing beside its peer, in one run on one machine, and prints a Markdown table.
//!
//! Rounds of ours and of the peer's take turns; a figure is the median of its rounds, and the ratio is the median of
//! the rounds' ratios. Nothing here fails because a machine is slow.
//!
//! Not here: putting tables into BENCHMARKS.md (`cargo xtask bench` does).

mod arrivals;
mod bench;
mod client;
mod disk;
mod history;
mod load;
mod memory;
mod peer;
mod probe;
mod process;
mod rounds;
mod screen;
mod store;
mod table;

use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

/// The node's allocator, so that what runs in this process costs what it costs there.
#[global_allocator]
static ALLOCATOR: memory::Counted<tikv_jemallocator::Jemalloc> = memory::Counted(tikv_jemallocator::Jemalloc);

/// Measures one thing beside its peer and prints a Markdown table.
#[derive(Debug, Parser)]
#[command(name = "aisle-bench", version)]
struct Arguments {
    /// What to measure
    #[command(subcommand)]
    name: Name,
}

#[derive(Debug, Clone, Subcommand)]
enum Name {
    /// The journal beside a bare loop of write and fdatasync
    Journal,
    /// Recommendations in one process beside session neighbours with plain maps
    Recommend,
    /// The node over HTTP beside a bare handler; its memory; durable writes
    Http,
    /// From a node's spawn to its first answer
    Start,
    /// Devices, what they say about stock and cold, and the board that shows it, beside plainer ways
    Devices(bench::devices::Arguments),
    /// The node's MQTT broker beside mosquitto
    Mqtt(bench::mqtt::Arguments),
    /// Plugins beside wasmtime alone, beside Extism, and beside a node without any; what they take
    Plugins(bench::plugins::Arguments),
    /// A store's events on their way to the hub: bytes, a week to catch up with, idle stores, reconnection
    Sync(bench::sync::Arguments),
    /// Ten thousand nodes: pages by filter, what each should run, a release in waves, boxes that enrol
    Fleet(bench::fleet::Arguments),
    /// No benchmark: the bare server that `start` measures as its peer
    #[command(hide = true)]
    BareServer,
    /// No benchmark: the process whose memory `plugins` measures
    #[command(hide = true)]
    PluginsLoaded {
        /// Where native code is kept
        cache: PathBuf,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().name {
        Name::Journal => bench::journal::run(),
        Name::Recommend => bench::recommend::run(),
        Name::Http => bench::http::run(),
        Name::Start => bench::start::run(),
        Name::Devices(arguments) => bench::devices::run(&arguments),
        Name::Mqtt(arguments) => bench::mqtt::run(&arguments),
        Name::Plugins(arguments) => bench::plugins::run(&arguments),
        Name::Sync(arguments) => bench::sync::run(&arguments),
        Name::Fleet(arguments) => bench::fleet::run(&arguments),
        Name::PluginsLoaded { cache } => return screen::ended(bench::plugins::measure_memory(&cache)),
        Name::BareServer => return screen::ended(peer::server::serve_until_killed()),
    };
    screen::ended(done.map(|report| screen::line(&report)))
}
