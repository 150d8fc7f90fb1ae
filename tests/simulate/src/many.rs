//! Many seeds on all processors.

use crate::{
    mutant::Mutant,
    world::{self, Failure, Tally},
};
use std::{
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

/// Failures that are remembered; more are counted.
const FAILURES_MAX: usize = 50;

/// What came of many seeds.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many were run to their end.
    pub seeds: u64,
    /// How many failed.
    pub failed: u64,
    /// The first of them, by their numbers.
    pub failures: Vec<Failure>,
    /// What all of them saw.
    pub tally: Tally,
}

/// Runs a seed; a panic is a failure.
///
/// # Errors
/// When the world was not as it must be.
pub fn run_one(seed: u64, mutant: Option<Mutant>, is_told: bool) -> Result<Tally, Failure> {
    catch_unwind(AssertUnwindSafe(|| world::run(seed, mutant, is_told))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        Err(Failure { seed, at_ms: 0, what: format!("PANICKED: {text}") })
    })
}

/// Runs seeds on so many threads, and goes on after a failure until there are so many. `progress` hears of every seed, on some thread.
pub fn run_many(
    seeds: Range<u64>,
    mutant: Option<Mutant>,
    threads: usize,
    failures_max: u64,
    progress: impl Fn(u64, u64) + Sync,
) -> Outcome {
    let next = AtomicU64::new(seeds.start);
    let outcome = Mutex::new(Outcome::default());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let run = run_one(seed, mutant, false);
            let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
            outcome.seeds += 1;
            match run {
                Ok(tally) => outcome.tally.add(&tally),
                Err(failure) => {
                    outcome.failed += 1;
                    if outcome.failures.len() < FAILURES_MAX {
                        outcome.failures.push(failure);
                    }
                }
            }
            progress(outcome.seeds, outcome.failed);
            if outcome.failed >= failures_max {
                next.store(seeds.end, Ordering::Relaxed);
            }
        }
    };
    thread::scope(|scope| {
        (0..threads.max(1)).for_each(|_| drop(scope.spawn(work)));
    });
    let mut outcome = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcome.failures.sort_by_key(|failure| failure.seed);
    outcome
}
