//! The store that a command works on: a generated shop with a line of progress.

use super::screen::{self, Live};
use aisle_event::Timestamp;
use aisle_harness::shop::{self, Plan, Shop};
use anyhow::Result;
use std::{
    path::Path,
    time::{Instant, SystemTime},
};

/// Fills an empty data directory with the shop of a plan.
pub(crate) fn fill(data: &Path, plan: Plan) -> Result<()> {
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

/// The wall clock, for a shop that ends now.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
