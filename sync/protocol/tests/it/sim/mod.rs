//! The seeded simulator: both machines, a store and two hubs in a world where everything goes wrong, and a checker that keeps count.
//!
//! `AISLE_SEEDS=100000` runs more, `AISLE_SEED=42` one again, exactly as it went, and `AISLE_TRACE=1` tells
//! what happens in it.

mod checker;
mod ledger;
mod mutant;
mod random;
mod store;
mod world;

pub use random::Random;

use mutant::Mutant;
use world::{Failure, Tally, run};

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs seeds on all processors, and stops at the first that fails.
fn run_all(seeds: std::ops::Range<u64>, mutant: Option<Mutant>) -> Result<Tally, Failure> {
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let chunk = |thread: u64| {
        let seeds = seeds.clone();
        move || {
            let mut sum = Tally::default();
            for seed in seeds.filter(|seed| seed % threads == thread) {
                let tally = run(seed, mutant)?;
                sum.events += tally.events;
                sum.inputs += tally.inputs;
                sum.acks += tally.acks;
                sum.connections += tally.connections;
                sum.conflicts += tally.conflicts;
                sum.forks += tally.forks;
                sum.unreceipted += tally.unreceipted;
                sum.renewals += tally.renewals;
                sum.behind += tally.behind;
                sum.cut_off += tally.cut_off;
                sum.crashes += tally.crashes;
                sum.restores += tally.restores;
                sum.healed_ms = sum.healed_ms.max(tally.healed_ms);
            }
            Ok(sum)
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|thread| scope.spawn(chunk(thread))).collect();
        let mut sum = Tally::default();
        for worker in workers {
            let part: Tally = worker.join().unwrap()?;
            sum.events += part.events;
            sum.inputs += part.inputs;
            sum.acks += part.acks;
            sum.connections += part.connections;
            sum.conflicts += part.conflicts;
            sum.forks += part.forks;
            sum.unreceipted += part.unreceipted;
            sum.renewals += part.renewals;
            sum.behind += part.behind;
            sum.cut_off += part.cut_off;
            sum.crashes += part.crashes;
            sum.restores += part.restores;
            sum.healed_ms = sum.healed_ms.max(part.healed_ms);
        }
        Ok(sum)
    })
}

#[test]
fn whatever_happens_everything_arrives_once_in_order() {
    if let Some(seed) = from_environment("AISLE_SEED") {
        println!("seed {seed}: {:?}", run(seed, None).unwrap_or_else(|failure| panic!("{failure:#?}")));
        return;
    }
    let seeds = from_environment("AISLE_SEEDS").unwrap_or(2_000);
    let tally = run_all(0..seeds, None)
        .unwrap_or_else(|failure| panic!("replay with AISLE_SEED={}: {failure:#?}", failure.seed));
    println!("seeds 0..{seeds}: {tally:?}");
    // A run in which nothing goes wrong proves nothing.
    for (what, count) in [
        ("conflicts", tally.conflicts),
        ("forks", tally.forks),
        ("receipts that do not follow", tally.unreceipted),
        ("renewals", tally.renewals),
        ("hubs set back", tally.behind),
        ("crashes", tally.crashes),
        ("restores", tally.restores),
    ] {
        assert!(count * 100 > seeds, "only {count} {what} in {seeds} seeds");
    }
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..20 {
        assert_eq!(run(seed, None), run(seed, None), "seed {seed}");
    }
}

fn caught(mutant: Mutant, as_what: &[&str]) {
    let failure = run_all(0..3_000, Some(mutant)).expect_err("3,000 seeds and nothing was seen");
    println!("{mutant:?}: seed {}: {}", failure.seed, failure.what);
    assert!(as_what.iter().any(|what| failure.what.starts_with(what)), "{failure:?}");
    assert_eq!(run(failure.seed, Some(mutant)), Err(failure), "replays exactly");
}

#[test]
fn an_ack_before_the_commit_is_caught() {
    caught(Mutant::AckBeforeCommit, &["LOST"]);
}

#[test]
fn a_cursor_that_is_set_without_a_comparison_is_caught() {
    caught(Mutant::CursorWithoutCompare, &["DUPLICATED", "REORDERED", "UNEXPECTED", "LOST"]);
}

#[test]
fn an_overlap_that_is_trimmed_without_a_look_at_its_hashes_is_caught() {
    caught(Mutant::TrimWithoutHashes, &["LOST", "STUCK", "not all", "UNEXPECTED", "DUPLICATED"]);
}

#[test]
fn a_gate_that_is_bypassed_when_an_epoch_begins_is_caught() {
    caught(Mutant::GateBypassed, &["LEAKED"]);
}

#[test]
fn a_receipt_that_nobody_looks_at_is_caught() {
    caught(Mutant::ReceiptSkipped, &["UNRECEIPTED"]);
}
