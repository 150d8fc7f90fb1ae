//! A whole fleet in one thread and one seed, as the tests have it, to be measured from outside: a bad release that is stopped, a good one that reaches every node.
//!
//! Says one line of JSON. Ends with a panic where a promise was broken: somebody stuck, somebody below a minimum, the bad release behind its first wave.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "what the tests are made of is taken as it is"
)]

#[path = "../tests/it/bench.rs"]
mod bench;
#[path = "../tests/it/simulate/mod.rs"]
mod simulate;

use simulate::world::{Bad, World};

fn main() {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse().expect("a number"));
    let nodes = numbers.next().unwrap_or(10_000);
    let seed = numbers.next().unwrap_or(7);
    let mut world = World::new(seed, usize::try_from(nodes).expect("a number of nodes"), Bad::Traps);
    world.run();
    let is_stopped = world.is_bad_stopped();
    let (told, tries) = (world.told(), world.tries);
    println!(
        "{}",
        serde_json::json!({ "nodes": nodes, "seed": seed, "is_bad_stopped": is_stopped, "tries": tries, "told": told })
    );
}
