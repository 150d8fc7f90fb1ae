//! `fleet`: what ten thousand registered nodes cost whoever looks after them.
//!
//! `grid` is a page of the fleet by a filter, `pages` how long the console's pages are, `resolve` what every node should run, `waves` a release on its way through
//! all of them in simulation, `enrol` boxes that get in. The hub is the real process with a database that was filled before; rules and simulation are the code that hubs and
//! nodes run.

mod boxes;
mod enrol;
mod full;
mod grid;
mod pages;
mod resolve;
mod waves;

use super::parts::Bench;
use anyhow::Result;
use clap::{Args, ValueEnum};

/// What of it to measure, and how much.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// Only this part; may be repeated
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Rounds of each figure that is taken in rounds
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Nodes that are registered
    #[arg(long, default_value_t = 10_000)]
    nodes: usize,
    /// Pages that are asked for in a round
    #[arg(long, default_value_t = 400)]
    requests: usize,
    /// Boxes that enrol in a round
    #[arg(long, default_value_t = 400)]
    boxes: usize,
    /// Boxes that enrol at the same time
    #[arg(long, default_value_t = 8)]
    together: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// A page of the fleet by a filter
    Grid,
    /// How long the console's pages are
    Pages,
    /// What every node should run
    Resolve,
    /// A release on its way through all waves, in simulation
    Waves,
    /// Boxes that get in
    Enrol,
}

/// Measures, and gives the report.
pub(crate) fn run(arguments: &Arguments) -> Result<String> {
    let bench = Bench::new(arguments.rounds, 0)?;
    let shared = "Hub, database and whoever asks share the machine's cores.";
    bench.report(&arguments.only, shared, |bench, part| match part {
        Part::Grid => grid::measure(bench, arguments),
        Part::Pages => pages::measure(arguments),
        Part::Resolve => resolve::measure(bench, arguments.nodes),
        Part::Waves => waves::measure(arguments.nodes),
        Part::Enrol => enrol::measure(bench, arguments),
    })
}
