//! `mqtt`: the node's broker, which acknowledges what is on disk, beside mosquitto, which forgets everything when it stops.
//!
//! One generator loads both in turns, on the cores that they run on. Both are started anew for each round, the node on an
//! empty store. Every figure of a round is taken between the warm-up and the end of the round.

mod acknowledged;
mod broker;
mod certificate;
mod commits;
mod fan;
mod idle;
mod load;
mod steady;
mod storm;

use super::parts::Bench;
use anyhow::Result;
use clap::{Args, ValueEnum};

/// What of it to measure, and how long.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// Only this part; may be repeated
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Rounds of each figure
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long the steady load lasts
    #[arg(long, default_value_t = 120)]
    seconds: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Publishers that wait for their acknowledgements, QoS 1 and 2; processor time per message
    Acknowledged,
    /// One publisher with 50 subscribers, 50 publishers with one
    Fan,
    /// Memory of 5,000 connections, plain and TLS
    Idle,
    /// 2,000 clients at once
    Storm,
    /// 500 clients with ten messages a second each; memory over time
    Steady,
}

/// Measures, and gives the report.
pub(crate) fn run(arguments: &Arguments) -> Result<String> {
    let bench = Bench::new(arguments.rounds, arguments.seconds)?;
    let shared = "Generator, node and mosquitto share the machine's cores; the generator is one thread.";
    bench.report(&arguments.only, shared, |bench, part| match part {
        Part::Acknowledged => acknowledged::measure(bench),
        Part::Fan => fan::measure(bench),
        Part::Idle => idle::measure(bench),
        Part::Storm => storm::measure(bench),
        Part::Steady => steady::measure(bench),
    })
}
