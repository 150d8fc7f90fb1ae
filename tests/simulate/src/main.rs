//! `aisle-simulate`: runs worlds from seeds, and says what the count of those without a failure is worth.

use aisle_simulate::{Outcome, run_many, run_one};
use clap::Parser;
use std::{
    process::ExitCode,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

const TELL_EVERY: Duration = Duration::from_secs(10);

/// Runs stores, lines and hubs from seeds, with everything that goes wrong with them, and counts what was lost.
#[derive(Debug, Parser)]
#[command(name = "aisle-simulate", version)]
struct Arguments {
    /// How many seeds
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// One seed again, exactly as it went
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Say what happens in it
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Stop after so many failures
    #[arg(long, default_value_t = 10)]
    failures_max: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.seed {
        Some(seed) => again(seed, arguments.trace),
        None => many(&arguments),
    }
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command tells what came of it")]
fn again(seed: u64, is_told: bool) -> ExitCode {
    match run_one(seed, None, is_told) {
        Ok(tally) => {
            println!("seed {seed}: {tally:?}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command tells what came of it")]
fn many(arguments: &Arguments) -> ExitCode {
    let begun = Instant::now();
    let told = Mutex::new(begun);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let seeds = arguments.from..arguments.from.saturating_add(arguments.seeds);
    let progress = |done: u64, failed: u64| {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.elapsed() >= TELL_EVERY {
            *told = Instant::now();
            let rate = done as f64 / begun.elapsed().as_secs_f64();
            eprintln!("{done} of {} seeds, {rate:.0} a second, {failed} failed", arguments.seeds);
        }
    };
    let outcome = run_many(seeds.clone(), None, threads, arguments.failures_max, progress);
    let Outcome { seeds: done, failed, failures, tally } = &outcome;
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{done} seeds from {} on in {seconds:.0} s, longest healing {} ms",
        seeds.start, tally.healed_ms_max
    );
    let counts: Vec<String> =
        tally.counts().iter().map(|(name, count)| format!("{} {count}", name.replace('_', " "))).collect();
    println!("{}", counts.join(", "));
    for failure in failures {
        println!("{failure}\n  again: cargo xtask simulate --seed {} --trace", failure.seed);
    }
    if *failed == 0 {
        // Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249 (1983): the rule of three.
        let bound = 3.0 / (*done).max(1) as f64;
        println!("0 in {done} failed: at most {bound:.1e} of such worlds fail, at 95 %");
        ExitCode::SUCCESS
    } else {
        println!("{failed} in {done} failed");
        ExitCode::FAILURE
    }
}
