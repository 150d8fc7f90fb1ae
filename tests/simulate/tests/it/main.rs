//! The simulator's seeds, and the mistakes that it must see.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a test says what it expects by failing"
)]

use aisle_simulate::{Mutant, run_many, run_one};
use std::ops::Range;

/// A test of its own for each quarter, so that a test runner spreads them.
fn nothing_is_lost(seeds: Range<u64>) {
    let outcome = run_many(seeds.clone(), None, 1, 3, |_, _| {});
    for failure in &outcome.failures {
        println!("{failure}\n  again: cargo xtask simulate --seed {} --trace", failure.seed);
    }
    assert_eq!(outcome.failed, 0, "{:#?}", outcome.failures);
    println!("{seeds:?}: {:?}", outcome.tally);
    // A run in which nothing goes wrong proves nothing.
    let count = seeds.end - seeds.start;
    for (what, seen) in outcome.tally.counts() {
        assert!(seen * 200 > count, "only {seen} {what} in {count} seeds");
    }
}

#[test]
fn nothing_is_lost_in_the_first_five_hundred_worlds() {
    nothing_is_lost(0..500);
}

#[test]
fn nothing_is_lost_in_the_second_five_hundred_worlds() {
    nothing_is_lost(500..1_000);
}

#[test]
fn nothing_is_lost_in_the_third_five_hundred_worlds() {
    nothing_is_lost(1_000..1_500);
}

#[test]
fn nothing_is_lost_in_the_fourth_five_hundred_worlds() {
    nothing_is_lost(1_500..2_000);
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..10 {
        assert_eq!(run_one(seed, None, false), run_one(seed, None, false), "seed {seed}");
    }
}

fn caught(mutant: Mutant, seeds_max: u64, as_what: &[&str]) {
    let outcome = run_many(0..seeds_max, Some(mutant), 1, 1, |_, _| {});
    let failure =
        outcome.failures.first().unwrap_or_else(|| panic!("{seeds_max} seeds and nothing was seen"));
    println!("{mutant:?}: {failure}");
    assert!(as_what.iter().any(|what| failure.what.starts_with(what)), "{failure}");
    assert_eq!(run_one(failure.seed, Some(mutant), false), Err(failure.clone()), "replays exactly");
}

#[test]
fn a_journal_that_acknowledges_before_its_sync_is_caught() {
    caught(Mutant::AckBeforeFsync, 50, &["LOST"]);
}

#[test]
fn a_hub_that_acknowledges_before_its_commit_is_caught() {
    caught(Mutant::AckBeforeCommit, 50, &["LOST"]);
}

#[test]
fn a_cursor_that_is_set_without_a_comparison_is_caught() {
    caught(Mutant::CursorWithoutCompare, 300, &["DUPLICATED", "REORDERED", "UNEXPECTED", "LOST", "PANICKED"]);
}

#[test]
fn an_overlap_that_is_trimmed_without_a_look_at_its_hashes_is_caught() {
    caught(
        Mutant::TrimWithoutHashes,
        300,
        &["LOST", "STUCK", "UNEXPECTED", "DUPLICATED", "REORDERED", "UNRECEIPTED"],
    );
}

#[test]
fn a_gate_that_is_bypassed_when_an_epoch_begins_is_caught() {
    caught(Mutant::GateBypassed, 300, &["LEAKED"]);
}

#[test]
fn a_receipt_that_nobody_looks_at_is_caught() {
    caught(Mutant::ReceiptSkipped, 300, &["UNRECEIPTED"]);
}
