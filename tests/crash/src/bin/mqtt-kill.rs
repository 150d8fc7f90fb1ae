//! `mqtt-kill`: kills a node in the middle of MQTT publishes, again and again, and holds it to what it acknowledged.
//!
//! The node is `AISLE_NODE_BIN`, or the one beside this program: `cargo build --release -p aisle-node`.

use aisle_crash::mqtt::Plan;
use clap::Parser;
use std::process::ExitCode;

/// Kills a node in the middle of MQTT publishes and holds it to what it acknowledged.
#[derive(Debug, Parser)]
#[command(name = "mqtt-kill", version)]
struct Arguments {
    /// How often the node is killed
    #[arg(long, default_value_t = 100)]
    kills: u32,
    /// Messages around each kill
    #[arg(long, default_value_t = 10_000)]
    messages: u32,
    /// Clients that publish them
    #[arg(long, default_value_t = 20)]
    clients: u16,
    /// Messages that each client has on their way at most
    #[arg(long, default_value_t = 20)]
    window: u16,
    /// Decides when the node is killed
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command tells what came of it")]
fn main() -> ExitCode {
    let Arguments { kills, messages, clients, window, seed } = Arguments::parse();
    match (Plan { kills, messages, clients, window, seed }).run() {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
