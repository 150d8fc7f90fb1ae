//! `plugins`: what the sandbox adds to what it is made of, and what plugins cost the node.
//!
//! `call` measures a call beside wasmtime alone, `extism` beside another sandbox over the same engine, `basket` a whole node over HTTP
//! beside the same node without plugins; `memory` and `loading` measure what it takes to have plugins at all.

mod bare;
mod basket;
mod call;
mod extism;
mod guests;
mod installed;
mod loading;
mod memory;

pub(crate) use memory::serve as measure_memory;

use super::parts::Bench;
use anyhow::Result;
use clap::{Args, ValueEnum};

/// What of it to measure, and how long.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// Only this part; may be repeated
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Rounds of each figure that is taken in rounds
    #[arg(long, default_value_t = 11)]
    rounds: usize,
    /// How long a round of baskets over HTTP lasts, in seconds
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// A fresh instance and a call, beside wasmtime alone; and in JavaScript, where that was built
    Call,
    /// The same logic as a plugin of Extism's
    Extism,
    /// Baskets over HTTP, beside the node without plugins
    Basket,
    /// What 32 loaded plugins take
    Memory,
    /// Loading from the cache, and compiling
    Loading,
}

/// Measures, and gives the report.
pub(crate) fn run(arguments: &Arguments) -> Result<String> {
    let bench = Bench::new(arguments.rounds, arguments.seconds)?;
    let shared = "Node, plugins, peers and load share the machine's cores.";
    bench.report(&arguments.only, shared, |bench, part| match part {
        Part::Call => call::measure(bench),
        Part::Extism => extism::measure(bench),
        Part::Basket => basket::measure(bench),
        Part::Memory => memory::measure(bench),
        Part::Loading => loading::measure(bench),
    })
}
