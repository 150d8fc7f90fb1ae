//! `browse`: simulated shoppers in a node that runs already.

use super::{
    screen::{self, Live},
    signals::Signals,
};
use aisle_harness::shoppers::{Counts, Crowd, SHOPPERS_MAX, Tally};
use anyhow::{Context, Result, ensure};
use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;

const STATUS_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The node, as `http://host:port`.
    #[arg(long)]
    url: String,
    /// How many shoppers at the same time.
    #[arg(long, default_value_t = 20)]
    shoppers: usize,
    /// Where their choices come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Stop after so many seconds; on Ctrl-C when not given.
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u64>,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let crowd = Crowd::new(&arguments.url, arguments.shoppers, arguments.seed);
    let counts = shop(crowd, arguments.seconds, &mut signals, || Ok(None)).await?;
    Ok(if counts.errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Lets a crowd shop with a live line until a signal or the end of the time; `check` is asked at each line, and may have something to add.
pub(crate) async fn shop(
    crowd: Crowd,
    seconds: Option<u64>,
    signals: &mut Signals,
    mut check: impl FnMut() -> Result<Option<String>>,
) -> Result<Counts> {
    ensure!(crowd.shoppers <= SHOPPERS_MAX, "`shoppers` is {}; at most {SHOPPERS_MAX} fit", crowd.shoppers);
    let tally = Arc::new(Tally::default());
    let (stop, stopped) = watch::channel(false);
    let shared = Arc::clone(&tally);
    let shopping = tokio::spawn(async move { crowd.shop(shared, stopped).await });

    let deadline = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let (mut live, mut before) = (Live::new(), tally.counts());
    let outcome = loop {
        let begun = Instant::now();
        let left = deadline.map_or(STATUS_EVERY, |deadline| deadline.duration_since(begun).min(STATUS_EVERY));
        if signals.stop_within(left).await {
            break Ok(());
        }
        let beside = match check() {
            Ok(beside) => beside,
            Err(error) => break Err(error),
        };
        let counts = tally.counts();
        let line = screen::crowd(&counts, &before, begun.elapsed());
        match beside {
            Some(beside) => live.show(format_args!("{beside} · {line}")),
            None => live.show(line),
        }
        before = counts;
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            break Ok(());
        }
    };
    live.end();
    drop(stop);
    shopping.await.context("the shoppers came to a bad end")?.context("cannot make an HTTP client")?;
    outcome.map(|()| tally.counts())
}
