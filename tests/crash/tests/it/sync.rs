//! A hub and three stores killed in the middle of selling. The long run is a command:
//! `cargo run --release -p aisle-crash --bin sync-kill -- --rounds 200`.

use aisle_crash::sync::{Database, Plan};

#[allow(clippy::print_stdout, reason = "a figure for the record")]
fn kill(database: Database, seed: u64) {
    let plan = Plan { rounds: 4, stores: 3, sellers: 2, seed, database };
    let report = plan.run().unwrap_or_else(|error| panic!("{error:#}"));
    println!("{report}");
}

#[test]
fn a_hub_and_stores_killed_in_the_middle_of_selling_lose_and_double_no_sale() {
    kill(Database::Sqlite, 7);
}

#[test]
fn nor_do_they_on_postgresql() {
    kill(Database::Postgres, 8);
}
