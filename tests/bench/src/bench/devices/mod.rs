//! `devices`: things in the shop and what they say about stock and cold, each part beside a plainer way to do its work.
//!
//! `board` and `steady` run the real node and mosquitto in turns; `position` and `history` run the node's own parts in this
//! process; `simulator` measures what the devices themselves cost; `sensing` is about being right, not about being fast.

mod board;
mod broker;
mod history;
mod position;
mod reading;
mod scales;
mod sensing;
mod shop;
mod simulation;
mod simulator;
mod staff;
mod steady;

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
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long the steady load lasts, in seconds; a round of the board takes 20 of them at most
    #[arg(long, default_value_t = 600)]
    seconds: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// From a scale's message to the staff board, at 2,000 messages a second
    Board,
    /// 500 simulated devices on one node; memory over time
    Steady,
    /// What one event costs the position, and one reading each part
    Position,
    /// One day out of a year of a hundred sensors
    History,
    /// 5,000 simulated devices in one process
    Simulator,
    /// How right positions and alarms are
    Sensing,
}

/// Measures, and gives the report.
pub(crate) fn run(arguments: &Arguments) -> Result<String> {
    let bench = Bench::new(arguments.rounds, arguments.seconds)?;
    let shared = "Devices, node and mosquitto share the machine's cores.";
    bench.report(&arguments.only, shared, |bench, part| match part {
        Part::Board => board::measure(bench),
        Part::Steady => steady::measure(bench),
        Part::Position => position::measure(bench)
            .and_then(|positions| Ok(format!("{positions}\n\n{}", reading::measure(bench)?))),
        Part::History => history::measure(bench),
        Part::Simulator => simulator::measure(),
        Part::Sensing => sensing::measure(),
    })
}
