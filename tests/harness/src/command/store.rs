//! The store that a command works on: a generated shop with a line of progress.

use super::screen::{self, Live};
use aisle_event::Timestamp;
use aisle_harness::{
    node::{NodeOptions, NodeUnderTest},
    shop::{self, Plan, Shop},
};
use anyhow::{Context, Result};
use std::{
    path::Path,
    time::{Instant, SystemTime},
};

/// Fills an empty data directory with the shop of a plan, on a thread that may block.
pub(crate) async fn fill(data: &Path, plan: Plan) -> Result<()> {
    let data = data.to_owned();
    tokio::task::spawn_blocking(move || write(&data, plan)).await.context("the generator was cut short")?
}

fn write(data: &Path, plan: Plan) -> Result<()> {
    let (begun, mut live) = (Instant::now(), Live::new());
    let (seed, products) = (plan.seed, plan.products);
    let written = shop::write(data, Shop::open(plan)?, |progress| {
        live.show(format_args!(
            "day {} of {}, {} events",
            progress.days_done, progress.days, progress.events
        ));
    });
    live.end();
    let written = written?;
    screen::line(format_args!(
        "generated {products} products, {} sales, {} sessions: {} events in {:.1} s (seed {seed})",
        written.sales,
        written.sessions,
        written.events,
        begun.elapsed().as_secs_f64(),
    ));
    Ok(())
}

/// Starts a node and waits until it can serve shoppers, on a thread that may block.
pub(crate) async fn serve(options: NodeOptions) -> Result<NodeUnderTest> {
    let starting = tokio::task::spawn_blocking(|| {
        let ready_timeout = options.start_timeout;
        let mut node = NodeUnderTest::start(options)?;
        node.wait_until_ready(ready_timeout).map(|()| node)
    });
    Ok(starting.await.context("the start was cut short")??)
}

/// The wall clock, for a shop that ends now.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
