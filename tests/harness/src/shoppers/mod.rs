//! Simulated shoppers: they walk through a running node over HTTP as a kiosk's page would.
//!
//! A shopper starts a session, opens products, follows recommendations now and then, fills a basket, pays or leaves.
//! Each thinks between steps, so `n` shoppers are never more than `n` requests at once and no faster than their pace.
//!
//! Not here: what the answers should be; a shopper only counts what it could not use ([`tally`]).

mod api;
mod tally;
mod trip;

pub use tally::{Counts, Tally};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{ops::Range, sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinSet};

/// The most shoppers in one process; each is a task and at most one connection.
pub const SHOPPERS_MAX: usize = 2_000;
/// How long a request may take before it counts as an error.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A crowd of simulated shoppers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crowd {
    /// The node, as `http://host:port`.
    pub url: String,
    /// How many shoppers at the same time; more than [`SHOPPERS_MAX`] are not let in.
    pub shoppers: usize,
    /// Where their choices come from.
    pub seed: u64,
    /// How long one thinks between two steps, in milliseconds.
    pub think_ms: Range<u64>,
}

impl Crowd {
    /// Shoppers that take about a second for each step.
    #[must_use]
    pub fn new(url: impl Into<String>, shoppers: usize, seed: u64) -> Self {
        Self { url: url.into(), shoppers, seed, think_ms: 300..1_800 }
    }

    /// Lets the crowd shop until `stop` becomes true or its sender is gone. Each shopper finishes the request it is in.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub async fn shop(&self, tally: Arc<Tally>, stop: watch::Receiver<bool>) -> Result<(), reqwest::Error> {
        let http = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build()?;
        let mut shoppers = JoinSet::new();
        for number in 0..self.shoppers.min(SHOPPERS_MAX) as u64 {
            let shopper = trip::Shopper {
                api: api::Api::new(http.clone(), &self.url, Arc::clone(&tally)),
                tally: Arc::clone(&tally),
                think_ms: self.think_ms.clone(),
                stop: stop.clone(),
                rng: ChaCha8Rng::seed_from_u64(self.seed.wrapping_add(number).rotate_left(23)),
            };
            shoppers.spawn(shopper.shop());
        }
        while shoppers.join_next().await.is_some() {}
        Ok(())
    }
}

/// A number that no other process draws, for keys that must not collide between runs.
fn nonce() -> u64 {
    rand::rng().random()
}
