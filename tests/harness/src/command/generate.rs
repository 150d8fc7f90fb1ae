//! `generate`: a shop for a data directory that has none.

use super::store;
use aisle_event::Timestamp;
use aisle_harness::shop::Plan;
use anyhow::{Result, bail};
use std::{path::PathBuf, process::ExitCode, str::FromStr};

/// When the generated trade ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Now,
    At(Timestamp),
}

impl FromStr for End {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match (text, text.parse()) {
            ("now", _) => Ok(Self::Now),
            (_, Ok(ms)) => Ok(Self::At(Timestamp(ms))),
            _ => bail!("`{text}` is neither `now` nor milliseconds since 1970"),
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The node's data directory; its journal must be empty or missing.
    #[arg(long)]
    data: PathBuf,
    /// Where everything random comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many products.
    #[arg(long, default_value_t = Plan::PRODUCTS)]
    products: usize,
    /// How many days of trade.
    #[arg(long, default_value_t = Plan::DAYS)]
    days: u32,
    /// Shoppers on an average day.
    #[arg(long, default_value_t = Plan::VISITS_PER_DAY)]
    visits_per_day: u32,
    /// When the trade ends: `now`, or milliseconds since 1970.
    #[arg(long, default_value = "now")]
    end: End,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let end = match arguments.end {
        End::Now => store::now(),
        End::At(at) => at,
    };
    let &Arguments { seed, products, days, visits_per_day, .. } = arguments;
    store::fill(&arguments.data, Plan { seed, products, days, visits_per_day, end }).await?;
    Ok(ExitCode::SUCCESS)
}
