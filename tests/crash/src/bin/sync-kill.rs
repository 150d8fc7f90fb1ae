//! `sync-kill`: kills a hub and its stores in the middle of selling, again and again, and holds them to every sale that was acknowledged.
//!
//! The processes are `AISLE_NODE_BIN` and `AISLE_HUB_BIN`, or those beside this program: `cargo build --release -p aisle-node -p aisle-hub`.

use aisle_crash::sync::{Database, Plan};
use clap::Parser;
use std::process::ExitCode;

/// Kills a hub and its stores in the middle of selling and holds them to what they acknowledged.
#[derive(Debug, Parser)]
#[command(name = "sync-kill", version)]
struct Arguments {
    /// How often somebody is killed
    #[arg(long, default_value_t = 100)]
    rounds: u32,
    /// Stores
    #[arg(long, default_value_t = 3)]
    stores: u16,
    /// Who sell in each store, all the time
    #[arg(long, default_value_t = 4)]
    sellers: u16,
    /// Where the hub keeps what it has
    #[arg(long, value_enum, default_value_t = Database::Sqlite)]
    database: Database,
    /// Decides who is killed when, and how the lines are
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command tells what came of it")]
fn main() -> ExitCode {
    let Arguments { rounds, stores, sellers, database, seed } = Arguments::parse();
    match (Plan { rounds, stores, sellers, seed, database }).run() {
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
